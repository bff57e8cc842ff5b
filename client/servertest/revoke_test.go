package servertest

import (
	"errors"
	"testing"

	"boxcar/client"
)

func TestRevoke(t *testing.T) {
	ctx := t.Context()
	s := start(t)
	urls := client.At(s.URL)
	app := client.App{URLs: urls, ClientID: s.Credentials.ClientID, ClientSecret: s.Credentials.ClientSecret}
	source := must(client.ClientCredentials(app, client.Subject{Type: "enterprise", ID: s.Credentials.Enterprise.ID.String()}))
	token := must(source.Token(ctx, ""))
	c := newClient(t, client.Config{URLs: urls, Tokens: client.StaticToken(token)})
	must(c.Me(ctx))
	for range 2 { // again is no error
		if err := app.Revoke(ctx, token); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Me(ctx); !errors.Is(err, client.ErrUnauthorized) {
		t.Errorf("with a token that was revoked: %v", err)
	}
	app.ClientSecret = "wrong"
	var refused *client.Error
	if err := app.Revoke(ctx, token); !errors.As(err, &refused) || refused.Status < 400 {
		t.Errorf("with a wrong secret: %v", err)
	}
}
