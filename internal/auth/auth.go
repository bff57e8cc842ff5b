// Package auth is the service for who is asking: users, applications, the
// tokens that they get, and content URLs that authorise themselves.
package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// Service knows users and tokens. Its methods may be called concurrently.
type Service struct {
	Meta  meta.Store
	Now   func() time.Time
	NewID func() content.ID
	// Random fills b with random bytes.
	Random func(b []byte)
	// ResolveLink finds out what a shared link gives to anybody, with its password
	// or "", for the user that asks. nil: there are no shared links.
	ResolveLink func(ctx context.Context, by content.ID, url, password string) (content.LinkGrant, error)

	guard   guard // of passwords
	clients guard // of client secrets

	key     [32]byte // signs content URLs, and what login pages hand round
	fixed   [32]byte // SHA-256 of the operator's own token
	isFixed bool
	admin   content.ID // whom it acts as
}

// Names of the server's settings.
const (
	settingSigningKey = "content-url-key"
	settingAdmin      = "administrator"
)

// Credentials are what the first start makes, in clear. The database holds
// hashes only.
type Credentials struct {
	Enterprise     content.Enterprise
	Admin          content.Person
	ClientID       string
	ClientSecret   string
	DeveloperToken string
	Password       string // of Admin
}

// Start makes an enterprise, its administrator, an application and a developer
// token if there are none, and returns them; on a later start it returns nil.
// keep is called before anything is made, to write the clear text where its
// owner finds it: what only the database had could never be told again. Only
// one process may be at it.
func (s *Service) Start(ctx context.Context, keep func(Credentials) error) (*Credentials, error) {
	fresh := false
	err := s.Meta.View(ctx, func(tx meta.Tx) error {
		key, err := tx.Setting(settingSigningKey)
		if content.Is(err, content.NotFound) {
			fresh = true
			return nil
		}
		if err != nil {
			return err
		}
		copy(s.key[:], key)
		s.admin, err = administrator(tx)
		return err
	})
	if err != nil || !fresh {
		return nil, err
	}
	c := Credentials{
		Enterprise:     content.Enterprise{ID: s.NewID(), Name: "boxcar"},
		Admin:          content.Person{ID: s.NewID(), Name: "Administrator", Login: "admin@boxcar.example"},
		ClientID:       s.text(16),
		ClientSecret:   s.text(16),
		DeveloperToken: s.text(16),
		Password:       s.text(10),
	}
	s.Random(s.key[:])
	s.admin = c.Admin.ID
	if err := keep(c); err != nil {
		return nil, err
	}
	password := s.hashPassword(c.Password)
	return &c, s.Meta.Update(ctx, func(tx meta.Tx) error { return s.first(tx, c, password) })
}

// administrator is whom the operator's tokens act as.
func administrator(tx meta.Tx) (content.ID, error) {
	id, err := tx.Setting(settingAdmin)
	if err != nil {
		return 0, err
	}
	return content.ParseID(string(id))
}

func (s *Service) first(tx meta.Tx, c Credentials, password string) error {
	now := s.Now()
	if err := tx.PutSetting(settingSigningKey, s.key[:]); err != nil {
		return err
	}
	if err := tx.PutSetting(settingAdmin, []byte(c.Admin.ID.String())); err != nil {
		return err
	}
	if err := tx.InsertEnterprise(c.Enterprise); err != nil {
		return err
	}
	if _, err := s.insertUser(tx, content.User{Person: c.Admin, Enterprise: c.Enterprise, Admin: true}); err != nil {
		return err
	}
	if err := tx.SetPassword(c.Admin.ID, password); err != nil {
		return err
	}
	err := tx.InsertApp(meta.App{
		ID: c.ClientID, Name: "boxcar", SecretHash: hash(c.ClientSecret),
		RedirectURIs: loopbackURIs, Grants: AllGrants, CreatedAt: now,
	})
	if err != nil {
		return err
	}
	return tx.InsertToken(meta.Token{
		Hash: hash(c.DeveloperToken), Kind: meta.DeveloperToken, User: c.Admin.ID, App: c.ClientID, CreatedAt: now,
	})
}

// Fix makes token act as the administrator, for as long as the server runs.
func (s *Service) Fix(token string) { s.fixed, s.isFixed = hash(token), true }

// SetQuota sets how many bytes the administrator may have; 0 is no limit.
func (s *Service) SetQuota(ctx context.Context, quota int64) error {
	return s.Meta.Update(ctx, func(tx meta.Tx) error { return tx.SetQuota(s.admin, quota) })
}

// Issue makes a developer token for a user. life is how long it is good; 0 is
// until it is replaced. The token is told once and kept as a hash.
func (s *Service) Issue(ctx context.Context, user content.ID, life time.Duration) (token string, err error) {
	token = s.text(16)
	now := s.Now()
	row := meta.Token{Hash: hash(token), Kind: meta.DeveloperToken, User: user, CreatedAt: now}
	if life != 0 {
		row.ExpiresAt = now.Add(life)
	}
	return token, s.Meta.Update(ctx, func(tx meta.Tx) error {
		u, err := tx.User(user)
		if err != nil {
			return err
		}
		if !u.DeletedAt.IsZero() {
			return content.Errorf(content.NotFound, "user %s was deleted", user)
		}
		return tx.InsertToken(row)
	})
}

