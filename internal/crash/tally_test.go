package crash_test

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// tally counts over all runs.
type tally struct {
	want int // distinct states; 0: no end

	opened, proved atomic.Int64
	cuts, states   atomic.Int64
	runs           atomic.Int64

	mu       sync.Mutex
	distinct map[uint64]struct{}
}

func newTally(want int) *tally { return &tally{want: want, distinct: map[uint64]struct{}{}} }

func (t *tally) cut(states int) {
	t.cuts.Add(1)
	t.states.Add(int64(states))
}

// state counts what a power cut has left, and says whether it is new.
func (t *tally) state(n uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, old := t.distinct[n]
	t.distinct[n] = struct{}{}
	return !old
}

func (t *tally) enough() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.want > 0 && len(t.distinct) >= t.want
}

func (t *tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return fmt.Sprintf("%d states left by %d power cuts in %d runs: %d distinct, %d opened, %d with other rows or blobs proved",
		t.states.Load(), t.cuts.Load(), t.runs.Load(), len(t.distinct), t.opened.Load(), t.proved.Load())
}
