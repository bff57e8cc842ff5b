package disk_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/blob/blobtest"
	"boxcar/internal/blob/disk"
	"boxcar/internal/content"
	"boxcar/internal/vfs"
	"boxcar/internal/vfs/faultfs"
)

// afterCuts opens the store again after each of some power cuts, of which the
// first two are Lost and Kept.
func afterCuts(t *testing.T, cuts uint64, fsys *faultfs.FS, look func(when string, s *disk.Store)) {
	t.Helper()
	for seed := range cuts {
		look(fmt.Sprintf("after power cut %d", seed), must(disk.Open(fsys.Crash(seed))))
	}
}

// whole says whether key has data (true), or nothing (false); what else it may
// have is an error.
func whole(t *testing.T, s blob.Store, key blob.Key, data []byte) (bool, error) {
	got, err := blobtest.Read(t.Context(), s, key)
	switch {
	case content.Is(err, content.NotFound):
		return false, nil
	case err != nil:
		return false, err
	case !bytes.Equal(got, data):
		return false, fmt.Errorf("%d bytes that are not the %d put", len(got), len(data))
	}
	return true, nil
}

// expect checks that key has data, or that it has nothing.
func expect(t *testing.T, when string, s blob.Store, data []byte, want bool) {
	t.Helper()
	if got, err := whole(t, s, key, data); err != nil || got != want {
		t.Errorf("%s: the blob is there: %v, %v; want %v", when, got, err, want)
	}
}

func TestPutWithEachCallFailing(t *testing.T) {
	data := blobtest.Bytes(1<<20 + 1000)
	prepared := map[string]func() *faultfs.FS{
		"first of its shard": func() *faultfs.FS {
			fsys := faultfs.New()
			must(disk.Open(fsys))
			return fsys
		},
		"beside another": func() *faultfs.FS {
			fsys := faultfs.New()
			s := must(disk.Open(fsys))
			check(s.Put(t.Context(), key[:31]+"0", blobtest.Of([]byte("beside"))))
			return fsys
		},
	}
	for name, prepare := range prepared {
		t.Run(name, func(t *testing.T) {
			ops := callsOf(prepare(), func(s *disk.Store) { check(s.Put(t.Context(), key, blobtest.Of(data))) })
			for n := 1; ; n++ {
				if n > 2 && n+1 < len(ops) && ops[n-2] == faultfs.Mkdir && ops[n-1] == faultfs.Mkdir && ops[n] == faultfs.Mkdir {
					continue // one of many like it
				}
				fsys := prepare()
				s := must(disk.Open(fsys))
				fired := fsys.Fail(faultfs.Fault{Skip: n - 1, Err: []error{syscall.EIO, syscall.ENOSPC}[n%2], Short: 5})
				calls := fsys.Calls()
				err := s.Put(t.Context(), key, blobtest.Of(data))
				if !fired() {
					if calls = fsys.Calls() - calls; calls < 7 {
						t.Errorf("a put made %d calls only", calls)
					}
					check(err)
					return
				}
				when := fmt.Sprintf("call %d failed, put said %v", n, err)
				if err == nil {
					// Nothing depended on it, then.
					expect(t, when, s, data, true)
				} else {
					expect(t, when, s, data, false)
				}
				cuts := uint64(40)
				if err == nil {
					cuts = 5 // certain is certain, and much to read
				}
				afterCuts(t, cuts, fsys, func(cut string, s *disk.Store) {
					expect(t, when+", "+cut, s, data, err == nil)
				})
				if err == nil {
					continue
				}
				if err := s.Put(t.Context(), key, blobtest.Of(data)); err != nil {
					t.Errorf("%s; again: %v", when, err)
				}
				expect(t, when+", again", s, data, true)
				afterCuts(t, 5, fsys, func(cut string, s *disk.Store) {
					expect(t, when+", again, "+cut, s, data, true)
				})
			}
		})
	}
}

// callsOf are the calls that fn makes with a store.
func callsOf(fsys *faultfs.FS, fn func(*disk.Store)) (ops []faultfs.Op) {
	s := must(disk.Open(fsys))
	fsys.Watch(func(op faultfs.Op, name string) { ops = append(ops, op) })
	fn(s)
	return ops
}

