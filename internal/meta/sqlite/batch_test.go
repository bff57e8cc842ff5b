package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

func opened(t *testing.T) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "meta.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// queue lets Updates wait behind the turn, which the caller has, and returns
// once all do.
func (s *Store) queue(t *testing.T, fns ...func(meta.Tx) error) (errs []error, end func()) {
	errs = make([]error, len(fns))
	var wg sync.WaitGroup
	for i, fn := range fns {
		wg.Go(func() { errs[i] = s.Update(context.Background(), fn) })
		s.awaitQueue(t, i+1)
	}
	return errs, wg.Wait
}

func (s *Store) awaitQueue(t *testing.T, n int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Microsecond) {
		s.turns.mu.Lock()
		have := len(s.turns.waiting)
		s.turns.mu.Unlock()
		if have == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d wait, want %d", have, n)
		}
	}
}

func put(name string) func(meta.Tx) error {
	return func(tx meta.Tx) error { return tx.PutSetting(name, []byte(name)) }
}

// settings says which of the names are there.
func settings(t *testing.T, s *Store, names ...string) (have string) {
	t.Helper()
	err := s.View(t.Context(), func(tx meta.Tx) error {
		for _, name := range names {
			switch _, err := tx.Setting(name); {
			case err == nil:
				have += name
			case !content.Is(err, content.NotFound):
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return have
}

// The turn comes back with the batch still open to whoever asked last, so that
// a test can look at it, or spoil it, before it is committed.
func (s *Store) spoil(t *testing.T, fn func(b *batch), updates ...func(meta.Tx) error) []error {
	t.Helper()
	s.turns.take(t.Context())
	errs, end := s.queue(t, updates...)
	mine := make(chan bool)
	go func() { s.turns.take(context.Background()); close(mine) }()
	s.awaitQueue(t, len(updates)+1)
	s.turns.free()
	<-mine
	b := s.batch
	fn(b)
	s.leave(b, false)
	end()
	return errs
}

func TestUpdatesThatWaitShareATransaction(t *testing.T) {
	s := opened(t)
	mine := errors.New("mine")
	errs := s.spoil(t, func(b *batch) {
		if b == nil || b.n != 4 {
			t.Fatalf("batch is %+v, want 4 updates", b)
		}
		if have := settings(t, s, "a", "b", "c", "d"); have != "" {
			t.Errorf("%s is there before the commit", have)
		}
		select {
		case <-b.done:
			t.Error("the batch is done before its commit")
		default:
		}
	}, put("a"), func(tx meta.Tx) error { put("b")(tx); return mine }, put("c"), put("d"))
	for i, want := range []error{nil, mine, nil, nil} {
		if errs[i] != want {
			t.Errorf("update %d gave %v, want %v", i, errs[i], want)
		}
	}
	if have := settings(t, s, "a", "b", "c", "d"); have != "acd" {
		t.Errorf("%s are there, want acd", have)
	}
}

func TestNobodyIsToldYesBeforeTheCommit(t *testing.T) {
	s := opened(t)
	refusal := errors.New("taken")
	// The second refuses because of what it saw of the first: once that has
	// not come to be, it has to look again.
	looks := 0
	second := func(tx meta.Tx) error {
		looks++
		if _, err := tx.Setting("a"); err == nil {
			return refusal
		}
		return tx.PutSetting("b", nil)
	}
	errs := s.spoil(t, func(b *batch) {
		s.writer.discard() // and so COMMIT fails
	}, put("a"), second, put("c"))
	for _, i := range []int{0, 2} {
		if errs[i] == nil || errs[i] == errAgain {
			t.Errorf("update %d gave %v after a failed commit", i, errs[i])
		}
	}
	if errs[1] != nil || looks != 2 {
		t.Errorf("the one that was refused gave %v after %d looks, want success after 2", errs[1], looks)
	}
	if have := settings(t, s, "a", "b", "c"); have != "b" {
		t.Errorf("%s are there, want b", have)
	}
}

func TestALostConnectionFailsOnlyWhoseItIs(t *testing.T) {
	s := opened(t)
	s.turns.take(t.Context())
	broken := false
	errs, end := s.queue(t, put("a"), func(tx meta.Tx) error {
		put("b")(tx)
		s.writer.discard()
		broken = true
		return put("b")(tx)
	}, put("c"))
	s.turns.free()
	end()
	if !broken || errs[0] != nil || errs[1] == nil || errs[2] != nil {
		t.Errorf("updates gave %v", errs)
	}
	if have := settings(t, s, "a", "b", "c"); have != "ac" {
		t.Errorf("%s are there, want ac", have)
	}
}

func TestAVersionWithoutFileFailsAlone(t *testing.T) {
	s := opened(t)
	s.turns.take(t.Context())
	errs, end := s.queue(t, put("a"), func(tx meta.Tx) error { return tx.InsertVersion(meta.Version{ID: 1, File: 2}) }, put("c"))
	s.turns.free()
	end()
	if errs[0] != nil || errs[1] == nil || errs[2] != nil {
		t.Errorf("updates gave %v, want only the second to fail", errs)
	}
	if have := settings(t, s, "a", "c"); have != "ac" {
		t.Errorf("%s are there, want ac", have)
	}
}

func TestWhoeverRunsAloneJoinsNobody(t *testing.T) {
	s := opened(t)
	s.turns.take(t.Context())
	errs, end := s.queue(t, put("a"))
	alone := make(chan error)
	go func() {
		alone <- s.update(context.Background(), func(tx meta.Tx) error {
			return tx.InsertVersion(meta.Version{ID: 1, File: 2})
		}, true)
	}()
	s.awaitQueue(t, 2)
	s.turns.free()
	end()
	if err := <-alone; !isConstraint(err) {
		t.Errorf("a version without file, alone, gave %v, want SQLite's refusal", err)
	}
	if errs[0] != nil || settings(t, s, "a") != "a" {
		t.Errorf("the one before it gave %v", errs[0])
	}
}

func TestAFullDiskIsUnavailableAndPasses(t *testing.T) {
	s := opened(t)
	if err := s.Update(t.Context(), put("before")); err != nil {
		t.Fatal(err)
	}
	s.turns.take(t.Context())
	if err := s.exec(`PRAGMA max_page_count = 1`); err != nil { // as many as there are, on this connection
		t.Fatal(err)
	}
	s.turns.free()
	big := func(tx meta.Tx) error { return tx.PutSetting("big", make([]byte, 1<<20)) }
	err := s.Update(t.Context(), big)
	var e *content.Error
	if !errors.As(err, &e) || e.Kind != content.Unavailable || e.RetryAfter <= 0 || code(err) == -1 {
		t.Errorf("without room, update gave %v, want Unavailable with its cause and when to come back", err)
	}
	// That has closed the connection, and with it ended the limit.
	if err := s.Update(t.Context(), big); err != nil {
		t.Errorf("with room again, update gave %v", err)
	}
	if have := settings(t, s, "before", "big"); have != "beforebig" {
		t.Errorf("%s are there", have)
	}
}

func TestWhoeverStopsWaitingLeavesTheTurnToOthers(t *testing.T) {
	s := opened(t)
	s.turns.take(t.Context())
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() { gone <- s.Update(ctx, put("gone")) }()
	s.awaitQueue(t, 1)
	errs, end := make([]error, 3), (func())(nil)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = s.Update(t.Context(), put(fmt.Sprint(i))) })
	}
	end = wg.Wait
	s.awaitQueue(t, 4)
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("the one that left got %v", err)
	}
	s.turns.free()
	end()
	for i, err := range errs {
		if err != nil {
			t.Errorf("update %d: %v", i, err)
		}
	}

	// The turn comes at the very moment at which the context ends.
	for range 200 {
		s.turns.take(t.Context())
		ctx, cancel := context.WithCancel(t.Context())
		go func() { gone <- s.Update(ctx, put("gone")) }()
		s.awaitQueue(t, 1)
		go cancel()
		s.turns.free()
		<-gone
		if err := s.Update(t.Context(), put("next")); err != nil {
			t.Fatal(err)
		}
	}
}

