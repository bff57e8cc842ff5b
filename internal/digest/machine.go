package digest

import (
	"bytes"
	"crypto/sha1"
	"encoding"
	"encoding/binary"
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
	tries    = 12      // the fastest counts
)

// measure drops what is wrong, and finds what is fastest for each number of
// streams that have bytes ready. It takes less than a few milliseconds.
func measure(k kernels) *plan {
	data := make([]byte, maxLanes*trySize)
	for i := range data {
		data[i] = byte(i * i >> 3)
	}
	p := &plan{kernels: k}
	// try is the rate of add for so many streams, each so many of which have the
	// same bytes; or 0 if what it gives is wrong.
	try := func(name string, streams, each int, add func(h []*chain, p [][]byte)) float64 {
		var h, want [maxLanes]chain
		hs, ps := make([]*chain, streams), make([][]byte, streams)
		for i := range streams {
			h[i] = initial
			h[i][i%5] += uint32(i) // lanes that are mixed up must not go unseen
			hs[i], ps[i] = &h[i], data[i/each*trySize:][:trySize]
			want[i] = h[i]
			standard(&want[i], ps[i])
		}
		if add(hs, ps); h != want {
			return 0
		}
		best := time.Hour
		for range tries {
			began := time.Now()
			add(hs, ps)
			best = min(best, time.Since(began))
		}
		rate := float64(streams*trySize) / float64(max(best, 1))
		p.figures = append(p.figures, figure{name, streams, rate})
		return rate
	}

	one := func(h []*chain, b [][]byte) { p.one(h[0], b[0]) }
	single := try("one", 1, 1, one)
	if single == 0 {
		p.kernels = portable()
		single = try("one", 1, 1, one)
	}
	twice := 0.0
	if p.two2 != nil {
		twice = try("two, words by vectors", 2, 1, func(h []*chain, b [][]byte) { p.two2(h[0], h[1], b[0], b[1]) })
	}
	if p.two != nil {
		other := twice
		twice = try("two", 2, 1, func(h []*chain, b [][]byte) { p.two(h[0], h[1], b[0], b[1]) })
		if other > twice {
			p.two, twice = p.two2, other
		}
		if twice <= single {
			p.two, twice = nil, 0
		}
	}
	paired := 0.0
	if p.pair2 != nil {
		paired = try("pair, words by vectors", 2, 2, func(h []*chain, b [][]byte) { p.pair2(h[0], h[1], b[0]) })
	}
	if p.pair != nil {
		other := paired
		paired = try("pair", 2, 2, func(h []*chain, b [][]byte) { p.pair(h[0], h[1], b[0]) })
		if other > paired {
			p.pair, paired = p.pair2, other
		}
		if paired <= max(single, twice) {
			p.pair, paired = nil, 0
		}
	}
	p.pairsPay = paired > 1.2*max(single, twice)
	if p.pair == nil && p.two != nil {
		two := p.two
		p.pair = func(h, g *chain, b []byte) { two(h, g, b, b) }
	}
	p.wide = nil
	var rates []float64
	for _, w := range k.wide {
		if r := try(w.name, w.lanes, 1, func(h []*chain, b [][]byte) { w.add(h, b, trySize) }); r > 0 {
			p.wide, rates = append(p.wide, w), append(rates, r)
		}
	}
	// The best rates for so many streams, and for as many that come in pairs.
	var best, pairs [maxLanes + 1]float64
	for n := 1; n <= maxLanes; n++ {
		best[n] = single
		if n > 1 {
			best[n] = max(single, twice)
			pairs[n] = max(best[n], paired)
		}
		for i, w := range p.wide {
			// Lanes without a stream are lost, and a pair wants two.
			lane := rates[i] / float64(w.lanes)
			if r := lane * float64(min(n, w.lanes)); r > best[n] {
				best[n], p.choice[n] = r, &p.wide[i]
			}
			pairs[n] = max(pairs[n], lane*float64(min(n, w.lanes)/2*2))
		}
	}
	for p.most = 1; best[p.most] < 0.9*best[maxLanes]; p.most++ {
	}
	if p.twoPairs != nil {
		r := try("two pairs", 4, 2, func(h []*chain, b [][]byte) { p.twoPairs(h[0], h[1], h[2], h[3], b[0], b[2]) })
		for n := 4; n <= maxLanes && r > pairs[n]; n++ {
			p.pairsUpTo = n
		}
	}
	return p
}
