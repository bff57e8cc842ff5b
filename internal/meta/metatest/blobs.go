package metatest

import (
	"bytes"
	"testing"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// putBlobs inserts blobs of n+1 bytes each.
func putBlobs(t *testing.T, s meta.Store, ns ...int) {
	t.Helper()
	update(t, s, func(tx meta.Tx) error {
		for _, n := range ns {
			free, err := tx.InsertBlob(blobKey(n), start.Add(time.Duration(n)*time.Second), blobBytes(n))
			if err != nil {
				return err
			}
			equal(t, "free", free, true)
		}
		return nil
	})
}

func blobBytes(n int) []byte { return bytes.Repeat([]byte{byte(n)}, n+1) }

func blobInfo(n int) blob.Info {
	return blob.Info{Key: blobKey(n), Size: int64(n) + 1, ModTime: start.Add(time.Duration(n) * time.Second)}
}

// blobKeys are the keys of a list, which it goes over in pages of limit.
func blobKeys(t *testing.T, s meta.Store, limit int) (all []blob.Key) {
	t.Helper()
	for after := int64(0); ; {
		var page []meta.BlobEntry
		viewing(t, s, func(tx meta.Tx) (err error) {
			page, err = tx.Blobs(after, limit)
			return err
		})
		if len(page) > limit {
			t.Fatalf("%d entries in a page of %d", len(page), limit)
		}
		for _, e := range page {
			if e.N <= after {
				t.Fatalf("entry %d comes behind %d", e.N, after)
			}
			after = e.N
			all = append(all, e.Key)
		}
		if len(page) == 0 {
			return all
		}
	}
}

func viewing(t *testing.T, s meta.Store, fn func(meta.Tx) error) {
	t.Helper()
	if err := s.View(t.Context(), fn); err != nil {
		t.Errorf("view: %v", err)
	}
}

var blobs = []test{
	{"ABlobIsKeptWhole", func(t *testing.T, s meta.Store) {
		putBlobs(t, s, 3, 1, 20_000)
		update(t, s, func(tx meta.Tx) error {
			_, err := tx.InsertBlob(blobKey(9), start, nil)
			return err
		})
		viewing(t, s, func(tx meta.Tx) error {
			for _, n := range []int{1, 3, 20_000} {
				b, err := tx.Blob(blobKey(n))
				if err != nil || !bytes.Equal(b, blobBytes(n)) {
					t.Errorf("blob %d has %d bytes, %v", n, len(b), err)
				}
				info, err := tx.BlobInfo(blobKey(n))
				equal(t, "info", info, blobInfo(n))
				if err != nil {
					return err
				}
			}
			b, err := tx.Blob(blobKey(9))
			if err != nil || len(b) != 0 {
				t.Errorf("an empty blob has %d bytes, %v", len(b), err)
			}
			return nil
		})
	}},
	{"AKeyIsUsedOnce", func(t *testing.T, s meta.Store) {
		putBlobs(t, s, 1)
		update(t, s, func(tx meta.Tx) error {
			free, err := tx.InsertBlob(blobKey(1), start, []byte("other"))
			equal(t, "free", free, false)
			return err
		})
		viewing(t, s, func(tx meta.Tx) error {
			b, err := tx.Blob(blobKey(1))
			equal(t, "bytes", b, blobBytes(1))
			return err
		})
	}},
	{"WhatIsNotABlobIsNotFound", func(t *testing.T, s meta.Store) {
		putBlobs(t, s, 1)
		for _, key := range []blob.Key{blobKey(2), "", "nonsense"} {
			viewing(t, s, func(tx meta.Tx) error {
				if b, err := tx.Blob(key); !content.Is(err, content.NotFound) {
					t.Errorf("blob %q is %q, %v", key, b, err)
				}
				if info, err := tx.BlobInfo(key); !content.Is(err, content.NotFound) {
					t.Errorf("info of %q is %v, %v", key, info, err)
				}
				return nil
			})
			update(t, s, func(tx meta.Tx) error { return tx.DeleteBlobs([]blob.Key{key}) })
		}
		equal(t, "what is left", blobKeys(t, s, 10), keys(1))
	}},
	{"AKeyHasItsForm", func(t *testing.T, s meta.Store) {
		for _, key := range []blob.Key{"", "nonsense"} {
			err := s.Update(t.Context(), func(tx meta.Tx) error {
				_, err := tx.InsertBlob(key, start, nil)
				return err
			})
			if err == nil {
				t.Errorf("a blob was inserted as %q", key)
			}
		}
	}},
	{"TheListHasEachOnce", func(t *testing.T, s meta.Store) {
		putBlobs(t, s, 5, 2, 4, 1, 3)
		for _, limit := range []int{1, 2, 5, 9} {
			all := blobKeys(t, s, limit)
			seen := map[blob.Key]bool{}
			for _, k := range all {
				seen[k] = true
			}
			if len(all) != 5 || len(seen) != 5 {
				t.Errorf("in pages of %d: %v", limit, all)
			}
		}
		viewing(t, s, func(tx meta.Tx) error {
			page, err := tx.Blobs(0, 9)
			for _, e := range page {
				info, err := tx.BlobInfo(e.Key)
				equal(t, "entry", e.Info, info)
				if err != nil {
					return err
				}
			}
			none, err2 := tx.Blobs(0, 0)
			equal(t, "entries of none", len(none), 0)
			return first(err, err2)
		})
	}},
	{"ManyAreDeletedAtOnce", func(t *testing.T, s meta.Store) {
		putBlobs(t, s, 1, 2, 3, 4)
		update(t, s, func(tx meta.Tx) error { return tx.DeleteBlobs(keys(1, 3, 9, 1)) })
		equal(t, "what is left", blobKeys(t, s, 10), keys(2, 4))
		update(t, s, func(tx meta.Tx) error { return tx.DeleteBlobs(nil) })
		putBlobs(t, s, 3) // its key is free again
		equal(t, "how many are left", len(blobKeys(t, s, 10)), 3)
	}},
}
