package client

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A server with a best number of parts at once, and a way there with a round trip.
func TestThrottleFindsTheBest(t *testing.T) {
	for _, c := range []struct {
		name         string
		seconds      func(busy int) float64 // that a part takes
		low, high    int                    // where the limit is to end
		lowest, most int
	}{
		{"a long way: more is better, to the end", func(int) float64 { return 1 }, 14, 16, 1, 16},
		{"one line that is full with 6", func(n int) float64 { return max(1, float64(n)/6) }, 4, 10, 1, 16},
		{"a disk that suffers from many", func(n int) float64 { return 0.5 * float64(n*n) }, 1, 3, 1, 16},
		{"bounds", func(n int) float64 { return 0.5 * float64(n*n) }, 5, 6, 5, 16},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				th := newThrottle(c.lowest, c.most)
				sum, n := 0, 0
				var wg sync.WaitGroup
				for i := range 1500 {
					if err := th.acquire(context.Background()); err != nil {
						t.Fatal(err)
					}
					th.mu.Lock()
					busy, limit := th.busy, th.limit
					th.mu.Unlock()
					if busy > c.most {
						t.Errorf("%d at once", busy)
					}
					if i > 500 {
						sum, n = sum+limit, n+1
					}
					wg.Go(func() {
						time.Sleep(time.Duration(c.seconds(limit) * float64(time.Second)))
						th.moved(1 << 20)
						th.release()
					})
				}
				wg.Wait()
				if mean := float64(sum) / float64(n); mean < float64(c.low)-0.5 || mean > float64(c.high)+0.5 {
					t.Errorf("the limit was %.1f on average, want %d to %d", mean, c.low, c.high)
				}
			})
		})
	}
}

func TestThrottleHalves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle(1, 16)
		th.limit = 16
		th.failed()
		th.failed() // of the same moment
		if th.limit != 8 {
			t.Errorf("limit %d, want 8", th.limit)
		}
		for range 10 {
			time.Sleep(2 * time.Second)
			th.failed()
		}
		if th.limit != 1 {
			t.Errorf("limit %d, want 1", th.limit)
		}
		if err := th.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if th.acquire(ctx) == nil {
			t.Error("a second place")
		}
	})
}
