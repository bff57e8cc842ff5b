// Package vfs is the few file calls that storage needs, so that tests can make
// each of them fail and can see what a power cut would leave.
package vfs

import (
	"io"
	"io/fs"
)

// FS is a directory and what is below it. Names are relative and use slashes.
// Its methods may be called concurrently. Errors are *fs.PathError or like
// it: errors.Is finds fs.ErrNotExist, fs.ErrExist and the system's errno.
type FS interface {
	// Open opens a file for reading.
	Open(name string) (File, error)
	// Create makes a new file for reading and writing, mode 0600; it fails with fs.ErrExist
	// if the name is taken.
	Create(name string) (File, error)
	// Rename moves a file within the file system, replacing newname. The move
	// is durable after SyncDir of both directories.
	Rename(oldname, newname string) error
	// Link gives a file a second name; it fails with fs.ErrExist if newname is
	// taken, and then newname stays what it was. The name is durable after
	// SyncDir of its directory.
	Link(oldname, newname string) error
	// Remove removes a file or an empty directory; durable after SyncDir of
	// the directory it was in. Open files stay readable, but not on Windows.
	Remove(name string) error
	// MkdirAll makes a directory, mode 0700, and its parents; one that exists
	// is not an error. New directories are durable after SyncDir of their parents.
	MkdirAll(name string) error
	// ReadDir lists a directory, sorted by name.
	ReadDir(name string) ([]fs.DirEntry, error)
	// Stat describes a file or directory.
	Stat(name string) (fs.FileInfo, error)
	// SyncDir makes the entries of a directory durable: names made, moved and
	// removed in it before the call. Where the system has no such thing
	// (Windows, which journals them) it does nothing.
	SyncDir(name string) error
}

// File is an open file.
type File interface {
	io.ReadWriteCloser
	io.ReaderAt
	io.WriterAt
	io.Seeker
	Stat() (fs.FileInfo, error)
	Truncate(size int64) error
	// Sync makes the file's bytes and size durable, not its name. After an
	// error it is unknown what is durable; calling it again proves nothing.
	Sync() error
}

// Flusher is a File that can begin to write back a range of its bytes before
// Sync waits for all of them. It promises nothing about durability, and what
// goes wrong is left for Sync to report.
type Flusher interface {
	Flush(offset, length int64)
}

// Director is an FS whose files can bypass the page cache on their way to the
// disk: no copy is made of what is written, and none is left behind to be read.
type Director interface {
	// CreateDirect is Create for a file that is written from its start in blocks that lie at a
	// multiple of 4096 bytes in memory; all but the last have a multiple of 4096
	// bytes. What is durable is left to Sync. It fails with errors.ErrUnsupported
	// where the file system can't do that.
	CreateDirect(name string) (File, error)
}

// Allocator is a File that can get its room on the disk before it is written.
type Allocator interface {
	// Allocate takes room for size bytes from the start of the file, which may be as long
	// at once. A disk that is too full says so now; a file system that can't do it is no error.
	Allocate(size int64) error
}
