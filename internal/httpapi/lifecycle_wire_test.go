package httpapi_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"boxcar/internal/content"
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
		inFiles(c)
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
			g.open()
			t.Fatalf("the commit does not wait for the hash: %v", wait(t, c))
		}
	}
}

// wait is the reply that comes, if the request does not fail.
func wait(t *testing.T, c <-chan *reply) *reply {
	t.Helper()
	r := <-c
	if r == nil {
		t.FailNow()
	}
	return r
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

// check has one subtest for each cell but those that are zero. prepare makes a
// session in the state, or gives the same one again, where asking does not
// change it, and its parts.
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
		if c.cell == (cell{}) {
			continue
		}
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
	t.Parallel()
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

	t.Run("committing", func(t *testing.T) {
		s, parts, first := hold(t, w, g, "held")
		held := func(*testing.T) (*session, []part) { return s, parts }
		row{get: ok, same: ok, other: conflict, parts: ok, abort: conflict, log: done, plan: conflict}.check(t, w, "committing", held)
		all(403, "forbidden").check(t, bob, "other user, committing", held)
		t.Run("8.2 committing, PUT part: identical 200, else 409 conflict, off the grid too", func(t *testing.T) {
			size := int64(len(s.data))
			for _, r := range []string{contentRange(1, 9, size), contentRange(0, partSize-1, size+1), contentRange(size, size-1, size)} {
				s.put(t, 0, "Content-Range", r).refused(409, "conflict")
			}
		})

		second := make(chan *reply, 1)
		go func() {
			defer close(second)
			second <- s.commit(t, parts)
		}()
		select {
		case r := <-second:
			t.Errorf("8.2 committing, commit: want it to wait, got %v", r)
		case <-time.After(100 * time.Millisecond):
		}
		g.open()
		one, two := wait(t, first).file(), wait(t, second).file()
		if one.SHA1 != sha1Of(s.data) || one != two {
			t.Errorf("8.2 committing, commit: wait, then 201: got %+v and %+v", one, two)
		}
	})
}

