package main

import (
	"context"
	"sync/atomic"
	"time"
)

// storm is clients that each do one thing after the other.
type storm struct {
	clients int
	count   int           // of things in all, at most; 0 is as many as there is time for
	time    time.Duration // after which nothing is begun; 0 is until all are done
}

// run numbers the things from first on, and says how many were done.
func (s storm) run(ctx context.Context, first int, do func(ctx context.Context, i int) error) (int, error) {
	var next, done atomic.Int64
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	began := time.Now()
	err := atOnce(s.clients, func(int) error {
		for s.time == 0 || time.Since(began) < s.time {
			i := int(next.Add(1)) - 1
			if s.count > 0 && i >= s.count {
				break
			}
			if err := do(ctx, first+i); err != nil {
				cancel(err) // the others need not go on
				return err
			}
			done.Add(1)
		}
		return nil
	})
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return int(done.Load()), err
}

// measure is run with what it costs a server.
func (s storm) measure(ctx context.Context, on *server, first int, do func(ctx context.Context, i int) error) (sample, error) {
	n := 0
	paid, err := on.costOf(func() (err error) {
		n, err = s.run(ctx, first, do)
		return err
	})
	if err != nil {
		return nil, err
	}
	return paid.each(n), nil
}
