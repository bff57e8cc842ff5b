package sqlitefs

import (
	"io"
	"path"
	"sync"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"

	"boxcar/internal/vfs"
)

// handle is an sqlite3_file, in SQLite's memory.
type handle struct {
	methods uintptr
	file    uintptr // its number in files
}

// file is what a handle stands for.
type file struct {
	vfs.File
	disk *VFS
	name string
	node *node
	// syncName says that the first sync is to make the name durable, too.
	syncName bool

	lock         int32  // on the node
	shared, only uint16 // bits of the node's shmLocks
	mapped       bool
}

func fileOf(h uintptr) *file { return files.get(at[handle](h).file) }

// methods is the one table of the functions below, which
// sqlite.org/c3ref/io_methods.html describes.
var methods = sync.OnceValue(func() uintptr {
	tls := libc.NewTLS()
	defer tls.Close()
	address := alloc(tls, int(unsafe.Sizeof(lib.Tsqlite3_io_methods{})))
	*at[lib.Tsqlite3_io_methods](address) = lib.Tsqlite3_io_methods{
		FiVersion:               2,
		FxClose:                 function(xClose),
		FxRead:                  function(xRead),
		FxWrite:                 function(xWrite),
		FxTruncate:              function(xTruncate),
		FxSync:                  function(xSync),
		FxFileSize:              function(xFileSize),
		FxLock:                  function(xLock),
		FxUnlock:                function(xUnlock),
		FxCheckReservedLock:     function(xCheckReservedLock),
		FxFileControl:           function(xFileControl),
		FxSectorSize:            function(xSectorSize),
		FxDeviceCharacteristics: function(xDeviceCharacteristics),
		FxShmMap:                function(xShmMap),
		FxShmLock:               function(xShmLock),
		FxShmBarrier:            function(xShmBarrier),
		FxShmUnmap:              function(xShmUnmap),
	}
	return address
})

func xClose(tls *libc.TLS, h uintptr) int32 {
	f := fileOf(h)
	xUnlock(tls, h, lib.SQLITE_LOCK_NONE)
	f.disk.drop(tls, f)
	files.drop(at[handle](h).file)
	if f.Close() != nil {
		return lib.SQLITE_IOERR_CLOSE
	}
	return lib.SQLITE_OK
}

func xRead(_ *libc.TLS, h, into uintptr, size int32, offset int64) int32 {
	b := memory(into, int(size))
	switch n, err := fileOf(h).ReadAt(b, offset); {
	case n == len(b):
		return lib.SQLITE_OK
	case err == io.EOF:
		clear(b[n:])
		return lib.SQLITE_IOERR_SHORT_READ
	}
	return lib.SQLITE_IOERR_READ
}

func xWrite(_ *libc.TLS, h, from uintptr, size int32, offset int64) int32 {
	switch _, err := fileOf(h).WriteAt(memory(from, int(size)), offset); {
	case err == nil:
		return lib.SQLITE_OK
	case vfs.IsFull(err):
		return lib.SQLITE_FULL
	}
	return lib.SQLITE_IOERR_WRITE
}

func xTruncate(_ *libc.TLS, h uintptr, size int64) int32 {
	if fileOf(h).Truncate(size) != nil {
		return lib.SQLITE_IOERR_TRUNCATE
	}
	return lib.SQLITE_OK
}

func xSync(_ *libc.TLS, h uintptr, _ int32) int32 {
	f := fileOf(h)
	if f.Sync() != nil {
		return lib.SQLITE_IOERR_FSYNC
	}
	if f.syncName {
		f.disk.fs.SyncDir(path.Dir(f.name)) // os_unix.c does not look at how that ends either
		f.syncName = false
	}
	return lib.SQLITE_OK
}

func xFileSize(_ *libc.TLS, h, out uintptr) int32 {
	info, err := fileOf(h).Stat()
	if err != nil {
		return lib.SQLITE_IOERR_FSTAT
	}
	*at[int64](out) = info.Size()
	return lib.SQLITE_OK
}

func xFileControl(*libc.TLS, uintptr, int32, uintptr) int32 { return lib.SQLITE_NOTFOUND }

func xSectorSize(*libc.TLS, uintptr) int32 { return 4096 }

func xDeviceCharacteristics(*libc.TLS, uintptr) int32 {
	return lib.SQLITE_IOCAP_POWERSAFE_OVERWRITE | lib.SQLITE_IOCAP_SUBPAGE_READ
}
