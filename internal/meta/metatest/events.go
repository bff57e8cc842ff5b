package metatest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

func event(n int, it meta.Item, by content.ID) meta.Event {
	e := meta.Event{Type: content.ItemUpload, At: start.Add(time.Duration(n) * time.Second), By: by, Item: it,
		Parent:  meta.Item{ID: it.Parent, Kind: meta.Folder, Name: "parent", Key: "parent", Sequence: 4, Parent: 5},
		Details: map[string]string{"n": fmt.Sprint(n)}}
	e.ID[0] = byte(n)
	return e
}

var events = []test{
	{"EventsAreKeptInOrderForEachStream", func(t *testing.T, s meta.Store) {
		f := file(200, aliceRoot, "x", alice, 5)
		f.Description, f.Sequence, f.TrashedAt = "d", 3, start
		f.Current.Manifest, f.Current.CreatedAt, f.Current.CreatedBy = 0, time.Time{}, 0 // not kept
		web := link(201, aliceRoot, "y", alice)
		equal(t, "last event before any", get(t, s, func(tx meta.Tx) (int64, error) { return tx.LastEvent() }), int64(0))
		a, b, c := event(1, f, alice), event(2, web, bob), event(3, folder(202, 0, "z", bob), bob)
		a.Position, b.Position, c.Position = 1, 2, 3
		b.Type = content.ItemCreate
		c.Parent, c.Details = meta.Item{}, nil
		c.User = content.Person{ID: 203, Name: "Zoe", Login: "zoe@example.net"}
		update(t, s, func(tx meta.Tx) error { return tx.AppendEvent(a, alice, alice) })
		update(t, s, func(tx meta.Tx) error { return first(tx.AppendEvent(b, alice, bob), tx.AppendEvent(c, bob)) })
		refused(t, s, content.Internal, func(tx meta.Tx) error { tx.AppendEvent(a, alice); return fmt.Errorf("undone") })

		list := func(user content.ID, after int64, limit int) []meta.Event {
			return get(t, s, func(tx meta.Tx) ([]meta.Event, error) { return tx.EventsFor(user, after, limit) })
		}
		equal(t, "alice's", list(alice, 0, 9), []meta.Event{a, b})
		equal(t, "bob's", list(bob, 0, 9), []meta.Event{b, c})
		equal(t, "behind the first", list(alice, 1, 9), []meta.Event{b})
		equal(t, "one", list(alice, 0, 1), []meta.Event{a})
		equal(t, "behind the last", len(list(alice, 3, 9)), 0)
		streams := func(after int64) []content.ID {
			all := get(t, s, func(tx meta.Tx) ([]content.ID, error) { return tx.EventStreams(after) })
			slices.Sort(all)
			return all
		}
		equal(t, "streams", streams(0), []content.ID{alice, bob})
		equal(t, "streams behind the second", streams(2), []content.ID{bob})
		equal(t, "streams behind the last", len(streams(3)), 0)
		all := func(after int64, f meta.EventFilter, limit int) []meta.Event {
			return get(t, s, func(tx meta.Tx) ([]meta.Event, error) { return tx.AllEvents(after, f, limit) })
		}
		equal(t, "all", all(0, meta.EventFilter{}, 9), []meta.Event{a, b, c})
		equal(t, "all behind the first", all(1, meta.EventFilter{}, 1), []meta.Event{b})
		equal(t, "all of a time", all(0, meta.EventFilter{From: b.At, Until: c.At}, 9), []meta.Event{b})
		equal(t, "all of types", all(0, meta.EventFilter{Types: []content.EventType{content.ItemCreate, content.ItemCopy}}, 9), []meta.Event{b})

		dropped := 0
		update(t, s, func(tx meta.Tx) (err error) { dropped, err = tx.DropEvents(c.At, 9); return err })
		equal(t, "dropped", dropped, 2)
		equal(t, "what is left", all(0, meta.EventFilter{}, 9), []meta.Event{c})
		equal(t, "alice's", len(list(alice, 0, 9)), 0)
		equal(t, "last event", get(t, s, func(tx meta.Tx) (int64, error) { return tx.LastEvent() }), int64(3))
		update(t, s, func(tx meta.Tx) (err error) { _, err = tx.DropEvents(c.At.Add(1), 9); return err })
		update(t, s, func(tx meta.Tx) error { return tx.AppendEvent(a, alice) })
		equal(t, "the next position", get(t, s, func(tx meta.Tx) (int64, error) { return tx.LastEvent() }), int64(4))
	}},
	{"WhoFollowsPositionsMissesNothing", func(t *testing.T, s meta.Store) {
		const writers, each = 8, 25
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for n := range each {
					err := s.Update(t.Context(), func(tx meta.Tx) error {
						return tx.AppendEvent(event(w*each+n, folder(200, aliceRoot, "x", alice), alice), alice)
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		done := make(chan struct{})
		go func() { wg.Wait(); close(done) }()
		var at, seen int64
		for last := false; ; {
			page := get(t, s, func(tx meta.Tx) ([]meta.Event, error) { return tx.EventsFor(alice, at, 7) })
			for _, e := range page {
				if e.Position != at+1 {
					t.Fatalf("position %d comes behind %d", e.Position, at)
				}
				at = e.Position
				seen++
			}
			if len(page) == 0 && last {
				break
			}
			select {
			case <-done:
				last = true
			default:
			}
		}
		equal(t, "events seen", seen, int64(writers*each))
	}},
}
