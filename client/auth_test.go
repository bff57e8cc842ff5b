package client

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"boxcar/boxapi"
)

// tokenEndpoint answers requests for tokens.
type tokenEndpoint func(form url.Values) *http.Response

func (e tokenEndpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != "POST" || r.URL.Path != "/oauth2/token" {
		return refusal(404, ""), nil
	}
	body, _ := io.ReadAll(r.Body)
	r.Body.Close()
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	resp := e(form)
	if resp == nil {
		return nil, errLostAnswer
	}
	return resp, nil
}

func granted(access, refresh string, expires int64) *http.Response {
	text, _ := json.Marshal(boxapi.TokenReply{AccessToken: access, RefreshToken: refresh, ExpiresIn: expires, TokenType: "bearer"})
	return refusalText(200, string(text))
}

func refusedGrant(code, why string, more ...string) *http.Response {
	resp := refusalText(400, `{"error":"`+code+`","error_description":"`+why+`"}`)
	for i := 0; i+1 < len(more); i += 2 {
		resp.Header.Set(more[i], more[i+1])
	}
	return resp
}

func testApp(e tokenEndpoint) App {
	return App{URLs: At("http://fake"), ClientID: "id", ClientSecret: "secret", HTTP: &http.Client{Transport: e}}
}

func mustToken(t *testing.T, s TokenSource, refused, want string) {
	t.Helper()
	got, err := s.Token(t.Context(), refused)
	if err != nil || got != want {
		t.Errorf("token %q, %v; want %q", got, err, want)
	}
}

func TestClientCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		var last url.Values
		s, err := ClientCredentials(testApp(func(form url.Values) *http.Response {
			last = form
			switch n++; n {
			case 1:
				return nil // lost
			case 2:
				return refusal(503, "unavailable", "Retry-After", "3")
			}
			return granted("t"+strconv.Itoa(n), "", 3600)
		}), Subject{Type: "user", ID: "7"})
		if err != nil {
			t.Fatal(err)
		}
		mustToken(t, s, "", "t3")
		mustToken(t, s, "", "t3")
		mustToken(t, s, "older", "t3")
		mustToken(t, s, "t3", "t4") // refused
		mustToken(t, s, "t3", "t4") // somebody has made the new one
		time.Sleep(59*time.Minute + time.Second)
		mustToken(t, s, "", "t5") // it was about to expire
		want := url.Values{"grant_type": {"client_credentials"}, "box_subject_type": {"user"}, "box_subject_id": {"7"}, "client_id": {"id"}, "client_secret": {"secret"}}
		if last.Encode() != want.Encode() {
			t.Errorf("sent %v", last)
		}
		if _, err := ClientCredentials(testApp(nil), Subject{Type: "folder", ID: "7"}); err == nil {
			t.Error("a subject of an unknown type was taken")
		}
	})
}

