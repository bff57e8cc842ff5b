package upload_test

import (
	"bytes"
	"crypto/sha1"
	"testing"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta/metatest"
	"boxcar/internal/tree"
)

// simple uploads a file to the root.
func (h *house) simple(name string, data []byte, sum *content.SHA1) error {
	h.t.Helper()
	_, err := h.upload.Simple(h.t.Context(), h.who, tree.Target{Name: name, Size: -1}, content.Preconditions{}, content.Attributes{}, sum, bytes.NewReader(data))
	return err
}

// stored are the blobs in rows or files.
func (w *world) stored() (all []blob.Info) {
	w.t.Helper()
	for info, err := range w.blobs(w.rows).List(w.t.Context()) {
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, info)
	}
	return all
}

// Bytes and rows of what is small wait for the disk together.
func TestASmallUploadIsOneTransaction(t *testing.T) {
	w := newWorld(t)
	f := &metatest.Faulty{}
	h := w.open(f)
	data := bytesOf(2 * partSize)
	ses := h.create("parts", data)
	for name, step := range map[string]func() error{
		"simple upload": func() error { return h.simple("a", data, nil) },
		"part":          func() error { return h.put(ses, data, 0) },
	} {
		before, blobs := f.Updates(), len(w.stored())
		if err := step(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n := f.Updates() - before; n != 1 {
			t.Errorf("%s: %d transactions, want 1", name, n)
		}
		if n := len(w.stored()) - blobs; n != 1 {
			t.Errorf("%s: %d blobs, want 1", name, n)
		}
	}
	h.upload.Close()
	w.prove("small uploads")
}

// Whatever a small upload is refused for, at whatever moment, its bytes are not kept.
func TestARefusedSmallUploadLeavesNothing(t *testing.T) {
	w := newWorld(t)
	h := w.open(&metatest.Faulty{})
	data := bytesOf(500)
	if err := h.simple("a", data, nil); err != nil {
		t.Fatal(err)
	}
	if err := h.simple("empty", nil, nil); err != nil {
		t.Fatal(err)
	}
	if n := len(w.stored()); n != 1 {
		t.Fatalf("%d blobs of one file that is not empty", n)
	}
	other := content.SHA1(sha1.Sum([]byte("other")))
	if err := h.simple("b", data, &other); !content.Is(err, content.BadDigest) {
		t.Errorf("other bytes: %v", err)
	}
	// The name is free when the bytes begin to come, and taken when they are here.
	h.meta.Store = &between{Store: w.rows, before: func() {
		h.meta.Store = w.rows
		if err := h.simple("c", nil, nil); err != nil {
			t.Error(err)
		}
	}}
	if err := h.simple("c", data, nil); !content.Is(err, content.NameTaken) {
		t.Errorf("a name that was taken meanwhile: %v", err)
	}
	h.upload.Close()
	if n := len(w.stored()); n != 1 {
		t.Errorf("%d blobs are left, want that of the first file", n)
	}
	w.prove("refused")
}

// What is refused and stands by itself is let go of; what is a row is no business of discard's.
func TestARefusedLargeUploadLeavesNothing(t *testing.T) {
	w := newWorld(t)
	h := w.open(&metatest.Faulty{})
	data := bytesOf(100_000)
	h.meta.Store = &between{Store: w.rows, before: func() {
		h.meta.Store = w.rows
		if err := h.simple("c", nil, nil); err != nil {
			t.Error(err)
		}
	}}
	if err := h.simple("c", data, nil); !content.Is(err, content.NameTaken) {
		t.Errorf("a name that was taken meanwhile: %v", err)
	}
	for end := time.Now().Add(5 * time.Second); len(w.stored()) > 0 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond) // it is done behind the answer
	}
	if n := len(w.stored()); n != 0 {
		t.Errorf("%d blobs are left", n)
	}
	h.upload.Close()
}
