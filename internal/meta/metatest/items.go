package metatest

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

var items = []test{
	{"AnItemIsKeptWhole", func(t *testing.T, s meta.Store) {
		f := folder(200, aliceRoot, "Übung", alice)
		it := file(201, 200, "Straße.TXT", alice, 12345)
		it.Sequence, it.Description = 7, "third pass"
		it.ModifiedAt, it.ContentCreatedAt, it.ContentModifiedAt = start.Add(1), start.Add(time.Hour), start.Add(2*time.Hour)
		it.ModifiedAt = it.ModifiedAt.Truncate(time.Microsecond)
		it.CreatedBy, it.ModifiedBy = bob, bob
		yes, no := true, false
		f.Limbo = meta.Going
		f.FolderOptions = content.FolderOptions{SyncState: "synced", UploadEmail: &content.UploadEmail{Access: "open", Email: "up@example.net"},
			NonOwnersMayInvite: &no, NonOwnersSeeOthers: &yes, EnterpriseOnly: &no}
		it.Tags, it.Linked = []string{"a, b", "Ü"}, true
		it.Lock = &meta.Lock{ID: 77, By: bob, CreatedAt: start, ExpiresAt: start.Add(time.Hour), NoDownload: true, AppType: "office_wopi"}
		w := link(202, 200, "home", alice)
		put(t, s, f, it, w)
		f.Totals = meta.Totals{Size: 12345, Files: 1, Links: 1}
		for _, want := range []meta.Item{f, it, w} {
			equal(t, "item", item(t, s, want.ID), want)
		}
		it.Lock.ExpiresAt, it.Lock.NoDownload, it.Tags = time.Time{}, false, nil
		update(t, s, func(tx meta.Tx) error { return tx.UpdateItem(it) })
		equal(t, "item", item(t, s, it.ID), it)
		missing(t, s, "item 999", func(tx meta.Tx) (meta.Item, error) { return tx.Item(999) })
	}},
	{"TimesThatClientsMayClaimAreKept", func(t *testing.T, s meta.Store) {
		it := folder(200, aliceRoot, "old", alice)
		for _, claimed := range []time.Time{
			{},                 // none
			time.Unix(0, 0),    // an archive without dates
			time.Unix(-1, 500), // below the microsecond: cut
			time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC),
			time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -3*3600)),
		} {
			it.ID, it.Name = it.ID+1, it.Name+"x"
			it.Key = it.Name
			it.ContentModifiedAt = claimed
			put(t, s, it)
			got := item(t, s, it.ID).ContentModifiedAt
			equal(t, "time", got, time.UnixMicro(claimed.UnixMicro()).UTC())
		}
	}},
	{"UpdateReplacesWhatMayChange", func(t *testing.T, s meta.Store) {
		put(t, s, folder(200, aliceRoot, "a", alice), file(201, aliceRoot, "b", alice, 5))
		want := file(201, 200, "c", bob, 6)
		want.Tags = []string{"t"}
		want.Current.ID, want.Current.Manifest = 9000, 9001
		want.Sequence, want.Description = 3, "d"
		want.ModifiedAt, want.ContentCreatedAt, want.ContentModifiedAt = start.Add(time.Second), start.Add(time.Minute), start.Add(time.Hour)
		update(t, s, func(tx meta.Tx) error {
			given := want
			given.Kind, given.CreatedAt = meta.Folder, start.Add(9*time.Hour) // not replaced
			given.Current.Size = 99                                           // not looked at
			return first(tx.InsertVersion(want.Current), tx.UpdateItem(given))
		})
		equal(t, "item", item(t, s, 201), want)
		refused(t, s, content.NotFound, func(tx meta.Tx) error { return tx.UpdateItem(folder(999, aliceRoot, "x", alice)) })
	}},
	{"NamesAreUniqueInAFolder", func(t *testing.T, s meta.Store) {
		put(t, s, folder(200, aliceRoot, "Ärger", alice), file(201, aliceRoot, "b", alice, 1), folder(202, 200, "b", alice))
		for _, clash := range []meta.Item{
			folder(300, aliceRoot, "ärger", alice),
			folder(300, aliceRoot, "A\u0308RGER", alice), // decomposed
			file(300, aliceRoot, "ÄRGER", alice, 1),      // of the other kind
			folder(300, aliceRoot, "B", alice),
		} {
			refused(t, s, content.NameTaken, func(tx meta.Tx) error {
				if clash.Kind == meta.File {
					tx.InsertVersion(clash.Current)
				}
				return tx.InsertItem(clash)
			})
		}
		missing(t, s, "refused item", func(tx meta.Tx) (meta.Item, error) { return tx.Item(300) })

		it := item(t, s, 201)
		it.Name, it.Key = "ÄRGER", content.NameKey("ÄRGER")
		refused(t, s, content.NameTaken, func(tx meta.Tx) error { return tx.UpdateItem(it) })
		equal(t, "name", item(t, s, 201).Name, "b")
		it = item(t, s, 200)
		it.Name = "ÄRGER" // another case of its own name
		update(t, s, func(tx meta.Tx) error { return tx.UpdateItem(it) })
		it.Parent, it.Name, it.Key = 200, "b", "b" // a move onto another
		refused(t, s, content.NameTaken, func(tx meta.Tx) error { return tx.UpdateItem(it) })
	}},
	{"AnIDThatIsTakenIsNoMatterOfNames", func(t *testing.T, s meta.Store) {
		put(t, s, folder(200, aliceRoot, "a", alice))
		refused(t, s, content.Internal, func(tx meta.Tx) error { return tx.InsertItem(folder(200, aliceRoot, "b", alice)) })
		equal(t, "item", item(t, s, 200).Name, "a")
	}},
	{"WhatIsTrashedLeavesItsNameFree", func(t *testing.T, s meta.Store) {
		put(t, s, folder(200, aliceRoot, "a", alice))
		gone := item(t, s, 200)
		gone.TrashedAt = start.Add(time.Hour)
		update(t, s, func(tx meta.Tx) error { return tx.UpdateItem(gone) })
		put(t, s, folder(201, aliceRoot, "A", alice))
		also := folder(202, aliceRoot, "a", alice)
		also.TrashedAt = start
		put(t, s, also) // trashed from the beginning

		it := get(t, s, func(tx meta.Tx) (meta.Item, error) { return tx.ItemNamed(aliceRoot, "a") })
		equal(t, "item of that name", it.ID, content.ID(201))
		equal(t, "trashed item", item(t, s, 200), gone)
		gone.Description = "still trashed"
		update(t, s, func(tx meta.Tx) error { return tx.UpdateItem(gone) })
		gone.TrashedAt = time.Time{}
		refused(t, s, content.NameTaken, func(tx meta.Tx) error { return tx.UpdateItem(gone) })
		gone.Name, gone.Key = "b", "b"
		update(t, s, func(tx meta.Tx) error { return tx.UpdateItem(gone) })
		equal(t, "restored item", item(t, s, 200), gone)
	}},
	{"RootsHaveNoNamesToClash", func(t *testing.T, s meta.Store) { // seed made two of one name
		equal(t, "names", []string{item(t, s, aliceRoot).Name, item(t, s, bobRoot).Name}, []string{"All Files", "All Files"})
		root := item(t, s, aliceRoot)
		root.ContentModifiedAt = start.Add(time.Hour)
		update(t, s, func(tx meta.Tx) error { return tx.UpdateItem(root) })
		equal(t, "root", item(t, s, aliceRoot), root)
		missing(t, s, "root by name", func(tx meta.Tx) (meta.Item, error) { return tx.ItemNamed(0, content.NameKey("All Files")) })
	}},
	{"ItemNamedGoesByKeyAndFolder", func(t *testing.T, s meta.Store) {
		it := file(200, aliceRoot, "Straße", alice, 9)
		put(t, s, it)
		equal(t, "item", get(t, s, func(tx meta.Tx) (meta.Item, error) { return tx.ItemNamed(aliceRoot, "strasse") }), it)
		missing(t, s, "other folder", func(tx meta.Tx) (meta.Item, error) { return tx.ItemNamed(bobRoot, "strasse") })
		missing(t, s, "a name that is no key", func(tx meta.Tx) (meta.Item, error) { return tx.ItemNamed(aliceRoot, "Straße") })
	}},
	{"AncestorsStartAtTheRoot", func(t *testing.T, s meta.Store) {
		// Ids fall on the way down, so that their order is not the answer.
		put(t, s, folder(299, aliceRoot, "a", alice), folder(298, 299, "b", alice), file(297, 298, "c", alice, 1))
		var ids []content.ID
		for _, it := range get(t, s, func(tx meta.Tx) ([]meta.Item, error) { return tx.Ancestors(297) }) {
			equal(t, "ancestor", it, item(t, s, it.ID))
			ids = append(ids, it.ID)
		}
		equal(t, "ancestors", ids, []content.ID{aliceRoot, 299, 298})
		equal(t, "ancestors of a root", len(get(t, s, func(tx meta.Tx) ([]meta.Item, error) { return tx.Ancestors(aliceRoot) })), 0)
		for _, id := range []content.ID{297, aliceRoot} {
			all := get(t, s, func(tx meta.Tx) ([]meta.Item, error) { return tx.Lineage(id) })
			above := get(t, s, func(tx meta.Tx) ([]meta.Item, error) { return tx.Ancestors(id) })
			itself := get(t, s, func(tx meta.Tx) (meta.Item, error) { return tx.Item(id) })
			equal(t, "lineage", all, append(above, itself))
		}
		missing(t, s, "lineage of nothing", func(tx meta.Tx) ([]meta.Item, error) { return tx.Lineage(999) })
		missing(t, s, "ancestors of nothing", func(tx meta.Tx) ([]meta.Item, error) { return tx.Ancestors(999) })
	}},
	{"TouchSetsOneTime", func(t *testing.T, s meta.Store) {
		want := folder(200, aliceRoot, "a", alice)
		put(t, s, want)
		want.ContentModifiedAt = start.Add(time.Hour)
		update(t, s, func(tx meta.Tx) error { return tx.Touch(200, want.ContentModifiedAt) })
		equal(t, "item", item(t, s, 200), want)
		refused(t, s, content.NotFound, func(tx meta.Tx) error { return tx.Touch(999, start) })
	}},
	{"LimboListsTheTopsOfHiddenTrees", func(t *testing.T, s meta.Store) {
		hidden := func(id content.ID, where meta.Limbo) meta.Item {
			it := folder(id, 0, "copy", alice)
			it.Limbo = where
			return it
		}
		put(t, s, hidden(205, meta.Growing), hidden(203, meta.Going), hidden(204, meta.Going), folder(206, 203, "in it", alice))
		in := func(where meta.Limbo, after content.ID, limit int) []meta.Item {
			return get(t, s, func(tx meta.Tx) ([]meta.Item, error) { return tx.InLimbo(where, after, limit) })
		}
		going := item(t, s, 203)
		equal(t, "growing", in(meta.Growing, 0, 9), []meta.Item{hidden(205, meta.Growing)})
		equal(t, "going", in(meta.Going, 0, 9), []meta.Item{going, hidden(204, meta.Going)})
		equal(t, "one of them", in(meta.Going, 0, 1), []meta.Item{going})
		equal(t, "behind it", in(meta.Going, 203, 9), []meta.Item{hidden(204, meta.Going)})
		equal(t, "in no limbo", len(in(meta.NoLimbo, 0, 9)), 0)
	}},
	{"TheTrashListsWhatWasItselfPutThere", func(t *testing.T, s meta.Store) {
		trashed := func(it meta.Item) meta.Item { it.TrashedAt = start; return it }
		top := trashed(folder(210, aliceRoot, "b", alice))
		want := []meta.Item{
			trashed(folder(209, aliceRoot, "a", alice)), top, trashed(folder(211, aliceRoot, "B", alice)), // one key, by id
			trashed(file(205, 210, "a", alice, 1)), trashed(file(206, aliceRoot, "c", alice, 1)),
		}
		for i := len(want) - 1; i >= 0; i-- { // against the order, but a parent before what is in it
			if want[i].ID != 205 {
				put(t, s, want[i])
			}
		}
		want[1].Totals.Folders = 1 // what is inside, but for what is trashed by itself
		put(t, s, want[3], folder(220, 210, "inside", alice), folder(221, aliceRoot, "live", alice), trashed(folder(222, bobRoot, "a", bob)))
		list := func(page meta.ItemPage) []meta.Item {
			return get(t, s, func(tx meta.Tx) ([]meta.Item, error) { return tx.Trashed(alice, page) })
		}
		equal(t, "trash", list(meta.ItemPage{Limit: 100}), want)
		equal(t, "trash 1 to 3", list(meta.ItemPage{Offset: 1, Limit: 3}), want[1:4])
		equal(t, "behind the end", len(list(meta.ItemPage{Offset: 5, Limit: 10})), 0)
		for i := range want[1:] {
			equal(t, "behind an item", list(meta.ItemPage{After: want[i], Limit: 2}), want[i+1:min(i+3, len(want))])
		}
		equal(t, "behind the last", len(list(meta.ItemPage{After: want[len(want)-1], Limit: 2})), 0)
		equal(t, "by name, the last first", list(meta.ItemPage{Desc: true, Limit: 9}), []meta.Item{want[2], want[1], want[0], want[4], want[3]})
		equal(t, "by id", list(meta.ItemPage{Order: meta.ByID, Offset: 1, Limit: 3}), want[1:4])
		n := get(t, s, func(tx meta.Tx) (int64, error) { return tx.CountTrashed(alice) })
		equal(t, "count", n, int64(len(want)))
	}},
	{"OldTrashGoesByTheTimeItWentThere", func(t *testing.T, s meta.Store) {
		at := func(it meta.Item, hours int) meta.Item {
			it.TrashedAt = start.Add(time.Duration(hours) * time.Hour)
			return it
		}
		first, second, late := at(file(205, aliceRoot, "a", alice, 1), 1), at(file(204, bobRoot, "b", bob, 1), 2), at(file(206, aliceRoot, "c", alice, 1), 3)
		dir := at(folder(210, aliceRoot, "f", alice), 1)
		put(t, s, second, late, first, dir, file(207, aliceRoot, "live", alice, 1), file(208, 210, "with its folder", alice, 1))
		dir.Totals = meta.Totals{Size: 1, Files: 1}
		list := func(hours int, limit int) []meta.Item {
			return get(t, s, func(tx meta.Tx) ([]meta.Item, error) {
				return tx.OldTrash(start.Add(time.Duration(hours)*time.Hour), limit)
			})
		}
		equal(t, "before the first", len(list(0, 9)), 0)
		equal(t, "up to the second", list(2, 9), []meta.Item{first, dir, second})
		equal(t, "the oldest", list(9, 1), []meta.Item{first})
		equal(t, "all", list(9, 9), []meta.Item{first, dir, second, late})
		in := func(parent content.ID, limit int) []meta.Item {
			return get(t, s, func(tx meta.Tx) ([]meta.Item, error) { return tx.Children(parent, limit) })
		}
		equal(t, "children", len(in(aliceRoot, 9)), 4) // three in the trash, one not
		equal(t, "some children", len(in(aliceRoot, 2)), 2)
		equal(t, "a child", in(210, 9), []meta.Item{file(208, 210, "with its folder", alice, 1)})
	}},
	{"AnItemIsDeletedWithItsVersions", func(t *testing.T, s meta.Store) {
		it := file(200, aliceRoot, "x", alice, 1)
		put(t, s, it, folder(300, aliceRoot, "f", alice), folder(301, 300, "g", alice))
		fill(t, s, it.Current.Manifest, 1)
		second := it.Current
		second.ID, second.Number, second.Manifest = 9000, 2, 9001
		update(t, s, func(tx meta.Tx) error { return tx.InsertVersion(second) })

		refused(t, s, content.Internal, func(tx meta.Tx) error { return tx.DeleteItem(300) })                                // something is in it
		refused(t, s, content.Internal, func(tx meta.Tx) error { return tx.DeleteItem(200) })                                // its versions stay
		refused(t, s, content.Internal, func(tx meta.Tx) error { return first(tx.DeleteItem(200), tx.DeleteVersion(1200)) }) // one stays
		refused(t, s, content.Internal, func(tx meta.Tx) error { return first(tx.DeleteVersion(1200), tx.DeleteItem(200)) }) // it is current
		equal(t, "item", item(t, s, 200), it)

		update(t, s, func(tx meta.Tx) error {
			return first(tx.DeleteItem(200), tx.DeleteVersion(1200), tx.DeleteVersion(9000), tx.DeleteItem(301), tx.DeleteItem(300))
		})
		for _, id := range []content.ID{200, 300, 301} {
			missing(t, s, "deleted item", func(tx meta.Tx) (meta.Item, error) { return tx.Item(id) })
		}
		equal(t, "versions", len(get(t, s, func(tx meta.Tx) ([]meta.Version, error) { return tx.AllVersions(0, 9) })), 0)
		equal(t, "parts", count(t, s, it.Current.Manifest), int64(1))
		update(t, s, func(tx meta.Tx) error { return first(tx.DeleteItem(200), tx.DeleteVersion(1200)) }) // not there: no error
	}},
	{"APastVersionIsDeletedAlone", func(t *testing.T, s meta.Store) {
		it := file(200, aliceRoot, "x", alice, 1)
		put(t, s, it)
		past := it.Current
		it.Current.ID, it.Current.Number = 9000, 2
		update(t, s, func(tx meta.Tx) error { return first(tx.InsertVersion(it.Current), tx.UpdateItem(it)) })
		has := func(m meta.Manifest, but content.ID) bool {
			return get(t, s, func(tx meta.Tx) (bool, error) { return tx.HasVersion(m, but) })
		}
		equal(t, "another version than the past one", has(past.Manifest, past.ID), true) // the one that is current shares it
		update(t, s, func(tx meta.Tx) error { return tx.DeleteVersion(past.ID) })
		equal(t, "item", item(t, s, 200), it)
		equal(t, "a version of that manifest", has(past.Manifest, 0), true)
		equal(t, "another version than the current one", has(past.Manifest, 9000), false)
		equal(t, "a version of an unknown manifest", has(77, 0), false)
		equal(t, "past versions", get(t, s, func(tx meta.Tx) (int64, error) { return tx.CountPastVersions(200) }), int64(0))
	}},
	{"ItemsByIDAreThoseThatAreThere", func(t *testing.T, s meta.Store) {
		var ids []content.ID
		for id := content.ID(200); id < 300; id++ { // more than one statement takes
			put(t, s, file(id, aliceRoot, fmt.Sprint(id), alice, int64(id)))
			ids = append(ids, id, id)
		}
		trashed := item(t, s, 201)
		trashed.TrashedAt = start
		update(t, s, func(tx meta.Tx) error { return tx.UpdateItem(trashed) })
		slices.Reverse(ids)
		all := get(t, s, func(tx meta.Tx) ([]meta.Item, error) { return tx.ItemsByID(append(ids, 999)) })
		slices.SortFunc(all, func(a, b meta.Item) int { return cmp.Compare(a.ID, b.ID) })
		equal(t, "items", len(all), 100)
		for i, it := range all {
			equal(t, "item", it, item(t, s, content.ID(200+i)))
		}
		equal(t, "items of no id", len(get(t, s, func(tx meta.Tx) ([]meta.Item, error) { return tx.ItemsByID(nil) })), 0)
	}},
	{"AllItemsAreInOrderOfIDTrashOrNot", func(t *testing.T, s meta.Store) {
		trashed := file(205, aliceRoot, "t", alice, 1)
		trashed.TrashedAt = start
		put(t, s, file(210, aliceRoot, "x", alice, 1), trashed)
		var ids []content.ID
		for after := content.ID(0); ; {
			page := get(t, s, func(tx meta.Tx) ([]meta.Item, error) { return tx.AllItems(after, 3) })
			if len(page) == 0 {
				break
			}
			for _, it := range page {
				equal(t, "item", it, item(t, s, it.ID))
				ids = append(ids, it.ID)
			}
			after = page[len(page)-1].ID
		}
		equal(t, "items", ids, []content.ID{aliceRoot, bobRoot, 205, 210})
	}},
}

