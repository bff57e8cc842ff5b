package blob

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestTurnsGoByRank(t *testing.T) {
	turns := turns{free: 1}
	turns.take(0)
	var mu sync.Mutex
	var order []int64
	var work sync.WaitGroup
	for i, rank := range []int64{7, 3, 9, 3, 1, 8, 9, 9, 9, 9} {
		work.Go(func() {
			turns.take(rank)
			mu.Lock()
			order = append(order, rank)
			mu.Unlock()
			turns.give()
		})
		for waits := 0; waits <= i; time.Sleep(time.Millisecond) {
			turns.mu.Lock()
			waits = len(turns.waiting)
			turns.mu.Unlock()
		}
	}
	turns.give()
	work.Wait()
	// The eighth is who waits longest, which here is the next by rank as well.
	if want := []int64{1, 3, 3, 7, 8, 9, 9, 9, 9, 9}; !slices.Equal(order, want) {
		t.Errorf("turns went to %v, want %v", order, want)
	}
	if turns.free != 1 {
		t.Errorf("%d turns are free, want 1", turns.free)
	}
}

// However many of a low rank come, one of a high rank has its turn.
func TestTurnsLeaveNobodyOut(t *testing.T) {
	turns := turns{free: 1}
	turns.take(0)
	var done atomic.Bool
	var work sync.WaitGroup
	work.Go(func() {
		turns.take(1000)
		done.Store(true)
		turns.give()
	})
	for waits := 0; waits == 0; time.Sleep(time.Millisecond) {
		turns.mu.Lock()
		waits = len(turns.waiting)
		turns.mu.Unlock()
	}
	for range 3 {
		work.Go(func() {
			for range 10_000 {
				turns.take(0)
				stop := done.Load()
				turns.give()
				if stop {
					return
				}
			}
			t.Error("10,000 turns of a low rank, and none of the high one")
		})
	}
	turns.give()
	work.Wait()
}

func TestNoMoreThanSoManyTurnsAtOnce(t *testing.T) {
	turns := turns{free: 3}
	var at, most atomic.Int64
	var work sync.WaitGroup
	for i := range 20 {
		work.Go(func() {
			for range 100 {
				turns.take(int64(i))
				for n, m := at.Add(1), most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				at.Add(-1)
				turns.give()
			}
		})
	}
	work.Wait()
	if most.Load() > 3 || turns.free != 3 || len(turns.waiting) != 0 {
		t.Errorf("%d had their turn at once, of 3; %d are free, %d wait", most.Load(), turns.free, len(turns.waiting))
	}
}
