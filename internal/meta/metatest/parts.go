package metatest

import (
	"fmt"
	"slices"
	"testing"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
)

const (
	m1 meta.Manifest = 61
	m2 meta.Manifest = 62
	m3 meta.Manifest = 63
)

func count(t *testing.T, s meta.Store, m meta.Manifest) int64 {
	t.Helper()
	return get(t, s, func(tx meta.Tx) (int64, error) { return tx.CountParts(m) })
}

// fill puts parts on slots 0, 1, ... of a manifest, on the blobs given.
func fill(t *testing.T, s meta.Store, m meta.Manifest, blobs ...int) {
	t.Helper()
	update(t, s, func(tx meta.Tx) error {
		for slot, n := range blobs {
			if err := tx.InsertPart(m, part(slot, n)); err != nil {
				return err
			}
		}
		return nil
	})
}

type deleted struct {
	removed int
	free    []blob.Key
}

func remove(t *testing.T, s meta.Store, m meta.Manifest, limit int) (d deleted) {
	t.Helper()
	update(t, s, func(tx meta.Tx) (err error) {
		d.removed, d.free, err = tx.DeleteParts(m, limit)
		slices.Sort(d.free)
		return err
	})
	return d
}

func keys(ns ...int) (all []blob.Key) {
	for _, n := range ns {
		all = append(all, blobKey(n))
	}
	return all
}

