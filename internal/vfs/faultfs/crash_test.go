package faultfs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"

	"boxcar/internal/vfs"
	"boxcar/internal/vfs/faultfs"
)

const seeds = 300

// outcomes is every state that the seeds leave, as show describes it, each
// with the seed that left it.
func outcomes(fsys *faultfs.FS, show func(*faultfs.FS) string) map[string]uint64 {
	found := map[string]uint64{}
	for seed := range uint64(seeds) {
		found[show(fsys.Crash(seed))] = seed
	}
	return found
}

// expect compares outcomes with want, all of which must occur, and no other.
func expect(t *testing.T, fsys *faultfs.FS, show func(*faultfs.FS) string, want ...string) {
	t.Helper()
	got := outcomes(fsys, show)
	for _, w := range want {
		if _, ok := got[w]; !ok {
			t.Errorf("no seed leaves %q", w)
		}
	}
	for g, seed := range got {
		if !slices.Contains(want, g) {
			t.Errorf("seed %d leaves %q, want one of %q", seed, g, want)
		}
	}
}

// tree lists all files below the root with what they hold.
func tree(fsys *faultfs.FS) string {
	var lines []string
	var walk func(dir string)
	walk = func(dir string) {
		for _, e := range must(fsys.ReadDir(dir)) {
			name := strings.TrimPrefix(dir+"/"+e.Name(), "./")
			if e.IsDir() {
				lines = append(lines, name+"/")
				walk(name)
			} else {
				lines = append(lines, name+"="+string(contents(fsys, name)))
			}
		}
	}
	walk(".")
	return strings.Join(lines, " ")
}

func TestSyncedIsCertain(t *testing.T) {
	fsys := faultfs.New()
	f := create(fsys, "f", "synced")
	check(f.Sync())
	check(fsys.SyncDir("."))
	expect(t, fsys, tree, "f=synced")
}

func TestUnsyncedBytesAreKeptOrLost(t *testing.T) {
	fsys := faultfs.New()
	f := create(fsys, "f", "old")
	check(f.Sync())
	check(fsys.SyncDir("."))
	must(f.WriteAt([]byte("new"), 0))
	expect(t, fsys, tree, "f=old", "f=new")
	must(f.WriteAt([]byte("two"), 0))
	expect(t, fsys, tree, "f=old", "f=new", "f=two")
	check(f.Sync())
	expect(t, fsys, tree, "f=two")
}

func TestNameWithoutBytes(t *testing.T) {
	fsys := faultfs.New()
	create(fsys, "f", "bytes")
	check(fsys.SyncDir("."))
	expect(t, fsys, tree, "f=", "f=\x00\x00\x00\x00\x00", "f=bytes")
}

func TestBytesWithoutName(t *testing.T) {
	fsys := faultfs.New()
	f := create(fsys, "f", "bytes")
	check(f.Sync())
	expect(t, fsys, tree, "", "f=bytes")
}

func TestSeedsLostAndKept(t *testing.T) {
	fsys := faultfs.New()
	create(fsys, "f", "bytes")
	if got := tree(fsys.Crash(faultfs.Lost)); got != "" {
		t.Errorf("Lost leaves %q", got)
	}
	if got := tree(fsys.Crash(faultfs.Kept)); got != "f=bytes" {
		t.Errorf("Kept leaves %q", got)
	}
}

func TestWritesAreTornAtSectors(t *testing.T) {
	fsys := faultfs.New()
	f := create(fsys, "f", strings.Repeat("a", 4*512))
	check(f.Sync())
	check(fsys.SyncDir("."))
	must(f.WriteAt(bytes.Repeat([]byte("b"), 4*512), 0))
	torn := map[string]bool{}
	for state, seed := range outcomes(fsys, tree) {
		text := strings.TrimPrefix(state, "f=")
		if len(text) != 4*512 {
			t.Fatalf("seed %d leaves %d bytes", seed, len(text))
		}
		var sectors string
		for s := range 4 {
			sector := text[s*512:][:512]
			if sector != strings.Repeat(sector[:1], 512) {
				t.Fatalf("seed %d tears sector %d", seed, s)
			}
			sectors += sector[:1]
		}
		torn[sectors] = true
	}
	if !torn["aaaa"] || !torn["bbbb"] || len(torn) < 10 {
		t.Errorf("seeds leave only %v", slices.Collect(maps.Keys(torn)))
	}
}