// An assertion of a wrong clock is made again by the server's, once, with a jti of
// its own; its signature is that of the key.
func TestAssertions(t *testing.T) {
	text, err := os.ReadFile("testdata/rsa-aes256-sha256.pem")
	if err != nil {
		t.Fatal(err)
	}
	file, _ := json.Marshal(boxapi.AppConfig{
		BoxAppSettings: boxapi.BoxAppSettings{ClientID: "id", ClientSecret: "secret", AppAuth: boxapi.AppAuth{PublicKeyID: "k1", PrivateKey: string(text), Passphrase: "open-sesame"}},
		EnterpriseID:   "42",
	})
	config, err := ParseAppConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, everRight := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			serverTime := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
			jtis := map[string]bool{}
			n := 0
			app := testApp(func(form url.Values) *http.Response {
				n++
				parts := strings.Split(form.Get("assertion"), ".")
				if form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || len(parts) != 3 {
					t.Fatalf("sent %v", form)
				}
				signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
				sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
				if err := rsa.VerifyPKCS1v15(&config.key.PublicKey, crypto.SHA256, sum[:], signature); err != nil {
					t.Error(err)
				}
				head, _ := base64.RawURLEncoding.DecodeString(parts[0])
				if string(head) != `{"alg":"RS256","kid":"k1","typ":"JWT"}` {
					t.Errorf("header %s", head)
				}
				var claims struct {
					Iss, Sub, Aud, Jti string
					SubType            string `json:"box_sub_type"`
					Exp                int64
				}
				body, _ := base64.RawURLEncoding.DecodeString(parts[1])
				json.Unmarshal(body, &claims)
				if claims.Iss != "id" || claims.Sub != "42" || claims.SubType != "enterprise" || claims.Aud != boxAudience || len(claims.Jti) < 16 || len(claims.Jti) > 128 || jtis[claims.Jti] {
					t.Errorf("claims %s", body)
				}
				jtis[claims.Jti] = true
				if left := time.Unix(claims.Exp, 0).Sub(serverTime); !everRight || left < 0 || left > time.Minute {
					return refusedGrant("invalid_grant", "Please check the 'exp' claim.", "Date", serverTime.Format(http.TimeFormat))
				}
				return granted("t", "", 3600)
			})
			s, err := config.Tokens(app.URLs, Subject{}, app.HTTP)
			if err != nil {
				t.Fatal(err)
			}
			if everRight {
				mustToken(t, s, "", "t")
			} else if _, err := s.Token(t.Context(), ""); !errors.Is(err, ErrUnauthorized) {
				t.Errorf("%v", err)
			}
			if n != 2 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

// A refresh token is good once: many callers, several sources as in several
// processes, an answer that is lost, and a caller who does not wait.
func TestRefresh(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "tokens.json")
	store := TokenFile(path)
	if _, err := store.Update(t.Context(), func(old Tokens) (Tokens, error) {
		if old != (Tokens{}) {
			t.Errorf("there are tokens: %+v", old)
		}
		return Tokens{Access: "a0", Refresh: "r0", Until: time.Now().Add(time.Hour)}, nil
	}); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	var n atomic.Int64
	var sources []TokenSource
	endpoint := func(form url.Values) *http.Response {
		was := n.Load()
		if form.Get("grant_type") != "refresh_token" || form.Get("refresh_token") != "r"+strconv.FormatInt(was, 10) {
			return refusedGrant("invalid_grant", "Refresh token has expired")
		}
		text, _ := os.ReadFile(path)
		if !bytes.Contains(text, []byte(`"r`+strconv.FormatInt(was, 10)+`"`)) {
			t.Errorf("the tokens in use were never stored: %s", text)
		}
		time.Sleep(5 * time.Millisecond)
		now := n.Add(1)
		return granted("a"+strconv.FormatInt(now, 10), "r"+strconv.FormatInt(now, 10), 3600)
	}
	for range 3 {
		s, err := Refreshed(testApp(endpoint), TokenFile(path))
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, s)
	}
	for round := range int64(3) {
		refused := "a" + strconv.FormatInt(round, 10)
		var wg sync.WaitGroup
		for i := range 12 {
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if i%4 == 3 {
					time.AfterFunc(2*time.Millisecond, cancel) // in the middle of it
				}
				got, err := sources[i%3].Token(ctx, refused)
				if want := "a" + strconv.FormatInt(round+1, 10); got != want && ctx.Err() == nil {
					t.Errorf("token %q, %v; want %q", got, err, want)
				}
			})
		}
		wg.Wait()
		if n.Load() != round+1 {
			t.Fatalf("%d refreshes, want %d", n.Load(), round+1)
		}
	}

	os.WriteFile(path, []byte(`{"access_token":"x","refresh_token":"used"}`), 0o600)
	if _, err := sources[0].Token(t.Context(), "a3"); !errors.Is(err, ErrUnauthorized) {
		t.Errorf("%v", err)
	}
	os.Remove(path)
	if _, err := sources[1].Token(t.Context(), "a3"); !errors.Is(err, ErrUnauthorized) {
		t.Errorf("nobody is logged in: %v", err)
	}
	os.WriteFile(path, []byte(`{"access_`), 0o600)
	if _, err := sources[2].Token(t.Context(), "a3"); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a file that is broken: %v", err)
	}
}

