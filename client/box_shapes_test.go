package client

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// jsonReply is an answer word by word.
func jsonReply(status int, text string, more ...string) *http.Response {
	r := refusal(status, "", more...)
	return &http.Response{StatusCode: status, Header: r.Header, Body: refusalText(status, text).Body}
}

// TestShapesOfBox answers as Box has been seen to, or says that it might, and boxcar
// itself never does. Each shape comes in answer to the first request of a kind; Box
// is what it was after that.
func TestShapesOfBox(t *testing.T) {
	const id = "0000000000000000000000000000000A"
	lean := func(code string) string {
		return fmt.Sprintf(`{"code":%q,"message":"m","request_id":"r1"}`, code)
	}
	done := func(err error) bool { return err == nil }
	refused := func(status int, code string) func(error) bool {
		return func(err error) bool {
			var e *Error
			return errors.As(err, &e) && e.Status == status && e.Code == code
		}
	}
	// With the session left to go on with, or without.
	resumable := func(is func(error) bool, want bool) func(error) bool {
		return func(err error) bool {
			var u *UploadError
			return is(err) && errors.As(err, &u) && u.Resumable == want
		}
	}
	page := "<html><head><title>503 Service Temporarily Unavailable</title></head></html>"
	for _, c := range []struct {
		name  string
		kind  string
		shape *http.Response
		stays bool // it is answered so each time
		after bool // what was asked for is done all the same
		gone  int  // the session is then, with that status
		ends  func(error) bool
		calls string // how many of which kinds there are, as "create 2"
		waits time.Duration
		old   bool // a new version of a file
	}{
		// 3.5 and 10.5: create.
		{name: "session_conflict without a session", kind: "create", shape: jsonReply(409, lean("session_conflict")), ends: refused(409, "session_conflict"), calls: "create 1"},
		{name: "session_conflict with a session of another size", kind: "create", ends: func(err error) bool { return err != nil && strings.Contains(err.Error(), "does not fit") }, calls: "part 0",
			shape: jsonReply(409, `{"code":"session_conflict","context_info":{"session":{"id":"`+id+`","type":"upload_session","part_size":1000,"total_parts":3,"num_parts_processed":1}}}`)},
		{name: "a name that is reserved for a moment", kind: "create", shape: jsonReply(409, lean("name_temporarily_reserved")), ends: done, calls: "create 2"},
		{name: "an operation that is blocked for a moment", kind: "create", shape: jsonReply(409, lean("operation_blocked_temporary"), "Retry-After", "4"), ends: done, calls: "create 2", waits: 4 * time.Second},
		{name: "too_many_requests", kind: "create", shape: jsonReply(429, lean("too_many_requests"), "Retry-After", "8"), ends: done, calls: "create 2", waits: 8 * time.Second},
		{name: "429 without a word", kind: "create", shape: refusal(429, ""), ends: done, calls: "create 2"},
		{name: "terms of service", kind: "create", shape: jsonReply(400, lean("terms_of_service_required")), ends: refused(400, "terms_of_service_required"), calls: "create 1"},
		{name: "password reset", kind: "create", shape: jsonReply(400, lean("password_reset_required")), ends: refused(400, "password_reset_required"), calls: "create 1"},
		{name: "insufficient_scope with no body", kind: "create", shape: refusal(403, "", "WWW-Authenticate", `Bearer realm="Service", error="insufficient_scope"`), ends: IsForbidden, calls: "create 1"},
		{name: "a location that is blocked", kind: "create", shape: jsonReply(403, lean("access_from_location_blocked")), ends: refused(403, "access_from_location_blocked"), calls: "create 1"},
		{name: "a folder that is not there", kind: "create", ends: refused(404, "not_found"), calls: "create 1",
			shape: jsonReply(404, `{"type":"error","status":404,"code":"not_found","context_info":{"errors":[{"reason":"invalid_parameter","name":"item","message":"Invalid value 'd_990017'."}]},"message":"Not Found","request_id":"r1"}`)},
		{name: "storage that is full, of the application", kind: "create", shape: jsonReply(403, lean("pending_app_folder_size_limit")), ends: refused(403, "pending_app_folder_size_limit"), calls: "create 1"},
		{name: "507", kind: "create", shape: refusal(507, ""), ends: refused(507, ""), calls: "create 1"},
		{name: "a page of a gateway", kind: "create", shape: refusalText(503, page), ends: done, calls: "create 2"},
		{name: "a page of a gateway that calls itself well", kind: "create", shape: refusalText(200, page), ends: done, calls: "create 2"},
		{name: "a redirect", kind: "create", shape: refusal(307, "", "Location", "https://elsewhere.example/"), ends: refused(307, ""), calls: "create 1"},

		// 5.3 and 10.5: parts.
		{name: "412 for a digest", kind: "part", shape: refusal(412, ""), ends: done, calls: "part 11"},
		{name: "409 without a code", kind: "part", shape: refusal(409, ""), ends: done, calls: "part 11"},
		{name: "409, and it is there", kind: "part", shape: jsonReply(409, lean("conflict")), after: true, ends: done, calls: "part 10"},
		{name: "416 of which nothing is known", kind: "part", shape: refusal(416, ""), ends: resumable(refused(416, ""), true), calls: "create 1"},
		{name: "416 that names no part, and it is there", kind: "part", shape: jsonReply(416, lean("range_overlaps_existing_part")), after: true, ends: done, calls: "part 10"},
		{name: "500 although it was stored", kind: "part", shape: jsonReply(500, lean("internal_server_error")), after: true, ends: done, calls: "part 10"},
		{name: "a gateway's 504 although it was stored", kind: "part", shape: refusalText(504, page), after: true, ends: done, calls: "part 10"},
		{name: "a part that is not wrapped", kind: "part", shape: jsonReply(200, `{"part_id":"0000000B","offset":0,"size":1000}`), after: true, ends: done, calls: "part 10"},
		{name: "a part without an answer's body", kind: "part", shape: refusal(200, ""), after: true, ends: done, calls: "part 10"},
		{name: "202 for a part", kind: "part", shape: refusal(202, ""), after: true, ends: done, calls: "part 10"},
		{name: "509", kind: "part", shape: refusal(509, ""), ends: done, calls: "part 11"},
		{name: "upload_failed", kind: "part", shape: jsonReply(410, lean("upload_failed")), gone: 410, ends: done, calls: "create 2"},
		{name: "length_required", kind: "part", shape: jsonReply(411, lean("length_required")), ends: resumable(refused(411, "length_required"), true), calls: "create 1"},

		// 7: commit.
		{name: "202 with Retry-After", kind: "commit", shape: refusal(202, "", "Retry-After", "30"), ends: done, calls: "commit 2", waits: 30 * time.Second},
		{name: "202 without", kind: "commit", shape: refusal(202, ""), ends: done, calls: "commit 2"},
		{name: "202 with a date", kind: "commit", shape: refusal(202, "", "Date", "Wed, 02 Mar 2031 04:05:00 GMT", "Retry-After", "Wed, 02 Mar 2031 04:05:20 GMT"), ends: done, calls: "commit 2", waits: 20 * time.Second},
		{name: "a digest that is found wrong in the end", kind: "commit", stays: true, ends: resumable(refused(400, "digest_mismatch"), false), calls: "abort 1",
			shape: jsonReply(400, `{"type":"error","status":400,"code":"digest_mismatch","message":"File digest was incorrect. Actual: a= Expected: b=","request_id":"r1"}`)},
		{name: "parts that are not seen yet", kind: "commit", ends: done, calls: "commit 2",
			shape: jsonReply(400, `{"code":"parts_mismatch","message":"No matching part found on server for {\"part_id\":\"8E3B1C77\",\"offset\":8388608,\"size\":8388608,\"sha1\":null}","request_id":"r1"}`)},
		{name: "a commit that is blocked for a moment", kind: "commit", shape: jsonReply(409, lean("operation_blocked_temporary")), ends: done, calls: "commit 2"},
		{name: "500 although it was committed", kind: "commit", shape: jsonReply(500, lean("internal_server_error")), after: true, ends: done, calls: "commit 2"},
		{name: "500 although it was committed, and the session is gone", kind: "commit", shape: jsonReply(500, lean("internal_server_error")), after: true, gone: 404, ends: done, calls: "create 1"},
		{name: "the same of a version", kind: "commit", shape: refusalText(502, page), after: true, gone: 404, ends: done, calls: "create 1", old: true},
		{name: "409 with an array", kind: "commit", ends: resumable(func(err error) bool {
			var e *Error
			return errors.Is(err, ErrNameInUse) && errors.As(err, &e) && IDOf(e.Conflict()) == "77"
		}, true), calls: "commit 1",
			shape: jsonReply(409, `{"code":"item_name_in_use","context_info":{"conflicts":[{"type":"file","id":"77","name":"a"}]},"message":"m"}`)},
		{name: "409 with an object", kind: "commit", ends: resumable(func(err error) bool {
			var e *Error
			return errors.Is(err, ErrNameInUse) && errors.As(err, &e) && IDOf(e.Conflict()) == "77"
		}, true), calls: "commit 1",
			shape: jsonReply(409, `{"code":"item_name_in_use","context_info":{"conflicts":{"type":"file","id":"77","name":"a"}},"message":"m"}`)},
		{name: "412", kind: "commit", shape: jsonReply(412, lean("precondition_failed")), ends: resumable(IsPreconditionFailed, true), calls: "commit 1", old: true},
		{name: "a target in the trash", kind: "commit", shape: jsonReply(404, lean("trashed")), ends: resumable(refused(404, "trashed"), true), calls: "commit 1", old: true},
		{name: "a page for a commit", kind: "commit", shape: refusalText(200, page), after: true, ends: done, calls: "commit 2"},
	} {
		inBubble(t, c.kind+": "+c.name, func(t *testing.T) {
			f := newFakeBox()
			came := false
			f.fault = func(kind string, n int, r *http.Request) *fault {
				f.mu.Lock()
				defer f.mu.Unlock()
				if kind != c.kind || came && !c.stays {
					if came && c.gone != 0 {
						for _, s := range f.sessions {
							if c.after || s.id == f.id(1) {
								s.gone = c.gone
							}
						}
					}
					return nil
				}
				came = true
				switch {
				case c.after:
					return &fault{replace: c.shape, cut: -1}
				}
				return &fault{instead: c.shape, cut: -1}
			}
			u := Upload{Source: FromReaderAt(patternReader{9500}, 9500), Name: "a", SimpleBelow: 1, MaxParallel: 1}
			var old *fakeFile
			if c.old {
				old = f.add("0", "a")
				old.put(f, [20]byte{}, 3, []byte("old"))
				u.Name, u.FileID = "", old.id
			}
			start := time.Now()
			_, err := f.client(t).Upload(t.Context(), u)
			if !c.ends(err) {
				t.Errorf("it ends with %v", err)
			}
			if took := time.Since(start); took < c.waits || took > c.waits+2*time.Minute {
				t.Errorf("took %v, want %v", took, c.waits)
			}
			var kind string
			var n int
			fmt.Sscan(c.calls, &kind, &n)
			if got := f.count(kind); got != n {
				t.Errorf("%d times %s, want %d: %v", got, kind, n, f.calls)
			}
			switch {
			case old != nil && err == nil:
				if len(f.files) != 1 || len(old.versions) != 2 || string(old.now().data) != string(pattern(9500)) {
					t.Errorf("%d files, %d versions", len(f.files), len(old.versions))
				}
			case err == nil:
				f.only(t, "a", pattern(9500))
			case old == nil && len(f.files) != 0:
				t.Errorf("%d files after %v", len(f.files), err)
			}
		})
	}
}

