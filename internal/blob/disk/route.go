package disk

import (
	"sync"
	"time"
)

// routes says which way blobs are faster on their way to the disk: through the
// page cache, or around it. That is a property of the disk and of what else it is
// doing, so it is measured with every blob, and now and then the other way is
// taken to see whether it still is the slower one.
type routes struct {
	mu    sync.Mutex
	taken uint64
	cost  [2]float64 // ns for each MiB that a Put waited for the disk, a running mean; 0 is unknown
}

const (
	cached = iota
	around

	// tryOther is how often the slower way is taken.
	tryOther = 64
	// slack is how much slower the way around may be and still be taken: it
	// costs the processor half of what the page cache does.
	slack = 1.3
)

// pick is the way for the next blob.
func (r *routes) pick() (way int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken++
	way = around
	switch {
	case r.cost[around] == 0:
		return around
	case r.cost[cached] == 0:
		return cached
	case r.cost[around] > r.cost[cached]*slack:
		way = cached
	}
	if r.taken%tryOther == 0 {
		way = 1 - way
	}
	return way
}

// learn notes how long a Put waited for the disk.
func (r *routes) learn(way int, size int64, waited time.Duration) {
	const weight = 1.0 / 8
	cost := float64(max(waited, 1)) / (float64(size) / (1 << 20))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cost[way] == 0 {
		r.cost[way] = cost
	}
	r.cost[way] += weight * (cost - r.cost[way])
}
