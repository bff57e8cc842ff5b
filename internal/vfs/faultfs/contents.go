package faultfs

import "slices"

const (
	pageSize   = 4096 // bytes
	sectorSize = 512  // bytes
	sectors    = pageSize / sectorSize
	versions   = 4 // of a sector or a size that are remembered
)

// page is immutable once it is in a file, so files of several FS share it.
// A nil page is all zeros.
type page [pageSize]byte

var zeros page

func (p *page) sector(s int) []byte {
	if p == nil {
		p = &zeros
	}
	return p[s*sectorSize:][:sectorSize]
}

// contents are the bytes of a file. Those beyond size, in the last page, are
// zero.
type contents struct {
	size   int64
	pages  []*page // as programs see them; may end before size
	shared bool    // pages is another file's too

	unsure map[int]*history // pages that a power cut may leave otherwise
	sizes  [versions]int64  // sizes it may leave, the oldest first
	nsizes int              // how many; 0 when only size
	resize bool             // whether the size changed since Sync was last tried
	reach  int64            // where the furthest write since then has ended
}

// history is what may be found of one page: for each sector, the pages that it
// may be read from, the oldest first, the last as programs see it.
type history struct {
	found   [sectors][versions]*page
	n       [sectors]uint8
	touched uint8 // a bit for each sector written since Sync was last tried
}

func (c *contents) page(i int) *page {
	if i < len(c.pages) {
		return c.pages[i]
	}
	return nil
}

// setPage replaces a page of which the sectors in mask were written.
func (c *contents) setPage(i int, p *page, mask uint8) {
	h := c.unsure[i]
	if h == nil {
		h = &history{}
		old := c.page(i)
		for s := range sectors {
			h.found[s][0], h.n[s] = old, 1
		}
		if c.unsure == nil {
			c.unsure = map[int]*history{}
		}
		c.unsure[i] = h
	}
	for s := range sectors {
		if mask&(1<<s) == 0 {
			continue
		}
		if h.n[s] < versions {
			h.n[s]++
		}
		h.found[s][h.n[s]-1] = p
	}
	h.touched |= mask

	if c.shared {
		c.pages, c.shared = slices.Clone(c.pages), false
	}
	for len(c.pages) <= i {
		c.pages = append(c.pages, nil)
	}
	c.pages[i] = p
}

func (c *contents) setSize(size int64) {
	if size == c.size {
		return
	}
	if c.nsizes == 0 {
		c.sizes[0], c.nsizes = c.size, 1
	}
	if c.nsizes < versions {
		c.nsizes++
	}
	c.sizes[c.nsizes-1] = size
	c.size, c.resize = size, true
}

// read fills p as far as the file goes.
func (c *contents) read(p []byte, offset int64) int {
	if offset >= c.size {
		return 0
	}
	p = p[:min(int64(len(p)), c.size-offset)]
	for n := 0; n < len(p); {
		i, at := int((offset+int64(n))/pageSize), int((offset+int64(n))%pageSize)
		if pg := c.page(i); pg != nil {
			n += copy(p[n:], pg[at:])
		} else {
			n += copy(p[n:], zeros[at:])
		}
	}
	return len(p)
}

func (c *contents) write(p []byte, offset int64) {
	end := offset + int64(len(p))
	c.reach = max(c.reach, end)
	for len(p) > 0 {
		i, at := int(offset/pageSize), int(offset%pageSize)
		n := min(len(p), pageSize-at)
		pg := &page{}
		if old := c.page(i); old != nil && n < pageSize {
			*pg = *old
		}
		copy(pg[at:], p[:n])
		c.setPage(i, pg, span(at, at+n))
		p, offset = p[n:], offset+int64(n)
	}
	if end > c.size {
		c.setSize(end)
	}
}

// span is the mask of the sectors that hold bytes [from, to) of a page.
func span(from, to int) (mask uint8) {
	for s := from / sectorSize; s*sectorSize < to; s++ {
		mask |= 1 << s
	}
	return mask
}

func (c *contents) truncate(size int64) {
	c.reach = min(c.reach, size)
	if size < c.size {
		first := int(size / pageSize)
		if at := int(size % pageSize); at > 0 {
			if old := c.page(first); old != nil {
				pg := &page{}
				copy(pg[:at], old[:at])
				c.setPage(first, pg, span(at, pageSize))
			}
			first++
		}
		for i := first; i < len(c.pages); i++ {
			if c.pages[i] != nil {
				c.setPage(i, nil, 1<<sectors-1)
			}
		}
	}
	c.setSize(size)
}

// sync makes certain what was touched since the last try.
func (c *contents) sync() {
	for i, h := range c.unsure {
		sure := true
		for s := range sectors {
			if h.touched&(1<<s) != 0 {
				h.found[s][0], h.n[s] = h.found[s][h.n[s]-1], 1
			}
			sure = sure && h.n[s] == 1
		}
		h.touched = 0
		if sure {
			delete(c.unsure, i)
		}
	}
	sizes := c.sizes[:c.nsizes]
	c.nsizes = 0
	for _, size := range sizes {
		if size >= c.reach && !c.resize { // what was written is there, and so the file is as long as that
			c.sizes[c.nsizes] = size
			c.nsizes++
		}
	}
	c.resize, c.reach = false, 0
}

// stain is a sync that failed: what was touched can't become certain any more.
func (c *contents) stain() {
	for _, h := range c.unsure {
		h.touched = 0
	}
	c.resize, c.reach = false, 0
}

// crash is what the power cut leaves of the file with this id.
func (c *contents) crash(d dice, id uint64) contents {
	if len(c.unsure) == 0 && c.nsizes == 0 {
		c.shared = true
		return contents{size: c.size, pages: c.pages, shared: true}
	}
	left := contents{size: c.size, pages: slices.Clone(c.pages)}
	if c.nsizes > 0 {
		left.size = c.sizes[d.pick(c.nsizes, forSize, id, 0)]
	}
	grain := d.grain(id)
	for i, h := range c.unsure {
		if int64(i)*pageSize < left.size {
			for len(left.pages) <= i {
				left.pages = append(left.pages, nil)
			}
			left.pages[i] = h.crash(d, id, uint64(i), grain)
		}
	}
	left.cut()
	return left
}

// cut brings pages in line with a size that may be any.
func (c *contents) cut() {
	full := int(c.size / pageSize)
	at := int(c.size % pageSize)
	if at == 0 {
		c.pages = c.pages[:min(len(c.pages), full)]
		return
	}
	c.pages = c.pages[:min(len(c.pages), full+1)]
	if old := c.page(full); old != nil {
		pg := &page{}
		copy(pg[:at], old[:at])
		c.pages[full] = pg
	}
}

func (h *history) crash(d dice, id, i uint64, grain int) *page {
	var from [sectors]*page
	same := true
	for s := range sectors {
		// Sectors of one grain draw the same number.
		unit := (i*sectors + uint64(s)) >> grain
		from[s] = h.found[s][d.pick(int(h.n[s]), forSector, id, unit)]
		same = same && from[s] == from[0]
	}
	if same {
		return from[0]
	}
	pg := &page{}
	for s := range sectors {
		copy(pg[s*sectorSize:], from[s].sector(s))
	}
	return pg
}
