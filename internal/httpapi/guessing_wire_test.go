package httpapi_test

import (
	"net/netip"
	"net/url"
	"sync"
	"testing"
	"time"

	"boxcar/internal/auth"
	"boxcar/internal/daemon"
)

// wait ends the test unless the reply says to come later.
func (r *reply) wait() {
	r.t.Helper()
	r.refused(429, "rate_limit_exceeded")
	if r.header.Get("Retry-After") == "" {
		r.t.Fatalf("%v: want Retry-After", r)
	}
}

func TestGuessingAClientSecretIsSlow(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *daemon.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} })
	ask := func(address, id, secret string) *reply {
		return w.form(t, "/oauth2/token", url.Values{
			"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret},
			"box_subject_type": {"enterprise"}, "box_subject_id": {w.Credentials.Enterprise.ID.String()},
		}, "X-Forwarded-For", address)
	}
	id, secret := w.Credentials.ClientID, w.Credentials.ClientSecret
	const here, there = "192.0.2.1", "192.0.2.2"

	// However many come at once that are right, none waits.
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			if r := ask(here, id, secret); r.status != 200 {
				t.Error(r)
			}
		})
	}
	all.Wait()

	for range 20 {
		ask(here, id, "guess").denied(401, "invalid_client")
	}
	ask(here, id, "guess").wait()
	ask(here, id, secret).wait() // who guesses is not told of the right one
	w.form(t, "/oauth2/revoke", w.app("token", w.token), "X-Forwarded-For", here).wait()
	w.form(t, "/oauth2/token", w.app("grant_type", exchange, "subject_token", w.token, "subject_token_type", accessType, "scope", "root_readonly"), "X-Forwarded-For", here).wait()
	w.form(t, "/oauth2/token", w.app("grant_type", jwtGrant, "assertion", "x"), "X-Forwarded-For", here).wait()
	// Others are not in the way, nor those who do not say who they are.
	ask(there, id, secret).granted()
	ask("evil, "+there, id, secret).granted() // what the proxy saw is what counts
	other, otherSecret := must2(w.Auth.AddApp(t.Context(), "", auth.AppChange{Name: ptr("other")}))
	ask(here, other, otherSecret).granted()
	w.form(t, "/oauth2/token", url.Values{"grant_type": {exchange}, "subject_token": {w.token}, "subject_token_type": {accessType}, "scope": {"root_readonly"}}, "X-Forwarded-For", here).granted()

	w.Clock.Add(31 * time.Second)
	ask(here, id, "guess").denied(401, "invalid_client")
	ask(here, id, secret).wait()
	w.Clock.Add(31 * time.Second)
	ask(here, id, secret).granted()
	for range 20 { // from the beginning
		ask(here, id, "guess").denied(401, "invalid_client")
	}
	// An unknown application is as one with a wrong secret.
	for range 20 {
		ask(here, "unknown", "guess").denied(401, "invalid_client")
	}
	ask(here, "unknown", "guess").wait()
}

// Whoever has to wait learns nothing meanwhile, whichever way they come, though
// somebody else has opened the link before.
func TestGuessingALinksPasswordIsSlow(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	f := w.simple(t, "a.txt", "a").file()
	const password = "pass-word"
	friend, guesser := w.user(t, "friend@example.net", 0), w.user(t, "guesser@example.net", 0)
	for name, try := range map[string]func(l link, password string) *reply{
		"on its page": func(l link, password string) *reply { return w.visit(t, "POST", l.URL, "password="+password) },
		"in a header": func(l link, password string) *reply {
			return guesser.do(t, "GET", "/2.0/shared_items", nil, by(l, password)...)
		},
		"for a token": func(l link, password string) *reply {
			return w.form(t, "/oauth2/token", url.Values{
				"grant_type": {exchange}, "subject_token": {guesser.token}, "subject_token_type": {accessType}, "scope": {"base_explorer"},
				"box_shared_link": {l.URL}, "box_shared_link_password": {password},
			})
		},
	} {
		w.do(t, "PUT", "/2.0/files/"+f.ID, fields{"shared_link": nil}).want(200)
		l := w.share(t, "files/"+f.ID, fields{"password": password})
		friend.do(t, "GET", "/2.0/shared_items", nil, by(l, password)...).want(200)
		for range 10 {
			if r := try(l, "wrong-wrong"); r.status != 403 && r.status != 400 {
				t.Fatalf("%s: %v", name, r)
			}
		}
		for _, text := range []string{"wrong-wrong", password, password} {
			if r := try(l, text); r.status != 429 || r.header.Get("Retry-After") == "" {
				t.Errorf("%s, %s: want to wait, got %v", name, text, r)
			}
		}
		friend.do(t, "GET", "/2.0/shared_items", nil, by(l, password)...).want(200)
		w.Clock.Add(2 * time.Minute)
		if r := try(l, password); r.status >= 400 {
			t.Errorf("%s, later: %v", name, r)
		}
	}
}
