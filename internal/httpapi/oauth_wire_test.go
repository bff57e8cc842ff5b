package httpapi_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/youmark/pkcs8"

	"boxcar/internal/auth"
	"boxcar/internal/content"
)

// form sends a form and reads the reply, whose errors are those of OAuth.
func (w *wire) form(t testing.TB, path string, form url.Values, headers ...string) *reply {
	t.Helper()
	headers = append([]string{"Authorization", "", "Content-Type", "application/x-www-form-urlencoded"}, headers...)
	resp, err := w.http.Do(w.request(t, "POST", path, form.Encode(), headers...))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	r := &reply{t: t, what: "POST " + path, status: resp.StatusCode, header: resp.Header}
	r.body = must(io.ReadAll(resp.Body))
	r.checkHeaders()
	return r
}

type granted struct {
	AccessToken     string `json:"access_token"`
	RefreshToken    string `json:"refresh_token"`
	ExpiresIn       int    `json:"expires_in"`
	TokenType       string `json:"token_type"`
	IssuedTokenType string `json:"issued_token_type"`
	RestrictedTo    []struct {
		Scope  string
		Object map[string]any
	} `json:"restricted_to"`
}

// granted ends the test unless tokens were granted.
func (r *reply) granted() (g granted) {
	r.t.Helper()
	r.want(200).decode(&g)
	if g.AccessToken == "" || g.TokenType != "bearer" || g.RestrictedTo == nil || r.header.Get("Date") == "" {
		r.t.Fatalf("%v: want an access token, bearer, restricted_to and a date", r)
	}
	return g
}

// denied ends the test unless the token endpoint gave this error.
func (r *reply) denied(status int, code string) (description string) {
	r.t.Helper()
	var e struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	r.want(status).decode(&e)
	if e.Error != code || e.Description == "" {
		r.t.Fatalf("%v: want %s", r, code)
	}
	return e.Description
}

// app is the credentials of the first start's application, and more.
func (w *wire) app(more ...string) url.Values {
	v := url.Values{"client_id": {w.Credentials.ClientID}, "client_secret": {w.Credentials.ClientSecret}}
	for i := 0; i < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return v
}

// as is the client of whoever has the token.
func (w *wire) as(token string) *wire {
	other := *w
	other.token = token
	return &other
}

// me is who the client is, or fails with another status than 200.
func (w *wire) me(t testing.TB, status int) (me struct{ ID, Login, Name string }) {
	t.Helper()
	r := w.do(t, "GET", "/2.0/users/me", nil).want(status)
	if status == 200 {
		r.decode(&me)
	}
	return me
}

const (
	redirectURI = "http://127.0.0.1:43123/callback"
	jwtGrant    = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	exchange    = "urn:ietf:params:oauth:grant-type:token-exchange"
	accessType  = "urn:ietf:params:oauth:token-type:access_token"
)

// person sits at a browser.
type person struct {
	w      *wire
	cookie string
}

// get is a page.
func (b *person) get(t testing.TB, query url.Values) *reply {
	t.Helper()
	return b.send(t, "GET", "/oauth2/authorize?"+query.Encode(), nil)
}

func (b *person) send(t testing.TB, method, path string, form url.Values) *reply {
	t.Helper()
	req := b.w.request(t, method, path, form.Encode(), "Authorization", "")
	if b.cookie != "" {
		req.Header.Set("Cookie", b.cookie)
	}
	resp, err := b.w.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for _, c := range resp.Cookies() {
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("%s %s: a cookie for scripts or other sites: %v", method, path, c)
		}
		b.cookie = c.Name + "=" + c.Value
	}
	r := &reply{t: t, what: method + " " + path, status: resp.StatusCode, header: resp.Header, body: must(io.ReadAll(resp.Body))}
	policy := r.header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("%v: the policy lacks %s", r, part)
		}
	}
	return r
}

var hidden = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)">`)

// fields are the hidden fields of a page, with more.
func (r *reply) fields(more ...string) url.Values {
	v := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(string(r.body), -1) {
		v.Set(m[1], html.UnescapeString(m[2]))
	}
	for i := 0; i < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return v
}

