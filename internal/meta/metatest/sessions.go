package metatest

import (
	"math/rand/v2"
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

func stored(t *testing.T, s meta.Store, n int) meta.Session {
	t.Helper()
	return get(t, s, func(tx meta.Tx) (meta.Session, error) { return tx.Session(sessionID(n)) })
}

func insert(t *testing.T, s meta.Store, all ...meta.Session) {
	t.Helper()
	update(t, s, func(tx meta.Tx) error {
		for _, ses := range all {
			if err := tx.InsertSession(ses); err != nil {
				return err
			}
		}
		return nil
	})
}

func numbers(all []meta.Session) (ids []content.SessionID) {
	for _, ses := range all {
		ids = append(ids, ses.ID)
	}
	return ids
}

func ids(ns ...int) (all []content.SessionID) {
	for _, n := range ns {
		all = append(all, sessionID(n))
	}
	return all
}

var sessions = []test{
	{"ASessionIsKeptWhole", func(t *testing.T, s meta.Store) {
		want := session(0xABCDEF, alice)
		want.File = 77
		want.Front = content.Front{N: 128, State: stateAt(128)}
		given := want
		given.Stored = 3 // not kept
		insert(t, s, given, session(2, bob))
		equal(t, "session", stored(t, s, 0xABCDEF), want)
		equal(t, "session", stored(t, s, 2), session(2, bob))
		other := session(3, bob)
		other.Manifest = want.Manifest
		refused(t, s, content.Internal, func(tx meta.Tx) error { return tx.InsertSession(other) }) // the manifest is another's
		missing(t, s, "session", func(tx meta.Tx) (meta.Session, error) { return tx.Session(sessionID(3)) })
		missing(t, s, "what is no session id", func(tx meta.Tx) (meta.Session, error) { return tx.Session("x") })
	}},
	{"UpdateReplacesWhatMayChange", func(t *testing.T, s meta.Store) {
		insert(t, s, session(1, alice), session(2, alice))
		want := session(1, alice)
		want.State, want.Reserved, want.Lease = content.Committing, 5, start.Add(time.Minute)
		want.Front = content.Front{N: 256, State: stateAt(256)}
		given := want
		given.Owner, given.File, given.Folder, given.Name, given.Manifest = bob, 9, 9, "other", 9 // not replaced
		given.Grid, given.CreatedAt, given.ExpiresAt = content.Grid{FileSize: 1, PartSize: 1}, start.Add(1), start.Add(1)
		update(t, s, func(tx meta.Tx) error { return tx.UpdateSession(given) })
		equal(t, "session", stored(t, s, 1), want)

		want.State, want.Reserved, want.Lease = content.Committed, 0, time.Time{}
		want.Front = content.Front{N: want.Grid.FileSize, Sum: sha1(4)} // back is allowed here, but this is further on
		want.SHA1, want.Version, want.Committed, want.Sequence = sha1(4), 71, 72, 73
		update(t, s, func(tx meta.Tx) error { return tx.UpdateSession(want) })
		equal(t, "session", stored(t, s, 1), want)

		want.State, want.Front = content.Aborted, content.Front{}
		update(t, s, func(tx meta.Tx) error { return tx.UpdateSession(want) })
		equal(t, "session", stored(t, s, 1), want)
		equal(t, "another session", stored(t, s, 2), session(2, alice))
		refused(t, s, content.NotFound, func(tx meta.Tx) error { return tx.UpdateSession(session(3, alice)) })
	}},
	{"TheFrontNeverGoesBack", func(t *testing.T, s meta.Store) {
		insert(t, s, session(1, alice))
		want := session(1, alice)
		set := func(f content.Front) {
			update(t, s, func(tx meta.Tx) error { return tx.SetFront(sessionID(1), f) })
		}
		for _, f := range []content.Front{{N: 64, State: stateAt(64)}, {N: 640, State: stateAt(640)}, {N: want.Grid.FileSize, Sum: sha1(1)}} {
			set(f)
			want.Front = f
			equal(t, "session", stored(t, s, 1), want)
			set(content.Front{N: f.N, State: stateAt(f.N + 64)})
			set(content.Front{N: f.N - 64, State: stateAt(f.N - 64)})
			equal(t, "session after one that is not further on", stored(t, s, 1), want)
		}
		refused(t, s, content.NotFound, func(tx meta.Tx) error { return tx.SetFront(sessionID(9), content.Front{N: 64}) })
	}},
	{"OpenSessionsAreCountedUntilTheyExpire", func(t *testing.T, s meta.Store) {
		now := start.Add(time.Hour)
		states := []content.SessionState{content.Open, content.Committing, content.Committed, content.Aborted, content.Expired}
		n := 0
		for _, state := range states {
			for _, expiry := range []time.Time{now.Add(-time.Microsecond), now, now.Add(time.Microsecond)} {
				n++
				ses := session(n, alice)
				ses.State, ses.ExpiresAt = state, expiry
				insert(t, s, ses)
			}
		}
		insert(t, s, session(99, bob))
		count := get(t, s, func(tx meta.Tx) (int64, error) { return tx.CountOpen(alice, now) })
		equal(t, "open sessions", count, int64(2)) // one open, one committing
		equal(t, "of nobody", get(t, s, func(tx meta.Tx) (int64, error) { return tx.CountOpen(999, now) }), int64(0))

		// However sessions end, and whatever is done twice, the count is that of the rows.
		random := rand.New(rand.NewPCG(5, 6))
		for range 300 {
			ses := session(1+random.IntN(n), alice)
			update(t, s, func(tx meta.Tx) error {
				old, err := tx.Session(ses.ID)
				switch {
				case content.Is(err, content.NotFound):
					ses.State, ses.ExpiresAt = states[random.IntN(len(states))], now.Add(time.Duration(random.IntN(3)-1)*time.Microsecond)
					return tx.InsertSession(ses)
				case err != nil:
					return err
				case random.IntN(3) == 0:
					if err := tx.DeleteSession(ses.ID); err != nil {
						return err
					}
					return tx.DeleteSession(ses.ID)
				}
				old.State = states[random.IntN(len(states))]
				return tx.UpdateSession(old)
			})
			want := get(t, s, func(tx meta.Tx) (want int64, err error) {
				for _, state := range states[:2] {
					open, err := tx.InState(state, "", 100)
					if err != nil {
						return 0, err
					}
					for _, ses := range open {
						if ses.Owner == alice && ses.ExpiresAt.After(now) {
							want++
						}
					}
				}
				return want, nil
			})
			equal(t, "open sessions", get(t, s, func(tx meta.Tx) (int64, error) { return tx.CountOpen(alice, now) }), want)
		}
	}},
	{"OverdueAndForgettableSplitAtTheExpiry", func(t *testing.T, s meta.Store) {
		now := start.Add(time.Hour)
		states := []content.SessionState{content.Open, content.Committing, content.Committed, content.Aborted, content.Expired}
		for i, state := range states {
			for j, expiry := range []time.Duration{1, 0, -1, -2} {
				ses := session(10*(i+1)+j, alice)
				// The later states expired earlier, so ids are against the order.
				ses.State, ses.ExpiresAt = state, now.Add(expiry*time.Second-time.Duration(max(0, -expiry)*time.Duration(i))*time.Microsecond)
				insert(t, s, ses)
			}
		}
		overdue := func(limit int) []meta.Session {
			return get(t, s, func(tx meta.Tx) ([]meta.Session, error) { return tx.Overdue(now, limit) })
		}
		all := overdue(100)
		equal(t, "overdue", numbers(all), ids(23, 13, 22, 12, 11, 21))
		equal(t, "first overdue", all[0], stored(t, s, 23))
		equal(t, "overdue, at most 3", numbers(overdue(3)), ids(23, 13, 22))

		forgettable := get(t, s, func(tx meta.Tx) ([]meta.Session, error) { return tx.Forgettable(now, 100) })
		seen := map[content.SessionID]bool{}
		for _, ses := range forgettable {
			seen[ses.ID] = true
		}
		for _, n := range []int{31, 32, 33, 41, 42, 43, 51, 52, 53} {
			if !seen[sessionID(n)] {
				t.Errorf("session %d can't be forgotten", n)
			}
		}
		equal(t, "number forgettable", len(forgettable), 9)
		two := get(t, s, func(tx meta.Tx) ([]meta.Session, error) { return tx.Forgettable(now, 2) })
		equal(t, "number forgettable, at most 2", len(two), 2)
	}},
	{"InStateGoesByID", func(t *testing.T, s meta.Store) {
		for n := 9; n > 0; n-- {
			ses := session(n, alice)
			if n%3 == 0 {
				ses.State = content.Committing
			}
			insert(t, s, ses)
		}
		in := func(state content.SessionState, after content.SessionID, limit int) []content.SessionID {
			return numbers(get(t, s, func(tx meta.Tx) ([]meta.Session, error) { return tx.InState(state, after, limit) }))
		}
		equal(t, "committing", in(content.Committing, "", 100), ids(3, 6, 9))
		equal(t, "committing, 2", in(content.Committing, "", 2), ids(3, 6))
		equal(t, "committing after 3", in(content.Committing, sessionID(3), 100), ids(6, 9))
		equal(t, "open after 4", in(content.Open, sessionID(4), 2), ids(5, 7))
		equal(t, "aborted", len(in(content.Aborted, "", 100)), 0)
	}},
	{"ASessionIsDeletedWithItsLogButNotItsParts", func(t *testing.T, s meta.Store) {
		insert(t, s, session(1, alice), session(2, alice))
		update(t, s, func(tx meta.Tx) error {
			return first(
				tx.AppendLog(sessionID(1), content.LogEvent{At: start, Event: "created"}),
				tx.AppendLog(sessionID(2), content.LogEvent{At: start, Event: "created"}),
				tx.InsertPart(session(1, alice).Manifest, part(0, 1)))
		})
		update(t, s, func(tx meta.Tx) error { return tx.DeleteSession(sessionID(1)) })
		missing(t, s, "deleted session", func(tx meta.Tx) (meta.Session, error) { return tx.Session(sessionID(1)) })
		for n, want := range []int64{0: 0, 1: 0, 2: 1} {
			got := get(t, s, func(tx meta.Tx) (int64, error) { return tx.CountLog(sessionID(n)) })
			equal(t, "number of log entries", got, want)
		}
		equal(t, "number of parts", count(t, s, session(1, alice).Manifest), int64(1))
		update(t, s, func(tx meta.Tx) error { return tx.DeleteSession(sessionID(1)) }) // not there: no error
	}},
	{"TheLogIsNumberedFromOne", func(t *testing.T, s meta.Store) {
		insert(t, s, session(1, alice), session(2, alice))
		p := part(3, 3).Part
		refusedPart := content.Part{Span: content.Span{Start: 5, End: 9}} // one that never got an id
		events := []content.LogEvent{
			{At: start, Event: "created", Status: 201},
			{At: start.Add(time.Second), Event: "part", Part: &p, Status: 200},
			{At: start.Add(time.Second), Event: "part", Part: &refusedPart, Status: 416, Code: "range_not_satisfiable", Message: "off the grid"},
			{At: start, Event: "commit", Status: 400, Code: "digest_mismatch"}, // a clock that goes back
		}
		var want []meta.LogEntry
		for i, e := range events {
			update(t, s, func(tx meta.Tx) error {
				return first(tx.AppendLog(sessionID(1), e), tx.AppendLog(sessionID(2), content.LogEvent{At: start, Event: "part_failure"}))
			})
			want = append(want, meta.LogEntry{N: int64(i + 1), LogEvent: e})
		}
		log := func(after int64, limit int) []meta.LogEntry {
			return get(t, s, func(tx meta.Tx) ([]meta.LogEntry, error) { return tx.Log(sessionID(1), after, limit) })
		}
		equal(t, "log", log(0, 100), want)
		equal(t, "log after 1", log(1, 2), want[1:3])
		equal(t, "log after 4", len(log(4, 100)), 0)
		equal(t, "count", get(t, s, func(tx meta.Tx) (int64, error) { return tx.CountLog(sessionID(1)) }), int64(4))
		refused(t, s, content.NotFound, func(tx meta.Tx) error {
			return tx.AppendLog(sessionID(9), content.LogEvent{At: start, Event: "part_failure"})
		})
	}},
}
