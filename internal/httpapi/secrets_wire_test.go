package httpapi_test

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"boxcar/internal/content"
	"boxcar/internal/daemon"
)

// where is where a secret may be, beside the request that brings it.
type where int

const (
	inGrants    where = 1 << iota // replies that hand out tokens or a configuration
	inPages                       // pages of HTML, in hidden fields
	inLocations                   // Location headers
	inLinks                       // JSON of whoever may see the address, and pages
	onDisk                        // rows, in clear
)

type secret struct {
	what, text string
	may        where
}

// forms are how a secret may look.
func (s secret) forms() []string {
	all := []string{s.text, url.QueryEscape(s.text), url.PathEscape(s.text)}
	if len(s.text) > 20 {
		all = append(all, s.text[:20]) // as messages cut what they quote
	}
	return all
}

func (s secret) in(text string) bool {
	for _, form := range s.forms() {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

// told is everything that a server tells anybody, and the secrets that are to
// be looked for in it.
type told struct {
	mu      sync.Mutex
	log     bytes.Buffer
	traces  bytes.Buffer
	replies []toldReply
	secrets []secret
}

type toldReply struct {
	what   string
	status int
	header http.Header
	body   string
}

func (s *told) know(what, text string, may where) string {
	if len(text) < 12 {
		panic("a secret of " + text + " would be found anywhere")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets = append(s.secrets, secret{what, text, may})
	return text
}

// Write is for the log.
func (s *told) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(b)
}

// ServeHTTP is a collector of traces.
func (s *told) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(r.Body)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	io.Copy(&s.traces, body)
}

// RoundTrip keeps the reply.
func (s *told) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(b))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replies = append(s.replies, toldReply{r.Method + " " + r.URL.Path, resp.StatusCode, resp.Header, string(b)})
	return resp, nil
}

// startTold is start with everything that can tell something turned on.
func startTold(t *testing.T, edit func(*daemon.Config)) (*wire, *told) {
	s := &told{}
	collector := httptest.NewServer(s)
	t.Cleanup(collector.Close)
	w := start(t, func(c *daemon.Config) {
		c.Log = slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}))
		c.OTLPEndpoint, c.MetricsListen = collector.URL, "127.0.0.1:0"
		if edit != nil {
			edit(c)
		}
	})
	w.http.Transport = s
	s.know("the developer token", w.token, 0)
	s.know("the client secret", w.Credentials.ClientSecret, inGrants)
	s.know("the administrator's password", w.Credentials.Password, 0)
	return w, s
}

// may says where what a reply has may be. Errors have no secrets, and a
// redirect has some only in its Location.
func (r toldReply) may() (body, location where) {
	switch kind, _, _ := strings.Cut(r.header.Get("Content-Type"), ";"); {
	case kind == "text/html":
		body = inPages
		if r.status < 400 {
			body |= inLinks
		}
	case r.status >= 300:
	case r.what == "POST /oauth2/token", strings.HasPrefix(r.what, "GET /app_config/"):
		body = inGrants
	case r.status < 300:
		body = inLinks
	}
	if r.status >= 300 && r.status < 400 || r.status == 201 {
		location = inLocations
	}
	return body, location
}

