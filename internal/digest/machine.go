package digest

import (
	"bytes"
	"crypto/sha1"
	"encoding"
	"encoding/binary"
	"slices"
	"sync"
	"time"
)

// kernels are ways to add whole blocks to states. All but one may be nil.
type kernels struct {
	name     string
	one      func(h *chain, p []byte)
	two      func(h, g *chain, p, q []byte)       // p and q are of one length
	pair     func(h, g *chain, p []byte)          // the same blocks to two states
	two2     func(h, g *chain, p, q []byte)       // another way of two
	pair2    func(h, g *chain, p []byte)          // and of pair
	twoPairs func(h, g, i, j *chain, p, q []byte) // p to h and g, as much of q to i and j
	wide     []wide                               // by lanes, fewest first
}

// wide adds blocks to several states side by side, each in a lane of its own.
type wide struct {
	name  string
	lanes int
	// add adds the first n bytes of each p to its h. There are at most as many as lanes.
	add func(h []*chain, p [][]byte, n int)
}

// machine is what this machine is best at. It is found out once: which
// functions the processor can run, whether they give the right results here,
// and how long they take.
var machine = sync.OnceValue(func() *plan { return measure(candidates()) })

// portable is crypto/sha1, which is always right.
func portable() kernels { return kernels{name: "crypto/sha1", one: standard} }

// The form in which crypto/sha1 marshals itself: magic, five words of chain,
// one block of input not yet used, and the length in bytes.
const (
	magic     = "sha\x01"
	chainAt   = len(magic)
	stateSize = chainAt + 20 + BlockSize + 8
)

func standard(h *chain, p []byte) {
	var b [stateSize]byte
	copy(b[:], magic)
	for i, w := range h {
		binary.BigEndian.PutUint32(b[chainAt+4*i:], w)
	}
	d := sha1.New()
	if err := d.(encoding.BinaryUnmarshaler).UnmarshalBinary(b[:]); err != nil {
		panic("digest: crypto/sha1 refuses a state in the form it gave: " + err.Error())
	}
	d.Write(p)
	s, err := d.(encoding.BinaryAppender).AppendBinary(b[:0])
	if err != nil || len(s) != stateSize || !bytes.HasPrefix(s, []byte(magic)) {
		panic("digest: crypto/sha1 marshals itself in a form not known here")
	}
	for i := range h {
		h[i] = binary.BigEndian.Uint32(s[chainAt+4*i:])
	}
}

// plan is kernels, and which of them to use for how many streams.
type plan struct {
	kernels
	most      int                 // streams that are worth hashing at once; more gain little
	choice    [maxLanes + 1]*wide // for so many streams; nil if one or two at a time are faster
	pairsUpTo int                 // streams up to which two pairs go first, if there are two
	pairsPay  bool                // a pair takes much less time than its two streams
	figures   []figure
}

// figure is what a function reached in the measurement: bytes per nanosecond,
// of all its streams together.
type figure struct {
	name    string
	streams int
	rate    float64
}

const (
	maxLanes = 16
	trySize  = 8 << 10 // bytes for each stream, in the measurement
	tries    = 20      // the one in the middle counts
)

// trial is a function in the measurement.
type trial struct {
	name    string
	streams int
	each    int // so many streams have the same bytes
	add     func(h []*chain, p [][]byte)
	use     func() // has the plan use it

	states []*chain
	bytes  [][]byte
	took   []float64 // in the time that the first of its turn took
	right  bool
	rate   float64 // bytes per nanosecond, of all streams together; 0 if what it gives is wrong
}

// race finds the rates of trials that give what is right. They are tried in turns, and
// each is held against the first one of its turn: a machine that others use, too, is
// slower for a while, and may be so for one and not for the next.
func race(data []byte, trials ...*trial) {
	best := time.Hour // of the first
	for _, t := range trials {
		var h, want [maxLanes]chain
		t.states, t.bytes, t.took = nil, nil, nil
		for i := range t.streams {
			h[i] = initial
			h[i][i%5] += uint32(i) // lanes that are mixed up must not go unseen
			t.states, t.bytes = append(t.states, &h[i]), append(t.bytes, data[i/t.each*trySize:][:trySize])
			want[i] = h[i]
			standard(&want[i], t.bytes[i])
		}
		t.add(t.states, t.bytes)
		t.right = h == want
	}
	for range tries {
		var unit time.Duration
		for i, t := range trials {
			began := time.Now()
			t.add(t.states, t.bytes)
			d := max(time.Since(began), 1)
			if i == 0 {
				unit, best = d, min(best, d)
			}
			t.took = append(t.took, float64(d)/float64(unit))
		}
	}
	for _, t := range trials {
		t.rate = 0
		if t.right {
			slices.Sort(t.took)
			t.rate = float64(t.streams*trySize) / (t.took[tries/2] * float64(best))
		}
	}
}

