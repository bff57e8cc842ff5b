package sqlite_test

import (
	"bufio"
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/meta/metatest"
	"boxcar/internal/meta/sqlite"
)

func open(t *testing.T, path string, o sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func TestPromises(t *testing.T) {
	metatest.Run(t, func(t *testing.T) meta.Store {
		return open(t, filepath.Join(t.TempDir(), "meta.db"), sqlite.Options{})
	})
}

// Whatever passes everything on must keep every promise too.
func TestFaultyKeepsThePromisesUntilItFails(t *testing.T) {
	if raced {
		t.Skip("NOT TRIED with the race detector, which TestPromises has on the same calls; make unit tries it without")
	}
	metatest.Run(t, func(t *testing.T) meta.Store {
		return &metatest.Faulty{Store: open(t, filepath.Join(t.TempDir(), "meta.db"), sqlite.Options{})}
	})
}

func TestAFaultThatIsIgnoredStillFailsItsTransaction(t *testing.T) {
	f := &metatest.Faulty{Store: open(t, filepath.Join(t.TempDir(), "meta.db"), sqlite.Options{}), FailCall: 2}
	run := func(tx meta.Tx) error {
		tx.PutSetting("a", nil)
		tx.PutSetting("b", nil)
		tx.PutSetting("c", nil)
		return nil
	}
	if err := f.Update(t.Context(), run); !errors.Is(err, metatest.ErrInjected) {
		t.Errorf("update gave %v", err)
	}
	if f.Calls() != 2 || f.Updates() != 1 {
		t.Errorf("%d calls and %d updates were counted, want 2 and 1: after a fault, no call is made", f.Calls(), f.Updates())
	}
	for _, name := range []string{"a", "c"} {
		err := f.View(t.Context(), func(tx meta.Tx) error { _, err := tx.Setting(name); return err })
		if !content.Is(err, content.NotFound) {
			t.Errorf("setting %s of a failed transaction: %v", name, err)
		}
	}
	if err := f.Update(t.Context(), run); err != nil {
		t.Errorf("the next update gave %v", err)
	}
}

// upload is some transactions that each have to happen once, tried again when
// they fail: what a service does with a lost answer is up to it, so each looks
// first.
var upload = []func(tx meta.Tx) error{
	func(tx meta.Tx) error {
		if _, err := tx.User(1); err == nil {
			return nil
		}
		u := content.User{Person: content.Person{ID: 1, Login: "a"}, Enterprise: content.Enterprise{ID: 1}, Root: 2}
		return errors.Join(tx.InsertEnterprise(u.Enterprise), tx.InsertUser(u),
			tx.InsertItem(meta.Item{ID: 2, Key: "root", Owner: 1}))
	},
	func(tx meta.Tx) error {
		if _, err := tx.Session(id); err == nil {
			return nil
		}
		ses := meta.Session{Session: content.Session{ID: id, Owner: 1, State: content.Open}, Manifest: 9, Reserved: 5}
		return errors.Join(tx.AddUsage(1, 0, 5), tx.InsertSession(ses), tx.AppendLog(id, content.LogEvent{Event: "created"}))
	},
	func(tx meta.Tx) error {
		if _, err := tx.Part(9, 0); err == nil {
			return nil
		}
		p := meta.Part{Part: content.Part{ID: "00000001", Span: content.Span{End: 5}}, Blob: "00000000000000000000000000000001"}
		return errors.Join(tx.InsertPart(9, p), tx.SetFront(id, content.Front{N: 5}), tx.AppendLog(id, content.LogEvent{Event: "part"}))
	},
	func(tx meta.Tx) error {
		ses, err := tx.Session(id)
		if err != nil || ses.State == content.Committed {
			return err
		}
		v := meta.Version{ID: 4, File: 3, Number: 1, Size: 5, Manifest: 9}
		ses.State, ses.Reserved, ses.Version, ses.Committed = content.Committed, 0, 4, 3
		return errors.Join(tx.InsertVersion(v), tx.InsertItem(meta.Item{ID: 3, Kind: meta.File, Parent: 2, Key: "f", Owner: 1, Current: v}),
			tx.AddUsage(1, 5, -5), tx.UpdateSession(ses), tx.AppendLog(id, content.LogEvent{Event: "commit"}))
	},
}

const id content.SessionID = "000000000000000000000000000000AA"

// state is what matters of all that upload leaves, in one line.
func state(t *testing.T, s meta.Store) (line string) {
	t.Helper()
	err := s.View(t.Context(), func(tx meta.Tx) error {
		u, _ := tx.User(1)
		ses, _ := tx.Session(id)
		parts, _ := tx.CountParts(9)
		log, _ := tx.CountLog(id)
		item, _ := tx.Item(3)
		in, _ := tx.Item(2)
		line = fmt.Sprintf("used %d reserved %d, session %s at %d, %d parts, log %d, item %d of %d, version of %d bytes",
			u.Used, u.Reserved, ses.State, ses.Front.N, parts, log, item.ID, in.Holds(), item.Current.Size)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func TestEveryTransactionFailsOnce(t *testing.T) {
	// What stands after each of the transactions, when nothing fails.
	var states []string
	clean := open(t, filepath.Join(t.TempDir(), "meta.db"), sqlite.Options{})
	states = append(states, state(t, clean))
	for _, fn := range upload {
		if err := clean.Update(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
		states = append(states, state(t, clean))
	}

	fail := map[string]func(f *metatest.Faulty, n int){
		"before": func(f *metatest.Faulty, n int) { f.FailBefore = n },
		"after":  func(f *metatest.Faulty, n int) { f.FailAfter = n },
		"call":   func(f *metatest.Faulty, n int) { f.FailCall = n },
	}
	for name, set := range fail {
		for n := 1; ; n++ {
			path := filepath.Join(t.TempDir(), "meta.db")
			s := open(t, path, sqlite.Options{})
			f := &metatest.Faulty{Store: s}
			set(f, n)
			failed := 0
			for i, fn := range upload {
				err := f.Update(t.Context(), fn)
				want := states[i+1]
				if err != nil {
					failed++
					if !errors.Is(err, metatest.ErrInjected) {
						t.Fatalf("%s %d: %v", name, n, err)
					}
					if name != "after" {
						want = states[i]
					}
				}
				if got := state(t, s); got != want {
					t.Errorf("%s %d: after transaction %d (%v):\n%s, want\n%s", name, n, i, err, got, want)
				}
				if err != nil {
					if err := f.Update(t.Context(), fn); err != nil {
						t.Fatalf("%s %d: again: %v", name, n, err)
					}
				}
			}
			// What is there now is there after a restart.
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if got, want := state(t, open(t, path, sqlite.Options{})), states[len(upload)]; got != want {
				t.Errorf("%s %d: in the end\n%s, want\n%s", name, n, got, want)
			}
			if failed > 1 {
				t.Errorf("%s %d: %d transactions failed, want one", name, n, failed)
			}
			if failed == 0 { // nothing left to fail
				if n < len(upload)+1 {
					t.Errorf("%s: only %d faults were felt", name, n-1)
				}
				break
			}
		}
	}
}

func TestTwoHandlesOnOneDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	a, b := open(t, path, sqlite.Options{}), open(t, path, sqlite.Options{Beside: true})
	if err := a.Update(t.Context(), upload[0]); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, s := range []*sqlite.Store{a, b} {
		for range 4 {
			wg.Go(func() {
				for range 10 {
					if err := s.Update(t.Context(), func(tx meta.Tx) error { return tx.AddUsage(1, 1, 0) }); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	for _, s := range []*sqlite.Store{a, b} {
		if got := state(t, s); !strings.HasPrefix(got, "used 80 ") {
			t.Errorf("after 80 updates: %s", got)
		}
	}
}

func TestWaitingForAnotherProcessEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	a := open(t, path, sqlite.Options{})
	b := open(t, path, sqlite.Options{Beside: true, BusyWait: 20 * time.Millisecond})
	err := a.Update(t.Context(), func(meta.Tx) error {
		if err := b.Ping(t.Context()); !content.Is(err, content.Unavailable) {
			t.Errorf("ping while another is writing gave %v, want Unavailable", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Ping(t.Context()); err != nil {
		t.Errorf("ping afterwards: %v", err)
	}
}

func TestReadOnlyBesideARunningServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c%20#d.db") // no name is special
	if _, err := sqlite.Open(path, sqlite.Options{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a database, open gave %v", err)
	}
	server := open(t, path, sqlite.Options{})
	doctor := open(t, path, sqlite.Options{ReadOnly: true})
	for i, fn := range upload {
		if err := server.Update(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
		if got, want := state(t, doctor), state(t, server); got != want {
			t.Errorf("after transaction %d the reader sees\n%s, want\n%s", i, got, want)
		}
	}
	if err := doctor.Update(t.Context(), upload[0]); err == nil {
		t.Error("a reader could write")
	}
	server.Close()
	if got := state(t, doctor); !strings.HasPrefix(got, "used 5 ") { // the reader outlives it
		t.Errorf("without the server: %s", got)
	}
}

func TestTheFileIsForItsOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "meta.db"), sqlite.Options{})
	if err := s.Update(t.Context(), upload[0]); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
			t.Errorf("%s has mode %v (%v), want 0600", f.Name(), info.Mode(), err)
		}
	}
	if len(files) < 2 {
		t.Errorf("only %d files: no log", len(files))
	}
}

func TestADatabaseOfAnotherVersionIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	s := open(t, path, sqlite.Options{})
	s.Close()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`INSERT INTO schema_version (version_id, is_applied) VALUES (99999, 1)`); err != nil {
		t.Fatal(err)
	}
	for _, o := range []sqlite.Options{{}, {Beside: true}, {ReadOnly: true}} {
		if _, err := sqlite.Open(path, o); err == nil || !strings.Contains(err.Error(), "newer boxcar") {
			t.Errorf("%+v: a later version gave %v", o, err)
		}
	}

	empty := filepath.Join(t.TempDir(), "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, o := range []sqlite.Options{{Beside: true}, {ReadOnly: true}} {
		if _, err := sqlite.Open(empty, o); err == nil || !strings.Contains(err.Error(), "start the server") {
			t.Errorf("%+v: a database without tables gave %v", o, err)
		}
	}
	open(t, empty, sqlite.Options{})

	other := filepath.Join(t.TempDir(), "other.db")
	if err := os.WriteFile(other, bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(other, sqlite.Options{}); err == nil {
		t.Error("opened what is no database")
	}
}

func TestWhatAKilledProcessCommittedIsThere(t *testing.T) {
	if path := os.Getenv("BOXCAR_TEST_DATABASE"); path != "" {
		s, err := sqlite.Open(path, sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, fn := range upload {
			if err := s.Update(t.Context(), fn); err != nil {
				t.Fatal(err)
			}
			fmt.Println("done", i)
		}
		s.Update(t.Context(), func(tx meta.Tx) error {
			tx.AddUsage(1, 1000, 1000)
			fmt.Println("open")
			time.Sleep(time.Hour)
			return nil
		})
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "meta.db")
	cmd := exec.Command(exe, "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "BOXCAR_TEST_DATABASE="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "open"; {
	}
	doctor := open(t, path, sqlite.Options{ReadOnly: true}) // another process, in the middle of an Update
	before := state(t, doctor)
	cmd.Process.Kill()
	cmd.Wait()
	for name, got := range map[string]string{"beside": before, "afterwards": state(t, open(t, path, sqlite.Options{}))} {
		if !strings.HasPrefix(got, "used 5 reserved 0, session committed at 5, 1 parts, log 3, item 3 of 1") {
			t.Errorf("%s: %s", name, got)
		}
	}
}
