package client

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// sendThrough sends parts, and tells how many may be sent at once when each begins.
func sendThrough(t *testing.T, th *throttle, parts int, takes func(busy int) time.Duration, at func(i, limit int)) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range parts {
		if err := th.acquire(context.Background()); err != nil {
			t.Fatal(err)
		}
		th.mu.Lock()
		busy, limit := th.busy, th.limit
		th.mu.Unlock()
		if busy > th.max {
			t.Errorf("%d at once", busy)
		}
		at(i, limit)
		began := time.Now()
		wg.Go(func() {
			time.Sleep(takes(limit))
			th.moved(1<<20, began)
			th.release()
		})
	}
	wg.Wait()
}

// A server with a best number of parts at once, and a way there with a round trip.
// A machine that does other things as well makes a part take up to twice as long.
func TestThrottleFindsTheBest(t *testing.T) {
	for _, c := range []struct {
		name         string
		seconds      func(busy int) float64 // that a part takes
		low, high    int                    // where the limit is to end
		lowest, most int
	}{
		{"a long way: more is better, to the end", func(int) float64 { return 1 }, 14, 16, 1, 16},
		{"one line that is full with 6", func(n int) float64 { return max(1, float64(n)/6) }, 5, 8, 1, 16},
		{"a disk that suffers from many", func(n int) float64 { return 0.5 * float64(n*n) }, 1, 3, 1, 16},
		{"bounds", func(n int) float64 { return 0.5 * float64(n*n) }, 5, 6, 5, 16},
	} {
		for _, noise := range []float64{0, 1} {
			t.Run(fmt.Sprintf("%s, noise %v", c.name, noise), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					random := rand.New(rand.NewPCG(1, 2))
					var mu sync.Mutex
					takes := func(n int) time.Duration {
						mu.Lock()
						defer mu.Unlock()
						return time.Duration(c.seconds(n) * (1 + noise*random.Float64()) * float64(time.Second))
					}
					th := newThrottle(c.lowest, c.most)
					sum, n := 0, 0
					sendThrough(t, th, 1500, takes, func(i, limit int) {
						if i > 500 {
							sum, n = sum+limit, n+1
						}
					})
					slack := 0.5 + noise
					if mean := float64(sum) / float64(n); mean < float64(c.low)-slack || mean > float64(c.high)+slack {
						t.Errorf("the limit was %.1f on average, want %d to %d", mean, c.low, c.high)
					}
				})
			})
		}
	}
}

// A file of 32 parts is to have most of what the way gives, not only one of
// hundreds of them.
func TestThrottleClimbsFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		sendThrough(t, newThrottle(1, 8), 32, func(int) time.Duration { return time.Second }, func(int, int) {})
		if took := time.Since(began); took > 5*time.Second { // with 8 at once it takes 4, with 4 twice that
			t.Errorf("took %v", took)
		}
	})
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
