package httpapi_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// An assertion chooses neither how it is checked nor with what: what the server
// has of the key is public.
func TestAnAssertionDoesNotChooseItsKey(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	key := newKey(t, w)
	der := must(x509.MarshalPKIXPublicKey(&key.key.PublicKey))
	stranger := must(rsa.GenerateKey(rand.Reader, 2048))
	jwk := map[string]string{
		"kty": "RSA", "n": base64.RawURLEncoding.EncodeToString(stranger.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(stranger.E)).Bytes()),
	}
	for name, c := range map[string]struct {
		method jwt.SigningMethod
		with   any
		header map[string]any
	}{
		"none":                              {jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil},
		"None":                              {jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, map[string]any{"alg": "None"}},
		"none that says RS256":              {jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, map[string]any{"alg": "RS256"}},
		"HMAC of the public key":            {jwt.SigningMethodHS256, der, nil},
		"HMAC of the public key in PEM":     {jwt.SigningMethodHS256, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil},
		"HMAC of the modulus":               {jwt.SigningMethodHS512, key.key.N.Bytes(), nil},
		"HMAC of the client secret":         {jwt.SigningMethodHS256, []byte(w.Credentials.ClientSecret), nil},
		"HMAC of nothing":                   {jwt.SigningMethodHS256, []byte{}, nil},
		"HMAC that says RS256":              {jwt.SigningMethodHS256, der, map[string]any{"alg": "RS256"}},
		"a key that is in the assertion":    {jwt.SigningMethodRS256, stranger, map[string]any{"jwk": jwk}},
		"a key elsewhere":                   {jwt.SigningMethodRS256, stranger, map[string]any{"jku": w.URL + "/keys", "x5u": w.URL + "/keys"}},
		"another key under the right kid":   {jwt.SigningMethodRS256, stranger, map[string]any{"kid": key.id}},
		"a kid that is a path":              {jwt.SigningMethodRS256, key.key, map[string]any{"kid": "../" + key.id}},
		"a kid that is a list of the right": {jwt.SigningMethodRS256, stranger, map[string]any{"kid": []string{key.id}}},
		"rs256":                             {jwt.SigningMethodRS256, key.key, map[string]any{"alg": "rs256"}},
		"what must be understood and isn't": {jwt.SigningMethodRS256, key.key, map[string]any{"crit": []string{"x"}, "x": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			token := jwt.NewWithClaims(c.method, jwt.MapClaims{
				"iss": w.Credentials.ClientID, "sub": w.Credentials.Enterprise.ID.String(), "box_sub_type": "enterprise",
				"aud": "https://api.box.com/oauth2/token", "jti": rand.Text(), "exp": w.Clock.Now().Add(30 * time.Second).Unix(),
			})
			for k, v := range c.header {
				token.Header[k] = v
			}
			text := must(token.SignedString(c.with))
			w.form(t, "/oauth2/token", w.app("grant_type", jwtGrant, "assertion", text)).denied(400, "invalid_grant")
		})
	}
}

// A jti is remembered for as long as an assertion may be good with it.
func TestAJTIIsGoodOnce(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	key := newKey(t, w)
	id := rand.Text()
	say := func(life time.Duration) *reply {
		return w.form(t, "/oauth2/token", w.app("grant_type", jwtGrant, "assertion", key.sign(t, w, func(c jwt.MapClaims, _ *jwt.Token) {
			c["jti"], c["exp"] = id, w.Clock.Now().Add(life).Unix()
		})))
	}
	first := key.sign(t, w, func(c jwt.MapClaims, _ *jwt.Token) { c["exp"] = w.Clock.Now().Add(65 * time.Second).Unix() })
	w.form(t, "/oauth2/token", w.app("grant_type", jwtGrant, "assertion", first)).granted()
	say(60 * time.Second).granted()
	for range 8 {
		say(60*time.Second).denied(400, "invalid_grant")
		w.form(t, "/oauth2/token", w.app("grant_type", jwtGrant, "assertion", first)).denied(400, "invalid_grant")
		w.Chores(t.Context()) // forgets what is over
		w.Clock.Add(9 * time.Second)
	}
}
