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
