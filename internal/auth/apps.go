package auth

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/subtle"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/youmark/pkcs8"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// What an application may be allowed to ask for tokens with. Whoever has any
// token may exchange it.
const (
	GrantCode   = "authorization_code" // a person logs in; with refresh tokens
	GrantClient = "client_credentials"
	GrantJWT    = "jwt"
)

// AllGrants are all of them.
var AllGrants = []string{GrantCode, GrantClient, GrantJWT}

// loopbackURIs let programs on the person's own machine use an application.
var loopbackURIs = []string{"http://localhost", "http://127.0.0.1", "http://[::1]"}

// App is an application without its secret.
type App struct {
	ID, Name     string
	RedirectURIs []string
	Grants       []string
	Service      content.ID // its service account; 0 until it is first needed
	Keys         []string   // ids of its public keys
}

// AppChange is what may be said of an application; nil stays as it is.
type AppChange struct {
	Name         *string
	Secret       *string
	RedirectURIs *[]string
	Grants       *[]string
}

func (c AppChange) apply(a *meta.App) error {
	set(&a.Name, c.Name)
	if strings.TrimSpace(a.Name) == "" || len(a.Name) > maxProfile {
		return content.Errorf(content.BadRequest, "an application needs a name of at most %d bytes", maxProfile)
	}
	if c.Secret != nil {
		if *c.Secret == "" || len(*c.Secret) > maxPassword {
			return content.Errorf(content.BadRequest, "a client secret has 1 to %d bytes", maxPassword)
		}
		a.SecretHash = hash(*c.Secret)
	}
	if c.RedirectURIs != nil {
		for _, uri := range *c.RedirectURIs {
			if err := checkRedirectURI(uri); err != nil {
				return err
			}
		}
		a.RedirectURIs = *c.RedirectURIs
	}
	if c.Grants != nil {
		for _, g := range *c.Grants {
			if !slices.Contains(AllGrants, g) {
				return content.Errorf(content.BadRequest, "%.40q is no grant: there are %s", g, strings.Join(AllGrants, ", "))
			}
		}
		a.Grants = *c.Grants
	}
	return nil
}

// checkRedirectURI refuses what is not the address of a program or page.
func checkRedirectURI(uri string) error {
	u, err := url.Parse(uri)
	bad := err != nil || u.Scheme == "" || u.Fragment != "" || strings.Contains(uri, "#") || u.User != nil
	if !bad {
		switch u.Scheme {
		case "http", "https":
			bad = u.Host == ""
		case "javascript", "data", "vbscript", "file", "blob", "about":
			bad = true
		}
	}
	if bad {
		return content.Errorf(content.BadRequest, "%.80q can't be a redirect URI: it must be absolute, without a fragment", uri)
	}
	return nil
}

// matchesURI says whether an application that registered one URI may be
// redirected to another. They are the same, but for the port of this machine's own addresses
// (RFC 8252, 7.3); one of those without a path stands for all paths.
func matchesURI(registered, asked string) bool {
	if registered == asked {
		return true
	}
	r, err := url.Parse(registered)
	if err != nil {
		return false
	}
	a, err := url.Parse(asked)
	if err != nil || checkRedirectURI(asked) != nil {
		return false
	}
	switch r.Hostname() {
	case "localhost", "127.0.0.1", "::1":
	default:
		return false
	}
	if r.Scheme != a.Scheme || r.Hostname() != a.Hostname() {
		return false
	}
	if r.Path == "" && r.RawQuery == "" {
		return true
	}
	return r.EscapedPath() == a.EscapedPath() && r.RawQuery == a.RawQuery
}

// AddApp makes an application. id and the secret are made up if they are
// empty, and returned.
func (s *Service) AddApp(ctx context.Context, id string, c AppChange) (clientID, secret string, err error) {
	if id == "" {
		id = s.text(16)
	}
	if len(id) > maxProfile || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", "", content.Errorf(content.BadRequest, "a client id has letters, digits and signs, %d at the most", maxProfile)
	}
	if c.Secret == nil || *c.Secret == "" {
		made := s.text(16)
		c.Secret = &made
	}
	if c.Grants == nil {
		c.Grants = &AllGrants
	}
	app := meta.App{ID: id, CreatedAt: s.Now()}
	if err := c.apply(&app); err != nil {
		return "", "", err
	}
	return id, *c.Secret, s.Meta.Update(ctx, func(tx meta.Tx) error { return tx.InsertApp(app) })
}

