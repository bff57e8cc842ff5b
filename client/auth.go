package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"boxcar/boxapi"
)

// TokenSource has access tokens.
type TokenSource interface {
	// Token returns an access token. refused is one that the server has just
	// turned down, or ""; the source answers with another, or an error that is
	// ErrUnauthorized. Many goroutines may call it at once.
	Token(ctx context.Context, refused string) (string, error)
}

// StaticToken is a source of one token, such as a developer token.
func StaticToken(token string) TokenSource { return staticToken(token) }

type staticToken string

func (t staticToken) Token(_ context.Context, refused string) (string, error) {
	if refused == string(t) {
		return "", fmt.Errorf("%w: there is only the one that was refused", ErrUnauthorized)
	}
	return string(t), nil
}

// AuthError is a grant that the token endpoint refused.
type AuthError struct {
	Status      int
	Code        string // as in RFC 6749, such as "invalid_grant"
	Description string

	server time.Time
}

func (e *AuthError) Error() string {
	return strings.TrimSuffix(fmt.Sprintf("token endpoint: %d %s: %s", e.Status, e.Code, e.Description), ": ")
}

// Is makes it ErrUnauthorized.
func (e *AuthError) Is(target error) bool { return target == ErrUnauthorized }

// App is an application that asks for tokens, and where.
type App struct {
	URLs         BaseURLs // default: Box
	ClientID     string
	ClientSecret string
	HTTP         *http.Client // as in Config
}

func (a App) withDefaults() (App, error) {
	if a.ClientID == "" {
		return a, errors.New("an application needs a client id")
	}
	if a.URLs == (BaseURLs{}) {
		a.URLs = Box()
	}
	var err error
	a.URLs, err = a.URLs.check()
	a.HTTP = unredirected(a.HTTP)
	return a, err
}

// grantTimeout is how long one request for a token may take.
const grantTimeout = time.Minute

// grant asks the token endpoint, a few times if it does not answer. Its error is
// an *AuthError if it answered no.
func (a App) grant(ctx context.Context, form func(serverTime time.Time) (url.Values, error)) (boxapi.TokenReply, error) {
	var skewed time.Time
	p := Retry{Budget: grantTimeout}.withDefaults().start()
	for {
		values, err := form(skewed)
		if err != nil {
			return boxapi.TokenReply{}, err
		}
		t, err := a.grantOnce(ctx, values)
		var refused *AuthError
		switch {
		case err == nil:
			return t, nil
		case errors.As(err, &refused):
			// An assertion made by a clock that is wrong is made again by the
			// server's.
			clock := strings.Contains(refused.Description, "exp") || strings.Contains(refused.Description, "iat") || strings.Contains(refused.Description, "jti")
			if !skewed.IsZero() || !clock || refused.server.IsZero() || values.Get("assertion") == "" {
				return t, err
			}
			skewed = refused.server
			continue
		case ctx.Err() != nil, !passing(err):
			return t, err
		}
		wait, again := p.next(asked(err))
		if !again || sleep(ctx, wait) != nil {
			return t, err
		}
	}
}

func (a App) grantOnce(ctx context.Context, form url.Values) (t boxapi.TokenReply, err error) {
	ctx, cancel := context.WithTimeout(ctx, grantTimeout)
	defer cancel()
	form.Set("client_id", a.ClientID)
	form.Set("client_secret", a.ClientSecret)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URLs.TokenURL(), strings.NewReader(form.Encode()))
	if err != nil {
		return t, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := a.HTTP.Do(req)
	if err != nil {
		return t, fmt.Errorf("token endpoint: %w", plain(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return t, fmt.Errorf("token endpoint: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		e := parseError("token endpoint", resp.StatusCode, resp.Header, body)
		if (resp.StatusCode == http.StatusBadRequest || resp.StatusCode == http.StatusUnauthorized) && e.Code != "" {
			refused := &AuthError{Status: e.Status, Code: e.Code, Description: e.Message}
			refused.server, _ = http.ParseTime(resp.Header.Get("Date"))
			return t, refused
		}
		return t, e
	}
	if err := boxapi.DecodeReply(body, &t); err != nil || t.AccessToken == "" {
		return t, &Error{Op: "token endpoint", Status: resp.StatusCode, Message: "the reply has no access token"}
	}
	return t, nil
}

// renewed is a source that makes a new token when the one it has is about to
// expire, or was refused. One caller makes it for all that wait.
type renewed struct {
	turn  chan struct{} // holds one value: whose turn it is may make a token
	token string
	until time.Time // zero: not known
	renew func(ctx context.Context, refused string) (token string, until time.Time, err error)
}

func newRenewed(renew func(ctx context.Context, refused string) (string, time.Time, error)) *renewed {
	r := &renewed{turn: make(chan struct{}, 1), renew: renew}
	r.turn <- struct{}{}
	return r
}

// early is how long before its end a token is not used any more.
const early = time.Minute

func (r *renewed) Token(ctx context.Context, refused string) (string, error) {
	select {
	case <-r.turn:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	defer func() { r.turn <- struct{}{} }()
	if r.token != "" && r.token != refused && (r.until.IsZero() || time.Now().Before(r.until)) {
		return r.token, nil
	}
	token, until, err := r.renew(ctx, refused)
	if err != nil {
		return "", err
	}
	r.token, r.until = token, until
	return token, nil
}

// until is when a token that lives for some seconds is not used any more.
func until(expiresIn int64) time.Time {
	life := time.Duration(expiresIn) * time.Second
	return time.Now().Add(life - min(early, life/10))
}

// Subject is whom an application acts as: an enterprise's service account, or one
// of its users.
type Subject struct {
	Type string `json:"type"` // "enterprise" or "user"
	ID   string `json:"id"`
}

func (s Subject) check() error {
	if s.Type != "enterprise" && s.Type != "user" || s.ID == "" {
		return fmt.Errorf("subject %q %q: it must be of type enterprise or user, with an id", s.Type, s.ID)
	}
	return nil
}

// ClientCredentials is a source of tokens by the client credentials grant.
func ClientCredentials(app App, as Subject) (TokenSource, error) {
	app, err := app.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := as.check(); err != nil {
		return nil, err
	}
	return newRenewed(func(ctx context.Context, _ string) (string, time.Time, error) {
		t, err := app.grant(ctx, func(time.Time) (url.Values, error) {
			return url.Values{
				"grant_type":       {"client_credentials"},
				"box_subject_type": {as.Type}, "box_subject_id": {as.ID},
			}, nil
		})
		return t.AccessToken, until(t.ExpiresIn), err
	}), nil
}
