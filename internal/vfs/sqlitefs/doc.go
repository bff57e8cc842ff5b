// Package sqlitefs has SQLite keep its files in a file system of ours, for
// tests: with faultfs below it, a test can cut the power between any two calls
// that SQLite makes, and rows and blobs are on one disk.
//
// It does as the VFS does that SQLite brings for Unix, which is what the server
// runs on:
//
//   - the first sync of a journal or log that was opened to be made is followed
//     by a sync of its directory;
//   - deleting a journal is followed by a sync of the directory if SQLite asks
//     for one, and its failure is reported;
//   - every kind of sync is one: NORMAL, FULL and DATAONLY;
//   - sectors are said to have 4096 bytes, and the device to have no more
//     than SQLITE_IOCAP_POWERSAFE_OVERWRITE and SQLITE_IOCAP_SUBPAGE_READ.
//     The first says that a write harms no byte outside of it when the power
//     goes. faultfs keeps to that: it finds a sector of 512 bytes as it was
//     behind one of the writes to it, and none of them changed a byte
//     that it did not write. Without the claim SQLite would pad commits to
//     whole sectors, and something else would be tested than is served.
//
// Locks and the index of the write-ahead log are in the memory of this process
// and gone with it, as they are when the power is. There is no memory mapping.
package sqlitefs
