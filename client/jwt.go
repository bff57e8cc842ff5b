package client

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"boxcar/boxapi"
)

// AppConfig is an application's configuration file with its key, as Box's console
// and "boxcar app config" make it.
type AppConfig struct {
	ClientID, ClientSecret string
	EnterpriseID           string
	KeyID                  string

	key *rsa.PrivateKey
}

// ParseAppConfig reads a configuration file, and decrypts its private key.
func ParseAppConfig(data []byte) (*AppConfig, error) {
	var file boxapi.AppConfig
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("application configuration: %w", err)
	}
	settings := file.BoxAppSettings
	if settings.ClientID == "" || settings.AppAuth.PrivateKey == "" {
		return nil, errors.New("application configuration: it has no boxAppSettings with a clientID and a private key")
	}
	key, err := parsePrivateKey([]byte(settings.AppAuth.PrivateKey), settings.AppAuth.Passphrase)
	if err != nil {
		return nil, fmt.Errorf("application configuration: private key: %w", err)
	}
	return &AppConfig{
		ClientID: settings.ClientID, ClientSecret: settings.ClientSecret,
		EnterpriseID: string(file.EnterpriseID), KeyID: settings.AppAuth.PublicKeyID, key: key,
	}, nil
}

// boxAudience is what assertions are for: Box's token endpoint, by this name
// whatever its host is. boxcar knows it too.
const boxAudience = "https://api.box.com/oauth2/token"

// assertionLife is below the 60 s that Box allows, with room for a clock that is
// a little ahead.
const assertionLife = 45 * time.Second

// Tokens is a source of tokens by JWT assertions. The zero Subject is the
// enterprise of the configuration, that is the application's service account. hc
// is as in Config.
func (a *AppConfig) Tokens(urls BaseURLs, as Subject, hc *http.Client) (TokenSource, error) {
	app, err := App{URLs: urls, ClientID: a.ClientID, ClientSecret: a.ClientSecret, HTTP: hc}.withDefaults()
	if err != nil {
		return nil, err
	}
	if as == (Subject{}) {
		as = Subject{Type: "enterprise", ID: a.EnterpriseID}
	}
	if err := as.check(); err != nil {
		return nil, err
	}
	return newRenewed(func(ctx context.Context, _ string) (string, time.Time, error) {
		t, err := app.grant(ctx, func(serverTime time.Time) (url.Values, error) {
			if serverTime.IsZero() {
				serverTime = time.Now()
			}
			assertion, err := a.assertion(as, serverTime)
			return url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}, err
		})
		return t.AccessToken, until(t.ExpiresIn), err
	}), nil
}

// assertion signs a JWT, each time with another jti: one is good once.
func (a *AppConfig) assertion(as Subject, now time.Time) (string, error) {
	header := map[string]string{"alg": "RS256", "typ": "JWT"}
	if a.KeyID != "" {
		header["kid"] = a.KeyID
	}
	claims := map[string]any{
		"iss": a.ClientID, "sub": as.ID, "box_sub_type": as.Type, "aud": boxAudience,
		"jti": rand.Text() + rand.Text(), "exp": now.Add(assertionLife).Unix(),
	}
	signed := ""
	for _, part := range []any{header, claims} {
		text, err := json.Marshal(part)
		if err != nil {
			return "", err
		}
		if signed != "" {
			signed += "."
		}
		signed += base64.RawURLEncoding.EncodeToString(text)
	}
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, a.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
