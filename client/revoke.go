package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Revoke takes a token back, an access token or a refresh token, with all that were
// made of the same login. One that is not good any more is not an error.
func (a App) Revoke(ctx context.Context, token string) error {
	a, err := a.withDefaults()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, grantTimeout)
	defer cancel()
	form := url.Values{"client_id": {a.ClientID}, "client_secret": {a.ClientSecret}, "token": {token}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URLs.API+"/oauth2/revoke", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := a.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("revoking a token: %w", plain(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("revoking a token: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return parseError("revoking a token", resp.StatusCode, resp.Header, body)
	}
	return nil
}
