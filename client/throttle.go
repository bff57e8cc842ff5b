package client

import (
	"context"
	"sync"
	"time"
)

// throttle says how many parts are sent at once. It climbs towards the smallest
// number with which about as many bytes a second move as with any, and halves when
// requests fail.
//
// It has a base, and now and then tries another number for a window: up first, by
// doubling as long as that pays.
type throttle struct {
	mu          sync.Mutex
	min, max    int
	limit, busy int
	changed     chan struct{} // closed when limit or busy has changed

	base     int
	rate     float64 // with base, bytes a second; 0: not known
	doubling bool
	down     bool // where the next trial goes
	rests    int  // windows before it
	patience int  // the rests after a trial that did not pay

	// The window: parts that have begun in it, and have arrived.
	since    time.Time
	bytes    int64
	parts    int
	took     time.Duration // all of them together
	failedAt time.Time
}

const (
	startParallel  = 4
	shortestWindow = 200 * time.Millisecond
	notable        = 0.05 // less of a difference is noise
	mostPatience   = 8
)

func newThrottle(lowest, highest int) *throttle {
	start := min(max(startParallel, lowest), highest)
	return &throttle{
		min: lowest, max: highest, limit: start, base: start, doubling: true, patience: 1,
		changed: make(chan struct{}), since: time.Now(),
	}
}

// acquire waits for a place.
func (t *throttle) acquire(ctx context.Context) error {
	for {
		t.mu.Lock()
		if t.busy < t.limit {
			t.busy++
			t.mu.Unlock()
			return nil
		}
		changed := t.changed
		t.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// release gives a place back.
func (t *throttle) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy--
	t.wake()
}

func (t *throttle) wake() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// moved says that a part of n bytes has arrived, which began then. A window ends
// with as many parts as are sent at once, and not before shortestWindow. Its rate
// is what they would come to side by side: to count what arrives in it would tell
// more of how parts that end together fall into windows.
func (t *throttle) moved(n int64, began time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if began.Before(t.since) {
		return // of another window
	}
	now := time.Now()
	t.bytes += n
	t.parts++
	t.took += now.Sub(began)
	if t.parts < t.limit || now.Sub(t.since) < shortestWindow || t.took <= 0 {
		return
	}
	t.judge(float64(t.bytes) / t.took.Seconds() * float64(t.limit))
	t.begin(now)
}

// judge draws what there is to draw from the rate of a window.
func (t *throttle) judge(rate float64) {
	pays := false
	switch {
	case t.limit > t.base:
		pays = rate > t.rate*(1+notable)
	case t.limit < t.base:
		pays = rate > t.rate*(1-notable) // as good with less is kinder to the server
		rate = max(rate, t.rate)         // many small losses are a large one
	case t.rate == 0:
		t.rate = rate
	default:
		t.rate = (t.rate + rate) / 2
		t.rests--
	}
	switch {
	case pays:
		t.base, t.rate, t.patience = t.limit, rate, 1
	case t.limit != t.base:
		t.rests, t.patience = t.patience, min(2*t.patience, mostPatience)
		t.turn()
	}
	if t.down && t.base == t.min || !t.down && t.base == t.max {
		t.rests = max(t.rests, t.patience)
		t.turn()
	}
	if t.limit = t.base; t.rests <= 0 {
		t.limit = t.trial()
	}
}

// turn has the next trial go the other way.
func (t *throttle) turn() { t.down, t.doubling = !t.down, false }

// trial is another number than the base, if the bounds leave one.
func (t *throttle) trial() int {
	step := 1
	switch {
	case t.down:
		step = -1
	case t.doubling:
		step = t.base
	}
	return min(max(t.base+step, t.min), t.max)
}

// failed says that the server, or the way there, had too much.
func (t *throttle) failed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	// Requests that fail together have one cause.
	if !t.failedAt.IsZero() && now.Sub(t.failedAt) < time.Second {
		return
	}
	t.failedAt = now
	t.limit = max(t.limit/2, t.min)
	t.base, t.rate, t.rests, t.patience = t.limit, 0, 0, 1
	t.down, t.doubling = false, false
	t.begin(now)
}

// begin begins a window, perhaps with another limit.
func (t *throttle) begin(now time.Time) {
	t.since, t.bytes, t.parts, t.took = now, 0, 0, 0
	t.wake()
}
