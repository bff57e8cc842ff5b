package httpapi_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"boxcar/internal/daemon"
)

// What some clients do and no other test here does: the end of
// conformance/REPLAYS.md.
func TestReplayCases(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *daemon.Config) { c.HTTP.Drain = 200 * time.Millisecond })
	c := w.client(t)
	data := noise(3 * partSize)

	c.run("Expect: 100-continue with a part that is small", func(t *testing.T) {
		s := w.create(t, "expect", data)
		stored := s.part(t, 0)
		other := noise(partSize)
		stranger := *w
		stranger.token = "x"
		for what, row := range map[string]struct {
			w      *wire
			path   string
			says   []string
			status int
		}{
			"doomed":           {w, s.path(""), []string{"Digest", "none", "Content-Range", s.span(1)}, 400},
			"in the way":       {w, s.path(""), s.says(0, other), 416},
			"identical":        {w, s.path(""), s.says(0, s.slot(0)), 200},
			"nobody's session": {w, "/2.0/files/upload_sessions/" + nobody, s.says(1, s.slot(1)), 404},
			"no token":         {&stranger, s.path(""), s.says(1, s.slot(1)), 401},
		} {
			for _, sends := range []bool{false, true} { // the body, all the same
				conn := dial(t, row.w)
				began := time.Now()
				conn.head("PUT", row.path, append(row.says, "Content-Length", fmt.Sprint(partSize), "Expect", "100-continue")...)
				if sends {
					conn.send(partSize, 0)
				}
				// Had 100 come, it would be read here.
				if r := conn.reply().want(row.status); !r.close {
					t.Errorf("%s: %v: want Connection: close", what, r)
				}
				if took := time.Since(began); took > 3*time.Second {
					t.Errorf("%s: the answer took %s", what, took)
				}
				conn.ended(3 * time.Second)
			}
		}
		conn := dial(t, w)
		for i := 1; i < 3; i++ {
			conn.head("PUT", s.path(""), append(s.says(i, s.slot(i)), "Content-Length", fmt.Sprint(partSize), "Expect", "100-continue")...)
			if line, err := conn.r.ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" {
				t.Fatalf("part %d: got %q, %v", i, line, err)
			}
			conn.r.ReadString('\n')
			conn.Write(s.slot(i))
			conn.reply().want(200)
		}
		if again := s.part(t, 0); again != stored {
			t.Errorf("part 0 was %+v and is %+v", stored, again)
		}
	})
	c.run("DELETE with {}, with an empty form, with nothing: 204", func(t *testing.T) {
		for what, request := range map[string]struct {
			body    any
			headers []string
		}{
			"{}":            {"{}", []string{"Content-Type", "application/json"}},
			"an empty form": {"", []string{"Content-Type", "application/x-www-form-urlencoded"}},
			"nothing":       {nil, nil},
			"no chunks":     {strings.NewReader(""), nil},
		} {
			s := w.create(t, "aborted", data)
			s.part(t, 0)
			c.ask("DELETE", uploadHost+"/files/upload_sessions/"+s.ID, request.body, request.headers...).empty(204)
			if r := w.do(t, "GET", s.path(""), nil); r.status != 404 {
				t.Errorf("%s: %v", what, r)
			}
		}
	})
	c.run("OPTIONS /files/content/ without any body: 400", func(t *testing.T) {
		for _, path := range []string{"/files/content/", "/files/content"} {
			for _, body := range []any{nil, "", strings.NewReader("")} {
				c.ask("OPTIONS", apiHost+path, body).refused(400, "missing_file_name")
			}
		}
	})
	c.run("folder items with usemarker=True and usemarker=true, a slash behind the path, to the last page", func(t *testing.T) {
		folder := w.folder(t, "0", "pages")
		want := []string{"a", "b", "c", "d"}
		for _, name := range want {
			w.put(t, folder, name, 1)
		}
		for _, form := range []string{"/items/?usemarker=True", "/items?usemarker=true", "/items/?usemarker=TRUE&fields=name"} {
			for _, limit := range []int{2, 3, 4} {
				var got []string
				for marker := ""; ; {
					r := c.ask("GET", fmt.Sprint(apiHost, "/folders/", folder, form, "&limit=", limit, marker), nil).needs(200, "entries array", "total_count null")
					var l listing
					r.decode(&l)
					got = append(got, l.names()...)
					if _, there := r.object()["next_marker"]; !there {
						break
					}
					if r.needs(200, "next_marker text"); len(got) > 4 {
						t.Fatalf("%v: it goes on behind %q", r, got)
					}
					marker = "&marker=" + *l.NextMarker
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s, limit %d: got %q", form, limit, got)
				}
			}
		}
	})
	c.run("a commit whose answer is lost, by a client that has gone before it was made", func(t *testing.T) {
		s, parts := w.sent(t, "lost", data)
		conn := dial(t, w)
		body := toJSON(t, fields{"parts": parts})
		conn.head("POST", s.path("/commit"), "Content-Length", fmt.Sprint(len(body)), "Digest", digestOf(data))
		conn.Write(body)
		conn.Close() // whether it is made by now or not
		f := s.commit(t, parts).file()
		if n := w.pastVersions(t, f.ID); n != 0 || f.Etag != "0" {
			t.Errorf("%+v has %d past versions", f, n)
		}
	})
	c.run("a part of chunks that stops short or goes on: refused, and the slot stays free", func(t *testing.T) {
		s := w.create(t, "chunks", data)
		for _, b := range [][]byte{s.slot(1)[1:], append(slices.Clone(s.slot(1)), 0)} {
			c.ask("PUT", uploadHost+"/files/upload_sessions/"+s.ID, io.Reader(strings.NewReader(string(b))), s.says(1, s.slot(1))...).refused(400, "request_size_mismatch")
		}
		s.commit(t, s.parts(t)).file()
	})
}
