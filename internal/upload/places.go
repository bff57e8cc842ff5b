package upload

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"boxcar/internal/content"
)

// places bounds how many bodies are taken in at once, in all and for each
// user. What a body costs in memory is fixed, so this bounds memory.
type places struct {
	free    chan struct{}
	waiting atomic.Int64

	mu      sync.Mutex
	perUser map[content.ID]int
	most    int
}

func newPlaces(all, perUser int) *places {
	return &places{free: make(chan struct{}, all), perUser: map[content.ID]int{}, most: perUser}
}

// take waits for a place, and returns how to give it back. A user at the
// user's own limit is told at once (content.RateLimited); waiting for the
// server's ends in content.Unavailable.
func (p *places) take(ctx context.Context, user content.ID, wait time.Duration) (release func(), err error) {
	p.mu.Lock()
	if p.perUser[user] >= p.most {
		p.mu.Unlock()
		return nil, &content.Error{Kind: content.RateLimited, RetryAfter: time.Second,
			Message: "you are sending too many bodies at once"}
	}
	p.perUser[user]++
	p.mu.Unlock()
	leave := func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.perUser[user]--; p.perUser[user] == 0 {
			delete(p.perUser, user)
		}
	}

	select {
	case p.free <- struct{}{}:
	default:
		p.waiting.Add(1)
		defer p.waiting.Add(-1)
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case p.free <- struct{}{}:
		case <-ctx.Done():
			leave()
			return nil, context.Cause(ctx)
		case <-t.C:
			leave()
			return nil, &content.Error{Kind: content.Unavailable, RetryAfter: time.Second,
				Message: "the server is taking in as many bodies as it can"}
		}
	}
	return func() { <-p.free; leave() }, nil
}
