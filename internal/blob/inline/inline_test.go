package inline_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/blob/blobtest"
	"boxcar/internal/blob/disk"
	"boxcar/internal/blob/inline"
	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/meta/metatest"
	"boxcar/internal/meta/sqlite"
	"boxcar/internal/vfs/faultfs"
)

// rows opens an empty database.
func rows(t *testing.T) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(filepath.Join(t.TempDir(), "meta.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// parts are a Store and what it is made of.
func parts(t *testing.T, rows meta.Store) (s *inline.Store, large blob.Store) {
	t.Helper()
	large, err := disk.Open(faultfs.New())
	if err != nil {
		t.Fatal(err)
	}
	return inline.New(rows, large, inline.Most, time.Now), large
}

func TestPromises(t *testing.T) {
	open := func(t *testing.T) blob.Store {
		s, _ := parts(t, rows(t))
		return s
	}
	blobtest.Run(t, open)
}

// sized is a source whose size is known, or not.
func sized(data []byte, known bool) *blob.Source {
	if known {
		return blobtest.Of(data)
	}
	return blob.Verify(bytes.NewReader(data), blob.Want{Size: blob.AnySize}, nil)
}

func TestSmallOnesAreRowsAndLargeOnesAreNot(t *testing.T) {
	s, large := parts(t, rows(t))
	n := 0
	for _, size := range []int{0, 1, inline.Most - 1, inline.Most, inline.Most + 1, 64 << 10, 2 << 20} {
		for _, known := range []bool{true, false} {
			key, data := blobtest.Key(n), blobtest.Bytes(size)
			n++
			src := sized(data, known)
			if err := s.Put(t.Context(), key, src); err != nil {
				t.Fatal(err)
			}
			if !src.Done() || src.Sum().Size != int64(size) || src.Len() != int64(size) {
				t.Errorf("%d bytes: done %v, sum %v", size, src.Done(), src.Sum())
			}
			_, err := large.Stat(t.Context(), key)
			if want := size > inline.Most; want != (err == nil) {
				t.Errorf("%d bytes, known %v: among the large ones: %v", size, known, err)
			}
		}
	}
}

// Large blobs that were there before the rows came stay readable, and keep their keys.
func TestWhatWasThereBefore(t *testing.T) {
	s, large := parts(t, rows(t))
	old := blobtest.Bytes(100)
	if err := large.Put(t.Context(), blobtest.Key(1), blobtest.Of(old)); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, 100_000} {
		if err := s.Put(t.Context(), blobtest.Key(1), blobtest.Of(blobtest.Bytes(size))); err == nil {
			t.Errorf("%d bytes were put under a key in use", size)
		}
	}
	got, err := blobtest.Read(t.Context(), s, blobtest.Key(1))
	if err != nil || !bytes.Equal(got, old) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	if err := s.Delete(t.Context(), blobtest.Key(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stat(t.Context(), blobtest.Key(1)); !content.Is(err, content.NotFound) {
		t.Errorf("deleted, and Stat gives %v", err)
	}
}

// Whatever a Put fails at, before or behind the moment at which the row is there,
// nothing is left; and what it does not fail at is stored.
func TestPutWithEachTransactionFailing(t *testing.T) {
	data := blobtest.Bytes(1000)
	for name, f := range map[string]*metatest.Faulty{
		"before":  {FailBefore: 1},
		"call":    {FailCall: 1},
		"after":   {FailAfter: 1},
		"nothing": {},
	} {
		f.Store = rows(t)
		s, _ := parts(t, f)
		for _, known := range []bool{true, false} {
			key := blobtest.Key(1)
			if !known {
				key = blobtest.Key(2)
			}
			err := s.Put(t.Context(), key, sized(data, known))
			bad := known && name != "nothing" // only the first transaction fails
			if bad != errors.Is(err, metatest.ErrInjected) || bad != (err != nil) {
				t.Errorf("%s: put gives %v", name, err)
			}
			got, err := blobtest.Read(t.Context(), s, key)
			switch {
			case bad && !content.Is(err, content.NotFound):
				t.Errorf("%s: after a failed put, %d bytes, %v", name, len(got), err)
			case !bad && (err != nil || !bytes.Equal(got, data)):
				t.Errorf("%s: after a put, %d bytes, %v", name, len(got), err)
			}
		}
	}
}

func TestFailuresOfTheRowsAreSaid(t *testing.T) {
	f := &metatest.Faulty{Store: rows(t)}
	s, large := parts(t, f)
	if err := s.Put(t.Context(), blobtest.Key(1), blobtest.Of(blobtest.Bytes(10))); err != nil {
		t.Fatal(err)
	}
	if err := large.Put(t.Context(), blobtest.Key(2), blobtest.Of(blobtest.Bytes(10))); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"open": func() error { _, err := s.Open(t.Context(), blobtest.Key(2), 0, 1); return err },
		"stat": func() error { _, err := s.Stat(t.Context(), blobtest.Key(2)); return err },
		"list": func() error {
			for _, err := range s.List(t.Context()) {
				if err != nil {
					return err
				}
			}
			return nil
		},
		"delete": func() error { return s.Delete(t.Context(), blobtest.Key(1), blobtest.Key(2)) },
		"put":    func() error { return s.Put(t.Context(), blobtest.Key(3), blobtest.Of(blobtest.Bytes(100_000))) },
	} {
		f.FailCall = f.Calls() + 1
		if err := call(); !errors.Is(err, metatest.ErrInjected) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, key := range []blob.Key{blobtest.Key(1), blobtest.Key(2)} {
		if _, err := s.Stat(t.Context(), key); err != nil {
			t.Errorf("after failures: %v", err)
		}
	}
}

// A hundred thousand rows are not a hundred thousand transactions.
func TestDeleteTakesManyAtOnce(t *testing.T) {
	f := &metatest.Faulty{Store: rows(t)}
	s, _ := parts(t, f)
	var keys []blob.Key
	for n := range 600 {
		keys = append(keys, blobtest.Key(n))
	}
	err := f.Store.Update(t.Context(), func(tx meta.Tx) error {
		for _, k := range keys {
			if _, err := tx.InsertBlob(k, time.Now(), []byte("x")); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), keys...); err != nil {
		t.Fatal(err)
	}
	if n := f.Updates(); n != 3 {
		t.Errorf("600 were deleted in %d transactions, want 3", n)
	}
	for info, err := range s.List(t.Context()) {
		t.Errorf("left: %v, %v", info, err)
	}
}

// The list is in pages, and shows the rows of all of them.
func TestListIsInPages(t *testing.T) {
	r := rows(t)
	s, _ := parts(t, r)
	const n = 2500
	err := r.Update(t.Context(), func(tx meta.Tx) error {
		for i := range n {
			if _, err := tx.InsertBlob(blobtest.Key(i), time.Now(), []byte("x")); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[blob.Key]bool{}
	for info, err := range s.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		// No transaction is open meanwhile.
		if len(seen)%500 == 0 {
			if err := s.Delete(t.Context(), info.Key); err != nil {
				t.Fatal(err)
			}
		}
		seen[info.Key] = true
	}
	if len(seen) != n {
		t.Errorf("listed %d of %d", len(seen), n)
	}
}

func TestReadingNeedsNoTransaction(t *testing.T) {
	r := rows(t)
	s, _ := parts(t, r)
	data := blobtest.Bytes(inline.Most)
	if err := s.Put(t.Context(), blobtest.Key(1), blobtest.Of(data)); err != nil {
		t.Fatal(err)
	}
	var open []io.ReadCloser
	for range 100 { // more than there are connections
		r, err := s.Open(t.Context(), blobtest.Key(1), 5, 10)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, r)
	}
	for _, r := range open {
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, data[5:]) {
			t.Fatalf("read %d bytes, %v", len(got), err)
		}
		r.Close()
	}
	if _, err := s.Open(t.Context(), blobtest.Key(1), inline.Most+1, 1); err == nil {
		t.Error("opened behind the end")
	}
}

func TestACancelledPutReadsNothing(t *testing.T) {
	s, _ := parts(t, rows(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := bytes.NewReader(blobtest.Bytes(100))
	err := s.Put(ctx, blobtest.Key(1), blob.Verify(r, blob.Want{Size: 100}, nil))
	if !errors.Is(err, context.Canceled) || r.Len() != 100 {
		t.Errorf("%v, with %d of 100 bytes left", err, r.Len())
	}
}

// A server may keep everything in files from some day on: what is in rows stays there.
func TestLessThanNoneKeepsNothingInRows(t *testing.T) {
	r := rows(t)
	s, large := parts(t, r)
	if err := s.Put(t.Context(), blobtest.Key(1), blobtest.Of([]byte("row"))); err != nil {
		t.Fatal(err)
	}
	s = inline.New(r, large, -1, time.Now)
	for n, known := range []bool{true, false} {
		key := blobtest.Key(2 + n)
		if err := s.Put(t.Context(), key, sized([]byte("file"), known)); err != nil {
			t.Fatal(err)
		}
		if _, err := large.Stat(t.Context(), key); err != nil {
			t.Errorf("known %v: not among the files: %v", known, err)
		}
	}
	if got, err := blobtest.Read(t.Context(), s, blobtest.Key(1)); err != nil || string(got) != "row" {
		t.Errorf("a row from before: %q, %v", got, err)
	}
}
