package daemon

import (
	"errors"
	"io/fs"
	"time"

	"boxcar/internal/metrics"
	"boxcar/internal/vfs"
)

// observed is a file system whose syncs are counted. Files that are opened for
// reading are those of the file system itself: the kernel copies from them.
type observed struct {
	vfs.FS
	synced func(of string, took time.Duration, err error)
}

func (o observed) Create(name string) (vfs.File, error) {
	f, err := o.FS.Create(name)
	if err != nil {
		return nil, err
	}
	return observedFile{f, o.synced}, nil
}

func (o observed) CreateDirect(name string) (vfs.File, error) {
	d, ok := o.FS.(vfs.Director)
	if !ok {
		return nil, &fs.PathError{Op: "create", Path: name, Err: errors.ErrUnsupported}
	}
	f, err := d.CreateDirect(name)
	if err != nil {
		return nil, err
	}
	return observedFile{f, o.synced}, nil
}

func (o observed) SyncDir(name string) error {
	began := time.Now()
	err := o.FS.SyncDir(name)
	o.synced(metrics.Directory, time.Since(began), err)
	return err
}

type observedFile struct {
	vfs.File
	synced func(of string, took time.Duration, err error)
}

func (f observedFile) Sync() error {
	began := time.Now()
	err := f.File.Sync()
	f.synced(metrics.File, time.Since(began), err)
	return err
}

// Flush begins write-back where the file can.
func (f observedFile) Flush(offset, length int64) {
	if flusher, ok := f.File.(vfs.Flusher); ok {
		flusher.Flush(offset, length)
	}
}

// Allocate takes room where the file can.
func (f observedFile) Allocate(size int64) error {
	if a, ok := f.File.(vfs.Allocator); ok {
		return a.Allocate(size)
	}
	return nil
}
