package httpapi_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"boxcar/internal/daemon"
)

const nobody = "0123456789ABCDEF0123456789ABCDEF" // a session that never was

func TestRoutes(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	for _, route := range []struct{ method, path string }{
		{"POST", "/files/upload_sessions"},
		{"POST", "/files/17/upload_sessions"},
		{"GET", "/files/upload_sessions/" + nobody},
		{"PUT", "/files/upload_sessions/" + nobody},
		{"GET", "/files/upload_sessions/" + nobody + "/parts"},
		{"POST", "/files/upload_sessions/" + nobody + "/commit"},
		{"DELETE", "/files/upload_sessions/" + nobody},
		{"POST", "/files/upload_sessions/" + nobody + "/log"},
		{"GET", "/files/upload_sessions/" + nobody + "/log"},
		{"POST", "/files/upload_sessions/" + nobody + "/plan"},
		{"OPTIONS", "/files/content"},
		{"OPTIONS", "/files/17/content"},
		{"POST", "/files/content"},
		{"POST", "/files/17/content"},
	} {
		t.Run("1.1 both prefixes and one trailing slash: "+route.method+" "+route.path, func(t *testing.T) {
			for _, prefix := range []string{"/2.0", "/api/2.0"} {
				for _, slash := range []string{"", "/"} {
					// Without a token a route that is there says 401, anything else 404 or 405.
					w.do(t, route.method, prefix+route.path+slash, nil, "Authorization", "").empty(401)
				}
			}
		})
	}

	t.Run("1.1 a whole upload below /api/2.0 with slashes and another host name", func(t *testing.T) {
		data := noise(2 * partSize)
		s := &session{w: w, data: data}
		host := []string{"Host", "upload.box.com"}
		w.do(t, "POST", "/api/2.0/files/upload_sessions/", fields{"folder_id": "0", "file_name": "slashes", "file_size": len(data)}, host...).want(201).decode(s)
		path := "/api/2.0/files/upload_sessions/" + s.ID
		var parts []part
		for i := range s.TotalParts {
			var p struct{ Part part }
			w.do(t, "PUT", path+"/", s.slot(i), append(s.says(i, s.slot(i)), host...)...).want(200).decode(&p)
			parts = append(parts, p.Part)
		}
		w.do(t, "GET", path+"/parts/?limit=1", nil, host...).want(200)
		f := w.do(t, "POST", path+"/commit/", fields{"parts": parts}, append([]string{"Digest", digestOf(data)}, host...)...).file()
		if f.SHA1 != sha1Of(data) {
			t.Errorf("committed %+v", f)
		}
	})

	for path, allow := range map[string]string{
		"/2.0/files/upload_sessions":                        "POST",
		"/2.0/files/upload_sessions/":                       "POST",
		"/api/2.0/files/17/upload_sessions":                 "POST",
		"/2.0/files/upload_sessions/" + nobody:              "GET PUT DELETE",
		"/2.0/files/upload_sessions/" + nobody + "/parts":   "GET",
		"/2.0/files/upload_sessions/" + nobody + "/commit":  "POST",
		"/2.0/files/upload_sessions/" + nobody + "/log":     "POST GET",
		"/2.0/files/upload_sessions/" + nobody + "/plan":    "POST",
		"/2.0/files/content":                                "OPTIONS POST",
		"/2.0/files/17/content":                             "OPTIONS POST GET",
		"/2.0/files/upload_sessions/content":                "GET PUT DELETE", // a session of that name, not a file
		"/2.0/files/upload_sessions/upload_sessions":        "GET PUT DELETE",
		"/2.0/files/upload_sessions/" + nobody + "/content": "",
	} {
		t.Run("10.5 405 method_not_allowed, with the methods in Allow: "+path, func(t *testing.T) {
			for _, method := range []string{"GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"} {
				if slices.Contains(strings.Fields(allow), method) {
					continue
				}
				r := w.do(t, method, path, nil)
				if allow == "" {
					r.refused(404, "not_found")
					continue
				}
				r.refused(405, "method_not_allowed")
				got := strings.Split(r.header.Get("Allow"), ", ")
				if got = slices.DeleteFunc(got, func(m string) bool { return m == "HEAD" }); strings.Join(got, " ") != allow {
					t.Errorf("%v: want Allow %s", r, allow)
				}
			}
		})
	}

	for _, path := range []string{
		"/", "/2.0", "/api/2.0/", "/files/upload_sessions", "/api/files/upload_sessions", "/3.0/files/upload_sessions",
		"/api/api/2.0/files/upload_sessions", "/2.0/api/2.0/files/upload_sessions", "/2.0/upload_sessions",
		"/2.0/files/upload_sessions/" + nobody + "/part", "/2.0/files/upload_sessions/" + nobody + "/parts/0", "/2.0/FILES/upload_sessions",
	} {
		t.Run("unknown path: "+path, func(t *testing.T) {
			for _, method := range []string{"GET", "POST", "PUT", "OPTIONS"} {
				if r := w.do(t, method, path, nil); r.header.Get("Allow") != "" {
					t.Errorf("%v: nothing is allowed where nothing is", r)
				} else {
					r.refused(404, "not_found")
				}
			}
		})
	}

	t.Run("2 Redirects: an upload request is never redirected", func(t *testing.T) {
		for _, path := range []string{"//2.0/files/upload_sessions", "/2.0//files/upload_sessions", "/2.0/files/./upload_sessions"} {
			if r := w.do(t, "POST", path, "{}"); r.status < 400 {
				t.Errorf("%v: want a refusal", r)
			}
		}
	})
}

