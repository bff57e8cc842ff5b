package faultfs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"boxcar/internal/vfs/faultfs"
)

func TestEveryCallCanFail(t *testing.T) {
	calls := []struct {
		name string
		call func(*faultfs.FS) error
	}{
		{"open", func(f *faultfs.FS) error { _, err := f.Open("f"); return err }},
		{"create", func(f *faultfs.FS) error { _, err := f.Create("g"); return err }},
		{"link", func(f *faultfs.FS) error { return f.Link("f", "g") }},
		{"rename", func(f *faultfs.FS) error { return f.Rename("f", "g") }},
		{"remove", func(f *faultfs.FS) error { return f.Remove("f") }},
		{"mkdir", func(f *faultfs.FS) error { return f.MkdirAll("d/e") }},
		{"readdir", func(f *faultfs.FS) error { _, err := f.ReadDir("."); return err }},
		{"stat", func(f *faultfs.FS) error { _, err := f.Stat("f"); return err }},
		{"syncdir", func(f *faultfs.FS) error { return f.SyncDir(".") }},
	}
	for _, c := range calls {
		fsys := faultfs.New()
		create(fsys, "f", "x")
		before := fsys.Calls()
		fired := fsys.FailAt(1, syscall.ENOSPC)
		err := c.call(fsys)
		var pe *fs.PathError
		if !errors.Is(err, syscall.ENOSPC) || !errors.As(err, &pe) || pe.Op != c.name {
			t.Errorf("%s: %v", c.name, err)
		}
		if !fired() || fsys.Calls() != before+1 {
			t.Errorf("%s: fired %v, %d calls", c.name, fired(), fsys.Calls()-before)
		}
		if got := tree(fsys); got != "f=x" {
			t.Errorf("%s failed and left %q", c.name, got)
		}
		if err := c.call(fsys); err != nil {
			t.Errorf("%s fails twice: %v", c.name, err)
		}
	}
}

func TestEveryCallOfAFileCanFail(t *testing.T) {
	fsys := faultfs.New()
	f := create(fsys, "f", "x")
	for name, call := range map[string]func() error{
		"read":     func() error { _, err := f.ReadAt(make([]byte, 1), 0); return err },
		"write":    func() error { _, err := f.Write([]byte("y")); return err },
		"seek":     func() error { _, err := f.Seek(0, io.SeekEnd); return err },
		"stat":     func() error { _, err := f.Stat(); return err },
		"truncate": func() error { return f.Truncate(0) },
		"sync":     f.Sync,
	} {
		fsys.FailAt(1, syscall.EIO)
		if err := call(); !errors.Is(err, syscall.EIO) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := tree(fsys); got != "f=x" {
		t.Errorf("calls failed and left %q", got)
	}
	fsys.FailAt(1, syscall.EIO)
	if err := f.Close(); !errors.Is(err, syscall.EIO) {
		t.Errorf("close: %v", err)
	}
	if _, err := f.Write([]byte("y")); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("write after a failed close: %v", err)
	}
}

func TestFaultsAreChosenByCallNameAndCount(t *testing.T) {
	fsys := faultfs.New()
	check(fsys.MkdirAll("d"))
	fsys.Fail(faultfs.Fault{Ops: faultfs.Write | faultfs.Sync, Path: "d/*", Skip: 1, Times: 2, Err: syscall.ENOSPC})
	other, f := create(fsys, "f", ""), create(fsys, "d/f", "") // the empty write is the one skipped
	must(other.Write([]byte("x")))
	check(other.Sync())
	if _, err := f.Write([]byte("x")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("second call: %v", err)
	}
	if err := f.Sync(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("third call: %v", err)
	}
	must(f.Write([]byte("x")))

	fired := fsys.Fail(faultfs.Fault{Ops: faultfs.Changes, Times: faultfs.Always})
	must(fsys.Stat("f"))
	if fired() {
		t.Error("a read fired a fault of changes")
	}
	for range 3 {
		if err := fsys.Remove("f"); !errors.Is(err, syscall.EIO) {
			t.Errorf("remove: %v", err)
		}
	}
	fsys.Heal()
	check(fsys.Remove("f"))
}

func TestShortWrite(t *testing.T) {
	fsys := faultfs.New()
	f := create(fsys, "f", "")
	fsys.Fail(faultfs.Fault{Ops: faultfs.Write, Short: 2, Err: syscall.ENOSPC})
	n, err := f.Write([]byte("abcd"))
	if n != 2 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("short write: %d, %v", n, err)
	}
	must(f.Write([]byte("cd")))
	if got := tree(fsys); got != "f=abcd" {
		t.Errorf("file holds %q", got)
	}
}