// answer is what a redirect brings back to the application.
func (r *reply) answer(t testing.TB, to string) url.Values {
	t.Helper()
	loc, err := url.Parse(r.header.Get("Location"))
	if err != nil || r.status != 302 && r.status != 303 || !strings.HasPrefix(loc.String(), to) {
		t.Fatalf("%v: want a redirect to %s", r, to)
	}
	return loc.Query()
}

// code goes all the way to a code, as a person.
func (w *wire) code(t testing.TB, login, password string, query url.Values) string {
	t.Helper()
	b := &person{w: w}
	page := b.get(t, query).want(200)
	page = b.send(t, "POST", "/oauth2/authorize", page.fields("login", login, "password", password)).want(200)
	answer := b.send(t, "POST", "/oauth2/authorize", page.fields("answer", "allow")).answer(t, query.Get("redirect_uri"))
	if answer.Get("state") != query.Get("state") || answer.Get("code") == "" {
		t.Fatalf("the answer is %v", answer)
	}
	return answer.Get("code")
}

func (w *wire) authorizeQuery(more ...string) url.Values {
	v := url.Values{"response_type": {"code"}, "client_id": {w.Credentials.ClientID}, "redirect_uri": {redirectURI}, "state": {"a&b=c ü"}}
	for i := 0; i < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return v
}

func (w *wire) adminCode(t testing.TB, more ...string) string {
	t.Helper()
	return w.code(t, w.Credentials.Admin.Login, w.Credentials.Password, w.authorizeQuery(more...))
}

func TestACodeBecomesTokensOnce(t *testing.T) {
	w := start(t, nil)
	code := w.adminCode(t)
	byCode := func(more ...string) url.Values {
		return w.app(append([]string{"grant_type", "authorization_code", "code", code}, more...)...)
	}

	// What is refused does not use it up.
	w.form(t, "/oauth2/token", byCode("client_secret", "wrong")).denied(401, "invalid_client")
	basic := func(id, secret string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
	}
	noClient := byCode()
	noClient.Del("client_id")
	noClient.Del("client_secret")
	r := w.form(t, "/oauth2/token", noClient, "Authorization", basic(w.Credentials.ClientID, "wrong"))
	r.denied(401, "invalid_client")
	if !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Basic ") {
		t.Errorf("%v: want a challenge for Basic", r)
	}
	w.form(t, "/oauth2/token", noClient).denied(401, "invalid_client")
	w.form(t, "/oauth2/token", byCode("redirect_uri", redirectURI+"x")).denied(400, "invalid_grant")
	other, secret := must2(w.Auth.AddApp(t.Context(), "", auth.AppChange{Name: ptr("other")}))
	w.form(t, "/oauth2/token", byCode("client_id", other, "client_secret", secret)).denied(400, "invalid_grant")
	w.as(code).me(t, 401)

	g := w.form(t, "/api/oauth2/token/", noClient, "Authorization", basic(w.Credentials.ClientID, w.Credentials.ClientSecret)).granted()
	if g.ExpiresIn != 3600 || g.RefreshToken == "" || len(g.RestrictedTo) != 0 {
		t.Errorf("granted %+v", g)
	}
	if me := w.as(g.AccessToken).me(t, 200); me.Login != w.Credentials.Admin.Login {
		t.Errorf("the token is that of %v", me)
	}
	w.as(g.RefreshToken).me(t, 401)
	w.form(t, "/oauth2/token", byCode("redirect_uri", redirectURI)).denied(400, "invalid_grant")

	// After 30 seconds it is not good any more.
	code = w.adminCode(t)
	w.Clock.Add(31 * time.Second)
	w.form(t, "/oauth2/token", byCode()).denied(400, "invalid_grant")
}

