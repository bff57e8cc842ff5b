package httpapi_test

import (
	"strings"
	"testing"
	"time"

	"boxcar/internal/auth"
)

func TestALoginIsAskedForConsent(t *testing.T) {
	w := start(t, nil)
	b := &person{w: w}
	page := b.get(t, w.authorizeQuery("box_login", `"><b>@x`)).want(200)
	if text := string(page.body); !strings.Contains(text, "Log in") || strings.Contains(text, `"><b>`) || strings.Contains(text, "<script") {
		t.Errorf("%v: want a login page without a way in", page)
	}
	if !strings.Contains(page.header.Get("Content-Security-Policy"), "form-action 'self' http://127.0.0.1:43123;") {
		t.Errorf("%v: the policy does not name where the answer goes", page)
	}
	wrong := b.send(t, "POST", "/oauth2/authorize", page.fields("login", w.Credentials.Admin.Login, "password", "wrong")).want(403)
	if !strings.Contains(string(wrong.body), "is wrong") || strings.Contains(string(wrong.body), "ticket") {
		t.Errorf("%v: want the login page again", wrong)
	}
	unknown := b.send(t, "POST", "/oauth2/authorize", page.fields("login", "nobody@example.net", "password", "wrong")).want(403)
	if !strings.Contains(string(unknown.body), "is wrong") {
		t.Errorf("%v: want the login page again", unknown)
	}
	consent := b.send(t, "POST", "/oauth2/authorize", page.fields("login", strings.ToUpper(w.Credentials.Admin.Login), "password", w.Credentials.Password)).want(200)
	if !strings.Contains(string(consent.body), "Allow") {
		t.Errorf("%v: want the consent page", consent)
	}
	denied := b.send(t, "POST", "/oauth2/authorize", consent.fields("answer", "deny")).answer(t, redirectURI)
	if denied.Get("error") != "access_denied" || denied.Get("state") != "a&b=c ü" || denied.Get("code") != "" {
		t.Errorf("the answer is %v", denied)
	}

	// Another browser, another request, and the end of ten minutes get nothing.
	fields := consent.fields("answer", "allow")
	stranger := &person{w: w}
	stranger.get(t, w.authorizeQuery())
	stranger.send(t, "POST", "/oauth2/authorize", fields).want(403)
	(&person{w: w}).send(t, "POST", "/oauth2/authorize", fields).want(403)
	changed := consent.fields("answer", "allow", "request", strings.Replace(fields.Get("request"), "43123", "43124", 1))
	b.send(t, "POST", "/oauth2/authorize", changed).want(403)
	noTicket := consent.fields("answer", "allow", "ticket", "")
	b.send(t, "POST", "/oauth2/authorize", noTicket).want(403)
	w.Clock.Add(11 * time.Minute)
	b.send(t, "POST", "/oauth2/authorize", fields).want(403)
}

func TestAuthorizeTellsWhoItShould(t *testing.T) {
	w := start(t, nil)
	must2(w.Auth.AddApp(t.Context(), "fixed", auth.AppChange{Name: ptr("<b>Fixed"), RedirectURIs: &[]string{"https://app.example/cb?x=1", "http://localhost/only"}}))
	must2(w.Auth.AddApp(t.Context(), "one", auth.AppChange{Name: ptr("One"), RedirectURIs: &[]string{"my.app:/cb"}}))
	must2(w.Auth.AddApp(t.Context(), "machine", auth.AppChange{Name: ptr("Machine"), Grants: &[]string{auth.GrantJWT}, RedirectURIs: &[]string{"https://m.example/"}}))
	for name, c := range map[string]struct {
		change []string
		status int
		code   string // what the application is told; "" for a page to the person
	}{
		"fixed":             {[]string{"client_id", "fixed", "redirect_uri", "https://app.example/cb?x=1"}, 200, ""},
		"any loopback port": {[]string{"client_id", "fixed", "redirect_uri", "http://localhost:9/only"}, 200, ""},
		"any path":          {[]string{"redirect_uri", "http://[::1]:9/any/path?q"}, 200, ""},
		"only one":          {[]string{"client_id", "one", "redirect_uri", ""}, 200, ""},

		"no client":       {[]string{"client_id", "none"}, 400, ""},
		"no uri":          {[]string{"redirect_uri", ""}, 400, ""},
		"other uri":       {[]string{"redirect_uri", "https://evil.example/"}, 400, ""},
		"like loopback":   {[]string{"redirect_uri", "http://localhost.evil.example/"}, 400, ""},
		"user info":       {[]string{"redirect_uri", "http://localhost@evil.example/"}, 400, ""},
		"other loopback":  {[]string{"client_id", "fixed", "redirect_uri", "http://127.0.0.1:9/only"}, 400, ""},
		"other path":      {[]string{"client_id", "fixed", "redirect_uri", "http://localhost:9/other"}, 400, ""},
		"other query":     {[]string{"client_id", "fixed", "redirect_uri", "https://app.example/cb?x=2"}, 400, ""},
		"other port":      {[]string{"client_id", "fixed", "redirect_uri", "https://app.example:444/cb?x=1"}, 400, ""},
		"other scheme":    {[]string{"redirect_uri", "javascript://localhost/%0aalert(1)"}, 400, ""},
		"response type":   {[]string{"response_type", "token"}, 302, "unsupported_response_type"},
		"plain challenge": {[]string{"code_challenge", strings.Repeat("c", 43), "code_challenge_method", "plain"}, 302, "invalid_request"},
		"short challenge": {[]string{"code_challenge", "c", "code_challenge_method", "S256"}, 302, "invalid_request"},
		"scope":           {[]string{"scope", "root_readwrite odd"}, 302, "invalid_scope"},
		"machines":        {[]string{"client_id", "machine", "redirect_uri", "https://m.example/"}, 302, "unauthorized_client"},
	} {
		t.Run(name, func(t *testing.T) {
			query := w.authorizeQuery(c.change...)
			r := (&person{w: w}).get(t, query).want(c.status)
			if c.code == "" {
				if r.header.Get("Location") != "" || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") || strings.Contains(string(r.body), "<b>") {
					t.Errorf("%v: want a page", r)
				}
				return
			}
			answer := r.answer(t, query.Get("redirect_uri"))
			if answer.Get("error") != c.code || answer.Get("state") != query.Get("state") || answer.Get("error_description") == "" {
				t.Errorf("the answer is %v", answer)
			}
		})
	}
	// A query of the application's own is kept.
	b := &person{w: w}
	page := b.get(t, w.authorizeQuery("client_id", "fixed", "redirect_uri", "https://app.example/cb?x=1"))
	page = b.send(t, "POST", "/api/oauth2/authorize/", page.fields("login", w.Credentials.Admin.Login, "password", w.Credentials.Password)).want(200)
	if got := b.send(t, "POST", "/oauth2/authorize", page.fields("answer", "allow")).answer(t, "https://app.example/cb?x=1&"); got.Get("code") == "" {
		t.Errorf("the answer is %v", got)
	}
}

