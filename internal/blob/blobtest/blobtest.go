// Package blobtest holds what every blob.Store has promised, as tests.
package blobtest

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
)

// Run tests the promises of blob.Store and blob.Source. Each test gets its own
// empty store from open. What only a power cut can show, and Memory, are for
// the backend to test beside it.
func Run(t *testing.T, open func(t *testing.T) blob.Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, blob.Store)
	}{
		{"PutThenRead", putThenRead},
		{"PutFromSlowReaders", putFromSlowReaders},
		{"OpenReadsFromTheOffset", openReadsFromTheOffset},
		{"AbsentIsNotFound", absentIsNotFound},
		{"InvalidKeys", invalidKeys},
		{"DeleteLeavesTheOthers", deleteLeavesTheOthers},
		{"DeleteMany", deleteMany},
		{"DeleteUnderAReader", deleteUnderAReader},
		{"ListShowsAll", listShowsAll},
		{"ListStopsWhenAsked", listStopsWhenAsked},
		{"ListWhileDeleting", listWhileDeleting},
		{"ListWithoutContext", listWithoutContext},
		{"RefusedLeavesNothing", refusedLeavesNothing},
		{"RefusedThenRepeated", refusedThenRepeated},
		{"HalfReadSource", halfReadSource},
		{"KeyInUse", keyInUse},
		{"CancelledLeavesNothing", cancelledLeavesNothing},
		{"ConcurrentPuts", concurrentPuts},
		{"ConcurrentPutsOfOneKey", concurrentPutsOfOneKey},
		{"ListWhilePutting", listWhilePutting},
		{"UnfinishedIsNotReadable", unfinishedIsNotReadable},
		{"DiscardTwice", discardTwice},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// Key is the n-th key of a test. Neighbours are far apart in the order of keys.
func Key(n int) blob.Key {
	var bits [16]byte
	binary.LittleEndian.PutUint64(bits[:], uint64(n)*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(bits[8:], uint64(n))
	return blob.NewKey(bits)
}

// Bytes are n bytes that differ all over, and for each n.
func Bytes(n int) []byte {
	b := make([]byte, n)
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], uint64(n))
	rand.NewChaCha8(seed).Read(b)
	return b
}

// Of is a source of data that promises its size and digest.
func Of(data []byte) *blob.Source { return from(bytes.NewReader(data), data) }

// from promises data and reads r.
func from(r io.Reader, data []byte) *blob.Source {
	return blob.Verify(r, blob.Want{Size: int64(len(data)), SHA1: new(content.SHA1(sha1.Sum(data)))}, nil)
}

// Read is all of a blob, or why it can't be read.
func Read(ctx context.Context, s blob.Store, key blob.Key) ([]byte, error) {
	info, err := s.Stat(ctx, key)
	if err != nil {
		return nil, err
	}
	r, err := s.Open(ctx, key, 0, info.Size)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data := make([]byte, info.Size)
	n, err := io.ReadFull(r, data)
	if err != nil {
		err = fmt.Errorf("%d bytes, but Stat said %d: %w", n, info.Size, err)
	}
	return data[:n], err
}

// put stores data, which has to work.
func put(t *testing.T, s blob.Store, key blob.Key, data []byte) {
	t.Helper()
	if err := s.Put(t.Context(), key, Of(data)); err != nil {
		t.Fatalf("put of %d bytes: %v", len(data), err)
	}
}

// holds checks that key has data.
func holds(t *testing.T, s blob.Store, key blob.Key, data []byte) {
	t.Helper()
	got, err := Read(t.Context(), s, key)
	if err != nil {
		t.Errorf("read of %s: %v", key, err)
	} else if !bytes.Equal(got, data) {
		t.Errorf("%s holds %d bytes other than the %d put", key, len(got), len(data))
	}
}

// absent checks that nothing can be read under key.
func absent(t *testing.T, s blob.Store, key blob.Key) {
	t.Helper()
	if r, err := s.Open(t.Context(), key, 0, 0); !content.Is(err, content.NotFound) {
		t.Errorf("open of %q: %v, want NotFound", key, err)
		if err == nil {
			r.Close()
		}
	}
	if info, err := s.Stat(t.Context(), key); !content.Is(err, content.NotFound) {
		t.Errorf("stat of %q: %v, %v, want NotFound", key, info, err)
	}
	if slices.Contains(list(t, s), key) {
		t.Errorf("%q is in the list", key)
	}
}

// list is all keys, sorted.
func list(t *testing.T, s blob.Store) []blob.Key {
	t.Helper()
	var keys []blob.Key
	for info, err := range s.List(t.Context()) {
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		keys = append(keys, info.Key)
	}
	slices.Sort(keys)
	return keys
}

