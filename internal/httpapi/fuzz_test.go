package httpapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"

	"boxcar/internal/content"
)

// FuzzMarkers: a marker that is taken leads to the same place when it is given out again.
func FuzzMarkers(f *testing.F) {
	for _, s := range []string{"", "0", "file 17 a.txt", "folder 0 \xff", "web_link 1  ", "user 12", "1700000000000000 8", "-62135596800000000 1", "9223372036854775807 1"} {
		f.Add(s)
		f.Add(base64.RawURLEncoding.EncodeToString([]byte(s)))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if m, err := parseMark(text); err == nil && m != nil {
			if again, err := parseMark(string(formatMark(m))); err != nil || *again != *m || m.ID < 0 || !utf8.ValidString(m.Key) {
				t.Errorf("%q is %+v, and again %+v, %v", text, m, again, err)
			}
		}
		if id, err := parseUserMark(text); err == nil && id != 0 {
			if again, err := parseUserMark(string(formatUserMark(id))); err != nil || again != id || id < 0 {
				t.Errorf("%q is user %d, and again %d, %v", text, id, again, err)
			}
		}
		if m, err := parseRecent(text); err == nil && m != nil {
			if again, err := parseRecent(string(formatRecent(m))); err != nil || *again != *m || m.Item <= 0 {
				t.Errorf("%q is %+v, and again %+v, %v", text, m, again, err)
			}
		}
	})
}

// refusal says whether an error is one that a client is told of.
func refusal(err error) bool {
	status, code, text := Answer(err)
	return status >= 400 && status < 500 && code != "" && text != "" && len(text) < 100<<10
}

// FuzzQueryParameters: what is read of a query is within its limits, or is refused.
func FuzzQueryParameters(f *testing.F) {
	for _, s := range []string{
		"query=a+OR+b&limit=1000000000000000000000&offset=9999&type=file", "query=a&created_at_range=2012-12-12T10:53:43-08:00,&size_range=1,9223372036854775807",
		"query=a&ancestor_folder_ids=1,2,,3&ancestor_folder_ids=4&file_extensions=.pdf,doc&content_types=name,tags", "query=%zz&limit=-1&offset=+1", "query=a;limit=2",
		"query=a&updated_at_range=9999-12-31T23:59:59-12:00,0001-01-01T00:00:00%2B12:00&trash_content=TRASHED_ONLY&scope=user_content&sort=modified_at&direction=asc",
		"stream_position=now", "stream_position=9223372036854775807", "stream_position=0", "marker=Zg&usemarker=true&fields=a,b.c&fields=d",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.RawQuery = query
		c := &call{Request: r}
		q, err := c.search()
		if err != nil && !refusal(err) {
			t.Errorf("%q: %v", query, err)
		}
		sizes := q.Sizes
		if err == nil && (q.Limit < 1 || q.Limit > maxFound || q.Offset < 0 || q.Offset > maxOffset ||
			len(q.Folders) > maxList || len(q.Owners) > maxList || len(q.Extensions) > maxList ||
			sizes.From != nil && *sizes.From < 0 || sizes.Until != nil && *sizes.Until < 0) {
			t.Errorf("%q is %+v", query, q)
		}
		for _, id := range q.Folders {
			if id < 0 {
				t.Errorf("%q has folder %d", query, id)
			}
		}
		switch at, now, err := c.position("0"); {
		case err != nil && !refusal(err):
			t.Errorf("%q: position: %v", query, err)
		case at < 0, now && at != 0:
			t.Errorf("%q: position %d, %v", query, at, now)
		}
		for _, name := range []string{"limit", "offset", "max_width"} {
			if n, err := c.number(name, 7, 1, content.BadRequest); err == nil && n < 1 || err != nil && !refusal(err) {
				t.Errorf("%q: %s is %d, %v", query, name, n, err)
			}
		}
		_ = c.fields()
	})
}

