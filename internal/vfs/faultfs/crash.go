package faultfs

const (
	// Lost is the seed of a power cut that loses all it may.
	Lost uint64 = iota
	// Kept is the seed of one that loses nothing.
	Kept
)

// Crash is a new file system with what a power cut now could leave; f stays as
// it is. The same calls and the same seed leave the same. Seeds other than
// Lost and Kept mix. Faults and Watch are not carried over.
func (f *FS) Crash(seed uint64) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := newDice(seed)
	c := crash{d: d, found: f.survivors(d), nodes: map[*node]*node{}}
	return &FS{root: c.node(f.root), nodes: f.nodes, ops: f.ops}
}

// survivors is what the entries with pending changes stand for afterwards.
func (f *FS) survivors(d dice) map[entry]*node {
	found := map[entry]*node{}
	dead := map[entry]bool{} // a change was lost, so all later ones are
	for _, o := range f.log {
		if !o.open() {
			continue
		}
		kept := d.keeps(o.id)
		for _, c := range o.changes {
			kept = kept && (c.certain || !dead[c.entry])
		}
		for _, c := range o.changes {
			switch {
			case c.certain:
			case kept:
				found[c.entry] = c.to
			default:
				dead[c.entry] = true
			}
		}
	}
	return found
}

type crash struct {
	d     dice
	found map[entry]*node
	nodes map[*node]*node // new by old: a file with two names is still one file
}

func (c *crash) node(old *node) *node {
	if n := c.nodes[old]; n != nil {
		return n
	}
	n := &node{id: old.id, modTime: old.modTime}
	c.nodes[old] = n
	if !old.isDir() {
		n.contents = old.contents.crash(c.d, old.id)
		return n
	}
	n.entries = make(map[string]*node, len(old.entries))
	for name, child := range old.entries {
		if _, ok := old.names.certain[name]; !ok {
			n.entries[name] = c.node(child)
		}
	}
	for name, child := range old.names.certain {
		if to, ok := c.found[entry{old, name}]; ok {
			child = to
		}
		if child != nil {
			n.entries[name] = c.node(child)
		}
	}
	return n
}

// dice draw for each thing by its own number, so that the order in which they
// are asked does not matter.
type dice struct {
	seed  uint64
	bytes mood
	names mood
}

// mood is what a power cut leaves rather: most real ones are not a fair toss
// for each sector.
type mood uint64

const (
	fair mood = iota
	rather
	hardly
	moods
)

const (
	forSector = iota
	forSize
	forName
	forGrain
	forMood
)

func newDice(seed uint64) dice {
	d := dice{seed: seed}
	d.bytes = mood(d.draw(forMood, 0, 0)) % moods
	d.names = mood(d.draw(forMood, 1, 0)) % moods
	return d
}

// draw mixes by the finaliser of SplitMix64.
func (d dice) draw(what, id, unit uint64) uint64 {
	x := d.seed
	for _, v := range [...]uint64{what, id, unit} {
		x += v + 0x9e3779b97f4a7c15
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		x ^= x >> 31
	}
	return x
}

// pick chooses among n versions, of which the last is the newest.
func (d dice) pick(n int, what, id, unit uint64) int {
	switch d.seed {
	case Lost:
		return 0
	case Kept:
		return n - 1
	}
	x := d.draw(what, id, unit)
	usual := x%16 != 0
	switch x >>= 8; {
	case d.bytes == rather && usual:
		return n - 1
	case d.bytes == hardly && usual:
		return 0
	}
	return int(x % uint64(n))
}

// keeps says whether a change of names is kept.
func (d dice) keeps(op uint64) bool {
	switch d.seed {
	case Lost:
		return false
	case Kept:
		return true
	}
	x := d.draw(forName, op, 0)
	usual := x%16 != 0
	switch x >>= 8; {
	case d.names == rather && usual:
		return true
	case d.names == hardly && usual:
		return false
	}
	return x%2 == 0
}

// grain is how a file is torn: the logarithm of the number of sectors that
// fare alike; one sector, one page, or all.
func (d dice) grain(id uint64) int {
	return [...]int{0, 3, 63}[d.draw(forGrain, id, 0)%3]
}