func item(t *testing.T, s meta.Store, id content.ID) meta.Item {
	t.Helper()
	return get(t, s, func(tx meta.Tx) (meta.Item, error) { return tx.Item(id) })
}

var versions = []test{
	{"AVersionIsKeptWhole", func(t *testing.T, s meta.Store) {
		it := file(200, aliceRoot, "x", alice, 5)
		it.Current.TrashedAt = start.Add(time.Hour)
		put(t, s, it)
		equal(t, "version", get(t, s, func(tx meta.Tx) (meta.Version, error) { return tx.Version(1200) }), it.Current)
		missing(t, s, "version", func(tx meta.Tx) (meta.Version, error) { return tx.Version(999) })
	}},
	{"AVersionIsDeletedAndRestored", func(t *testing.T, s meta.Store) {
		it := file(200, aliceRoot, "x", alice, 5)
		put(t, s, it)
		past := it.Current
		it.Current.ID, it.Current.Number, it.Current.PromotedFrom = 9000, 2, past.ID
		update(t, s, func(tx meta.Tx) error { return first(tx.InsertVersion(it.Current), tx.UpdateItem(it)) })
		past.TrashedAt, past.TrashedBy = start.Add(time.Hour), bob
		past.RestoredAt, past.RestoredBy = start.Add(time.Minute), alice
		given := past
		given.Name, given.Size, given.Number = "other", 99, 99 // not replaced
		it.Current.TrashedAt = start
		update(t, s, func(tx meta.Tx) error { return first(tx.UpdateVersion(given), tx.UpdateVersion(it.Current)) })
		equal(t, "version", get(t, s, func(tx meta.Tx) (meta.Version, error) { return tx.Version(past.ID) }), past)
		equal(t, "item", item(t, s, 200), it)
		old := func(before time.Time) []meta.Version {
			return get(t, s, func(tx meta.Tx) ([]meta.Version, error) { return tx.OldVersions(before, 9) })
		}
		equal(t, "old versions before its time", len(old(past.TrashedAt.Add(-1))), 0) // what is current does not count
		equal(t, "old versions", old(past.TrashedAt), []meta.Version{past})
		refused(t, s, content.NotFound, func(tx meta.Tx) error { return tx.UpdateVersion(meta.Version{ID: 999}) })
	}},
	{"PastVersionsAreNewestFirst", func(t *testing.T, s meta.Store) {
		it := file(200, aliceRoot, "x", alice, 1)
		put(t, s, it, file(300, aliceRoot, "other", alice, 1))
		want := []meta.Version{it.Current}
		for n := int64(2); n <= 5; n++ {
			v := it.Current
			v.ID, v.Number, v.Size, v.Manifest = content.ID(9000-n), n, n, meta.Manifest(n) // ids against the order
			it.Current = v
			want = append([]meta.Version{v}, want...)
			update(t, s, func(tx meta.Tx) error { return first(tx.InsertVersion(v), tx.UpdateItem(it)) })
		}
		want = want[1:] // the current one
		past := func(offset int64, limit int) []meta.Version {
			return get(t, s, func(tx meta.Tx) ([]meta.Version, error) { return tx.PastVersions(200, offset, limit) })
		}
		equal(t, "past versions", past(0, 100), want)
		equal(t, "past versions 1 to 2", past(1, 2), want[1:3])
		equal(t, "past versions behind the end", len(past(4, 10)), 0)
		equal(t, "none", len(past(0, 0)), 0)
		count := func(file content.ID) int64 {
			return get(t, s, func(tx meta.Tx) (int64, error) { return tx.CountPastVersions(file) })
		}
		equal(t, "counts", []int64{count(200), count(300), count(999)}, []int64{4, 0, 0})

		it.Current = want[3] // the first is current again
		update(t, s, func(tx meta.Tx) error { return tx.UpdateItem(it) })
		equal(t, "newest past version", past(0, 1)[0].Number, int64(5))
	}},
	{"AllVersionsAreInOrderOfID", func(t *testing.T, s meta.Store) {
		put(t, s, file(203, aliceRoot, "c", alice, 1), file(201, aliceRoot, "a", alice, 1), file(202, aliceRoot, "b", alice, 1))
		all := get(t, s, func(tx meta.Tx) ([]meta.Version, error) { return tx.AllVersions(1201, 1) })
		if len(all) != 1 || all[0] != item(t, s, 202).Current {
			t.Errorf("after 1201 comes %+v, want version 1202", all)
		}
		equal(t, "versions", len(get(t, s, func(tx meta.Tx) ([]meta.Version, error) { return tx.AllVersions(0, 100) })), 3)
	}},
}
