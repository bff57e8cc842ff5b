package httpapi_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"boxcar/internal/daemon"
)

// Every reply of 400 and above is looked at by read: it has to have all that
// section 10.1 asks for, with the status in the body and BOX-REQUEST-ID.
func TestEveryCode(t *testing.T) {
	t.Parallel()
	var d disk
	w := start(t, func(c *daemon.Config) {
		d.on(c)
		least := int64(100)
		c.MinChunkedSize, c.MaxFileSize, c.Uploads.Sessions = &least, 10_000, 8
	})
	data := noise(partSize + 100)
	quota := w.user(t, "quota@example.net", 5000)
	many := w.user(t, "many@example.net", 0)
	for i := range 8 {
		many.create(t, fmt.Sprint(i), data)
	}
	plain := w.user(t, "plain@example.net", 0)

	f := w.upload(t, "occupied", data)
	trashed := w.upload(t, "trashed", data)
	w.do(t, "DELETE", "/2.0/files/"+trashed.ID, nil).empty(204)
	committed, parts := w.sent(t, "committed", data)
	committed.commit(t, parts).file()
	s := w.create(t, "session", data)
	p0 := s.part(t, 0)
	create := func(body fields) func(t *testing.T) *reply {
		for key, v := range map[string]any{"folder_id": "0", "file_name": "new", "file_size": len(data)} {
			if _, ok := body[key]; !ok {
				body[key] = v
			}
		}
		return func(t *testing.T) *reply { return w.do(t, "POST", "/2.0/files/upload_sessions", body) }
	}
	put := func(i int, headers ...string) func(t *testing.T) *reply {
		return func(t *testing.T) *reply { return s.put(t, i, headers...) }
	}
	get := func(path string) func(t *testing.T) *reply {
		return func(t *testing.T) *reply { return w.do(t, "GET", path, nil) }
	}
	attributes := fields{"name": "form", "parent": fields{"id": "0"}}

	for _, row := range []struct {
		status int
		code   string
		do     func(t *testing.T) *reply
	}{
		{400, "bad_request", put(1, "Content-Range", "")},
		{400, "bad_digest", func(t *testing.T) *reply {
			return w.post(t, "/2.0/files/content", newForm().attributes(attributes).file(data), "Content-MD5", sha1Of(nil))
		}},
		{400, "digest_mismatch", put(1, "Digest", digestOf(nil))},
		{400, "parts_mismatch", func(t *testing.T) *reply { return s.commit(t, []part{p0}) }},
		{400, "file_size_too_small", create(fields{"file_size": 99})},
		{400, "missing_file_size", create(fields{"file_size": nil})},
		{400, "invalid_file_size", create(fields{"file_size": -1})},
		{400, "missing_file_name", create(fields{"file_name": nil})},
		{400, "missing_destination", create(fields{"folder_id": nil})},
		{400, "invalid_folder_id", create(fields{"folder_id": "root"})},
		{400, "item_name_invalid", create(fields{"file_name": "a/b"})},
		{400, "item_name_too_long", create(fields{"file_name": strings.Repeat("n", 256)})},
		{400, "invalid_upload_session_id", get("/2.0/files/upload_sessions/17")},
		{400, "invalid_limit", get(s.path("/parts?limit=0"))},
		{400, "invalid_offset", get(s.path("/parts?offset=10001"))},
		{400, "invalid_json", func(t *testing.T) *reply { return w.do(t, "POST", "/2.0/files/upload_sessions", "{") }},
		{400, "request_size_mismatch", func(t *testing.T) *reply {
			return w.do(t, "PUT", s.path(""), s.slot(1)[1:], s.says(1, s.slot(1))...)
		}},
		{400, "metadata_after_file_contents", func(t *testing.T) *reply {
			return w.post(t, "/2.0/files/content", newForm().file(data).attributes(attributes))
		}},
		{403, "forbidden", func(t *testing.T) *reply { return plain.do(t, "GET", s.path(""), nil) }},
		{403, "storage_limit_exceeded", func(t *testing.T) *reply {
			return quota.do(t, "POST", "/2.0/files/upload_sessions", fields{"folder_id": "0", "file_name": "x", "file_size": 5001})
		}},
		{403, "file_size_limit_exceeded", create(fields{"file_size": 10_001})},
		{404, "not_found", get("/2.0/files/17")},
		{404, "not_found", get("/2.0/no/such/path")},
		{404, "not_found", get("/")},
		{404, "not_found", func(t *testing.T) *reply { return w.do(t, "GET", "/2.0/users/me", nil, "As-User", "17") }},
		{404, "trashed", func(t *testing.T) *reply {
			return w.do(t, "POST", "/2.0/files/"+trashed.ID+"/upload_sessions", fields{"file_size": len(data)})
		}},
		{404, "invalid_parameter", create(fields{"folder_id": "990017"})},
		{405, "method_not_allowed", func(t *testing.T) *reply { return w.do(t, "PATCH", s.path(""), nil) }},
		{409, "item_name_in_use", create(fields{"file_name": "OCCUPIED"})},
		{409, "conflict", func(t *testing.T) *reply {
			return w.do(t, "POST", committed.path("/plan"), fields{"parts": committed.offers()})
		}},
		{412, "precondition_failed", func(t *testing.T) *reply {
			return w.do(t, "DELETE", "/2.0/files/"+f.ID, nil, "If-Match", "77")
		}},
		{413, "request_entity_too_large", func(t *testing.T) *reply {
			return w.do(t, "POST", "/2.0/folders", bytes.Repeat([]byte(" "), 1<<20+1))
		}},
		{416, "range_overlaps_existing_part", put(0, "Digest", digestOf(nil))},
		{416, "range_not_satisfiable", put(1, "Content-Range", contentRange(1, 100, int64(len(data))))},
		{429, "rate_limit_exceeded", func(t *testing.T) *reply {
			r := many.do(t, "POST", "/2.0/files/upload_sessions", fields{"folder_id": "0", "file_name": "x", "file_size": len(data)})
			if !wireNumber.MatchString(r.header.Get("Retry-After")) {
				t.Errorf("%v: Retry-After is not a number of seconds", r)
			}
			return r
		}},
		{500, "internal_server_error", func(t *testing.T) *reply {
			d.fail(syscall.EIO)
			defer d.fail(nil)
			r := s.put(t, 1)
			if s := string(r.body); strings.Contains(s, "tmp") || strings.Contains(s, syscall.EIO.Error()) {
				t.Errorf("%v tells what is nobody's business", r)
			}
			return r
		}},
		{503, "unavailable", func(t *testing.T) *reply {
			d.fail(syscall.ENOSPC)
			defer d.fail(nil)
			r := s.put(t, 1)
			if !wireNumber.MatchString(r.header.Get("Retry-After")) {
				t.Errorf("%v: Retry-After is not a number of seconds", r)
			}
			return r
		}},
		{410, "session_expired", func(t *testing.T) *reply {
			s.part(t, 1) // after all that was refused, the session is as good as before
			w.Clock.Add(8 * 24 * time.Hour)
			return w.do(t, "GET", s.path(""), nil)
		}},
	} {
		t.Run(fmt.Sprintf("10.5 %d %s", row.status, row.code), func(t *testing.T) {
			f := row.do(t).refused(row.status, row.code)
			if !strings.Contains(f.Message, " ") {
				t.Errorf("message %q is no sentence", f.Message)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	sharing(t, map[string]func(*testing.T, *wire){
		"ReferencesThatLeadNowhere": testReferencesThatLeadNowhere,
		"Conflicts":                 testConflicts,
		"Names":                     testNames,
	})
}

func testReferencesThatLeadNowhere(t *testing.T, w *wire) {
	other := w.user(t, "other@example.net", 0)
	hidden := other.folder(t, "0", "hidden")
	for what, id := range map[string]string{"unknown": "990017", "somebody else's": hidden} {
		attributes := fields{"name": "x", "parent": fields{"id": id}}
		for route, row := range map[string]struct {
			code string
			r    func(t *testing.T) *reply
		}{
			"preflight": {"not_found", func(t *testing.T) *reply { return w.do(t, "OPTIONS", "/2.0/files/content", attributes) }},
			"simple upload": {"not_found", func(t *testing.T) *reply {
				return w.post(t, "/2.0/files/content", newForm().attributes(attributes).file(nil))
			}},
			"folder create": {"not_found", func(t *testing.T) *reply { return w.do(t, "POST", "/2.0/folders", attributes) }},
			"session create": {"invalid_parameter", func(t *testing.T) *reply {
				return w.do(t, "POST", "/2.0/files/upload_sessions", fields{"folder_id": id, "file_name": "x", "file_size": 1})
			}},
		} {
			t.Run("10.1 "+what+" parent folder on "+route+": 404 "+row.code+" with a list of field errors", func(t *testing.T) {
				f := row.r(t).refused(404, row.code)
				want := fmt.Sprintf("[{invalid_parameter item Invalid value 'd_%s'. 'item' with value 'd_%[1]s' not found}]", id)
				if got := fmt.Sprint(f.ContextInfo.Errors); got != want {
					t.Errorf("context_info.errors is %s, want %s", got, want)
				}
			})
		}
	}
}

func TestUnauthorized(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	u := w.user(t, "user@example.net", 0)
	short := must(w.Auth.Issue(t.Context(), u.who.ID, time.Hour))
	const realm = `Bearer realm="Service"`
	const unknown = realm + `, error="invalid_token", error_description="The access token provided is invalid."`
	body := make([]byte, 300<<10)

	for _, row := range []struct{ name, authorization, challenge string }{
		{"10.2 no credentials: the header without error", "", realm},
		{"10.2 another scheme", "Basic " + w.token, realm},
		{"10.2 no token behind the scheme", "Bearer ", realm},
		{"10.2 unknown token", "Bearer 0123456789", unknown},
		{"10.2 a token with more behind it", "Bearer " + w.token + "0", unknown},
		{"10.2 a token in another case", "Bearer " + strings.ToUpper(w.token), unknown},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, route := range [][2]string{
				{"GET", "/2.0/users/me"}, {"POST", "/2.0/files/upload_sessions"}, {"PUT", "/2.0/files/upload_sessions/" + nobody},
				{"DELETE", "/api/2.0/files/upload_sessions/" + nobody}, {"OPTIONS", "/2.0/files/content"}, {"POST", "/2.0/files/content"},
			} {
				r := w.do(t, route[0], route[1], body, "Authorization", row.authorization).empty(401)
				if got := r.header.Get("WWW-Authenticate"); got != row.challenge {
					t.Errorf("%v: challenge %q, want %q", r, got, row.challenge)
				}
			}
		})
	}
	t.Run("2 access_token in the query is no credential of an upload route", func(t *testing.T) {
		w.do(t, "GET", "/2.0/files/upload_sessions/"+nobody+"?access_token="+w.token, nil, "Authorization", "").empty(401)
	})
	t.Run("10.2 the scheme in any case", func(t *testing.T) {
		w.do(t, "GET", "/2.0/users/me", nil, "Authorization", "bearer  "+w.token).want(200)
	})
	t.Run("10.2 expired token: expired_token", func(t *testing.T) {
		w.Clock.Add(time.Hour - 20*time.Second)
		w.do(t, "GET", "/2.0/users/me", nil, "Authorization", "Bearer "+short).want(200)
		w.Clock.Add(20 * time.Second)
		r := w.do(t, "GET", "/2.0/users/me", nil, "Authorization", "Bearer "+short).empty(401)
		if got := r.header.Get("WWW-Authenticate"); !strings.HasPrefix(got, realm+`, error="expired_token", `) {
			t.Errorf("challenge %q", got)
		}
	})
	t.Run("2 As-User with a token that may not: 403, empty, insufficient_scope", func(t *testing.T) {
		r := u.do(t, "GET", "/2.0/users/me", nil, "As-User", u.who.ID.String()).empty(403)
		if got := r.header.Get("WWW-Authenticate"); !strings.Contains(got, `error="insufficient_scope"`) {
			t.Errorf("challenge %q", got)
		}
	})
}

// Some clients look for these names as they are written here.
func TestSpellingOfHeaders(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *daemon.Config) { c.Uploads.Sessions = 1 })
	w.create(t, "one", noise(1))
	ask := func(request string) string {
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, request)
		var head strings.Builder
		for r := bufio.NewScanner(conn); r.Scan() && r.Text() != ""; {
			head.WriteString(r.Text() + "\n")
		}
		return head.String()
	}
	for _, row := range []struct{ name, request, line string }{
		{"2 BOX-REQUEST-ID", "GET /2.0/users/me HTTP/1.1\r\nHost: x\r\n\r\n", "\nBOX-REQUEST-ID: "},
		{"2 Retry-After", "POST /2.0/files/upload_sessions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + w.token +
			"\r\nContent-Length: 49\r\n\r\n" + `{"folder_id":"0","file_name":"t","file_size":"1"}`, "\nRetry-After: 60\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := ask(row.request); !strings.Contains(got, row.line) {
				t.Errorf("got %s, want %q in it", got, row.line)
			}
		})
	}
	t.Run("10.1 each request has an id of its own", func(t *testing.T) {
		ids := map[string]bool{}
		for range 20 {
			ids[w.do(t, "GET", "/2.0/files/17", nil).refused(404, "not_found").RequestID] = true
		}
		if len(ids) != 20 {
			t.Errorf("%d ids for 20 requests", len(ids))
		}
	})
}