// Behind a batch of many, the first that comes back waits for the next, and both
// are one batch; nobody waits for longer than patience, or behind a batch of one.
func TestABatchWaitsForCompany(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var batches []int
		s, err := Open(filepath.Join(dir, "meta.db"), Options{Committed: func(n int, _ time.Duration) { batches = append(batches, n) }})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		update := func(name string) chan error {
			done := make(chan error, 1)
			go func() { done <- s.Update(t.Context(), put(name)) }()
			synctest.Wait()
			return done
		}
		wait := func(done chan error) (waited time.Duration) {
			t.Helper()
			began := time.Now()
			if err := <-done; err != nil {
				t.Error(err)
			}
			return time.Since(began)
		}

		s.last.n, s.last.took = 5, time.Second
		a, b := update("a"), update("b")
		if waited := wait(a); waited != maxPatience {
			t.Errorf("two waited %v, want %v", waited, maxPatience)
		}
		wait(b)
		if waited := wait(update("c")); waited != 0 {
			t.Errorf("behind a batch of two, one waited %v", waited)
		}
		s.last.n, s.last.took = 6, time.Second
		a, b = update("a"), update("b")
		if waited := wait(update("c")) + wait(b) + wait(a); waited != 0 {
			t.Errorf("half as many as before waited %v", waited)
		}
		s.last.n, s.last.took = 5, time.Millisecond
		if waited := wait(update("a")); waited != time.Millisecond/2 {
			t.Errorf("behind a commit of 1 ms, one waited %v", waited)
		}
		if want := []int{2, 1, 3, 1}; !slices.Equal(batches, want) {
			t.Errorf("batches of %v, want %v", batches, want)
		}
	})
}
