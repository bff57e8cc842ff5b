package blobtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"testing"
	"testing/iotest"

	"boxcar/internal/blob"
	"boxcar/internal/content"
)

var errBroken = errors.New("the line is cut")

func putFromSlowReaders(t *testing.T, s blob.Store) {
	data := Bytes(1<<20 + 100)
	small := Bytes(3000)
	for i, c := range []struct {
		data []byte
		r    io.Reader
	}{
		{small, iotest.OneByteReader(bytes.NewReader(small))},
		{data, iotest.HalfReader(bytes.NewReader(data))},
		{data, iotest.DataErrReader(bytes.NewReader(data))},
		{data, &ragged{r: bytes.NewReader(data)}},
	} {
		if err := s.Put(t.Context(), Key(i), from(c.r, c.data)); err != nil {
			t.Errorf("reader %d: %v", i, err)
			continue
		}
		holds(t, s, Key(i), c.data)
	}
}

// ragged reads nothing every other time, and then as much as in no round number.
type ragged struct {
	r io.Reader
	n int
}

func (r *ragged) Read(p []byte) (int, error) {
	if r.n++; r.n%2 == 1 {
		return 0, nil
	}
	return r.r.Read(p[:min(len(p), 1+r.n*1009%70_000)])
}

// refusals are sources that break their promise, early, late and at the last
// moment.
func refusals() []refusal {
	data := Bytes(2<<20 + 100)
	other := bytes.Clone(data)
	other[len(other)-1] ^= 1
	fails := func(good []byte) io.Reader {
		return io.MultiReader(bytes.NewReader(good), iotest.ErrReader(errBroken))
	}
	return []refusal{
		{"empty", from(bytes.NewReader(nil), data), content.SizeMismatch, nil},
		{"one byte short", from(bytes.NewReader(data[:len(data)-1]), data), content.SizeMismatch, nil},
		{"short by most", from(bytes.NewReader(data[:10]), data), content.SizeMismatch, nil},
		{"one byte long", from(io.MultiReader(bytes.NewReader(data), bytes.NewReader([]byte{0})), data), content.SizeMismatch, nil},
		{"endless", from(endless{}, data), content.SizeMismatch, nil},
		{"something for nothing", from(bytes.NewReader([]byte{1}), nil), content.SizeMismatch, nil},
		{"last byte wrong", from(bytes.NewReader(other), data), content.DigestMismatch, nil},
		{"last byte wrong, with EOF", from(iotest.DataErrReader(bytes.NewReader(other)), data), content.DigestMismatch, nil},
		{"small and wrong", from(bytes.NewReader([]byte("b")), []byte("a")), content.DigestMismatch, nil},
		{"fails at once", from(fails(nil), data), content.Internal, errBroken},
		{"fails in the first block", from(fails(data[:1000]), data), content.Internal, errBroken},
		{"fails between blocks", from(fails(data[:1<<20]), data), content.Internal, errBroken},
		{"fails after the last byte", from(fails(data), data), content.Internal, errBroken},
		// What a cut request body gives, which io.ReadFull would take for an end.
		{"cut short", blob.Verify(io.MultiReader(bytes.NewReader(data[:1000]), iotest.ErrReader(io.ErrUnexpectedEOF)),
			blob.Want{Size: blob.AnySize}, nil), content.Internal, io.ErrUnexpectedEOF},
		{"refused by its reader", from(iotest.ErrReader(content.Errorf(content.BodyTimeout, "too slow")), data), content.BodyTimeout, nil},
	}
}

type refusal struct {
	name string
	src  *blob.Source
	kind content.Kind // of the error
	err  error        // in its chain, if not nil
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func (r refusal) check(t *testing.T, err error) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("%s: put without an error", r.name)
	case content.KindOf(err) != r.kind:
		t.Errorf("%s: %v is of kind %d, want %d", r.name, err, content.KindOf(err), r.kind)
	case r.err != nil && !errors.Is(err, r.err):
		t.Errorf("%s: %v, want %v in its chain", r.name, err, r.err)
	}
}

func refusedLeavesNothing(t *testing.T, s blob.Store) {
	for i, r := range refusals() {
		r.check(t, s.Put(t.Context(), Key(i), r.src))
		absent(t, s, Key(i))
	}
	empty(t, s)
}

func refusedThenRepeated(t *testing.T, s blob.Store) {
	for i, r := range refusals() {
		r.check(t, s.Put(t.Context(), Key(i), r.src))
		put(t, s, Key(i), Bytes(1000+i))
		holds(t, s, Key(i), Bytes(1000+i))
	}
}

// halfReadSource: what is stored is all of a source, never its tail.
func halfReadSource(t *testing.T, s blob.Store) {
	src := blob.Verify(bytes.NewReader(Bytes(100)), blob.Want{Size: 100}, nil)
	if _, err := src.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), Key(1), src); err == nil {
		t.Error("the tail of a source was put without an error")
	}
	absent(t, s, Key(1))
}

func keyInUse(t *testing.T, s blob.Store) {
	for i, first := range []int{0, 10, 2 << 20} {
		put(t, s, Key(i), Bytes(first))
		for _, second := range []int{first, 0, 11, 1 << 20} {
			if err := s.Put(t.Context(), Key(i), Of(Bytes(second))); err == nil {
				t.Errorf("%d bytes were put under the key of %d", second, first)
			}
			holds(t, s, Key(i), Bytes(first))
		}
	}
	for scrap, err := range s.Scraps(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Discard(t.Context(), scrap); err != nil {
			t.Error(err)
		}
	}
	holds(t, s, Key(2), Bytes(2<<20))
}

