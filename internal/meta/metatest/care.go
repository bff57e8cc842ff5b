package metatest

import (
	"math"
	"testing"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
)

var rot = []test{
	{"StoredBlobsAreEachNamedOnceInOrder", func(t *testing.T, s meta.Store) {
		fill(t, s, m1, 7, 3, 3, 9)
		fill(t, s, m2, 3, 5)
		var got []int
		for after := blob.Key(""); ; {
			page := get(t, s, func(tx meta.Tx) ([]meta.StoredBlob, error) { return tx.StoredBlobs(after, 2) })
			if len(page) == 0 {
				break
			}
			for _, b := range page {
				n := -1
				for i := range 10 {
					if blobKey(i) == b.Key {
						n = i
					}
				}
				got = append(got, n)
				after = b.Key
				equal(t, "size", b.Size, int64(partSize))
			}
		}
		equal(t, "blobs", got, []int{3, 5, 7, 9})
		first := get(t, s, func(tx meta.Tx) ([]meta.StoredBlob, error) { return tx.StoredBlobs(blobKey(8), 9) })
		equal(t, "the last", first, []meta.StoredBlob{{Key: blobKey(9), Size: partSize, SHA1: part(3, 9).SHA1}})
		equal(t, "none asked for", len(get(t, s, func(tx meta.Tx) ([]meta.StoredBlob, error) { return tx.StoredBlobs("", 0) })), 0)
	}},
	{"AMarkStaysUntilItIsTakenBack", func(t *testing.T, s meta.Store) {
		a := meta.RottenBlob{Key: blobKey(1), Damage: meta.Missing, FoundAt: start}
		b := meta.RottenBlob{Key: blobKey(2), Damage: meta.Altered, FoundAt: start.Add(time.Hour)}
		again := a
		again.Damage, again.FoundAt = meta.Altered, start.Add(2*time.Hour)
		update(t, s, func(tx meta.Tx) error { return first(tx.MarkRotten(b), tx.MarkRotten(a), tx.MarkRotten(again)) })
		list := func(after blob.Key, limit int) []meta.RottenBlob {
			return get(t, s, func(tx meta.Tx) ([]meta.RottenBlob, error) { return tx.RottenBlobs(after, limit) })
		}
		is := func(key blob.Key) bool {
			return get(t, s, func(tx meta.Tx) (bool, error) { return tx.IsRotten(key) })
		}
		equal(t, "marked", list("", 9), []meta.RottenBlob{a, b})
		equal(t, "after the first", list(a.Key, 9), []meta.RottenBlob{b})
		equal(t, "one of them", list("", 1), []meta.RottenBlob{a})
		equal(t, "is marked", []bool{is(a.Key), is(b.Key), is(blobKey(3)), is("no key")}, []bool{true, true, false, false})
		equal(t, "number", get(t, s, meta.Tx.CountRotten), int64(2))
		update(t, s, func(tx meta.Tx) error { return first(tx.ClearRotten(a.Key), tx.ClearRotten(blobKey(3))) })
		equal(t, "marked", list("", 9), []meta.RottenBlob{b})
		err := s.Update(t.Context(), func(tx meta.Tx) error { return tx.MarkRotten(meta.RottenBlob{Key: "x"}) })
		if err == nil {
			t.Error("what is no key was marked")
		}
	}},
	{"TheMarkedPartOfAManifestIsFound", func(t *testing.T, s meta.Store) {
		fill(t, s, m1, 1, 2, 3, 2)
		fill(t, s, m2, 4)
		none := func(m meta.Manifest) {
			t.Helper()
			missing(t, s, "marked part", func(tx meta.Tx) (meta.Part, error) { return tx.RottenPart(m) })
		}
		none(m1)
		update(t, s, func(tx meta.Tx) error { return tx.MarkRotten(meta.RottenBlob{Key: blobKey(2), Damage: meta.Missing}) })
		equal(t, "marked part", get(t, s, func(tx meta.Tx) (meta.Part, error) { return tx.RottenPart(m1) }), part(1, 2))
		none(m2)
		none(m3)
	}},
	{"VersionsOnABlobAreThoseThatShareItsManifestToo", func(t *testing.T, s meta.Store) {
		a, b, c := file(200, aliceRoot, "a", alice, 5), file(201, aliceRoot, "b", alice, 5), file(202, aliceRoot, "c", alice, 5)
		b.Current.Manifest = a.Current.Manifest // a copy
		put(t, s, a, b, c)
		fill(t, s, a.Current.Manifest, 1, 2)
		fill(t, s, c.Current.Manifest, 2, 3)
		on := func(key blob.Key, after content.ID, limit int) []meta.Version {
			return get(t, s, func(tx meta.Tx) ([]meta.Version, error) { return tx.VersionsOn(key, after, limit) })
		}
		equal(t, "on 1", on(blobKey(1), 0, 9), []meta.Version{a.Current, b.Current})
		equal(t, "on 2", on(blobKey(2), 0, 9), []meta.Version{a.Current, b.Current, c.Current})
		equal(t, "a page", on(blobKey(2), a.Current.ID, 1), []meta.Version{b.Current})
		equal(t, "on none", len(on(blobKey(9), 0, 9)), 0)
		equal(t, "on what is no key", len(on("x", 0, 9)), 0)
	}},
	{"APlanDoesNotHitWhatIsMarked", func(t *testing.T, s meta.Store) {
		fill(t, s, m1, 1)
		fill(t, s, m2, 2)
		commit(t, s, 200, alice, m1)
		commit(t, s, 201, alice, m2)
		update(t, s, func(tx meta.Tx) error {
			return first(tx.SetSHA512(blobKey(1), sha512(1)), tx.SetSHA512(blobKey(2), sha512(1)),
				tx.MarkRotten(meta.RottenBlob{Key: blobKey(1), Damage: meta.Altered}))
		})
		all := get(t, s, func(tx meta.Tx) ([]meta.Match, error) { return tx.MatchSHA512(alice, 200, sha512(1), partSize, 9) })
		if len(all) != 1 || all[0].Blob != blobKey(2) {
			t.Errorf("matches are %+v, want the one that is not marked", all)
		}
	}},
}

