package crash_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"boxcar/internal/vfs/faultfs"
)

// schedule lets one file call happen at a time. Whoever is about to make one
// waits; when nobody does anything else any more, a seed says whose call is the
// next. So the same seed has the same calls in the same order, however many
// goroutines make them. It works in a bubble of synctest only.
type schedule struct {
	rng *rand.Rand

	mu      sync.Mutex
	waiting []*call
	came    chan struct{} // has one if there may be somebody
}

// call is one that has not happened yet.
type call struct {
	op   faultfs.Op
	name string
	go_  chan struct{}
}

// callTime is how long a call takes, by the clock of the bubble.
const callTime = time.Millisecond

func newSchedule(seed uint64) *schedule {
	return &schedule{rng: rand.New(rand.NewPCG(seed, 1)), came: make(chan struct{}, 1)}
}

// watch makes the calls of a disk wait for their turn.
func (s *schedule) watch(fsys *faultfs.FS) {
	fsys.Watch(func(op faultfs.Op, name string) {
		c := &call{op: op, name: name, go_: make(chan struct{})}
		s.mu.Lock()
		s.waiting = append(s.waiting, c)
		s.mu.Unlock()
		select {
		case s.came <- struct{}{}:
		default:
		}
		<-c.go_
	})
}

// run runs the clients' calls until done is closed. before is called before
// each call, while nobody does anything.
func (s *schedule) run(done <-chan struct{}, before func(op faultfs.Op, name string)) {
	for {
		synctest.Wait()
		c := s.next()
		if c == nil {
			select {
			case <-done:
				return
			case <-s.came: // or the time goes on
			}
			continue
		}
		before(c.op, c.name)
		time.Sleep(callTime) // for those who wait for a time
		close(c.go_)
	}
}

// next takes one of the calls that wait.
func (s *schedule) next() *call {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		return nil
	}
	// In which order they came is chance.
	slices.SortStableFunc(s.waiting, func(a, b *call) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.op, b.op))
	})
	i := s.rng.IntN(len(s.waiting))
	c := s.waiting[i]
	s.waiting = slices.Delete(s.waiting, i, i+1)
	return c
}
