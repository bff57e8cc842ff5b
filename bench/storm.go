package main

import (
	"context"
	"sync/atomic"
	"time"
)

// What a load of many requests is measured by.
const (
	perSecond figure = "per second"
	cpuEach   figure = "CPU ms each"
	userEach  figure = "user ms each"
	sysEach   figure = "system ms each"
	ownEach   figure = "client CPU ms each"
)

// storm is clients that each do one thing after the other.
type storm struct {
	clients int
	count   int           // of things in all, at most; 0 is as many as there is time for
	time    time.Duration // after which nothing is begun; 0 is until all are done
}

// run numbers the things from first on, and says how many were done and how
// long it took.
func (s storm) run(ctx context.Context, first int, do func(ctx context.Context, client, i int) error) (int, time.Duration, error) {
	var next, done atomic.Int64
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	began := time.Now()
	err := atOnce(s.clients, func(client int) error {
		for s.time == 0 || time.Since(began) < s.time {
			i := int(next.Add(1)) - 1
			if s.count > 0 && i >= s.count {
				break
			}
			if err := do(ctx, client, first+i); err != nil {
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
	return int(done.Load()), time.Since(began), err
}

// measure is run with what it costs a server.
func (s storm) measure(ctx context.Context, on *server, first int, do func(ctx context.Context, client, i int) error) (sample, error) {
	before, err := on.usage()
	if err != nil {
		return nil, err
	}
	clientBefore := ownUsage()
	n, took, err := s.run(ctx, first, do)
	if err != nil {
		return nil, err
	}
	client := ownUsage() - clientBefore
	used, err := on.usage()
	if err != nil {
		return nil, err
	}
	used = used.since(before)
	each := func(d time.Duration) float64 { return d.Seconds() * 1000 / float64(n) }
	return sample{
		perSecond: float64(n) / took.Seconds(),
		cpuEach:   each(used.user + used.system), userEach: each(used.user), sysEach: each(used.system), ownEach: each(client),
		peak: float64(used.peak) / mib,
	}, nil
}
