package digest

import "fmt"

// Ways are all the ways that this machine can hash, each forced: those that
// are slower here as well. The last is what it would choose.
func Ways() map[string]func() *Hasher {
	ways := map[string]func() *Hasher{}
	force := func(name string, p plan) {
		if p.two == nil {
			p.most = 1
		} else {
			p.most = 2
		}
		ways[name] = func() *Hasher { return &Hasher{plan: &p} }
	}
	k := candidates()
	force("crypto/sha1", plan{kernels: portable()})
	force("one", plan{kernels: kernels{one: k.one}})
	if k.two != nil {
		force("two", plan{kernels: kernels{one: k.one, two: k.two}})
		force("pair", plan{kernels: kernels{one: k.one, pair: k.pair}})
	}
	if k.two2 != nil {
		force("two, words by vectors", plan{kernels: kernels{one: k.one, two: k.two2}})
		force("pair, words by vectors", plan{kernels: kernels{one: k.one, pair: k.pair2}})
	}
	if k.twoPairs != nil {
		force("two pairs", plan{kernels: kernels{one: k.one, two: k.two, pair: k.pair, twoPairs: k.twoPairs}, pairsUpTo: maxLanes})
	}
	for _, w := range k.wide {
		for from := 1; from <= w.lanes; from += 3 {
			p := plan{kernels: kernels{one: k.one, two: k.two, pair: k.pair}}
			for n := from; n <= maxLanes; n++ {
				p.choice[n] = &w
			}
			force(fmt.Sprintf("%s from %d streams", w.name, from), p)
		}
	}
	ways["chosen"] = func() *Hasher { return new(Hasher) }
	return ways
}

// Figures are what the measurement at the start found.
func Figures() (all []string) {
	p := machine()
	for _, f := range p.figures {
		all = append(all, fmt.Sprintf("%s: %d streams, %.2f GB/s in all", f.name, f.streams, f.rate))
	}
	for n, c := range p.choice {
		if c != nil {
			all = append(all, fmt.Sprintf("%d streams: %s", n, c.name))
		}
	}
	all = append(all, fmt.Sprintf("two pairs first among up to %d streams", p.pairsUpTo))
	return append(all, fmt.Sprintf("%s, %d at once are enough", p.name, p.most))
}

const Quantum, Inline, MaxLanes = quantum, inline, maxLanes

// Idle says whether nothing is kept and no goroutine at work.
func (h *Hasher) Idle() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.ready)+len(h.wanted) == 0 && h.workers == 0
}

// Wrong is a machine whose every function but crypto/sha1 has a fault.
func Wrong() []string {
	k := candidates()
	k.one = func(h *chain, p []byte) { standard(h, p); h[4]++ }
	k.two = func(h, g *chain, p, q []byte) { standard(h, p); standard(g, p) }
	k.pair = func(h, g *chain, p []byte) { standard(h, p); *g = *h }
	k.two2 = func(h, g *chain, p, q []byte) { standard(h, p) }
	k.pair2 = func(h, g *chain, p []byte) { standard(g, p) }
	k.twoPairs = func(h, g, i, j *chain, p, q []byte) {
		for _, c := range []*chain{h, g, i, j} {
			standard(c, p)
		}
	}
	k.wide = append(k.wide, wide{"swapped", 8, func(h []*chain, p [][]byte, n int) {
		for i := range h {
			standard(h[i], p[i][:n])
		}
		if len(h) > 2 {
			*h[1], *h[2] = *h[2], *h[1]
		}
	}})
	p := measure(k)
	var used []string
	if p.two != nil {
		used = append(used, "two")
	}
	if p.pair != nil {
		used = append(used, "pair")
	}
	if p.pairsUpTo > 0 {
		used = append(used, "two pairs")
	}
	for _, w := range p.wide {
		used = append(used, w.name)
	}
	return append(used, p.name)
}

// Batches are what is hashed together, in turns, when so many streams of each
// run are ready: 1, or 2 for a pair. Three at once are faster than two here,
// and two pairs faster than a pair, unless they are said not to be.
func Batches(ready []int, three, twoPairs bool) (batches []string) {
	p := &plan{most: 1, kernels: kernels{
		one: standard,
		two: func(h, g *chain, p, q []byte) { standard(h, p); standard(g, q) },
	}}
	p.pair = func(h, g *chain, b []byte) { p.two(h, g, b, b) }
	if three {
		for n := 3; n <= maxLanes; n++ {
			p.choice[n] = &wide{name: "three", lanes: 3}
		}
	}
	if twoPairs {
		p.pairsUpTo = maxLanes
	}
	var h Hasher
	for _, n := range ready {
		r := &Run{wanted: true, p: make([]byte, quantum), h: new(chain)}
		if n == 2 {
			r.also = new(chain)
		}
		h.queue(r)
	}
	var b batch
	for h.next(p, &b) {
		what := ""
		for _, r := range b.runs {
			what += fmt.Sprint(r.streams())
		}
		if b.by != nil {
			what += " " + b.by.name
		}
		batches = append(batches, what)
	}
	return batches
}

// Order is who has a turn, when runs of these ranks want so many quanta each
// and one stream is hashed at a time.
func Order(quanta int, ranks ...int64) (turns []int) {
	h := &Hasher{}
	m := &plan{kernels: portable(), most: 1}
	who := map[*Run]int{}
	var h1 chain
	for i, rank := range ranks {
		r := &Run{Rank: rank, wanted: true, p: make([]byte, quanta*quantum), h: &h1}
		who[r] = i
		h.queue(r)
	}
	for b := (batch{}); h.next(m, &b); {
		r := b.runs[0]
		turns = append(turns, who[r])
		if r.p = r.p[b.size:]; len(r.p) > 0 {
			h.queue(r)
		}
	}
	return turns
}