// FuzzPaths: a path is cleaned once and for all, and what it names is in one piece.
func FuzzPaths(f *testing.F) {
	s := New(Config{})
	for _, p := range []string{
		"/2.0/files/1/content", "/api/2.0//files/../folders/0/items/", "/api/api/2.0/users/me", "//2.0/x", "/2.0/files/%2e%2e/1", "/s/abc/file/1/download", "/..", "", "*", "/content/a/b\x00c",
	} {
		f.Add("GET", p)
	}
	f.Add("PUT", "/2.0/files/upload_sessions/x")
	f.Fuzz(func(t *testing.T, method, path string) {
		p := clean(path)
		if !strings.HasPrefix(p, "api/") && clean(p) != p || strings.HasPrefix(p, "/") || strings.HasSuffix(p, "/") {
			t.Errorf("%q is %q, and then %q", path, p, clean(p))
		}
		for _, part := range strings.Split(p, "/") {
			if part == ".." || part == "." || part == "" && p != "" {
				t.Errorf("%q is %q", path, p)
			}
		}
		r, params, allowed := s.find(method, path)
		if r != nil && (r.method != method && method != "HEAD" || len(r.pattern) != 1+strings.Count(p, "/")) || r == nil && params != nil {
			t.Errorf("%s %q is %v, %v, %v", method, path, r, params, allowed)
		}
		for name, v := range params {
			if v == "" || strings.Contains(v, "/") {
				t.Errorf("%s %q: %s is %q", method, path, name, v)
			}
		}
	})
}

// FuzzForwarded: whatever proxies and clients say, URLs in replies have a scheme
// and a host and nothing else before their path, and addresses are told apart by something.
func FuzzForwarded(f *testing.F) {
	f.Add("localhost:8080", "https", "box.example.org", "192.0.2.1")
	f.Add("[::1]:8080", "http, https", "a.example, b.example", "2001:db8::1, ::ffff:1.2.3.4")
	f.Add("api.box.com:99999", "javascript", "a\tb", "fe80::1%eth0")
	f.Add("h", "", "user@host", ",")
	f.Add("h", "https", "a.example:x", "")
	f.Add("h", "https", "\"><b>", "")
	f.Add("h", "https", "[::1", "")
	f.Add("", "", "", "")
	f.Add("a b\"<x>", "", "", "")
	s := &Server{Config: Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, BoxHosts: true}}
	f.Fuzz(func(t *testing.T, host, proto, forwarded, peer string) {
		local := context.WithValue(t.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv6loopback, Port: 8080})
		for _, remote := range []string{"10.0.0.1:5", "192.0.2.1:5"} {
			r := &http.Request{Host: host, RemoteAddr: remote, Header: http.Header{"X-Forwarded-Proto": {proto}, "X-Forwarded-Host": {forwarded}, "X-Forwarded-For": {peer}}}
			o := s.origins(r.WithContext(local))
			for _, base := range []string{o.base, o.content(), o.app(), o.api(), o.upload()} {
				u, err := url.Parse(base)
				if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !httpguts.ValidHeaderFieldValue(base) {
					t.Errorf("host %q, forwarded %q for %q: %q (%v)", host, proto, forwarded, base, err)
				}
			}
			if remote != "10.0.0.1:5" && o.base != "http://"+host && o.base != "http://[::1]:8080" {
				t.Errorf("somebody who is no proxy made %q of %q", o.base, host)
			}
			if s.peer(r) == "" {
				t.Errorf("for %q there is no peer", peer)
			}
		}
	})
}

