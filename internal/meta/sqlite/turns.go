package sqlite

import (
	"context"
	"slices"
	"sync"
	"time"
)

// turns is a lock that is handed on in the order of asking, and that can be
// handed on with something unfinished.
type turns struct {
	mu      sync.Mutex
	taken   bool
	waiting []chan struct{}
	came    chan struct{} // closed when somebody asks; nil while nobody expects it
}

// take waits for the turn. If ctx ends first, it may return nil all the same:
// then the turn had come already.
func (t *turns) take(ctx context.Context) error {
	t.mu.Lock()
	if !t.taken {
		t.taken = true
		t.mu.Unlock()
		return nil
	}
	mine := make(chan struct{})
	t.waiting = append(t.waiting, mine)
	if t.came != nil {
		close(t.came)
		t.came = nil
	}
	t.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.waiting, mine); i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
		return ctx.Err()
	}
	return nil
}

// pass gives the turn to whoever has waited longest, and says whether there was anybody.
// If not, the caller still has it.
func (t *turns) pass() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		return false
	}
	next := t.waiting[0]
	t.waiting = slices.Delete(t.waiting, 0, 1)
	close(next)
	return true
}

// expect waits for somebody to ask for the turn, which the caller has and keeps,
// and says whether anybody has.
func (t *turns) expect(most time.Duration) bool {
	t.mu.Lock()
	if len(t.waiting) > 0 || most <= 0 {
		defer t.mu.Unlock()
		return len(t.waiting) > 0
	}
	came := make(chan struct{})
	t.came = came
	t.mu.Unlock()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-came:
		return true
	case <-timer.C:
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.came = nil
	return len(t.waiting) > 0
}

// free gives the turn up.
func (t *turns) free() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) > 0 {
		next := t.waiting[0]
		t.waiting = slices.Delete(t.waiting, 0, 1)
		close(next)
		return
	}
	t.taken = false
}
