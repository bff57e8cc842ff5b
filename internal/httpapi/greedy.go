package httpapi

import (
	"sync"
	"time"

	"boxcar/internal/content"
)

// shares are what each user has of the server. Those who have no token, and
// those whose URL is their right, are one user together, as far as memory goes.
type shares struct {
	requests int     // of one user at once
	rate     float64 // requests of one user, a second; 0: any
	memory   int64   // for bodies that are kept in memory, bytes
	own      int64   // of that, what one user may have

	mu    sync.Mutex
	taken int64 // bytes
	by    map[content.ID]*share
}

// share is what one user has now.
type share struct {
	requests int
	bytes    int64
	// due is when the user, having been quiet, would have got as many requests as it had.
	due time.Time
}

// burst is how long a user's requests may be ahead of the rate.
const burst = 5 * time.Second

// manyShares is when those are looked for that nobody needs any more.
const manyShares = 10_000

// of finds a user's share. The lock is held.
func (s *shares) of(user content.ID, now time.Time) *share {
	if have := s.by[user]; have != nil {
		return have
	}
	if s.by == nil {
		s.by = map[content.ID]*share{}
	}
	if len(s.by) >= manyShares {
		for id, idle := range s.by {
			if idle.requests == 0 && idle.bytes == 0 && !idle.due.After(now) {
				delete(s.by, id)
			}
		}
	}
	have := &share{}
	s.by[user] = have
	return have
}

// forget drops a share that says nothing. The lock is held.
func (s *shares) forget(user content.ID, have *share) {
	if have.requests == 0 && have.bytes == 0 && have.due.IsZero() {
		delete(s.by, user)
	}
}

// enter counts a user's request until leave is called. The errors are
// content.RateLimited.
func (s *shares) enter(user content.ID, now time.Time) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	have := s.of(user, now)
	if have.requests >= s.requests {
		return nil, &content.Error{Kind: content.RateLimited, RetryAfter: time.Second, Message: "you have too many requests at work at once"}
	}
	if s.rate > 0 {
		due := have.due
		if due.Before(now) {
			due = now
		}
		if early := due.Sub(now) - burst; early > 0 {
			return nil, &content.Error{Kind: content.RateLimited, RetryAfter: early, Message: "you make too many requests"}
		}
		have.due = due.Add(time.Duration(float64(time.Second) / s.rate))
	}
	have.requests++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		have.requests--
		s.forget(user, have)
	}, nil
}

// keep takes memory for a body. It does not wait: who waits has some already,
// and all might wait for each other. The errors are content.RateLimited for
// one's own share, and content.Unavailable.
func (s *shares) keep(user content.ID, bytes int64, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	have := s.of(user, now)
	switch {
	case have.bytes+bytes > s.own:
		s.forget(user, have)
		return &content.Error{Kind: content.RateLimited, RetryAfter: time.Second, Message: "you are sending too many large bodies at once"}
	case s.taken+bytes > s.memory:
		s.forget(user, have)
		return &content.Error{Kind: content.Unavailable, RetryAfter: time.Second, Message: "the server has no memory left for bodies of this kind"}
	}
	have.bytes += bytes
	s.taken += bytes
	return nil
}

// release gives back what keep took.
func (s *shares) release(user content.ID, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken -= bytes
	if have := s.by[user]; have != nil {
		have.bytes -= bytes
		s.forget(user, have)
	}
}

// smallBody is what every request may keep in memory, in bytes.
const smallBody = 4 << 10