// Replace takes all of a user's developer tokens back and makes a new one.
func (s *Service) Replace(ctx context.Context, user content.ID) (token string, err error) {
	token = s.text(16)
	return token, s.Meta.Update(ctx, func(tx meta.Tx) error {
		if err := tx.DeleteTokens(user, meta.DeveloperToken); err != nil {
			return err
		}
		return tx.InsertToken(meta.Token{Hash: hash(token), Kind: meta.DeveloperToken, User: user, CreatedAt: s.Now()})
	})
}

// principal is a user with all of the user's rights.
func principal(u content.User) content.Principal {
	return content.Principal{
		User: u.ID, Root: u.Root, Login: u.Login, Enterprise: u.Enterprise.ID, Admin: u.Admin, Actor: u.ID, Status: u.Status,
	}
}

// Operator is the administrator, as whom the command line acts.
func (s *Service) Operator(ctx context.Context) (who content.Principal, err error) {
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		u, err := s.adminUser(tx)
		who = principal(u)
		return err
	})
	return who, err
}

func (s *Service) adminUser(tx meta.Tx) (content.User, error) {
	id, err := administrator(tx)
	if err != nil {
		return content.User{}, err
	}
	return tx.User(id)
}

// Authenticate says who a token is, and whom it acts as. asUser is the As-User header,
// empty if there is none. The errors are content.Unauthorized, content.TokenExpired,
// content.ImpersonationRefused, and content.NotFound for an unknown asUser.
func (s *Service) Authenticate(ctx context.Context, token, asUser string) (who content.Principal, err error) {
	h := hash(token)
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		if who, _, err = s.bearer(tx, h); err != nil || asUser == "" {
			return err
		}
		return as(tx, &who, asUser)
	})
	return who, err
}

// as makes a principal act as another user.
func as(tx meta.Tx, who *content.Principal, user string) error {
	if err := content.AllowRight(*who, content.Impersonate); err != nil {
		return content.Errorf(content.ImpersonationRefused, "this token may not act as another user").Because(err)
	}
	var u content.User
	id, err := content.ParseID(user)
	if err == nil {
		u, err = tx.User(id)
	}
	if content.Is(err, content.NotFound) || err == nil && (!u.DeletedAt.IsZero() || u.Enterprise.ID != who.Enterprise) {
		return &content.Error{Kind: content.NotFound, Field: "user", Value: user, Message: "There is no user " + user}
	}
	if err != nil {
		return err
	}
	if !u.Live() {
		return content.Errorf(content.ImpersonationRefused, "user %s is inactive", id)
	}
	other := principal(u)
	other.Actor, other.App = who.Actor, who.App
	*who = other
	return nil
}

// bearer is who comes with a token, and until when it is good; zero is for
// ever. Codes and refresh tokens are no tokens here.
func (s *Service) bearer(tx meta.Tx, h [32]byte) (who content.Principal, until time.Time, err error) {
	if s.isFixed && subtle.ConstantTimeCompare(h[:], s.fixed[:]) == 1 {
		u, err := tx.User(s.admin)
		return principal(u), until, err
	}
	unknown := content.Errorf(content.Unauthorized, "the token is unknown")
	t, err := tx.Token(h)
	switch {
	case content.Is(err, content.NotFound):
		return who, until, unknown
	case err != nil:
		return who, until, err
	}
	switch t.Kind {
	case meta.DeveloperToken, meta.AccessToken, meta.ExchangedToken:
	default:
		return who, until, unknown
	}
	if !t.ExpiresAt.IsZero() && !s.Now().Before(t.ExpiresAt) {
		return who, until, content.Errorf(content.TokenExpired, "the token expired")
	}
	u, err := tx.User(t.User)
	if err != nil {
		return who, until, err
	}
	if !u.Live() {
		return who, until, content.Errorf(content.Unauthorized, "the user of this token is inactive or was deleted")
	}
	d, err := readDetail(t.Detail)
	if err != nil {
		return who, until, err
	}
	who = principal(u)
	who.App, who.Scoped, who.Restrictions, who.Links = t.App, d.Scoped, d.Restrictions, d.Links
	return who, t.ExpiresAt, nil
}

// detail is what is kept of a token or code beside whose it is.
type detail struct {
	// Scoped and what follows are as in content.Principal.
	Scoped       bool                  `json:",omitzero"`
	Restrictions []content.Restriction `json:",omitzero"`
	Links        []content.LinkGrant   `json:",omitzero"`
	ActorName    string                `json:",omitzero"` // whom an actor token named

	// Of a code: what it is bound to.
	RedirectURI string `json:",omitzero"`
	Challenge   string `json:",omitzero"` // PKCE, S256
}

func (d detail) String() string {
	if b, err := json.Marshal(d); err == nil && string(b) != "{}" {
		return string(b)
	}
	return ""
}

func readDetail(text string) (d detail, err error) {
	if text != "" {
		err = json.Unmarshal([]byte(text), &d)
	}
	return d, err
}

// hash is what is kept of a secret. Secrets here are random and long, so they
// need no salt and no slow hash.
func hash(secret string) [32]byte { return sha256.Sum256([]byte(secret)) }

// text is n random bytes as text.
func (s *Service) text(n int) string {
	b := make([]byte, n)
	s.Random(b)
	return hex.EncodeToString(b)
}
