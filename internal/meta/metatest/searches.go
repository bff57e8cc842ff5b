package metatest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// found is what a lookup gives, in pages of two.
func found(t *testing.T, s meta.Store, l meta.Lookup) (ids []content.ID) {
	t.Helper()
	l.Limit, l.Scan = max(l.Limit, 2), max(l.Scan, 2)
	for range 10_000 {
		next := content.ID(0)
		hits := get(t, s, func(tx meta.Tx) (hits []meta.Hit, err error) { hits, next, err = tx.Find(l); return hits, err })
		for _, h := range hits {
			if n := len(ids); n > 0 && ids[n-1] <= h.ID {
				t.Fatalf("item %v comes behind %v", h.ID, ids[n-1])
			}
			ids = append(ids, h.ID)
		}
		if next == 0 {
			return ids
		}
		l.Before = next
	}
	t.Fatal("it never ends")
	return nil
}

func words(list ...string) (terms []content.Term) {
	for _, w := range list {
		n := len(w) - 1
		if w[n] == '*' {
			terms = append(terms, content.Term{Text: w[:n], Prefix: true})
		} else {
			terms = append(terms, content.Term{Text: w})
		}
	}
	return terms
}

func idList(list ...content.ID) []content.ID { return list }

var searches = []test{
	{"ItemsAreFoundByTheirWords", func(t *testing.T, s meta.Store) {
		a, b := file(200, aliceRoot, "June Report.pdf", alice, 5), folder(201, aliceRoot, "reports", alice)
		b.Description, b.Tags = "all of june", []string{"Urgent Thing"}
		c, d := link(202, 201, "july report", alice), file(203, bobRoot, "June Report.pdf", bob, 6)
		put(t, s, a, b, c, d)
		for _, q := range []struct {
			terms []content.Term
			want  []content.ID
		}{
			{words("report"), idList(202, 200)},
			{words("june"), idList(201, 200)},
			{words("june", "report"), idList(200)},
			{words("report*"), idList(202, 201, 200)},
			{words("rep*"), idList(202, 201, 200)},
			{words("r*"), idList(202, 201, 200)},
			{words("urgent", "june"), idList(201)},
			{words("pdf", "ju*"), idList(200)},
			{words("june", "july"), nil},
			{words("x"), nil},
			{words("x*"), nil},
			{nil, nil},
			{words("files"), nil}, // the root
		} {
			equal(t, fmt.Sprint(q.terms), found(t, s, meta.Lookup{Owner: alice, Terms: q.terms}), q.want)
		}
		equal(t, "bob's", found(t, s, meta.Lookup{Owner: bob, Terms: words("report")}), idList(203))
		for kind, want := range map[meta.ItemKind]content.ID{meta.File: 200, meta.Folder: 201, meta.WebLink: 202} {
			equal(t, fmt.Sprint("kind ", kind), found(t, s, meta.Lookup{Owner: alice, Terms: words("rep*"), Kind: &kind}), idList(want))
		}
		hits := get(t, s, func(tx meta.Tx) ([]meta.Hit, error) {
			hits, _, err := tx.Find(meta.Lookup{Owner: alice, Terms: words("reports"), Limit: 1, Scan: 1})
			return hits, err
		})
		equal(t, "a hit", hits, []meta.Hit{{ID: 201, Kind: meta.Folder, Parent: aliceRoot, Owner: alice, ModifiedBy: alice, Name: b.Name,
			Description: b.Description, Tags: b.Tags, CreatedAt: start, ModifiedAt: start}})
	}},
	{"TheIndexFollowsChanges", func(t *testing.T, s meta.Store) {
		a, b := file(200, aliceRoot, "one two", alice, 5), folder(201, aliceRoot, "three", alice)
		put(t, s, a, b)
		want := func(step string, owner content.ID, word string, want ...content.ID) {
			t.Helper()
			equal(t, step+": "+word, found(t, s, meta.Lookup{Owner: owner, Terms: words(word)}), append([]content.ID(nil), want...))
		}
		a.Name, a.Key, a.Tags = "Two four", "two four", []string{"five"}
		update(t, s, func(tx meta.Tx) error { return tx.UpdateItem(a) })
		want("renamed", alice, "one")
		want("renamed", alice, "two", 200)
		want("renamed", alice, "four", 200)
		want("renamed", alice, "five", 200)
		a.Tags, a.Description = nil, "six six"
		update(t, s, func(tx meta.Tx) error { return tx.UpdateItem(a) })
		want("described", alice, "five")
		want("described", alice, "six", 200)
		refused(t, s, content.Internal, func(tx meta.Tx) error {
			x := a
			x.Name, x.Key = "seven", "seven"
			return first(tx.UpdateItem(x), fmt.Errorf("undone"))
		})
		want("undone", alice, "seven")
		a.Owner, a.Parent = bob, bobRoot
		update(t, s, func(tx meta.Tx) error { return tx.UpdateItem(a) })
		want("given away", alice, "six")
		want("given away", bob, "six", 200)
		a.TrashedAt = start
		update(t, s, func(tx meta.Tx) error { return tx.UpdateItem(a) })
		want("in the trash", bob, "six", 200)
		b.Parent, b.Limbo = 0, meta.Going
		update(t, s, func(tx meta.Tx) error { return tx.UpdateItem(b) })
		want("in limbo", alice, "three", 201)
		update(t, s, func(tx meta.Tx) error { return first(tx.DeleteItem(200), tx.DeleteVersion(1200), tx.DeleteItem(201)) })
		want("deleted", bob, "six")
		want("deleted", alice, "three")
	}},
	{"ManyItemsAreFoundInPages", func(t *testing.T, s meta.Store) {
		var all []meta.Item
		var want, wantEven []content.ID
		put(t, s, folder(150, aliceRoot, "small", alice), folder(151, 150, "smaller", alice))
		for i := range 100 {
			it := folder(content.ID(200+i), aliceRoot, fmt.Sprintf("common w%03d", i), alice)
			if i%2 == 0 {
				it.Name, it.Key = it.Name+" even", it.Key+" even"
				wantEven = append(idList(it.ID), wantEven...)
			}
			if i == 50 {
				it.Parent = 151
			}
			all, want = append(all, it), append(idList(it.ID), want...)
		}
		put(t, s, all...)
		for _, scan := range []int{1, 7, 100, 1000} {
			for _, limit := range []int{1, 7, 100, 1000} {
				l := meta.Lookup{Owner: alice, Terms: words("common"), Scan: scan, Limit: limit}
				equal(t, "common", found(t, s, l), want)
				l.Terms = words("common", "even")
				equal(t, "both", found(t, s, l), wantEven)
				l.Terms = words("comm*")
				equal(t, "prefix", found(t, s, l), want)
				l.Terms = words("w*")
				equal(t, "prefix of many", found(t, s, l), want)
				l.Terms, l.Under = words("w*", "even"), 150
				equal(t, "below a folder", found(t, s, l), idList(250))
				l.Terms = words("small*")
				if got := found(t, s, l); !slices.Contains(got, 151) || slices.Contains(got, 150) || len(got) > 2 {
					t.Errorf("below a folder is %v", got)
				}
			}
		}
	}},
	{"ItemsOfManyWordsAreFoundOnce", func(t *testing.T, s meta.Store) {
		var all []meta.Item
		var want []content.ID
		for i := range 300 {
			// Of the first word are so many in a row that others have to wait for it.
			it := folder(content.ID(200+i), aliceRoot, fmt.Sprintf("item %03d v%02d v%02d", i, i/15, i*7%20), alice)
			all, want = append(all, it), append(idList(it.ID), want...)
		}
		put(t, s, all...)
		for _, limit := range []int{2, 9, 1000} {
			equal(t, "prefix of many", found(t, s, meta.Lookup{Owner: alice, Terms: words("v*"), Limit: limit}), want)
			equal(t, "from the middle", found(t, s, meta.Lookup{Owner: alice, Terms: words("v*"), Limit: limit, Before: 300}), want[200:])
		}
	}},
	{"PlacesAreFoldersAndAllAbove", func(t *testing.T, s meta.Store) {
		a, b, c := folder(200, aliceRoot, "a", alice), folder(201, 200, "b", alice), folder(202, 201, "c", alice)
		b.TrashedAt = start
		put(t, s, a, b, c)
		update(t, s, func(tx meta.Tx) error { a.Parent, a.Limbo = 0, meta.Growing; return tx.UpdateItem(a) })
		asked := []content.ID{202, 201, 9999, bobRoot}
		for range 100 {
			asked = append(asked, 202)
		}
		got := map[content.ID]meta.Place{}
		for _, p := range get(t, s, func(tx meta.Tx) ([]meta.Place, error) { return tx.Places(asked) }) {
			if _, again := got[p.ID]; again {
				t.Errorf("place %v comes twice", p.ID)
			}
			got[p.ID] = p
		}
		equal(t, "places", got, map[content.ID]meta.Place{
			200:     {ID: 200, Name: "a", Owner: alice, Limbo: meta.Growing},
			201:     {ID: 201, Parent: 200, Name: "b", Owner: alice, Trashed: true},
			202:     {ID: 202, Parent: 201, Name: "c", Owner: alice},
			bobRoot: {ID: bobRoot, Name: "All Files", Owner: bob},
		})
		equal(t, "no places", len(get(t, s, func(tx meta.Tx) ([]meta.Place, error) { return tx.Places(nil) })), 0)
	}},
	{"RecentsAreTheLastOfEachItem", func(t *testing.T, s meta.Store) {
		var want []meta.Recent
		for i := range 6 {
			it := folder(content.ID(200+i), aliceRoot, fmt.Sprint(i), alice)
			put(t, s, it)
			r := meta.Recent{User: alice, Item: it.ID, Kind: content.ItemUpload, At: start.Add(time.Duration(i/2) * time.Second), Link: i == 3}
			update(t, s, func(tx meta.Tx) error {
				return first(tx.PutRecent(meta.Recent{User: alice, Item: it.ID, Kind: "x", At: start.Add(-time.Hour)}), tx.PutRecent(r))
			})
			want = append([]meta.Recent{r}, want...)
		}
		update(t, s, func(tx meta.Tx) error {
			return tx.PutRecent(meta.Recent{User: bob, Item: 200, Kind: content.ItemPreview, At: start.Add(time.Hour)})
		})
		list := func(after time.Time, behind meta.Recent, limit int) []meta.Recent {
			return get(t, s, func(tx meta.Tx) ([]meta.Recent, error) { return tx.Recents(alice, after, behind, limit) })
		}
		equal(t, "all", list(time.Time{}, meta.Recent{}, 9), want)
		equal(t, "the first", list(time.Time{}, meta.Recent{}, 1), want[:1])
		equal(t, "those behind the first", list(time.Time{}, want[0], 9), want[1:])
		equal(t, "those of a time", list(start, meta.Recent{}, 9), want[:4])
		n := 0
		update(t, s, func(tx meta.Tx) (err error) { n, err = tx.DropRecents(alice, 3, 2); return err })
		equal(t, "dropped", n, 2)
		update(t, s, func(tx meta.Tx) (err error) { n, err = tx.DropRecents(alice, 3, 2); return err })
		equal(t, "dropped then", n, 1)
		equal(t, "the newest", list(time.Time{}, meta.Recent{}, 9), want[:3])
		update(t, s, func(tx meta.Tx) error { return tx.DeleteItem(want[0].Item) })
		equal(t, "without the deleted", list(time.Time{}, meta.Recent{}, 9), want[1:3])
	}},
}