func TestACodeIsBoundToItsVerifier(t *testing.T) {
	w := start(t, nil)
	verifier := strings.Repeat("v", 43)
	sum := sha256.Sum256([]byte(verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	code := w.adminCode(t, "code_challenge", challenge, "code_challenge_method", "S256")
	for _, wrong := range []string{"", "wrong", challenge} {
		w.form(t, "/oauth2/token", w.app("grant_type", "authorization_code", "code", code, "code_verifier", wrong)).denied(400, "invalid_grant")
	}
	w.form(t, "/oauth2/token", w.app("grant_type", "authorization_code", "code", code, "code_verifier", verifier)).granted()

	// A verifier for which there was no challenge is a code that somebody slipped in.
	code = w.adminCode(t)
	w.form(t, "/oauth2/token", w.app("grant_type", "authorization_code", "code", code, "code_verifier", verifier)).denied(400, "invalid_grant")
}

func TestARefreshTokenIsGoodOnce(t *testing.T) {
	w := start(t, nil)
	first := w.form(t, "/oauth2/token", w.app("grant_type", "authorization_code", "code", w.adminCode(t))).granted()
	refresh := func(token string) *reply {
		return w.form(t, "/oauth2/token", w.app("grant_type", "refresh_token", "refresh_token", token))
	}
	second := refresh(first.RefreshToken).granted()
	if second.RefreshToken == "" || second.RefreshToken == first.RefreshToken || second.AccessToken == first.AccessToken {
		t.Errorf("%+v after %+v", second, first)
	}
	refresh(first.RefreshToken).denied(400, "invalid_grant")
	refresh(second.AccessToken).denied(400, "invalid_grant")
	w.as(second.AccessToken).me(t, 200)

	// After an hour the access token says that it has expired.
	w.Clock.Add(time.Hour)
	r := w.as(second.AccessToken).do(t, "GET", "/2.0/users/me", nil).empty(401)
	if !strings.Contains(r.header.Get("WWW-Authenticate"), "expired_token") {
		t.Errorf("%v: want expired_token", r)
	}
	w.Clock.Add(59 * 24 * time.Hour)
	third := refresh(second.RefreshToken).granted()
	w.Clock.Add(60 * 24 * time.Hour)
	refresh(third.RefreshToken).denied(400, "invalid_grant")
}

func TestWhatIsGoodOnceIsGoodOnceInARace(t *testing.T) {
	w := start(t, nil)
	g := w.form(t, "/oauth2/token", w.app("grant_type", "authorization_code", "code", w.adminCode(t))).granted()
	key := newKey(t, w)
	for name, form := range map[string]url.Values{
		"code":      w.app("grant_type", "authorization_code", "code", w.adminCode(t)),
		"refresh":   w.app("grant_type", "refresh_token", "refresh_token", g.RefreshToken),
		"assertion": w.app("grant_type", jwtGrant, "assertion", key.sign(t, w, nil)),
	} {
		const tries = 12
		var wg sync.WaitGroup
		statuses := make(chan int, tries)
		for range tries {
			wg.Go(func() { statuses <- w.form(t, "/oauth2/token", form).status })
		}
		wg.Wait()
		close(statuses)
		count := map[int]int{}
		for s := range statuses {
			count[s]++
		}
		if count[200] != 1 || count[400] != tries-1 {
			t.Errorf("%s: the statuses are %v, want one 200", name, count)
		}
	}
}

func TestRevokingEndsAGrant(t *testing.T) {
	w := start(t, nil)
	grant := func() granted {
		return w.form(t, "/oauth2/token", w.app("grant_type", "authorization_code", "code", w.adminCode(t))).granted()
	}
	first, other := grant(), grant()
	w.form(t, "/oauth2/revoke", w.app("token", "unknown")).empty(200)
	w.form(t, "/oauth2/revoke", w.app("token", first.AccessToken, "client_secret", "wrong")).denied(401, "invalid_client")
	w.as(first.AccessToken).me(t, 200)
	down := w.form(t, "/oauth2/token", url.Values{"grant_type": {exchange}, "subject_token": {first.AccessToken}, "subject_token_type": {accessType}, "scope": {"root_readonly"}}).granted()
	w.as(down.AccessToken).me(t, 200)
	w.form(t, "/api/oauth2/revoke", w.app("token", first.RefreshToken)).empty(200)
	w.as(first.AccessToken).me(t, 401)
	w.as(down.AccessToken).me(t, 401)
	w.form(t, "/oauth2/token", w.app("grant_type", "refresh_token", "refresh_token", first.RefreshToken)).denied(400, "invalid_grant")
	w.as(other.AccessToken).me(t, 200)

	// Another application's token stays.
	id, secret := must2(w.Auth.AddApp(t.Context(), "", auth.AppChange{Name: ptr("other")}))
	w.form(t, "/oauth2/revoke", w.app("token", other.AccessToken, "client_id", id, "client_secret", secret)).empty(200)
	w.as(other.AccessToken).me(t, 200)
	w.form(t, "/oauth2/revoke", url.Values{"token": {other.AccessToken}}).empty(200)
	w.as(other.AccessToken).me(t, 401)
}

func TestClientCredentialsChooseWhom(t *testing.T) {
	w := start(t, nil)
	bob := w.user(t, "bob@example.net", 0)
	ccg := func(kind, id string) *reply {
		return w.form(t, "/oauth2/token", w.app("grant_type", "client_credentials", "box_subject_type", kind, "box_subject_id", id))
	}
	enterprise := w.Credentials.Enterprise.ID.String()
	g := ccg("enterprise", enterprise).granted()
	if g.RefreshToken != "" {
		t.Error("client credentials gave a refresh token")
	}
	service := w.as(g.AccessToken)
	me := service.me(t, 200)
	if me.ID == w.Credentials.Admin.ID.String() {
		t.Errorf("the service account is %v", me)
	}
	if again := w.as(ccg("enterprise", enterprise).granted().AccessToken).me(t, 200); again.ID != me.ID {
		t.Errorf("the service account is %v the second time, and was %v", again, me)
	}
	if got := w.as(ccg("user", bob.who.ID.String()).granted().AccessToken).me(t, 200); got.Login != "bob@example.net" {
		t.Errorf("the user's token is that of %v", got)
	}
	// A service account may act as others.
	var as struct{ Login string }
	service.do(t, "GET", "/2.0/users/me", nil, "As-User", bob.who.ID.String()).want(200).decode(&as)
	if as.Login != "bob@example.net" {
		t.Errorf("As-User is %v", as)
	}
	for _, wrong := range [][2]string{{"enterprise", bob.who.ID.String()}, {"user", enterprise}, {"user", "1"}, {"user", ""}, {"user", "x"}, {"", enterprise}, {"group", enterprise}} {
		ccg(wrong[0], wrong[1]).denied(400, "invalid_grant")
	}
	id, secret := must2(w.Auth.AddApp(t.Context(), "known-id", auth.AppChange{Name: ptr("code only"), Secret: ptr("known secret"), Grants: &[]string{auth.GrantCode}}))
	w.form(t, "/oauth2/token", url.Values{"client_id": {id}, "client_secret": {secret}, "grant_type": {"client_credentials"}, "box_subject_type": {"enterprise"}, "box_subject_id": {enterprise}}).denied(400, "unauthorized_client")
	w.form(t, "/oauth2/token", w.app("grant_type", "password")).denied(400, "unsupported_grant_type")
	w.form(t, "/oauth2/token", w.app()).denied(400, "invalid_request")
}

// signer is an application's private key.
type signer struct {
	key *rsa.PrivateKey
	id  string
}

// newKey configures the first application, and reads what it is given as SDKs do.
func newKey(t testing.TB, w *wire) signer {
	t.Helper()
	c, err := w.Auth.Configure(t.Context(), w.Credentials.ClientID, w.Credentials.ClientSecret)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(c.PrivateKey))
	if block == nil || block.Type != "ENCRYPTED PRIVATE KEY" || c.NewSecret {
		t.Fatalf("the configuration is %+v", c)
	}
	key, err := pkcs8.ParsePKCS8PrivateKeyRSA(block.Bytes, []byte(c.Passphrase))
	if err != nil {
		t.Fatal(err)
	}
	return signer{key, c.KeyID}
}

// sign makes an assertion for the enterprise, changed by edit.
func (s signer) sign(t testing.TB, w *wire, edit func(jwt.MapClaims, *jwt.Token)) string {
	t.Helper()
	c := jwt.MapClaims{
		"iss": w.Credentials.ClientID, "sub": w.Credentials.Enterprise.ID.String(), "box_sub_type": "enterprise",
		"aud": "https://api.box.com/oauth2/token", "jti": rand.Text(), "exp": w.Clock.Now().Add(30 * time.Second).Unix(),
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, c)
	if edit != nil {
		edit(c, token)
	}
	text, err := token.SignedString(s.key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestAssertionsAreCheckedClaimByClaim(t *testing.T) {
	w := start(t, nil)
	newKey(t, w) // one that signs nothing, so that there are two to try
	key := newKey(t, w)
	bob := w.user(t, "bob@example.net", 0)
	inactive := content.UserInactive
	gone := w.user(t, "gone@example.net", 0)
	admin := must(w.Auth.Operator(t.Context()))
	must(w.Auth.ChangeUser(t.Context(), admin, gone.who.ID, auth.UserChange{Status: &inactive}))
	now := w.Clock.Now()
	for name, c := range map[string]struct {
		edit func(jwt.MapClaims, *jwt.Token)
		says string // "" is granted
	}{
		"plain":          {nil, ""},
		"kid":            {func(_ jwt.MapClaims, t *jwt.Token) { t.Header["kid"] = key.id }, ""},
		"unknown kid":    {func(_ jwt.MapClaims, t *jwt.Token) { t.Header["kid"] = "none" }, "kid"},
		"RS384":          {func(_ jwt.MapClaims, t *jwt.Token) { t.Method = jwt.SigningMethodRS384; t.Header["alg"] = "RS384" }, ""},
		"RS512":          {func(_ jwt.MapClaims, t *jwt.Token) { t.Method = jwt.SigningMethodRS512; t.Header["alg"] = "RS512" }, ""},
		"PS256":          {func(_ jwt.MapClaims, t *jwt.Token) { t.Method = jwt.SigningMethodPS256; t.Header["alg"] = "PS256" }, "signature"},
		"for a user":     {func(c jwt.MapClaims, _ *jwt.Token) { c["sub"], c["box_sub_type"] = bob.who.ID.String(), "user" }, ""},
		"inactive user":  {func(c jwt.MapClaims, _ *jwt.Token) { c["sub"], c["box_sub_type"] = gone.who.ID.String(), "user" }, "'sub'"},
		"own audience":   {func(c jwt.MapClaims, _ *jwt.Token) { c["aud"] = []string{"x", w.URL + "/api/oauth2/token"} }, ""},
		"other audience": {func(c jwt.MapClaims, _ *jwt.Token) { c["aud"] = "https://evil.example/oauth2/token" }, "'aud'"},
		"other issuer":   {func(c jwt.MapClaims, _ *jwt.Token) { c["iss"] = "other" }, "'iss'"},
		"other subject":  {func(c jwt.MapClaims, _ *jwt.Token) { c["sub"] = "1" }, "'sub'"},
		"no sub type":    {func(c jwt.MapClaims, _ *jwt.Token) { delete(c, "box_sub_type") }, "'box_sub_type'"},
		"a minute":       {func(c jwt.MapClaims, _ *jwt.Token) { c["exp"] = now.Add(60 * time.Second).Unix() }, ""},
		"too long":       {func(c jwt.MapClaims, _ *jwt.Token) { c["exp"] = now.Add(3 * time.Minute).Unix() }, "'exp'"},
		"over":           {func(c jwt.MapClaims, _ *jwt.Token) { c["exp"] = now.Add(-30 * time.Second).Unix() }, "'exp'"},
		"no end":         {func(c jwt.MapClaims, _ *jwt.Token) { delete(c, "exp") }, "'exp'"},
		"not yet":        {func(c jwt.MapClaims, _ *jwt.Token) { c["nbf"] = now.Add(time.Minute).Unix() }, "'nbf'"},
		"short jti":      {func(c jwt.MapClaims, _ *jwt.Token) { c["jti"] = "123456789012345" }, "'jti'"},
		"long jti":       {func(c jwt.MapClaims, _ *jwt.Token) { c["jti"] = strings.Repeat("j", 129) }, "'jti'"},
		"no jti":         {func(c jwt.MapClaims, _ *jwt.Token) { delete(c, "jti") }, "'jti'"},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.form(t, "/oauth2/token", w.app("grant_type", jwtGrant, "assertion", key.sign(t, w, c.edit)))
			if c.says == "" {
				if g := r.granted(); g.RefreshToken != "" {
					t.Error("an assertion gave a refresh token")
				}
				return
			}
			if says := r.denied(400, "invalid_grant"); !strings.Contains(says, c.says) {
				t.Errorf("%v: want it to speak of %s", r, c.says)
			}
			if r.header.Get("Date") == "" {
				t.Errorf("%v: there is no date", r)
			}
		})
	}
	for _, text := range []string{"", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."} {
		if s := w.form(t, "/oauth2/token", w.app("grant_type", jwtGrant, "assertion", text)).status; s != 400 {
			t.Errorf("the assertion %q is answered with %d", text, s)
		}
	}
	// Signed by somebody else.
	stranger := signer{key: must(rsa.GenerateKey(rand.Reader, 2048))}
	w.form(t, "/oauth2/token", w.app("grant_type", jwtGrant, "assertion", stranger.sign(t, w, nil))).denied(400, "invalid_grant")

	// One is good once, and says why the second time.
	text := key.sign(t, w, nil)
	w.form(t, "/oauth2/token", w.app("grant_type", jwtGrant, "assertion", text)).granted()
	if says := w.form(t, "/oauth2/token", w.app("grant_type", jwtGrant, "assertion", text)).denied(400, "invalid_grant"); !strings.Contains(says, "jti") {
		t.Errorf("%q does not speak of jti", says)
	}
	// One that was refused for its subject is not used up.
	err := w.Auth.RemoveKey(t.Context(), w.Credentials.ClientID, key.id)
	if err != nil {
		t.Fatal(err)
	}
	w.form(t, "/oauth2/token", w.app("grant_type", jwtGrant, "assertion", key.sign(t, w, nil))).denied(400, "invalid_grant")
}

func TestAKeyOfOnesOwnSigns(t *testing.T) {
	w := start(t, nil)
	s := signer{key: must(rsa.GenerateKey(rand.Reader, 2048))}
	der := must(x509.MarshalPKIXPublicKey(&s.key.PublicKey))
	if _, err := w.Auth.AddKey(t.Context(), w.Credentials.ClientID, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})); err != nil {
		t.Fatal(err)
	}
	w.form(t, "/oauth2/token", w.app("grant_type", jwtGrant, "assertion", s.sign(t, w, nil))).granted()
	small := must(rsa.GenerateKey(rand.Reader, 1024))
	der = must(x509.MarshalPKIXPublicKey(&small.PublicKey))
	if _, err := w.Auth.AddKey(t.Context(), w.Credentials.ClientID, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})); !content.Is(err, content.BadRequest) {
		t.Errorf("a key of 1024 bits gives %v", err)
	}
}