// empty checks that nothing is stored, and that all scraps can be discarded.
func empty(t *testing.T, s blob.Store) {
	t.Helper()
	if keys := list(t, s); len(keys) > 0 {
		t.Errorf("the list holds %v", keys)
	}
	for scrap, err := range s.Scraps(t.Context()) {
		if err != nil {
			t.Fatalf("scraps: %v", err)
		}
		if err := s.Discard(t.Context(), scrap); err != nil {
			t.Errorf("discard of %q: %v", scrap.Name, err)
		}
	}
	for scrap, err := range s.Scraps(t.Context()) {
		t.Errorf("after all were discarded: scrap %q, %v", scrap.Name, err)
	}
}

// sizes are around what backends and readers may cut by.
var sizes = []int{0, 1, 511, 512, 4096, 4097, 16 << 10, 16<<10 + 1, 32 << 10, 1<<20 - 1, 1 << 20, 1<<20 + 1, 3<<20 + 5}

func putThenRead(t *testing.T, s blob.Store) {
	before := time.Now()
	for i, size := range sizes {
		put(t, s, Key(i), Bytes(size))
	}
	for i, size := range sizes {
		holds(t, s, Key(i), Bytes(size))
		info, err := s.Stat(t.Context(), Key(i))
		if err != nil || info.Key != Key(i) || info.Size != int64(size) {
			t.Errorf("stat of %d bytes: %v, %v", size, info, err)
		}
		// The clock may be another machine's, but it is a clock.
		if off := info.ModTime.Sub(before).Abs(); off > time.Hour {
			t.Errorf("put at %v, Stat says %v", before, info.ModTime)
		}
	}
	// A source need not promise anything.
	data := Bytes(1000)
	src := blob.Verify(bytes.NewReader(data), blob.Want{Size: blob.AnySize}, nil)
	if err := s.Put(t.Context(), Key(100), src); err != nil {
		t.Errorf("put of unknown size and digest: %v", err)
	}
	holds(t, s, Key(100), data)
	if want := (blob.Sum{Size: 1000, SHA1: sha1.Sum(data)}); !src.Done() || src.Sum() != want {
		t.Errorf("after Put the source says %v, done %v", src.Sum(), src.Done())
	}
}

func openReadsFromTheOffset(t *testing.T, s blob.Store) {
	data := Bytes(2<<20 + 7)
	put(t, s, Key(1), data)
	size := int64(len(data))
	for _, c := range []struct{ offset, length int64 }{
		{0, size}, {0, 0}, {0, 1}, {1, 1}, {511, 2}, {4095, 4098},
		{1 << 20, 1 << 20}, {1<<20 - 1, 3}, {size - 1, 1}, {size, 0},
	} {
		r, err := s.Open(t.Context(), Key(1), c.offset, c.length)
		if err != nil {
			t.Errorf("open at %d: %v", c.offset, err)
			continue
		}
		got := make([]byte, c.length)
		if _, err := io.ReadFull(r, got); err != nil {
			t.Errorf("read of %d bytes at %d: %v", c.length, c.offset, err)
		}
		if !bytes.Equal(got, data[c.offset:c.offset+c.length]) {
			t.Errorf("%d bytes at %d are not those put", c.length, c.offset)
		}
		// The reader may go on, but only with what comes next.
		more, err := io.ReadAll(r)
		if err != nil || !bytes.HasPrefix(data[c.offset+c.length:], more) {
			t.Errorf("beyond %d bytes at %d: %d bytes, %v", c.length, c.offset, len(more), err)
		}
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}

func absentIsNotFound(t *testing.T, s blob.Store) {
	absent(t, s, Key(1))
	for range 2 {
		if err := s.Delete(t.Context(), Key(1)); err != nil {
			t.Errorf("delete of what is not there: %v", err)
		}
	}
	put(t, s, Key(2), Bytes(10))
	absent(t, s, Key(1))
	beside := Key(2)[:31] + "0" // a neighbour, in the same place
	if beside == Key(2) {
		beside = Key(2)[:31] + "1"
	}
	absent(t, s, beside)
	if err := s.Delete(t.Context(), beside); err != nil {
		t.Errorf("delete of a neighbour that is not there: %v", err)
	}
	holds(t, s, Key(2), Bytes(10))
}

// invalidKeys also looks for ways out of the store.
func invalidKeys(t *testing.T, s blob.Store) {
	good := Key(1)
	put(t, s, good, Bytes(10))
	for _, key := range []blob.Key{
		"", "a", ".", "..", "/", "../" + good[3:], good[:31], good + "0", good + ".1",
		blob.Key(strings.ToUpper(string(blob.NewKey([16]byte{0xab})))),
		"ab/" + good[3:], "ab\\" + good[3:], "zz" + good[2:], "ab\x00" + good[3:], "é" + good[2:],
		"../../../../../../../../../../et", "................................",
	} {
		if err := s.Put(t.Context(), key, Of(Bytes(10))); err == nil {
			t.Errorf("put under %q: no error", key)
		}
		absent(t, s, key)
		if err := s.Delete(t.Context(), key); err != nil {
			t.Errorf("delete of %q, which can't be there: %v", key, err)
		}
	}
	holds(t, s, good, Bytes(10))
	for scrap, err := range s.Scraps(t.Context()) {
		t.Errorf("invalid keys leave %q, %v", scrap.Name, err)
	}
}

func deleteLeavesTheOthers(t *testing.T, s blob.Store) {
	for i := range 5 {
		put(t, s, Key(i), Bytes(100+i))
	}
	for _, i := range []int{2, 4} {
		if err := s.Delete(t.Context(), Key(i)); err != nil {
			t.Errorf("delete: %v", err)
		}
		absent(t, s, Key(i))
	}
	for _, i := range []int{0, 1, 3} {
		holds(t, s, Key(i), Bytes(100+i))
	}
	if err := s.Delete(t.Context(), Key(2)); err != nil {
		t.Errorf("second delete: %v", err)
	}
}

// deleteMany also asks for what is not there and what can't be.
func deleteMany(t *testing.T, s blob.Store) {
	const n = 700
	var gone []blob.Key
	for i := range n {
		put(t, s, Key(i), Bytes(i%3*20_000+i%7))
		if i%10 > 0 {
			gone = append(gone, Key(i))
		}
	}
	gone = append(gone, Key(n), "nonsense", gone[0])
	if err := s.Delete(t.Context(), gone...); err != nil {
		t.Errorf("delete of %d: %v", len(gone), err)
	}
	if err := s.Delete(t.Context()); err != nil {
		t.Errorf("delete of none: %v", err)
	}
	if left := list(t, s); len(left) != n/10 {
		t.Errorf("%d of %d are left, want %d", len(left), n, n/10)
	}
	for i := 0; i < n; i += 10 {
		holds(t, s, Key(i), Bytes(i%3*20_000+i%7))
	}
	absent(t, s, Key(n-1))
}

func deleteUnderAReader(t *testing.T, s blob.Store) {
	data := Bytes(2 << 20)
	put(t, s, Key(1), data)
	r, err := s.Open(t.Context(), Key(1), 0, int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	head := make([]byte, 1000)
	if _, err := io.ReadFull(r, head); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), Key(1)); err != nil {
		t.Skipf("this system deletes no file that is open: %v", err)
	}
	rest, err := io.ReadAll(r)
	switch got := append(head, rest...); {
	case err == nil && !bytes.Equal(got, data):
		t.Errorf("the reader ended well after %d bytes that are not the blob", len(got))
	case !bytes.HasPrefix(data, got):
		t.Error("the reader went on with other bytes")
	}
}

