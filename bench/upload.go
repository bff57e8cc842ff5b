package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	mib = 1 << 20
	gib = 1 << 30
)

// What an upload is measured by, besides what it costs, which is counted up to
// the answer to the commit of the last file.
const (
	rate     figure = "GiB/s"        // from the first part to the last commit's answer
	lastPart figure = "to last part" // GiB/s, from the first part to the last part's answer
	commit   figure = "commit ms"    // from the last part's answer to the commit's, of the slowest file
	partRate figure = "parts/s"      // acknowledged
)

// upload is a load: files sent at once.
type upload struct {
	files    int
	size     int64 // of each file, bytes
	part     int64 // bytes
	parallel int   // parts of one file in flight
	random   bool  // the order of parts, instead of front to back
}

// order is that in which parts are sent. A random one is the same for each
// contestant of a round.
func (u upload) order(parts, round int) []int {
	if u.random {
		return rand.New(rand.NewPCG(1, uint64(round))).Perm(parts)
	}
	order := make([]int, parts)
	for i := range order {
		order[i] = i
	}
	return order
}

// contestant runs the load on a server that is started anew for each round.
func (u upload) contestant(b *bench, t target, name string) contestant {
	return b.served(t, name, u.part, func(ctx context.Context, s *server, round int) (sample, error) {
		f, err := b.materials.file(u.size, u.part)
		if err != nil {
			return nil, err
		}
		to, err := t.sender(s, u.files*u.parallel)
		if err != nil {
			return nil, err
		}
		defer to.close()
		return u.measure(ctx, s, to, f, round)
	})
}

func (u upload) measure(ctx context.Context, s *server, to sender, f *file, round int) (sample, error) {
	files := make([]sending, u.files)
	acked, committed, took := make([]time.Duration, u.files), make([]time.Duration, u.files), make([]time.Duration, u.files)
	paid, err := s.costOf(func() (err error) {
		for i := range files {
			if files[i], err = to.begin(ctx, f, fmt.Sprintf("file-%d", i)); err != nil {
				return err
			}
		}
		began := time.Now()
		return atOnce(u.files, func(i int) error {
			if err := sendParts(ctx, files[i], u.order(f.parts(), round), u.parallel); err != nil {
				return err
			}
			acked[i] = time.Since(began)
			if c, ok := files[i].(committer); ok {
				if err := c.commit(ctx); err != nil {
					return err
				}
			}
			committed[i] = time.Since(began)
			took[i] = committed[i] - acked[i]
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	bytes := u.size * int64(u.files)
	got := paid.perGiB(bytes)
	got[rate] = float64(bytes) / gib / slices.Max(committed).Seconds()
	got[lastPart] = float64(bytes) / gib / slices.Max(acked).Seconds()
	got[partRate] = float64(u.files*f.parts()) / slices.Max(acked).Seconds()
	if _, ok := files[0].(committer); ok {
		got[commit] = slices.Max(took).Seconds() * 1000
	}
	return got, nil
}

// sendParts sends parts in the order given, so many at a time.
func sendParts(ctx context.Context, to sending, order []int, parallel int) error {
	var next atomic.Int64
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err := atOnce(min(parallel, len(order)), func(int) error {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(order) {
				return nil
			}
			if err := to.part(ctx, order[i]); err != nil {
				cancel(err) // the others need not go on
				return fmt.Errorf("part %d: %w", order[i], err)
			}
		}
	})
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// atOnce runs n of something and returns the first error when all have ended.
func atOnce(n int, run func(i int) error) error {
	errs := make(chan error, n)
	var work sync.WaitGroup
	for i := range n {
		work.Go(func() {
			if err := run(i); err != nil {
				errs <- err
			}
		})
	}
	work.Wait()
	close(errs)
	return <-errs
}