func TestAnExchangedTokenMayDoLess(t *testing.T) {
	w := start(t, nil)
	in, out := w.folder(t, "0", "in"), w.folder(t, "0", "out")
	deep := w.folder(t, in, "deep")
	bob := w.user(t, "bob@example.net", 0)
	theirs := bob.folder(t, "0", "theirs")
	swap := func(subject, scope, resource string, more ...string) *reply {
		v := url.Values{"grant_type": {exchange}, "subject_token": {subject}, "subject_token_type": {accessType}, "scope": {scope}, "resource": {resource}}
		for i := 0; i < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return w.form(t, "/oauth2/token", v)
	}
	for _, resource := range []string{"https://api.box.com/2.0/folders/" + in, w.URL + "/2.0/folders/" + in, "/2.0/folders/" + in, "folders/" + in} {
		g := swap(w.token, "item_upload item_preview", resource).granted()
		if len(g.RestrictedTo) != 2 || g.RestrictedTo[0].Scope != "item_upload" || g.RestrictedTo[0].Object["id"] != in ||
			g.RestrictedTo[0].Object["type"] != "folder" || g.IssuedTokenType != accessType || g.RefreshToken != "" {
			t.Errorf("%s: granted %+v", resource, g)
		}
		narrow := w.as(g.AccessToken)
		narrow.do(t, "GET", "/2.0/folders/"+deep, nil).want(200)
		narrow.do(t, "DELETE", "/2.0/folders/"+deep, nil).want(403)
		narrow.do(t, "GET", "/2.0/users/me", nil, "As-User", bob.who.ID.String()).empty(403)
		narrow.do(t, "POST", "/2.0/users", fields{"name": "x", "login": "x@example.net"}).want(403)

		// It can be narrowed further, and not widened.
		further := swap(g.AccessToken, "item_preview", "folders/"+deep).granted()
		if further.RestrictedTo[0].Object["id"] != deep {
			t.Errorf("granted %+v", further)
		}
		kept := swap(g.AccessToken, "item_preview", "").granted()
		if len(kept.RestrictedTo) != 1 || kept.RestrictedTo[0].Object["id"] != in {
			t.Errorf("granted %+v", kept)
		}
		swap(g.AccessToken, "item_delete", "folders/"+deep).denied(400, "invalid_scope")
		swap(g.AccessToken, "root_readwrite", "").denied(400, "invalid_scope")
		if s := swap(g.AccessToken, "item_preview", "folders/"+out).status; s != 400 {
			t.Errorf("a token for one folder became one for another: %d", s)
		}
	}
	root := swap(w.token, "item_preview", "https://api.box.com/2.0/folders/0").granted()
	if root.RestrictedTo[0].Object["id"] != "0" {
		t.Errorf("granted %+v", root)
	}

	swap(w.token, "item_preview", "folders/"+theirs).denied(400, "invalid_request")
	swap(w.token, "item_preview", "files/"+in).denied(400, "invalid_request")
	swap(w.token, "item_preview", "https://evil.example/2.0/folders/"+in).denied(400, "invalid_request")
	swap(w.token, "item_preview no_such_scope", "").denied(400, "invalid_scope")
	swap(w.token, "", "").denied(400, "invalid_scope")
	swap("unknown", "item_preview", "").denied(400, "invalid_grant")
	swap(w.token, "item_preview", "", "subject_token_type", "x").denied(400, "invalid_request")
	swap(w.token, "item_preview", "", "box_shared_link", "https://app.box.com/s/1").denied(400, "invalid_request")

	// An actor token gives a name.
	actor := must(jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"iss": "x", "sub": "ext", "name": "Ext", "box_sub_type": "external"}).SignedString(jwt.UnsafeAllowNoneSignatureType))
	const idType = "urn:ietf:params:oauth:token-type:id_token"
	swap(w.token, "item_preview", "", "actor_token", actor, "actor_token_type", idType).granted()
	swap(w.token, "item_preview", "", "actor_token", "x", "actor_token_type", idType).denied(400, "invalid_request")
}

