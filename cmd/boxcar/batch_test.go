package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"boxcar/client"
)

// However many files there are, and however large, no more parts are on their way
// than --parallel says, and as many as that are.
func TestBatchIsBounded(test *testing.T) {
	const most = 5
	var busy, highest, ran atomic.Int64
	var out, errs output
	err := batchFlags{Parallel: most, NoProgress: true}.run(test.Context(), streams{Out: &out, Err: &errs}, false, func(ctx context.Context, b *batch) error {
		for i := range 60 {
			size := []int64{10, 3 * largePart, 100 * largePart, -1}[i%4]
			if i > 40 {
				size = 10
			}
			err := b.add(ctx, task{name: "x", size: size, run: func(_ context.Context, t *track) outcome {
				n := int64(t.places)
				now := busy.Add(n)
				for old := highest.Load(); now > old && !highest.CompareAndSwap(old, now); old = highest.Load() {
				}
				time.Sleep(2 * time.Millisecond)
				busy.Add(-n)
				ran.Add(1)
				return outcome{Outcome: uploaded, Remote: "/x", SHA1: "aa"}
			}})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || ran.Load() != 60 || highest.Load() != most || strings.Count(out.String(), "/x aa\n") != 60 {
		test.Errorf("%v; %d ran, at most %d at once; stderr %s", err, ran.Load(), highest.Load(), &errs)
	}
}

// One that fails lets the others go on; what every other file would meet too ends all.
func TestBatchThatFails(t *testing.T) {
	for _, c := range []struct {
		err error
		all bool // the others are tried
	}{
		{errors.New("odd"), true},
		{client.ErrUnauthorized, false},
		{fmt.Errorf("writing: %w", syscall.ENOSPC), false},
	} {
		var out, errs output
		ran := 0
		err := batchFlags{Parallel: 1}.run(t.Context(), streams{Out: &out, Err: &errs}, true, func(ctx context.Context, b *batch) error {
			for i := range 5 {
				err := b.add(ctx, task{name: "x", run: func(context.Context, *track) outcome {
					ran++
					if i == 1 {
						return outcome{Path: "second"}.fail(c.err)
					}
					return outcome{Outcome: uploaded, Path: "x"}
				}})
				if err != nil {
					return err
				}
			}
			return nil
		})
		// One may have had its place already.
		if !errors.Is(err, errReported) || c.all != (ran == 5) || !c.all && ran > 3 {
			t.Errorf("%v: %v, %d of 5 ran", c.err, err, ran)
		}
		if strings.Count(errs.String(), "boxcar: second: ") != 1 || !strings.Contains(errs.String(), "1 failed") || !strings.Contains(out.String(), `"outcome":"failed","path":"second"`) {
			t.Errorf("%v: stdout %s, stderr %s", c.err, &out, &errs)
		}
	}
}