var parts = []test{
	{"APartIsKeptWhole", func(t *testing.T, s meta.Store) {
		bare, full := part(0, 1), part(1, 2)
		full.SHA512, full.After = sha512(1), stateAt(full.Span.End)
		full.Blob = "00ffa0b1c2d3e4f5061728394a5b6c7d"
		last := part(2, 3)
		last.Span.End = last.Span.Start + 1
		update(t, s, func(tx meta.Tx) error {
			return first(tx.InsertPart(m1, bare), tx.InsertPart(m1, full), tx.InsertPart(m1, last))
		})
		for _, want := range []meta.Part{bare, full, last} {
			equal(t, "part", get(t, s, func(tx meta.Tx) (meta.Part, error) { return tx.Part(m1, want.Span.Start) }), want)
		}
		missing(t, s, "between starts", func(tx meta.Tx) (meta.Part, error) { return tx.Part(m1, 1) })
		missing(t, s, "other manifest", func(tx meta.Tx) (meta.Part, error) { return tx.Part(m2, 0) })
	}},
	{"APlaceAndAnIDAreTakenOnce", func(t *testing.T, s meta.Store) {
		fill(t, s, m1, 1, 2)
		same := part(0, 3)
		same.ID = "FFFFFFFF"
		twin := part(2, 4)
		twin.ID = part(1, 0).ID
		for _, p := range []meta.Part{part(0, 1), same, twin} {
			refused(t, s, content.PartConflict, func(tx meta.Tx) error { return tx.InsertPart(m1, p) })
		}
		equal(t, "first part", get(t, s, func(tx meta.Tx) (meta.Part, error) { return tx.Part(m1, 0) }), part(0, 1))
		equal(t, "number of parts", count(t, s, m1), int64(2))
		fill(t, s, m2, 1, 2) // the same in another manifest
	}},
	{"PartsGoInOrderFromAByte", func(t *testing.T, s meta.Store) {
		var all []meta.Part
		for _, slot := range []int{7, 0, 3, 1, 9} { // gaps between
			update(t, s, func(tx meta.Tx) error { return tx.InsertPart(m1, part(slot, slot)) })
		}
		for _, slot := range []int{0, 1, 3, 7, 9} {
			all = append(all, part(slot, slot))
		}
		fill(t, s, m2, 50, 51)
		list := func(from int64, limit int) []meta.Part {
			return get(t, s, func(tx meta.Tx) ([]meta.Part, error) { return tx.Parts(m1, from, limit) })
		}
		equal(t, "all", list(0, 100), all)
		equal(t, "at a start", list(3*partSize, 2), all[2:4])
		equal(t, "behind a start", list(3*partSize+1, 2), all[3:5])
		equal(t, "in a gap", list(4*partSize, 1), all[3:4])
		equal(t, "behind the last", len(list(9*partSize+1, 10)), 0)
		equal(t, "none", len(list(0, 0)), 0)
		equal(t, "count", []int64{count(t, s, m1), count(t, s, m2), count(t, s, m3)}, []int64{5, 2, 0})
	}},
	{"TheStateBehindAPartIsRecorded", func(t *testing.T, s meta.Store) {
		fill(t, s, m1, 1, 2)
		update(t, s, func(tx meta.Tx) error { return tx.SetAfter(m1, partSize, stateAt(2*partSize)) })
		want := part(1, 2)
		want.After = stateAt(2 * partSize)
		equal(t, "parts", get(t, s, func(tx meta.Tx) ([]meta.Part, error) { return tx.Parts(m1, 0, 9) }), []meta.Part{part(0, 1), want})
		refused(t, s, content.NotFound, func(tx meta.Tx) error { return tx.SetAfter(m1, 5, stateAt(64)) })
	}},
	{"DeletingFreesBlobsThatNothingElseRefersTo", func(t *testing.T, s meta.Store) {
		fill(t, s, m1, 1, 2, 3)
		fill(t, s, m2, 2, 9, 3)
		equal(t, "first", remove(t, s, m1, 100), deleted{3, keys(1)})
		equal(t, "parts left", []int64{count(t, s, m1), count(t, s, m2)}, []int64{0, 3})
		equal(t, "second", remove(t, s, m2, 100), deleted{3, keys(2, 3, 9)})
		equal(t, "nothing left", remove(t, s, m2, 100), deleted{})
	}},
	{"DeletingGoesByBatches", func(t *testing.T, s meta.Store) {
		fill(t, s, m1, 1, 2, 1, 3, 2) // blobs twice in one manifest
		equal(t, "none", remove(t, s, m1, 0), deleted{})
		equal(t, "first two", remove(t, s, m1, 2), deleted{2, nil})
		equal(t, "next two", remove(t, s, m1, 2), deleted{2, keys(1, 3)})
		equal(t, "last", remove(t, s, m1, 2), deleted{1, keys(2)})

		fill(t, s, m2, 7, 7, 7)
		equal(t, "one blob three times", remove(t, s, m2, 3), deleted{3, keys(7)})
	}},
	{"RefersSaysWhetherABlobIsInUse", func(t *testing.T, s meta.Store) {
		fill(t, s, m1, 1)
		fill(t, s, m2, 1)
		refers := func(key blob.Key) bool {
			return get(t, s, func(tx meta.Tx) (bool, error) { return tx.Refers(key) })
		}
		equal(t, "refers", []bool{refers(blobKey(1)), refers(blobKey(2)), refers("not a key")}, []bool{true, false, false})
		remove(t, s, m1, 9)
		equal(t, "refers", refers(blobKey(1)), true)
		remove(t, s, m2, 9)
		equal(t, "refers", refers(blobKey(1)), false)
	}},
	{"OrphansHaveNeitherSessionNorVersion", func(t *testing.T, s meta.Store) {
		ses, tomb := session(1, alice), session(2, alice)
		tomb.State = content.Committed
		it := file(200, aliceRoot, "x", alice, 1)
		tomb.Manifest = it.Current.Manifest // both point to one
		insert(t, s, ses, tomb)
		put(t, s, it)
		for _, m := range []meta.Manifest{ses.Manifest, it.Current.Manifest, 70, 9999, 3} {
			fill(t, s, m, 1, 2)
		}
		orphans := func(limit int) []meta.Manifest {
			all := get(t, s, func(tx meta.Tx) ([]meta.Manifest, error) { return tx.OrphanManifests(limit) })
			slices.Sort(all)
			return all
		}
		equal(t, "orphans", orphans(100), []meta.Manifest{3, 70, 9999})
		equal(t, "at most 2", len(orphans(2)), 2)
		update(t, s, func(tx meta.Tx) error { return first(tx.DeleteSession(ses.ID), tx.DeleteSession(tomb.ID)) })
		equal(t, "orphans without the sessions", orphans(100), []meta.Manifest{3, 70, ses.Manifest, 9999})
		for _, m := range orphans(100) {
			remove(t, s, m, 9)
		}
		equal(t, "orphans left", len(orphans(100)), 0)
	}},
	{"TenThousandParts", func(t *testing.T, s meta.Store) {
		const many = content.MaxParts
		blobs := make([]int, many)
		for i := range blobs {
			blobs[i] = i % (many - 1) // the last shares the first one's
		}
		fill(t, s, m1, blobs...)
		equal(t, "count", count(t, s, m1), int64(many))
		var from int64
		for got := 0; got < many; {
			page := get(t, s, func(tx meta.Tx) ([]meta.Part, error) { return tx.Parts(m1, from, 1000) })
			for _, p := range page {
				if p != part(got, got%(many-1)) {
					t.Fatalf("part %d is %+v", got, p)
				}
				got++
			}
			if len(page) == 0 {
				t.Fatalf("the list ends after %d parts", got)
			}
			from = page[len(page)-1].Span.End
		}
		var free int
		for left := many; left > 0; {
			d := remove(t, s, m1, 3000)
			left, free = left-d.removed, free+len(d.free)
			if d.removed < 3000 && left > 0 {
				t.Fatalf("done with %d parts left", left)
			}
		}
		equal(t, "free blobs", free, many-1)
	}},
}