// Some clients crash on a body that is not JSON, or take it for a broken network.
func TestNothingIsEverHTML(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	long := strings.Repeat("a", 40<<10)
	for _, c := range []struct {
		line   string // method and target
		status int
		code   string // "": the server's library has answered, see docs/operations.md
	}{
		{"OPTIONS *", 404, "not_found"},
		{"GET *", 404, "not_found"},
		{"CONNECT api.box.com:443", 404, "not_found"},
		{"CONNECT /2.0/users/me", 405, "method_not_allowed"},
		{"GET http://api.box.com/", 404, "not_found"},
		{"FROBNICATE /2.0/files/content", 405, "method_not_allowed"},
		{"FROBNICATE /", 404, "not_found"},
		{"TRACE /2.0/users/me", 405, "method_not_allowed"},
		{"PRI /", 404, "not_found"},
		{"get /2.0/users/me", 405, "method_not_allowed"},
		{"GET //", 404, "not_found"},
		{"GET /../../etc/passwd", 404, "not_found"},
		{"GET /2.0/files/%2e%2e/%2e%2e/users", 404, "not_found"},
		{"GET /%00/%ff%fe", 404, "not_found"},
		{"GET /<script>alert(1)</script>", 404, "not_found"},
		{"GET /index.html", 404, "not_found"},
		{"GET /favicon.ico", 404, "not_found"},
		{"GET /2.0", 404, "not_found"},
		{"GET /api/oauth2", 404, "not_found"},
		{"GET /api/oauth2/nothing", 404, "not_found"},
		{"GET /" + long, 404, "not_found"},
		{"GET /2.0/files/" + long, 404, "not_found"},
		{"GET /2.0/users/me?fields=" + long, 200, "200"},
		{"GET /2.0/users/me?%zz=1&;&a=%", 200, "200"}, // parameters that nobody knows
		{"GET /?%zz", 404, "not_found"},
		{"GET /%zz", 400, ""},
		{"GET /2.0/files/%", 400, ""},
		{"GET nothing", 400, ""},
		{"GE(T /", 400, ""},
		{"GET /" + long + long, 431, ""},
	} {
		name := c.line[:min(len(c.line), 60)]
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", w.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(10 * time.Second))
			fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: api.box.com\r\nAuthorization: Bearer %s\r\n\r\n", c.line, w.token)
			method, _, _ := strings.Cut(c.line, " ")
			resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: strings.Replace(method, "CONNECT", "GET", 1)})
			if err != nil {
				t.Fatal(err)
			}
			if c.code == "" {
				if kind := resp.Header.Get("Content-Type"); resp.StatusCode != c.status || !strings.HasPrefix(kind, "text/plain") {
					t.Errorf("status %d, %q", resp.StatusCode, kind)
				}
				return
			}
			r := read(t, name, resp)
			if c.status == 200 {
				r.want(200).object()
				return
			}
			r.refused(c.status, c.code)
			if allow := r.header.Get("Allow"); (c.status == 405) != (allow != "") {
				t.Errorf("%v: Allow is %q", r, allow)
			}
		})
	}
}

