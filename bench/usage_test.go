package main

import (
	"maps"
	"testing"
	"time"
)

func TestCostsAreSharedOut(t *testing.T) {
	c := cost{usage{3 * time.Second, time.Second, 5 * mib}, 500 * time.Millisecond, 10 * time.Second}
	if got, want := c.perGiB(2*gib), (sample{cpu: 2, user: 1.5, system: 0.5, own: 0.25, peak: 5}); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got, want := c.each(1000), (sample{perSecond: 100, cpuEach: 4, userEach: 3, systemEach: 1, ownEach: 0.5, peak: 5}); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