// FuzzNamesInHeaders: any name that a file may have goes into Content-Disposition,
// and comes out of it.
func FuzzNamesInHeaders(f *testing.F) {
	for _, s := range []string{"a.txt", `q"uo\te; x=%41`, "日本語.pdf", "e\u0301\u202e", "'(*)@,:=", "\u00a0 x", strings.Repeat("😀", 255)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if content.CheckName(name) != nil {
			return
		}
		value := disposition(name)
		kind, params, err := mime.ParseMediaType(value)
		if !httpguts.ValidHeaderFieldValue(value) || err != nil || kind != "attachment" || params["filename"] != name {
			t.Errorf("%q became %q, which is %v, %v", name, value, params, err)
		}
		for i := range len(value) {
			if value[i] < ' ' || value[i] > '~' {
				t.Errorf("%q became %q", name, value)
			}
		}
		if kind := contentType(name); !httpguts.ValidHeaderFieldValue(kind) || kind == "" {
			t.Errorf("%q is of type %q", name, kind)
		}
		const sandbox = "sandbox"
		h := http.Header{"Content-Disposition": {value}, "Content-Security-Policy": {sandbox}}
		showInline(h, name)
		kind, params, err = mime.ParseMediaType(h.Get("Content-Disposition"))
		if err != nil || params["filename"] != name || (kind == "inline") != (shownAs(name) != "") {
			t.Errorf("%q is shown as %q: %v, %v", name, kind, params, err)
		}
		family, sub, _ := strings.Cut(h.Get("Content-Type"), "/")
		safe := family == "image" && !strings.Contains(sub, "svg") || family == "video" || family == "audio" || h.Get("Content-Type") == "application/pdf"
		if kind == "inline" && (!safe || family != "application" && h.Get("Content-Security-Policy") != sandbox) {
			t.Errorf("%q is shown with %v", name, h)
		}
	})
}

// formRead is what simpleUpload reads of a form.
func formRead(body []byte, contentType string) (attributes string, file []byte, err error) {
	r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	form, err := r.MultipartReader()
	if err != nil {
		return "", nil, content.Errorf(content.BadRequest, "no form")
	}
	part, err := form.NextPart()
	if err == nil && part.FormName() == "attributes" {
		text, err := io.ReadAll(part)
		if err != nil {
			return "", nil, badForm(err)
		}
		attributes = string(text)
		if part, err = form.NextPart(); err != nil {
			return "", nil, badForm(err)
		}
	} else if err != nil {
		return "", nil, badForm(err)
	}
	file, err = io.ReadAll(&filePart{form: form, part: part})
	return attributes, file, err
}

// FuzzForm: a form that is taken has come to its end, and has no attributes
// behind the file; what was put into one comes out of it, or not at all when it is cut.
func FuzzForm(f *testing.F) {
	const head = "multipart/form-data; boundary=b"
	good := "--b\r\nContent-Disposition: form-data; name=\"attributes\"\r\n\r\n{}\r\n--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--b--\r\n"
	f.Add(good, head, []byte("data"), 10)
	f.Add(strings.Replace(good, "attributes", "file", 1), head, []byte("\r\n--b"), 0)
	f.Add(strings.ReplaceAll(good, "\r\n", "\n"), head, []byte{}, 1)
	f.Add(good[:len(good)-6], head, []byte("\r\n--\r\n"), 99)
	f.Add("--b\r\n\r\n\r\n--b\r\nContent-Disposition: form-data; name=attributes\r\n\r\n\r\n--b--", "multipart/form-data; boundary=\"b\"", []byte("--b--"), 5)
	f.Add(good, "multipart/mixed", []byte("x"), 3)
	f.Fuzz(func(t *testing.T, body, contentType string, data []byte, cut int) {
		if _, _, err := formRead([]byte(body), contentType); err == nil {
			_, params, _ := mime.ParseMediaType(contentType)
			if !strings.Contains(body, "--"+params["boundary"]+"--") {
				t.Errorf("%q of %s has no end, and is taken", body, contentType)
			}
		} else if !refusal(err) {
			t.Errorf("%q of %s: %v", body, contentType, err)
		}

		var b bytes.Buffer
		m := multipart.NewWriter(&b)
		attributes, _ := m.CreateFormField("attributes")
		io.WriteString(attributes, `{"name":"x"}`)
		file, _ := m.CreateFormFile("file", "x")
		file.Write(data)
		m.Close()
		text, got, err := formRead(b.Bytes(), m.FormDataContentType())
		if err != nil || text != `{"name":"x"}` || !bytes.Equal(got, data) {
			t.Errorf("%q came out as %q, with %q and %v", data, got, text, err)
		}
		if end := "--" + m.Boundary() + "--"; cut >= 0 && cut < b.Len()-len(end)-2 {
			if _, got, err := formRead(b.Bytes()[:cut], m.FormDataContentType()); err == nil || !refusal(err) {
				t.Errorf("cut at %d, %q is taken as %q, with %v", cut, b.Bytes()[:cut], got, err)
			}
		}
	})
}

