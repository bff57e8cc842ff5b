package client

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"boxcar/boxapi"
)

// Retry says how long, and how often, a request is tried again. The zero Retry
// is the default.
type Retry struct {
	// Budget is how long one request may go on failing, from its first
	// failure. Default 5 minutes. A Retry-After that asks for more than is
	// left of it ends the request at once.
	Budget time.Duration

	// The n-th wait is random between nothing and MinWait·2ⁿ, but never longer
	// than MaxWait. Defaults 500 ms and 30 s. A Retry-After is kept to instead.
	MinWait, MaxWait time.Duration

	// CommitBudget is how long a commit may be under way, with all its 202s.
	// Default 1 hour: Box may take long over large files.
	CommitBudget time.Duration
}

func (r Retry) withDefaults() Retry {
	for _, d := range []struct {
		value *time.Duration
		def   time.Duration
	}{
		{&r.Budget, 5 * time.Minute}, {&r.MinWait, 500 * time.Millisecond},
		{&r.MaxWait, 30 * time.Second}, {&r.CommitBudget, time.Hour},
	} {
		if *d.value <= 0 {
			*d.value = d.def
		}
	}
	return r
}

// patience is what is left of a Retry's budget for one thing that keeps failing.
// It is not for concurrent use.
type patience struct {
	retry  Retry
	budget time.Duration
	since  time.Time // the first failure
	tries  int
}

func (r Retry) start() *patience { return &patience{retry: r, budget: r.Budget} }

// next says how long to wait before the next attempt, and whether there is to be
// one at all.
func (p *patience) next(asked time.Duration, hasAsked bool) (time.Duration, bool) {
	now := time.Now()
	if p.since.IsZero() {
		p.since = now
	}
	left := p.budget - now.Sub(p.since)
	wait := asked
	if !hasAsked {
		most := p.retry.MaxWait
		if p.tries < 20 {
			most = min(most, p.retry.MinWait<<p.tries)
		}
		wait = time.Duration(rand.Int64N(int64(most) + 1))
	} else if wait == 0 {
		// "Now" from a server that has just failed is a little later.
		wait = time.Duration(rand.Int64N(int64(p.retry.MinWait) + 1))
	}
	p.tries++
	return wait, wait <= left
}

// sleep waits, and returns the cause if ctx ends before.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// retryAfter reads the header of a reply. A date is compared with the server's
// own clock, if the reply tells it.
func retryAfter(h http.Header) (time.Duration, bool) {
	now := time.Now()
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return boxapi.ParseRetryAfter(h.Get("Retry-After"), now)
}
