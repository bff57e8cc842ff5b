package tree_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/meta/metatest"
	"boxcar/internal/tree"
)

func (w *world) linked(name string, set tree.LinkSettings) content.SharedLink {
	w.t.Helper()
	f := w.file(0, name, "bytes")
	if err := w.share(w.t.Context(), f.ID, &set); err != nil {
		w.t.Fatal(err)
	}
	item, err := w.tree.Item(w.t.Context(), w.who, tree.File, f.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return *content.NodeOf(item).Link
}

func (w *world) link1(item content.ID) (l meta.SharedLink) {
	w.t.Helper()
	w.update(func(tx meta.Tx) (err error) { l, err = tx.SharedLink(item); return err })
	return l
}

func TestLinkUsesAreCountedOnce(t *testing.T) {
	w := newWorld(t)
	l := w.linked("f", tree.LinkSettings{})
	w.tree.Meta = w.rows
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				w.tree.CountDownload(l.Item)
				w.tree.CountPreview(l.Item)
				if err := w.tree.FlushLinkUses(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := w.link1(l.Item); got.Downloads != 400 || got.Previews != 400 {
		t.Errorf("%d downloads and %d previews were counted", got.Downloads, got.Previews)
	}

	// What can't be written waits.
	w.tree.CountDownload(l.Item)
	w.tree.CountPreview(9_999_999) // of a link that has gone
	w.tree.Meta = &metatest.Faulty{Store: w.rows, FailCall: 1}
	if err := w.tree.FlushLinkUses(t.Context()); !errors.Is(err, metatest.ErrInjected) {
		t.Errorf("the flush gave %v", err)
	}
	w.tree.Meta = w.rows
	for range 2 {
		if err := w.tree.FlushLinkUses(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.link1(l.Item); got.Downloads != 401 {
		t.Errorf("%d downloads were counted", got.Downloads)
	}
	// Nothing to write is no transaction.
	n := w.faulty.count()
	w.tree.Meta = w.faulty
	if err := w.tree.FlushLinkUses(t.Context()); err != nil || w.faulty.count() != n {
		t.Errorf("%v, %d transactions", err, w.faulty.count()-n)
	}
}

func TestPasswordsAreHashedAFewAtATime(t *testing.T) {
	w := newWorld(t)
	password := "pass-word"
	l := w.linked("f", tree.LinkSettings{Password: &password})
	w.tree.Meta = w.rows
	var now, most, all atomic.Int64
	check := w.tree.CheckPassword
	w.tree.CheckPassword = func(hashed, password string) (bool, error) {
		all.Add(1)
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer now.Add(-1)
		time.Sleep(5 * time.Millisecond)
		return check(hashed, password)
	}
	by := content.ID(7)
	open := func(ctx context.Context, password string) error {
		_, err := w.tree.OpenLink(ctx, content.Principal{}, tree.LinkName{Token: l.Token}, tree.LinkKey{Password: password, By: by})
		return err
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := open(t.Context(), password); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if most.Load() > 2 {
		t.Errorf("%d passwords were hashed at once", most.Load())
	}
	// What was right once is told at once.
	n := all.Load()
	if err := open(t.Context(), password); err != nil || all.Load() != n {
		t.Errorf("%v, hashed %d times more", err, all.Load()-n)
	}
	// Those who guess at once are counted before they are told.
	var limited atomic.Int64
	for range 30 {
		wg.Go(func() {
			if err := open(t.Context(), "wrong-wrong"); content.Is(err, content.RateLimited) {
				limited.Add(1)
			} else if !content.Is(err, content.LinkPassword) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if limited.Load() != 20 {
		t.Errorf("%d of 30 guesses were turned away", limited.Load())
	}
	if err := open(t.Context(), password); err != nil {
		t.Errorf("whoever had it right before is told %v", err)
	}
	// Who guesses learns nothing while they wait, from a right guess either.
	for _, by = range []content.ID{0, 8} {
		for range 3 {
			if err := open(t.Context(), password); !content.Is(err, content.RateLimited) {
				t.Errorf("%s, who has not had it right before, is told %v", by, err)
			}
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := open(ended, "wrong-wrong"); !content.Is(err, content.RateLimited) && !errors.Is(err, context.Canceled) {
		t.Errorf("a client that has gone is told %v", err)
	}
}

func TestLinksEndOnce(t *testing.T) {
	w := newWorld(t)
	at := w.now.Add(time.Hour)
	l := w.linked("f", tree.LinkSettings{UnsharedAt: &at})
	stays := w.linked("g", tree.LinkSettings{})
	w.now = w.now.Add(2 * time.Hour)
	for call := 1; ; call++ {
		faulty := &metatest.Faulty{Store: w.rows, FailCall: call}
		w.tree.Meta = faulty
		n, err := w.tree.EndLinks(t.Context())
		if faulty.Calls() < call {
			if n != 1 || err != nil {
				t.Errorf("ended %d links, %v", n, err)
			}
			break
		}
		if err == nil {
			// It failed when the link was gone already.
			t.Errorf("call %d failed, and nobody said so", call)
		}
		if n == 1 {
			break // what failed is the look for more
		}
	}
	w.tree.Meta = w.rows
	if n, err := w.tree.EndLinks(t.Context()); n != 0 || err != nil {
		t.Errorf("ended %d links again, %v", n, err)
	}
	w.update(func(tx meta.Tx) error {
		if _, err := tx.SharedLink(l.Item); !content.Is(err, content.NotFound) {
			t.Errorf("the link: %v", err)
		}
		row, err := tx.Item(l.Item)
		if row.Linked || row.Sequence != 2 {
			t.Errorf("the item is %+v", row)
		}
		events, err2 := tx.AllEvents(0, meta.EventFilter{Types: []content.EventType{content.ItemSharedUnshare}}, 9)
		if len(events) != 1 {
			t.Errorf("%d events", len(events))
		}
		return errors.Join(err, err2)
	})
	w.link1(stays.Item)
}
