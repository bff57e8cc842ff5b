package digest

import (
	"runtime"
	"slices"
	"sync"
)

// Hasher hashes for many streams at once, side by side where the machine is
// faster so. Whatever is ready is hashed at once: nobody waits for a stream
// that has nothing ready. Its methods may be called concurrently.
//
// A Hasher keeps nothing when it is idle, and has no goroutine then.
type Hasher struct {
	plan *plan // nil for what this machine is best at

	mu      sync.Mutex
	ready   []*Run // in turns, each for a quantum
	workers int
}

// quantum is how many bytes of each stream are hashed before others have their
// turn. It takes tens of microseconds.
const quantum = 64 << 10

// inline is how many bytes are not worth handing over.
const inline = 16 << 10

// Run is a run of bytes on its way through a Hasher. It holds up to one at a
// time, and can be used again after Wait. The zero value is ready to use; it
// must not be copied.
type Run struct {
	p       []byte // what is left: whole blocks
	h, also *chain
	done    chan struct{} // of capacity 1
	busy    bool
}

// Start begins to add p to d and, unless it is nil, to also, which stands at
// the same place in a block. Until Wait returns, the caller must not change p
// nor use d, also or r in any other way.
func (h *Hasher) Start(r *Run, d, also *SHA1, p []byte) {
	if r.busy {
		panic("digest: a Run was started before its last one was waited for")
	}
	if also != nil && also.n%BlockSize != d.n%BlockSize {
		also.Write(p) // they have no blocks in common
		also = nil
	}
	whole := d.take(p)
	r.h, r.also = &d.h, nil
	if also != nil {
		also.take(p)
		r.also = &also.h
	}
	m := h.plan
	if m == nil {
		m = machine()
	}
	if len(whole) <= inline {
		m.add(whole, r.h, r.also)
		return
	}
	if r.done == nil {
		r.done = make(chan struct{}, 1)
	}
	r.p, r.busy = whole, true

	h.mu.Lock()
	defer h.mu.Unlock()
	h.ready = append(h.ready, r)
	// One worker does several streams at little more than the cost of one, so
	// another has to find as many waiting as that one can do at once.
	if h.workers == 0 || len(h.ready) >= m.most && h.workers < runtime.GOMAXPROCS(0) {
		h.workers++
		go h.work(m)
	}
}

// Wait returns when the run that was started has been hashed.
func (r *Run) Wait() {
	if r.busy {
		<-r.done
		r.busy = false
	}
}

// add adds whole blocks to one state or two, by whoever calls it.
func (m *plan) add(p []byte, h, also *chain) {
	switch {
	case len(p) == 0:
	case also == nil:
		m.one(h, p)
	case m.pair != nil:
		m.pair(h, also, p)
	default:
		m.one(h, p)
		m.one(also, p)
	}
}

// work hashes until nothing is ready.
func (h *Hasher) work(m *plan) {
	var b batch
	h.mu.Lock()
	for h.next(m, &b) {
		h.mu.Unlock()
		b.hash(m)
		// Whoever brings bytes goes first: a worker that kept its thread
		// would soon have nothing left to hash.
		runtime.Gosched()
		h.mu.Lock()
		for _, r := range b.runs {
			if len(r.p) == 0 {
				r.h, r.also, r.p = nil, nil, nil
				r.done <- struct{}{}
			} else {
				h.ready = append(h.ready, r)
			}
		}
	}
	h.workers--
	h.mu.Unlock()
}

// batch is what is hashed side by side.
type batch struct {
	runs   []*Run
	chains []*chain // of all runs, those with two have both
	bytes  [][]byte // the same for each chain
	size   int      // bytes of each
	by     *wide    // nil for one run, for two with a chain each, and for two pairs
}

// next takes the batch that gets most done in the time it takes.
func (h *Hasher) next(m *plan, b *batch) bool {
	b.runs, b.chains, b.bytes, b.by, b.size = b.runs[:0], b.chains[:0], b.bytes[:0], nil, quantum
	if len(h.ready) == 0 {
		clear(b.runs[:cap(b.runs)])
		clear(b.chains[:cap(b.chains)])
		clear(b.bytes[:cap(b.bytes)])
		return false
	}
	streams := 0
	for _, r := range h.ready {
		streams += r.streams()
		if streams >= maxLanes {
			streams = maxLanes
			break
		}
	}
	room, fewest := 2, 1
	if m.two == nil {
		room = 1
	}
	if h.ready[0].isPair() {
		room = 2
	}
	if b.by = m.choice[streams]; b.by != nil {
		room = b.by.lanes
	}
	if streams <= m.pairsUpTo && h.ready[0].isPair() && slices.ContainsFunc(h.ready[1:], (*Run).isPair) {
		b.by, room, fewest = nil, 4, 2
	}
	kept := h.ready[:0]
	for _, r := range h.ready {
		if n := r.streams(); fewest <= n && n <= room {
			room -= n
			b.add(r)
		} else {
			kept = append(kept, r)
		}
	}
	clear(h.ready[len(kept):])
	h.ready = kept
	// A pair may not have fitted in.
	if n := len(b.chains); n <= 2 && m.choice[n] == nil && (len(b.runs) == 1 || m.two != nil) {
		b.by = nil
	}
	return true
}

func (r *Run) isPair() bool { return r.also != nil }

func (r *Run) streams() int {
	if r.isPair() {
		return 2
	}
	return 1
}

func (b *batch) add(r *Run) {
	b.runs = append(b.runs, r)
	b.chains, b.bytes = append(b.chains, r.h), append(b.bytes, r.p)
	if r.also != nil {
		b.chains, b.bytes = append(b.chains, r.also), append(b.bytes, r.p)
	}
	b.size = min(b.size, len(r.p))
}

func (b *batch) hash(m *plan) {
	switch {
	case b.by != nil:
		b.by.add(b.chains, b.bytes, b.size)
	case len(b.chains) == 4:
		m.twoPairs(b.chains[0], b.chains[1], b.chains[2], b.chains[3], b.bytes[0][:b.size], b.bytes[2][:b.size])
	case len(b.runs) == 2:
		m.two(b.chains[0], b.chains[1], b.bytes[0][:b.size], b.bytes[1][:b.size])
	default:
		r := b.runs[0]
		m.add(r.p[:b.size], r.h, r.also)
	}
	for _, r := range b.runs {
		r.p = r.p[b.size:]
	}
}