func testConflicts(t *testing.T, w *wire) {
	data := noise(20)
	f := w.simple(t, "Document", string(data)).file()
	folder := w.folder(t, "0", "Drawer")
	target := w.simple(t, "target", "x").file()

	occupants := map[string]map[string]any{
		"file": {"type": "file", "id": f.ID, "sequence_id": "0", "etag": "0", "sha1": sha1Of(data), "name": "Document",
			"file_version": map[string]any{"type": "file_version", "id": f.FileVersion.ID, "sha1": sha1Of(data)}},
		"folder": {"type": "folder", "id": folder, "sequence_id": "0", "etag": "0", "name": "Drawer"},
	}
	for kind, name := range map[string]string{"file": "document", "folder": "DRAWER"} {
		attributes := fields{"name": name, "parent": fields{"id": "0"}}
		for route, ask := range map[string]func(t *testing.T) *reply{
			"preflight":         func(t *testing.T) *reply { return w.do(t, "OPTIONS", "/2.0/files/content", attributes) },
			"version preflight": func(t *testing.T) *reply { return w.do(t, "OPTIONS", "/2.0/files/"+target.ID+"/content", attributes) },
			"simple upload":     func(t *testing.T) *reply { return w.simple(t, name, "x") },
			"version upload": func(t *testing.T) *reply {
				return w.post(t, "/2.0/files/"+target.ID+"/content", newForm().attributes(attributes).file(data))
			},
			"create session": func(t *testing.T) *reply {
				return w.do(t, "POST", "/2.0/files/upload_sessions", fields{"folder_id": "0", "file_name": name, "file_size": 1})
			},
			"create session of a version": func(t *testing.T) *reply {
				return w.do(t, "POST", "/2.0/files/"+target.ID+"/upload_sessions", fields{"file_name": name, "file_size": 1})
			},
			"commit": func(t *testing.T) *reply {
				s, parts := w.sent(t, "elsewhere "+name, data)
				return s.commitWith(t, fields{"parts": parts, "attributes": fields{"name": name}})
			},
		} {
			t.Run("10.3 "+route+": conflicts is one object, the "+kind, func(t *testing.T) {
				got := ask(t).refused(409, "item_name_in_use").ContextInfo.Conflicts
				if fmt.Sprint(got) != fmt.Sprint(occupants[kind]) {
					t.Errorf("conflicts is %v, want %v", got, occupants[kind])
				}
			})
		}
		t.Run("10.3 folder creation: conflicts is an array, of the "+kind, func(t *testing.T) {
			r := w.do(t, "POST", "/2.0/folders", attributes)
			r.want(409)
			o := r.object()
			info, _ := o["context_info"].(map[string]any)
			if o["code"] != "item_name_in_use" || fmt.Sprint(info["conflicts"]) != fmt.Sprint([]any{occupants[kind]}) {
				t.Errorf("%v: want an array of %v", r, occupants[kind])
			}
		})
	}
}