func TestLaterWritesMayComeFirst(t *testing.T) {
	fsys := faultfs.New()
	f := create(fsys, "f", strings.Repeat(".", 1024))
	check(f.Sync())
	check(fsys.SyncDir("."))
	must(f.WriteAt([]byte("1"), 0))
	must(f.WriteAt([]byte("2"), 512))
	show := func(c *faultfs.FS) string {
		b := contents(c, "f")
		return string(b[0]) + string(b[512])
	}
	expect(t, fsys, show, "..", "1.", ".2", "12")
}

func TestTruncateIsUncertainUntilSync(t *testing.T) {
	fsys := faultfs.New()
	f := create(fsys, "f", "abcdef")
	check(f.Sync())
	check(fsys.SyncDir("."))
	check(f.Truncate(2))
	expect(t, fsys, tree, "f=ab", "f=abcdef", "f=ab\x00\x00\x00\x00")
	check(f.Sync())
	expect(t, fsys, tree, "f=ab")
	check(f.Truncate(3))
	check(f.Sync())
	expect(t, fsys, tree, "f=ab\x00")
}

func TestRenameBeforeSyncDir(t *testing.T) {
	fsys := faultfs.New()
	check(create(fsys, "old", "bytes").Sync())
	check(fsys.SyncDir("."))
	check(fsys.Rename("old", "new"))
	expect(t, fsys, tree, "old=bytes", "new=bytes")
	check(fsys.SyncDir("."))
	expect(t, fsys, tree, "new=bytes")
}

func TestRenameOverAFile(t *testing.T) {
	fsys := faultfs.New()
	check(create(fsys, "f", "old").Sync())
	check(fsys.SyncDir("."))
	create(fsys, "tmp", "new") // not synced: the classic mistake
	check(fsys.Rename("tmp", "f"))
	check(fsys.SyncDir("."))
	expect(t, fsys, tree, "f=", "f=\x00\x00\x00", "f=new")
}

func TestRenameBetweenDirectories(t *testing.T) {
	setup := func() *faultfs.FS {
		fsys := faultfs.New()
		check(fsys.MkdirAll("a"))
		check(fsys.MkdirAll("b"))
		check(fsys.SyncDir("."))
		check(create(fsys, "a/f", "x").Sync())
		check(fsys.SyncDir("a"))
		check(fsys.Rename("a/f", "b/f"))
		return fsys
	}
	expect(t, setup(), tree, "a/ a/f=x b/", "a/ b/ b/f=x")
	onlyNew := setup()
	check(onlyNew.SyncDir("b"))
	expect(t, onlyNew, tree, "a/ a/f=x b/ b/f=x", "a/ b/ b/f=x")
	onlyOld := setup()
	check(onlyOld.SyncDir("a"))
	expect(t, onlyOld, tree, "a/ b/", "a/ b/ b/f=x")
	both := setup()
	check(both.SyncDir("a"))
	check(both.SyncDir("b"))
	expect(t, both, tree, "a/ b/ b/f=x")
}

func TestLinkAndRemoveAreTwoChanges(t *testing.T) {
	fsys := faultfs.New()
	check(create(fsys, "tmp", "x").Sync())
	check(fsys.SyncDir("."))
	check(fsys.Link("tmp", "f"))
	check(fsys.Remove("tmp"))
	expect(t, fsys, tree, "tmp=x", "f=x tmp=x", "f=x", "")
}

func TestNamesOfOneFileStayOneFile(t *testing.T) {
	fsys := faultfs.New()
	f := create(fsys, "a", "x")
	check(fsys.Link("a", "b"))
	check(f.Sync())
	check(fsys.SyncDir("."))
	must(f.WriteAt([]byte("y"), 0))
	expect(t, fsys, tree, "a=x b=x", "a=y b=y")
}

func TestRemovedMayComeBackUntilSyncDir(t *testing.T) {
	fsys := faultfs.New()
	check(create(fsys, "f", "x").Sync())
	check(fsys.SyncDir("."))
	check(fsys.Remove("f"))
	expect(t, fsys, tree, "f=x", "")
	check(fsys.SyncDir("."))
	expect(t, fsys, tree, "")
}