func listShowsAll(t *testing.T, s blob.Store) {
	if keys := list(t, s); len(keys) > 0 {
		t.Errorf("a new store lists %v", keys)
	}
	want := map[blob.Key]int64{}
	for i := range 40 {
		put(t, s, Key(i), Bytes(i))
		want[Key(i)] = int64(i)
	}
	seen := map[blob.Key]bool{}
	for info, err := range s.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if seen[info.Key] {
			t.Errorf("%s is listed twice", info.Key)
		}
		seen[info.Key] = true
		size, ok := want[info.Key]
		if !ok || info.Size != size {
			t.Errorf("listed %v, want size %d", info, size)
		}
		if stat, err := s.Stat(t.Context(), info.Key); err != nil || !stat.ModTime.Equal(info.ModTime) {
			t.Errorf("List says %v, Stat says %v, %v", info, stat, err)
		}
	}
	if len(seen) != len(want) {
		t.Errorf("listed %d blobs of %d", len(seen), len(want))
	}
}

func listStopsWhenAsked(t *testing.T, s blob.Store) {
	for i := range 5 {
		put(t, s, Key(i), Bytes(1))
	}
	n := 0
	for range s.List(t.Context()) {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("saw %d blobs, want to stop at 2", n)
	}
}

// listWhileDeleting takes a blob away that a backend may be just about to look
// at: they stand side by side, and the others must still be seen.
func listWhileDeleting(t *testing.T, s blob.Store) {
	keys := make([]blob.Key, 5)
	for i := range keys {
		keys[i] = "00" + Key(i)[2:]
		put(t, s, keys[i], Bytes(1))
	}
	slices.Sort(keys)
	seen := map[blob.Key]bool{}
	for info, err := range s.List(t.Context()) {
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		seen[info.Key] = true
		if err := s.Delete(t.Context(), keys[1]); err != nil {
			t.Errorf("delete: %v", err)
		}
	}
	for i, key := range keys {
		if i != 1 && !seen[key] {
			t.Errorf("blob %d was there all the time and was not listed", i)
		}
	}
}

func listWithoutContext(t *testing.T, s blob.Store) {
	for i := range 3 {
		put(t, s, Key(i), Bytes(1))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n, failed := 0, 0
	for _, err := range s.List(ctx) {
		if n++; err != nil {
			failed = n
		}
	}
	if failed == 0 || failed != n {
		t.Errorf("with the context cancelled, %d steps, and the error at %d", n, failed)
	}
}
