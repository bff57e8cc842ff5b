package faultfs

// entry is a name in a directory, there or not.
type entry struct {
	dir  *node
	name string
}

// is a change after which e stands for n, or for nothing.
func (e entry) is(n *node) *change { return &change{entry: e, to: n} }

// names are the entries of a directory.
type names struct {
	entries map[string]*node // as programs see them; nil in a file
	certain map[string]*node // what the names that pending changes stood for before; nil is nothing
	pending []*change        // not certain, oldest first
}

// change of one entry.
type change struct {
	entry
	to      *node // nil: removed
	op      *op
	certain bool
	stained bool // a sync that covered it failed
}

// op is one call: its changes are kept or lost as one while none is certain.
type op struct {
	id      uint64
	changes []*change
}

// open says whether a power cut may undo some of it.
func (o *op) open() bool {
	for _, c := range o.changes {
		if !c.certain {
			return true
		}
	}
	return false
}

// record makes the changes of one call.
func (f *FS) record(changes ...*change) {
	f.ops++
	o := &op{id: f.ops, changes: changes}
	for _, c := range changes {
		c.op = o
		dir := c.dir
		if _, ok := dir.names.certain[c.name]; !ok {
			if dir.names.certain == nil {
				dir.names.certain = map[string]*node{}
			}
			dir.names.certain[c.name] = dir.entries[c.name]
		}
		if c.to == nil {
			delete(dir.entries, c.name)
		} else {
			dir.entries[c.name] = c.to
		}
		dir.pending = append(dir.pending, c)
	}
	f.log = append(f.log, o)
}

// syncNames makes certain every change of dir's entries but those that were
// stained and have had no other on top of them.
func (f *FS) syncNames(dir *node) {
	last := map[string]int{}
	for i, c := range dir.pending {
		if !c.stained {
			last[c.name] = i
		}
	}
	var rest []*change
	unsure := map[string]bool{}
	for i, c := range dir.pending {
		if at, ok := last[c.name]; !ok || i > at {
			rest = append(rest, c)
			unsure[c.name] = true
			continue
		}
		c.certain = true
		dir.names.certain[c.name] = c.to
		if !c.op.open() {
			f.spent++
		}
	}
	for name := range last {
		if !unsure[name] {
			delete(dir.names.certain, name)
		}
	}
	dir.pending = rest

	if f.spent > len(f.log)/2 {
		var log []*op
		for _, o := range f.log {
			if o.open() {
				log = append(log, o)
			}
		}
		f.log, f.spent = log, 0
	}
}

func (n *names) stainNames() {
	for _, c := range n.pending {
		c.stained = true
	}
}
