package httpapi_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"boxcar/internal/daemon"
	"boxcar/internal/vfs"
)

// gate is a disk whose blobs can't be opened while it is shut: hashing what is
// stored waits, and with it a commit that needs the hash.
type gate struct {
	vfs.FS
	mu sync.Mutex
	on chan struct{} // closed to open it; nil while it is open
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.on = make(chan struct{})
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.on != nil {
		close(g.on)
		g.on = nil
	}
}

func (g *gate) Open(name string) (vfs.File, error) {
	g.mu.Lock()
	on := g.on
	g.mu.Unlock()
	if on != nil && strings.HasPrefix(name, "blobs/") {
		<-on
	}
	return g.FS.Open(name)
}

// gated starts a server with a gate, which is open. A commit that waits for
// the hash answers 202 after patience.
func gated(t *testing.T, patience time.Duration) (*wire, *gate) {
	t.Helper()
	var g *gate
	w := start(t, func(c *daemon.Config) {
		g = &gate{FS: vfs.Dir(c.Data)}
		c.FS, c.Uploads.Commit = g, patience
	})
	t.Cleanup(g.open) // before the server stops, which waits for the hash
	return w, g
}

// hold opens a session of two parts and has a commit of it wait at the gate,
// which is shut for that. The reply comes once the gate has been opened.
func hold(t *testing.T, w *wire, g *gate, name string) (s *session, parts []part, committed <-chan *reply) {
	t.Helper()
	g.shut()
	s = w.create(t, name, noise(2*partSize))
	// The second part comes first, so that it has to be read back for the
	// hash of the whole.
	parts = []part{1: s.part(t, 1)}
	parts[0] = s.part(t, 0)
	c := make(chan *reply, 1)
	go func() {
		defer close(c)
		c <- s.commit(t, parts)
	}()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		// Only a session that is being committed refuses this with 409.
		if w.do(t, "PUT", s.path(""), s.slot(0), s.says(0, make([]byte, partSize))...).status == 409 {
			return s, parts, c
		}
		if time.Now().After(end) {
			t.Fatal("the commit does not wait for the hash")
		}
	}
}

// cell is what one state answers on one route.
type cell struct {
	status int
	code   string
}

// row is a line of the table in 8.2, by its columns.
type row struct {
	get, same, other, parts, commit, abort, log, plan cell
}

// all is a row with the same answer everywhere.
func all(status int, code string) row {
	c := cell{status, code}
	return row{c, c, c, c, c, c, c, c}
}

// check has one subtest for each cell. prepare makes a session in the state,
// or gives the same one again if asking does not change it; parts are what it
// has or had, of a file whose parts are all stored but for the last, if open.
func (want row) check(t *testing.T, w *wire, state string, prepare func(*testing.T) (*session, []part)) {
	for _, c := range []struct {
		column string
		cell
		ask func(*testing.T, *session, []part) *reply
	}{
		{"GET status", want.get, func(t *testing.T, s *session, _ []part) *reply {
			return w.do(t, "GET", s.path(""), nil)
		}},
		{"PUT part: identical", want.same, func(t *testing.T, s *session, _ []part) *reply {
			return w.do(t, "PUT", s.path(""), s.slot(0), s.says(0, s.slot(0))...)
		}},
		{"PUT part: other bytes", want.other, func(t *testing.T, s *session, _ []part) *reply {
			other := make([]byte, partSize)
			return w.do(t, "PUT", s.path(""), other, s.says(0, other)...)
		}},
		{"GET parts", want.parts, func(t *testing.T, s *session, _ []part) *reply {
			return w.do(t, "GET", s.path("/parts"), nil)
		}},
		{"commit", want.commit, func(t *testing.T, s *session, parts []part) *reply {
			return w.do(t, "POST", s.path("/commit"), fields{"parts": parts}, "Digest", digestOf(s.data))
		}},
		{"log", want.log, func(t *testing.T, s *session, _ []part) *reply {
			return w.do(t, "POST", s.path("/log"), fields{"event_type": "part_failure", "event_info": "{}"})
		}},
		{"plan", want.plan, func(t *testing.T, s *session, _ []part) *reply {
			return w.do(t, "POST", s.path("/plan"), fields{"parts": []fields{{"offset": 0, "size": partSize, "sha512": strings.Repeat("0", 128)}}})
		}},
		{"DELETE", want.abort, func(t *testing.T, s *session, _ []part) *reply {
			return w.do(t, "DELETE", s.path(""), nil)
		}},
		{"DELETE again", want.abort, func(t *testing.T, s *session, _ []part) *reply {
			w.do(t, "DELETE", s.path(""), nil)
			return w.do(t, "DELETE", s.path(""), nil)
		}},
	} {
		name := fmt.Sprintf("8.2 %s, %s: %d %s", state, c.column, c.status, c.code)
		t.Run(strings.TrimSuffix(name, " "), func(t *testing.T) {
			s, parts := prepare(t)
			r := c.ask(t, s, parts)
			switch {
			case c.status >= 400:
				r.refused(c.status, c.code)
			case c.status == 204:
				r.empty(204)
			default:
				r.want(c.status)
			}
		})
	}
}

