package digest

import (
	"runtime"
	"slices"
	"sync"
	"time"
)

// Hasher hashes for many streams at once, side by side where the machine is
// faster so. What somebody waits for is hashed at once, together with what else is
// ready: nobody waits for a stream that has nothing ready. What nobody waits for yet
// may lie until there is enough for the machine to be at its best. Its methods
// may be called concurrently.
//
// A Hasher keeps nothing when it is idle, and has no goroutine then. A nil
// Hasher hashes in Start.
type Hasher struct {
	plan *plan // nil for what this machine is best at

	mu      sync.Mutex
	turn    uint64 // batches taken so far
	wanted  []*Run // that somebody waits for, by rank; each has its turn for a quantum
	ready   []*Run // that nobody waits for yet
	streams int    // of those who said so
	workers int
}

// quantum is how many bytes of each stream are hashed before others have their
// turn. It takes tens of microseconds.
const quantum = 64 << 10

// quantaInARow are hashed before the worker lets others have its thread.
const quantaInARow = 16

// inline is how many bytes are not worth handing over.
const inline = 16 << 10

// Run is a run of bytes on its way through a Hasher. It holds up to one at a
// time, and can be used again after Wait. The zero value is ready to use; it
// must not be copied.
type Run struct {
	// Rank puts the streams in order where more are wanted than can be hashed
	// at once: the lowest first, but for one time in eight, when it is who waits
	// longest.
	Rank int64
	// Urgent runs are waited for from the start.
	Urgent bool

	hasher  *Hasher
	p       []byte   // what is left: whole blocks
	more    [][]byte // behind that; under Hasher.mu
	h, also *chain
	done    chan struct{} // of capacity 1
	busy    bool          // until it has been waited for
	ended   bool          // done has been told; under Hasher.mu
	wanted  bool          // under Hasher.mu, as is turn
	turn    uint64        // of the Hasher, when the run began to wait
}

// Join says that a stream begins, which will bring bytes again and again. Runs
// are held back for company only where there are several.
func (h *Hasher) Join() { h.join(1) }

// Leave takes Join back.
func (h *Hasher) Leave() { h.join(-1) }

func (h *Hasher) join(n int) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.streams += n
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
	if h == nil || len(whole) <= inline {
		h.best().add(whole, r.h, r.also)
		return
	}
	if r.done == nil {
		r.done = make(chan struct{}, 1)
	}
	r.hasher, r.p, r.busy, r.ended = h, whole, true, false

	h.mu.Lock()
	defer h.mu.Unlock()
	r.wanted = h.streams <= 1 || r.Urgent
	h.queue(r)
	h.employ()
}

// Add is Start for a run that may be under way, with the same d and also: p comes
// behind what it has, all of which, like what d has, is a multiple of BlockSize. None of it may be
// changed before Wait has returned.
func (h *Hasher) Add(r *Run, d, also *SHA1, p []byte) {
	if !r.busy {
		h.Start(r, d, also, p)
		return
	}
	whole := d.take(p)
	switch {
	case r.also != nil:
		also.take(p)
	case also != nil:
		also.Write(p)
	}
	if len(whole) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !r.ended {
		r.more = append(r.more, whole)
		return
	}
	<-r.done
	r.ended = false
	r.p = whole
	r.wanted = r.wanted || r.Urgent
	h.queue(r)
	h.employ()
}

// queue adds a run to those of its kind.
func (h *Hasher) queue(r *Run) {
	r.turn = h.turn
	list := &h.ready
	if r.wanted {
		list = &h.wanted
	}
	at := len(*list)
	for at > 0 && (*list)[at-1].Rank > r.Rank {
		at--
	}
	*list = slices.Insert(*list, at, r)
}

// oldest puts who waits longest before all others.
func (h *Hasher) oldest() {
	at := 0
	for i, r := range h.wanted {
		if r.turn < h.wanted[at].turn {
			at = i
		}
	}
	r := h.wanted[at]
	copy(h.wanted[1:at+1], h.wanted[:at])
	h.wanted[0] = r
}

// Wait returns when the run that was started has been hashed.
func (r *Run) Wait() {
	if !r.busy {
		return
	}
	r.hasher.want(r)
	<-r.done
	r.over()
}