func TestAnExchangedTokenEndsWithItsSubject(t *testing.T) {
	w := start(t, nil)
	subject := must(w.Auth.Issue(t.Context(), w.Credentials.Admin.ID, 10*time.Minute))
	w.Clock.Add(time.Minute)
	g := w.form(t, "/oauth2/token", url.Values{"grant_type": {exchange}, "subject_token": {subject}, "subject_token_type": {accessType}, "scope": {"root_readonly"}}).granted()
	if g.ExpiresIn > 9*60 || g.ExpiresIn < 8*60 {
		t.Errorf("it is good for %d seconds, and its subject for 540", g.ExpiresIn)
	}
	w.as(g.AccessToken).me(t, 200)
	w.Clock.Add(9 * time.Minute)
	w.as(g.AccessToken).me(t, 401)
}

func TestTheTokenEndpointTakesOnlyForms(t *testing.T) {
	w := start(t, nil)
	r := w.form(t, "/oauth2/token", url.Values{"x": {strings.Repeat("y", 70<<10)}})
	r.denied(400, "invalid_request")
	if !json.Valid(r.body) {
		t.Errorf("%v: not JSON", r)
	}
	w.do(t, "GET", "/oauth2/token", nil).refused(405, "method_not_allowed")
	w.do(t, "GET", "/oauth2/elsewhere", nil).refused(404, "not_found")
}

func ptr[T any](v T) *T { return &v }

func must2[A, B any](a A, b B, err error) (A, B) {
	if err != nil {
		panic(err)
	}
	return a, b
}
