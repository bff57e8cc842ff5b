package upload_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"io"
	"testing"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
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

// looks counts the Views of a store.
type looks struct {
	meta.Store
	n int
}

func (l *looks) View(ctx context.Context, fn func(meta.Tx) error) error {
	l.n++
	return l.Store.View(ctx, fn)
}

type bounded struct {
	io.Reader
	most int64
}

func (b bounded) AtMost() int64 { return b.most }

// A small body that comes anyway is judged once, when it is stored; others are judged before
// they are read, too. What they are told is the same.
func TestASmallBodyIsJudgedOnce(t *testing.T) {
	w := newWorld(t)
	h := w.open(&metatest.Faulty{})
	rows := &looks{Store: w.rows}
	h.meta.Store = rows
	defer h.upload.Close()
	data := bytesOf(500)
	bad := content.SHA1(sha1.Sum([]byte("other")))
	send := func(name string, body io.Reader, sum *content.SHA1) error {
		_, err := h.upload.Simple(t.Context(), h.who, tree.Target{Name: name, Size: -1}, content.Preconditions{}, content.Attributes{}, sum, body)
		return err
	}
	for _, c := range []struct {
		name      string
		most      int64
		sum       *content.SHA1
		kind      content.Kind // Internal: it is stored
		looks     int
		readFirst bool
	}{
		{"a", 600, nil, content.Internal, 0, true},
		{"b", 1 << 20, nil, content.Internal, 1, false},
		{"a", 600, nil, content.NameTaken, 0, true},
		{"a", 1 << 20, nil, content.NameTaken, 1, false},
		{"a", 600, &bad, content.NameTaken, 1, true}, // and not BadDigest, as ever
		{"a", 1 << 20, &bad, content.NameTaken, 1, false},
		{"c", 600, &bad, content.BadDigest, 1, true},
		{"/", 600, nil, content.NameInvalid, 0, true},
	} {
		rows.n = 0
		body := bytes.NewReader(data)
		err := send(c.name, bounded{body, c.most}, c.sum)
		if (c.kind == content.Internal) != (err == nil) || content.KindOf(err) != c.kind {
			t.Errorf("%q of at most %d bytes: %v", c.name, c.most, err)
		}
		if rows.n != c.looks {
			t.Errorf("%q of at most %d bytes: %d looks, want %d", c.name, c.most, rows.n, c.looks)
		}
		if read := body.Len() == 0; err != nil && read != c.readFirst {
			t.Errorf("%q of at most %d bytes was refused; read: %v", c.name, c.most, read)
		}
	}
	// A promise of more than there is room for is refused, whatever then comes.
	_, err := h.upload.Simple(t.Context(), h.who, tree.Target{Name: "d", Size: 1 << 40}, content.Preconditions{}, content.Attributes{}, nil, bounded{bytes.NewReader(data), 600})
	if !content.Is(err, content.FileTooLarge) {
		t.Errorf("a promise of 1 TiB: %v", err)
	}
	if n := len(w.stored()); n != 2 {
		t.Errorf("%d blobs, want two", n)
	}
}
