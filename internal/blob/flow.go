package blob

import (
	"sync/atomic"
	"time"
)

// Flow is how the bytes of a source come. Its methods may be called while
// others use the source.
type Flow struct {
	bytes  atomic.Int64
	waited atomic.Int64 // ns
	since  atomic.Int64 // when a read began that has not ended, ns; else 0
}

// epoch is where a Flow counts from: its clock is not turned back.
var epoch = time.Now()

func (f *Flow) now() int64 { return int64(time.Since(epoch)) }

func (f *Flow) waits() { f.since.Store(f.now()) }

// came ends what waits began. Who looks in between sees a read that has just begun.
func (f *Flow) came(n int) {
	began := f.since.Swap(0)
	f.waited.Add(f.now() - began)
	f.bytes.Add(int64(n))
}

// Flow tells how what is read by Next comes.
func (s *Source) Flow() *Flow { return &s.flow }

// Bytes is how many have come.
func (f *Flow) Bytes() int64 { return f.bytes.Load() }

// Waited is how long they were waited for, while none were hashed or stored.
func (f *Flow) Waited() time.Duration {
	waited := f.waited.Load()
	if began := f.since.Load(); began != 0 {
		waited += max(0, f.now()-began)
	}
	return time.Duration(waited)
}