func cancelledLeavesNothing(t *testing.T, s blob.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Put(ctx, Key(1), Of(Bytes(10))); !errors.Is(err, context.Canceled) {
		t.Errorf("put with the context cancelled: %v", err)
	}
	absent(t, s, Key(1))

	// Cancelled on the way, a Put does not go on to the end of its source.
	ctx, cancel = context.WithCancel(t.Context())
	r := &hook{r: endless{}, at: 1 << 20, do: cancel}
	if err := s.Put(ctx, Key(2), blob.Verify(io.LimitReader(r, 1<<30), blob.Want{Size: 1 << 30}, nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("put cancelled on the way: %v", err)
	}
	if r.n > 64<<20 {
		t.Errorf("cancelled after 1 MiB, the put read %d bytes", r.n)
	}
	absent(t, s, Key(2))
	empty(t, s)
	put(t, s, Key(2), Bytes(10))
}

// hook calls do once, when at bytes have been read.
type hook struct {
	r     io.Reader
	n, at int64
	do    func()
}

func (h *hook) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	h.n += int64(n)
	if h.do != nil && h.n >= h.at {
		h.do()
		h.do = nil
	}
	return n, err
}

func concurrentPuts(t *testing.T, s blob.Store) {
	const each = 10
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range each {
				n := g*each + i
				key := Key(n)
				if g%2 == 0 { // half of them next to one another
					key = "00" + key[2:]
				}
				if err := s.Put(t.Context(), key, Of(Bytes(1000+n))); err != nil {
					t.Errorf("put: %v", err)
				}
				holds(t, s, key, Bytes(1000+n))
				if i%3 == 0 {
					if err := s.Delete(t.Context(), key); err != nil {
						t.Errorf("delete: %v", err)
					}
				}
			}
		})
	}
	wg.Wait()
	if got := len(list(t, s)); got != 8*(each-4) {
		t.Errorf("%d blobs are left, want %d", got, 8*(each-4))
	}
}

func concurrentPutsOfOneKey(t *testing.T, s blob.Store) {
	for round := range 10 {
		var wg sync.WaitGroup
		var mu sync.Mutex
		var won []int
		for g := range 4 {
			wg.Go(func() {
				size := 10_000*round + g
				if err := s.Put(t.Context(), Key(round), Of(Bytes(size))); err == nil {
					mu.Lock()
					won = append(won, size)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if len(won) != 1 {
			t.Errorf("%d of 4 puts of one key went well", len(won))
			continue
		}
		holds(t, s, Key(round), Bytes(won[0]))
	}
}

func listWhilePutting(t *testing.T, s blob.Store) {
	const old = 10
	for i := range old {
		put(t, s, Key(i), Bytes(100+i))
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := old; i < 50; i++ {
			if err := s.Put(t.Context(), Key(i), Of(Bytes(100+i))); err != nil {
				t.Errorf("put: %v", err)
			}
			if i%2 == 0 {
				if err := s.Delete(t.Context(), Key(i)); err != nil {
					t.Errorf("delete: %v", err)
				}
			}
		}
	})
	for range 10 {
		seen := map[blob.Key]bool{}
		for info, err := range s.List(t.Context()) {
			if err != nil {
				t.Errorf("list: %v", err)
				break
			}
			seen[info.Key] = true
			if info.Size < 100 || info.Size >= 150 {
				t.Errorf("listed %d bytes, which no blob has: not yet whole?", info.Size)
			}
		}
		for i := range old {
			if !seen[Key(i)] {
				t.Errorf("a blob that was there all the time was not listed")
			}
		}
		for _, err := range s.Scraps(t.Context()) {
			if err != nil {
				t.Errorf("scraps: %v", err)
			}
		}
	}
	wg.Wait()
}

func unfinishedIsNotReadable(t *testing.T, s blob.Store) {
	data := Bytes(3 << 20)
	looked := false
	r := &hook{r: bytes.NewReader(data), at: 2<<20 + 1, do: func() {
		absent(t, s, Key(1))
		looked = true
	}}
	if err := s.Put(t.Context(), Key(1), from(r, data)); err != nil {
		t.Fatal(err)
	}
	if !looked {
		t.Error("nobody looked")
	}
	holds(t, s, Key(1), data)
}

// discardTwice discards what is not there: two sweeps may meet, and a Put may
// clear away its own.
func discardTwice(t *testing.T, s blob.Store) {
	var scraps []blob.Scrap
	r := &hook{r: endless{}, at: 1, do: func() {
		for scrap, err := range s.Scraps(t.Context()) {
			if err != nil {
				t.Error(err)
			}
			scraps = append(scraps, scrap)
		}
	}}
	if err := s.Put(t.Context(), Key(1), from(r, Bytes(10))); err == nil {
		t.Fatal("put without an error")
	}
	for range 2 {
		for _, scrap := range scraps {
			if err := s.Discard(t.Context(), scrap); err != nil {
				t.Errorf("discard of %q: %v", scrap.Name, err)
			}
		}
	}
	empty(t, s)
}

// Memory tests that memory does not depend on the size of blobs. It is not for
// stores that keep them in memory.
func Memory(t *testing.T, open func(t *testing.T) blob.Store) {
	s := open(t)
	allocated := func(key blob.Key, size int64) int64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		src := blob.Verify(io.LimitReader(endless{}, size), blob.Want{Size: size}, nil)
		if err := s.Put(t.Context(), key, src); err != nil {
			t.Fatal(err)
		}
		r, err := s.Open(t.Context(), key, 0, size)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := io.CopyN(io.Discard, r, size); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		return int64(after.TotalAlloc - before.TotalAlloc)
	}
	allocated(Key(0), 1<<20)
	const large = 48 << 20
	if got := allocated(Key(1), large); got > large/8 {
		t.Errorf("%d bytes were allocated to put and read %d", got, large)
	}
}