// FuzzAuthorization: no header makes anything but a token or nothing of itself,
// and the form of a client's credentials is undone at most once.
func FuzzAuthorization(f *testing.F) {
	for _, s := range []string{"Bearer x", "bearer  x ", "Basic Og==", "Bearer", "", "Basic " + base64.StdEncoding.EncodeToString([]byte("a%3Ab:%zz")), "Bearer a b"} {
		f.Add(s, "grant_type=client_credentials&client_id=%61&client_secret=b")
	}
	f.Add("", "a=%zz")
	f.Add("", ";")
	s := New(Config{})
	f.Fuzz(func(t *testing.T, header, form string) {
		r := httptest.NewRequest("POST", "/oauth2/token", strings.NewReader(form))
		r.Header.Set("Authorization", header)
		c := &call{Request: r, shares: &s.shares}
		req, values, err := s.tokenRequest(c)
		if err != nil {
			if !refusal(err) {
				t.Errorf("%q: %v", form, err)
			}
			return
		}
		if want, err := url.ParseQuery(form); err != nil || !reflect.DeepEqual(want, values) {
			t.Errorf("%q is %v", form, values)
		}
		if id, secret, ok := r.BasicAuth(); ok {
			if req.ClientID != unescape(id) || req.ClientSecret != unescape(secret) || !req.HasClient {
				t.Errorf("%q is %+v", header, req)
			}
		} else if req.ClientID != values.Get("client_id") || req.HasClient != (req.ClientID != "") {
			t.Errorf("%q is %+v", form, req)
		}
		if strings.ContainsAny(grantName(req.GrantType), "\r\n\x00") || len(grantName(req.GrantType)) > 60 {
			t.Errorf("%q is logged as it is", req.GrantType)
		}
	})
}

// FuzzBodies: reading a body takes what is within the limit, whole, and no more memory than that.
func FuzzBodies(f *testing.F) {
	f.Add(0, 0)
	f.Add(512, 512)
	f.Add(513, 512)
	f.Add(70_000, 65_536)
	f.Fuzz(func(t *testing.T, size, limit int) {
		if size < 0 || size > 1<<20 || limit < 0 || limit > 1<<20 {
			return
		}
		s := New(Config{})
		c := &call{Request: httptest.NewRequest("POST", "/", nil), shares: &s.shares, w: &writer{}}
		large := errors.New("large")
		got, err := c.readAll(bytes.NewReader(make([]byte, size)), int64(limit), large)
		switch {
		case size > limit && !errors.Is(err, large), size <= limit && (err != nil || len(got) != size):
			t.Errorf("%d bytes of %d: %d, %v", size, limit, len(got), err)
		case cap(got) > max(limit+1, 512), c.kept > int64(limit)+1:
			t.Errorf("%d bytes of %d took %d, and count as %d", size, limit, cap(got), c.kept)
		}
	})
}