// Tokens that can't be stored are not used: the refresh token before them is gone,
// and the next process would have nothing.
func TestTokensThatCannotBeStored(t *testing.T) {
	s, err := Refreshed(testApp(func(url.Values) *http.Response { return granted("a1", "r1", 3600) }), brokenStore{})
	if err != nil {
		t.Fatal(err)
	}
	if token, err := s.Token(t.Context(), ""); token != "" || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("token %q, %v", token, err)
	}
}

type brokenStore struct{}

func (brokenStore) Update(_ context.Context, change func(Tokens) (Tokens, error)) (Tokens, error) {
	t, err := change(Tokens{Refresh: "r0"})
	return t, errors.Join(err, fs.ErrPermission)
}

func TestPrivateKeys(t *testing.T) {
	var want *rsa.PrivateKey
	for _, c := range []struct{ file, wrong string }{
		{file: "rsa-plain.pem"},
		{file: "rsa-pkcs1.pem"},
		{file: "rsa-aes256-sha256.pem"},
		{file: "rsa-aes128-sha1.pem"},
		{file: "rsa-aes192-sha512.pem"},
		{file: "rsa-aes256-sha384.pem"},
		{file: "rsa-des3-sha1.pem"},
		{file: "rsa-scrypt.pem", wrong: "only PBKDF2"},
		{file: "rsa-pbes1.pem", wrong: "only PBES2"},
		{file: "rsa-dek.pem", wrong: "not safe"},
		{file: "ec-aes256.pem", wrong: "no RSA key"},
	} {
		text, err := os.ReadFile(filepath.Join("testdata", c.file))
		if err != nil {
			t.Fatal(err)
		}
		key, err := parsePrivateKey(text, "open-sesame")
		if c.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%s: %v, want %q", c.file, err, c.wrong)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.file, err)
			continue
		}
		if want == nil {
			want = key
		}
		if !key.Equal(want) {
			t.Errorf("%s: another key", c.file)
		}
		if strings.Contains(c.file, "-sha") {
			if _, err := parsePrivateKey(text, "open-sesam"); !errors.Is(err, errWrongPassphrase) {
				t.Errorf("%s with a wrong passphrase: %v", c.file, err)
			}
		}
	}
	for _, text := range []string{"", "-----BEGIN X-----\n-----END X-----\n", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n"} {
		if _, err := parsePrivateKey([]byte(text), ""); err == nil {
			t.Errorf("%q is a key", text)
		}
	}
}

