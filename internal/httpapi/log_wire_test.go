package httpapi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// logged is an entry of a session's own log.
type logged struct {
	At      time.Time
	Event   string
	PartID  string `json:"part_id"`
	Offset  *int64
	Size    *int64
	SHA1    string
	Status  int
	Code    string
	Message string
}

// short is the entry without what differs from run to run.
func (e logged) short() string {
	s := fmt.Sprint(e.Event, " ", e.Status, " ", e.Code)
	if e.Offset != nil && e.Size != nil {
		s += fmt.Sprintf(" %d+%d", *e.Offset, *e.Size)
	}
	return s
}

// log is a page of the session's log.
func (s *session) log(t testing.TB, query string) (entries []logged, next *string) {
	t.Helper()
	r := s.w.do(t, "GET", s.path("/log")+query, nil).want(200)
	checkKeys(t, "a log", r.object(), "entries next_marker")
	var page struct {
		Entries    []logged
		NextMarker *string `json:"next_marker"`
	}
	r.decode(&page)
	if page.Entries == nil {
		t.Errorf("%v: want an array", r)
	}
	return page.Entries, page.NextMarker
}

func TestLogEvent(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	data := noise(10)
	report := func(s *session, body any) *reply { return w.do(t, "POST", s.path("/log"), body) }
	open := w.create(t, "open", data)

	for _, event := range []string{
		"part_failure", "create_session_misc_error", "create_session_retries_exceeded", "file_changed_during_upload", "part_upload_retries_exceeded",
		"part_digest_retries_exceeded", "commit_retries_exceeded", "web_worker_error", "file_reader_received_not_found_error", "never heard of",
	} {
		t.Run("9.1 event_type "+event+": 204", func(t *testing.T) {
			report(open, fields{"event_type": event, "event_info": `{"message":"<b>&"}`}).empty(204)
			entries, _ := open.log(t, "")
			if last := entries[len(entries)-1]; last.Event != event || last.Message != `{"message":"<b>&"}` {
				t.Errorf("logged %+v", last)
			}
		})
	}
	t.Run("9.1 event_info is optional", func(t *testing.T) {
		report(open, fields{"event_type": "part_failure"}).empty(204)
		report(open, fields{"event_type": "part_failure", "event_info": nil, "more": 1}).empty(204)
	})
	t.Run("9.1 the body is capped at 64 KiB: 413 request_entity_too_large", func(t *testing.T) {
		body := func(n int) string {
			const frame = `{"event_type":"x","event_info":""}`
			return strings.Replace(frame, `""`, `"`+strings.Repeat("i", n-len(frame))+`"`, 1)
		}
		report(open, body(64<<10)).empty(204)
		report(open, body(64<<10+1)).refused(413, "request_entity_too_large")
		report(open, strings.NewReader(body(64<<10+1))).refused(413, "request_entity_too_large")
	})
	t.Run("9.1 a body that is not JSON: 400 invalid_json", func(t *testing.T) {
		report(open, "{").refused(400, "invalid_json")
		report(open, fields{"event_type": fields{}}).refused(400, "bad_request")
	})

	committed, parts := w.sent(t, "committed", data)
	committed.commit(t, parts).file()
	aborted := w.create(t, "aborted", data)
	w.do(t, "DELETE", aborted.path(""), nil).empty(204)
	other := w.user(t, "other@example.net", 0)
	theirs := &session{w: other, ID: open.ID}
	t.Run("9.1 other user: 403 forbidden, reading too", func(t *testing.T) {
		before, _ := open.log(t, "")
		for _, method := range []string{"POST", "GET"} {
			other.do(t, method, theirs.path("/log"), fields{"event_type": "x"}).refused(403, "forbidden")
		}
		if after, _ := open.log(t, ""); len(after) != len(before) {
			t.Errorf("the log grew from %d to %d entries", len(before), len(after))
		}
	})
	t.Run("9.1 a session that never was: 404 not_found, and no id: 400 invalid_upload_session_id", func(t *testing.T) {
		for _, method := range []string{"POST", "GET"} {
			w.do(t, method, "/2.0/files/upload_sessions/"+nobody+"/log", fields{"event_type": "x"}).refused(404, "not_found")
			w.do(t, method, "/2.0/files/upload_sessions/"+nobody[1:]+"/log", fields{"event_type": "x"}).refused(400, "invalid_upload_session_id")
		}
	})
	states := func(t *testing.T, sessions map[string]*session) {
		for state, s := range sessions {
			t.Run("9.1 any state: "+state, func(t *testing.T) {
				report(s, fields{"event_type": "in any state"}).empty(204)
				entries, _ := s.log(t, "")
				if last := entries[len(entries)-1]; last.Event != "in any state" {
					t.Errorf("logged %+v", last)
				}
			})
		}
	}
	states(t, map[string]*session{"open": open, "committed": committed, "aborted": aborted})
	w.Clock.Add(7*24*time.Hour + time.Second)
	states(t, map[string]*session{"expired": open})
	w.Chores(t.Context())
	states(t, map[string]*session{"expired and swept": open, "committed long ago": committed, "aborted long ago": aborted})
}