func TestACodeMayBeForLess(t *testing.T) {
	w := start(t, nil)
	g := w.form(t, "/oauth2/token", w.app("grant_type", "authorization_code", "code", w.adminCode(t, "scope", "root_readonly"))).granted()
	g = w.form(t, "/oauth2/token", w.app("grant_type", "refresh_token", "refresh_token", g.RefreshToken)).granted()
	reader := w.as(g.AccessToken)
	reader.do(t, "GET", "/2.0/folders/0", nil).want(200)
	reader.do(t, "POST", "/2.0/folders", fields{"name": "x", "parent": fields{"id": "0"}}).want(403)
	reader.do(t, "POST", "/2.0/users", fields{"name": "x", "login": "x@example.net"}).refused(403, "insufficient_scope")
}

func TestGuessingIsSlow(t *testing.T) {
	w := start(t, nil)
	bob := w.user(t, "bob@example.net", 0)
	if err := w.Auth.SetPassword(t.Context(), bob.who.ID, "correct horse"); err != nil {
		t.Fatal(err)
	}
	b := &person{w: w}
	page := b.get(t, w.authorizeQuery())
	try := func(login, password string) *reply {
		return b.send(t, "POST", "/oauth2/authorize", page.fields("login", login, "password", password))
	}
	for range 5 {
		try("bob@example.net", "guess").want(403)
	}
	r := try("BOB@example.net", "correct horse").want(429)
	if r.header.Get("Retry-After") == "" {
		t.Errorf("%v: want Retry-After", r)
	}
	// Others are not in the way.
	try(w.Credentials.Admin.Login, w.Credentials.Password).want(200)
	w.Clock.Add(20 * time.Minute)
	page = b.get(t, w.authorizeQuery())
	try("bob@example.net", "correct horse").want(200)
	// Who got in starts again from the beginning.
	for range 5 {
		try("bob@example.net", "guess").want(403)
	}
	// An account that has no password lets nobody in.
	w.Clock.Add(20 * time.Minute)
	if err := w.Auth.SetPassword(t.Context(), bob.who.ID, ""); err != nil {
		t.Fatal(err)
	}
	try("bob@example.net", "").want(403)
}

func TestATokenOfADeletedOrInactiveUserIsRefused(t *testing.T) {
	w := start(t, nil)
	bob := w.user(t, "bob@example.net", 0)
	if err := w.Auth.SetPassword(t.Context(), bob.who.ID, "correct horse"); err != nil {
		t.Fatal(err)
	}
	g := w.form(t, "/oauth2/token", w.app("grant_type", "authorization_code", "code", w.code(t, "bob@example.net", "correct horse", w.authorizeQuery()))).granted()
	code := w.code(t, "bob@example.net", "correct horse", w.authorizeQuery())
	w.do(t, "PUT", "/2.0/users/"+bob.who.ID.String(), fields{"status": "inactive"}).want(200)
	w.as(g.AccessToken).me(t, 401)
	w.form(t, "/oauth2/token", w.app("grant_type", "refresh_token", "refresh_token", g.RefreshToken)).denied(400, "invalid_grant")
	w.form(t, "/oauth2/token", w.app("grant_type", "authorization_code", "code", code)).denied(400, "invalid_grant")
	b := &person{w: w}
	page := b.get(t, w.authorizeQuery())
	b.send(t, "POST", "/oauth2/authorize", page.fields("login", "bob@example.net", "password", "correct horse")).want(403)
	w.do(t, "PUT", "/2.0/users/"+bob.who.ID.String(), fields{"status": "active"}).want(200)
	w.form(t, "/oauth2/token", w.app("grant_type", "refresh_token", "refresh_token", g.RefreshToken)).granted()
	w.do(t, "DELETE", "/2.0/users/"+bob.who.ID.String(), nil).want(204)
	w.as(g.AccessToken).me(t, 401)
}
