// Package faultfs is a file system in memory, for tests: any call can be made
// to fail, and Crash shows what a power cut would leave.
//
// # What a power cut leaves
//
// Programs see every change at once. The disk behind it is certain only of
// what was synced; of the rest, Crash leaves any mixture that the following
// rules allow, chosen by a seed.
//
// Bytes. A file's bytes and size are certain after Sync. After that, each
// sector of 512 bytes is found as it was after one of the writes made to it
// since, or as it was synced; each sector for itself, so that a write may be
// torn, and a later one may be there without an earlier one. What was never
// written reads as zero. The size is one that the file had since the sync, no
// matter which sectors made it: a file that was never synced may be empty, be
// there with zeros in it, or whole. Truncating writes zeros to what it cuts
// off. Of many writes to one sector between two syncs, the first two and the
// last are remembered.
//
// Names. The entries of a directory are certain after SyncDir of it. Of the
// changes after that (names made, linked, moved and removed), each may have
// been kept or lost; but for one name they are kept in order, so that the last
// one kept is preceded by all that came before. A rename is kept or lost as
// one, even between directories, until one of the two is synced: then the
// other half is kept or lost for itself, and the file may be found under both
// names (only the new directory was synced) or neither (only the old one). A
// directory whose own entry is lost is lost with all that is below it, synced
// or not. Syncing a file does nothing for its name, nor a directory for what
// its files hold.
//
// Failed syncs. A Sync or SyncDir that fails leaves all it was to make certain
// uncertain for good: a later one that succeeds makes certain only what was
// written, or which names were changed, after the failure, and that the file is
// as long as what was written needs. Whoever else has the file open is told, too:
// the next Sync of each fails, as Linux has it since 4.13 (fsync(2)); it makes nothing certain, and takes
// nothing away: what was written after the failure is still to be made certain by the next. A SyncDir fails
// once. Programs see nothing else of that until the power is cut.
//
// What is not modelled: rotten sectors, garbage in sectors never written,
// sectors that are themselves torn, errors of a call that did its work all the
// same, permissions, file locks, and times, which a power cut leaves as they
// were.
package faultfs
