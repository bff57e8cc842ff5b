package disk

import (
	"testing"
	"time"
)

func TestTheFasterWayIsTaken(t *testing.T) {
	for _, c := range []struct {
		name           string
		busy           int
		cached, around time.Duration // for a MiB
		want           int
	}{
		{"around is faster", 1, 4 * time.Millisecond, 2 * time.Millisecond, around},
		{"cached is faster", 1, 2 * time.Millisecond, 4 * time.Millisecond, cached},
		{"they are alike", 1, 2 * time.Millisecond, 2100 * time.Microsecond, around},
		{"cached is faster for many", 8, 16 * time.Millisecond, 32 * time.Millisecond, cached},
		{"many wait, for a disk that is quick", 8, time.Millisecond, 4 * time.Millisecond, around},
	} {
		var r routes
		for range c.busy {
			r.begin()
		}
		count := [2]int{}
		for range 10 * tryOther {
			way := r.pick()
			count[way]++
			r.learn(way, 8<<20, 8*[2]time.Duration{c.cached, c.around}[way])
		}
		other := 1 - c.want
		if count[other] < 10 || count[other] > 12 {
			t.Errorf("%s: the slower way was taken %d times of %d, want one in %d", c.name, count[other], 10*tryOther, tryOther)
		}
	}
}

func TestAnotherDiskIsNoticed(t *testing.T) {
	var r routes
	cost := [2]time.Duration{cached: 1, around: 3}
	last := 0
	for i := range 2000 {
		if i == 1000 {
			cost = [2]time.Duration{cached: 9, around: 3}
		}
		way := r.pick()
		r.learn(way, 1<<20, cost[way]*time.Millisecond)
		if i >= 1500 && way == cached {
			last++
		}
	}
	if last > 500/tryOther+1 {
		t.Errorf("the slower way was taken %d times of 500", last)
	}
}
