package disk

import (
	"sync"

	"boxcar/internal/vfs"
)

// directory groups the syncs of one directory: whoever asks while one is
// running waits for the next, and all who wait share it.
type directory struct {
	fs   vfs.FS
	name string

	running gate // held while a sync runs

	mu     sync.Mutex
	next   *round // the sync that has not begun
	failed int    // syncs that failed
	err    error  // the last failure
}

func newDirectory(fsys vfs.FS, name string) directory {
	return directory{fs: fsys, name: name, running: newGate()}
}

// gate is a lock that is held over calls of the disk. Unlike with a
// sync.Mutex, testing/synctest sees who waits for it, so that a test can
// choose which of several calls comes next.
type gate chan struct{}

func newGate() gate    { return make(gate, 1) }
func (g gate) Lock()   { g <- struct{}{} }
func (g gate) Unlock() { <-g }

// round is one sync and its outcome.
type round struct {
	done   chan struct{}
	failed int // directory.failed at its end
	err    error
}

// failures is the mark to take before a change that sync is to make durable.
func (d *directory) failures() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed
}

// sync makes durable what was changed in the directory before the call. It
// fails too if any sync has failed since the mark was taken: that one may have
// lost the change, and one that goes well after it proves nothing.
func (d *directory) sync(since int) error {
	d.mu.Lock()
	r := d.next
	first := r == nil
	if first {
		r = &round{done: make(chan struct{})}
		d.next = r
	}
	d.mu.Unlock()

	if first {
		d.run(r)
	}
	<-r.done
	if r.failed != since {
		return r.err
	}
	return nil
}

func (d *directory) run(r *round) {
	d.running.Lock()
	defer d.running.Unlock()

	// From here on it is too late to join: a change made now may be missed.
	d.mu.Lock()
	d.next = nil
	d.mu.Unlock()

	err := d.fs.SyncDir(d.name)

	d.mu.Lock()
	if err != nil {
		d.failed++
		d.err = err
	}
	r.failed, r.err = d.failed, d.err
	d.mu.Unlock()
	close(r.done)
}
