package disk_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"boxcar/internal/blob"
	"boxcar/internal/blob/blobtest"
	"boxcar/internal/blob/disk"
	"boxcar/internal/content"
	"boxcar/internal/vfs"
	"boxcar/internal/vfs/faultfs"
)

func onDisk(t *testing.T) blob.Store { return must(disk.Open(vfs.Dir(t.TempDir()))) }

func TestPromisesOnDisk(t *testing.T) {
	blobtest.Run(t, onDisk)
	t.Run("Memory", func(t *testing.T) { blobtest.Memory(t, onDisk) })
}

func TestPromisesInMemory(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return must(disk.Open(faultfs.New())) })
}

func TestBlobsAreSentByTheKernel(t *testing.T) {
	s := onDisk(t)
	check(s.Put(t.Context(), key, blobtest.Of([]byte("hello"))))
	r := must(s.Open(t.Context(), key, 1, 4))
	defer r.Close()
	if _, ok := r.(*os.File); !ok {
		t.Errorf("Open gives a %T", r)
	}
}

func TestTree(t *testing.T) {
	root := t.TempDir()
	s := must(disk.Open(vfs.Dir(root)))
	check(s.Put(t.Context(), key, blobtest.Of([]byte("hello"))))
	var names []string
	check(filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		name, _ := filepath.Rel(root, path)
		names = append(names, filepath.ToSlash(name))
		return err
	}))
	want := []string{".", "blobs"}
	for i := range 256 {
		want = append(want, fmt.Sprintf("blobs/%02x", i))
		if i == 0x5f {
			want = append(want, "blobs/5f/"+string(key))
		}
	}
	want = append(want, "tmp")
	if !slices.Equal(names, want) {
		t.Errorf("the tree is %q, want %q", names, want)
	}
	if got := string(must(os.ReadFile(filepath.Join(root, "blobs", "5f", string(key))))); got != "hello" {
		t.Errorf("the file holds %q", got)
	}
}

func TestStrangersInTheTreeAreNotBlobs(t *testing.T) {
	fsys := faultfs.New()
	s := must(disk.Open(fsys))
	check(s.Put(t.Context(), key, blobtest.Of([]byte("hello"))))
	check(fsys.MkdirAll("blobs/5f/d"))
	check(fsys.MkdirAll("blobs/lost+found"))
	check(fsys.MkdirAll("tmp/d"))
	for _, name := range []string{"blobs/README", "blobs/5f/.DS_Store", "blobs/000", "blobs/lost+found/" + string(key),
		"blobs/5f/00" + string(key[2:])} {
		check(must(fsys.Create(name)).Close())
	}
	n := 0
	for info, err := range s.List(t.Context()) {
		if n++; err != nil || info.Key != key {
			t.Errorf("listed %v, %v", info, err)
		}
	}
	if n != 1 {
		t.Errorf("listed %d blobs of 1", n)
	}
	for scrap, err := range s.Scraps(t.Context()) {
		t.Errorf("scrap %v, %v", scrap, err)
	}
}

// Operator commands open the store beside a server that is at work.
func TestOpenNeverSweeps(t *testing.T) {
	fsys := faultfs.New()
	must(disk.Open(fsys)) // makes the tree
	left := "tmp/" + string(key) + ".1"
	f := must(fsys.Create(left))
	must(f.Write([]byte("hel")))
	check(f.Close())
	s := must(disk.Open(fsys))
	var scraps []blob.Scrap
	for scrap, err := range s.Scraps(t.Context()) {
		check(err)
		scraps = append(scraps, scrap)
	}
	if len(scraps) != 1 || scraps[0].Size != 3 || scraps[0].ModTime.IsZero() {
		t.Fatalf("scraps: %v", scraps)
	}
	// Its name is taken, which is no reason to fail.
	check(s.Put(t.Context(), key, blobtest.Of([]byte("hello"))))
	check(s.Discard(t.Context(), scraps[0]))
	if _, err := fsys.Stat(left); err == nil {
		t.Error("discarded, and still there")
	}
}

func TestRefusedPutsClearAway(t *testing.T) {
	s := must(disk.Open(faultfs.New()))
	src := blob.Verify(strings.NewReader("hell"), blob.Want{Size: 5}, nil)
	if err := s.Put(t.Context(), key, src); !content.Is(err, content.SizeMismatch) {
		t.Errorf("error is %v", err)
	}
	for scrap, err := range s.Scraps(t.Context()) {
		t.Errorf("scrap %q, %v", scrap.Name, err)
	}
}

