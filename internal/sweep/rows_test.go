package sweep_test

import (
	"strings"
	"testing"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/blob/inline"
	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/sweep"
)

// newRows is data whose blobs were files before, and are rows from now on, as far as
// they are small.
func newRows(t *testing.T) *data {
	d := newData(t)
	d.blobs = inline.New(d.rows, d.blobs, inline.Most, func() time.Time { return d.now })
	d.sweep.Blobs = d.blobs
	return d
}

// A blob in a row that no part names goes when it is old enough, and not before.
func TestGarbageInRowsIsSweptByAge(t *testing.T) {
	d := newRows(t)
	kept := d.parts(3, d.bytes)
	d.update(func(tx meta.Tx) error {
		v := d.version
		v.ID, v.Number, v.Manifest = 1002, 2, 3
		return tx.InsertVersion(v)
	})
	var lost []blob.Key
	for range 600 {
		lost = append(lost, d.put([]byte("nobody's")))
	}
	d.now = d.now.Add(sweep.GarbageAge - time.Second)
	swept, err := d.sweep.Sweep(t.Context())
	if err != nil || swept.Garbage != 0 {
		t.Errorf("young garbage: swept %d, %v", swept.Garbage, err)
	}
	arriving := lost[0]
	d.sweep.Arriving = func(k blob.Key) bool { return k == arriving }
	d.now = d.now.Add(2 * time.Second)
	swept, err = d.sweep.Sweep(t.Context())
	if err != nil || swept.Garbage != len(lost)-1 {
		t.Errorf("old garbage: swept %d of %d, %v", swept.Garbage, len(lost)-1, err)
	}
	for _, k := range append(kept, arriving) {
		if _, err := d.blobs.Stat(t.Context(), k); err != nil {
			t.Errorf("a blob that somebody needs: %v", err)
		}
	}
	for _, k := range lost[1:] {
		if _, err := d.blobs.Stat(t.Context(), k); !content.Is(err, content.NotFound) {
			t.Fatalf("garbage is still there: %v", err)
		}
	}
}

// Doctor reads rows as it reads files.
func TestCheckLooksIntoRows(t *testing.T) {
	d := newRows(t)
	garbage := d.put([]byte("nobody's"))
	// The session's parts are rows from now on.
	var were []blob.Key
	d.update(func(tx meta.Tx) (err error) {
		_, were, err = tx.DeleteParts(2, 10)
		return err
	})
	if err := d.blobs.Delete(t.Context(), were...); err != nil {
		t.Fatal(err)
	}
	d.parts(2, d.bytes[:2*partSize])
	check := func() *sweep.Report {
		t.Helper()
		r, err := d.sweep.Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := check(); len(r.Broken) > 0 || len(r.Garbage) != 1 || !strings.Contains(r.Garbage[0], string(garbage)) {
		t.Errorf("broken: %q, garbage: %q", r.Broken, r.Garbage)
	}
}

func TestCheckFindsBrokenRows(t *testing.T) {
	for name, change := range map[string]func(tx meta.Tx, key blob.Key) error{
		"is missing": func(tx meta.Tx, key blob.Key) error { return tx.DeleteBlobs([]blob.Key{key}) },
		"only 5 of":  func(tx meta.Tx, key blob.Key) error { return other(tx, key, []byte("short")) },
		"hash to":    func(tx meta.Tx, key blob.Key) error { return other(tx, key, make([]byte, partSize)) },
	} {
		d := newRows(t)
		keys := d.parts(3, d.bytes)
		d.update(func(tx meta.Tx) error {
			v := d.version
			v.ID, v.Number, v.Manifest = 1002, 2, 3
			if err := tx.AddUsage(d.user, v.Size, 0); err != nil {
				return err
			}
			return tx.InsertVersion(v)
		})
		d.update(func(tx meta.Tx) error { return change(tx, keys[1]) })
		r, err := d.sweep.Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, b := range r.Broken {
			found = found || strings.Contains(b, string(keys[1])) && strings.Contains(b, name)
		}
		if !found {
			t.Errorf("a row whose blob %s: doctor says %q", name, r.Broken)
		}
	}
}

// other gives a blob other bytes, as nobody but a bad disk would.
func other(tx meta.Tx, key blob.Key, b []byte) error {
	if err := tx.DeleteBlobs([]blob.Key{key}); err != nil {
		return err
	}
	_, err := tx.InsertBlob(key, time.Now(), b)
	return err
}
