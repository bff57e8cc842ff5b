package metatest

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// shelf fills a folder so that every order has ties and differs from the
// others, with something trashed in between, and returns what is live.
func shelf(t *testing.T, s meta.Store, parent content.ID) []meta.Item {
	t.Helper()
	var all, live []meta.Item
	for n := range 40 {
		id := content.ID(400 + (n*7)%40) // against the order of names
		name := fmt.Sprintf("%c%02d", 'a'+rune(n%3), n)
		it := folder(id, parent, name, alice)
		switch {
		case n%8 == 0:
			it = link(id, parent, name, alice)
		case n%4 != 0:
			it = file(id, parent, name, alice, int64(n*n%5))
		}
		it.ModifiedAt = start.Add(time.Duration(n*n%6) * time.Second)
		if n%9 == 5 {
			it.TrashedAt = start
		} else {
			live = append(live, it)
		}
		all = append(all, it)
	}
	put(t, s, all...)
	return live
}

// orders compares two items the way each order does, the kinds left out.
var orders = map[meta.ItemOrder]func(a, b meta.Item) int{
	meta.ByName: func(a, b meta.Item) int { return compare(a.Key, b.Key) },
	meta.ByID:   func(a, b meta.Item) int { return 0 },
	meta.ByDate: func(a, b meta.Item) int { return a.ModifiedAt.Compare(b.ModifiedAt) },
	meta.BySize: func(a, b meta.Item) int { return int(a.Size - b.Size) },
}

func same(got, want []meta.Item) bool {
	return slices.EqualFunc(got, want, func(a, b meta.Item) bool { return reflect.DeepEqual(a, b) })
}

func compare(a, b string) int { return slices.Compare([]byte(a), []byte(b)) }

func sorted(live []meta.Item, order meta.ItemOrder, desc bool) []meta.Item {
	want := slices.Clone(live)
	slices.SortFunc(want, func(a, b meta.Item) int {
		if a.Kind != b.Kind {
			return int(a.Kind - b.Kind)
		}
		c := orders[order](a, b)
		if c == 0 {
			c = int(a.ID - b.ID)
		}
		if desc {
			c = -c
		}
		return c
	})
	return want
}

func listed(t *testing.T, s meta.Store, parent content.ID, page meta.ItemPage) []meta.Item {
	t.Helper()
	return get(t, s, func(tx meta.Tx) ([]meta.Item, error) { return tx.ItemsIn(parent, page) })
}

var listings = []test{
	{"EveryOrderIsCompleteWhateverThePage", func(t *testing.T, s meta.Store) {
		put(t, s, folder(200, aliceRoot, "shelf", alice), folder(201, aliceRoot, "other", alice))
		live := shelf(t, s, 200)
		put(t, s, folder(800, 201, "a00", alice)) // of another folder
		for order := range orders {
			for _, desc := range []bool{false, true} {
				want := sorted(live, order, desc)
				for _, limit := range []int{1, 7, 100} {
					var got []meta.Item
					for {
						page := listed(t, s, 200, meta.ItemPage{Order: order, Desc: desc, Offset: int64(len(got)), Limit: limit})
						got = append(got, page...)
						if len(page) < limit || len(got) > len(want) {
							break
						}
					}
					if !same(got, want) {
						t.Errorf("order %d, descending %v, by %d:\n%v, want\n%v", order, desc, limit, names(got), names(want))
					}
				}
			}
		}
		equal(t, "count", item(t, s, 200).Holds(), int64(len(live)))
	}},
	{"AListingGoesOnBehindAnItem", func(t *testing.T, s meta.Store) {
		put(t, s, folder(200, aliceRoot, "shelf", alice))
		want := sorted(shelf(t, s, 200), meta.ByName, false)
		for _, limit := range []int{1, 7, 100} {
			got := listed(t, s, 200, meta.ItemPage{Limit: limit})
			for len(got) > 0 {
				last := got[len(got)-1]
				page := listed(t, s, 200, meta.ItemPage{Limit: limit, After: meta.Item{Kind: last.Kind, Key: last.Key, ID: last.ID}})
				got = append(got, page...)
				if len(page) < limit || len(got) > len(want) {
					break
				}
			}
			if !same(got, want) {
				t.Errorf("by %d: %v, want %v", limit, names(got), names(want))
			}
		}

		// Behind an item that has gone meanwhile.
		gone := want[3]
		gone.TrashedAt = start
		update(t, s, func(tx meta.Tx) error { return tx.UpdateItem(gone) })
		page := listed(t, s, 200, meta.ItemPage{Limit: 2, After: meta.Item{Kind: gone.Kind, Key: gone.Key, ID: gone.ID}})
		if !same(page, want[4:6]) {
			t.Errorf("behind a trashed item: %v, want %v", names(page), names(want[4:6]))
		}
	}},
	{"KeysAreComparedByteByByte", func(t *testing.T, s meta.Store) {
		want := []string{"!", "-", "a b", "a", "a-b", "a_", "ab", "b", "z", "é", "ｚ", "😀"}
		slices.SortFunc(want, compare)
		for i, name := range want {
			put(t, s, folder(content.ID(900-i), aliceRoot, name, alice))
		}
		equal(t, "names", names(listed(t, s, aliceRoot, meta.ItemPage{Limit: 100})), want)
	}},
	{"AnEmptyPageIsNoError", func(t *testing.T, s meta.Store) {
		put(t, s, folder(200, aliceRoot, "a", alice))
		equal(t, "empty folder", len(listed(t, s, 200, meta.ItemPage{Limit: 10})), 0)
		equal(t, "unknown folder", len(listed(t, s, 999, meta.ItemPage{Limit: 10})), 0)
		equal(t, "no folder", len(listed(t, s, 0, meta.ItemPage{Limit: 10})), 0)
		equal(t, "behind the end", len(listed(t, s, aliceRoot, meta.ItemPage{Limit: 10, Offset: 1})), 0)
		equal(t, "limit of 0", len(listed(t, s, aliceRoot, meta.ItemPage{})), 0)
		equal(t, "limit below 0", len(listed(t, s, aliceRoot, meta.ItemPage{Limit: -1})), 0)
	}},
}

func names(all []meta.Item) (n []string) {
	for _, it := range all {
		n = append(n, it.Name)
	}
	return n
}
