package tree

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"boxcar/internal/content"
)

// CopyLimits bound the copying of folders. A zero field gets its default.
type CopyLimits struct {
	AtOnce  int           // copies at work, in all; default 8
	PerUser int           // copies at work for one user; default 4
	Wait    time.Duration // for a place among them; default 30 s
	Time    time.Duration // one copy may take; default 30 min
}

func (l CopyLimits) withDefaults() CopyLimits {
	if l.AtOnce == 0 {
		l.AtOnce = 8
	}
	if l.PerUser == 0 {
		l.PerUser = 4
	}
	if l.Wait == 0 {
		l.Wait = 30 * time.Second
	}
	if l.Time == 0 {
		l.Time = 30 * time.Minute
	}
	return l
}

// copies are the copies of folders at work. The zero value has none.
type copies struct {
	mu      sync.Mutex
	perUser map[content.ID]int
	growing map[content.ID]bool // tops in limbo
	free    chan struct{}       // has room for as many as may be at work
	biting  chan struct{}       // has room for one
	closed  chan struct{}
	over    bool // closed is closed
	work    sync.WaitGroup
}

var errStopping = &content.Error{Kind: content.Unavailable, RetryAfter: time.Second, Message: "the server is stopping"}

// enter counts a copy in.
func (c *copies) enter(l CopyLimits, user content.ID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ready(l)
	switch {
	case c.over:
		return errStopping
	case c.perUser[user] >= l.PerUser:
		return &content.Error{Kind: content.RateLimited, RetryAfter: time.Second, Message: "you are copying too many folders at once"}
	}
	c.perUser[user]++
	c.work.Add(1)
	return nil
}

func (c *copies) ready(l CopyLimits) {
	if c.growing == nil {
		c.perUser, c.growing = map[content.ID]int{}, map[content.ID]bool{}
		c.free, c.biting, c.closed = make(chan struct{}, l.AtOnce), make(chan struct{}, 1), make(chan struct{})
	}
}

func (c *copies) leave(user content.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.perUser[user]--; c.perUser[user] == 0 {
		delete(c.perUser, user)
	}
	c.work.Done()
}

// run runs a copy once there is a place for it. It goes on when ctx ends.
func (c *copies) run(ctx context.Context, l CopyLimits, user content.ID,
	work func(ctx context.Context, bite func(context.Context) (func(), error), growing func(content.ID) func()) (*content.Folder, error)) (*content.Folder, error) {
	if err := c.enter(l, user); err != nil {
		return nil, err
	}
	if err := c.place(ctx, l.Wait); err != nil {
		c.leave(user)
		return nil, err
	}
	type result struct {
		folder *content.Folder
		err    error
	}
	done := make(chan result, 1)
	own, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), l.Time, &content.Error{
		Kind: content.Unavailable, Message: fmt.Sprintf("the copy took longer than %v", l.Time)})
	own, stop := context.WithCancelCause(own)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil { // of no request, and so nobody's to deal with
				r.err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
			cancel()
			stop(nil)
			<-c.free
			c.leave(user)
			done <- r
		}()
		r.folder, r.err = work(own, c.bite, c.grow)
		if r.err != nil && own.Err() != nil && errors.Is(r.err, own.Err()) {
			r.err = context.Cause(own)
		}
	}()
	go func() {
		select {
		case <-c.closed:
			stop(errStopping)
		case <-own.Done():
		}
	}()
	select {
	case r := <-done:
		return r.folder, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (c *copies) place(ctx context.Context, wait time.Duration) error {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case c.free <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.closed:
		return errStopping
	case <-t.C:
		return &content.Error{Kind: content.Unavailable, RetryAfter: time.Second, Message: "the server is copying as many folders as it can"}
	}
}

// bite waits for the turn of a copy to make a transaction. Others who write
// have one of these before them at the most.
func (c *copies) bite(ctx context.Context) (done func(), err error) {
	select {
	case c.biting <- struct{}{}:
		return func() { <-c.biting }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// grow notes a copy as being made, until stop.
func (c *copies) grow(top content.ID) (stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.growing[top] = true
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.growing, top)
	}
}

// Growing says whether somebody is at work on the copy of a folder that has
// that top.
func (s *Service) Growing(top content.ID) bool {
	s.copies.mu.Lock()
	defer s.copies.mu.Unlock()
	return s.copies.growing[top]
}

// Close breaks off the copies at work, and waits until they are.
func (s *Service) Close() {
	c := &s.copies
	c.mu.Lock()
	c.ready(s.Copying.withDefaults())
	if !c.over {
		c.over = true
		close(c.closed)
	}
	c.mu.Unlock()
	c.work.Wait()
}
