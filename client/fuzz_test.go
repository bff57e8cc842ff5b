package client

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"reflect"
	"testing"
)

// Files of profiles and of tokens are read as they were meant, and one that is edited by
// hand makes no client that goes to what is no server.
func FuzzProfiles(f *testing.F) {
	for _, s := range []string{
		`{"default":"here","profiles":{"here":{"server":"http://127.0.0.1:8080","auth":"token","token":"t","as_user":"9"}}}`,
		`{"profiles":{"box":{"auth":"client_credentials","client_id":"a","client_secret":"b","subject":{"type":"user","id":"7"}}}}`,
		`{"profiles":{"p":{"auth":"client_credentials","client_id":"a","client_secret":"b","subject":{"type":"group"}}}}`,
		`{"profiles":{"p":{"auth":"login","client_id":"a"},"q":{"auth":"jwt","config_file":"/none"},"":{"auth":"token","token":"t"}}}`,
		`{"profiles":{"p":{"server":"ftp://x","auth":"token","token":"t"},"q":{"server":"http://x?y","auth":"token","token":"t"}}}`,
		`{"access_token":"a","refresh_token":"r","until":"2031-03-09T04:05:06Z"}`, `{"until":"9999-12-31T23:59:60Z"}`, `{"access_`,
		`{"profiles":{"x/../../y":{"auth":"token","token":"t"}}}`, `{"profiles":null}`, `{"profiles":{"p":null}}`, `[]`, `{`, ``,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if tokens, err := decodeTokens(text); err == nil {
			again, err := json.Marshal(tokens)
			if err != nil {
				return // offsets that JSON has no form for
			}
			if back, err := decodeTokens(again); err != nil || back.Access != tokens.Access || back.Refresh != tokens.Refresh || !back.Until.Equal(tokens.Until) {
				t.Errorf("%q is %+v, and then %+v, %v", text, tokens, back, err)
			}
		}
		file, err := decodeProfiles(text)
		if err != nil {
			return
		}
		again, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := decodeProfiles(again); err != nil || !reflect.DeepEqual(back, file) {
			t.Errorf("%q is %+v, and then %+v, %v", text, file, back, err)
		}
		for name, p := range file.Profiles {
			if p.Auth == AuthJWT {
				continue // it would read a file
			}
			if source, err := p.source(TokenFile("/nowhere/tokens.json"), nil); (err == nil) != (source != nil) {
				t.Errorf("%q: %v, %v", name, source, err)
			} else if err == nil {
				if _, err := New(Config{URLs: p.URLs(), Tokens: source}); err != nil {
					t.Errorf("%q: %+v has tokens, and no client: %v", name, p, err)
				}
			}
			if at := (Profiles{Dir: "dir"}).tokenPath(name); filepath.Dir(at) != "dir" {
				t.Errorf("%q has its tokens in %q", name, at)
			}
		}
	})
}

// What comes back from a browser counts if it has the login's state, and nothing of
// it is shown to the browser.
func FuzzCallback(f *testing.F) {
	const state = "STATESTATESTATE"
	for _, q := range []string{
		"code=c&state=" + state, "state=" + state, "error=access_denied&error_description=no&state=" + state,
		"code=c", "code=c&state=x&state=" + state, "code=c&state=" + state + "&state=x", "code=%zz&state=" + state,
		"code=c;state=" + state, "error=<script>alert(1)</script>&state=" + state, "state=STATE%53TATESTATE&code=a+b",
	} {
		f.Add("GET", "/back", q)
	}
	f.Add("POST", "/back", "code=c&state="+state)
	f.Add("GET", "/other", "code=c&state="+state)
	f.Fuzz(func(t *testing.T, method, path, query string) {
		came := make(chan callback, 1)
		r := &http.Request{Method: method, URL: &url.URL{Path: path, RawQuery: query}}
		w := httptest.NewRecorder()
		callbackHandler("/back", state, came).ServeHTTP(w, r)
		values := r.URL.Query()
		mine := method == http.MethodGet && path == "/back" && values.Get("state") == state
		switch w.Body.String() {
		case "Logged in. This window can be closed.\n", "The login was refused. This window can be closed.\n", "This is not the end of the login that is waited for.\n":
		default:
			t.Errorf("%q: the browser is shown %q", query, w.Body)
		}
		if mine != (w.Code == http.StatusOK) {
			t.Errorf("%s %s?%s: %d", method, path, query, w.Code)
		}
		select {
		case back := <-came:
			wrong := values.Get("error") != "" || values.Get("code") == ""
			if !mine || (back.err != nil) != wrong || !wrong && back.code != values.Get("code") {
				t.Errorf("%s %s?%s is taken for %+v", method, path, query, back)
			}
			if back.err != nil && len(back.err.Error()) > 3000 {
				t.Errorf("an error of %d bytes", len(back.err.Error()))
			}
		default:
			if mine {
				t.Errorf("%s is not taken", query)
			}
		}
	})
}

// A redirect leads to a host, and never from https to anything else.
func FuzzLocation(f *testing.F) {
	for _, s := range []string{
		"https://content.example/x?a=b#c", "//content.example/x", "/x", "", "http://content.example/", "HTTPS://x", "ftp://x/", "https:///x",
		"https://user:password@x/", "https:x", "javascript:alert(1)", "\\\\x\\y", "//:0:0", "https://[::1]:99999/", " https://x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, location string) {
		to, ok := follow("https://api.example", location)
		if !ok {
			return
		}
		if u, err := url.Parse(to); err != nil || u.Scheme != "https" || u.Host == "" {
			t.Errorf("%q leads to %q, %v", location, to, err)
		}
	})
}