func TestOpenWithEachCallFailing(t *testing.T) {
	data := []byte("hello")
	for n := 1; ; n++ {
		fsys := faultfs.New()
		fired := fsys.FailAt(n, syscall.EIO)
		s, err := disk.Open(fsys)
		if !fired() {
			if n < 5 {
				t.Errorf("opening made %d calls only", n-1)
			}
			return
		}
		when := fmt.Sprintf("call %d failed, open said %v", n, err)
		if err != nil {
			s = must(disk.Open(fsys))
		}
		check(s.Put(t.Context(), key, blobtest.Of(data)))
		afterCuts(t, 40, fsys, func(cut string, s *disk.Store) {
			expect(t, when+", "+cut, s, data, true)
		})
	}
}

// stored is a store with one blob and one scrap.
func stored(t *testing.T) (*faultfs.FS, []byte) {
	data := []byte("hello")
	fsys := faultfs.New()
	s := must(disk.Open(fsys))
	check(s.Put(t.Context(), key, blobtest.Of(data)))
	check(must(fsys.Create("tmp/scrap")).Close())
	return fsys, data
}

func TestDeleteWithEachCallFailing(t *testing.T) {
	for n := 1; ; n++ {
		fsys, data := stored(t)
		s := must(disk.Open(fsys))
		fired := fsys.FailAt(n, syscall.EIO)
		err := s.Delete(t.Context(), key)
		fsys.Heal()
		when := fmt.Sprintf("call %d failed, delete said %v", n, err)
		afterCuts(t, 40, fsys, func(cut string, s *disk.Store) {
			if _, err := whole(t, s, key, data); err != nil {
				t.Errorf("%s, %s: %v", when, cut, err)
			}
		})
		if err == nil {
			expect(t, when, s, data, false)
		} else {
			if err := s.Delete(t.Context(), key); err != nil {
				t.Errorf("%s; again: %v", when, err)
			}
			expect(t, when+", again", s, data, false)
		}
		if !fired() {
			if n < 2 {
				t.Error("a delete made no call")
			}
			return
		}
	}
}

func TestReadsWithEachCallFailing(t *testing.T) {
	reads := map[string]func(s *disk.Store) error{
		"open and read": func(s *disk.Store) error {
			r, err := s.Open(t.Context(), key, 1, 4)
			if err != nil {
				return err
			}
			defer r.Close()
			b := make([]byte, 4)
			if _, err := r.Read(b); err != nil {
				return err
			}
			if string(b) != "ello" {
				t.Errorf("read %q", b)
			}
			return nil
		},
		"stat": func(s *disk.Store) error {
			_, err := s.Stat(t.Context(), key)
			return err
		},
		"list": func(s *disk.Store) (failed error) {
			n := 0
			for _, err := range s.List(t.Context()) {
				if n++; err != nil {
					failed = err
				}
			}
			if failed == nil && n != 1 {
				t.Errorf("listed %d blobs and no error", n)
			}
			return failed
		},
		"scraps": func(s *disk.Store) (failed error) {
			n := 0
			for _, err := range s.Scraps(t.Context()) {
				if n++; err != nil {
					failed = err
				}
			}
			if failed == nil && n != 1 {
				t.Errorf("listed %d scraps and no error", n)
			}
			return failed
		},
		"discard": func(s *disk.Store) error {
			return s.Discard(t.Context(), blob.Scrap{Name: "scrap"})
		},
	}
	for name, read := range reads {
		for n := 1; ; n++ {
			fsys, _ := stored(t)
			s := must(disk.Open(fsys))
			fired := fsys.Fail(faultfs.Fault{Ops: ^faultfs.Close, Skip: n - 1})
			err := read(s)
			if fired() != (err != nil) {
				t.Errorf("%s: call %d failed: %v, and the error was %v", name, n, fired(), err)
			}
			if err != nil && (!errors.Is(err, syscall.EIO) || content.Is(err, content.NotFound)) {
				t.Errorf("%s: error is %v", name, err)
			}
			if !fired() {
				break
			}
		}
	}
}

