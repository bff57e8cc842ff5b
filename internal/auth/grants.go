package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

const (
	codeLife    = 30 * time.Second
	accessLife  = time.Hour
	refreshLife = 60 * 24 * time.Hour
)

// RefusalCode says why no token is granted, in OAuth's words.
type RefusalCode string

const (
	InvalidRequest          RefusalCode = "invalid_request"
	InvalidClient           RefusalCode = "invalid_client"
	InvalidGrant            RefusalCode = "invalid_grant"
	InvalidScope            RefusalCode = "invalid_scope"
	UnauthorizedClient      RefusalCode = "unauthorized_client"
	UnsupportedGrantType    RefusalCode = "unsupported_grant_type"
	UnsupportedResponseType RefusalCode = "unsupported_response_type"
	ClientDenied            RefusalCode = "access_denied" // the person said no
)

// Refusal is why no token or code is granted.
type Refusal struct {
	Code RefusalCode
	Text string // some clients look for the name of a claim in it
}

func (r *Refusal) Error() string { return string(r.Code) + ": " + r.Text }

func refuse(code RefusalCode, text string) error { return &Refusal{code, text} }

// TokenRequest is what a client sends to the token endpoint; what it left out is "".
type TokenRequest struct {
	GrantType string

	ClientID, ClientSecret string
	HasClient              bool   // it said who it is
	Address                string // where the request comes from

	Code, RedirectURI, Verifier string
	RefreshToken                string
	SubjectType, SubjectID      string // "enterprise" or "user"
	Assertion                   string

	SubjectToken, SubjectTokenType string
	ActorToken, ActorTokenType     string
	Scope, Resource                string
	SharedLink, SharedLinkPassword string

	// TokenURLs are how clients may call this endpoint, and Origins how
	// URLs of this server begin.
	TokenURLs, Origins []string
}

// Tokens are what was granted.
type Tokens struct {
	Access  string
	Life    time.Duration
	Refresh string // "" for none

	Exchanged    bool
	RestrictedTo []RestrictedTo

	User content.ID
	App  string
}

// The values of grant_type.
const (
	typeCode     = "authorization_code"
	typeRefresh  = "refresh_token"
	typeClient   = "client_credentials"
	typeJWT      = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	typeExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
)

// Token grants tokens. What is refused is a *Refusal, and content.RateLimited
// after too many wrong client secrets.
func (s *Service) Token(ctx context.Context, req TokenRequest) (Tokens, error) {
	if slices.Contains([]string{typeCode, typeRefresh, typeClient, typeJWT}, req.GrantType) || req.GrantType == typeExchange && req.HasClient {
		if err := s.proveClient(ctx, req); err != nil {
			return Tokens{}, err
		}
	}
	switch req.GrantType {
	case typeCode:
		return s.grant(ctx, req, GrantCode, s.byCode)
	case typeRefresh:
		return s.grant(ctx, req, GrantCode, s.byRefresh)
	case typeClient:
		return s.grant(ctx, req, GrantClient, s.bySubject)
	case typeJWT:
		a, err := s.verifyAssertion(ctx, req)
		if err != nil {
			return Tokens{}, err
		}
		return s.grant(ctx, req, GrantJWT, a.redeem)
	case typeExchange:
		return s.exchange(ctx, req)
	case "":
		return Tokens{}, refuse(InvalidRequest, "grant_type is missing")
	}
	return Tokens{}, refuse(UnsupportedGrantType, "This server does not know that grant_type")
}

// grant runs by for an application that has proved who it is, in a
// transaction that leaves everything as it was if it refuses.
func (s *Service) grant(ctx context.Context, req TokenRequest, kind string, by func(meta.Tx, meta.App, TokenRequest) (Tokens, error)) (tokens Tokens, err error) {
	err = s.Meta.Update(ctx, func(tx meta.Tx) error {
		app, err := s.admitClient(tx, req, kind)
		if err != nil {
			return err
		}
		tokens, err = by(tx, app, req)
		return err
	})
	if err != nil {
		return Tokens{}, err
	}
	return tokens, nil
}

// admitClient is the application that asks, if it may use the grant.
func (s *Service) admitClient(tx meta.Tx, req TokenRequest, kind string) (meta.App, error) {
	app, err := s.client(tx, req.ClientID, req.ClientSecret)
	if err != nil {
		return app, err
	}
	if !slices.Contains(app.Grants, kind) {
		return app, refuse(UnauthorizedClient, "This application may not use this grant")
	}
	return app, nil
}

// byCode turns a code into tokens, once.
func (s *Service) byCode(tx meta.Tx, app meta.App, req TokenRequest) (t Tokens, err error) {
	if req.Code == "" {
		return t, refuse(InvalidRequest, "code is missing")
	}
	code, d, err := s.take(tx, app, req.Code, meta.Code, "The authorization code is invalid, used, or older than 30 seconds")
	if err != nil {
		return t, err
	}
	// Many clients leave it out, and Box lets them.
	if req.RedirectURI != "" && req.RedirectURI != d.RedirectURI {
		return t, refuse(InvalidGrant, "redirect_uri is not the one that the code was sent to")
	}
	if d.Challenge != "" || req.Verifier != "" {
		sum := sha256.Sum256([]byte(req.Verifier))
		got := base64.RawURLEncoding.EncodeToString(sum[:])
		if subtle.ConstantTimeCompare([]byte(got), []byte(d.Challenge)) != 1 {
			return t, refuse(InvalidGrant, "code_verifier does not belong to the code_challenge")
		}
	}
	d.RedirectURI, d.Challenge = "", ""
	return s.pair(tx, code.User, app.ID, code.Grant, d, true)
}

