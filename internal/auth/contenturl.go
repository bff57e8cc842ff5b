package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// Grant is what a content URL allows: to download one version of a file, until
// a time, as a user, or as whoever has a shared link.
type Grant struct {
	User, File, Version content.ID
	Until               time.Time // whole seconds

	// Link is the item whose shared link the grant was made for, and Stamp
	// that link's as it was; 0 for none. Without one there is a User.
	Link  content.ID
	Stamp uint64
	Use   GrantUse
}

// GrantUse is what a grant is good for. One is not good for another.
type GrantUse uint8

const (
	ForDownload GrantUse = iota
	ForShow              // to be shown within a page
	ForEmbed             // a page that shows the file
	ForEvents            // to wait for the user's events; it has no file
)

// A grant that has nothing of what came later is written as it always was.
const (
	grantLen     = 4 * 8
	longGrantLen = 7 * 8
)

// Sign makes text of a grant that Grant reads back and nobody else can make.
func (s *Service) Sign(g Grant) string {
	b := make([]byte, 0, longGrantLen+sha256.Size)
	words := []uint64{uint64(g.User), uint64(g.File), uint64(g.Version), uint64(g.Until.Unix())}
	if g.Link != 0 || g.Use != ForDownload {
		words = append(words, uint64(g.Link), g.Stamp, uint64(g.Use))
	}
	for _, n := range words {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return base64.RawURLEncoding.EncodeToString(append(b, s.mac(b)...))
}

func (s *Service) mac(b []byte) []byte {
	h := hmac.New(sha256.New, s.key[:])
	h.Write(b)
	return h.Sum(nil)
}

// Grant reads a signed grant for one of the uses, and gives the principal it was made for; a
// shared link is for the caller to look at again. What is not a grant is a
// content.NotFound error, and one whose time is over content.TokenExpired.
func (s *Service) Grant(ctx context.Context, signed string, uses ...GrantUse) (g Grant, who content.Principal, err error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimSpace(signed))
	n := len(b) - sha256.Size
	if err != nil || n != grantLen && n != longGrantLen || !hmac.Equal(b[n:], s.mac(b[:n])) {
		return g, who, errNoGrant
	}
	word := func(i int) uint64 { return binary.BigEndian.Uint64(b[i*8:]) }
	g = Grant{User: content.ID(word(0)), File: content.ID(word(1)), Version: content.ID(word(2)), Until: time.Unix(int64(word(3)), 0)}
	if n == longGrantLen {
		g.Link, g.Stamp, g.Use = content.ID(word(4)), word(5), GrantUse(word(6))
	}
	if !slices.Contains(uses, g.Use) {
		return g, who, errNoGrant
	}
	if !s.Now().Before(g.Until) {
		return g, who, content.Errorf(content.TokenExpired, "this content URL expired")
	}
	if g.User == 0 && g.Link != 0 {
		return g, who, nil
	}
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		u, err := tx.User(g.User)
		if err == nil && !u.Live() {
			err = content.Errorf(content.NotFound, "the user of this content URL is not there any more")
		}
		who = principal(u)
		return err
	})
	return g, who, err
}

var errNoGrant = content.Errorf(content.NotFound, "this is not a content URL of this server")

// keyLife is how long a browser need not be asked for a shared link's password again.
const keyLife = time.Hour

// LinkKey makes what a browser keeps of a shared link whose password it gave.
func (s *Service) LinkKey(item content.ID, stamp uint64) (key string, life time.Duration) {
	b := binary.BigEndian.AppendUint64(nil, uint64(s.Now().Add(keyLife).Unix()))
	return base64.RawURLEncoding.EncodeToString(append(b, s.linkSeal(b, item, stamp)...)), keyLife
}

// IsLinkKey says whether a key was made for that link as it is now, and not too
// long ago.
func (s *Service) IsLinkKey(key string, item content.ID, stamp uint64) bool {
	const head = 8
	b, err := base64.RawURLEncoding.Strict().DecodeString(key)
	return err == nil && len(b) == head+sha256.Size && hmac.Equal(b[head:], s.linkSeal(b[:head], item, stamp)) &&
		s.Now().Unix() < int64(binary.BigEndian.Uint64(b))
}

func (s *Service) linkSeal(until []byte, item content.ID, stamp uint64) []byte {
	b := binary.BigEndian.AppendUint64(until[:len(until):len(until)], uint64(item))
	return s.seal("shared link", string(binary.BigEndian.AppendUint64(b, stamp)))
}

// HashPassword makes what is kept of a password.
func (s *Service) HashPassword(password string) string { return s.hashPassword(password) }

// VerifyPassword says whether a password is the one that was hashed.
func (s *Service) VerifyPassword(hashed, password string) (bool, error) {
	return checkPassword(hashed, password)
}

// Narrow makes a token for a user that is good for some scopes on one item
// only, for an hour. Scopes that the caller's own token does not have are left out.
func (s *Service) Narrow(ctx context.Context, who content.Principal, scopes []content.Scope, item content.ID) (t Tokens, err error) {
	err = s.Meta.Update(ctx, func(tx meta.Tx) error {
		on, err := restrictedItem(tx, item)
		if err != nil {
			return err
		}
		t = Tokens{Access: s.text(16), Life: accessLife, Exchanged: true, User: who.User, App: who.App}
		d := detail{Scoped: true, Links: who.Links}
		for _, scope := range scopes {
			r := content.Restriction{Scope: scope, Item: item, Kind: itemKind(on)}
			if who.Scoped {
				if _, err := s.narrow(tx, who, r); isRefusal(err) {
					continue
				} else if err != nil {
					return err
				}
			}
			d.Restrictions = append(d.Restrictions, r)
			t.RestrictedTo = append(t.RestrictedTo, RestrictedTo{Scope: scope, Item: on})
		}
		now := s.Now()
		return tx.InsertToken(meta.Token{
			Hash: hash(t.Access), Kind: meta.ExchangedToken, User: who.User, App: who.App, Detail: d.String(),
			CreatedAt: now, ExpiresAt: now.Add(accessLife),
		})
	})
	return t, err
}

func isRefusal(err error) bool {
	var r *Refusal
	return errors.As(err, &r)
}
