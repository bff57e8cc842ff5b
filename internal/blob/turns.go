package blob

import (
	"slices"
	"sync"
)

// turns lets so many at a time do what the machine does not do faster for more,
// and has the others wait: the lowest rank goes first, but for one time in
// eight, when it is who waits longest.
type turns struct {
	mu      sync.Mutex
	free    int
	given   uint64
	waiting []waiting // in the order they came
}

type waiting struct {
	rank int64
	turn chan struct{}
}

// take waits for a turn.
func (t *turns) take(rank int64) {
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return
	}
	w := waiting{rank, make(chan struct{})}
	t.waiting = append(t.waiting, w)
	t.mu.Unlock()
	<-w.turn
}

// give ends a turn.
func (t *turns) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		t.free++
		return
	}
	next := 0
	if t.given++; t.given%8 != 0 {
		for i, w := range t.waiting {
			if w.rank < t.waiting[next].rank {
				next = i
			}
		}
	}
	close(t.waiting[next].turn)
	t.waiting = slices.Delete(t.waiting, next, next+1)
}
