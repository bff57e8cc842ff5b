package tree_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta/metatest"
	"boxcar/internal/tree"
)

// Who waits, reads, and waits again gets every event once, however many do so
// and whenever they come.
func TestWhoWaitsMissesNothing(t *testing.T) {
	w := newWorld(t)
	const followers, writers, each = 20, 4, 15
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for f := range followers {
		wg.Go(func() {
			time.Sleep(time.Duration(f) * 20 * time.Millisecond)
			seen := map[string]bool{}
			for after := int64(0); len(seen) < writers*each; {
				changed, err := w.tree.Wait(ctx, w.who.User, after, time.Minute)
				if err != nil || !changed {
					t.Errorf("follower %d has %d events and waits in vain: %v", f, len(seen), err)
					return
				}
				page, err := w.tree.Events(ctx, w.who, tree.EventQuery{After: after, Limit: 7})
				if err != nil {
					t.Error(err)
					return
				}
				for _, e := range page.Events {
					if seen[e.ID] {
						t.Errorf("event %s comes again", e.ID)
					}
					seen[e.ID] = true
				}
				after = page.Next
			}
		})
	}
	for n := range writers {
		wg.Go(func() {
			for i := range each {
				if _, err := w.tree.CreateFolder(ctx, w.who, 0, fmt.Sprint(n, "-", i), tree.FolderChange{}); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Duration(n*7) * time.Millisecond)
			}
		})
	}
	wg.Wait()
	w.tree.EndWaits()
	if changed, err := w.tree.Wait(ctx, w.who.User, writers*each, time.Minute); changed || err != nil {
		t.Errorf("after the end: %v, %v", changed, err)
	}
}

func TestTooManyMayNotWait(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var waiting atomic.Int32
	for range 32 {
		wg.Go(func() {
			waiting.Add(1)
			if changed, err := w.tree.Wait(ctx, w.who.User, 0, time.Minute); changed || !errors.Is(err, context.Canceled) {
				t.Errorf("%v, %v", changed, err)
			}
		})
	}
	for waiting.Load() < 32 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond)
	if _, err := w.tree.Wait(ctx, w.who.User, 0, time.Second); !content.Is(err, content.RateLimited) {
		t.Errorf("one too many gets %v", err)
	}
	if changed, err := w.tree.Wait(ctx, w.who.User+1, 0, time.Millisecond); changed || err != nil {
		t.Errorf("another user: %v, %v", changed, err)
	}
	cancel()
	wg.Wait()
	if changed, err := w.tree.Wait(t.Context(), w.who.User, 0, time.Millisecond); changed || err != nil {
		t.Errorf("when all have gone: %v, %v", changed, err)
	}
}

// What was looked at is written once, also if that fails at first.
func TestWhatWasSeenIsNotLost(t *testing.T) {
	w := newWorld(t)
	folder, err := w.tree.CreateFolder(t.Context(), w.who, 0, "seen", tree.FolderChange{})
	if err != nil {
		t.Fatal(err)
	}
	w.open(&metatest.Faulty{FailBefore: 1})
	for range 3 {
		w.tree.Seen(w.who, folder.ID, content.ItemPreview)
	}
	w.tree.Seen(w.who, 424242, content.ItemPreview)
	if err := w.tree.FlushSeen(t.Context()); err == nil {
		t.Fatal("the update did not fail")
	}
	for range 2 {
		if err := w.tree.FlushSeen(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	page, err := w.tree.Events(t.Context(), w.who, tree.EventQuery{Limit: 9})
	if err != nil || len(page.Events) != 2 || page.Events[1].Type != content.ItemPreview {
		t.Errorf("events are %+v, %v", page.Events, err)
	}
	list, next, err := w.tree.Recents(t.Context(), w.who, nil, 9)
	if err != nil || next != nil || len(list) != 1 || list[0].Kind != content.ItemPreview {
		t.Errorf("recents are %+v, %v, %v", list, next, err)
	}
}