func TestLifecycle(t *testing.T) {
	w, g := gated(t, 50*time.Second)
	bob := w.user(t, "bob@example.net", 0)
	n := 0
	open := func(t *testing.T) (*session, []part) {
		t.Helper()
		n++
		s := w.create(t, fmt.Sprint("file ", n), noise(2*partSize))
		return s, s.parts(t)
	}
	committed := func(t *testing.T) (*session, []part) {
		t.Helper()
		s, parts := open(t)
		s.commit(t, parts).file()
		return s, parts
	}
	aborted := func(t *testing.T) (*session, []part) {
		t.Helper()
		s, parts := open(t)
		w.do(t, "DELETE", s.path(""), nil).empty(204)
		return s, parts
	}

	ok, done := cell{status: 200}, cell{status: 204}
	conflict, overlap := cell{409, "conflict"}, cell{416, "range_overlaps_existing_part"}
	gone := cell{404, "not_found"}
	whenOpen := row{get: ok, same: ok, other: overlap, parts: ok, commit: cell{status: 201}, abort: done, log: done, plan: ok}
	whenCommitted := row{get: ok, same: ok, other: overlap, parts: ok, commit: cell{status: 201}, abort: done, log: done, plan: conflict}
	whenAborted := row{get: gone, same: gone, other: gone, parts: gone, commit: gone, abort: done, log: done, plan: gone}

	whenOpen.check(t, w, "open", open)
	whenCommitted.check(t, w, "committed (tombstone)", committed)
	whenAborted.check(t, w, "aborted", aborted)

	never := func(*testing.T) (*session, []part) {
		return &session{w: w, ID: nobody, PartSize: partSize, data: noise(2 * partSize)}, []part{}
	}
	all(404, "not_found").check(t, w, "never existed", never)
	for _, id := range []string{"x", "0", nobody[1:], nobody + "0", "G" + nobody[1:], nobody[:31] + "-", "%20" + nobody[1:], nobody[:31] + "é"} {
		malformed := func(*testing.T) (*session, []part) {
			return &session{w: w, ID: id, PartSize: partSize, data: noise(2 * partSize)}, []part{}
		}
		all(400, "invalid_upload_session_id").check(t, w, fmt.Sprintf("malformed id %q", id), malformed)
	}

	all(403, "forbidden").check(t, bob, "other user, open", open)
	all(403, "forbidden").check(t, bob, "other user, committed", committed)
	all(403, "forbidden").check(t, bob, "other user, aborted", aborted)

	t.Run("8.2 committing", func(t *testing.T) {
		s, parts, first := hold(t, w, g, "held")
		held := func(*testing.T) (*session, []part) { return s, parts }
		whenCommitting := row{get: ok, same: ok, other: conflict, parts: ok, abort: conflict, log: done, plan: conflict}
		released := false
		whenCommitting.commit = cell{status: 201}
		whenCommitting.checkHeld(t, w, held, func() {
			released = true
			g.open()
		})
		all(403, "forbidden").check(t, bob, "other user, committing", held)
		if !released {
			t.Fatal("nobody opened the gate")
		}
		if f := (<-first).file(); f.SHA1 != sha1Of(s.data) {
			t.Errorf("committed %+v", f)
		}
	})
}
