package auth

import (
	"net/url"
	"testing"
)

// FuzzRedirectURI: an application is told only at an address that it registered,
// but for the port, and the path if it has none, of this machine's own.
func FuzzRedirectURI(f *testing.F) {
	for _, s := range [][2]string{
		{"https://app.example/cb?x=1", "https://app.example/cb?x=1"}, {"http://localhost/only", "http://localhost:9/only"}, {"http://127.0.0.1", "http://127.0.0.1:1/a?b"},
		{"http://localhost", "http://localhost@evil.example/"}, {"http://localhost", "http://localhost.evil.example"}, {"http://[::1]", "http://[::1]:9/any"},
		{"my.app:/cb", "my.app:/cb#x"}, {"http://localhost", "javascript://localhost/%0aalert(1)"}, {"http://localhost", "http://localhost\\@evil.example"},
		{"http://localhost/a%2fb", "http://localhost/a/b"}, {"http://localhost", "http://localhost:\t1/"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, registered, asked string) {
		if checkRedirectURI(registered) != nil || !matchesURI(registered, asked) {
			return
		}
		if checkRedirectURI(asked) != nil {
			t.Errorf("%q is matched by %q, which nobody could register", registered, asked)
		}
		if registered == asked {
			return
		}
		r, err := url.Parse(registered)
		a, err2 := url.Parse(asked)
		if err != nil || err2 != nil || r.Scheme != a.Scheme || r.Hostname() != a.Hostname() || a.User != nil {
			t.Fatalf("%q is matched by %q", registered, asked)
		}
		switch a.Hostname() {
		case "localhost", "127.0.0.1", "::1":
		default:
			t.Errorf("%q is matched by %q, elsewhere", registered, asked)
		}
	})
}

// FuzzWords: what people and programs write for scopes, resources, logins and
// actors is read within its limits.
func FuzzWords(f *testing.F) {
	for _, s := range []string{
		"https://api.box.com/2.0/files/1", "/2.0/folders/0", "files/0", "folders/99999999999999999999", "root_readwrite,item_upload base_preview", "odd",
		"a@b", "a@b@c", "@", "a b@c", "a@\u0000", "e30.eyJuYW1lIjoieCJ9.", "e30.eyJzdWIiOjF9.", "https://h:8080/api/2.0/files/7/", "\xff@x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if folder, id, ok := parseResource(text, []string{"https://h:8080"}); ok {
			kind := "files/"
			if folder {
				kind = "folders/"
			}
			if f2, id2, ok := parseResource(kind+id.String(), nil); !ok || f2 != folder || id2 != id || id < 0 || id == 0 && !folder {
				t.Errorf("%q is %v %d, and again %v %d %v", text, folder, id, f2, id2, ok)
			}
		}
		if scopes, err := parseScopes(text); err == nil {
			for _, scope := range scopes {
				if again, err := parseScopes(string(scope)); err != nil || len(again) != 1 || again[0] != scope {
					t.Errorf("%q has %q, which is %v, %v", text, scope, again, err)
				}
			}
		} else if !isRefusal(err) {
			t.Errorf("%q: %v", text, err)
		}
		if name, err := actorName(text, ""); err == nil && len(name) > maxProfile || err != nil && !isRefusal(err) {
			t.Errorf("%q is actor %q, %v", text, name, err)
		}
		if checkLogin(text) == nil && (len(text) > maxLogin || text[0] == '@' || text[len(text)-1] == '@' && len(text) < 3) {
			t.Errorf("%q is a login", text)
		}
	})
}