func TestDiscardStaysInside(t *testing.T) {
	fsys := faultfs.New()
	s := must(disk.Open(fsys))
	check(s.Put(t.Context(), key, blobtest.Of([]byte("hello"))))
	for _, name := range []string{"", ".", "..", "../blobs/5f/" + string(key), `..\blobs`, "/etc", "a/b"} {
		if err := s.Discard(t.Context(), blob.Scrap{Name: name}); err == nil {
			t.Errorf("discard of %q: no error", name)
		}
	}
	if got, err := blobtest.Read(t.Context(), s, key); string(got) != "hello" {
		t.Errorf("the blob is now %q, %v", got, err)
	}
}

func TestFullDiskIsUnavailable(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT} {
		for _, op := range []faultfs.Op{faultfs.Create, faultfs.Write, faultfs.Sync, faultfs.Close,
			faultfs.Mkdir, faultfs.Link, faultfs.SyncDir} {
			fsys := faultfs.New()
			s := must(disk.Open(fsys))
			fsys.Fail(faultfs.Fault{Ops: op, Err: errno})
			err := s.Put(t.Context(), key, blobtest.Of([]byte("hello")))
			var e *content.Error
			if !errors.As(err, &e) || e.Kind != content.Unavailable || e.RetryAfter <= 0 || !errors.Is(err, errno) {
				t.Errorf("%v at %v: %v", errno, op, err)
			}
			if e != nil && strings.Contains(e.Message, string(key)) {
				t.Errorf("the message for clients names the blob: %q", e.Message)
			}
		}
	}
	// Any other trouble is nobody's business.
	fsys := faultfs.New()
	s := must(disk.Open(fsys))
	fsys.Fail(faultfs.Fault{Ops: faultfs.Write})
	if err := s.Put(t.Context(), key, blobtest.Of([]byte("hello"))); content.KindOf(err) != content.Internal || !errors.Is(err, syscall.EIO) {
		t.Errorf("error is %v", err)
	}
}

func TestPutCostsTwoSyncs(t *testing.T) {
	fsys := faultfs.New()
	s := must(disk.Open(fsys))
	check(s.Put(t.Context(), key, blobtest.Of([]byte("hello")))) // makes the shards
	var syncs []string
	fsys.Watch(func(op faultfs.Op, name string) {
		if op&faultfs.Syncs != 0 {
			syncs = append(syncs, op.String())
		}
	})
	check(s.Put(t.Context(), key[:31]+"1", blobtest.Of([]byte("hello"))))
	if want := []string{"sync", "syncdir"}; !slices.Equal(syncs, want) {
		t.Errorf("a put costs %q, want %q", syncs, want)
	}
}

// The first blobs of a new store are not dearer than others, but for the very first.
func TestShardsShareOneSync(t *testing.T) {
	fsys := faultfs.New()
	s := must(disk.Open(fsys))
	syncs := 0
	fsys.Watch(func(op faultfs.Op, name string) {
		if op&faultfs.SyncDir != 0 && name == "blobs" {
			syncs++
		}
	})
	for i := range 50 {
		check(s.Put(t.Context(), blobtest.Key(i), blobtest.Of([]byte("hello"))))
	}
	if syncs != 1 {
		t.Errorf("50 blobs took %d syncs of the directory above theirs, want 1", syncs)
	}
	// What an earlier process made is used, after a sync: it may not have come to that.
	s = must(disk.Open(fsys))
	made := 0
	syncs = 0
	fsys.Watch(func(op faultfs.Op, name string) {
		switch {
		case op&faultfs.SyncDir != 0 && name == "blobs":
			syncs++
		case op&faultfs.Mkdir != 0:
			made++
		}
	})
	check(s.Put(t.Context(), key, blobtest.Of([]byte("hello"))))
	if syncs != 1 || made != 0 {
		t.Errorf("in a store that is there, the first put made %d directories and synced %d times", made, syncs)
	}
}

const key = blob.Key("5f0c8e7d7a1b4c3e9f2a6b5d4c3b2a19")

func must[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
