package sqlmeta

import (
	"cmp"
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

// terms are what the index has of an item.
func terms(it meta.Item) []string {
	if it.Parent == 0 && it.Limbo == meta.NoLimbo {
		return nil // a root
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
	if same && (was.Parent == 0) == (is.Parent == 0) {
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

// worded is what the index has an item's words from.
func (tx *Tx) worded(id content.ID) (meta.Item, error) {
	return one(tx, "get item's words", `SELECT id, kind, COALESCE(parent, 0), limbo, owner, name, description, extra FROM item WHERE id = ?`,
		func(it *meta.Item) []any {
			return []any{&it.ID, &it.Kind, &it.Parent, &it.Limbo, &it.Owner, &it.Name, &it.Description, extraColumn{&it.Extra}}
		}, noItem(id), int64(id))
}

// Reindex makes the index anew, of all items behind an id, and says how far it came;
// 0 at the end. It is for a database that comes from before the index.
func (tx *Tx) Reindex(after content.ID, limit int) (content.ID, error) {
	rows, err := list(tx, "list items' words", `SELECT id, kind, COALESCE(parent, 0), limbo, owner, name, description, extra FROM item WHERE id > ? ORDER BY id LIMIT ?`,
		func(it *meta.Item) []any {
			return []any{&it.ID, &it.Kind, &it.Parent, &it.Limbo, &it.Owner, &it.Name, &it.Description, extraColumn{&it.Extra}}
		}, int64(after), limited(limit))
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

	// rareEnough: of two words that as many items have there is nothing to choose.
	rareEnough = 2000
	// mergedTerms is how many words of one prefix are followed at once.
	mergedTerms = 16
	// probedTerms is how many of them an item of another word is tried for.
	probedTerms = 4
	// sampledTerms is how many words of a prefix are looked at when there are more,
	// and sampledItems how many items of each.
	sampledTerms, sampledItems = 200, 20
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

func plainHits(rows []hit) (hits []meta.Hit) {
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
	if len(exact) == 0 {
		return tx.findPrefix(l, prefix)
	}
	exact, rarest, err := tx.rarestFirst(l.Owner, exact, prefix != "")
	if err != nil {
		return nil, 0, err
	}
	var begun string // leaves only items that have a word with the prefix
	var words []any
	if prefix != "" {
		all, err := tx.wordsOf(l.Owner, prefix, mergedTerms+1)
		if err != nil || len(all) == 0 {
			return nil, 0, err
		}
		if len(all) <= mergedTerms {
			words = []any{int64(l.Owner)}
			for i := range mergedTerms {
				words = append(words, all[min(i, len(all)-1)])
			}
			n, err := tx.number("count words", `SELECT COUNT(*) FROM (SELECT 1 FROM word WHERE owner = ? AND term IN (?`+mergedMore+`) LIMIT ?) c`,
				append(slices.Clone(words), rareEnough)...)
			if err != nil {
				return nil, 0, err
			}
			if n < rareEnough && n < rarest {
				return tx.findRare(l, exact, words)
			}
			if len(all) <= probedTerms {
				begun = ` AND EXISTS (SELECT 1 FROM word x WHERE x.owner = ? AND x.term IN (?, ?, ?, ?) AND x.item = w.item)`
				words = words[:1+probedTerms]
			}
		}
	}
	const op = "find items"
	// Where the last item is that may be looked at.
	floor, err := one(tx, op, `SELECT item FROM word WHERE owner = ? AND term = ? AND item < ? ORDER BY item DESC LIMIT 1 OFFSET ?`,
		func(id *content.ID) []any { return []any{id} }, nil, int64(l.Owner), exact[0], int64(l.Before), int64(l.Scan-1))
	if err != nil {
		return nil, 0, err
	}
	where, more := having(l, "w.item", exact[1:])
	if begun != "" {
		where += begun
		more = append(more, words...)
	}
	rows, err := list(tx, op, `SELECT `+hitFields+` FROM word w JOIN item i ON i.id = w.item
		WHERE w.owner = ? AND w.term = ? AND w.item < ? AND w.item >= ?`+where+` ORDER BY w.item DESC LIMIT ?`, hitColumns,
		append(append([]any{int64(l.Owner), exact[0], int64(l.Before), int64(floor)}, more...), limited(l.Limit))...)
	if len(rows) == l.Limit {
		floor = rows[len(rows)-1].ID
	}
	return plainHits(rows), floor, err
}

// having leaves only items that have all of some words, and are of the kind.
func having(l meta.Lookup, item string, words []string) (where string, args []any) {
	for _, w := range words {
		where += ` AND EXISTS (SELECT 1 FROM word x WHERE x.owner = ? AND x.term = ? AND x.item = ` + item + `)`
		args = append(args, int64(l.Owner), w)
	}
	if l.Kind != nil {
		where += ` AND i.kind = ?`
		args = append(args, int64(*l.Kind))
	}
	return where, args
}

// findRare goes through all items that have any of some words, which are few.
func (tx *Tx) findRare(l meta.Lookup, exact []string, words []any) ([]meta.Hit, content.ID, error) {
	where, more := having(l, "i.id", exact)
	rows, err := list(tx, "find rare items", `SELECT `+hitFields+` FROM item i
		WHERE i.id IN (SELECT w.item FROM word w WHERE w.owner = ? AND w.term IN (?`+mergedMore+`)) AND i.id < ?`+where,
		hitColumns, append(append(slices.Clone(words), int64(l.Before)), more...)...)
	newestFirst(rows)
	if len(rows) <= l.Limit {
		return plainHits(rows), 0, err
	}
	return plainHits(rows[:l.Limit]), rows[l.Limit-1].ID, err
}

var mergedMore = strings.Repeat(`, ?`, mergedTerms-1)

// findPrefix follows all words that begin with a prefix, if they are few, and
// else takes the newest items of each of the first.
func (tx *Tx) findPrefix(l meta.Lookup, prefix string) ([]meta.Hit, content.ID, error) {
	const op = "find items by prefix"
	words, err := tx.wordsOf(l.Owner, prefix, sampledTerms)
	if err != nil || len(words) == 0 {
		return nil, 0, err
	}
	var query string
	var args []any
	if len(words) <= mergedTerms {
		for i, w := range words {
			if i > 0 {
				query += ` UNION `
			}
			query += `SELECT item FROM word WHERE owner = ? AND term = ? AND item < ?`
			args = append(args, int64(l.Owner), w, int64(l.Before))
		}
		query += ` ORDER BY item DESC LIMIT ?`
	} else {
		query = `WITH t (term) AS (VALUES (?)` + strings.Repeat(`, (?)`, sampledTerms-1) + `)
			SELECT DISTINCT w.item FROM t JOIN word w ON w.owner = ? AND w.term = t.term AND w.item < ? AND w.item IN (
				SELECT x.item FROM word x WHERE x.owner = ? AND x.term = t.term ORDER BY x.item DESC LIMIT ?)
			ORDER BY w.item DESC LIMIT ?`
		for i := range sampledTerms {
			args = append(args, words[min(i, len(words)-1)]) // the last again and again
		}
		args = append(args, int64(l.Owner), int64(l.Before), int64(l.Owner), sampledItems)
	}
	items, err := list(tx, op, query, func(id *content.ID) []any { return []any{id} }, append(args, limited(l.Limit))...)
	if err != nil {
		return nil, 0, err
	}
	next := content.ID(0)
	if len(items) == l.Limit {
		next = items[len(items)-1]
	}
	var all []hit
	for batch := range slices.Chunk(items, many) {
		rows, err := list(tx, op, `SELECT `+hitFields+` FROM item i WHERE i.id IN (?`+manyMore+`)`, hitColumns, padded(batch)...)
		if err != nil {
			return nil, 0, err
		}
		newestFirst(rows)
		all = append(all, rows...)
	}
	if l.Kind != nil {
		all = slices.DeleteFunc(all, func(h hit) bool { return h.Kind != *l.Kind })
	}
	return plainHits(all), next, nil
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

// rarestFirst sorts words by how many items have them, as far as one counts,
// and says how many have the first: if there is but one word, only if asked to.
func (tx *Tx) rarestFirst(owner content.ID, words []string, always bool) (_ []string, least int64, err error) {
	if len(words) < 2 && !always {
		return words, 0, nil
	}
	count := map[string]int64{}
	for _, w := range words {
		count[w], err = tx.number("count word", `SELECT COUNT(*) FROM (SELECT 1 FROM word WHERE owner = ? AND term = ? LIMIT ?) c`, int64(owner), w, rareEnough)
		if err != nil {
			return nil, 0, err
		}
	}
	slices.SortStableFunc(words, func(a, b string) int { return cmp.Compare(count[a], count[b]) })
	return words, count[words[0]], nil
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
	where, more := having(l, "i.id", words)
	rows, err := list(tx, op, below+`SELECT `+hitFields+` FROM below CROSS JOIN item i WHERE i.id = below.id AND i.owner = ? AND i.id + 0 < ?`+where,
		hitColumns, append([]any{int64(l.Under), int64(l.Owner), int64(l.Before)}, more...)...)
	newestFirst(rows)
	return plainHits(rows), true, err
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
