package daemon

import (
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
	w := observedFile{f, o.synced}
	if flusher, ok := f.(vfs.Flusher); ok {
		return observedFlusher{w, flusher}, nil
	}
	return w, nil
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

// observedFlusher is the same of a file that is a vfs.Flusher.
type observedFlusher struct {
	observedFile
	vfs.Flusher
}
