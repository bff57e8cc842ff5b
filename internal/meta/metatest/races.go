package metatest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// together runs fn n times at once.
func together(n int, fn func(i int)) {
	var wg sync.WaitGroup
	gun := make(chan bool)
	for i := range n {
		wg.Go(func() {
			<-gun
			fn(i)
		})
	}
	close(gun)
	wg.Wait()
}

// race lets n goroutines try what only one may do, and says who did.
func race(t *testing.T, s meta.Store, n int, lost content.Kind, fn func(tx meta.Tx, i int) error) (winner int) {
	t.Helper()
	var won []int
	var mu sync.Mutex
	together(n, func(i int) {
		err := s.Update(t.Context(), func(tx meta.Tx) error { return fn(tx, i) })
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
			won = append(won, i)
		case !content.Is(err, lost):
			t.Errorf("racer %d: %v", i, err)
		}
	})
	if len(won) != 1 {
		t.Fatalf("racers %v won, want one", won)
	}
	return won[0]
}

var races = []test{
	{"OnePartWinsItsSpan", func(t *testing.T, s meta.Store) {
		racer := func(i int) meta.Part {
			p := part(0, i)
			p.ID = fmt.Sprintf("%08X", 100+i)
			return p
		}
		for slot := range 5 {
			m := meta.Manifest(61 + slot)
			winner := race(t, s, 8, content.PartConflict, func(tx meta.Tx, i int) error { return tx.InsertPart(m, racer(i)) })
			equal(t, "part", get(t, s, func(tx meta.Tx) (meta.Part, error) { return tx.Part(m, 0) }), racer(winner))
		}
	}},
	{"OneItemWinsItsName", func(t *testing.T, s meta.Store) {
		winner := race(t, s, 16, content.NameTaken, func(tx meta.Tx, i int) error {
			return tx.InsertItem(folder(content.ID(200+i), aliceRoot, "same", alice))
		})
		it := get(t, s, func(tx meta.Tx) (meta.Item, error) { return tx.ItemNamed(aliceRoot, "same") })
		equal(t, "item", it.ID, content.ID(200+winner))
		equal(t, "count", item(t, s, aliceRoot).Holds(), int64(1))
	}},
	{"OneUserWinsALogin", func(t *testing.T, s meta.Store) {
		race(t, s, 8, content.LoginTaken, func(tx meta.Tx, i int) error { return tx.InsertUser(user(content.ID(20+i), "carol@example.net", 0)) })
	}},
	{"NoUsageIsLost", func(t *testing.T, s meta.Store) {
		together(50, func(i int) {
			for range 4 {
				if err := s.Update(t.Context(), func(tx meta.Tx) error { return tx.AddUsage(alice, 1, int64(i)) }); err != nil {
					t.Error(err)
				}
			}
		})
		u := get(t, s, func(tx meta.Tx) (content.User, error) { return tx.User(alice) })
		equal(t, "used and reserved", []int64{u.Used, u.Reserved}, []int64{200, 4 * 49 * 50 / 2})
	}},
	{"WhatIsReadAndWrittenBackIsNotLost", func(t *testing.T, s meta.Store) {
		insert(t, s, session(1, alice))
		together(20, func(int) {
			err := s.Update(t.Context(), func(tx meta.Tx) error {
				ses, err := tx.Session(sessionID(1))
				if err != nil {
					return err
				}
				ses.Reserved++
				return tx.UpdateSession(ses)
			})
			if err != nil {
				t.Error(err)
			}
		})
		equal(t, "reserved", stored(t, s, 1).Reserved, session(1, alice).Reserved+20)
	}},
	{"TheLogHasNoGapsAndNoTwins", func(t *testing.T, s meta.Store) {
		insert(t, s, session(1, alice))
		together(20, func(i int) {
			err := s.Update(t.Context(), func(tx meta.Tx) error {
				return tx.AppendLog(sessionID(1), content.LogEvent{At: start, Event: fmt.Sprint(i)})
			})
			if err != nil {
				t.Error(err)
			}
		})
		seen := map[string]bool{}
		for i, e := range get(t, s, func(tx meta.Tx) ([]meta.LogEntry, error) { return tx.Log(sessionID(1), 0, 100) }) {
			equal(t, "number", e.N, int64(i+1))
			seen[e.Event] = true
		}
		equal(t, "number of events", len(seen), 20)
	}},
	{"FailuresAmongUpdatesAreTheirOwn", func(t *testing.T, s meta.Store) {
		// Good ones, refused ones, panics, dangling rows and lost callers side
		// by side, several times so that they meet in all orders.
		mine := errors.New("mine")
		var good atomic.Int64
		together(40, func(i int) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			defer func() {
				if p := recover(); p != nil && i%8 != 3 {
					t.Errorf("update %d: %v", i, p)
				}
			}()
			err := s.Update(ctx, func(tx meta.Tx) error {
				if err := tx.AddUsage(alice, 1, 0); err != nil {
					return err
				}
				switch i % 8 {
				case 1:
					return mine
				case 3:
					panic("oh")
				case 5:
					return tx.InsertItem(folder(content.ID(500+i), 999, "no such parent", alice))
				case 6:
					return tx.InsertEnterprise(content.Enterprise{ID: enterprise})
				case 7:
					cancel()
				}
				return nil
			})
			switch i % 8 {
			case 1:
				if !errors.Is(err, mine) {
					t.Errorf("update %d gave %v, want its own error", i, err)
				}
			case 5, 6:
				if err == nil || content.KindOf(err) != content.Internal {
					t.Errorf("update %d gave %v, want an Internal error", i, err)
				}
			case 7:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("update %d gave %v, want the cancellation", i, err)
				}
			default:
				if err != nil {
					t.Errorf("update %d gave %v", i, err)
				}
				good.Add(1)
			}
		})
		u := get(t, s, func(tx meta.Tx) (content.User, error) { return tx.User(alice) })
		equal(t, "used", u.Used, good.Load())
	}},
	{"AViewSeesWholeUpdatesOnly", func(t *testing.T, s meta.Store) {
		// Every update moves one byte from bob to alice, in two calls.
		stop := make(chan bool)
		var writers, views sync.WaitGroup
		for range 3 {
			writers.Go(func() {
				for range 30 {
					err := s.Update(t.Context(), func(tx meta.Tx) error {
						return first(tx.AddUsage(alice, 1, 0), tx.AddUsage(bob, -1, 0))
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		for range 3 {
			views.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					err := s.View(t.Context(), func(tx meta.Tx) error {
						a, err := tx.User(alice)
						if err != nil {
							return err
						}
						b, err := tx.User(bob)
						if a.Used+b.Used != 0 {
							t.Errorf("alice has %d, bob %d: half an update", a.Used, b.Used)
						}
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		writers.Wait()
		close(stop)
		views.Wait()
		u := get(t, s, func(tx meta.Tx) (content.User, error) { return tx.User(alice) })
		equal(t, "used", u.Used, int64(90))
	}},
	{"ViewsRunBesideAnUpdate", func(t *testing.T, s meta.Store) {
		update(t, s, func(tx meta.Tx) error {
			if err := tx.AddUsage(alice, 1, 0); err != nil {
				return err
			}
			u := get(t, s, func(tx meta.Tx) (content.User, error) { return tx.User(alice) })
			equal(t, "used, as seen from outside", u.Used, int64(0))
			return nil
		})
	}},
}
