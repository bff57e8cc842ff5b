package sqlite_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"boxcar/internal/meta"
	"boxcar/internal/meta/sqlite"
)

// put writes n MiB, one in an Update.
func put(t *testing.T, s *sqlite.Store, n int) (value []byte) {
	t.Helper()
	value = make([]byte, 1<<20)
	for i := range n {
		rand.Read(value) // SQLite leaves out pages that stay the same
		err := s.Update(t.Context(), func(tx meta.Tx) error { return tx.PutSetting(fmt.Sprint(i%8), value) })
		if err != nil {
			t.Fatal(err)
		}
	}
	return value
}

func logSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// The log may not grow with what is written, though there is never a moment without a
// View, nor one without an Update.
func TestTheLogStaysShort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	s := open(t, path, sqlite.Options{LogSize: 8 << 20})
	put(t, s, 8)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	views, peak := 0, int64(0)
	for i := range 3 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					if i == 0 {
						views = n
					}
					return
				default:
				}
				if i == 0 {
					peak = max(peak, logSize(t, path)>>20)
				}
				err := s.View(t.Context(), func(tx meta.Tx) error {
					_, err := tx.Setting("0")
					time.Sleep(time.Duration(3+i) * time.Millisecond)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	const written = 96
	put(t, s, written)
	close(stop)
	wg.Wait()
	if views < 10 {
		t.Errorf("only %d views were at work", views)
	}
	t.Logf("the log had up to %d MiB", peak)
	if peak > written/2 {
		t.Errorf("the log had up to %d MiB while %d were written", peak, written)
	}
}

// A View that goes on holds the log, which has all that it must not see. Nobody else waits
// for it, and when it is over, the log is cut back.
func TestTheLogOfALongViewIsCutBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	const limit = 8 // MiB
	s := open(t, path, sqlite.Options{LogSize: limit << 20})
	before := put(t, s, 1)
	const written = 50
	var last []byte
	err := s.View(t.Context(), func(tx meta.Tx) error {
		if _, err := tx.Setting("0"); err != nil {
			return err
		}
		last = put(t, s, written)
		if got := logSize(t, path) >> 20; got < written {
			t.Errorf("the log has %d MiB under a view, and %d were written", got, written)
		}
		got, err := tx.Setting("0")
		if !bytes.Equal(got, before) {
			t.Error("the view sees what came later")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for n := 0; logSize(t, path)>>20 > 2*limit; n++ {
		if time.Now().After(deadline) {
			t.Fatalf("the log has %d MiB still", logSize(t, path)>>20)
		}
		time.Sleep(20 * time.Millisecond)
		if err := s.Update(t.Context(), func(tx meta.Tx) error { return tx.PutSetting("a", fmt.Append(nil, n)) }); err != nil {
			t.Fatal(err)
		}
	}
	err = s.View(t.Context(), func(tx meta.Tx) error {
		got, err := tx.Setting(fmt.Sprint((written - 1) % 8))
		if !bytes.Equal(got, last) {
			t.Error("what was written last is not there")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What was committed is copied from the log though nobody closes the database.
func TestTheLogIsCopied(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	s := open(t, path, sqlite.Options{})
	put(t, s, 8)
	deadline := time.Now().Add(20 * time.Second)
	for {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > 4<<20 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the database has %d bytes", info.Size())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Wherever in a checkpoint, or in the log's new beginning, a process is killed: what it
// had committed is there, whole.
func TestWhatWasCommittedOutlivesCheckpoints(t *testing.T) {
	const places = 50
	value := func(n int) []byte { return bytes.Repeat(fmt.Append(nil, n, "."), 3000) }
	if path := os.Getenv("BOXCAR_TEST_CHECKPOINTS"); path != "" {
		s, err := sqlite.Open(path, sqlite.Options{LogSize: 256 << 10}) // a checkpoint every few Updates
		if err != nil {
			t.Fatal(err)
		}
		for n := 1; ; n++ {
			err := s.Update(t.Context(), func(tx meta.Tx) error {
				return errors.Join(tx.PutSetting("n", fmt.Append(nil, n)), tx.PutSetting(fmt.Sprint(n%places), value(n)))
			})
			if err != nil {
				t.Fatal(err)
			}
			fmt.Println(n)
		}
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, kill := range []int{401, 460, 523} {
		path := filepath.Join(t.TempDir(), "meta.db")
		cmd := exec.Command(exe, "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), "BOXCAR_TEST_CHECKPOINTS="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		told, longest := 0, int64(0)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatal(lines.Text())
			}
			if told, longest = n, max(longest, logSize(t, path)); n == kill {
				cmd.Process.Kill()
			}
		}
		cmd.Wait()
		err = open(t, path, sqlite.Options{}).View(t.Context(), func(tx meta.Tx) error {
			text, err := tx.Setting("n")
			if err != nil {
				return err
			}
			last, err := strconv.Atoi(string(text))
			if last < told {
				t.Errorf("Update %d was done, and %d is the last that is there", told, last)
			}
			for n := last; n > last-places && err == nil; n-- {
				var got []byte
				if got, err = tx.Setting(fmt.Sprint(n % places)); !bytes.Equal(got, value(n)) {
					t.Errorf("of Update %d of %d is there %.10q", n, last, got)
				}
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if written := int64(told) * int64(len(value(100))); longest > written/2 {
			t.Errorf("the log had %d bytes of %d: it was never begun anew", longest, written)
		}
	}
}
