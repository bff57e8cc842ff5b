package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"boxcar/internal/meta"
	"boxcar/internal/vfs/faultfs"
	"boxcar/internal/vfs/sqlitefs"
)

// doubtful is a database of which pages were copied from the log, and the sync for
// them has failed. Nobody but the test copies any more.
type doubtful struct {
	*Store
	t    *testing.T
	disk *faultfs.FS
}

// alone ends the goroutine that copies.
func alone(s *Store) {
	close(s.stop)
	<-s.checkpointer.gone
	s.stop = make(chan struct{})
}

func right(v *sqlitefs.VFS) io.WriterAt { return v.Index("meta.db") }

func doubt(t *testing.T, index func(*sqlitefs.VFS) io.WriterAt) *doubtful {
	t.Helper()
	disk := faultfs.New()
	v := sqlitefs.Register(disk)
	s, err := Open("meta.db", Options{VFS: v.Name, FS: disk, Index: index(v)})
	if err != nil {
		t.Fatal(err)
	}
	alone(s)
	d := &doubtful{s, t, disk}
	d.put("early")
	err = d.View(t.Context(), func(tx meta.Tx) error {
		if _, err := tx.Setting("early"); err != nil {
			return err
		}
		d.put("late") // which the View must not see: it can't be copied yet
		l, err := d.checkpointer.run("PASSIVE")
		if err == nil && (l.copied == 0 || l.left() == 0) {
			t.Errorf("%d of %d pages were copied", l.copied, l.pages)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	disk.Fail(faultfs.Fault{Ops: faultfs.Sync, Path: "meta.db"})
	if _, err := d.checkpointer.run("PASSIVE"); err == nil {
		t.Fatal("the sync has not failed")
	}
	return d
}

func value(name string) []byte { return bytes.Repeat([]byte(name), 20_000) }

func (d *doubtful) put(name string) {
	d.t.Helper()
	if err := d.Update(d.t.Context(), func(tx meta.Tx) error { return tx.PutSetting(name, value(name)) }); err != nil {
		d.t.Fatal(err)
	}
}

// survives cuts the power, in several ways, and looks for all that was written.
func (d *doubtful) survives(names ...string) {
	d.t.Helper()
	for seed := range uint64(40) {
		if err := d.survive(seed, names); err != nil {
			d.t.Fatalf("what is left by %d: %v", seed, err)
		}
	}
}

func (d *doubtful) survive(seed uint64, names []string) error {
	disk := d.disk.Crash(seed)
	v := sqlitefs.Register(disk)
	defer v.Forget()
	s, err := Open("meta.db", Options{VFS: v.Name, FS: disk, Index: right(v), Readers: 1})
	if err != nil {
		return err
	}
	for _, name := range names {
		err = errors.Join(err, s.View(d.t.Context(), func(tx meta.Tx) error {
			got, err := tx.Setting(name)
			if err == nil && !bytes.Equal(got, value(name)) {
				err = fmt.Errorf("%s is not what was written", name)
			}
			return err
		}))
	}
	return errors.Join(err, s.Close())
}

// A sync that fails is final for all that was written before it, and a copy before it that
// did not reach the end of the log had none of its own.
func TestWhatAFailedSyncWasForIsCopiedAgain(t *testing.T) {
	d := doubt(t, right)
	defer d.Close()
	if err := d.checkpoint(); err != nil {
		t.Fatal(err)
	}
	if err := d.restartLog(); err != nil {
		t.Fatal(err)
	}
	d.put("over") // the log
	d.put("over it all")
	d.survives("early", "late", "over", "over it all")
}

// As long as it can't be copied again, nothing is copied, and the log stays.
func TestTheLogStaysInDoubt(t *testing.T) {
	d := doubt(t, func(*sqlitefs.VFS) io.WriterAt { return noIndex{} })
	for range 2 {
		if err := d.checkpoint(); !errors.Is(err, errNoIndex) {
			t.Errorf("it is copied: %v", err)
		}
	}
	d.put("more")
	d.survives("early", "late", "more")
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	d.survives("early", "late", "more")
}

var errNoIndex = errors.New("no index")

type noIndex struct{}

func (noIndex) WriteAt([]byte, int64) (int, error) { return 0, errNoIndex }

// In real files the index is what it is taken for, and what the database has lost
// comes back.
func TestRealPagesAreCopiedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	alone(s)
	defer s.Close()
	(&doubtful{Store: s, t: t}).put("early")
	if l, err := s.checkpointer.run("PASSIVE"); err != nil || l.copied == 0 || l.left() > 0 {
		t.Fatalf("%+v, %v", l, err)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, make([]byte, len(want)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.checkpointer.doubt = true
	if err := s.checkpoint(); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the database is not as it was: %v", err)
	}
	if l, err := s.checkpointer.run("NOOP"); err != nil || l.copied == 0 || s.checkpointer.doubt {
		t.Errorf("%+v, %v, doubt %v", l, err, s.checkpointer.doubt)
	}
}