// fastest has the plan use the fastest of several ways to do one thing, and gives its rate; 0 if
// none is faster than least.
func fastest(ways []*trial, least float64) float64 {
	var best *trial
	for _, t := range ways {
		if t.rate > least {
			best, least = t, t.rate
		}
	}
	if best == nil {
		return 0
	}
	best.use()
	return best.rate
}

// note keeps what trials reached.
func (m *plan) note(trials []*trial) {
	for _, t := range trials {
		if t.right {
			m.figures = append(m.figures, figure{t.name, t.streams, t.rate})
		}
	}
}

// pays is how much faster than two streams a pair is where pairs pay. It is no faster
// where the SHA unit does two streams side by side, and a quarter where it can't.
const pays = 1.1

// measure drops what is wrong, and finds what is fastest for each number of
// streams that have bytes ready. It takes some milliseconds.
func measure(k kernels) *plan {
	data := make([]byte, maxLanes*trySize)
	for i := range data {
		data[i] = byte(i * i >> 3)
	}
	p := &plan{kernels: k}
	p.two, p.pair, p.wide = nil, nil, nil
	one := &trial{name: "one", streams: 1, each: 1, add: func(h []*chain, b [][]byte) { p.one(h[0], b[0]) }}
	trials := []*trial{one}
	try := func(there bool, t trial) []*trial {
		if !there {
			return nil
		}
		trials = append(trials, &t)
		return []*trial{&t}
	}
	twos := try(k.two != nil, trial{name: "two", streams: 2, each: 1, use: func() { p.two = k.two },
		add: func(h []*chain, b [][]byte) { k.two(h[0], h[1], b[0], b[1]) }})
	twos = append(twos, try(k.two2 != nil, trial{name: "two, words by vectors", streams: 2, each: 1, use: func() { p.two = k.two2 },
		add: func(h []*chain, b [][]byte) { k.two2(h[0], h[1], b[0], b[1]) }})...)
	pairs := try(k.pair != nil, trial{name: "pair", streams: 2, each: 2, use: func() { p.pair = k.pair },
		add: func(h []*chain, b [][]byte) { k.pair(h[0], h[1], b[0]) }})
	pairs = append(pairs, try(k.pair2 != nil, trial{name: "pair, words by vectors", streams: 2, each: 2, use: func() { p.pair = k.pair2 },
		add: func(h []*chain, b [][]byte) { k.pair2(h[0], h[1], b[0]) }})...)
	twoPairs := try(k.twoPairs != nil, trial{name: "two pairs", streams: 4, each: 2,
		add: func(h []*chain, b [][]byte) { k.twoPairs(h[0], h[1], h[2], h[3], b[0], b[2]) }})
	race(data, trials...)
	if !one.right {
		p.kernels, twos, pairs, twoPairs = portable(), nil, nil, nil
		race(data, one)
	}
	single := one.rate
	twice := fastest(twos, single)
	paired := fastest(pairs, max(single, twice))
	p.pairsPay = paired > pays*max(single, twice)
	if p.pair == nil && p.two != nil {
		two := p.two
		p.pair = func(h, g *chain, b []byte) { two(h, g, b, b) }
	}
	p.note(trials)
	trials = []*trial{one}
	for _, w := range k.wide {
		try(true, trial{name: w.name, streams: w.lanes, each: 1, add: func(h []*chain, b [][]byte) { w.add(h, b, trySize) }})
	}
	race(data, trials...)
	trials = trials[1:]
	p.note(trials)
	var rates []float64
	for i, t := range trials {
		if t.rate > 0 {
			p.wide, rates = append(p.wide, k.wide[i]), append(rates, t.rate)
		}
	}
	// The best rates for so many streams, and for as many that come in pairs.
	var best, inPairs [maxLanes + 1]float64
	for n := 1; n <= maxLanes; n++ {
		best[n] = single
		if n > 1 {
			best[n] = max(single, twice)
			inPairs[n] = max(best[n], paired)
		}
		for i, w := range p.wide {
			// Lanes without a stream are lost, and a pair wants two.
			lane := rates[i] / float64(w.lanes)
			if r := lane * float64(min(n, w.lanes)); r > best[n] {
				best[n], p.choice[n] = r, &p.wide[i]
			}
			inPairs[n] = max(inPairs[n], lane*float64(min(n, w.lanes)/2*2))
		}
	}
	for p.most = 1; best[p.most] < 0.9*best[maxLanes]; p.most++ {
	}
	for _, t := range twoPairs {
		for n := 4; n <= maxLanes && t.rate > inPairs[n]; n++ {
			p.pairsUpTo = n
		}
	}
	return p
}
