package sqlitefs

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"path"
	"strings"
	"time"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"

	"boxcar/internal/vfs"
)

// These are the functions of an sqlite3_vfs, which sqlite.org/c3ref/vfs.html
// describes.

func diskOf(table uintptr) *VFS { return disks.get(at[lib.Tsqlite3_vfs](table).FpAppData) }

// local is the name within the file system. SQLite is given absolute paths.
func local(address uintptr) string { return strings.TrimPrefix(text(address), "/") }

func xOpen(_ *libc.TLS, table, name, into uintptr, flags int32, outFlags uintptr) int32 {
	*at[handle](into) = handle{} // no methods: not to be closed
	if name == 0 {
		return lib.SQLITE_CANTOPEN // temp_store(MEMORY) needs no nameless files
	}
	d, n := diskOf(table), local(name)
	var f vfs.File
	var err error
	switch {
	case flags&lib.SQLITE_OPEN_READWRITE == 0:
		f, err = d.fs.Open(n)
	default:
		f, err = d.fs.Modify(n)
		if errors.Is(err, fs.ErrNotExist) && flags&lib.SQLITE_OPEN_CREATE != 0 {
			f, err = d.fs.Create(n)
		}
	}
	if err != nil {
		return lib.SQLITE_CANTOPEN
	}
	const journals = lib.SQLITE_OPEN_MAIN_JOURNAL | lib.SQLITE_OPEN_SUPER_JOURNAL | lib.SQLITE_OPEN_WAL
	*at[handle](into) = handle{methods: methods(), file: files.put(&file{
		File: f, disk: d, name: n, node: d.hold(n),
		syncName: flags&lib.SQLITE_OPEN_CREATE != 0 && flags&journals != 0,
	})}
	if outFlags != 0 {
		*at[int32](outFlags) = flags
	}
	return lib.SQLITE_OK
}

func xDelete(_ *libc.TLS, table, name uintptr, syncDir int32) int32 {
	d, n := diskOf(table), local(name)
	switch err := d.fs.Remove(n); {
	case errors.Is(err, fs.ErrNotExist):
		return lib.SQLITE_IOERR_DELETE_NOENT
	case err != nil:
		return lib.SQLITE_IOERR_DELETE
	}
	if syncDir != 0 && d.fs.SyncDir(path.Dir(n)) != nil {
		return lib.SQLITE_IOERR_DIR_FSYNC
	}
	return lib.SQLITE_OK
}

// xAccess holds empty files for missing ones when asked whether one exists, as
// on Unix: an empty journal is no journal.
func xAccess(_ *libc.TLS, table, name uintptr, flags int32, out uintptr) int32 {
	info, err := diskOf(table).fs.Stat(local(name))
	yes := err == nil && (flags != lib.SQLITE_ACCESS_EXISTS || info.Size() > 0)
	*at[int32](out) = libc.BoolInt32(yes)
	return lib.SQLITE_OK
}

func xFullPathname(_ *libc.TLS, _, name uintptr, size int32, out uintptr) int32 {
	s := text(name)
	if len(s) >= int(size) {
		return lib.SQLITE_CANTOPEN
	}
	copy(memory(out, len(s)+1), s+"\x00")
	return lib.SQLITE_OK
}

func xRandomness(_ *libc.TLS, _ uintptr, size int32, out uintptr) int32 {
	rand.Read(memory(out, int(size)))
	return size
}

func xSleep(_ *libc.TLS, _ uintptr, micros int32) int32 {
	time.Sleep(time.Duration(micros) * time.Microsecond)
	return micros
}

func xGetLastError(*libc.TLS, uintptr, int32, uintptr) int32 { return 0 }

// xCurrentTimeInt64 is in milliseconds of the Julian calendar.
func xCurrentTimeInt64(_ *libc.TLS, _, out uintptr) int32 {
	const unixEpoch = 24405875 * 8640000
	*at[int64](out) = unixEpoch + time.Now().UnixMilli()
	return lib.SQLITE_OK
}