func TestSessionLog(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	data := noise(partSize + 9)
	f := w.upload(t, "logged", data)
	began := w.Clock.Now().Truncate(time.Second)

	s := w.createVersion(t, f.ID, data)
	p0 := s.part(t, 0)
	s.put(t, 1, "Digest", digestOf(nil)).refused(400, "digest_mismatch")
	w.do(t, "PUT", s.path(""), data[partSize:len(data)-1], s.says(1, data[partSize:])...).refused(400, "request_size_mismatch")
	s.put(t, 0, "Digest", digestOf(nil)).refused(416, "range_overlaps_existing_part")
	s.put(t, 1, "Content-Range", contentRange(1, 9, int64(len(data)))).refused(416, "range_not_satisfiable")
	s.commit(t, []part{p0}).refused(400, "parts_mismatch")
	hits, _ := s.plan(t, s.offers()[1:])
	all := append([]part{p0}, s.planned(hits)...)
	s.commit(t, all, "If-Match", "77").refused(412, "precondition_failed")
	s.commit(t, all, "Digest", digestOf(nil)).refused(400, "digest_mismatch")
	s.commit(t, all, "Digest", "md5=x").refused(400, "bad_request")
	w.do(t, "POST", s.path("/commit"), []byte("{"), "Digest", digestOf(data)).refused(400, "invalid_json")
	w.do(t, "POST", s.path("/log"), fields{"event_type": "commit_retries_exceeded", "event_info": "{}"}).empty(204)
	taken := s.commitWith(t, fields{"parts": all, "attributes": fields{"name": w.simple(t, "taken", "x").file().Name}}).refused(409, "item_name_in_use")
	s.commit(t, all).file()

	entries, next := s.log(t, "")
	t.Run("9.1 created, parts, plan, commits and why they failed, client events", func(t *testing.T) {
		var got []string
		for _, e := range entries {
			got = append(got, e.short())
		}
		want := []string{
			"created 201 ",
			"part 200  0+1024",
			"part 400 digest_mismatch 1024+9",
			"part 400 request_size_mismatch 1024+9",
			"part 416 range_overlaps_existing_part 0+1024",
			"part 416 range_not_satisfiable 1+9",
			"commit 400 parts_mismatch",
			"plan 200 ",
			"commit 412 precondition_failed",
			"commit 400 digest_mismatch",
			"commit 400 bad_request",
			"commit 400 invalid_json",
			"commit_retries_exceeded 0 ",
			"commit 409 item_name_in_use",
			"commit 201 ",
		}
		if !slices.Equal(got, want) {
			t.Errorf("logged\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if next != nil {
			t.Errorf("next_marker %q, want null", *next)
		}
	})
	t.Run("9.1 each part with time, size, digest and outcome", func(t *testing.T) {
		for _, e := range entries {
			if e.At.Before(began) || e.At.After(w.Clock.Now()) {
				t.Errorf("%s at %s, and the test began at %s", e.short(), e.At, began)
			}
			if e.Event == "part" && (e.SHA1 == "" || e.Size == nil || e.Offset == nil || e.Status == 0) {
				t.Errorf("part without all it should have: %+v", e)
			}
		}
		if e := entries[1]; e.PartID != p0.PartID || e.SHA1 != p0.SHA1 {
			t.Errorf("logged %+v, want %+v", e, p0)
		}
		if e := entries[2]; e.PartID != "" || e.SHA1 != sha1Of(nil) || !strings.Contains(e.Message, sha1Of(data[partSize:])) {
			t.Errorf("logged %+v, want the digest that was said and the one that was found", e)
		}
	})
	t.Run("9.1 the message is what the client was told", func(t *testing.T) {
		want := fmt.Sprintf("File digest was incorrect. Actual: %s Expected: %s", digestOf(data)[4:], digestOf(nil)[4:])
		if e := entries[9]; e.Message != want {
			t.Errorf("message %q, want %q", e.Message, want)
		}
		if e := entries[13]; e.Message != taken.Message {
			t.Errorf("message %q, want %q", e.Message, taken.Message)
		}
	})
	t.Run("9.1 entries have no other keys", func(t *testing.T) {
		for _, e := range w.do(t, "GET", s.path("/log"), nil).object()["entries"].([]any) {
			for key := range e.(map[string]any) {
				if !slices.Contains(strings.Fields("at event part_id offset size sha1 status code message"), key) {
					t.Errorf("%v: there is no %s", e, key)
				}
			}
		}
	})
	t.Run("9.1 next_marker leads through all entries, one page after the other", func(t *testing.T) {
		for _, limit := range []int{1, 4, len(entries), 5000} {
			var got []logged
			query := fmt.Sprint("?limit=", limit)
			for marker := ""; ; {
				page, next := s.log(t, query+marker)
				got = append(got, page...)
				if next == nil {
					break
				}
				if len(page) != limit {
					t.Fatalf("a page of %d entries before the last, want %d", len(page), limit)
				}
				marker = "&marker=" + *next
			}
			if fmt.Sprint(toJSON(t, got)) != fmt.Sprint(toJSON(t, entries)) {
				t.Errorf("limit %d: got %v", limit, got)
			}
		}
	})
	t.Run("9.1 limit and marker that are none: 400", func(t *testing.T) {
		for _, limit := range []string{"0", "-1", "x", "1.5"} {
			w.do(t, "GET", s.path("/log?limit=")+limit, nil).refused(400, "invalid_limit")
		}
		w.do(t, "GET", s.path("/log?marker=x"), nil).refused(400, "bad_request")
		w.do(t, "GET", s.path("/log?limit=&marker="), nil).want(200)
	})
}
