package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// heapStep is how much a heap may grow between two collections, in bytes.
	// Go lets it double, and so 5,000 connections of which each costs little
	// would take as much again in garbage.
	heapStep = 24 << 20
	// Below this percentage collecting costs more than the memory is worth.
	leastPercent = 10
)

// paceHeap keeps the process to heapStep, from collection to collection, unless
// the operator has said something else by GOGC or GOMEMLIMIT.
func paceHeap() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		afterCollection(100)
	}
}

// afterCollection sets what the next collection goes by, now and after each
// one, when the runtime drops an object that nobody keeps.
func afterCollection(percent int) {
	// What Go takes the percentage of.
	of := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	metrics.Read(of)
	var bytes uint64
	for _, s := range of {
		bytes += s.Value.Uint64()
	}
	if p := heapPercent(bytes); p != percent { // setting it stops the world
		percent = p
		debug.SetGCPercent(p)
	}
	runtime.AddCleanup(&struct{ _ *int }{}, afterCollection, percent)
}

// addThreads has Go run more threads at once than there are processors, unless
// GOMAXPROCS says something. One that waits for the disk counts as running
// until Go finds out, and meanwhile a processor has nothing to do: four files of
// four parts at once took a sixth longer on two processors.
func addThreads() {
	if os.Getenv("GOMAXPROCS") == "" {
		n := runtime.GOMAXPROCS(0)
		runtime.GOMAXPROCS(n + min(n, mostThreads))
	}
}

// mostThreads are added; with many processors some are free in any case.
const mostThreads = 4

// heapPercent is GOGC for so many bytes that live, in steps of 5.
func heapPercent(live uint64) int {
	p := heapStep * 100 / max(live, 1)
	return int(min(max(p/5*5, leastPercent), 100))
}