func TestPendingCommit(t *testing.T) {
	t.Parallel()
	w, g := gated(t, 100*time.Millisecond)
	s, parts, first := hold(t, w, g, "a")
	pending := func(r *reply) {
		t.Helper()
		r.empty(202)
		if r.header.Get("Retry-After") != "1" || r.header.Get("Content-Length") != "0" {
			t.Errorf("7.4: %v: want Retry-After 1 and Content-Length 0", r)
		}
	}
	pending(wait(t, first))
	pending(s.commit(t, parts)) // 8.2 committing, commit: wait, then 202
	var now session
	w.do(t, "GET", s.path(""), nil).want(200).decode(&now)
	if now.NumPartsProcessed != 2 {
		t.Errorf("4: %d parts are processed after a 202, want all 2", now.NumPartsProcessed)
	}
	w.do(t, "DELETE", s.path(""), nil).refused(409, "conflict")
	g.open()
	r := s.commit(t, parts)
	for end := time.Now().Add(10 * time.Second); r.status == 202 && time.Now().Before(end); {
		r = s.commit(t, parts)
	}
	if f := r.file(); f.SHA1 != sha1Of(s.data) {
		t.Errorf("committed %+v", f)
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	w := start(t, inFiles)
	type made struct {
		s     *session
		parts []part
	}
	begin := func(t *testing.T, name string) made {
		t.Helper()
		s := w.create(t, name, noise(2*partSize))
		return made{s, s.parts(t)}
	}
	expired, swept, committed, aborted := begin(t, "expired"), begin(t, "swept"), begin(t, "committed"), begin(t, "aborted")
	tombstone := committed.s.commit(t, committed.parts).file()
	w.do(t, "DELETE", aborted.s.path(""), nil).empty(204)
	bob := w.user(t, "bob@example.net", 0)
	is := func(m made) func(*testing.T) (*session, []part) {
		return func(*testing.T) (*session, []part) { return m.s, m.parts }
	}
	// until turns the clock to a time before or after the session's expiry.
	until := func(m made, after time.Duration) {
		t.Helper()
		at, err := time.Parse(time.RFC3339, m.s.SessionExpiresAt)
		if err != nil {
			t.Fatal(err)
		}
		w.Clock.Add(at.Add(after).Sub(w.Clock.Now()))
	}

	const margin = time.Minute // the clock goes on while the test runs
	until(expired, -margin)
	var later made
	t.Run("3.2 a session lives for 7 days", func(t *testing.T) {
		w.Chores(t.Context())
		w.do(t, "GET", expired.s.path(""), nil).want(200)
		expired.s.put(t, 0).want(200)
		later = begin(t, "opened later")
	})
	until(aborted, 0)

	ok, done := cell{status: 200}, cell{status: 204}
	late, gone := cell{410, "session_expired"}, cell{404, "not_found"}
	whenExpired := row{get: late, same: late, other: late, parts: late, commit: late, abort: done, log: done, plan: late}
	whenCommitted := row{get: ok, same: ok, other: cell{416, "range_overlaps_existing_part"}, parts: ok, commit: cell{status: 201}, abort: done, log: done, plan: cell{409, "conflict"}}
	whenAborted := row{get: gone, same: gone, other: gone, parts: gone, commit: gone, abort: done, log: done, plan: gone}
	remembered := func(t *testing.T, when string) {
		whenExpired.check(t, w, "expired, "+when, is(expired))
		whenCommitted.check(t, w, "committed, "+when, is(committed))
		whenAborted.check(t, w, "aborted, "+when, is(aborted)) // never turns 410
		all(403, "forbidden").check(t, bob, "other user, expired, "+when, is(expired))
	}
	remembered(t, "at once")
	w.Chores(t.Context())
	whenExpired.check(t, w, "expired, nothing asked before the sweep", is(swept))
	remembered(t, "after a sweep")
	t.Run("8.2 expired: its part data goes", func(t *testing.T) {
		if n := blobs(t, w); n != 4 {
			t.Errorf("%d blobs for a file and an open session of two parts each", n)
		}
		w.do(t, "GET", later.s.path(""), nil).want(200)
	})

	until(expired, content.Remembered-margin)
	w.Chores(t.Context())
	remembered(t, "until 7 days past session_expires_at")

	until(aborted, content.Remembered)
	for _, when := range []string{"at once", "after a sweep"} {
		for what, m := range map[string]made{"expired": expired, "committed": committed, "aborted": aborted} {
			all(404, "not_found").check(t, w, "forgotten ("+what+"), "+when, is(m))
		}
		all(404, "not_found").check(t, bob, "forgotten, other user, "+when, is(expired))
		w.Chores(t.Context())
	}
	var f file
	w.do(t, "GET", "/2.0/files/"+tombstone.ID, nil).want(200).decode(&f)
	if f.SHA1 != tombstone.SHA1 {
		t.Errorf("the file became %+v", f)
	}
}

func TestAbort(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *daemon.Config) { c.Quota = new(int64(4 * partSize)) })
	data := noise(2 * partSize)

	t.Run("8.1 DELETE: 204, empty body; parts are discarded", func(t *testing.T) {
		s := w.create(t, "a", data)
		s.parts(t)
		w.do(t, "DELETE", s.path(""), nil).empty(204)
		for end := time.Now().Add(5 * time.Second); blobs(t, w) != 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d blobs are left", blobs(t, w))
			}
		}
		w.do(t, "GET", s.path(""), nil).refused(404, "not_found")
	})
	t.Run("8.1 DELETE gives back what the session had of the quota", func(t *testing.T) {
		for range 3 {
			s := w.create(t, "a", noise(4*partSize))
			w.do(t, "DELETE", s.path(""), nil).empty(204)
			w.do(t, "DELETE", s.path(""), nil).empty(204) // twice gives back once
		}
		w.open(t, "", fields{"folder_id": "0", "file_name": "a", "file_size": 4*partSize + 1}).refused(403, "storage_limit_exceeded")
	})
	t.Run("8.1 DELETE with a body: read and ignored", func(t *testing.T) {
		for _, body := range []string{"{}", "not JSON", `{"parts":[]}`, strings.Repeat(" ", 100_000)} {
			w.do(t, "DELETE", w.create(t, "a", data).path(""), body, "Content-Type", "application/json").empty(204)
		}
	})
	t.Run("8.1 an aborted session's name is free, as its bytes are", func(t *testing.T) {
		s := w.create(t, "a", data)
		s.parts(t)
		w.do(t, "DELETE", s.path(""), nil).empty(204)
		w.create(t, "a", data).parts(t)
	})
	t.Run("8.1 after commit: 204, the file is untouched", func(t *testing.T) {
		s := w.create(t, "b", data)
		parts := s.parts(t)
		f := s.commit(t, parts).file()
		for range 2 {
			w.do(t, "DELETE", s.path(""), nil).empty(204)
		}
		w.Chores(t.Context())
		var now file
		w.do(t, "GET", "/2.0/files/"+f.ID, nil).want(200).decode(&now)
		if now != f {
			t.Errorf("%+v became %+v", f, now)
		}
		where := w.do(t, "GET", "/2.0/files/"+f.ID+"/content", nil).want(302).header.Get("Location")
		if r := w.do(t, "GET", where, nil).want(200); string(r.body) != string(data) {
			t.Errorf("the content became %d other bytes", len(r.body))
		}
		s.commit(t, parts).file() // still a tombstone
	})
}