// check stops the server and looks for the secrets in all that it said and
// kept.
func (s *told) check(t *testing.T, w *wire) {
	t.Helper()
	metrics := strings.TrimSuffix(w.MetricsURL(), "/metrics")
	said := map[string]string{}
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/goroutine?debug=2", "/debug/pprof/heap?debug=1", "/debug/pprof/cmdline"} {
		resp, err := http.Get(metrics + path)
		if err != nil {
			t.Fatal(err)
		}
		said[path] = string(must(io.ReadAll(resp.Body)))
		resp.Body.Close()
	}
	var doctor strings.Builder
	report, err := daemon.Doctor(t.Context(), w.Config.Data)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&doctor, "%+v", report)
	said["what doctor is told"] = doctor.String()
	backup := filepath.Join(t.TempDir(), "backup")
	if _, err := daemon.Backup(t.Context(), daemon.BackupConfig{Data: w.Config.Data, Dir: backup, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	disk := filesOf(t, w.Config.Data, "data") // the log of the database has not been copied back
	w.Stop()
	for name, b := range filesOf(t, w.Config.Data, "data after the end") {
		disk[name] = b
	}
	for name, b := range filesOf(t, backup, "backup") {
		disk[name] = b
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	said["the log"], said["the traces"] = s.log.String(), s.traces.String()
	for _, want := range [][2]string{{"the log", "route=/oauth2/token"}, {"the traces", "/oauth2/token"}, {"/metrics", "boxcar_"}, {"/debug/pprof/goroutine?debug=2", "goroutine"}} {
		if !strings.Contains(said[want[0]], want[1]) {
			t.Errorf("%s says nothing of %s: nothing was looked at", want[0], want[1])
		}
	}
	for _, x := range s.secrets {
		for name, text := range said {
			if x.in(text) {
				t.Errorf("%s is in %s: %s", x.what, name, around(text, x))
			}
		}
		for name, text := range disk {
			if x.may&onDisk == 0 && strings.Contains(text, x.text) {
				t.Errorf("%s is in clear in %s", x.what, name)
			}
		}
		for _, r := range s.replies {
			body, location := r.may()
			if x.may&body == 0 && x.in(r.body) {
				t.Errorf("%s is in the reply to %s: %d %s", x.what, r.what, r.status, around(r.body, x))
			}
			for name, values := range r.header {
				if !x.in(strings.Join(values, "\n")) || name == "Location" && x.may&location != 0 || name == "Set-Cookie" && x.may&inPages != 0 {
					continue
				}
				t.Errorf("%s is in the %s of the reply to %s: %s", x.what, name, r.what, values)
			}
		}
	}
	t.Logf("%d secrets, looked for in %d replies, %d bytes of log, %d of traces and %d files", len(s.secrets), len(s.replies), s.log.Len(), s.traces.Len(), len(disk))
}

func around(text string, x secret) string {
	for _, form := range x.forms() {
		if i := strings.Index(text, form); i >= 0 {
			return text[max(0, i-120):min(len(text), i+len(form)+40)]
		}
	}
	return ""
}

// filesOf reads what is in a directory, but for the file that is there to have
// the secrets of the first start, and has to be its owner's only.
func filesOf(t *testing.T, dir, name string) map[string]string {
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		fi, err := d.Info()
		if err == nil && fi.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s can be read by others: %v", path, fi.Mode())
		}
		b, err := os.ReadFile(path)
		if filepath.Base(path) != daemon.CredentialsFile {
			all[name+" "+strings.TrimPrefix(path, dir)] = string(b)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestSecretsStayWhereTheyBelong gives a server every kind of secret that it
// takes or makes, right and wrong, wherever it takes one, and looks for them in all that
// it tells and keeps.
func TestSecretsStayWhereTheyBelong(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	w, s := startTold(t, func(c *daemon.Config) {
		next := daemon.NewIDs(time.Now, func(b []byte) { rand.Read(b) })
		c.NewID = func() content.ID {
			if broken.Load() {
				panic("a bug")
			}
			return next()
		}
	})
	token := func(g granted) granted {
		s.know("an access token", g.AccessToken, inGrants)
		if g.RefreshToken != "" {
			s.know("a refresh token", g.RefreshToken, inGrants)
		}
		return g
	}
	anna := w.user(t, "anna@example.net", 0)
	s.know("a developer token of a user", anna.token, 0)
	password := s.know("a password", "canary-password-of-anna", 0)
	mistyped := s.know("a wrong password", "canary-wrong-password", 0)
	misplaced := s.know("a password in the field for the login", "canary-misplaced-password", inPages)
	if err := w.Auth.SetPassword(t.Context(), anna.who.ID, password); err != nil {
		t.Fatal(err)
	}

	// A person logs in.
	verifier := s.know("a verifier", "canary-verifier-"+strings.Repeat("v", 40), 0)
	sum := sha256.Sum256([]byte(verifier))
	state := s.know("a state", "canary-state-of-the-client", inPages|inLocations)
	query := w.authorizeQuery("state", state, "code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]), "code_challenge_method", "S256")
	code := func() string {
		b := &person{w: w}
		page := b.get(t, query).want(200)
		s.know("what a form is known by", page.fields().Get("form"), inPages)
		s.know("a browser's cookie", strings.TrimPrefix(b.cookie, "boxcar-browser="), inPages)
		b.send(t, "POST", "/oauth2/authorize", page.fields("login", "anna@example.net", "password", mistyped)).want(403)
		b.send(t, "POST", "/oauth2/authorize", page.fields("login", misplaced, "password", password)).want(403)
		b.send(t, "POST", "/oauth2/authorize", page.fields("form", "", "login", "anna@example.net", "password", password)).want(403)
		b.send(t, "POST", "/oauth2/authorize?password="+password, url.Values{"login": {"%"}, "password": {password}}).want(400)
		b.send(t, "POST", "/oauth2/authorize", url.Values{"request": {"%zz"}, "password": {password}}).want(400)
		consent := b.send(t, "POST", "/oauth2/authorize", page.fields("login", "anna@example.net", "password", password)).want(200)
		s.know("who has logged in", consent.fields().Get("ticket"), inPages)
		b.send(t, "POST", "/oauth2/authorize", consent.fields("answer", "deny")).answer(t, redirectURI)
		b.send(t, "POST", "/oauth2/authorize", consent.fields("answer", "allow", "ticket", "x"+consent.fields().Get("ticket"))).want(403)
		return s.know("a code", b.send(t, "POST", "/oauth2/authorize", consent.fields("answer", "allow")).answer(t, redirectURI).Get("code"), inLocations)
	}

	// A program gets tokens.
	wrongSecret := s.know("a wrong client secret", "canary-wrong-client-secret", 0)
	basic := base64.StdEncoding.EncodeToString([]byte(w.Credentials.ClientID + ":" + w.Credentials.ClientSecret))
	s.know("the client's Basic credentials", basic, 0)
	one := code()
	byCode := func(more ...string) url.Values {
		return w.app(append([]string{"grant_type", "authorization_code", "code", one, "code_verifier", verifier}, more...)...)
	}
	w.form(t, "/oauth2/token", byCode("client_secret", wrongSecret)).denied(401, "invalid_client")
	w.form(t, "/oauth2/token", byCode("code_verifier", s.know("a wrong verifier", "canary-wrong-verifier", 0))).denied(400, "invalid_grant")
	w.form(t, "/oauth2/token", byCode("redirect_uri", "https://evil.example/"+one)).denied(400, "invalid_grant")
	w.form(t, "/oauth2/token", byCode("grant_type", one)).denied(400, "unsupported_grant_type")
	g := token(w.form(t, "/oauth2/token", byCode()).granted())
	w.form(t, "/oauth2/token", byCode()).denied(400, "invalid_grant")
	refresh := func(more ...string) *reply {
		return w.form(t, "/oauth2/token", w.app(append([]string{"grant_type", "refresh_token", "refresh_token", g.RefreshToken}, more...)...))
	}
	refresh("client_secret", wrongSecret).denied(401, "invalid_client")
	first := g
	g = token(refresh().granted())
	refresh("refresh_token", first.RefreshToken).denied(400, "invalid_grant")
	subject := []string{"grant_type", "client_credentials", "box_subject_type", "enterprise", "box_subject_id", w.Credentials.Enterprise.ID.String()}
	token(w.form(t, "/oauth2/token", w.app(subject...)).granted())
	w.form(t, "/oauth2/token", w.app(append(subject, "client_id", w.Credentials.ClientSecret)...)).denied(401, "invalid_client")
	w.form(t, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}}, "Authorization", "Basic "+basic).denied(400, "invalid_grant")
	w.form(t, "/oauth2/token?client_secret="+w.Credentials.ClientSecret, url.Values{"x": {strings.Repeat("y", 70<<10)}}).denied(400, "invalid_request")
	for _, body := range []string{"client_secret=" + w.Credentials.ClientSecret + "&%zz", `{"client_secret":"` + w.Credentials.ClientSecret + `"}`} {
		resp, err := w.http.Do(w.request(t, "POST", "/oauth2/token", body))
		if err != nil || resp.StatusCode < 400 {
			t.Errorf("%v, %v", resp, err)
		}
	}

	// Assertions, with a key of the application's.
	conf := must(w.Auth.Configure(t.Context(), w.Credentials.ClientID, w.Credentials.ClientSecret))
	for line := range strings.Lines(conf.PrivateKey) {
		if line = strings.TrimSpace(line); len(line) == 64 {
			s.know("a line of a private key", line, 0)
		}
	}
	s.know("the passphrase of a private key", conf.Passphrase, 0)
	key := newKey(t, w)
	assertion := func(edit func(jwt.MapClaims, *jwt.Token)) string {
		text := key.sign(t, w, edit)
		s.know("an assertion's signature", text[strings.LastIndexByte(text, '.')+1:], 0)
		return text
	}
	byAssertion := func(text string, more ...string) *reply {
		return w.form(t, "/oauth2/token", w.app(append([]string{"grant_type", jwtGrant, "assertion", text}, more...)...))
	}
	good := assertion(nil)
	token(byAssertion(good).granted())
	byAssertion(good).denied(400, "invalid_grant")
	byAssertion(good+"A").denied(400, "invalid_grant")
	byAssertion(assertion(nil), "client_secret", wrongSecret).denied(401, "invalid_client")
	for _, claim := range []string{"iss", "sub", "box_sub_type", "aud", "jti"} {
		byAssertion(assertion(func(c jwt.MapClaims, _ *jwt.Token) { c[claim] = "x" })).denied(400, "invalid_grant")
	}
	byAssertion(assertion(func(c jwt.MapClaims, _ *jwt.Token) { c["exp"] = "x" })).denied(400, "invalid_grant")

	// Shared links: their addresses are secrets, too.
	f := anna.simple(t, "a.txt", "some text").file()
	pass := s.know("a link's password", "canary-password-of-a-link", 0)
	wrongPass := s.know("a link's wrong password", "canary-wrong-link-password", 0)
	l := anna.share(t, "files/"+f.ID, fields{"password": pass})
	s.know("a link's address", l.URL[strings.LastIndexByte(l.URL, '/')+1:], inLinks|inPages|inLocations|onDisk)
	for _, settings := range []any{
		fields{"password": pass, "access": "collaborators"}, fields{"password": fields{pass: pass}}, fields{"password": strings.Repeat(pass, 200)},
		fields{"password": pass, "unshared_at": "never"}, fields{"password": pass, "access": "x"}, fields{"password": pass, "vanity_name": "x"},
	} {
		if r := anna.do(t, "PUT", "/2.0/files/"+f.ID, fields{"shared_link": settings}); r.status < 400 {
			t.Errorf("%v is fine: %v", settings, r)
		}
	}
	anna.do(t, "PUT", "/2.0/files/"+f.ID, `{"shared_link":{"password":"`+pass+`",}}`).want(400)
	other := w.user(t, "other@example.net", 0)
	s.know("another developer token", other.token, 0)
	for _, kind := range []string{"shared_items", "files/" + f.ID} {
		other.do(t, "GET", "/2.0/"+kind, nil, by(l)...).want(403)
		other.do(t, "GET", "/2.0/"+kind, nil, by(l, wrongPass)...).want(403)
		other.do(t, "GET", "/2.0/"+kind, nil, by(l, pass)...).want(200)
		for _, near := range []string{l.URL + "x", l.URL + "/no/link", strings.Replace(l.URL, "/s/", "/t/", 1), strings.Replace(l.URL, "http", "ftp", 1)} {
			other.do(t, "GET", "/2.0/"+kind, nil, "BoxApi", "shared_link="+near+"&shared_link_password="+pass)
			other.do(t, "GET", "/2.0/"+kind, nil, "BoxApi", "shared_link="+near+"&shared_link_pass="+pass)
		}
	}
	w.visit(t, "GET", l.URL, "").want(200)
	w.visit(t, "POST", l.URL, "password="+wrongPass).want(403)
	w.visit(t, "POST", l.URL, "password="+pass+"&%zz").want(400)
	w.visit(t, "POST", l.URL, "password="+pass, "Sec-Fetch-Site", "cross-site").want(403)
	in := w.visit(t, "POST", l.URL, "password="+pass).empty(303)
	cookie, _, _ := strings.Cut(in.header.Get("Set-Cookie"), ";")
	s.know("a link's cookie", strings.TrimPrefix(cookie, "boxcar-link="), inPages)
	w.visit(t, "GET", l.URL, "", "Cookie", cookie).want(200).has("some text")
	w.visit(t, "GET", l.URL+"/download", "", "Cookie", cookie+"x").empty(302)
	w.visit(t, "GET", *l.DownloadURL, "").empty(302)
	w.visit(t, "GET", strings.Replace(l.URL, "/s/", "/v/", 1), "").want(404)
	w.visit(t, "GET", l.URL+"/folder/"+f.ID, "", "Cookie", cookie).want(404)
	w.visit(t, "GET", l.URL+"/preview", "", "Cookie", cookie).want(404)

	// Exchange, of everything for something else.
	swap := func(more ...string) *reply {
		v := url.Values{"grant_type": {exchange}, "subject_token": {other.token}, "subject_token_type": {accessType}, "scope": {"base_explorer item_download"}}
		for i := 0; i < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return w.form(t, "/oauth2/token", v)
	}
	actor := must(jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"sub": "ext", "name": "Ext"}).SignedString(jwt.UnsafeAllowNoneSignatureType))
	s.know("an actor token", actor[strings.IndexByte(actor, '.')+1:], 0)
	narrow := token(swap("box_shared_link", l.URL, "box_shared_link_password", pass, "actor_token", actor).granted())
	swap("box_shared_link", l.URL, "box_shared_link_password", wrongPass).denied(400, "invalid_request")
	swap("box_shared_link", strings.Replace(l.URL, "/s/", "/t/", 1), "box_shared_link_password", pass).denied(400, "invalid_request")
	swap("scope", other.token).denied(400, "invalid_scope")
	swap("resource", other.token).denied(400, "invalid_request")
	swap("subject_token", s.know("no token", "canary-no-token-at-all", 0)).denied(400, "invalid_grant")
	swap("actor_token", actor+"x.").denied(400, "invalid_request")

	// Tokens that are good, for less, over, taken back, and nobody's.
	expired := s.know("an expired token", must(w.Auth.Issue(t.Context(), anna.who.ID, time.Nanosecond)), 0)
	for _, path := range []string{"/2.0/users/me", "/2.0/files/" + f.ID + "/content", "/2.0/no/such/path", "/2.0/files/0/thumbnail.png"} {
		for _, text := range []string{w.token, anna.token, narrow.AccessToken, first.RefreshToken, expired, "canary-no-token-at-all"} {
			w.do(t, "GET", path, nil, "Authorization", "Bearer "+text)
			w.do(t, "GET", path, nil, "Authorization", "bearer\t"+text)
			w.do(t, "GET", path, nil, "Authorization", "Token "+text)
			w.do(t, "GET", path+"?access_token="+text, nil, "Authorization", "")
			w.do(t, "GET", path, nil, "Authorization", "Bearer "+text, "As-User", anna.who.ID.String())
			w.do(t, "PATCH", path, nil, "Authorization", "Bearer "+text)
			w.do(t, "OPTIONS", path, nil, "Authorization", "Bearer "+text, "Origin", page, "Access-Control-Request-Method", "GET")
		}
	}
	w.form(t, "/oauth2/revoke", w.app("token", g.AccessToken, "client_secret", wrongSecret)).denied(401, "invalid_client")
	w.form(t, "/oauth2/revoke", w.app("token", g.AccessToken)).empty(200)
	w.as(g.AccessToken).me(t, 401)

	// Addresses that are signed. What they begin with are ids.
	signature := func(url string) string { return url[len(url)-40:] }
	at := anna.contentURL(t, f.ID, "")
	s.know("a content URL", signature(at), inLocations)
	w.do(t, "GET", at, nil, "Authorization", "").want(200)
	w.do(t, "GET", at, nil, "Range", "bytes=100-").want(416)
	w.do(t, "GET", at+"x", nil).want(404)
	w.visit(t, "GET", strings.Replace(at, "/content/", "/preview/expiring_embed/", 1), "").want(404)
	w.do(t, "GET", strings.Replace(at, "/content/", "/2.0/events/follow/", 1)+"?stream_position=0", nil).want(404)
	var embed struct {
		Link struct {
			URL   string
			Token struct {
				AccessToken string `json:"access_token"`
			}
		} `json:"expiring_embed_link"`
	}
	anna.do(t, "GET", "/2.0/files/"+f.ID+"?fields=expiring_embed_link", nil).want(200).decode(&embed)
	s.know("the token of an embed link", embed.Link.Token.AccessToken, inLinks)
	s.know("an embed link", signature(embed.Link.URL), inLinks)
	w.visit(t, "GET", embed.Link.URL, "").want(200)
	w.visit(t, "GET", embed.Link.URL+"x", "").want(404)
	var realtime struct{ Entries []struct{ URL string } }
	anna.do(t, "OPTIONS", "/2.0/events", nil).want(200).decode(&realtime)
	follow := realtime.Entries[0].URL
	s.know("a URL to wait at", signature(follow), inLinks)
	w.do(t, "GET", follow+"?stream_position=0", nil, "Authorization", "").want(200)
	w.do(t, "GET", follow+"x?stream_position=0", nil, "Authorization", "").want(404)
	w.do(t, "GET", follow+"?stream_position=x", nil, "Authorization", "").want(400)

	// A configuration waits for one person.
	kept := s.know("a configuration", "canary-text-of-a-configuration", inGrants)
	hand := s.know("where it waits", must(w.Auth.HandOut(t.Context(), []byte(kept))), 0)
	w.do(t, "HEAD", "/app_config/"+hand, nil).want(405)
	w.do(t, "GET", "/app_config/"+hand, nil).want(200)
	w.do(t, "GET", "/app_config/"+hand, nil).want(404)
	s.know("where another waits", must(w.Auth.HandOut(t.Context(), []byte(kept))), 0)

	// A bug, in the middle of it.
	broken.Store(true)
	resp, err := w.http.Do(w.request(t, "POST", "/2.0/folders", fields{"name": "b", "parent": fields{"id": "0"}}, by(l, pass)...))
	if err == nil {
		t.Errorf("a bug is answered with %s", resp.Status)
	}
	broken.Store(false)

	w.Clock.Add(time.Hour)
	w.do(t, "GET", at, nil, "Authorization", "").want(404)
	w.visit(t, "GET", embed.Link.URL, "").want(404)
	s.check(t, w)
}
