package client

import (
	"context"
	"sync"
	"time"
)

// throttle says how many parts are sent at once. It climbs towards the number with
// which most bytes a second move, and halves when requests fail.
type throttle struct {
	mu          sync.Mutex
	min, max    int
	limit, busy int
	changed     chan struct{} // closed when limit or busy has changed
	now         func() time.Time
	since       time.Time // when this window began
	bytes       int64     // moved in it
	parts       int       // moved in it
	rate        float64   // of the window before, bytes a second; 0: none to compare with
	step        int       // +1 or -1: where the last window went
	failedAt    time.Time
}

const startParallel = 4

func newThrottle(lowest, highest int) *throttle {
	return &throttle{
		min: lowest, max: highest, limit: min(max(startParallel, lowest), highest),
		changed: make(chan struct{}), now: time.Now, step: 1,
	}
}

// acquire waits for a place.
func (t *throttle) acquire(ctx context.Context) error {
	for {
		t.mu.Lock()
		if t.busy < t.limit {
			if t.busy == 0 && t.bytes == 0 {
				t.since = t.now() // nothing has moved since
			}
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

// moved says that a part of n bytes has arrived. A window ends with as many parts
// as are sent at once, and not before shortest: then its rate is compared with
// that of the one before.
func (t *throttle) moved(n int64) {
	const shortest = 200 * time.Millisecond
	const notable = 0.05 // less of a difference is noise
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bytes += n
	t.parts++
	now := t.now()
	took := now.Sub(t.since)
	if t.parts < t.limit || took < shortest {
		return
	}
	rate := float64(t.bytes) / took.Seconds()
	switch {
	case t.rate == 0:
		t.step = 1
	case rate < t.rate*(1-notable):
		t.step = -t.step
	case rate < t.rate*(1+notable):
		// As good with more or less: less is kinder to the server.
		t.step = -1
	}
	t.rate = rate
	t.set(t.limit+t.step, now)
}

// failed says that the server, or the way there, had too much.
func (t *throttle) failed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	// Requests that fail together have one cause.
	if !t.failedAt.IsZero() && now.Sub(t.failedAt) < time.Second {
		return
	}
	t.failedAt, t.rate = now, 0
	t.set(t.limit/2, now)
}

// set begins a new window.
func (t *throttle) set(limit int, now time.Time) {
	t.limit = min(max(limit, t.min), t.max)
	t.since, t.bytes, t.parts = now, 0, 0
	t.wake()
}