func (r *Run) over() { r.h, r.also, r.busy = nil, nil, false }

// WaitAtMost is Wait, but has the run lie for company, as if nobody waited for
// it, for so long.
func (r *Run) WaitAtMost(patience time.Duration) {
	if !r.busy {
		return
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-r.done:
		r.over()
	case <-t.C:
		r.Wait()
	}
}

// want has a run hashed now.
func (h *Hasher) want(r *Run) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r.wanted = true
	if i := slices.Index(h.ready, r); i >= 0 {
		h.ready = slices.Delete(h.ready, i, i+1)
		h.queue(r)
		h.employ()
	}
}

// PairsPay says whether two digests of the same bytes cost this machine much less in
// one pass than each by itself, however few the streams are.
func (h *Hasher) PairsPay() bool { return h.best().pairsPay }

func (h *Hasher) best() *plan {
	if h != nil && h.plan != nil {
		return h.plan
	}
	return machine()
}

// employ starts a worker if there is work for one. A worker does several
// streams at little more than the cost of one, so a second has to find as many
// waiting as that one can do at once.
func (h *Hasher) employ() {
	m := h.best()
	full := len(h.ready)+len(h.wanted) >= m.most
	if h.workers == 0 && (full || len(h.wanted) > 0) || full && h.workers < min(runtime.GOMAXPROCS(0), runtime.NumCPU()) {
		h.workers++
		go h.work(m)
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

// work hashes until there is nothing that has to be done now.
func (h *Hasher) work(m *plan) {
	var b batch
	done := 0
	h.mu.Lock()
	for h.next(m, &b) {
		h.mu.Unlock()
		b.hash(m)
		// Whoever brings bytes has to have a turn, but not after each quantum:
		// where many do, the worker would wait longer than it works.
		if done++; done%quantaInARow == 0 {
			runtime.Gosched()
		}
		h.mu.Lock()
		for _, r := range b.runs {
			if len(r.p) == 0 && len(r.more) > 0 {
				r.p, r.more = r.more[0], r.more[1:]
			}
			if len(r.p) > 0 {
				h.queue(r)
				continue
			}
			r.p, r.more, r.ended = nil, nil, true
			r.done <- struct{}{}
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

// next takes the batch that gets most done in the time it takes: first of what
// is wanted, then of what is ready.
func (h *Hasher) next(m *plan, b *batch) bool {
	b.runs, b.chains, b.bytes, b.by, b.size = b.runs[:0], b.chains[:0], b.bytes[:0], nil, quantum
	if len(h.wanted) == 0 && len(h.ready) < m.most {
		return false
	}
	streams := 0
	for _, list := range [][]*Run{h.wanted, h.ready} {
		for _, r := range list {
			streams += r.streams()
		}
	}
	room := 1
	if b.by = m.choice[min(streams, maxLanes)]; b.by != nil {
		room = b.by.lanes
	} else if m.two != nil {
		room = 2
	}
	if h.turn++; h.turn%8 == 0 && len(h.wanted) > 0 {
		h.oldest()
	}
	if min(streams, maxLanes) <= m.pairsUpTo && h.pairsFirst() {
		b.by, room = nil, 4
	}
	b.fill(&h.wanted, &room)
	b.fill(&h.ready, &room)
	// A pair may not have fitted in.
	if n := len(b.chains); n <= 2 && m.choice[n] == nil && (len(b.runs) == 1 || m.two != nil) {
		b.by = nil
	}
	return true
}

// pairsFirst says whether the first two runs are pairs.
func (h *Hasher) pairsFirst() bool {
	pairs := 0
	for _, list := range [][]*Run{h.wanted, h.ready} {
		for _, r := range list {
			if r.also == nil {
				return false
			}
			if pairs++; pairs == 2 {
				return true
			}
		}
	}
	return false
}

// fill takes as many runs as there is room for, and one in any case.
func (b *batch) fill(from *[]*Run, room *int) {
	kept := (*from)[:0]
	for _, r := range *from {
		if n := r.streams(); n <= *room || len(b.runs) == 0 {
			*room -= n
			b.add(r)
		} else {
			kept = append(kept, r)
		}
	}
	clear((*from)[len(kept):])
	*from = kept
}

func (r *Run) streams() int {
	if r.also != nil {
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