// commit makes a version of a manifest that fill has filled.
func commit(t *testing.T, s meta.Store, id content.ID, owner content.ID, m meta.Manifest) meta.Item {
	t.Helper()
	root := aliceRoot
	if owner == bob {
		root = bobRoot
	}
	it := file(id, root, fmt.Sprint("file ", id), owner, partSize)
	it.Current.Manifest = m
	put(t, s, it)
	return it
}

var hashes = []test{
	{"ABlobsDigestGoesToAllItsParts", func(t *testing.T, s meta.Store) {
		fill(t, s, m1, 1, 2, 1)
		fill(t, s, m2, 1, 3)
		update(t, s, func(tx meta.Tx) error {
			return first(tx.SetSHA512(blobKey(1), sha512(1)), tx.SetSHA512(blobKey(99), sha512(99)))
		})
		for m, blobs := range map[meta.Manifest][]int{m1: {1, 2, 1}, m2: {1, 3}} {
			for slot, n := range blobs {
				want := part(slot, n)
				if n == 1 {
					want.SHA512 = sha512(1)
				}
				equal(t, "part", get(t, s, func(tx meta.Tx) (meta.Part, error) { return tx.Part(m, want.Span.Start) }), want)
			}
		}
	}},
	{"PartsOfVersionsMatch", func(t *testing.T, s meta.Store) {
		fill(t, s, m1, 1, 2, 3) // a version
		fill(t, s, m2, 4, 2)    // a session
		fill(t, s, m3, 5)       // a version with other bytes, of the same size
		fill(t, s, 64, 2)       // bob's, with the same bytes as alice's second part
		commit(t, s, 200, alice, m1)
		commit(t, s, 201, alice, m3)
		commit(t, s, 202, bob, 64)
		update(t, s, func(tx meta.Tx) error {
			return first(tx.SetSHA512(blobKey(1), sha512(1)), tx.SetSHA512(blobKey(2), sha512(2)), tx.SetSHA512(blobKey(5), sha512(5)),
				tx.SetAfter(m1, 0, stateAt(partSize)), tx.SetAfter(m1, partSize, stateAt(2*partSize)))
		})
		match := func(n int, size int64, limit int) []meta.Match {
			return get(t, s, func(tx meta.Tx) ([]meta.Match, error) { return tx.MatchSHA512(alice, 200, sha512(n), size, limit) })
		}
		want := meta.Match{Part: part(1, 2), Before: stateAt(partSize), File: 200, Version: 1200}
		want.SHA512, want.After = sha512(2), stateAt(2*partSize)
		equal(t, "second part", match(2, partSize, 9), []meta.Match{want})
		want = meta.Match{Part: part(0, 1), File: 200, Version: 1200}
		want.SHA512, want.After = sha512(1), stateAt(partSize)
		equal(t, "first part", match(1, partSize, 9), []meta.Match{want})
		equal(t, "another size", len(match(1, partSize-1, 9)), 0)
		bobs := get(t, s, func(tx meta.Tx) ([]meta.Match, error) { return tx.MatchSHA512(bob, 0, sha512(2), partSize, 9) })
		if len(bobs) != 1 || bobs[0].File != 202 {
			t.Errorf("bob's matches are %+v, want the one in his own file", bobs)
		}
		equal(t, "an unknown digest", len(match(7, partSize, 9)), 0)

		update(t, s, func(tx meta.Tx) error { return tx.SetSHA512(blobKey(3), sha512(5)) }) // the same bytes twice
		both := match(5, partSize, 9)
		equal(t, "number of matches", len(both), 2)
		for _, m := range both {
			if m.File == 200 {
				equal(t, "state before the third part", m.Before, stateAt(2*partSize))
			} else {
				equal(t, "the other match", m, meta.Match{Part: m.Part, File: 201, Version: 1201})
			}
		}
		equal(t, "at most 1", len(match(5, partSize, 1)), 1)
		for _, near := range []content.ID{200, 201} {
			got := get(t, s, func(tx meta.Tx) ([]meta.Match, error) { return tx.MatchSHA512(alice, near, sha512(5), partSize, 1) })
			equal(t, "the file that comes first", got[0].File, near)
		}
		update(t, s, func(tx meta.Tx) error {
			it, err := tx.Item(201)
			it.TrashedAt = start
			return first(err, tx.UpdateItem(it))
		})
		equal(t, "without what is in the trash", len(match(5, partSize, 9)), 1)
	}},
	{"TheStateBeforeIsThatBehindThePartBefore", func(t *testing.T, s meta.Store) {
		fill(t, s, m1, 1, 2, 3)
		commit(t, s, 200, alice, m1)
		update(t, s, func(tx meta.Tx) error { // of parts 0 and 2 only: the one between is not known
			return first(tx.SetAfter(m1, 0, stateAt(partSize)), tx.SetAfter(m1, 2*partSize, stateAt(3*partSize)), tx.SetSHA512(blobKey(3), sha512(3)))
		})
		all := get(t, s, func(tx meta.Tx) ([]meta.Match, error) { return tx.MatchSHA512(alice, 0, sha512(3), partSize, 9) })
		if len(all) != 1 || all[0].Before.Known() || all[0].After != stateAt(3*partSize) {
			t.Errorf("matches are %+v, want one with no state before it", all)
		}
	}},
	{"UnhashedBlobsOfLiveFiles", func(t *testing.T, s meta.Store) {
		fill(t, s, m1, 9, 3, 5, 3) // against the order of keys; a blob twice
		fill(t, s, m2, 5, 4, 7)    // shares a blob
		fill(t, s, m3, 1, 9)       // a session: not counted
		fill(t, s, 64, 2)          // bob's
		fill(t, s, 65, 6)          // in the trash
		fill(t, s, 66, 8)          // in a folder in the trash
		fill(t, s, 67, 10)         // a past version
		commit(t, s, 200, alice, m1)
		it := commit(t, s, 201, alice, 67)
		it.Current.ID, it.Current.Manifest, it.Current.Number = 9000, m2, 2
		commit(t, s, 202, bob, 64)
		trashed := commit(t, s, 203, alice, 65)
		trashed.TrashedAt = start
		top := folder(300, aliceRoot, "top", alice)
		top.TrashedAt = start
		put(t, s, top, folder(301, 300, "middle", alice))
		inside := commit(t, s, 204, alice, 66)
		inside.Parent = 301
		update(t, s, func(tx meta.Tx) error {
			return first(tx.InsertVersion(it.Current), tx.UpdateItem(it), tx.UpdateItem(trashed), tx.UpdateItem(inside),
				tx.SetSHA512(blobKey(7), sha512(7)))
		})
		unhashed := func(owner content.ID, after blob.Key, limit int) (all []blob.Key) {
			for _, p := range get(t, s, func(tx meta.Tx) ([]meta.Part, error) { return tx.Unhashed(owner, after, limit) }) {
				all = append(all, p.Blob)
				equal(t, "size", p.Span.Len(), int64(partSize))
			}
			return all
		}
		equal(t, "alice's", unhashed(alice, "", 100), keys(3, 4, 5, 9))
		equal(t, "alice's, 3", unhashed(alice, "", 3), keys(3, 4, 5))
		equal(t, "alice's after 3", unhashed(alice, blobKey(3), 2), keys(4, 5))
		equal(t, "alice's after 9", len(unhashed(alice, blobKey(9), 2)), 0)
		equal(t, "none", len(unhashed(alice, "", 0)), 0)
		equal(t, "bob's", unhashed(bob, "", 100), keys(2))
	}},
	{"UnhashedPartsOfAManifest", func(t *testing.T, s meta.Store) {
		fill(t, s, m1, 1, 2, 3, 1)
		fill(t, s, m2, 4)
		update(t, s, func(tx meta.Tx) error { return tx.SetSHA512(blobKey(2), sha512(2)) })
		in := func(limit int) []meta.Part {
			return get(t, s, func(tx meta.Tx) ([]meta.Part, error) { return tx.UnhashedIn(m1, limit) })
		}
		want := []meta.Part{part(0, 1), part(2, 3), part(3, 1)}
		equal(t, "unhashed", in(100), want)
		equal(t, "unhashed, 2", in(2), want[:2])
	}},
}
