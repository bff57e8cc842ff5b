package sqlmeta

import (
	"cmp"
	"container/heap"
	"slices"
	"strings"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// The index is a table of (owner, term, item), in that order. Everything a
// lookup reads is one range of it, bounded by a LIMIT.

// kindTerms stand in the index beside words, of which none has a slash. Files
// have none: nearly all items are files.
var kindTerms = map[meta.ItemKind]string{meta.Folder: "/folder", meta.WebLink: "/link"}

// isRoot tells a user's root from what else is in no folder.
func isRoot(it meta.Item) bool {
	return it.Parent == 0 && it.Limbo == meta.NoLimbo && it.TrashedAt.IsZero()
}

// terms are what the index has of an item.
func terms(it meta.Item) []string {
	if isRoot(it) {
		return nil
	}
	all := content.IndexTerms(append([]string{it.Name, it.Description}, it.Tags...)...)
	if k := kindTerms[it.Kind]; k != "" {
		all = append(all, k)
	}
	return all
}

// wordBatch is how many words one statement takes: there is one statement for
// each number up to it.
const wordBatch = 8

const noWord = `INSERT INTO word (owner, term, item) VALUES (?, ?, ?)`

func (tx *Tx) addWords(owner, item content.ID, words []string) error {
	for batch := range slices.Chunk(words, wordBatch) {
		args := make([]any, 0, 3*wordBatch)
		for _, w := range batch {
			args = append(args, int64(owner), w, int64(item))
		}
		if _, err := tx.exec("index item", noWord+strings.Repeat(`, (?, ?, ?)`, len(batch)-1)+` ON CONFLICT DO NOTHING`, args...); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) dropWords(owner, item content.ID, words []string) error {
	for batch := range slices.Chunk(words, wordBatch) {
		args := append(make([]any, 0, 2+wordBatch), int64(owner), int64(item))
		for _, w := range batch {
			args = append(args, w)
		}
		if _, err := tx.exec("index item", `DELETE FROM word WHERE owner = ? AND item = ? AND term IN (?`+
			strings.Repeat(`, ?`, len(batch)-1)+`)`, args...); err != nil {
			return err
		}
	}
	return nil
}

// reindex follows a change of an item.
func (tx *Tx) reindex(was, is meta.Item) error {
	same := was.Owner == is.Owner && was.Name == is.Name && was.Description == is.Description && slices.Equal(was.Tags, is.Tags)
	if same && isRoot(was) == isRoot(is) {
		return nil
	}
	old, now := terms(was), terms(is)
	if was.Owner == is.Owner {
		both := func(in []string) func(string) bool { return func(w string) bool { return slices.Contains(in, w) } }
		keep := slices.Clone(old)
		old = slices.DeleteFunc(old, both(now))
		now = slices.DeleteFunc(now, both(keep))
	}
	if err := tx.dropWords(was.Owner, was.ID, old); err != nil {
		return err
	}
	return tx.addWords(is.Owner, is.ID, now)
}

// worded is what the index has an item's words from, and what it weighs.
func (tx *Tx) worded(id content.ID) (meta.Item, weight, error) {
	it, err := one(tx, "get item's words", selectWorded+`WHERE id = ?`, wordedColumns, noItem(id), int64(id))
	return it, weight{it.Parent, it.Kind, micros(it.TrashedAt), it.Totals.Size}, err
}

const selectWorded = `SELECT id, kind, COALESCE(parent, 0), limbo, owner, name, description, extra, trashed_at, size FROM item `

func wordedColumns(it *meta.Item) []any {
	return []any{&it.ID, &it.Kind, &it.Parent, &it.Limbo, &it.Owner, &it.Name, &it.Description, extraColumn{&it.Extra}, instant{&it.TrashedAt}, &it.Totals.Size}
}

// Reindex makes the index anew, of all items behind an id, and says how far it came;
// 0 at the end. It is for a database that comes from before the index.
func (tx *Tx) Reindex(after content.ID, limit int) (content.ID, error) {
	rows, err := list(tx, "list items' words", selectWorded+`WHERE id > ? ORDER BY id LIMIT ?`, wordedColumns, int64(after), limited(limit))
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	for _, it := range rows {
		if err := tx.addWords(it.Owner, it.ID, terms(it)); err != nil {
			return 0, err
		}
	}
	return rows[len(rows)-1].ID, nil
}

const (
	hitFields = `i.id, i.kind, COALESCE(i.parent, 0), i.owner, i.modified_by, i.name, i.description, i.extra, i.size,
		i.created_at, i.modified_at, i.trashed_at, i.limbo`

	// maxJumps is how often it goes round the words to find where items have them all.
	maxJumps = 4
	// rareEnough is the item by whose place one word is found to be rarer than another.
	rareEnough = 500
	// mergedTerms is how many words of one prefix are followed at once.
	mergedTerms = 16
	// probedTerms is how many of them an item of another word is tried for.
	probedTerms = 4
	// mergedMost is how many are followed if there is no other word, and mergedChunk
	// how many items of one are read at once.
	mergedMost, mergedChunk = 200, 8
	// smallFolder is how many items below a folder are gone through one by one.
	smallFolder = 3000
)

func hitColumns(h *hit) []any {
	return []any{&h.ID, &h.Kind, &h.Parent, &h.Owner, &h.ModifiedBy, &h.Name, &h.Description, extraColumn{&h.extra}, &h.Size,
		instant{&h.CreatedAt}, instant{&h.ModifiedAt}, instant{&h.TrashedAt}, &h.Limbo}
}

type hit struct {
	meta.Hit
	extra meta.Extra
}

func plainHits(rows []hit) []meta.Hit {
	hits := make([]meta.Hit, 0, len(rows))
	for i := range rows {
		rows[i].Tags = rows[i].extra.Tags
		hits = append(hits, rows[i].Hit)
	}
	return hits
}

// Find is a meta.Searches method.
func (tx *Tx) Find(l meta.Lookup) (hits []meta.Hit, next content.ID, err error) {
	var exact []string
	prefix := ""
	for _, t := range l.Terms {
		switch {
		case !t.Prefix:
			exact = append(exact, t.Text)
		case len(t.Text) > len(prefix):
			prefix = t.Text
		}
	}
	if l.Kind != nil && kindTerms[*l.Kind] != "" {
		exact = append(exact, kindTerms[*l.Kind])
	}
	if l.Limit <= 0 || l.Scan <= 0 || len(exact) == 0 && prefix == "" {
		return nil, 0, nil
	}
	if l.Before == 0 {
		l.Before = 1<<63 - 1
	}
	if l.Under != 0 {
		if hits, whole, err := tx.findBelow(l, exact); err != nil || whole {
			return hits, 0, err
		}
	}
	var sources []source
	for _, w := range exact {
		sources = append(sources, source{w})
	}
	if prefix != "" {
		words, err := tx.wordsOf(l.Owner, prefix, mergedMost)
		switch {
		case err != nil || len(words) == 0:
			return nil, 0, err
		case len(words) <= mergedTerms:
			sources = append(sources, words)
		case len(exact) == 0:
			return tx.merge(l, words)
		}
	}
	lead, err := tx.lead(&l, sources)
	if err != nil || l.Before == 0 {
		return nil, 0, err
	}
	items, next, err := tx.both(l, sources, lead)
	if err != nil {
		return nil, 0, err
	}
	hits, err = tx.hits(l, items)
	return hits, next, err
}

// both are items of the leading source that the others have too, as far as that
// is soon found out, and where to go on.
func (tx *Tx) both(l meta.Lookup, sources []source, lead int) (items []content.ID, next content.ID, err error) {
	query, args := sources[lead].items(l)
	query += ` ORDER BY item DESC LIMIT ?`
	where, more := having(l, sources, lead)
	if where != "" {
		// What is looked at is bounded, and comes in the order of the inner query.
		query = `SELECT lead.item FROM (` + query + `) lead WHERE ` + where + ` LIMIT ?`
		args = append(append(args, limited(l.Scan)), more...)
	}
	items, err = list(tx, "find items", query, idColumn, append(args, limited(l.Limit))...)
	switch {
	case err != nil:
		return nil, 0, err
	case len(items) == l.Limit:
		next = items[len(items)-1]
	case where != "":
		next, err = tx.nth(sources[lead], l, l.Scan)
	}
	return items, next, err
}

func idColumn(id *content.ID) []any { return []any{id} }

// source is words of which an item has to have one.
type source []string

// items is a query of the items of a source, from l.Before down.
func (s source) items(l meta.Lookup) (query string, args []any) {
	for i, w := range s {
		if i > 0 {
			query += ` UNION `
		}
		query += `SELECT w.item FROM word w WHERE w.owner = ? AND w.term = ? AND w.item < ?`
		args = append(args, int64(l.Owner), w, int64(l.Before))
	}
	return query, args
}

// nth is the place of the n-th of these items, from 1; 0 if there are fewer.
func (tx *Tx) nth(s source, l meta.Lookup, n int) (content.ID, error) {
	query, args := s.items(l)
	return one(tx, "find items", query+` ORDER BY item DESC LIMIT 1 OFFSET ?`, idColumn, nil, append(args, int64(n-1))...)
}

// lead brings l.Before down to where all sources have items, 0 if there is no such place, and
// says which source has the fewest there.
func (tx *Tx) lead(l *meta.Lookup, sources []source) (lead int, err error) {
	if len(sources) == 1 {
		return 0, nil
	}
	for same, i := 0, 0; same < len(sources) && i < maxJumps*len(sources); i++ {
		top, err := tx.nth(sources[i%len(sources)], *l, 1)
		if err != nil || top == 0 {
			l.Before = 0
			return 0, err
		}
		same++
		if top+1 < l.Before {
			l.Before, same = top+1, 1
		}
	}
	far := content.ID(0)
	for i, s := range sources {
		at, err := tx.nth(s, *l, rareEnough)
		if err != nil {
			return 0, err
		}
		if i == 0 || at < far {
			lead, far = i, at
		}
	}
	return lead, nil
}

// having leaves only items that are in the other sources too, as far as that is soon found out.
func having(l meta.Lookup, sources []source, lead int) (where string, args []any) {
	for i, s := range sources {
		if i == lead || len(s) > probedTerms {
			continue
		}
		if where != "" {
			where += ` AND `
		}
		where += `EXISTS (SELECT 1 FROM word x WHERE x.owner = ? AND x.term IN (?` + strings.Repeat(`, ?`, len(s)-1) + `) AND x.item = lead.item)`
		args = append(args, int64(l.Owner))
		for _, w := range s {
			args = append(args, w)
		}
	}
	return where, args
}

// merge follows many words at once, from the newest item of any of them on.
func (tx *Tx) merge(l meta.Lookup, words []string) (hits []meta.Hit, next content.ID, err error) {
	ways, err := tx.ways(l, words)
	if err != nil {
		return nil, 0, err
	}
	heap.Init(&ways)
	var items []content.ID
	for len(ways) > 0 && len(items) < l.Limit {
		w := ways[0]
		if n := len(items); n == 0 || items[n-1] != w.items[0] {
			items = append(items, w.items[0])
		}
		if w.items = w.items[1:]; len(w.items) == 0 {
			l.Before = items[len(items)-1]
			w.items, err = tx.some(l, w.word)
			if err != nil {
				return nil, 0, err
			}
		}
		if len(w.items) == 0 {
			heap.Pop(&ways)
		} else {
			heap.Fix(&ways, 0)
		}
	}
	if len(items) == l.Limit {
		next = items[len(items)-1]
	}
	hits, err = tx.hits(l, items)
	return hits, next, err
}

// way is a word with items that are next.
type way struct {
	word  string
	items []content.ID
}

// ways is a heap, the newest item first.
type ways []*way

func (w ways) Len() int           { return len(w) }
func (w ways) Less(i, j int) bool { return w[i].items[0] > w[j].items[0] }
func (w ways) Swap(i, j int)      { w[i], w[j] = w[j], w[i] }
func (w *ways) Push(x any)        { *w = append(*w, x.(*way)) }
func (w *ways) Pop() any {
	last := len(*w) - 1
	x := (*w)[last]
	*w = (*w)[:last]
	return x
}

// ways are the words that have items, each with its newest.
func (tx *Tx) ways(l meta.Lookup, words []string) (all ways, err error) {
	args := make([]any, 0, mergedMost+2)
	for i := range mergedMost {
		args = append(args, words[min(i, len(words)-1)]) // the last again and again
	}
	type head struct {
		word string
		item content.ID
	}
	heads, err := list(tx, "find items by prefix", `
		WITH t (term) AS (VALUES (?)`+strings.Repeat(`, (?)`, mergedMost-1)+`)
		SELECT t.term, COALESCE((SELECT MAX(w.item) FROM word w WHERE w.owner = ? AND w.term = t.term AND w.item < ?), 0) FROM t`,
		func(h *head) []any { return []any{&h.word, &h.item} }, append(args, int64(l.Owner), int64(l.Before))...)
	for _, h := range heads[:min(len(heads), len(words))] {
		if h.item != 0 {
			all = append(all, &way{h.word, []content.ID{h.item}})
		}
	}
	return all, err
}

// some are the next items of a word.
func (tx *Tx) some(l meta.Lookup, word string) ([]content.ID, error) {
	query, args := source{word}.items(l)
	return list(tx, "find items", query+` ORDER BY item DESC LIMIT ?`, idColumn, append(args, mergedChunk)...)
}

// hits are the items of the kind asked for.
func (tx *Tx) hits(l meta.Lookup, items []content.ID) ([]meta.Hit, error) {
	all := make([]hit, 0, len(items))
	for batch := range slices.Chunk(items, many) {
		rows, err := list(tx, "get items found", `SELECT `+hitFields+` FROM item i WHERE i.id IN (?`+manyMore+`)`, hitColumns, padded(batch)...)
		if err != nil {
			return nil, err
		}
		newestFirst(rows)
		all = append(all, rows...)
	}
	return plainHits(ofKind(l, all)), nil
}

func ofKind(l meta.Lookup, all []hit) []hit {
	if l.Kind == nil {
		return all
	}
	return slices.DeleteFunc(all, func(h hit) bool { return h.Kind != *l.Kind })
}

// many is how many ids a statement takes that takes a list of them.
const many = 64

var manyMore = strings.Repeat(`, ?`, many-1)

// padded is a list of up to many ids as that many arguments: the last stands
// there again and again.
func padded(ids []content.ID) []any {
	args := make([]any, many)
	for i := range args {
		args[i] = int64(ids[min(i, len(ids)-1)])
	}
	return args
}

func newestFirst(rows []hit) {
	slices.SortFunc(rows, func(a, b hit) int { return cmp.Compare(b.ID, a.ID) })
}

// wordsOf are the words in the index that begin with a prefix, the first of them.
func (tx *Tx) wordsOf(owner content.ID, prefix string, most int) ([]string, error) {
	return list(tx, "list words", `
		WITH RECURSIVE t (term) AS (
			SELECT MIN(w.term) FROM word w WHERE w.owner = ? AND w.term >= ? AND w.term < ?
			UNION ALL
			SELECT (SELECT MIN(w.term) FROM word w WHERE w.owner = ? AND w.term > t.term AND w.term < ?) FROM t WHERE t.term IS NOT NULL
		)
		SELECT t.term FROM t WHERE t.term IS NOT NULL LIMIT ?`,
		func(s *string) []any { return []any{s} },
		int64(owner), prefix, behind(prefix), int64(owner), behind(prefix), most)
}

// behind is the first text after all that begin with a prefix. In UTF-8, by
// which both databases have to compare, U+10FFFF is as good as the end.
func behind(prefix string) string { return prefix + "\U0010FFFF" }

// below are the items in a folder and in those below it.
const below = `
	WITH RECURSIVE below (id) AS (
		SELECT c.id FROM item c WHERE c.parent = ?
		UNION ALL
		SELECT c.id FROM below JOIN item c ON c.parent = below.id
	) `

// findBelow goes through all items below a folder, unless there are too many of them.
func (tx *Tx) findBelow(l meta.Lookup, words []string) (hits []meta.Hit, whole bool, err error) {
	const op = "find items below"
	n, err := tx.number(op, below+`SELECT COUNT(*) FROM (SELECT 1 FROM below LIMIT ?) c`, int64(l.Under), smallFolder+1)
	if err != nil || n > smallFolder {
		return nil, false, err
	}
	where, args := "", []any{int64(l.Under), int64(l.Owner), int64(l.Before)}
	for _, w := range words {
		where += ` AND EXISTS (SELECT 1 FROM word x WHERE x.owner = ? AND x.term = ? AND x.item = i.id)`
		args = append(args, int64(l.Owner), w)
	}
	rows, err := list(tx, op, below+`SELECT `+hitFields+` FROM below CROSS JOIN item i WHERE i.id = below.id AND i.owner = ? AND i.id + 0 < ?`+where,
		hitColumns, args...)
	newestFirst(rows)
	return plainHits(ofKind(l, rows)), true, err
}

// Places is a meta.Searches method.
func (tx *Tx) Places(folders []content.ID) (all []meta.Place, err error) {
	seen := map[content.ID]bool{}
	for batch := range slices.Chunk(folders, many) {
		rows, err := list(tx, "get places", `
			WITH RECURSIVE up (id) AS (
				SELECT i.id FROM item i WHERE i.id IN (?`+manyMore+`)
				UNION
				SELECT i.parent FROM up JOIN item i ON i.id = up.id WHERE i.parent IS NOT NULL
			)
			SELECT i.id, COALESCE(i.parent, 0), i.name, i.owner, i.trashed_at, i.limbo FROM up JOIN item i ON i.id = up.id`,
			func(p *place) []any { return []any{&p.ID, &p.Parent, &p.Name, &p.Owner, &p.trashed, &p.Limbo} }, padded(batch)...)
		if err != nil {
			return nil, err
		}
		for _, p := range rows {
			if p.Trashed = p.trashed != 0; !seen[p.ID] {
				seen[p.ID] = true
				all = append(all, p.Place)
			}
		}
	}
	return all, nil
}

type place struct {
	meta.Place
	trashed int64
}