// TestShapesOfBoxOnTheWay are shapes within answers: numbers, dates, lists.
func TestShapesOfBoxOnTheWay(t *testing.T) {
	sum := func() string { return hexSum(sumOfPattern(2500)) }
	session := `{"id":"%s","type":"upload_session","part_size":1000,"total_parts":3,"num_parts_processed":0,"session_expires_at":"2031-03-09T04:05:06-08:00","something":"new"}`
	for _, c := range []struct {
		name, kind string
		reply      func(f *fakeBox) string
	}{
		{"a session with an offset in its date and no endpoints", "create", func(f *fakeBox) string { return fmt.Sprintf(session, f.id(1)) }},
		{"a size with an exponent, as a list", "commit", func(*fakeBox) string {
			return `{"total_count":1,"entries":[{"type":"file","id":"7","name":"a","size":2.5E3,"sha1":"` + sum() + `"}]}`
		}},
		{"200 for a commit, with a bare file as another version of the API has it", "commit", func(*fakeBox) string {
			return `{"type":"file","id":"7","name":"a","size":2500,"sha1":"` + sum() + `"}`
		}},
		{"a part whose digest is null", "part", nil},
	} {
		inBubble(t, c.name, func(t *testing.T) {
			f := newFakeBox()
			wire := roundTrip(func(r *http.Request) (*http.Response, error) {
				resp, err := f.RoundTrip(r)
				if kindOfCall(r) != c.kind || err != nil || resp.StatusCode >= 300 {
					return resp, err
				}
				if c.reply == nil {
					text := strings.Builder{}
					if err := resp.Write(&text); err != nil {
						return nil, err
					}
					_, body, _ := strings.Cut(text.String(), "\r\n\r\n")
					at := strings.Index(body, `"sha1":"`)
					return refusalText(200, body[:at]+`"sha1":null`+body[at+len(`"sha1":"`)+41:]), nil
				}
				return refusalText(map[string]int{"create": 201, "commit": 200}[c.kind], c.reply(f)), nil
			})
			res, err := f.client(t, func(cfg *Config) { cfg.HTTP = &http.Client{Transport: wire} }).Upload(t.Context(),
				Upload{Source: FromReaderAt(patternReader{2500}, 2500), Name: "a", SimpleBelow: 1})
			if err != nil {
				t.Fatal(err)
			}
			f.only(t, "a", pattern(2500))
			if res.File.Size != 2500 {
				t.Errorf("size %d", res.File.Size)
			}
		})
	}
}

