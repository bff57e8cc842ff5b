package main

import (
	"bytes"
	"crypto/sha1"
	"io"
	"testing"
)

func TestFilesAreMadeOfTheirParts(t *testing.T) {
	const part = 10_000 // neither a page nor a block of SHA-1
	m, err := newMaterial(t.TempDir(), part)
	if err != nil {
		t.Fatal(err)
	}
	var before []byte
	for _, size := range []int64{1, part, 3*part - 1, 7 * part, 2*part + 5} { // the last needs nothing new
		f, err := m.file(size)
		if err != nil {
			t.Fatal(err)
		}
		var whole []byte
		for i := range f.parts() {
			r, err := f.open(i)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if err != nil || int64(len(b)) != f.length(i) || sha1.Sum(b) != f.sum(i) || !bytes.Equal(b, f.bytesOf(i, f.length(i))) {
				t.Errorf("part %d of %d bytes has %d, %v, SHA-1 %x and not %x", i, size, len(b), err, sha1.Sum(b), f.sum(i))
			}
			if i > 0 && bytes.Equal(b, whole[:len(b)]) {
				t.Errorf("part %d is the first again", i)
			}
			whole = append(whole, b...)
		}
		if int64(len(whole)) != size || sha1.Sum(whole) != f.whole {
			t.Errorf("%d bytes: SHA-1 %x of %d bytes, not %x", size, sha1.Sum(whole), len(whole), f.whole)
		}
		n := min(len(before), len(whole))
		if !bytes.Equal(before[:n], whole[:n]) {
			t.Errorf("a file of %d bytes does not begin as the one before", size)
		}
		before = whole
	}
}
