package vfs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"boxcar/internal/vfs"
)

func TestFilesOpenedForReadingAreTheSystemsOwn(t *testing.T) {
	fsys := vfs.Dir(t.TempDir())
	write(t, fsys, "f", "bytes")
	f, err := fsys.Open("f")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, ok := f.(*os.File); !ok {
		t.Errorf("Open gives a %T, which the kernel can't send", f)
	}
}

func TestDirSyncsAndFlushes(t *testing.T) {
	root := t.TempDir()
	fsys := vfs.Dir(root)
	if err := fsys.MkdirAll("a/b"); err != nil {
		t.Fatal(err)
	}
	f, err := fsys.Create("a/b/f")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("bytes")); err != nil {
		t.Fatal(err)
	}
	if fl, ok := f.(vfs.Flusher); ok {
		fl.Flush(0, 5)
	} else if runtime.GOOS == "linux" {
		t.Errorf("a %T can't flush", f)
	}
	if err := f.Sync(); err != nil {
		t.Errorf("sync: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := f.Sync(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("sync of a closed file: %v", err)
	}
	for _, dir := range []string{".", "a", "a/b"} {
		if err := fsys.SyncDir(dir); err != nil {
			t.Errorf("sync of directory %q: %v", dir, err)
		}
	}
	if err := fsys.SyncDir("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("sync of a directory that is not there: %v", err)
	}
	got, err := os.ReadFile(filepath.Join(root, "a", "b", "f"))
	if string(got) != "bytes" || err != nil {
		t.Errorf("read back %q, %v", got, err)
	}
}

func TestNamesThatAreTakenStayAsTheyWere(t *testing.T) {
	fsys := vfs.Dir(t.TempDir())
	write(t, fsys, "old", "old")
	write(t, fsys, "new", "new")
	if _, err := fsys.Create("old"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("create over a file: %v, want fs.ErrExist", err)
	}
	if err := fsys.Link("new", "old"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("link over a file: %v, want fs.ErrExist", err)
	}
	if got := read(t, fsys, "old"); got != "old" {
		t.Errorf("the file that had the name is now %q", got)
	}
}

func TestErrorsCanBeToldApart(t *testing.T) {
	fsys := vfs.Dir(t.TempDir())
	_, open := fsys.Open("none")
	_, stat := fsys.Stat("none")
	_, list := fsys.ReadDir("none")
	_, create := fsys.Create("none/f")
	for name, err := range map[string]error{"open": open, "stat": stat, "readdir": list, "create": create,
		"remove": fsys.Remove("none"), "rename": fsys.Rename("none", "f"), "link": fsys.Link("none", "f")} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s of what is not there: %v, want fs.ErrNotExist", name, err)
		}
	}
	for _, name := range []string{"", "/etc", "../f", "a/../b", "a//b"} {
		if f, err := fsys.Open(name); !errors.Is(err, fs.ErrInvalid) || f != nil {
			t.Errorf("open of %q: %v, %v, want fs.ErrInvalid", name, f, err)
		}
		if err := fsys.Rename("a", name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("rename to %q: %v, want fs.ErrInvalid", name, err)
		}
		if err := fsys.MkdirAll(name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("mkdir of %q: %v, want fs.ErrInvalid", name, err)
		}
	}
}

func TestFullDisksAreKnown(t *testing.T) {
	full := &fs.PathError{Op: "write", Path: "f", Err: syscall.ENOSPC}
	if !vfs.IsFull(fmt.Errorf("put: %w", full)) || !vfs.IsFull(syscall.EDQUOT) {
		t.Error("a full disk is not known as one")
	}
	if vfs.IsFull(syscall.EIO) || vfs.IsFull(nil) {
		t.Error("what is no full disk is taken for one")
	}
}

func write(t *testing.T, fsys vfs.FS, name, text string) {
	t.Helper()
	f, err := fsys.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, fsys vfs.FS, name string) string {
	t.Helper()
	f, err := fsys.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 100)
	n, _ := f.ReadAt(b, 0)
	return string(b[:n])
}

// What bypasses the page cache is all there, with an end of any length.
func TestDirectFilesHoldWhatWasWritten(t *testing.T) {
	root := t.TempDir()
	fsys, ok := vfs.Dir(root).(vfs.Director)
	if !ok {
		t.Skipf("DIRECT WRITES ARE NOT CHECKED: %s has no files that bypass the page cache", runtime.GOOS)
	}
	const block = 64 << 10
	room := make([]byte, block+4096)
	at := -uintptr(unsafe.Pointer(&room[0])) % 4096
	aligned := room[at:][:block]
	for i := range aligned {
		aligned[i] = byte(i * 7)
	}
	for _, end := range []int{0, 1, 511, 4095, 4096, 4097, block - 1} {
		name := fmt.Sprint("f", end)
		f, err := fsys.CreateDirect(name)
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip("DIRECT WRITES ARE NOT CHECKED: the file system of the temporary directory has no O_DIRECT")
		}
		if err != nil {
			t.Fatal(err)
		}
		if a, ok := f.(vfs.Allocator); ok {
			if err := a.Allocate(int64(2*block + end)); err != nil {
				t.Errorf("allocate: %v", err)
			}
		}
		for _, n := range []int{block, block, end} {
			if m, err := f.Write(aligned[:n]); m != n || err != nil {
				t.Errorf("write of %d: %d, %v", n, m, err)
			}
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			t.Errorf("sync and close: %v", err)
		}
		got, err := os.ReadFile(filepath.Join(root, name))
		if want := bytes.Join([][]byte{aligned, aligned, aligned[:end]}, nil); err != nil || !bytes.Equal(got, want) {
			t.Errorf("with an end of %d, %d bytes are there, and not the %d written: %v", end, len(got), len(want), err)
		}
		if _, err := fsys.CreateDirect(name); !errors.Is(err, fs.ErrExist) {
			t.Errorf("created a second time: %v", err)
		}
	}
}

// A disk may want more of an address than others do: what it refuses to take
// from there goes through the page cache.
func TestADirectWriteThatIsRefusedGoesThroughTheCache(t *testing.T) {
	root := t.TempDir()
	fsys, ok := vfs.Dir(root).(vfs.Director)
	if !ok {
		t.Skipf("DIRECT WRITES ARE NOT CHECKED: %s has no files that bypass the page cache", runtime.GOOS)
	}
	f, err := fsys.CreateDirect("f")
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("DIRECT WRITES ARE NOT CHECKED: the file system of the temporary directory has no O_DIRECT")
	}
	if err != nil {
		t.Fatal(err)
	}
	room := make([]byte, 3*4096)
	at := -uintptr(unsafe.Pointer(&room[0]))%4096 + 1 // no disk takes that
	data := room[at:][:2*4096-1]
	for i := range data {
		data[i] = byte(i * 5)
	}
	for _, part := range [][]byte{data[:4096], data[4096:]} {
		if n, err := f.Write(part); n != len(part) || err != nil {
			t.Errorf("write: %d, %v", n, err)
		}
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(filepath.Join(root, "f")); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes are there, and not the %d written: %v", len(got), len(data), err)
	}
}