func TestProfiles(t *testing.T) {
	s := Profiles{Dir: filepath.Join(t.TempDir(), "boxcar")}
	if all, def, err := s.All(); len(all) != 0 || def != "" || err != nil {
		t.Errorf("%v %q %v", all, def, err)
	}
	if _, err := s.Get(""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	for _, p := range []Profile{
		{Auth: AuthToken}, {Auth: "magic"}, {Auth: AuthLogin}, {Auth: AuthClientCredentials, ClientID: "a"}, {Auth: AuthJWT},
		{Auth: AuthToken, Token: "t", Server: "ftp://x"},
	} {
		if err := s.Put("p", p, false); err == nil {
			t.Errorf("%+v was stored", p)
		}
	}
	for _, name := range []string{"", "a/b", "..", strings.Repeat("a", 65)} {
		if err := s.Put(name, Profile{Auth: AuthToken, Token: "t"}, false); err == nil {
			t.Errorf("the name %q was taken", name)
		}
	}
	here := Profile{Server: "http://127.0.0.1:8080", Auth: AuthToken, Token: "t1", AsUser: "9"}
	box := Profile{Auth: AuthClientCredentials, ClientID: "id", ClientSecret: "s", Subject: &Subject{Type: "user", ID: "7"}}
	for name, p := range map[string]Profile{"box": box} {
		if err := s.Put(name, p, false); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Put("here", here, false); err != nil {
		t.Fatal(err)
	}
	if _, def, _ := s.All(); def != "box" {
		t.Errorf("the default is %q", def)
	}
	if err := s.Put("here", here, true); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(s.path()); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	cfg, err := s.Config("", nil)
	if err != nil || cfg.URLs != At(here.Server) || cfg.AsUser != "9" {
		t.Errorf("%+v, %v", cfg, err)
	}
	mustToken(t, cfg.Tokens, "", "t1")
	if p, err := s.Get("box"); err != nil || *p.Subject != *box.Subject || p.URLs() != Box() {
		t.Errorf("%+v, %v", p, err)
	}
	if err := s.Delete("here"); err != nil {
		t.Fatal(err)
	}
	if all, def, _ := s.All(); len(all) != 1 || def != "" {
		t.Errorf("%v %q", all, def)
	}
	if err := s.Put("jwt", Profile{Auth: AuthJWT, ConfigFile: filepath.Join(s.Dir, "none.json")}, false); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Config("jwt", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// Processes that store profiles at one moment lose none of them.
func TestProfilesOfManyWriters(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "boxcar")
	const writers, each = 8, 12
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			s := Profiles{Dir: dir} // a lock is of the file that was opened, so this is as good as a process
			for i := range each {
				if err := s.Put(fmt.Sprintf("p-%d-%d", w, i), Profile{Auth: AuthToken, Token: "t"}, false); err != nil {
					t.Error(err)
				}
				if err := s.Put("gone", Profile{Auth: AuthToken, Token: "t"}, false); err != nil {
					t.Error(err)
				}
				if err := s.Delete("gone"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	all, _, err := Profiles{Dir: dir}.All()
	if err != nil || len(all) != writers*each {
		t.Errorf("%d profiles are there, want %d; %v", len(all), writers*each, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) != 2 {
		t.Errorf("there are %v, %v", left, err)
	}
}

// The listener takes the answer with the right state, and nothing else.
func TestLoginListener(t *testing.T) {
	var sent url.Values
	app := testApp(func(form url.Values) *http.Response {
		sent = form
		return granted("a", "r", 3600)
	})
	get := func(u string) int {
		resp, err := http.Get(u)
		if err != nil {
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	tokens, err := Login{App: app, RedirectURI: "http://127.0.0.1:0/back", Scope: "root_readwrite", Open: func(page string) error {
		go func() {
			u, _ := url.Parse(page)
			q := u.Query()
			back := q.Get("redirect_uri")
			if u.Host != "fake" || q.Get("code_challenge_method") != "S256" || q.Get("scope") != "root_readwrite" || q.Get("response_type") != "code" {
				t.Errorf("the page is %s", page)
			}
			state := url.QueryEscape(q.Get("state"))
			for _, wrong := range []string{"?code=evil&state=x", "?code=evil", "/other?code=evil&state=" + state} {
				if status := get(back + wrong); status != 404 {
					t.Errorf("%s: %d", wrong, status)
				}
			}
			if status := get(back + "?code=good&state=" + state); status != 200 {
				t.Errorf("%d", status)
			}
		}()
		return nil
	}}.Run(t.Context())
	if err != nil || tokens.Access != "a" || tokens.Refresh != "r" {
		t.Fatalf("%+v, %v", tokens, err)
	}
	if sent.Get("code") != "good" || len(sent.Get("code_verifier")) < 43 {
		t.Errorf("sent %v", sent)
	}
	for _, uri := range []string{"https://127.0.0.1/", "http://example.org/", "http://10.0.0.1/", "://"} {
		if _, err := (Login{App: app, RedirectURI: uri, Open: func(string) error { return nil }}).Run(t.Context()); err == nil {
			t.Errorf("%s was taken", uri)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := (Login{App: app, Open: func(string) error { return nil }}).Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}