// Apps are all applications.
func (s *Service) Apps(ctx context.Context) (apps []App, err error) {
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		apps = nil
		after := ""
		for {
			page, err := tx.Apps(after, 100)
			if err != nil || len(page) == 0 {
				return err
			}
			for _, a := range page {
				keys, err := tx.Keys(a.ID)
				if err != nil {
					return err
				}
				app := App{ID: a.ID, Name: a.Name, RedirectURIs: a.RedirectURIs, Grants: a.Grants, Service: a.Service}
				for _, k := range keys {
					app.Keys = append(app.Keys, k.ID)
				}
				apps = append(apps, app)
				after = a.ID
			}
		}
	})
	return apps, err
}

// ChangeApp changes an application.
func (s *Service) ChangeApp(ctx context.Context, id string, c AppChange) error {
	return s.Meta.Update(ctx, func(tx meta.Tx) error {
		app, err := tx.App(id)
		if err != nil {
			return err
		}
		if err := c.apply(&app); err != nil {
			return err
		}
		return tx.UpdateApp(app)
	})
}

// DeleteApp removes an application with its keys and tokens. Its service
// account, if it has one, stays, and owns what it owned.
func (s *Service) DeleteApp(ctx context.Context, id string) error {
	return s.Meta.Update(ctx, func(tx meta.Tx) error {
		if _, err := tx.App(id); err != nil {
			return err
		}
		return tx.DeleteApp(id)
	})
}

const (
	minKeyBits, maxKeyBits = 2048, 8192
	maxKeys                = 20 // of an application: each assertion without a kid may be tried with all
)

// AddKey registers an RSA public key in PEM, and returns its id.
func (s *Service) AddKey(ctx context.Context, app string, text []byte) (id string, err error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return "", content.Errorf(content.BadRequest, "this is not a public key in PEM")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return "", content.Errorf(content.BadRequest, "this is not a public key: PEM of the type PUBLIC KEY is wanted")
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok || key.N.BitLen() < minKeyBits || key.N.BitLen() > maxKeyBits {
		return "", content.Errorf(content.BadRequest, "the key must be an RSA key of %d to %d bits", minKeyBits, maxKeyBits)
	}
	return s.addKey(ctx, app, key, nil)
}

func (s *Service) addKey(ctx context.Context, app string, key *rsa.PublicKey, secret *string) (id string, err error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", err
	}
	id = s.text(4)
	return id, s.Meta.Update(ctx, func(tx meta.Tx) error {
		a, err := tx.App(app)
		if err != nil {
			return err
		}
		if secret != nil {
			if err := (AppChange{Secret: secret}).apply(&a); err != nil {
				return err
			}
			if err := tx.UpdateApp(a); err != nil {
				return err
			}
		}
		keys, err := tx.Keys(app)
		if err != nil {
			return err
		}
		if len(keys) >= maxKeys {
			return content.Errorf(content.BadRequest, "an application can have %d keys: remove one first", maxKeys)
		}
		return tx.InsertKey(meta.AppKey{App: app, ID: id, Public: der, CreatedAt: s.Now()})
	})
}

// RemoveKey takes a public key back.
func (s *Service) RemoveKey(ctx context.Context, app, key string) error {
	return s.Meta.Update(ctx, func(tx meta.Tx) error {
		keys, err := tx.Keys(app)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(keys, func(k meta.AppKey) bool { return k.ID == key }) {
			return content.Errorf(content.NotFound, "application %q has no key %q", app, key)
		}
		return tx.DeleteKey(app, key)
	})
}

// AppConfig is what a program needs to log in as an application with JWT
// assertions.
type AppConfig struct {
	ClientID, ClientSecret        string
	KeyID, PrivateKey, Passphrase string // the key is encrypted PKCS#8, in PEM
	Enterprise                    content.ID
	NewSecret                     bool // the old client secret is not good any more
}