// A list of parts may have null digests, and places that nothing has come for.
func TestShapesOfBoxInLists(t *testing.T) {
	for _, c := range []struct {
		name    string
		entries func(f *fakeBox, s *fakeSession) string
		limit   string
		creates int // sessions, in all
	}{
		{"digests of null", func(_ *fakeBox, s *fakeSession) string {
			return fmt.Sprintf(`{"part_id":"%s","offset":0,"size":1000,"sha1":null}`, s.parts[0].id)
		}, `,"limit":1000`, 2},
		{"places without parts", func(_ *fakeBox, s *fakeSession) string {
			return fmt.Sprintf(`{"part_id":"%s","offset":0,"size":1000,"sha1":"%s"},{"offset":1000,"size":1000},{"part_id":null,"offset":2000}`, s.parts[0].id, hexSum(s.parts[0].sum))
		}, `,"limit":1000`, 1},
		{"no limit", func(_ *fakeBox, s *fakeSession) string {
			return fmt.Sprintf(`{"part_id":"%s","offset":0,"size":1000,"sha1":"%s"}`, s.parts[0].id, hexSum(s.parts[0].sum))
		}, ``, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakeBox()
			f.sessions[f.id(1)] = &fakeSession{id: f.id(1), folder: "0", name: "a", size: 2500, partSize: 1000, parts: map[int64]*fakePart{
				0: {id: "0000000C", sum: sumOfPattern(2500, 0, 1000), size: 1000, data: pattern(2500)[:1000]},
			}}
			f.last = 1
			wire := instead(func(kind string, r *http.Request) *http.Response {
				if s := f.sessions[f.id(1)]; kind == "list" && r.URL.Query().Get("offset") == "0" && s.gone == 0 && len(s.parts) == 1 {
					return refusalText(200, `{"entries":[`+c.entries(f, s)+`],"offset":0`+c.limit+`,"total_count":3}`)
				}
				return nil
			})(f)
			_, err := f.client(t, func(cfg *Config) { cfg.HTTP = &http.Client{Transport: wire} }).Upload(t.Context(),
				Upload{Source: FromReaderAt(patternReader{2500}, 2500), Name: "a", SessionID: f.id(1), SimpleBelow: 1})
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			f.only(t, "a", pattern(2500))
			if got := 1 + f.count("create"); got != c.creates {
				t.Errorf("%s: %d sessions, want %d", c.name, got, c.creates)
			}
		})
	}
}

// sumOfPattern is the SHA-1 of a pattern, or of a run of it.
func sumOfPattern(size int64, from ...int64) [20]byte {
	data := pattern(size)
	if len(from) == 2 {
		data = data[from[0]:from[1]]
	}
	return sha1.Sum(data)
}
