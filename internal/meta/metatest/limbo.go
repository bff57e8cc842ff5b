package metatest

import (
	"slices"
	"testing"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// limbo is what meta makes of the calls of a store when it deletes for good.
var limbo = []test{
	{"ADoomedTreeGoesBitByBit", func(t *testing.T, s meta.Store) {
		top := folder(200, aliceRoot, "top", alice)
		put(t, s, top, folder(201, 200, "deep", alice), folder(202, 201, "deeper", alice), folder(203, 200, "empty", alice),
			file(210, 202, "a", alice, 10), file(211, 202, "b", alice, 20), link(212, 201, "c", alice), file(213, 200, "d", alice, 30),
			file(220, aliceRoot, "stays", alice, 40))
		trashed := item(t, s, 211)
		trashed.TrashedAt = start // outlives its folder
		past := item(t, s, 213)
		past.Current.ID, past.Current.Number, past.Current.Size = 9000, 2, 5
		update(t, s, func(tx meta.Tx) error {
			err := first(tx.UpdateItem(trashed), tx.InsertVersion(past.Current), tx.UpdateItem(past), tx.AddUsage(alice, 105, 0))
			for i := range 300 { // more than is deleted at once
				err = first(err, tx.InsertPart(2210, part(i, 1000+i)))
			}
			return first(err, tx.InsertPart(2211, part(0, 1)), tx.InsertPart(2213, part(0, 2)), tx.InsertPart(2213, part(1, 1)), tx.InsertPart(2220, part(0, 2)))
		})
		update(t, s, func(tx meta.Tx) error {
			row, err := tx.Item(200)
			return first(err, meta.Doom(tx, row))
		})
		equal(t, "the root's totals", item(t, s, aliceRoot).Totals, meta.Totals{Size: 40, Files: 1})
		gone := item(t, s, 200)
		if gone.Parent != 0 || gone.Limbo != meta.Going || gone.Files != 1 || gone.Folders != 2 {
			t.Errorf("doomed: %+v", gone)
		}
		put(t, s, folder(230, aliceRoot, "top", alice)) // the name is free

		var free []blob.Key
		at, steps := content.ID(200), 0
		for done := false; !done; steps++ {
			var p meta.Purged
			update(t, s, func(tx meta.Tx) (err error) {
				p, err = meta.PurgeSome(tx, 200, at, func(rows int) bool { return rows < 2 })
				return err
			})
			free, at, done = append(free, p.Free...), p.At, p.Done
			if steps%2 == 0 {
				at = 200 // forgotten
			}
			var bytes int64
			for _, v := range get(t, s, func(tx meta.Tx) ([]meta.Version, error) { return tx.AllVersions(0, 99) }) {
				bytes += v.Size
			}
			u := get(t, s, func(tx meta.Tx) (content.User, error) { return tx.User(alice) })
			equal(t, "bytes used", u.Used, bytes)
			all := get(t, s, func(tx meta.Tx) ([]meta.Item, error) { return tx.AllItems(0, 99) })
			for _, it := range all {
				equal(t, "totals", it.Totals, walk(all, it))
			}
			if steps > 100 {
				t.Fatal("it does not end")
			}
		}
		if steps < 5 {
			t.Errorf("%d steps", steps)
		}
		var ids []content.ID
		for _, it := range get(t, s, func(tx meta.Tx) ([]meta.Item, error) { return tx.AllItems(0, 99) }) {
			ids = append(ids, it.ID)
		}
		equal(t, "items left", ids, []content.ID{aliceRoot, bobRoot, 211, 220, 230})
		trashed.Parent = 0
		equal(t, "what was in the trash by itself", item(t, s, 211), trashed)
		if len(free) != 300 || slices.Contains(free, blobKey(1)) || slices.Contains(free, blobKey(2)) {
			t.Errorf("%d blobs are free, first of them %v", len(free), free[0])
		}
		update(t, s, func(tx meta.Tx) error { // once more: it is gone
			p, err := meta.PurgeSome(tx, 200, 200, func(int) bool { return true })
			equal(t, "done", p.Done, true)
			return err
		})
	}},
	{"ADoomedVersionGoesAsAFile", func(t *testing.T, s meta.Store) {
		it := file(200, aliceRoot, "x", alice, 1)
		put(t, s, it)
		old := it.Current
		it.Current.ID, it.Current.Number, it.Current.Manifest = 9000, 2, 9001
		update(t, s, func(tx meta.Tx) error {
			return first(tx.InsertVersion(it.Current), tx.UpdateItem(it), tx.InsertPart(old.Manifest, part(0, 1)), tx.InsertPart(9001, part(0, 2)), tx.AddUsage(alice, 2, 0))
		})
		update(t, s, func(tx meta.Tx) error { return meta.DoomVersion(tx, old) })
		equal(t, "item", item(t, s, 200), it)
		equal(t, "past versions", get(t, s, func(tx meta.Tx) (int64, error) { return tx.CountPastVersions(200) }), int64(0))
		going := get(t, s, func(tx meta.Tx) ([]meta.Item, error) { return tx.InLimbo(meta.Going, 0, 9) })
		if len(going) != 1 || going[0].ID != old.ID || going[0].Current.Manifest != old.Manifest || going[0].Owner != alice {
			t.Fatalf("going: %+v", going)
		}
		update(t, s, func(tx meta.Tx) error {
			p, err := meta.PurgeSome(tx, old.ID, old.ID, meta.Bites{}.Begin())
			equal(t, "purged", p, meta.Purged{Free: []blob.Key{blobKey(1)}, At: old.ID, Done: true})
			return err
		})
		u := get(t, s, func(tx meta.Tx) (content.User, error) { return tx.User(alice) })
		equal(t, "bytes used", u.Used, int64(1))
		equal(t, "item", item(t, s, 200), it)
	}},
}