func TestCrashAtEveryCall(t *testing.T) {
	fsys := faultfs.New()
	var states []string
	var ops faultfs.Op
	fsys.Watch(func(op faultfs.Op, name string) {
		ops |= op
		states = append(states, tree(fsys.Crash(faultfs.Lost)))
	})
	check(create(fsys, "f", "x").Sync())
	check(fsys.SyncDir("."))
	check(fsys.Remove("f"))
	fsys.Watch(nil)
	if len(states) != 5 || states[3] != "" || states[4] != "f=x" {
		t.Errorf("states before each call: %q", states)
	}
	if want := faultfs.Create | faultfs.Write | faultfs.Syncs | faultfs.Remove; ops != want {
		t.Errorf("saw %v, want %v", ops, want)
	}
}

func TestErrorsAreThoseOfASystem(t *testing.T) {
	fsys := faultfs.New()
	check(fsys.MkdirAll("d/e"))
	f := create(fsys, "f", "abc")
	create(fsys, "g", "")
	_, open := fsys.Open("none")
	_, deep := fsys.Open("none/x")
	_, taken := fsys.Create("f")
	_, up := fsys.Open("../f")
	_, under := fsys.Create("f/x")
	reader := must(fsys.Open("f"))
	_, readonly := reader.Write([]byte("x"))
	for _, c := range []struct {
		what      string
		got, want error
	}{
		{"open none", open, fs.ErrNotExist},
		{"open below none", deep, fs.ErrNotExist},
		{"create over a file", taken, fs.ErrExist},
		{"link over a file", fsys.Link("g", "f"), fs.ErrExist},
		{"remove a full directory", fsys.Remove("d"), syscall.ENOTEMPTY},
		{"remove none", fsys.Remove("none"), fs.ErrNotExist},
		{"open above the root", up, fs.ErrInvalid},
		{"create below a file", under, syscall.ENOTDIR},
		{"mkdir over a file", fsys.MkdirAll("f"), syscall.ENOTDIR},
		{"write to a reader", readonly, syscall.EBADF},
		{"sync a file as a directory", fsys.SyncDir("f"), syscall.ENOTDIR},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
	// Readers compare io.EOF itself.
	if n, err := f.ReadAt(make([]byte, 4), 1); n != 2 || err != io.EOF {
		t.Errorf("read over the end: %d, %v", n, err)
	}
	must(f.Seek(-1, io.SeekEnd))
	b := make([]byte, 4)
	if n, err := f.Read(b); n != 1 || b[0] != 'c' || err != nil {
		t.Errorf("read of the last byte: %q, %v", b[:n], err)
	}
	if n, err := f.Read(b); n != 0 || err != io.EOF {
		t.Errorf("read at the end: %d, %v", n, err)
	}
	check(fsys.Remove("f"))
	if n, err := reader.ReadAt(b[:3], 0); n != 3 || string(b[:3]) != "abc" || err != nil {
		t.Errorf("an open file that was removed: %q, %v", b[:n], err)
	}
}

func TestConcurrentUse(t *testing.T) {
	fsys := faultfs.New()
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			name := string(rune('a' + g))
			f := create(fsys, name, "")
			for i := range 100 {
				must(f.WriteAt([]byte(name), int64(i*100)))
				check(f.Sync())
				check(fsys.SyncDir("."))
				left := fsys.Crash(uint64(i))
				if got := contents(left, name); len(got) != i*100+1 {
					t.Errorf("%s: %d bytes left of %d", name, len(got), i*100+1)
				}
				must(must(left.Create("new")).WriteAt([]byte("x"), 0))
			}
		})
	}
	wg.Wait()
}

func TestModifyOpensWhatIsThereForWriting(t *testing.T) {
	fsys := faultfs.New()
	if _, err := fsys.Modify("f"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	check(create(fsys, "f", "old").Close())
	check(fsys.MkdirAll("d"))
	if _, err := fsys.Modify("d"); !errors.Is(err, syscall.EISDIR) {
		t.Errorf("a directory: %v", err)
	}
	f := must(fsys.Modify("f"))
	must(f.WriteAt([]byte("N"), 0))
	if got := string(contents(fsys, "f")); got != "Nld" {
		t.Errorf("it holds %q", got)
	}
}

// All that is there is seen, and seeing it is no call.
func TestVisit(t *testing.T) {
	fsys := faultfs.New()
	check(fsys.MkdirAll("d/e"))
	create(fsys, "d/f", strings.Repeat("x", 5000))
	create(fsys, "empty", "")
	check(create(fsys, "hole", "").Truncate(4097))
	calls := fsys.Calls()
	var got []string
	fsys.Visit(func(name string, offset int64, page []byte) {
		if page == nil {
			got = append(got, name+"/")
			return
		}
		got = append(got, fmt.Sprintf("%s %d:%d:%d", name, offset, len(page), bytes.Count(page, []byte("x"))))
	})
	want := []string{"d/", "d/e/", "d/f 0:4096:4096", "d/f 4096:904:904", "empty 0:0:0", "hole 0:4096:0", "hole 4096:1:0"}
	if !slices.Equal(got, want) {
		t.Errorf("seen are %q, want %q", got, want)
	}
	if fsys.Calls() != calls {
		t.Error("looking counts as a call")
	}
}
