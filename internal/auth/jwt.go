package auth

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"boxcar/internal/meta"
)

const (
	// boxTokenURL is the audience that most clients name, whatever server they are sent to.
	boxTokenURL = "https://api.box.com/oauth2/token"

	maxAssertionLife = 60 * time.Second
	clockSkew        = 10 * time.Second
	minJTI, maxJTI   = 16, 128  // characters
	maxAssertion     = 16 << 10 // bytes
)

// assertion is a signed statement of a client that was found to be good.
type assertion struct {
	s           *Service
	subType, id string
	used        [32]byte // what is remembered of it
	until       time.Time
}

type assertionClaims struct {
	jwt.RegisteredClaims
	SubType string `json:"box_sub_type"`
}

func badClaim(name string) error {
	return refuse(InvalidGrant, "Please check the '"+name+"' claim.")
}

// verifyAssertion reads the assertion of a request. Its keys are
// looked at outside of the transaction that grants a token: that one only uses it up.
func (s *Service) verifyAssertion(ctx context.Context, req TokenRequest) (a assertion, err error) {
	if req.Assertion == "" || len(req.Assertion) > maxAssertion {
		return a, refuse(InvalidRequest, "assertion is missing, or too long")
	}
	keys := map[string]jwt.VerificationKey{}
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		app, err := s.admitClient(tx, req, GrantJWT)
		if err != nil {
			return err
		}
		rows, err := tx.Keys(app.ID)
		for _, row := range rows {
			key, err := x509.ParsePKIXPublicKey(row.Public)
			if err != nil {
				return fmt.Errorf("key %s of application %s: %w", row.ID, app.ID, err)
			}
			keys[row.ID] = key
		}
		return err
	})
	if err != nil {
		return a, err
	}

	var c assertionClaims
	var badKey bool
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256", "RS384", "RS512"}), jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding())
	_, err = parser.ParseWithClaims(req.Assertion, &c, func(t *jwt.Token) (any, error) {
		if t.Header["crit"] != nil { // what has to be understood, and the library does not look (RFC 7515, 4.1.11)
			return nil, errors.New("unknown crit")
		}
		if kid, _ := t.Header["kid"].(string); kid != "" {
			key, ok := keys[kid]
			if !ok {
				badKey = true
				return nil, errors.New("unknown kid")
			}
			return key, nil
		}
		var set jwt.VerificationKeySet
		for _, key := range keys {
			set.Keys = append(set.Keys, key)
		}
		badKey = len(set.Keys) == 0
		return set, nil
	})
	switch {
	case badKey:
		return a, refuse(InvalidGrant, "OAuth JWT bearer key ID (kid) is not registered: the application has no such public key")
	case err != nil:
		return a, refuse(InvalidGrant, "OAuth JWT signature or form is wrong: RS256, RS384 or RS512 with a registered key is needed")
	}
	return s.checkClaims(c, req)
}

func (s *Service) checkClaims(c assertionClaims, req TokenRequest) (a assertion, err error) {
	now := s.Now()
	switch {
	case c.Issuer != req.ClientID:
		return a, badClaim("iss")
	case c.Subject == "":
		return a, badClaim("sub")
	case c.SubType != "enterprise" && c.SubType != "user":
		return a, badClaim("box_sub_type")
	case !slices.ContainsFunc(c.Audience, func(aud string) bool {
		return aud == boxTokenURL || slices.Contains(req.TokenURLs, aud)
	}):
		return a, badClaim("aud")
	case c.ExpiresAt == nil || !now.Add(-clockSkew).Before(c.ExpiresAt.Time) || c.ExpiresAt.After(now.Add(maxAssertionLife+clockSkew)):
		return a, badClaim("exp")
	case c.NotBefore != nil && c.NotBefore.After(now.Add(clockSkew)):
		return a, badClaim("nbf")
	case c.IssuedAt != nil && c.IssuedAt.After(now.Add(clockSkew)):
		return a, badClaim("iat")
	case len(c.ID) < minJTI || len(c.ID) > maxJTI:
		return a, badClaim("jti")
	}
	return assertion{
		s: s, subType: c.SubType, id: c.Subject,
		used: sha256.Sum256([]byte(req.ClientID + "\x00" + c.ID)), until: c.ExpiresAt.Add(clockSkew),
	}, nil
}

// redeem turns an assertion into a token, once.
func (a assertion) redeem(tx meta.Tx, app meta.App, _ TokenRequest) (t Tokens, err error) {
	fresh, err := tx.UseAssertion(a.used, a.until)
	if err != nil {
		return t, err
	}
	if !fresh {
		return t, refuse(InvalidGrant, "Please check the 'jti' claim. A unique 'jti' value is required.")
	}
	u, err := a.s.subject(tx, app, a.subType, a.id, "Please check the 'sub' claim. It must be the enterprise or one of its users.")
	if err != nil {
		return t, err
	}
	return a.s.pair(tx, u.ID, app.ID, a.s.text(16), detail{}, false)
}

// actorName is whom an actor token names: an unsigned statement about an
// outside user. It gives a name and nothing else. Tokens of other kinds say nothing here.
func actorName(token, tokenType string) (string, error) {
	if token == "" {
		return "", nil
	}
	switch tokenType {
	case "urn:ietf:params:oauth:token-type:id_token", "urn:ietf:params:oauth:token-type:jwt", "":
	case "urn:ietf:params:oauth:token-type:access_token":
		return "", nil
	default:
		return "", refuse(InvalidRequest, "actor_token_type is not known")
	}
	var c struct {
		jwt.RegisteredClaims
		Name string `json:"name"`
	}
	if len(token) > maxAssertion {
		return "", refuse(InvalidRequest, "actor_token is too long")
	}
	if _, _, err := jwt.NewParser().ParseUnverified(token, &c); err != nil {
		return "", refuse(InvalidRequest, "actor_token is not a JWT")
	}
	if c.Name == "" {
		c.Name = c.Subject
	}
	if len(c.Name) > maxProfile {
		return "", refuse(InvalidRequest, "actor_token has a name that is too long")
	}
	return c.Name, nil
}
