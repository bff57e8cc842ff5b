package crash_test

import (
	"fmt"
	"sync"
)

// counts are over all runs.
type counts struct {
	Runs, Cuts, States, Opened, Proved int
	Distinct                           []uint64
}

// tally adds up counts.
type tally struct {
	want int // distinct states; 0: no end

	mu       sync.Mutex
	n        counts // its Distinct are those since the last report
	distinct map[uint64]struct{}
	over     bool
}

func newTally(want int) *tally { return &tally{want: want, distinct: map[uint64]struct{}{}} }

func (t *tally) count(n counts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n.Runs += n.Runs
	t.n.Cuts += n.Cuts
	t.n.States += n.States
	t.n.Opened += n.Opened
	t.n.Proved += n.Proved
	for _, s := range n.Distinct {
		t.distinct[s] = struct{}{}
	}
}

// state counts what a power cut has left, and says whether it is new.
func (t *tally) state(n uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n.States++
	if _, old := t.distinct[n]; old {
		return false
	}
	t.distinct[n] = struct{}{}
	t.n.Distinct = append(t.n.Distinct, n)
	return true
}

// report is what was counted since the last one.
func (t *tally) report() counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.n
	t.n = counts{}
	return n
}

func (t *tally) enough() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.over || t.want > 0 && len(t.distinct) >= t.want
}

func (t *tally) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
}

func (t *tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return fmt.Sprintf("%d states left by %d power cuts in %d runs: %d distinct, %d opened, %d with other rows or blobs proved",
		t.n.States, t.n.Cuts, t.n.Runs, len(t.distinct), t.n.Opened, t.n.Proved)
}
