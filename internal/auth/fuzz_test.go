package auth_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"boxcar/internal/auth"
	"boxcar/internal/content"
)

// FuzzSigned: what the server signed is read back as it was, and no other text is.
func FuzzSigned(f *testing.F) {
	s, c := begin(f)
	grant := auth.Grant{User: c.Admin.ID, File: 7, Version: 8, Until: s.Now().Add(time.Hour)}
	show := grant
	show.Link, show.Stamp, show.Use = 9, 10, auth.ForShow
	good := map[string]auth.Grant{s.Sign(grant): grant, s.Sign(show): show}
	key, _ := s.LinkKey(9, 10)
	const browser, request = "0123456789abcdef0123456789abcdef", "client_id=x"
	ticket, form := s.Ticket(c.Admin.ID, browser, request), s.FormToken(browser, request)
	for text := range good {
		f.Add(text)
	}
	for _, text := range []string{key, ticket, form, "", "AAAA", strings.Repeat("A", 86), strings.Repeat("A", 118), key + "=", "\n" + ticket} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		g, _, err := s.Grant(t.Context(), text, auth.ForDownload, auth.ForShow)
		want, known := good[strings.TrimSpace(text)]
		if known != (err == nil) || known && (g.File != want.File || g.Use != want.Use || g.Stamp != want.Stamp || !g.Until.Equal(want.Until.Truncate(time.Second))) {
			t.Errorf("grant %q is %+v, %v", text, g, err)
		}
		if err != nil && !content.Is(err, content.NotFound) {
			t.Errorf("grant %q: %v", text, err)
		}
		if s.IsLinkKey(text, 9, 10) && text != key {
			t.Errorf("%q is a key like %q", text, key)
		}
		if s.IsLinkKey(text, 9, 11) || s.IsFormToken(text, browser, "other") {
			t.Errorf("%q is good for something else", text)
		}
		if s.IsFormToken(text, browser, request) != (text == form) {
			t.Errorf("%q is a form's like %q", text, form)
		}
		if _, err := s.TicketUser(t.Context(), text, browser, request); err == nil && strings.NewReplacer("\n", "", "\r", "").Replace(strings.TrimSpace(text)) != ticket {
			t.Errorf("%q is a ticket like %q", text, ticket)
		} else if err != nil && !content.Is(err, content.Unauthorized) {
			t.Errorf("ticket %q: %v", text, err)
		}
	})
}

// FuzzAssertion: nobody gets a token by an assertion but who has the key, and
// what is wrong with one is always told as RFC 6749 has it.
func FuzzAssertion(f *testing.F) {
	s, c := begin(f)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		f.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		f.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	kid, err := s.AddKey(f.Context(), c.ClientID, public)
	if err != nil {
		f.Fatal(err)
	}
	claims := jwt.MapClaims{
		"iss": c.ClientID, "sub": c.Enterprise.ID.String(), "box_sub_type": "enterprise", "aud": "https://api.box.com/oauth2/token",
		"jti": strings.Repeat("j", 32), "exp": s.Now().Add(30 * time.Second).Unix(),
	}
	sign := func(method jwt.SigningMethod, with any) string {
		token := jwt.NewWithClaims(method, claims)
		token.Header["kid"] = kid
		text, err := token.SignedString(with)
		if err != nil {
			f.Fatal(err)
		}
		return text
	}
	good := sign(jwt.SigningMethodRS256, key)
	f.Add(good)
	f.Add(sign(jwt.SigningMethodHS256, public)) // the public key as a secret
	f.Add(sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType))
	f.Add(good[:len(good)-1])
	f.Add(good + ".")
	f.Add("..")
	f.Add("")
	f.Add("eyJhbGciOiJSUzI1NiJ9." + strings.Repeat("A", 20_000) + ".")
	f.Fuzz(func(t *testing.T, assertion string) {
		req := auth.TokenRequest{GrantType: "urn:ietf:params:oauth:grant-type:jwt-bearer", ClientID: c.ClientID, ClientSecret: c.ClientSecret, HasClient: true, Assertion: assertion}
		_, err := s.Token(t.Context(), req)
		var refused *auth.Refusal
		switch {
		case err == nil && assertion != good:
			t.Errorf("%q makes a token", assertion)
		case err != nil && !errors.As(err, &refused):
			t.Errorf("%q: %v", assertion, err)
		}
	})
}

// FuzzExchange: nobody gets a token by anything but the one there is, whatever else is said.
func FuzzExchange(f *testing.F) {
	s, c := begin(f)
	f.Add(c.DeveloperToken, "item_readwrite", "https://api.box.com/2.0/folders/0", "", "")
	f.Add(c.DeveloperToken, "root_readonly,base_upload", "/2.0/files/1", "a.b.c", "urn:ietf:params:oauth:token-type:id_token")
	f.Add("x", "", "folders/99999999999999999999", "e30.eyJuYW1lIjoieCJ9.", "")
	f.Fuzz(func(t *testing.T, subject, scope, resource, actor, actorType string) {
		got, err := s.Token(t.Context(), auth.TokenRequest{
			GrantType: "urn:ietf:params:oauth:grant-type:token-exchange", SubjectToken: subject, SubjectTokenType: accessType,
			Scope: scope, Resource: resource, ActorToken: actor, ActorTokenType: actorType,
		})
		var refused *auth.Refusal
		switch {
		case err == nil && (subject != c.DeveloperToken || got.Refresh != "" || got.Life > time.Hour):
			t.Errorf("%q with %q on %q makes %+v", subject, scope, resource, got)
		case err != nil && !errors.As(err, &refused):
			t.Errorf("%q with %q on %q: %v", subject, scope, resource, err)
		}
	})
}

