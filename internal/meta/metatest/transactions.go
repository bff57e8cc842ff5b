package metatest

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

var transactions = []test{
	{"AnUpdateIsSeenByTheNextView", func(t *testing.T, s meta.Store) {
		update(t, s, func(tx meta.Tx) error { return tx.PutSetting("a", []byte("1")) })
		equal(t, "setting", setting(t, s, "a"), "1")
	}},
	{"AnUpdateSeesItsOwnChanges", func(t *testing.T, s meta.Store) {
		update(t, s, func(tx meta.Tx) error {
			if err := tx.PutSetting("a", []byte("1")); err != nil {
				return err
			}
			v, err := tx.Setting("a")
			equal(t, "setting", string(v), "1")
			return err
		})
	}},
	{"AFailedUpdateChangesNothingAndReturnsItsError", func(t *testing.T, s meta.Store) {
		mine := errors.New("mine")
		err := s.Update(t.Context(), func(tx meta.Tx) error {
			return first(tx.PutSetting("a", []byte("1")), tx.AddUsage(alice, 5, 5), mine)
		})
		if !errors.Is(err, mine) {
			t.Errorf("update gave %v, want the function's own error", err)
		}
		unchanged(t, s)
	}},
	{"ARefusalLeavesTheRestOfTheTransactionGood", func(t *testing.T, s meta.Store) {
		update(t, s, func(tx meta.Tx) error {
			if err := tx.InsertUser(user(12, "ALICE@example.net", 0)); !content.Is(err, content.LoginTaken) {
				t.Errorf("insert gave %v, want LoginTaken", err)
			}
			if _, err := tx.User(999); !content.Is(err, content.NotFound) {
				t.Errorf("get gave %v, want NotFound", err)
			}
			return tx.PutSetting("a", []byte("1"))
		})
		equal(t, "setting", setting(t, s, "a"), "1")
	}},
	{"ABrokenCallDoesNotCommitEvenIfItsErrorIsIgnored", func(t *testing.T, s meta.Store) {
		err := s.Update(t.Context(), func(tx meta.Tx) error {
			tx.PutSetting("a", []byte("1"))
			tx.InsertEnterprise(content.Enterprise{ID: enterprise, Name: "the id is taken"})
			tx.PutSetting("b", []byte("1"))
			return nil
		})
		if content.KindOf(err) != content.Internal || err == nil {
			t.Errorf("update gave %v, want an Internal error", err)
		}
		unchanged(t, s)
	}},
	{"ARowThatRefersToNothingFailsTheUpdate", func(t *testing.T, s meta.Store) {
		for name, fn := range map[string]func(tx meta.Tx) error{
			"an item without parent":  func(tx meta.Tx) error { return tx.InsertItem(folder(200, 999, "x", alice)) },
			"an item without owner":   func(tx meta.Tx) error { return tx.InsertItem(folder(200, aliceRoot, "x", 999)) },
			"a version without file":  func(tx meta.Tx) error { return tx.InsertVersion(file(200, 0, "x", alice, 1).Current) },
			"a session without owner": func(tx meta.Tx) error { return tx.InsertSession(session(1, 999)) },
			"a token without user":    func(tx meta.Tx) error { return tx.InsertToken(meta.Token{User: 999, App: app}) },
			"a token without app":     func(tx meta.Tx) error { return tx.InsertToken(meta.Token{User: alice, App: "none"}) },
			"a user without enterprise": func(tx meta.Tx) error {
				return tx.InsertUser(content.User{Person: content.Person{ID: 12, Login: "c"}, Enterprise: content.Enterprise{ID: 9}})
			},
		} {
			err := s.Update(t.Context(), func(tx meta.Tx) error { return first(tx.PutSetting("a", nil), fn(tx)) })
			if err == nil || content.KindOf(err) != content.Internal {
				t.Errorf("%s: update gave %v, want an Internal error", name, err)
			}
		}
		unchanged(t, s)
	}},
	{"APanicRollsBackAndGoesOn", func(t *testing.T, s meta.Store) {
		func() {
			defer func() {
				if p := recover(); p != "oh" {
					t.Errorf("recovered %v, want the function's own panic", p)
				}
			}()
			s.Update(t.Context(), func(tx meta.Tx) error {
				tx.PutSetting("a", []byte("1"))
				panic("oh")
			})
		}()
		func() {
			defer func() { recover() }()
			s.View(t.Context(), func(tx meta.Tx) error { panic("oh") })
		}()
		unchanged(t, s)
	}},
	{"AGoroutineThatEndsInItRollsBack", func(t *testing.T, s meta.Store) { // t.Fatal does that
		done := make(chan bool)
		go func() {
			defer close(done)
			s.Update(t.Context(), func(tx meta.Tx) error {
				tx.PutSetting("a", []byte("1"))
				runtime.Goexit()
				return nil
			})
		}()
		<-done
		unchanged(t, s)
	}},
	{"ACancelledUpdateRollsBack", func(t *testing.T, s meta.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		err := s.Update(ctx, func(tx meta.Tx) error {
			err := tx.PutSetting("a", []byte("1"))
			cancel()
			return err
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled at its end, update gave %v", err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		err = s.Update(ctx, func(tx meta.Tx) error {
			cancel()
			err := tx.PutSetting("a", []byte("1"))
			if !errors.Is(err, context.Canceled) {
				t.Errorf("after the cancellation, a call gave %v", err)
			}
			return err
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled in the middle, update gave %v", err)
		}
		unchanged(t, s)
	}},
	{"NothingRunsUnderAContextThatIsOver", func(t *testing.T, s meta.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := s.Update(ctx, func(meta.Tx) error { t.Error("the function ran"); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("update gave %v", err)
		}
		err = s.View(ctx, func(tx meta.Tx) error { _, err := tx.User(alice); return err })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("view gave %v", err)
		}
	}},
	{"WaitingForAnotherUpdateEndsWithTheContext", func(t *testing.T, s meta.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		update(t, s, func(tx meta.Tx) error {
			done := make(chan error)
			go func() {
				done <- s.Update(ctx, func(tx meta.Tx) error { return tx.PutSetting("b", nil) })
			}()
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("the waiting update gave %v", err)
			}
			return nil
		})
		unchanged(t, s)
	}},
	{"AViewChangesNothing", func(t *testing.T, s meta.Store) {
		err := s.View(t.Context(), func(tx meta.Tx) error { return tx.PutSetting("a", []byte("1")) })
		if err == nil {
			t.Error("a view could write")
		}
		unchanged(t, s)
	}},
	{"AViewReturnsItsFunctionsError", func(t *testing.T, s meta.Store) {
		mine := errors.New("mine")
		if err := s.View(t.Context(), func(meta.Tx) error { return mine }); !errors.Is(err, mine) {
			t.Errorf("view gave %v", err)
		}
	}},
	{"AViewSeesOneState", func(t *testing.T, s meta.Store) {
		update(t, s, func(tx meta.Tx) error { return tx.PutSetting("a", []byte("1")) })
		err := s.View(t.Context(), func(tx meta.Tx) error {
			before, err := tx.Setting("a")
			if err != nil {
				return err
			}
			update(t, s, func(tx meta.Tx) error { return tx.PutSetting("a", []byte("2")) })
			after, err := tx.Setting("a")
			equal(t, "setting after an update beside", string(after), string(before))
			return err
		})
		if err != nil {
			t.Error(err)
		}
		equal(t, "setting", setting(t, s, "a"), "2")
	}},
	{"ATransactionIsNoGoodOutsideItsFunction", func(t *testing.T, s meta.Store) {
		var kept meta.Tx
		update(t, s, func(tx meta.Tx) error { kept = tx; return nil })
		if err := kept.PutSetting("a", nil); err == nil {
			t.Error("an update's transaction still works after it")
		}
		get(t, s, func(tx meta.Tx) (int, error) { kept = tx; return 0, nil })
		if _, err := kept.User(alice); err == nil {
			t.Error("a view's transaction still works after it")
		}
		unchanged(t, s)
	}},
	{"PingWorks", func(t *testing.T, s meta.Store) {
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("ping: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Ping(ctx); err == nil {
			t.Error("ping under a context that is over worked")
		}
		unchanged(t, s)
	}},
	{"NothingWorksAfterClose", func(t *testing.T, s meta.Store) {
		if err := s.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
		if err := s.Update(t.Context(), func(meta.Tx) error { return nil }); err == nil {
			t.Error("update works after close")
		}
		if err := s.View(t.Context(), func(meta.Tx) error { return nil }); err == nil {
			t.Error("view works after close")
		}
		if err := s.Close(); err != nil {
			t.Errorf("closing again: %v", err)
		}
	}},
}

func setting(t *testing.T, s meta.Store, name string) string {
	t.Helper()
	return string(get(t, s, func(tx meta.Tx) ([]byte, error) { return tx.Setting(name) }))
}

// unchanged says that the store is as seed left it, and works.
func unchanged(t *testing.T, s meta.Store) {
	t.Helper()
	for _, name := range []string{"a", "b"} {
		missing(t, s, "setting "+name, func(tx meta.Tx) ([]byte, error) { return tx.Setting(name) })
	}
	u := get(t, s, func(tx meta.Tx) (content.User, error) { return tx.User(alice) })
	equal(t, "user", u, user(alice, "alice@example.net", aliceRoot))
	update(t, s, func(tx meta.Tx) error { return tx.PutSetting("later", nil) })
	setting(t, s, "later")
}
