package daemon

import (
	"errors"
	"io/fs"
	"testing"

	"boxcar/internal/vfs"
	"boxcar/internal/vfs/faultfs"
)

// Wherever the power is cut, a small file is there whole, or as it was before;
// and once replace has returned, it is the new one.
func TestReplaceAndThePower(t *testing.T) {
	if broken := cutReplace(t, nil); broken > 0 {
		t.Errorf("%d power cuts leave something else", broken)
	}
	// Neither sync is there for nothing.
	for _, op := range []faultfs.Op{faultfs.Sync, faultfs.SyncDir} {
		if broken := cutReplace(t, func(fsys vfs.FS) vfs.FS { return idle{fsys, op} }); broken == 0 {
			t.Errorf("no power cut shows that %s is missing", op)
		}
	}
}

// cutReplace counts the power cuts that leave what they should not.
func cutReplace(t *testing.T, spoil func(vfs.FS) vfs.FS) (broken int) {
	for _, before := range []string{"", "old and longer"} {
		disk := faultfs.New()
		if before != "" {
			if err := replace(disk, "f", []byte(before)); err != nil {
				t.Fatal(err)
			}
		}
		var fsys vfs.FS = disk
		if spoil != nil {
			fsys = spoil(disk)
		}
		done := false
		cut := func(faultfs.Op, string) {
			for seed := range uint64(40) {
				got := held(t, disk.Crash(seed), "f")
				if got != "new" && (done || got != before) {
					broken++
				}
			}
		}
		disk.Watch(cut)
		if err := replace(fsys, "f", []byte("new")); err != nil {
			t.Fatal(err)
		}
		done = true
		cut(0, "")
		disk.Watch(nil)
		if err := replace(disk.Crash(faultfs.Lost), "f", []byte("again")); err != nil {
			t.Errorf("after a power cut: %v", err)
		}
	}
	return broken
}

// held is what a file holds; nothing if it is not there.
func held(t *testing.T, fsys vfs.FS, name string) string {
	t.Helper()
	f, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	n, _ := f.ReadAt(b, 0)
	if n == 0 {
		return "an empty file"
	}
	return string(b[:n])
}

// idle is a file system where one kind of sync does nothing.
type idle struct {
	vfs.FS
	op faultfs.Op
}

func (i idle) SyncDir(name string) error {
	if i.op == faultfs.SyncDir {
		return nil
	}
	return i.FS.SyncDir(name)
}

func (i idle) Create(name string) (vfs.File, error) {
	f, err := i.FS.Create(name)
	return idleFile{f, i.op}, err
}

type idleFile struct {
	vfs.File
	op faultfs.Op
}

func (f idleFile) Sync() error {
	if f.op == faultfs.Sync {
		return nil
	}
	return f.File.Sync()
}