// FuzzTokenRequest: nobody gets a token but who knows an application's secret and what the
// grant asks for, and what is refused is told as RFC 6749 has it.
func FuzzTokenRequest(f *testing.F) {
	s, c := begin(f)
	for _, grant := range []string{"authorization_code", "refresh_token", "client_credentials", "", "password", "urn:ietf:params:oauth:grant-type:jwt-bearer"} {
		f.Add(grant, c.ClientID, c.ClientSecret, "code", "refresh", "verifier", "user", c.Admin.ID.String())
		f.Add(grant, c.ClientID, c.ClientSecret[1:], "", "", "", "enterprise", c.Enterprise.ID.String())
		f.Add(grant, "", "", "", "", "\xff", "", "99999999999999999999")
	}
	n := 0
	f.Fuzz(func(t *testing.T, grant, client, secret, code, refresh, verifier, subject, id string) {
		n++
		got, err := s.Token(t.Context(), auth.TokenRequest{
			GrantType: grant, ClientID: client, ClientSecret: secret, HasClient: client != "", Address: strconv.Itoa(n), // guesses are slow
			Code: code, RefreshToken: refresh, Verifier: verifier, SubjectType: subject, SubjectID: id, Assertion: code,
		})
		var refused *auth.Refusal
		switch {
		case err == nil && (grant != "client_credentials" || client != c.ClientID || secret != c.ClientSecret || got.Refresh != "" || subject == "user" && got.User.String() != id):
			t.Errorf("%q by %q for %q %q makes %+v", grant, client, subject, id, got)
		case err != nil && (!errors.As(err, &refused) || refused.Text == "" || strings.ContainsAny(refused.Text, "\r\n\x00")):
			t.Errorf("%q by %q: %v", grant, client, err)
		}
	})
}

// FuzzAuthorize: a person's browser is sent back only to where the application has
// registered, and a code is good for the verifier of its challenge.
func FuzzAuthorize(f *testing.F) {
	s, c := begin(f)
	sum := sha256.Sum256([]byte("verifier"))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	f.Add("code", c.ClientID, "http://localhost:9/cb", "root_readwrite", challenge, "S256", "verifier")
	f.Add("code", c.ClientID, "http://127.0.0.1", "", "", "", "")
	f.Add("token", c.ClientID, "", "odd", challenge, "plain", "verifier")
	f.Add("code", c.ClientID, "http://localhost.evil.example/", "item_upload,base_preview", strings.Repeat("A", 43), "S256", "x")
	f.Add("code", "nobody", "http://localhost", "", "", "S256", "")
	f.Fuzz(func(t *testing.T, kind, client, to, scope, challenge, method, verifier string) {
		req := auth.AuthorizeRequest{ResponseType: kind, ClientID: client, RedirectURI: to, Scope: scope, Challenge: challenge, ChallengeMethod: method}
		consent, err := s.Authorize(t.Context(), req)
		if consent.RedirectURI != "" {
			u, err := url.Parse(consent.RedirectURI)
			if err != nil || client != c.ClientID || u.Scheme != "http" || u.Hostname() != "localhost" && u.Hostname() != "127.0.0.1" && u.Hostname() != "::1" {
				t.Fatalf("%q is sent to %q", client, consent.RedirectURI)
			}
		}
		if err != nil {
			var refused *auth.Refusal
			if !errors.As(err, &refused) {
				t.Errorf("%+v: %v", req, err)
			}
			return
		}
		code, err := s.Code(t.Context(), c.Admin.ID, req)
		if err != nil {
			t.Fatalf("%+v: %v", req, err)
		}
		got, err := s.Token(t.Context(), auth.TokenRequest{GrantType: "authorization_code", ClientID: client, ClientSecret: c.ClientSecret, HasClient: true, Code: code, Verifier: verifier})
		sum := sha256.Sum256([]byte(verifier))
		if good := base64.RawURLEncoding.EncodeToString(sum[:]) == challenge || challenge == "" && verifier == ""; good != (err == nil) {
			t.Fatalf("%+v with verifier %q: %v", req, verifier, err)
		} else if !good {
			return
		}
		who, err := s.Authenticate(t.Context(), got.Access, "")
		if err != nil || who.User != c.Admin.ID || who.Scoped != (len(consent.Scopes) > 0) || len(who.Restrictions) != len(consent.Scopes) {
			t.Errorf("%+v makes %+v, %v", req, who, err)
		}
	})
}

// FuzzPublicKey: what an application registers is an RSA key of a length that can be
// relied on and worked with, or is refused.
func FuzzPublicKey(f *testing.F) {
	s, c := begin(f)
	for _, bits := range []int{1024, 2048} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			f.Fatal(err)
		}
		der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		f.Add(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&key.PublicKey)}))
		f.Add(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der[:len(der)-1]}))
	}
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, text []byte) {
		id, err := s.AddKey(t.Context(), c.ClientID, text)
		if err != nil {
			if !content.Is(err, content.BadRequest) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		block, _ := pem.Decode(text)
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			t.Fatalf("%q is registered: %v", text, err)
		}
		if k, ok := key.(*rsa.PublicKey); !ok || k.N.BitLen() < 2048 || k.N.BitLen() > 8192 {
			t.Errorf("%q is registered", text)
		}
		if err := s.RemoveKey(t.Context(), c.ClientID, id); err != nil {
			t.Fatal(err)
		}
	})
}