func TestSessionEndpoints(t *testing.T) {
	t.Parallel()
	prefixes := func(p string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(p)} }
	plain := start(t, nil)
	proxied := start(t, func(c *daemon.Config) { c.TrustedProxies = prefixes("127.0.0.0/8") })
	elsewhere := start(t, func(c *daemon.Config) { c.TrustedProxies = prefixes("10.0.0.0/8") })
	public := start(t, func(c *daemon.Config) {
		c.PublicURL, c.TrustedProxies = "https://files.example.org/", prefixes("127.0.0.0/8")
	})
	public.URL = "http://" + public.Addr()
	for _, c := range []struct {
		name    string
		w       *wire
		headers []string
		want    string // empty: the server's own origin
	}{
		{name: "the request's Host, without anything else", w: plain},
		{name: "the request's Host", w: plain, headers: []string{"Host", "box.example.net:8443"}, want: "http://box.example.net:8443"},
		{
			name: "not X-Forwarded-Proto/Host where no proxy is trusted", w: plain,
			headers: []string{"Host", "box.example.net", "X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "https"}, want: "http://box.example.net",
		},
		{
			name: "not X-Forwarded-Proto/Host of a peer that is not the proxy", w: elsewhere,
			headers: []string{"Host", "box.example.net", "X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "https"}, want: "http://box.example.net",
		},
		{
			name: "X-Forwarded-Proto/Host of a trusted proxy", w: proxied,
			headers: []string{"X-Forwarded-Host", "up.example.net", "X-Forwarded-Proto", "https"}, want: "https://up.example.net",
		},
		{
			name: "X-Forwarded-Proto only", w: proxied,
			headers: []string{"Host", "box.example.net", "X-Forwarded-Proto", "https"}, want: "https://box.example.net",
		},
		{
			name: "the client's side of a chain of proxies", w: proxied,
			headers: []string{"X-Forwarded-Host", "up.example.net, inner.example.net:81", "X-Forwarded-Proto", "https,http"}, want: "https://up.example.net",
		},
		{
			name: "nothing that a proxy passes on unchecked can leave the origin", w: proxied,
			headers: []string{"Host", "box.example.net", "X-Forwarded-Host", "evil.example/x?", "X-Forwarded-Proto", "gopher"}, want: "http://box.example.net",
		},
		{
			name: "a configured public URL before all others", w: public,
			headers: []string{
				"Host", "box.example.net", "X-Forwarded-Host", "up.example.net", "X-Forwarded-Proto", "http",
			}, want: "https://files.example.org",
		},
	} {
		t.Run("1.2 session_endpoints from "+c.name, func(t *testing.T) {
			w, want := c.w, c.want
			if want == "" {
				want = w.URL
			}
			var s session
			w.do(t, "POST", "/2.0/files/upload_sessions", fields{"folder_id": "0", "file_name": "a", "file_size": 5000}, c.headers...).want(201).decode(&s)
			s.w = w
			checkEndpoints(t, &s, want)
			var again session
			w.do(t, "GET", s.path(""), nil, c.headers...).want(200).decode(&again)
			checkEndpoints(t, &again, want)
		})
	}

	t.Run("1.2 session_endpoints: each of them works as it is", func(t *testing.T) {
		w, data := plain, noise(partSize)
		s := w.create(t, "a", data)
		at := s.SessionEndpoints
		w.do(t, "POST", at["plan"], fields{"parts": []fields{{"offset": 0, "size": partSize, "sha512": strings.Repeat("ab", 64)}}}).want(200)
		var p struct{ Part part }
		w.do(t, "PUT", at["upload_part"], data, s.says(0, data)...).want(200).decode(&p)
		w.do(t, "GET", at["list_parts"], nil).want(200)
		w.do(t, "GET", at["status"], nil).want(200)
		w.do(t, "POST", at["log_event"], fields{"event_type": "part_failure"}).empty(204)
		w.do(t, "POST", at["commit"], fields{"parts": []part{p.Part}}, "Digest", digestOf(data)).file()
		w.do(t, "DELETE", at["abort"], nil).empty(204)
	})
}

func checkEndpoints(t *testing.T, s *session, origin string) {
	t.Helper()
	path := origin + "/api/2.0/files/upload_sessions/" + s.ID
	want := map[string]string{
		"list_parts": path + "/parts", "commit": path + "/commit", "log_event": path + "/log", "plan": path + "/plan",
		"upload_part": path, "status": path, "abort": path,
	}
	if fmt.Sprint(s.SessionEndpoints) != fmt.Sprint(want) {
		t.Errorf("session_endpoints are %v, want %v", s.SessionEndpoints, want)
	}
}

func TestWhoIsAsking(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	bob := w.user(t, "bob@example.net", 0)
	challenged := func(t *testing.T, r *reply, status int, has string) {
		t.Helper()
		challenge := r.empty(status).header.Get("WWW-Authenticate")
		if has == "" && strings.Contains(challenge, "error") || !strings.Contains(challenge, has) {
			t.Errorf("challenge is %q, want one with %q", challenge, has)
		}
	}
	me := "/2.0/users/me"

	t.Run("2 Auth: Bearer TOKEN", func(t *testing.T) {
		w.do(t, "GET", me, nil).want(200)
		w.do(t, "GET", me, nil, "Authorization", "bearer "+w.token).want(200)
	})
	t.Run("10.2 401 without credentials: no error in the challenge", func(t *testing.T) {
		for _, header := range []string{"", "Bearer", "Bearer ", "Basic " + base64.StdEncoding.EncodeToString([]byte("a:b")), w.token} {
			challenged(t, w.do(t, "GET", me, nil, "Authorization", header), 401, "")
		}
	})
	t.Run("10.2 401 for a token nobody issued: invalid_token", func(t *testing.T) {
		const want = `Bearer realm="Service", error="invalid_token", error_description="The access token provided is invalid."`
		challenged(t, w.do(t, "GET", me, nil, "Authorization", "Bearer "+strings.Repeat("0", 32)), 401, want)
	})
	t.Run("10.2 401 for a token that has expired: expired_token", func(t *testing.T) {
		token, err := w.Auth.Issue(t.Context(), bob.who.ID, time.Nanosecond)
		if err != nil {
			t.Fatal(err)
		}
		challenged(t, w.do(t, "GET", me, nil, "Authorization", "Bearer "+token), 401, `error="expired_token"`)
	})
	t.Run("2 Auth: ?access_token= is off for uploads", func(t *testing.T) {
		challenged(t, w.do(t, "POST", "/2.0/files/upload_sessions?access_token="+w.token, "{}", "Authorization", ""), 401, "")
		challenged(t, w.do(t, "POST", "/2.0/files/content?access_token="+w.token, "{}", "Authorization", ""), 401, "")
		challenged(t, w.do(t, "GET", me+"?access_token="+w.token, nil, "Authorization", ""), 401, "")
	})

	asBob := []string{"As-User", bob.who.ID.String()}
	t.Run("2 As-User: acts as that user", func(t *testing.T) {
		data := noise(partSize)
		var s session
		w.do(t, "POST", "/2.0/files/upload_sessions", fields{"folder_id": "0", "file_name": "for bob", "file_size": len(data)}, asBob...).want(201).decode(&s)
		s.w, s.data = bob, data
		w.do(t, "GET", s.path(""), nil).refused(403, "forbidden") // the session is bob's, not the administrator's
		w.do(t, "PUT", s.path(""), data, append(s.says(0, data), asBob...)...).want(200)
		f := s.commit(t, s.parts(t)).file() // with bob's own token
		bob.do(t, "GET", "/2.0/files/"+f.ID, nil).want(200)
		w.do(t, "GET", "/2.0/files/"+f.ID, nil).refused(404, "not_found")
	})
	t.Run("2 As-User: unknown user: 404 not_found", func(t *testing.T) {
		for _, id := range []string{"4711", "0", "nobody", "-1", "99999999999999999999"} {
			w.do(t, "POST", "/2.0/files/upload_sessions", "{}", "As-User", id).refused(404, "not_found")
		}
	})
	t.Run("2 As-User: a token not allowed to: 403, empty body, insufficient_scope", func(t *testing.T) {
		challenged(t, bob.do(t, "POST", "/2.0/files/upload_sessions", "{}", "As-User", "4711"), 403, `error="insufficient_scope"`)
		var admin struct{ ID string }
		w.do(t, "GET", me, nil).want(200).decode(&admin)
		challenged(t, bob.do(t, "GET", me, nil, "As-User", admin.ID), 403, `error="insufficient_scope"`)
	})
	t.Run("10.2 an unknown token comes before As-User", func(t *testing.T) {
		challenged(t, w.do(t, "GET", me, nil, "Authorization", "Bearer x", "As-User", "4711"), 401, "invalid_token")
	})
}

func TestRequestConventions(t *testing.T) {
	t.Parallel()
	w := start(t, nil)

	t.Run("2 headers that are ignored silently", func(t *testing.T) {
		ignored := []string{
			"BoxApi", "shared_link=https://box.example.net/s/abc&shared_link_password=x",
			"X-Box-UA", "agent=box/1.0", "X-Box-Client-Name", "ContentUploader", "X-Box-Client-Version", "1.2.3",
			"X-Box-Client-Event-Info", `{"bytesUploaded":0}`, "X-Rep-Hints", "[jpg?dimensions=32x32]", "X-Forwarded-For", "not an address",
			"X-Box-Part-Id", "00000000", "Accept-Language", "xx;q=7", "box-version", "2024.0", "X-Nobody-Knows", "\"", "If-Non-Match", "0",
			"Accept", "text/html", "User-Agent", "x",
		}
		data := noise(partSize)
		s := &session{w: w, data: data}
		w.do(t, "POST", "/2.0/files/upload_sessions", fields{"folder_id": "0", "file_name": "ignored", "file_size": len(data)}, ignored...).want(201).decode(s)
		var p struct{ Part part }
		s.put(t, 0, ignored...).want(200).decode(&p)
		if p.Part.PartID == "00000000" {
			t.Error("the client chose the part's id")
		}
		w.do(t, "GET", s.path(""), nil, ignored...).want(200)
		w.do(t, "GET", s.path("/parts"), nil, ignored...).want(200)
		s.commit(t, []part{p.Part}, ignored...).file()
		w.do(t, "DELETE", s.path(""), nil, ignored...).empty(204)
	})

	t.Run("2 JSON bodies: whatever the Content-Type, unknown keys ignored, null is absent", func(t *testing.T) {
		for i, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8", "multipart/form-data; boundary=x", "&"} {
			body := fmt.Sprintf("\n {\"folder_id\":\"0\",\"file_name\":\"typed %d\",\"file_size\":1,\"file_id\":null,\"description\":{\"x\":[]}} ", i)
			w.do(t, "POST", "/2.0/files/upload_sessions", body, "Content-Type", kind).want(201)
		}
		for body, code := range map[string]string{
			`{"folder_id":"0","file_name":"n","file_size":null}`: "missing_file_size",
			`{"folder_id":"0","file_name":null,"file_size":1}`:   "missing_file_name",
			`{"folder_id":null,"file_name":"n","file_size":1}`:   "missing_destination",
		} {
			w.do(t, "POST", "/2.0/files/upload_sessions", body).refused(400, code)
		}
		s := w.create(t, "nulls", noise(partSize))
		p := s.part(t, 0)
		s.commitWith(t, fields{
			"parts":      []fields{{"part_id": p.PartID, "offset": 0, "size": partSize, "sha1": nil, "x": 1}},
			"attributes": fields{"name": nil, "description": nil, "content_created_at": nil, "content_modified_at": nil, "tags": []string{"x"}},
		}, "Content-Type", "").file()
		w.do(t, "POST", s.path("/log"), `{"event_type":"x","event_info":null}`, "Content-Type", "text/plain").empty(204)
	})

	t.Run("2 JSON bodies: unparseable: 400 invalid_json", func(t *testing.T) {
		s := w.create(t, "unparseable", noise(partSize))
		for _, body := range []string{"{", "x=1", `{"a":1}{}`, "[]", "7", `"a"`, "null"} {
			w.do(t, "POST", "/2.0/files/upload_sessions", body).refused(400, "invalid_json")
			s.commitWith(t, body).refused(400, "invalid_json")
			w.do(t, "POST", s.path("/plan"), body).refused(400, "invalid_json")
			w.do(t, "POST", s.path("/log"), body).refused(400, "invalid_json")
			w.do(t, "OPTIONS", "/2.0/files/content", body).refused(400, "invalid_json")
		}
	})

	t.Run("2 JSON bodies: 8 MiB for commit, 10.5 413 request_entity_too_large above", func(t *testing.T) {
		s := w.create(t, "8 MiB", noise(partSize))
		parts := toJSON(t, fields{"parts": s.parts(t)})
		pad := func(n int) io.Reader {
			return io.MultiReader(bytes.NewReader(parts), strings.NewReader(strings.Repeat(" ", n-len(parts))))
		}
		s.commitWith(t, pad(8<<20+1)).refused(413, "request_entity_too_large")
		s.commitWith(t, pad(8<<20)).file()
	})

	t.Run("2 Ids: session ids match case-insensitively", func(t *testing.T) {
		s := w.create(t, "case", noise(partSize))
		if len(s.ID) != 32 || strings.Trim(s.ID, "0123456789ABCDEF") != "" {
			t.Errorf("session id is %q, want 32 upper-case hex digits", s.ID)
		}
		var again session
		w.do(t, "GET", "/2.0/files/upload_sessions/"+strings.ToLower(s.ID), nil).want(200).decode(&again)
		if again.ID != s.ID {
			t.Errorf("session %s says it is %s", s.ID, again.ID)
		}
		lower := &session{w: w, data: s.data, ID: strings.ToLower(s.ID), PartSize: s.PartSize, TotalParts: s.TotalParts}
		lower.commit(t, lower.parts(t)).file()
		w.do(t, "DELETE", lower.path(""), nil).empty(204)
	})

	t.Run("2 Ids: JSON strings of decimal digits", func(t *testing.T) {
		s := w.create(t, "ids", noise(partSize))
		f := s.commit(t, s.parts(t)).object()["entries"].([]any)[0].(map[string]any)
		ids := map[string]any{
			"file": f["id"], "version": f["file_version"].(map[string]any)["id"],
			"owner": f["owned_by"].(map[string]any)["id"], "parent": f["parent"].(map[string]any)["id"],
		}
		for what, id := range ids {
			if text, ok := id.(string); !ok || text == "" || strings.Trim(text, "0123456789") != "" {
				t.Errorf("id of %s is %#v", what, id)
			}
		}
		if ids["parent"] != "0" {
			t.Errorf("the root folder is %v", ids["parent"])
		}
	})

	t.Run("2 Content-Length: chunked transfer encoding is as good", func(t *testing.T) {
		data := noise(2*partSize + 1)
		s := &session{w: w, data: data}
		body := toJSON(t, fields{"folder_id": "0", "file_name": "chunked", "file_size": len(data)})
		w.do(t, "POST", "/2.0/files/upload_sessions", io.Reader(bytes.NewReader(body))).want(201).decode(s)
		var parts []part
		for i := range s.TotalParts {
			var p struct{ Part part }
			w.do(t, "PUT", s.path(""), io.Reader(bytes.NewReader(s.slot(i))), s.says(i, s.slot(i))...).want(200).decode(&p)
			parts = append(parts, p.Part)
		}
		s.commitWith(t, io.Reader(bytes.NewReader(toJSON(t, fields{"parts": parts})))).file()
	})
}

