package main

import "testing"

func TestHeapPercent(t *testing.T) {
	for live, want := range map[uint64]int{
		0:              100,
		24 << 20:       100,
		25 << 20:       95,
		96 << 20:       25,
		10_000 << 20:   10,
		^uint64(0) - 5: 10,
	} {
		if got := heapPercent(live); got != want {
			t.Errorf("of %d MiB %d %%, want %d", live>>20, got, want)
		}
	}
}
