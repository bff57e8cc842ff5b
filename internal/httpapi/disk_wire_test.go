package httpapi_test

import (
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"

	"boxcar/internal/daemon"
	"boxcar/internal/vfs"
)

// disk is a server's file system that can be made slow, broken or forgetful.
type disk struct {
	vfs.FS
	opened atomic.Int64 // blobs opened for reading
	hidden atomic.Bool  // blobs can't be found

	mu      sync.Mutex
	gate    chan struct{} // reading waits for it to be closed; nil: it does not wait
	create  error         // what making a file fails with
	waiting atomic.Int64  // readers at the gate
}

// on puts the disk under a server.
func (d *disk) on(c *daemon.Config) {
	d.FS, c.FS = vfs.Dir(c.Data), d
	inFiles(c)
}

// inFiles has small blobs be files, too, and no part stay in memory, for tests of
// what becomes of files.
func inFiles(c *daemon.Config) {
	none := int64(-1)
	c.RowBlobs, c.Uploads.Window = &none, none
}

// stop makes readers of blobs wait until the function it returns is called.
func (d *disk) stop() (resume func()) {
	gate := make(chan struct{})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gate = gate
	return sync.OnceFunc(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.gate = nil
		close(gate)
	})
}

// fail makes files impossible to make, or possible again with nil.
func (d *disk) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.create = err
}

func (d *disk) Create(name string) (vfs.File, error) {
	d.mu.Lock()
	err := d.create
	d.mu.Unlock()
	if err != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: err}
	}
	return d.FS.Create(name)
}

func (d *disk) Open(name string) (vfs.File, error) {
	if !strings.HasPrefix(name, "blobs/") {
		return d.FS.Open(name)
	}
	d.opened.Add(1)
	d.mu.Lock()
	gate := d.gate
	d.mu.Unlock()
	if gate != nil {
		d.waiting.Add(1)
		<-gate
		d.waiting.Add(-1)
	}
	if d.hidden.Load() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return d.FS.Open(name)
}

func (d *disk) Stat(name string) (fs.FileInfo, error) {
	if d.hidden.Load() && strings.Count(name, "/") == 2 {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return d.FS.Stat(name)
}