func TestDigestHeader(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	data := noise(partSize)
	s := w.create(t, "digests", data)
	p := s.part(t, 0)
	b64, hex := strings.TrimPrefix(digestOf(data), "sha="), sha1Of(data)

	for _, form := range []string{
		"sha=" + b64, "SHA=" + b64, "Sha=" + b64, // Node v3 and Python v3 send capitals
		"sha=" + b64 + " \t", " sha = " + b64, // white space
		"md5=1B2M2Y8AsgTpgAmY7PhCfg==,sha=" + b64, "sha=" + b64 + ", SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", // a list
		"sha=" + hex, "sha=" + strings.ToUpper(hex), // Cyberduck's commit
	} {
		t.Run(fmt.Sprintf("2 Digest header %q", form), func(t *testing.T) {
			fresh := w.create(t, "other digests", data)
			fresh.put(t, 0, "Digest", form).want(200)
			s.put(t, 0, "Digest", form).want(200)
			s.commit(t, []part{p}, "Digest", form).file()
		})
	}
	for _, form := range []string{
		"", "sha", "sha=", b64, hex, "sha=" + b64[:27], "sha=" + b64 + "=", "sha=" + strings.Repeat("A", 28), // 21 bytes
		"sha=" + hex[:39], "sha=" + hex[:39] + "g", "sha=!" + b64[1:], "sha-256=" + b64, "sha1=" + b64, "md5=" + b64, "SHA-1=" + b64,
		"sha=" + b64 + ",sha=" + base64.StdEncoding.EncodeToString(make([]byte, 20)),
	} {
		t.Run(fmt.Sprintf("5.3 Digest missing, not SHA-1, or not 20 bytes in base64 or 40 hex digits: %q", form), func(t *testing.T) {
			for _, r := range []*reply{s.put(t, 0, "Digest", form), s.commit(t, []part{p}, "Digest", form)} {
				if f := r.refused(400, "bad_request"); !strings.Contains(f.Message, "Digest") {
					t.Errorf("the message %q does not name the header", f.Message)
				}
			}
		})
	}
}
