package upload_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha512"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/meta/metatest"
	"boxcar/internal/sweep"
	"boxcar/internal/tree"
	"boxcar/internal/upload"
	"boxcar/internal/vfs/faultfs"
)

// between is a store where something happens just before an Update, or in the
// middle of one. Each happens once.
type between struct {
	meta.Store
	before func() // an Update
	match  func() // a look for blobs to use again
}

func (b *between) Update(ctx context.Context, fn func(meta.Tx) error) error {
	if do := b.before; do != nil {
		b.before = nil
		do()
	}
	return b.Store.Update(ctx, func(tx meta.Tx) error { return fn(betweenTx{tx, b}) })
}

type betweenTx struct {
	meta.Tx
	b *between
}

func (tx betweenTx) MatchSHA512(owner, near content.ID, sum content.SHA512, size int64, limit int) ([]meta.Match, error) {
	if do := tx.b.match; do != nil {
		tx.b.match = nil
		do()
	}
	return tx.Tx.MatchSHA512(owner, near, sum, size, limit)
}

// put sends one part.
func (h *house) put(ses content.Session, data []byte, slot int64) error {
	span := ses.Grid.Slot(slot)
	body := data[span.Start:span.End]
	sent := upload.Sent{Span: span, Total: int64(len(data)), SHA1: sha1.Sum(body), Length: span.Len()}
	_, err := h.upload.PutPart(h.t.Context(), h.who, ses.ID, sent, bytes.NewReader(body))
	return err
}

// commit makes a file of a session whose parts are all there.
func (h *house) commit(ses content.Session, data []byte) error {
	_, parts, err := h.upload.Parts(h.t.Context(), h.who, ses.ID, 0, 1000)
	if err != nil {
		return err
	}
	c := upload.Commit{SHA1: sha1.Sum(data)}
	for _, p := range parts {
		c.Parts = append(c.Parts, upload.Listed{ID: p.ID, Offset: p.Span.Start, Size: p.Span.Len(), Quote: p.SHA1.String})
	}
	_, err = h.upload.Commit(h.t.Context(), h.who, ses.ID, c)
	return err
}

func (h *house) create(name string, data []byte) content.Session {
	h.t.Helper()
	root := "0"
	ses, err := h.upload.Create(h.t.Context(), h.who, upload.Request{Folder: &root, Name: &name, Size: int64(len(data))})
	if err != nil {
		h.t.Fatal(err)
	}
	return ses
}