// FuzzPlainText: what a page shows of a file is the beginning of it, and is text;
// of a text that was cut no more than one character is missing.
func FuzzPlainText(f *testing.F) {
	for _, s := range []string{"", "a", "日本語", "a\x00b", "\xff\xfe", "é\xc3", "😀\xf0\x9f\x98", "\ufffd", "\x80\x80\x80\x80\x80", "0\x97\xa5\xe6\x9c"} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, b []byte, cut bool) {
		text, ok := plainText(slices.Clone(b), cut)
		if ok && (text == "" || !utf8.ValidString(text) || strings.Contains(text, "\x00") || !bytes.HasPrefix(b, []byte(text)) || len(text) < len(b) && (!cut || len(b)-len(text) >= utf8.UTFMax)) {
			t.Errorf("of %q, cut %v, %q is shown", b, cut, text)
		}
		if utf8.Valid(b) && !bytes.Contains(b, []byte{0}) {
			for n := range min(len(b), 3*utf8.UTFMax) {
				part := b[:len(b)-n]
				_, last := utf8.DecodeLastRune(part)
				if text, ok := plainText(slices.Clone(part), true); len(part) > utf8.UTFMax && (!ok || len(part)-len(text) > max(last, utf8.UTFMax-1)) {
					t.Errorf("of %q, %q is shown, %v", part, text, ok)
				}
			}
		}
	})
}

// FuzzLoginPages: wherever an application wants a person sent back to, the page keeps its
// policy, and the answer goes there and nowhere else, with what the application is to have.
func FuzzLoginPages(f *testing.F) {
	for _, s := range []string{
		"https://app.example/cb?x=1", "http://localhost:9/a", "my.app:/cb", "http://[::1]:9/", "http://h; script-src *", "https://h/a\"b", "x:y", "HTTPS://H", "http://h:80,evil.example/", "http://h'unsafe-inline'/",
		"javascript:alert(1)", "//h", "http://h\r\nX: y", "",
	} {
		f.Add(s, "state & <b>", "code")
	}
	f.Fuzz(func(t *testing.T, uri, state, code string) {
		u, err := url.Parse(uri)
		if err != nil || u.Scheme == "" || u.Fragment != "" || strings.Contains(uri, "#") || u.User != nil {
			return // no application can register that
		}
		w := httptest.NewRecorder()
		s := New(Config{Now: time.Now, Random: func([]byte) {}})
		c := s.begin(w, httptest.NewRequest("GET", "/", nil))
		if err := s.redirect(c, uri, state, "code", code); err != nil {
			t.Fatalf("%q: %v", uri, err)
		}
		policy := strings.Split(w.Header().Get("Content-Security-Policy"), "; ")
		var names []string
		for _, directive := range policy {
			name, _, _ := strings.Cut(directive, " ")
			names = append(names, name)
		}
		if !slices.Equal(names, []string{"default-src", "style-src", "form-action", "base-uri", "frame-ancestors"}) || strings.Count(strings.Join(policy, " "), "'unsafe") > 0 || strings.ContainsAny(w.Header().Get("Content-Security-Policy"), ",\r\n") {
			t.Errorf("for %q the policy is %q", uri, policy)
		}
		to := w.Header().Get("Location")
		at, err := url.Parse(to)
		if err != nil || !httpguts.ValidHeaderFieldValue(to) || at.Scheme != u.Scheme || at.Host != u.Host || at.EscapedPath() != u.EscapedPath() || at.Opaque != u.Opaque {
			t.Fatalf("%q became %q, %v", uri, to, err)
		}
		added := at.RawQuery
		if u.RawQuery != "" {
			var ok bool
			if added, ok = strings.CutPrefix(added, u.RawQuery+"&"); !ok {
				t.Errorf("%q became %q", uri, to)
			}
		}
		want := url.Values{"code": {code}}
		if state != "" {
			want.Set("state", state)
		}
		if got, err := url.ParseQuery(added); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q became %q: %v, %v", uri, to, got, err)
		}
		if host := hostOf(uri); host == "a program on this computer" && u.Hostname() != "localhost" && u.Hostname() != "127.0.0.1" && u.Hostname() != "::1" {
			t.Errorf("%q is said to be %q", uri, host)
		}
	})
}