func TestDirectoryIsLostWithAllBelow(t *testing.T) {
	fsys := faultfs.New()
	check(fsys.MkdirAll("d"))
	check(create(fsys, "d/f", "x").Sync())
	check(fsys.SyncDir("d")) // and not "."
	expect(t, fsys, tree, "", "d/ d/f=x")
	check(fsys.SyncDir("."))
	expect(t, fsys, tree, "d/ d/f=x")
}

func TestChangesOfOneNameKeepTheirOrder(t *testing.T) {
	fsys := faultfs.New()
	check(create(fsys, "f", "1").Sync())
	check(fsys.Remove("f"))
	check(create(fsys, "f", "2").Sync())
	expect(t, fsys, tree, "", "f=1", "f=2")
	// A rename can't be kept when the making of the file was lost.
	check(fsys.Rename("f", "g"))
	expect(t, fsys, tree, "", "f=1", "f=2", "g=2")

	moved := faultfs.New()
	check(create(moved, "a", "x").Sync())
	check(moved.SyncDir("."))
	check(moved.Rename("a", "b"))
	check(moved.Rename("b", "c"))
	expect(t, moved, tree, "a=x", "b=x", "c=x")
}

func TestFailedSyncIsNeverMadeGood(t *testing.T) {
	fsys := faultfs.New()
	f := create(fsys, "f", "old")
	check(f.Sync())
	check(fsys.SyncDir("."))
	must(f.WriteAt([]byte("new"), 0))
	fsys.Fail(faultfs.Fault{Ops: faultfs.Sync})
	if err := f.Sync(); err == nil {
		t.Fatal("sync did not fail")
	}
	check(f.Sync())
	if got := string(contents(fsys, "f")); got != "new" {
		t.Errorf("programs see %q after a failed sync", got)
	}
	expect(t, fsys, tree, "f=old", "f=new")
	must(f.WriteAt([]byte("two"), 0))
	check(f.Sync())
	expect(t, fsys, tree, "f=two")

	// What was written later is there, and so the file is as long as that.
	must(f.WriteAt([]byte(" and more"), 3))
	fsys.Fail(faultfs.Fault{Ops: faultfs.Sync})
	if err := f.Sync(); err == nil {
		t.Fatal("sync did not fail")
	}
	must(f.WriteAt([]byte("one"), 0))
	check(f.Sync())
	expect(t, fsys, tree, "f=one", "f=one and more")
	must(f.WriteAt([]byte("e"), 11))
	check(f.Sync())
	expect(t, fsys, tree, "f=one and more")
}

func TestFailedSyncIsToldToAllThatHaveTheFile(t *testing.T) {
	fsys := faultfs.New()
	f := create(fsys, "f", "old")
	check(f.Sync())
	check(fsys.SyncDir("."))
	other := must(fsys.Modify("f"))
	must(other.WriteAt([]byte("new"), 0))
	fsys.Fail(faultfs.Fault{Ops: faultfs.Sync, Err: syscall.ENOSPC})
	if err := f.Sync(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("who syncs is told %v", err)
	}
	must(other.WriteAt([]byte("two"), 0))
	if err := other.Sync(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("who has the file open is told %v", err)
	}
	// It has made nothing certain, and left what was written since to the next one.
	expect(t, fsys, tree, "f=old", "f=new", "f=two")
	later := must(fsys.Modify("f"))
	for _, h := range []vfs.File{f, other, later} {
		check(h.Sync())
	}
	expect(t, fsys, tree, "f=two")
}

func TestFailedSyncDirIsNeverMadeGood(t *testing.T) {
	fsys := faultfs.New()
	check(create(fsys, "f", "x").Sync())
	fsys.Fail(faultfs.Fault{Ops: faultfs.SyncDir})
	if err := fsys.SyncDir("."); err == nil {
		t.Fatal("sync did not fail")
	}
	check(create(fsys, "g", "y").Sync())
	check(fsys.SyncDir("."))
	expect(t, fsys, tree, "g=y", "f=x g=y")
	check(fsys.Remove("f"))
	check(fsys.SyncDir("."))
	expect(t, fsys, tree, "g=y")
}