var holds = []test{
	{"AHoldIsUntilItsTime", func(t *testing.T, s meta.Store) {
		held := func(now time.Time) bool {
			return get(t, s, func(tx meta.Tx) (bool, error) { return tx.Held(now) })
		}
		until := start.Add(time.Hour)
		equal(t, "held", held(start), false)
		update(t, s, func(tx meta.Tx) error { return tx.PutHold("a", until) })
		equal(t, "held before, at its end", []bool{held(start), held(until)}, []bool{true, false})
		update(t, s, func(tx meta.Tx) error {
			return first(tx.PutHold("a", until.Add(time.Hour)), tx.PutHold("b", start.Add(time.Minute)))
		})
		equal(t, "held, moved", held(until), true)
		equal(t, "until", get(t, s, func(tx meta.Tx) (time.Time, error) { return tx.Hold("a") }), until.Add(time.Hour))
		update(t, s, func(tx meta.Tx) error { return tx.DropHolds(until) })
		missing(t, s, "hold", func(tx meta.Tx) (time.Time, error) { return tx.Hold("b") })
		equal(t, "held, without the one that ran out", held(start), true)
		update(t, s, func(tx meta.Tx) error { return first(tx.DropHold("a"), tx.DropHold("a")) })
		equal(t, "held, dropped", held(start), false)
	}},
}

var tally = []test{
	{"ATallyAddsUp", func(t *testing.T, s meta.Store) {
		got := func() meta.Tally { return get(t, s, meta.Tx.Tally) }
		equal(t, "at first", got(), meta.Tally{Users: 2, Unlimited: 2})
		done := session(3, bob)
		done.State, done.Reserved = content.Aborted, 0
		insert(t, s, session(1, alice), session(2, bob), done)
		update(t, s, func(tx meta.Tx) error {
			return first(tx.AddUsage(alice, 5, 7), tx.AddUsage(bob, 10, 20), tx.SetQuota(alice, 100), tx.SetQuota(bob, math.MaxInt64))
		})
		equal(t, "more than an int64 has", got(), meta.Tally{Users: 2, Used: 15, Reserved: 27, Quota: math.MaxInt64, Sessions: 2})
		update(t, s, func(tx meta.Tx) error { return tx.DeleteUser(bob, start) })
		equal(t, "without a deleted user", got(), meta.Tally{Users: 1, Used: 15, Reserved: 27, Quota: 100, Sessions: 2})
	}},
}