func testNames(t *testing.T, w *wire) {
	preflight := func(t *testing.T, name string) *reply {
		t.Helper()
		return w.do(t, "OPTIONS", "/2.0/files/content", `{"name":`+name+`,"parent":{"id":"0"}}`)
	}
	text := func(name string) string { return string(must(json.Marshal(name))) }

	refused := map[string]string{
		"empty": `""`, ".": `"."`, "..": `".."`, "a slash": `"a/b"`, "a backslash": `"a\\b"`, "NUL": `"a\u0000b"`, "a tab": `"a\tb"`,
		"below 0x20": `"\u001f"`, "0x7F": `"a\u007f"`, "a trailing space": `"a "`, "a space only": `" "`,
		"invalid UTF-8": "\"a\xffb\"", "half a surrogate pair": `"a\ud800b"`,
	}
	for what, name := range refused {
		t.Run("10.4 "+what+": 400 item_name_invalid", func(t *testing.T) {
			preflight(t, name).refused(400, "item_name_invalid")
			w.do(t, "POST", "/2.0/files/upload_sessions", `{"folder_id":"0","file_size":1,"file_name":`+name+`}`).refused(400, "item_name_invalid")
			w.do(t, "POST", "/2.0/folders", `{"parent":{"id":"0"},"name":`+name+`}`).refused(400, "item_name_invalid")
			w.post(t, "/2.0/files/content", newForm().attributes(`{"parent":{"id":"0"},"name":`+name+`}`).file(nil)).refused(400, "item_name_invalid")
		})
	}
	t.Run("10.4 over 255 characters: 400 item_name_too_long; characters, not bytes", func(t *testing.T) {
		for _, r := range []string{"n", "é", "€", "𝄞"} {
			preflight(t, text(strings.Repeat(r, 256))).refused(400, "item_name_too_long")
			preflight(t, text(strings.Repeat(r, 255))).want(200)
		}
		long := text(strings.Repeat("é", 256))
		w.do(t, "POST", "/2.0/files/upload_sessions", `{"folder_id":"0","file_size":1,"file_name":`+long+`}`).refused(400, "item_name_too_long")
		w.do(t, "POST", "/2.0/folders", `{"parent":{"id":"0"},"name":`+long+`}`).refused(400, "item_name_too_long")
		w.post(t, "/2.0/files/content", newForm().attributes(`{"parent":{"id":"0"},"name":`+long+`}`).file(nil)).refused(400, "item_name_too_long")
	})
	for _, name := range []string{
		"<", ">", ":", "|", "?", "*", "-", " leading", "trailing.", "...", `"quoted"`, "50% & more; a=b", "CON", "~$x", "emoji 👩‍👩‍👧",
		"e\u0301 decomposed", "\u00a0", "a\u2028b", "\ufffd", "日本語", "+%2F", strings.Repeat("€", 255),
	} {
		t.Run(fmt.Sprintf("10.4 %.20q is accepted and comes back as it was", name), func(t *testing.T) {
			f := w.simple(t, name, "x").file()
			var got file
			w.do(t, "GET", "/2.0/files/"+f.ID, nil).want(200).decode(&got)
			if f.Name != name || got.Name != name {
				t.Errorf("got %q, later %q", f.Name, got.Name)
			}
		})
	}
	t.Run("10.4 uniqueness is case-insensitive, across files and folders; the stored case stays", func(t *testing.T) {
		w.simple(t, "Straße Ä", "x").file()
		for _, same := range []string{"straße ä", "STRASSE Ä", "Straße A\u0308"} {
			f := preflight(t, text(same)).refused(409, "item_name_in_use")
			if f.ContextInfo.Conflicts["name"] != "Straße Ä" {
				t.Errorf("%q: conflicts is %v", same, f.ContextInfo.Conflicts)
			}
			w.do(t, "POST", "/2.0/folders", fields{"name": same, "parent": fields{"id": "0"}}).want(409)
		}
		preflight(t, text("Strase Ä")).want(200)
	})
	t.Run("10.4 of one parent: other folders, and other users' roots, have names of their own", func(t *testing.T) {
		w.simple(t, "everywhere", "x").file()
		folder := w.folder(t, "0", "sub")
		w.post(t, "/2.0/files/content", newForm().attributes(fields{"name": "everywhere", "parent": fields{"id": folder}}).file(nil)).file()
		w.user(t, "namesake@example.net", 0).simple(t, "everywhere", "x").file()
	})
}