func TestCrashLeavesTheOriginalAlone(t *testing.T) {
	fsys := faultfs.New()
	f := create(fsys, "f", "old")
	check(f.Sync())
	check(fsys.SyncDir("."))
	left := fsys.Crash(7)
	must(f.WriteAt([]byte("new"), 0))
	must(create(left, "g", "g").Write([]byte("more")))
	if got := tree(fsys); got != "f=new" {
		t.Errorf("the original holds %q", got)
	}
	if got := tree(left); got != "f=old g=gmore" {
		t.Errorf("the copy holds %q", got)
	}
}

// TestAgainstSnapshots makes random changes and holds what programs see, and
// what a power cut leaves, against whole snapshots of the file.
func TestAgainstSnapshots(t *testing.T) {
	for seed := range uint64(16) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		fsys := faultfs.New()
		f := create(fsys, "f", "")
		check(fsys.SyncDir("."))
		now := []byte{}
		states := [][]byte{now} // since the last sync
		var doubtful [][]byte   // before a sync that failed
		for step := range 60 {
			switch n := rnd.IntN(30); {
			case n < 18:
				p := bytes.Repeat([]byte{byte(step + 1)}, 1+rnd.IntN(6000))
				at := rnd.IntN(12000)
				must(f.WriteAt(p, int64(at)))
				next := make([]byte, max(len(now), at+len(p)))
				copy(next, now)
				copy(next[at:], p)
				now = next
				states = append(states, now)
			case n < 24:
				size := rnd.IntN(15000)
				check(f.Truncate(int64(size)))
				next := make([]byte, size)
				copy(next, now)
				now = next
				states = append(states, now)
			case n < 29:
				check(f.Sync())
				states = append(slices.Clone(doubtful), now)
			default:
				fsys.Fail(faultfs.Fault{Ops: faultfs.Sync})
				if f.Sync() == nil {
					t.Fatal("sync did not fail")
				}
				doubtful = slices.Clone(states)
			}
			if got := contents(fsys, "f"); !bytes.Equal(got, now) {
				t.Fatalf("seed %d, step %d: programs see something else", seed, step)
			}
			for cut := range uint64(4) {
				left := contents(fsys.Crash(cut), "f")
				if err := plausible(left, states); err != nil {
					t.Fatalf("seed %d, step %d, cut %d: %v", seed, step, cut, err)
				}
			}
		}
	}
}

// plausible says whether the size and each sector of left are those of one of
// the states.
func plausible(left []byte, states [][]byte) error {
	if !slices.ContainsFunc(states, func(s []byte) bool { return len(s) == len(left) }) {
		return fmt.Errorf("size %d was never the file's", len(left))
	}
	for at := 0; at < len(left); at += 512 {
		sector := left[at:min(at+512, len(left))]
		if !slices.ContainsFunc(states, func(s []byte) bool {
			was := make([]byte, len(sector))
			copy(was, s[min(at, len(s)):])
			return bytes.Equal(sector, was)
		}) {
			return fmt.Errorf("sector at %d was never like this", at)
		}
	}
	return nil
}

func BenchmarkCrash(b *testing.B) {
	// A database of 1 MiB with a log of 100 pages under way beside 200 files.
	fsys := faultfs.New()
	check(fsys.MkdirAll("d"))
	check(fsys.SyncDir("."))
	for i := range 200 {
		check(create(fsys, fmt.Sprint("d/", i), strings.Repeat("x", 10_000)).Sync())
	}
	check(fsys.SyncDir("d"))
	check(create(fsys, "db", strings.Repeat("x", 1<<20)).Sync())
	wal := create(fsys, "wal", "")
	check(fsys.SyncDir("."))
	for i := range 100 {
		must(wal.WriteAt(make([]byte, 24), int64(i)*4120))
		must(wal.WriteAt(make([]byte, 4096), int64(i)*4120+24))
	}
	b.ReportAllocs()
	for seed := uint64(2); b.Loop(); seed++ {
		fsys.Crash(seed)
	}
}

func create(fsys *faultfs.FS, name, text string) vfs.File {
	f := must(fsys.Create(name))
	must(f.Write([]byte(text)))
	return f
}

func contents(fsys *faultfs.FS, name string) []byte {
	return must(fs.ReadFile(asFS{fsys}, name))
}

type asFS struct{ fsys *faultfs.FS }

func (a asFS) Open(name string) (fs.File, error) { return a.fsys.Open(name) }

func must[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