// TestPowerCut cuts the power before every call of a busy hour.
func TestPowerCut(t *testing.T) {
	fsys := faultfs.New()
	type fate struct {
		data  []byte
		acked bool // put said so
		going bool // delete has begun
	}
	fates := map[blob.Key]*fate{}
	rnd := rand.New(rand.NewPCG(1, 1))
	cut := func(seed uint64, when string) {
		left := fsys.Crash(seed)
		s, err := disk.Open(left)
		if err != nil {
			t.Fatalf("%s, seed %d: %v", when, seed, err)
		}
		listed := map[blob.Key]bool{}
		for info, err := range s.List(t.Context()) {
			check(err)
			listed[info.Key] = true
		}
		for key, f := range fates {
			there, err := whole(t, s, key, f.data)
			switch {
			case err != nil:
				t.Errorf("%s, seed %d: %v", when, seed, err)
			case f.acked && !f.going && !there:
				t.Errorf("%s, seed %d: a blob of %d bytes is lost", when, seed, len(f.data))
			case there != listed[key]:
				t.Errorf("%s, seed %d: there %v, listed %v", when, seed, there, listed[key])
			}
			delete(listed, key)
		}
		if len(listed) > 0 {
			t.Errorf("%s, seed %d: blobs nobody put: %v", when, seed, listed)
		}
		for scrap, err := range s.Scraps(t.Context()) {
			check(err)
			check(s.Discard(t.Context(), scrap))
		}
	}
	calls := 0
	fsys.Watch(func(op faultfs.Op, name string) {
		calls++
		when := fmt.Sprintf("before call %d (%v %s)", calls, op, name)
		cut(faultfs.Lost, when)
		cut(faultfs.Kept, when)
		for range 6 {
			cut(rnd.Uint64(), when)
		}
	})

	s := must(disk.Open(fsys))
	put := func(key blob.Key, data []byte) {
		f := &fate{data: data}
		fates[key] = f
		check(s.Put(t.Context(), key, blobtest.Of(data)))
		f.acked = true
	}
	remove := func(key blob.Key) {
		fates[key].going = true
		check(s.Delete(t.Context(), key))
	}
	for i, size := range []int{0, 100, 5000, 70_000} {
		put(blobtest.Key(i), blobtest.Bytes(size))
		put(blobtest.Key(100)[:31]+blob.Key(fmt.Sprint(i)), blobtest.Bytes(size+1)) // all in one shard
	}
	remove(blobtest.Key(1))
	if err := s.Put(t.Context(), blobtest.Key(2), blobtest.Of([]byte("other"))); err == nil {
		t.Error("a key was used twice")
	}
	s = must(disk.Open(fsys)) // an operator looks in
	broken := blob.Verify(bytes.NewReader(blobtest.Bytes(10)), blob.Want{Size: 11}, nil)
	if err := s.Put(t.Context(), blobtest.Key(50), broken); err == nil {
		t.Error("a short source was put")
	}
	remove(blobtest.Key(0))
	put(blobtest.Key(51), blobtest.Bytes(1<<20+100)) // last, for its size
	fsys.Watch(nil)
	for seed := range uint64(20) {
		cut(seed, "at the end")
	}
	t.Logf("%d calls", calls)
}

// slow is done with a directory well before it says so.
type slow struct {
	vfs.FS
	syncs atomic.Int64
}

func (s *slow) SyncDir(name string) error {
	s.syncs.Add(1)
	err := s.FS.SyncDir(name)
	time.Sleep(time.Millisecond)
	return err
}

func TestPutsOfOneShardShareSyncs(t *testing.T) {
	fsys := faultfs.New()
	counted := &slow{FS: fsys}
	s := must(disk.Open(counted))
	const writers, each = 8, 10
	var wg sync.WaitGroup
	for g := range writers {
		wg.Go(func() {
			for i := range each {
				k := blob.Key(fmt.Sprintf("%s%02x", key[:30], g*each+i))
				data := blobtest.Bytes(100 + i)
				if err := s.Put(t.Context(), k, blobtest.Of(data)); err != nil {
					t.Errorf("put: %v", err)
					return
				}
				// A sync that began before the name was made proves nothing.
				left := must(disk.Open(fsys.Crash(faultfs.Lost)))
				if there, err := whole(t, left, k, data); !there {
					t.Errorf("acknowledged, and lost in a power cut: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if n := counted.syncs.Load(); n > writers*each/2 {
		t.Errorf("%d puts, %d at a time, took %d directory syncs", writers*each, writers, n)
	}
}