// A machine wakes up, or its clock is put right, just when a part's bytes are
// there and its row is not: they look old, and are not to be swept.
func TestSweepLeavesArrivingBytesAloneWhateverTheClock(t *testing.T) {
	w := newWorld(t)
	w.files = true
	h := w.open(&metatest.Faulty{})
	rows := &between{Store: w.rows}
	h.meta.Store = rows
	blobs := w.blobs(w.rows)
	sweeper := &sweep.Service{Meta: w.rows, Blobs: blobs, Log: slog.New(slog.DiscardHandler), Arriving: h.upload.Arriving,
		Now: func() time.Time { return time.Now().Add(2 * sweep.GarbageAge) }}
	data := bytesOf(partSize)
	ses := h.create("a", data)
	rows.before = func() {
		if _, err := sweeper.Sweep(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := h.put(ses, data, 0); err != nil {
		t.Fatal(err)
	}
	h.upload.Close()
	w.prove("a sweep came between bytes and row")

	if _, err := sweeper.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.prove("another sweep")
	if h.upload.Arriving("") {
		t.Error("no key at all arrives")
	}
}

// The bytes of a part that was acknowledged are lost. That is the server's
// failure, and not a session that is not there.
func TestLostBytesAreTheServersFailure(t *testing.T) {
	w := newWorld(t)
	h := w.open(&metatest.Faulty{})
	data := bytesOf(2 * partSize)
	ses := h.create("a", data)
	// The last part first, so that a commit has to read it.
	if err := h.put(ses, data, 1); err != nil {
		t.Fatal(err)
	}
	h.upload.Close() // nothing stays in memory
	h = w.open(&metatest.Faulty{})
	blobs := w.blobs(w.rows)
	for info, err := range blobs.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if err := blobs.Delete(t.Context(), info.Key); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.put(ses, data, 0); err != nil {
		t.Fatal(err)
	}
	defer h.upload.Close()
	_, parts, err := h.upload.Parts(t.Context(), h.who, ses.ID, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	c := upload.Commit{SHA1: sha1.Sum(data)}
	for _, p := range parts {
		c.Parts = append(c.Parts, upload.Listed{ID: p.ID, Offset: p.Span.Start, Size: p.Span.Len()})
	}
	_, err = h.upload.Commit(t.Context(), h.who, ses.ID, c)
	if err == nil || content.KindOf(err) != content.Internal {
		t.Errorf("the commit says %v, kind %v", err, content.KindOf(err))
	}
}

// While a plan looks for blobs, the file's hash catches up behind it.
func TestPlanNeverTakesTheFrontBack(t *testing.T) {
	w := newWorld(t)
	h := w.open(&metatest.Faulty{})
	defer h.upload.Close()
	rows := &between{Store: w.rows}
	h.meta.Store = rows
	data := bytesOf(3 * partSize)
	ses := h.create("a", data)
	if err := h.put(ses, data, 1); err != nil {
		t.Fatal(err)
	}
	release := h.upload.HoldFront(t, w.rows, ses.ID)
	defer release()
	rows.match = func() { h.upload.MoveFront(ses.ID, data[:2*partSize]) }
	_, err := h.upload.Plan(t.Context(), h.who, ses.ID, []upload.Offer{{Span: ses.Grid.Slot(2), SHA512: sha512.Sum512(nil)}})
	if err != nil {
		t.Fatal(err)
	}
	if n := h.upload.FrontAt(ses.ID); n < 2*partSize {
		t.Errorf("the front stood at %d, and after a plan it is at %d", 2*partSize, n)
	}
}

// Plans write to a session's log within its limit, as everything does.
func TestPlansDoNotFillTheLog(t *testing.T) {
	w := newWorld(t)
	h := w.open(&metatest.Faulty{})
	defer h.upload.Close()
	h.upload.Limits.LogEvents = 10
	ses := h.create("a", bytesOf(partSize))
	for range 20 {
		if _, err := h.upload.Plan(t.Context(), h.who, ses.ID, []upload.Offer{{Span: ses.Grid.Slot(0), SHA512: sha512.Sum512(nil)}}); err != nil {
			t.Fatal(err)
		}
	}
	log, err := h.upload.Events(t.Context(), h.who, ses.ID, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	if len(log) > 10 {
		t.Errorf("the log has %d entries, and its limit is 10", len(log))
	}
}

// Sessions for many files wait for their turn to be hashed for plan, and cost
// next to nothing meanwhile.
func TestFilesWaitingForPlanHoldNoBuffers(t *testing.T) {
	w := newWorld(t)
	h := w.open(&metatest.Faulty{})
	var mu sync.Mutex
	buffers := 0
	h.upload.CountBuffers(func() { mu.Lock(); buffers++; mu.Unlock() })
	var files []content.ID
	for n := range 40 {
		file, err := h.upload.Simple(t.Context(), h.who, tree.Target{Name: fmt.Sprint("file ", n), Size: -1}, content.Preconditions{}, content.Attributes{}, nil, bytes.NewReader(bytesOf(100)))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file.ID)
	}
	unlock := h.upload.LockHashing()
	for _, id := range files {
		if _, err := h.upload.Create(t.Context(), h.who, upload.Request{File: id, Size: partSize}); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(100 * time.Millisecond) // for those that wait to get as far as waiting
	mu.Lock()
	got := buffers
	mu.Unlock()
	unlock()
	h.upload.Close()
	if got > 1 {
		t.Errorf("%d buffers are in use while %d files wait", got, len(files))
	}
}

// A plan that waits for its turn to hash goes when its client does, however
// long the blob of another takes.
func TestPlanDoesNotWaitForAnothersBlobWithoutEnd(t *testing.T) {
	w := newWorld(t)
	h := w.open(&metatest.Faulty{})
	defer h.upload.Close()
	data := bytesOf(2 * partSize)
	ses := h.create("a", data)
	if err := h.put(ses, data, 0); err != nil {
		t.Fatal(err)
	}
	defer h.upload.LockHashing()()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := h.upload.Plan(ctx, h.who, ses.ID, []upload.Offer{{Span: ses.Grid.Slot(0)}})
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil {
			t.Error("planned without the digest")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the plan still waits")
	}
}

// What a client writes into a session's log, and what a refusal quotes of it,
// is cut: nothing else bounds what that costs on the disk.
func TestLogsKeepNoMoreThanTheBeginningOfAText(t *testing.T) {
	w := newWorld(t)
	h := w.open(&metatest.Faulty{})
	defer h.upload.Close()
	ses := h.create("a", bytesOf(partSize))
	long := strings.Repeat("é", 1<<20)
	if err := h.upload.Report(t.Context(), h.who, ses.ID, long, long); err != nil {
		t.Fatal(err)
	}
	_, err := h.upload.Commit(t.Context(), h.who, ses.ID, upload.Commit{Parts: []upload.Listed{{ID: long, Size: partSize, Quote: func() string { return long }}}})
	if !content.Is(err, content.PartsMismatch) || len(err.Error()) > 5000 {
		t.Errorf("the refusal has %d bytes: %.100v", len(err.Error()), err)
	}
	log, err := h.upload.Events(t.Context(), h.who, ses.ID, 1, 100)
	if err != nil || len(log) != 2 {
		t.Fatalf("%d entries, %v", len(log), err)
	}
	for _, e := range log {
		if len(e.Event) > 300 || len(e.Message) > 5000 || !utf8.ValidString(e.Event+e.Message) {
			t.Errorf("an entry with an event of %d bytes and a message of %d", len(e.Event), len(e.Message))
		}
	}
}

// Parts that arrive ahead of the front wait for it in memory: none is read
// back, as long as there is room for them; beyond that they are.
func TestPartsNearTheFrontAreNotReadBack(t *testing.T) {
	for _, c := range []struct {
		name         string
		parts, opens int64
	}{
		{"four parts", 4, 0},
		{"two more than there is room for", 6, 2},
	} {
		w := newWorld(t)
		w.files = true // the opening of a file can be seen
		h := w.open(&metatest.Faulty{})
		data := bytesOf(int(c.parts) * partSize)
		ses := h.create("a", data)
		release := h.upload.HoldFront(t, w.rows, ses.ID) // as other parts under way would
		var opens atomic.Int64
		w.fs.Watch(func(op faultfs.Op, name string) {
			if op == faultfs.Open {
				opens.Add(1)
			}
		})
		for i := c.parts - 1; i >= 0; i-- {
			// A second time it is the part that is there, and one that is refused is none.
			wrong := bytes.Clone(data)
			wrong[i*partSize]++
			if err := errors.Join(h.put(ses, data, i), h.put(ses, data, i)); err != nil {
				t.Fatal(err)
			}
			if err := h.put(ses, wrong, i); err == nil {
				t.Fatal("another part in the place of one that is there")
			}
			if owed := h.upload.Owed(ses.ID); i > 0 && owed != (c.parts-i)*partSize {
				t.Errorf("%s: %d bytes are owed behind part %d", c.name, owed, i)
			}
		}
		for h.upload.FrontAt(ses.ID) != int64(len(data)) {
			time.Sleep(time.Millisecond)
		}
		w.fs.Watch(nil)
		if owed := h.upload.Owed(ses.ID); owed != 0 {
			t.Errorf("%s: %d bytes are owed in the end", c.name, owed)
		}
		release()
		h.upload.Close()
		if opens.Load() != c.opens {
			t.Errorf("%s: %d blobs were read back, want %d", c.name, opens.Load(), c.opens)
		}
		w.prove(c.name)
	}
}

// refusing is a store all of whose Updates fail while it is told so.
type refusing struct {
	meta.Store
	now     atomic.Bool
	updates atomic.Int64 // that went well
}

func (r *refusing) Update(ctx context.Context, fn func(meta.Tx) error) error {
	if r.now.Load() {
		return metatest.ErrInjected
	}
	err := r.Store.Update(ctx, fn)
	r.updates.Add(1)
	return err
}

// A commit has its lease, and then the disk is full: neither can it publish
// nor give the lease back. Once there is room, nobody waits for that lease to end.
func TestALeaseThatCouldNotBeGivenBackHoldsNobodyUp(t *testing.T) {
	w := newWorld(t)
	w.files = true
	h := w.open(&metatest.Faulty{})
	rows := &refusing{Store: h.upload.Meta}
	h.upload.Meta = rows
	h.upload.Limits.Window = -1
	t.Cleanup(h.upload.Close)
	gate := make(chan struct{})
	w.fs.Watch(func(op faultfs.Op, name string) {
		if op == faultfs.Read && strings.HasPrefix(name, "blobs/") {
			<-gate
		}
	})
	data := bytesOf(4 * partSize)
	ses := h.create("file", data)
	for _, slot := range []int64{3, 2, 1, 0} { // 1 to 3 have to be read to be hashed
		if err := h.put(ses, data, slot); err != nil {
			t.Fatal(err)
		}
	}
	before := rows.updates.Load()
	refused := make(chan error, 1)
	go func() { refused <- h.commit(ses, data) }()
	for rows.updates.Load() == before { // the lease
		time.Sleep(time.Millisecond)
	}
	rows.now.Store(true)
	close(gate)
	if err := <-refused; !errors.Is(err, metatest.ErrInjected) {
		t.Fatalf("without room a commit gave %v", err)
	}
	rows.now.Store(false)
	again := make(chan error, 1)
	go func() { again <- h.commit(ses, data) }()
	select {
	case err := <-again:
		if err != nil {
			t.Errorf("the commit again: %v", err)
		}
	case <-time.After(15 * time.Second): // half of a lease
		t.Error("the commit again waits for the lease of the first")
	}
}
