package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"time"
)

// Tokens are what a login brings.
type Tokens struct {
	Access  string    `json:"access_token"`
	Refresh string    `json:"refresh_token"` // good once
	Until   time.Time `json:"until"`         // when Access is not used any more
}

// TokenStore keeps the tokens of one login.
type TokenStore interface {
	// Update hands the tokens that are stored to change, and stores what it
	// returns, for good, before it returns that. While it runs no other Update
	// of the same tokens does, in another process either. Without tokens the
	// zero Tokens are handed over. If change fails, nothing is stored.
	Update(ctx context.Context, change func(Tokens) (Tokens, error)) (Tokens, error)
}

// TokenFile is a TokenStore in a file of mode 0600. A file beside it, with the
// ending ".lock", keeps processes apart.
func TokenFile(path string) TokenStore { return tokenFile(path) }

type tokenFile string

func (f tokenFile) Update(ctx context.Context, change func(Tokens) (Tokens, error)) (Tokens, error) {
	unlock, err := lockFile(ctx, string(f)+".lock")
	if err != nil {
		return Tokens{}, err
	}
	defer unlock()
	var old Tokens
	text, err := os.ReadFile(string(f))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return Tokens{}, err
	default:
		if old, err = decodeTokens(text); err != nil {
			return Tokens{}, fmt.Errorf("%s: %w", string(f), err)
		}
	}
	t, err := change(old)
	if err != nil || t == old {
		return t, err
	}
	text, err = json.MarshalIndent(t, "", "  ")
	if err != nil {
		return Tokens{}, err
	}
	return t, writeFile(string(f), append(text, '\n'))
}

func decodeTokens(text []byte) (t Tokens, err error) {
	err = json.Unmarshal(text, &t)
	return t, err
}

// Refreshed is a source of the tokens in a store, which it refreshes when they are
// about to expire or are refused. New tokens are stored before they are used: the
// refresh token that made them is not good any more. A refresh that has begun is
// not broken off by ctx.
func Refreshed(app App, store TokenStore) (TokenSource, error) {
	app, err := app.withDefaults()
	if err != nil {
		return nil, err
	}
	return newRenewed(func(ctx context.Context, refused string) (string, time.Time, error) {
		t, err := store.Update(ctx, func(t Tokens) (Tokens, error) {
			switch {
			case t.Access != "" && t.Access != refused && time.Now().Before(t.Until):
				return t, nil // another process was here
			case t.Refresh == "":
				return t, fmt.Errorf("%w: nobody is logged in", ErrUnauthorized)
			}
			return app.refresh(context.WithoutCancel(ctx), t.Refresh)
		})
		return t.Access, t.Until, err
	}), nil
}

func (a App) refresh(ctx context.Context, token string) (Tokens, error) {
	return a.login(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

// login makes tokens of a grant that brings a refresh token.
func (a App) login(ctx context.Context, form url.Values) (Tokens, error) {
	t, err := a.grant(ctx, func(time.Time) (url.Values, error) { return form, nil })
	if err != nil {
		return Tokens{}, err
	}
	return Tokens{Access: t.AccessToken, Refresh: t.RefreshToken, Until: until(t.ExpiresIn).UTC().Round(0)}, nil
}
