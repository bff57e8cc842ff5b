package tree

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// Search says what to look for.
type Search struct {
	Query content.Query
	// NoNames, NoDescriptions and NoTags leave those texts out.
	NoNames, NoDescriptions, NoTags bool

	// What is found has to be all of this; what is zero says nothing.
	Kind             *Kind
	Folders          []content.ID // below any of these; 0 is the caller's root
	Extensions       []string     // of files, without the dot
	Created, Updated Span
	Sizes            Sizes
	Owners           []content.ID
	Updaters         []content.ID // who changed it last
	Trash            TrashChoice

	// Enterprise looks at what all users of the caller's enterprise have.
	Enterprise bool

	ByDate bool // modified; otherwise by how well it matches
	Asc    bool // the oldest first
	Offset int64
	Limit  int
}

// Span is a time; a zero end is open. Both ends are in it.
type Span struct{ From, Until time.Time }

func (s Span) has(t time.Time) bool {
	return (s.From.IsZero() || !t.Before(s.From)) && (s.Until.IsZero() || !t.After(s.Until))
}

// Sizes are in bytes; nil is open. Both ends are in it.
type Sizes struct{ From, Until *int64 }

func (s Sizes) has(n int64) bool {
	return (s.From == nil || n >= *s.From) && (s.Until == nil || n <= *s.Until)
}

// TrashChoice says what is searched.
type TrashChoice int

const (
	NoTrash TrashChoice = iota
	OnlyTrash
	TrashToo
)

// Found is a page of what was found.
type Found struct {
	Items []content.Item
	// Total is how many there are, or, where there are very many, a number that
	// is above the page's last.
	Total int64
}

// A search takes as long as what it looks at, so that is bounded. Of what has
// the words it goes through the newest, and sorts them a block at a time:
// nothing of a later block comes before anything of an earlier one.
const (
	searchBlock  = 1000   // matches that are sorted with each other
	searchBudget = 20_000 // items with the rarest of the words that are looked at in vain
	searchCost   = 3      // as how many of them one counts that the index could not tell
	searchScan   = 5000   // items that one lookup looks at
	searchChunk  = 50     // items that one lookup gives at least; of a few lookups, each gives more
	searchUsers  = 1000   // of an enterprise
)

// Search finds items that the caller may see by their names, descriptions and
// tags. A folder to search in that is not there is a content.NotFound error.
func (s *Service) Search(ctx context.Context, who content.Principal, q Search) (found Found, err error) {
	if err := content.AllowRight(who, content.Search); err != nil {
		return found, err
	}
	if q.Enterprise {
		if err := content.AllowRight(who, content.ReadAdminEvents); err != nil {
			return found, err
		}
	}
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		found, err = s.search(tx, who, q)
		return err
	})
	return found, err
}

func (s *Service) search(tx meta.Tx, who content.Principal, q Search) (found Found, err error) {
	h := &hunt{tx: tx, who: who, q: q, places: map[content.ID]*meta.Place{}, budget: searchBudget}
	for i, id := range q.Folders {
		f, err := s.load(tx, who, id, meta.Folder, content.See)
		if content.Is(err, content.NotFound) && q.Enterprise {
			continue // somebody else's, or nobody's, where nothing will be found
		}
		if err != nil {
			return found, Missing(err, "folder", id)
		}
		h.q.Folders = slices.Clone(h.q.Folders)
		h.q.Folders[i] = content.NodeOf(f).ID
	}
	owners, err := h.owners()
	if err != nil {
		return found, err
	}
	h.begin(owners)

	// The page ends before the last block does, so that there is one more to count.
	end := int(q.Offset) + q.Limit
	matches, err := h.matches((end/searchBlock + 1) * searchBlock)
	if err != nil {
		return found, err
	}
	found.Total = int64(len(matches))
	for block := range slices.Chunk(matches, searchBlock) {
		slices.SortFunc(block, h.compare)
	}
	matches = matches[min(int(q.Offset), len(matches)):min(end, len(matches))]
	a := s.assembler(tx)
	if a.known, err = h.rows(matches); err != nil {
		return found, err
	}
	for _, m := range matches {
		item, err := a.placed(a.known[m.ID])
		if err != nil {
			return found, err
		}
		found.Items = append(found.Items, item)
	}
	return found, nil
}

