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
	busy  int        // Puts on their way
	cost  [2]float64 // ns that the disk takes for each MiB, a running mean; 0 is unknown
}

const (
	cached = iota
	around

	// tryOther is how often the slower way is taken.
	tryOther = 64
	// slack is how much slower the way around may be and still be taken: it
	// costs the processor half of what the page cache does, or less.
	slack = 1.3
	// A disk that takes less than this for a MiB, in ns, is faster than the rest of
	// an upload: it is the processor then that counts.
	quickEnough = 0.6e6
)

// begin counts a Put that goes either way, until end.
func (r *routes) begin() { r.count(1) }
func (r *routes) end()   { r.count(-1) }

func (r *routes) count(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy += n
}

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
	case max(r.cost[around], quickEnough) > max(r.cost[cached], quickEnough)*slack:
		way = cached
	}
	if r.taken%tryOther == 0 {
		way = 1 - way
	}
	return way
}

// learn notes how long a Put waited for the disk, which served all others meanwhile.
func (r *routes) learn(way int, size int64, waited time.Duration) {
	const weight = 1.0 / 8
	cost := float64(max(waited, 1)) / (float64(size) / (1 << 20))
	r.mu.Lock()
	defer r.mu.Unlock()
	cost /= float64(max(r.busy, 1))
	if r.cost[way] == 0 {
		r.cost[way] = cost
	}
	r.cost[way] += weight * (cost - r.cost[way])
}
