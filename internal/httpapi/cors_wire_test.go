package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"boxcar/internal/daemon"
)

// words takes apart a header that is a list.
func words(r *reply, name string) []string {
	list := strings.Split(r.header.Get(name), ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	slices.Sort(list)
	return list
}

// noCORS ends the test if a browser would let a page read the reply.
func (r *reply) noCORS() *reply {
	r.t.Helper()
	for name := range r.header {
		if strings.HasPrefix(name, "Access-Control-") {
			r.t.Errorf("%v: want no %s", r, name)
		}
	}
	return r
}

// readable fails the test unless pages of that origin may read the reply.
func (r *reply) readable(origin string) {
	r.t.Helper()
	if got := r.header["Access-Control-Allow-Origin"]; len(got) != 1 || got[0] != origin {
		r.t.Errorf("%v: Access-Control-Allow-Origin is %q, want %q", r, got, origin)
	}
	want := []string{"BOX-REQUEST-ID", "Content-Disposition", "Content-Range", "ETag", "Location", "Retry-After", "WWW-Authenticate"}
	if got := words(r, "Access-Control-Expose-Headers"); !slices.Equal(got, want) {
		r.t.Errorf("%v: Access-Control-Expose-Headers is %q, want %q", r, got, want)
	}
	// UI components send no credentials, so none are allowed.
	if _, ok := r.header["Access-Control-Allow-Credentials"]; ok {
		r.t.Errorf("%v: want no Access-Control-Allow-Credentials", r)
	}
}

const page, evil = "https://app.example", "https://evil.example"

func TestCORS(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *daemon.Config) { c.AllowOrigins = []string{page, "http://localhost:3000"} })
	data := noise(partSize)
	s, parts := w.sent(t, "cors.bin", data)
	f := s.commit(t, parts).file()

	// What a browser asks before the requests of section 13.
	ask := func(t *testing.T, path, origin, method, headers string) *reply {
		t.Helper()
		h := []string{"Authorization", "", "Origin", origin, "Access-Control-Request-Method", method}
		if headers != "" {
			h = append(h, "Access-Control-Request-Headers", headers)
		}
		return w.do(t, "OPTIONS", path, nil, h...)
	}
	const part = "authorization,box-version,content-range,content-type,digest,x-box-client-event-info"
	for _, path := range []string{
		"/2.0/files/content", "/api/2.0/files/content/", "/2.0/files/" + f.ID + "/content", "/api/2.0/files/upload_sessions", s.path(""), s.path("/commit"),
		"/2.0/files/upload_sessions/" + nobody, "/2.0/users/me", "/no/such/path",
	} {
		t.Run("13 preflight of "+path+": no auth, no body", func(t *testing.T) {
			r := ask(t, path, page, "PUT", part).want(200)
			r.readable(page)
			if len(r.body) != 0 {
				t.Errorf("%v: want no body", r)
			}
			if got := words(r, "Access-Control-Allow-Methods"); !slices.Equal(got, []string{"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"}) {
				t.Errorf("%v: Access-Control-Allow-Methods is %q", r, got)
			}
			if got := r.header.Get("Access-Control-Allow-Headers"); got != part {
				t.Errorf("%v: Access-Control-Allow-Headers is %q, want those asked for", r, got)
			}
			if got := r.header.Get("Access-Control-Max-Age"); !wireNumber.MatchString(got) {
				t.Errorf("%v: Access-Control-Max-Age is %q", r, got)
			}
		})
	}
	t.Run("13 preflight without headers asked for", func(t *testing.T) {
		r := ask(t, "/2.0/users/me", "http://localhost:3000", "GET", "").want(200)
		r.readable("http://localhost:3000")
		if _, ok := r.header["Access-Control-Allow-Headers"]; ok {
			t.Errorf("%v: want no Access-Control-Allow-Headers", r)
		}
	})
	t.Run("13 preflight for Box's own OPTIONS, which then comes with a token and a body", func(t *testing.T) {
		ask(t, "/2.0/files/content", page, "OPTIONS", "authorization,content-type").want(200).readable(page)
		r := w.do(t, "OPTIONS", "/2.0/files/content", fields{"name": "a", "parent": fields{"id": "0"}}, "Origin", page).want(200)
		r.readable(page)
		if r.object()["upload_url"] == nil {
			t.Errorf("%v: want an upload_url", r)
		}
	})
	t.Run("13 replies and error replies alike", func(t *testing.T) {
		for _, ask := range []struct {
			status       int
			method, path string
			body         any
			headers      []string
		}{
			{200, "GET", "/2.0/users/me", nil, nil},
			{201, "POST", "/2.0/files/upload_sessions", fields{"folder_id": "0", "file_name": "b", "file_size": 1}, nil},
			{200, "PUT", s.path(""), data, s.says(0, data)},
			{201, "POST", s.path("/commit"), fields{"parts": parts}, []string{"Digest", digestOf(data)}},
			{204, "DELETE", s.path(""), "{}", nil},
			{302, "GET", "/2.0/files/" + f.ID + "/content", nil, nil},
			{304, "GET", "/2.0/files/" + f.ID, nil, []string{"If-None-Match", f.Etag}},
			{400, "GET", "/2.0/files/upload_sessions/x", nil, nil},
			{401, "PUT", s.path(""), data, []string{"Authorization", ""}},
			{404, "GET", "/2.0/files/upload_sessions/" + nobody, nil, nil},
			{404, "GET", "/no/such/path", nil, nil},
			{405, "PATCH", s.path(""), nil, nil},
			{409, "POST", "/2.0/files/upload_sessions", fields{"folder_id": "0", "file_name": "cors.bin", "file_size": 1}, nil},
			{416, "PUT", s.path(""), data, []string{"Digest", digestOf(nil), "Content-Range", contentRange(0, 1023, 1024)}},
			{200, "POST", "/html5?reachability_test=run", nil, []string{"Authorization", ""}},
		} {
			w.do(t, ask.method, ask.path, ask.body, append(ask.headers, "Origin", page)...).want(ask.status).readable(page)
		}
	})
	t.Run("13 the bytes of a file", func(t *testing.T) {
		url := w.contentURL(t, f.ID, "")
		w.do(t, "GET", url, nil, "Origin", page, "Range", "bytes=1-2").want(206).readable(page)
		w.do(t, "GET", url, nil, "Origin", page, "Range", "bytes=9000-").want(416).readable(page)
		w.do(t, "GET", url[:len(url)-2], nil, "Origin", page).want(404).readable(page)
	})
	t.Run("13 another origin: nothing allowed, and 403 cors_origin_not_whitelisted to its preflight", func(t *testing.T) {
		for _, origin := range []string{evil, "http://app.example", page + ".evil.example", page + ":444", "null", strings.ToUpper(page)} {
			f := ask(t, "/2.0/users/me", origin, "GET", "authorization").noCORS().refused(403, "cors_origin_not_whitelisted")
			if f.ContextInfo.Origin != origin {
				t.Errorf("context_info.origin is %q, want %q", f.ContextInfo.Origin, origin)
			}
			w.do(t, "GET", "/2.0/users/me", nil, "Origin", origin).noCORS()
		}
	})
	t.Run("13 no origin: no CORS headers, but Vary: Origin", func(t *testing.T) {
		w.do(t, "GET", "/2.0/users/me", nil).noCORS() // read looks for Vary
	})
}

func TestCORSOfAnyOriginAndOfNone(t *testing.T) {
	t.Parallel()
	t.Run("13 *", func(t *testing.T) {
		w := start(t, func(c *daemon.Config) { c.AllowOrigins = []string{"*"} })
		for _, origin := range []string{page, evil, "null"} {
			w.do(t, "GET", "/2.0/users/me", nil, "Origin", origin).want(200).readable("*")
			w.do(t, "GET", "/2.0/users/me", nil, "Origin", origin, "Authorization", "").want(401).readable("*")
			w.do(t, "OPTIONS", "/2.0/files/content", nil, "Origin", origin, "Authorization", "", "Access-Control-Request-Method", "POST").want(200).readable("*")
		}
	})
	t.Run("13 no origin is allowed by default", func(t *testing.T) {
		w := start(t, nil)
		w.do(t, "GET", "/2.0/users/me", nil, "Origin", page).want(200).noCORS()
		w.do(t, "OPTIONS", "/2.0/users/me", nil, "Origin", page, "Access-Control-Request-Method", "GET").noCORS().refused(http.StatusForbidden, "cors_origin_not_whitelisted")
	})
}
