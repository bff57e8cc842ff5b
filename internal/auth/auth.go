// Package auth is the service for who is asking: users, tokens, and content
// URLs that authorise themselves.
package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
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

	key     [32]byte // signs content URLs
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
	}
	s.Random(s.key[:])
	s.admin = c.Admin.ID
	if err := keep(c); err != nil {
		return nil, err
	}
	return &c, s.Meta.Update(ctx, func(tx meta.Tx) error { return s.first(tx, c) })
}

// administrator is whom the operator's tokens act as.
func administrator(tx meta.Tx) (content.ID, error) {
	id, err := tx.Setting(settingAdmin)
	if err != nil {
		return 0, err
	}
	return content.ParseID(string(id))
}

func (s *Service) first(tx meta.Tx, c Credentials) error {
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
	err := tx.InsertApp(meta.App{ID: c.ClientID, Name: "boxcar", SecretHash: hash(c.ClientSecret), CreatedAt: now})
	if err != nil {
		return err
	}
	return tx.InsertToken(meta.Token{
		Hash: hash(c.DeveloperToken), Kind: meta.DeveloperToken, User: c.Admin.ID, App: c.ClientID, CreatedAt: now,
	})
}

// Fix makes token act as the administrator, for as long as the server runs.
func (s *Service) Fix(token string) { s.fixed, s.isFixed = hash(token), true }

// CreateUser adds a user of the administrator's enterprise, with a root folder.
// quota is in bytes; 0 is no limit. It returns a content.LoginTaken error if somebody has the login.
func (s *Service) CreateUser(ctx context.Context, name, login string, quota int64) (user content.User, err error) {
	err = s.Meta.Update(ctx, func(tx meta.Tx) error {
		admin, err := tx.User(s.admin)
		if err != nil {
			return err
		}
		user, err = s.insertUser(tx, content.User{
			Person: content.Person{ID: s.NewID(), Name: name, Login: login}, Enterprise: admin.Enterprise, Quota: quota,
		})
		return err
	})
	return user, err
}

// insertUser gives a user a root folder and dates.
func (s *Service) insertUser(tx meta.Tx, u content.User) (content.User, error) {
	now := s.Now()
	u.Root = s.NewID()
	u.CreatedAt, u.ModifiedAt = now, now
	if err := tx.InsertUser(u); err != nil {
		return u, err
	}
	const name = "All Files"
	return u, tx.InsertItem(meta.Item{
		ID: u.Root, Kind: meta.Folder, Name: name, Key: content.NameKey(name),
		CreatedAt: now, ModifiedAt: now, ContentCreatedAt: now, ContentModifiedAt: now,
		CreatedBy: u.ID, ModifiedBy: u.ID, Owner: u.ID,
	})
}

// User gets an account: the caller's own, or any for an administrator. Others
// do not exist for the caller.
func (s *Service) User(ctx context.Context, who content.Principal, id content.ID) (user content.User, err error) {
	if id != who.User && !who.Admin {
		return user, content.Errorf(content.NotFound, "there is no user %s, or you may not see it", id)
	}
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		user, err = tx.User(id)
		return err
	})
	return user, err
}

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
		if _, err := tx.User(user); err != nil {
			return err
		}
		return tx.InsertToken(row)
	})
}

// Replace takes all of the administrator's developer tokens back and makes a
// new one.
func (s *Service) Replace(ctx context.Context) (token string, err error) {
	token = s.text(16)
	return token, s.Meta.Update(ctx, func(tx meta.Tx) error {
		id, err := administrator(tx)
		if err != nil {
			return err
		}
		if err := tx.DeleteTokens(id, meta.DeveloperToken); err != nil {
			return err
		}
		return tx.InsertToken(meta.Token{Hash: hash(token), Kind: meta.DeveloperToken, User: id, CreatedAt: s.Now()})
	})
}

// Authenticate says who a token is, and whom it acts as. asUser is the As-User header,
// empty if there is none. The errors are content.Unauthorized, content.TokenExpired,
// content.ImpersonationRefused, and content.NotFound for an unknown asUser.
func (s *Service) Authenticate(ctx context.Context, token, asUser string) (who content.Principal, err error) {
	h := hash(token)
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		id, err := s.owner(tx, h)
		if err != nil {
			return err
		}
		u, err := tx.User(id)
		if err != nil {
			return err
		}
		who = content.Principal{User: u.ID, Root: u.Root, Login: u.Login, Admin: u.Admin, Actor: u.ID}
		if asUser == "" {
			return nil
		}
		if !who.Admin {
			return content.Errorf(content.ImpersonationRefused, "this token may not act as another user")
		}
		other, err := content.ParseID(asUser)
		if err == nil {
			u, err = tx.User(other)
		}
		if content.Is(err, content.NotFound) {
			return &content.Error{Kind: content.NotFound, Field: "user", Value: asUser, Message: "There is no user " + asUser}
		}
		if err != nil {
			return err
		}
		who.User, who.Root, who.Login, who.Admin = u.ID, u.Root, u.Login, u.Admin
		return nil
	})
	return who, err
}

// owner is whom a token belongs to.
func (s *Service) owner(tx meta.Tx, h [32]byte) (content.ID, error) {
	if s.isFixed && subtle.ConstantTimeCompare(h[:], s.fixed[:]) == 1 {
		return s.admin, nil
	}
	t, err := tx.Token(h)
	if content.Is(err, content.NotFound) {
		return 0, content.Errorf(content.Unauthorized, "the token is unknown")
	}
	if err != nil {
		return 0, err
	}
	if !t.ExpiresAt.IsZero() && !s.Now().Before(t.ExpiresAt) {
		return 0, content.Errorf(content.TokenExpired, "the token expired")
	}
	return t.User, nil
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

// Grant is what a content URL allows: to download one version of a file, until
// a time, as a user.
type Grant struct {
	User, File, Version content.ID
	Until               time.Time // whole seconds
}

const grantLen = 4 * 8

// Sign makes text of a grant that Grant reads back and nobody else can make.
func (s *Service) Sign(g Grant) string {
	b := make([]byte, 0, grantLen+sha256.Size)
	for _, n := range []int64{int64(g.User), int64(g.File), int64(g.Version), g.Until.Unix()} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return base64.RawURLEncoding.EncodeToString(append(b, s.mac(b)...))
}

func (s *Service) mac(b []byte) []byte {
	h := hmac.New(sha256.New, s.key[:])
	h.Write(b)
	return h.Sum(nil)
}

// Grant reads a signed grant, and gives the principal it was made for. What is
// not a grant is a content.NotFound error, and one whose time is over
// content.TokenExpired.
func (s *Service) Grant(ctx context.Context, signed string) (g Grant, who content.Principal, err error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimSpace(signed))
	if err != nil || len(b) != grantLen+sha256.Size || !hmac.Equal(b[grantLen:], s.mac(b[:grantLen])) {
		return g, who, content.Errorf(content.NotFound, "this is not a content URL of this server")
	}
	n := func(i int) int64 { return int64(binary.BigEndian.Uint64(b[i*8:])) }
	g = Grant{User: content.ID(n(0)), File: content.ID(n(1)), Version: content.ID(n(2)), Until: time.Unix(n(3), 0)}
	if !s.Now().Before(g.Until) {
		return g, who, content.Errorf(content.TokenExpired, "this content URL expired")
	}
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		u, err := tx.User(g.User)
		who = content.Principal{User: u.ID, Root: u.Root, Login: u.Login, Admin: u.Admin, Actor: u.ID}
		return err
	})
	return g, who, err
}