// Configure makes a key pair for an application, registers the public key and
// returns the private one, which is kept nowhere. secret is the application's client secret; if
// it is "", it gets a new one, as the old one is kept as a hash only.
func (s *Service) Configure(ctx context.Context, app, secret string) (c AppConfig, err error) {
	c = AppConfig{ClientID: app, ClientSecret: secret, Passphrase: s.text(16)}
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		a, err := tx.App(app)
		if err != nil {
			return err
		}
		if secret != "" && !isSecret(a, secret) {
			return content.Errorf(content.BadRequest, "this is not the client secret of %q", app)
		}
		admin, err := s.adminUser(tx)
		c.Enterprise = admin.Enterprise.ID
		return err
	})
	if err != nil {
		return c, err
	}
	var change *string
	if secret == "" {
		c.ClientSecret, c.NewSecret = s.text(16), true
		change = &c.ClientSecret
	}
	key, err := rsa.GenerateKey(rand.Reader, minKeyBits)
	if err != nil {
		return c, err
	}
	if c.PrivateKey, err = encryptKey(key, c.Passphrase); err != nil {
		return c, err
	}
	c.KeyID, err = s.addKey(ctx, app, &key.PublicKey, change)
	return c, err
}

// encryptKey writes a key so that OpenSSL, Python's cryptography and Java's
// BouncyCastle can read it: PBES2 with PBKDF2-HMAC-SHA256 and AES-256-CBC.
func encryptKey(key *rsa.PrivateKey, passphrase string) (string, error) {
	der, err := pkcs8.MarshalPrivateKey(key, []byte(passphrase), &pkcs8.Opts{
		Cipher:  pkcs8.AES256CBC,
		KDFOpts: pkcs8.PBKDF2Opts{SaltSize: 16, IterationCount: 100_000, HMACHash: crypto.SHA256},
	})
	if err != nil {
		return "", fmt.Errorf("encrypt private key: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der})), nil
}

func isSecret(a meta.App, secret string) bool {
	h := hash(secret)
	return subtle.ConstantTimeCompare(a.SecretHash[:], h[:]) == 1
}

// proveClient is for before the transaction that grants something: it counts
// the secrets that are wrong. The errors are a *Refusal and content.RateLimited.
func (s *Service) proveClient(ctx context.Context, req TokenRequest) error {
	err := s.Meta.View(ctx, func(tx meta.Tx) error {
		_, err := s.client(tx, req.ClientID, req.ClientSecret)
		return err
	})
	if err != nil && !isRefusal(err) {
		return err
	}
	if wait := s.clients.judge(s.Now(), keyFor(forClient, req.ClientID, req.Address), err == nil); wait > 0 {
		return &content.Error{Kind: content.RateLimited, RetryAfter: wait, Message: "too many wrong client secrets: try again later"}
	}
	return err
}

// client is the application with that id and secret.
func (s *Service) client(tx meta.Tx, id, secret string) (meta.App, error) {
	wrong := refuse(InvalidClient, "The client credentials are invalid")
	a, err := tx.App(id)
	unknown := content.Is(err, content.NotFound)
	if err != nil && !unknown {
		return a, err
	}
	if !isSecret(a, secret) || unknown {
		return a, wrong
	}
	return a, nil
}

// serviceAccount is the user as whom an application acts by itself. It is made
// when it is first needed.
func (s *Service) serviceAccount(tx meta.Tx, app meta.App) (u content.User, err error) {
	if app.Service != 0 {
		if u, err = tx.User(app.Service); err != nil || u.DeletedAt.IsZero() {
			return u, err
		}
	}
	admin, err := s.adminUser(tx)
	if err != nil {
		return u, err
	}
	id := s.NewID()
	u, err = s.insertUser(tx, content.User{
		Person:     content.Person{ID: id, Name: app.Name, Login: "AutomationUser_" + id.String() + "@" + ownDomain},
		Enterprise: admin.Enterprise, Admin: true, AppUser: true,
	})
	if err != nil {
		return u, err
	}
	app.Service = u.ID
	return u, tx.UpdateApp(app)
}
