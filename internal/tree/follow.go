package tree

import (
	"context"
	"slices"
	"sync"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// followers are those who wait for something to happen in their streams. While
// anybody waits, one goroutine looks for events, for all of them.
type followers struct {
	mu     sync.Mutex
	all    int
	users  map[content.ID][]chan struct{} // each is closed when something has happened
	closed chan struct{}                  // when nobody may wait any more; nil until it is needed
	// ready is closed once the goroutine that looks has begun; nil if there is none.
	ready chan struct{}
}

const (
	maxWaiting     = 4096 // in all
	maxWaitingUser = 32   // of one user
	lookEvery      = 250 * time.Millisecond
)

// end is closed when waiting is over.
func (f *followers) end() chan struct{} {
	if f.closed == nil {
		f.closed = make(chan struct{})
	}
	return f.closed
}

// EndWaits ends all that Wait, and those that would: the server stops.
func (s *Service) EndWaits() {
	f := &s.followers
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.end():
	default:
		close(f.closed)
	}
}

// Wait waits until there is an event in a user's stream behind a position, for
// as long as it may take, and says whether there is one. No transaction is open
// meanwhile. Who can't wait since too many do gets a content.RateLimited or
// content.Unavailable error.
func (s *Service) Wait(ctx context.Context, user content.ID, after int64, long time.Duration) (changed bool, err error) {
	f := &s.followers
	woken := make(chan struct{})
	f.mu.Lock()
	end := f.end()
	switch {
	case len(f.users[user]) >= maxWaitingUser:
		err = &content.Error{Kind: content.RateLimited, RetryAfter: 30 * time.Second, Message: "too many requests of this user wait for events"}
	case f.all >= maxWaiting:
		err = &content.Error{Kind: content.Unavailable, RetryAfter: 30 * time.Second, Message: "too many requests wait for events"}
	}
	if err != nil {
		f.mu.Unlock()
		return false, err
	}
	if f.users == nil {
		f.users = map[content.ID][]chan struct{}{}
	}
	f.users[user] = append(f.users[user], woken)
	f.all++
	if f.ready == nil {
		f.ready = make(chan struct{})
		go s.look(f.ready)
	}
	ready := f.ready
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.all--
		if f.users[user] = slices.DeleteFunc(f.users[user], func(c chan struct{}) bool { return c == woken }); len(f.users[user]) == 0 {
			delete(f.users, user)
		}
	}()

	// What happens from here on, the one who looks sees; the rest is seen below.
	select {
	case <-ready:
	case <-end:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		last, err := tx.LastEvent()
		if err != nil {
			return err
		}
		if after > last {
			return content.Errorf(content.BadRequest, "there is no stream position %d yet", after)
		}
		events, err := tx.EventsFor(user, after, 1)
		changed = len(events) > 0
		return err
	})
	if changed || err != nil {
		return changed, err
	}
	timer := time.NewTimer(long)
	defer timer.Stop()
	select {
	case <-woken:
		return true, nil
	case <-timer.C:
	case <-end:
	case <-ctx.Done():
	}
	return false, ctx.Err()
}

// look wakes those in whose streams something has happened, as long as anybody
// waits.
func (s *Service) look(ready chan struct{}) {
	f := &s.followers
	for begun, seen := false, int64(0); ; {
		f.mu.Lock()
		end := f.end()
		if f.all == 0 {
			f.ready = nil
			f.mu.Unlock()
			return
		}
		f.mu.Unlock()

		var users []content.ID
		err := s.Meta.View(context.Background(), func(tx meta.Tx) error {
			last, err := tx.LastEvent()
			if err != nil || begun && last == seen {
				return err
			}
			if begun {
				if users, err = tx.EventStreams(seen); err != nil {
					return err
				}
			}
			seen = last
			return nil
		})
		switch {
		case err != nil:
			s.Log.Warn("looking for events", "error", err)
		case !begun:
			begun = true
			close(ready)
		}
		f.wake(users)
		select {
		case <-end:
			return
		case <-time.After(lookEvery):
		}
	}
}

func (f *followers) wake(users []content.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, u := range users {
		for _, c := range f.users[u] {
			close(c)
		}
		if len(f.users[u]) > 0 {
			f.users[u] = []chan struct{}{}
		}
	}
}
