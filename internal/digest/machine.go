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
	name string
	one  func(h *chain, p []byte)
	two  func(h, g *chain, p, q []byte) // p and q are of one length
	pair func(h, g *chain, p []byte)    // the same blocks to two states
	wide []wide                         // by lanes, fewest first
}

// wide adds blocks to several states, each in a lane of its own.
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
	most    int                 // streams that are worth hashing at once; more gain little
	choice  [maxLanes + 1]*wide // for so many streams; nil if one or two at a time are faster
	figures []figure
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
	at := func(i int) []byte { return data[i*trySize:][:trySize] }
	states := func(n int) (h [maxLanes]chain, want [maxLanes]chain) {
		for i := range n {
			h[i] = initial
			h[i][i%5] += uint32(i) // lanes that are mixed up must not go unseen
			want[i] = h[i]
			standard(&want[i], at(i))
		}
		return h, want
	}
	rate := func(streams int, f func()) float64 {
		best := time.Hour
		for range tries {
			began := time.Now()
			f()
			best = min(best, time.Since(began))
		}
		return float64(streams*trySize) / float64(max(best, 1))
	}

	p := &plan{kernels: k}
	h, want := states(1)
	if p.one(&h[0], at(0)); h[0] != want[0] {
		p.kernels = portable()
	}
	single := rate(1, func() { p.one(&h[0], at(0)) })
	p.figures = append(p.figures, figure{"one", 1, single})
	twice := 0.0
	if p.two != nil {
		h, want = states(2)
		if p.two(&h[0], &h[1], at(0), at(1)); [2]chain(h[:2]) != [2]chain(want[:2]) {
			p.two = nil
		} else {
			twice = rate(2, func() { p.two(&h[0], &h[1], at(0), at(1)) })
			p.figures = append(p.figures, figure{"two", 2, twice})
		}
		if twice <= single {
			p.two, twice = nil, 0
		}
	}
	paired := 0.0
	if p.pair != nil {
		h, want = states(2)
		want[1] = h[1]
		standard(&want[1], at(0))
		if p.pair(&h[0], &h[1], at(0)); [2]chain(h[:2]) != [2]chain(want[:2]) {
			p.pair = nil
		} else {
			paired = rate(2, func() { p.pair(&h[0], &h[1], at(0)) })
			p.figures = append(p.figures, figure{"pair", 2, paired})
		}
		if paired <= max(single, twice) {
			p.pair, paired = nil, 0
		}
	}
	if p.pair == nil && p.two != nil {
		two := p.two
		p.pair = func(h, g *chain, b []byte) { two(h, g, b, b) }
	}
	var right []wide
	var rates []float64
	for _, w := range k.wide {
		h, want := states(w.lanes)
		hs, ps := make([]*chain, w.lanes), make([][]byte, w.lanes)
		for i := range hs {
			hs[i], ps[i] = &h[i], at(i)
		}
		if w.add(hs, ps, trySize); h != want {
			continue
		}
		r := rate(w.lanes, func() { w.add(hs, ps, trySize) })
		p.figures = append(p.figures, figure{w.name, w.lanes, r})
		right, rates = append(right, w), append(rates, r)
	}
	p.wide = right
	var best [maxLanes + 1]float64 // the best rate for so many streams
	for n := 1; n <= maxLanes; n++ {
		best[n] = single
		if n > 1 {
			best[n] = max(single, twice)
		}
		for i := range right {
			// Lanes without a stream are lost.
			r := rates[i] * float64(min(n, right[i].lanes)) / float64(right[i].lanes)
			if r > best[n] {
				best[n], p.choice[n] = r, &right[i]
			}
		}
	}
	for p.most = 1; best[p.most] < 0.9*best[maxLanes]; p.most++ {
	}
	return p
}