// byRefresh turns a refresh token into new tokens, once.
func (s *Service) byRefresh(tx meta.Tx, app meta.App, req TokenRequest) (t Tokens, err error) {
	if req.RefreshToken == "" {
		return t, refuse(InvalidRequest, "refresh_token is missing")
	}
	old, d, err := s.take(tx, app, req.RefreshToken, meta.RefreshToken, "Invalid refresh token")
	if err != nil {
		return t, err
	}
	return s.pair(tx, old.User, app.ID, old.Grant, d, true)
}

// take uses up something that can be used once.
func (s *Service) take(tx meta.Tx, app meta.App, text string, kind meta.TokenKind, refusal string) (t meta.Token, d detail, err error) {
	t, err = tx.TakeToken(hash(text))
	if content.Is(err, content.NotFound) || err == nil && (t.Kind != kind || t.App != app.ID || !s.Now().Before(t.ExpiresAt)) {
		return t, d, refuse(InvalidGrant, refusal)
	}
	if err != nil {
		return t, d, err
	}
	u, err := tx.User(t.User)
	if err != nil {
		return t, d, err
	}
	if !u.Live() {
		return t, d, refuse(InvalidGrant, "The user is inactive or was deleted")
	}
	d, err = readDetail(t.Detail)
	return t, d, err
}

// bySubject grants a token for the application's service account, or for a user.
func (s *Service) bySubject(tx meta.Tx, app meta.App, req TokenRequest) (t Tokens, err error) {
	u, err := s.subject(tx, app, req.SubjectType, req.SubjectID, "Please check the subject: box_subject_type and box_subject_id")
	if err != nil {
		return t, err
	}
	return s.pair(tx, u.ID, app.ID, s.text(16), detail{}, false)
}

// subject is whom an application wants to act as.
func (s *Service) subject(tx meta.Tx, app meta.App, kind, id, refusal string) (u content.User, err error) {
	admin, err := s.adminUser(tx)
	if err != nil {
		return u, err
	}
	n, err := content.ParseID(id)
	if err != nil {
		return u, refuse(InvalidGrant, refusal)
	}
	switch kind {
	case "enterprise":
		if n != admin.Enterprise.ID {
			return u, refuse(InvalidGrant, refusal)
		}
		u, err = s.serviceAccount(tx, app)
	case "user":
		u, err = tx.User(n)
	default:
		return u, refuse(InvalidGrant, refusal)
	}
	if content.Is(err, content.NotFound) || err == nil && (!u.Live() || u.Enterprise.ID != admin.Enterprise.ID) {
		return u, refuse(InvalidGrant, refusal)
	}
	return u, err
}

// pair makes an access token, and a refresh token if it is to have one.
func (s *Service) pair(tx meta.Tx, user content.ID, app, grant string, d detail, refresh bool) (t Tokens, err error) {
	now := s.Now()
	t = Tokens{Access: s.text(16), Life: accessLife, User: user, App: app}
	row := meta.Token{User: user, App: app, Grant: grant, Detail: d.String(), CreatedAt: now}
	row.Hash, row.Kind, row.ExpiresAt = hash(t.Access), meta.AccessToken, now.Add(accessLife)
	if err := tx.InsertToken(row); err != nil || !refresh {
		return t, err
	}
	t.Refresh = s.text(32)
	row.Hash, row.Kind, row.ExpiresAt = hash(t.Refresh), meta.RefreshToken, now.Add(refreshLife)
	return t, tx.InsertToken(row)
}

// Revoke takes a token back with all that was granted with it: an access token and its
// refresh token. It is no error if there is no such token, or if another
// application has it. Whoever has a token may revoke it; a client that says
// who it is has to prove it, as for Token.
func (s *Service) Revoke(ctx context.Context, req TokenRequest, token string) error {
	if req.HasClient {
		if err := s.proveClient(ctx, req); err != nil {
			return err
		}
	}
	return s.Meta.Update(ctx, func(tx meta.Tx) error {
		if req.HasClient {
			if _, err := s.client(tx, req.ClientID, req.ClientSecret); err != nil {
				return err
			}
		}
		h := hash(token)
		t, err := tx.Token(h)
		if content.Is(err, content.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if req.HasClient && t.App != "" && t.App != req.ClientID {
			return nil
		}
		switch {
		case t.Kind == meta.Code:
			return nil
		case t.Kind != meta.ExchangedToken && t.Grant != "":
			return tx.DeleteGrant(t.Grant)
		}
		_, err = tx.TakeToken(h)
		return err
	})
}