// hunt is one search at work.
type hunt struct {
	tx     meta.Tx
	who    content.Principal
	q      Search
	trails []*trail
	places map[content.ID]*meta.Place
	budget int
	chunk  int // items that a lookup gives
}

// trail is a lookup that is followed from the newest item on.
type trail struct {
	meta.Lookup
	hits []meta.Hit
	over bool
}

// match is an item that matches, and how well.
type match struct {
	meta.Hit
	score int
}

func (h *hunt) compare(a, b match) int {
	by := 0
	switch {
	case !h.q.ByDate:
		by = cmp.Compare(b.score, a.score)
	case h.q.Asc:
		return cmp.Or(a.ModifiedAt.Compare(b.ModifiedAt), cmp.Compare(a.ID, b.ID))
	}
	return cmp.Or(by, b.ModifiedAt.Compare(a.ModifiedAt), cmp.Compare(b.ID, a.ID))
}

// owners are whose items are looked at: the caller's, those of whoever made a
// shared link that the caller came with, or everybody's.
func (h *hunt) owners() (owners []content.ID, err error) {
	if h.q.Enterprise {
		if owners, err = h.colleagues(); err != nil {
			return nil, err
		}
	} else {
		owners = []content.ID{h.who.User}
		for _, link := range h.who.Links {
			row, err := h.tx.Item(link.Item)
			if content.Is(err, content.NotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			if !slices.Contains(owners, row.Owner) {
				owners = append(owners, row.Owner)
			}
		}
	}
	return slices.DeleteFunc(owners, func(id content.ID) bool {
		return len(h.q.Owners) > 0 && !slices.Contains(h.q.Owners, id)
	}), nil
}

func (h *hunt) colleagues() (ids []content.ID, err error) {
	me, err := h.tx.User(h.who.User)
	if err != nil {
		return nil, err
	}
	var users []content.User
	if len(h.q.Owners) > 0 {
		for _, id := range h.q.Owners {
			u, err := h.tx.User(id)
			if err != nil && !content.Is(err, content.NotFound) {
				return nil, err
			}
			users = append(users, u)
		}
	} else if users, err = h.tx.Users(0, searchUsers); err != nil {
		return nil, err
	}
	for _, u := range users {
		if u.Enterprise.ID == me.Enterprise.ID {
			ids = append(ids, u.ID)
		}
	}
	return ids, nil
}

// begin makes the trails: one for each owner, group of words and folder.
func (h *hunt) begin(owners []content.ID) {
	folders := h.q.Folders
	if len(folders) == 0 || len(folders) > 4 {
		folders = []content.ID{0}
	}
	var groups [][]content.Term
	for _, terms := range h.q.Query.Lookup() {
		if n := len(h.q.Extensions); n == 0 || n > 8 {
			groups = append(groups, terms)
			continue
		}
		for _, ext := range h.q.Extensions { // which names have among their words
			g := slices.Clone(terms)
			for _, t := range content.IndexTerms(ext) {
				g = append(g, content.Term{Text: t})
			}
			groups = append(groups, g)
		}
	}
	for _, owner := range owners {
		for _, terms := range groups {
			for _, folder := range folders {
				if folder == h.who.Root {
					folder = 0 // as good as no folder
				}
				h.trails = append(h.trails, &trail{Lookup: meta.Lookup{
					Owner: owner, Terms: terms, Kind: h.q.Kind, Under: folder, Scan: searchScan,
				}})
			}
		}
	}
	h.chunk = max(searchChunk, searchBlock/max(1, len(h.trails)))
	for _, t := range h.trails {
		t.Limit = h.chunk
	}
}

// next is the newest hit of all trails; false at the end.
func (h *hunt) next() (hit meta.Hit, ok bool, err error) {
	var newest *trail
	for _, t := range h.trails {
		for len(t.hits) == 0 && !t.over {
			if h.budget <= 0 {
				t.over = true
				break
			}
			before := content.ID(0)
			if t.hits, before, err = h.tx.Find(t.Lookup); err != nil {
				return hit, false, err
			}
			h.budget -= t.Scan * (t.Limit - min(len(t.hits), t.Limit)) / t.Limit // what was looked at in vain, more or less
			t.Before, t.over = before, before == 0
		}
		if len(t.hits) > 0 && (newest == nil || t.hits[0].ID > newest.hits[0].ID) {
			newest = t
		}
	}
	if newest == nil {
		return hit, false, nil
	}
	hit = newest.hits[0]
	for _, t := range h.trails { // it may be on others, too
		if len(t.hits) > 0 && t.hits[0].ID == hit.ID {
			t.hits = t.hits[1:]
		}
	}
	return hit, true, nil
}

// matches are the newest that match, up to a number.
func (h *hunt) matches(most int) (all []match, err error) {
	for more := true; more && len(all) < most; {
		some := make([]match, 0, min(h.chunk, most-len(all)))
		for len(some) < h.chunk && len(all)+len(some) < most {
			var hit meta.Hit
			if hit, more, err = h.next(); err != nil {
				return nil, err
			}
			if !more {
				break
			}
			m, ok := h.match(hit)
			if ok {
				some = append(some, m)
			} else {
				h.budget -= searchCost
			}
		}
		if err := h.locate(some); err != nil {
			return nil, err
		}
		all = slices.Grow(all, len(some))
		for _, m := range some {
			if h.sees(m.Hit) {
				all = append(all, m)
			} else {
				h.budget -= searchCost
			}
		}
	}
	return all, nil
}

// match is what can be said of a hit alone.
func (h *hunt) match(hit meta.Hit) (m match, ok bool) {
	q := h.q
	if q.Kind != nil && hit.Kind != *q.Kind || !q.Created.has(hit.CreatedAt) || !q.Updated.has(hit.ModifiedAt) || !q.Sizes.has(hit.Size) ||
		len(q.Updaters) > 0 && !slices.Contains(q.Updaters, hit.ModifiedBy) {
		return m, false
	}
	if len(q.Extensions) > 0 {
		ext := strings.TrimPrefix(path.Ext(hit.Name), ".")
		if hit.Kind != meta.File || ext == "" || !slices.ContainsFunc(q.Extensions, func(e string) bool { return strings.EqualFold(e, ext) }) {
			return m, false
		}
	}
	name := hit.Name
	var others []string
	if q.NoNames {
		name = ""
	}
	if !q.NoDescriptions {
		others = append(others, hit.Description)
	}
	if !q.NoTags {
		others = append(others, hit.Tags...)
	}
	score, ok := q.Query.Match(name, others...)
	return match{hit, score}, ok
}

// locate gets to know what holds the matches.
func (h *hunt) locate(some []match) error {
	var ask []content.ID
	for _, m := range some {
		if _, known := h.places[m.Parent]; !known && m.Parent != 0 {
			h.places[m.Parent] = nil
			ask = append(ask, m.Parent)
		}
	}
	if len(ask) == 0 {
		return nil
	}
	places, err := h.tx.Places(ask)
	for i := range places {
		h.places[places[i].ID] = &places[i]
	}
	return err
}

// rows are those of matches, and of the folders above them.
func (h *hunt) rows(matches []match) (map[content.ID]meta.Item, error) {
	var ids []content.ID
	for _, m := range matches {
		ids = append(ids, m.ID)
		for p := h.places[m.Parent]; p != nil; p = h.places[p.Parent] {
			ids = append(ids, p.ID)
		}
	}
	rows, err := h.tx.ItemsByID(ids)
	known := map[content.ID]meta.Item{}
	for _, row := range rows {
		known[row.ID] = row
	}
	return known, err
}

// sees says whether a hit is where it was looked for, and there for the caller.
func (h *hunt) sees(hit meta.Hit) bool {
	trashed, in := !hit.TrashedAt.IsZero(), len(h.q.Folders) == 0
	if hit.Limbo != meta.NoLimbo {
		return false
	}
	scoped := h.who.Scoped || len(h.who.Links) > 0
	n := content.Node{ID: hit.ID, OwnedBy: content.Person{ID: hit.Owner}}
	for at := hit.Parent; at != 0; {
		p := h.places[at]
		if p == nil || p.Limbo != meta.NoLimbo {
			return false
		}
		trashed = trashed || p.Trashed
		in = in || slices.Contains(h.q.Folders, p.ID)
		if scoped {
			n.Path = append(n.Path, content.Folder{Node: content.Node{ID: p.ID}})
		}
		at = p.Parent
	}
	if !in || h.q.Trash == NoTrash && trashed || h.q.Trash == OnlyTrash && !trashed {
		return false
	}
	if h.q.Enterprise {
		return true // of an owner who is looked at
	}
	return content.May(h.who, content.See, &content.Folder{Node: n})
}
