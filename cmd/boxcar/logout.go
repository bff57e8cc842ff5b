package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"boxcar/client"
)

type logoutCmd struct {
	configFlag
	jsonFlag
	Profile string `placeholder:"NAME" env:"BOXCAR_PROFILE" help:"Which one; otherwise the default."`
}

// Help is what boxcar logout --help adds.
func (logoutCmd) Help() string {
	return `Forgets the profile with its tokens. Those of a login in a browser are taken back at the server, too.`
}

func (l logoutCmd) Run(ctx context.Context, io streams) error {
	profiles, err := l.profiles()
	if err != nil {
		return err
	}
	name := l.Profile
	if name == "" {
		if _, name, err = profiles.All(); err != nil {
			return err
		}
	}
	p, err := profiles.Get(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && name == "":
		return errors.New("there is no login to forget")
	case errors.Is(err, fs.ErrNotExist):
		return hinted{fmt.Errorf("there is no profile %q", name), "boxcar profiles lists them"}
	case err != nil:
		return err
	}
	if p.Auth == client.AuthLogin {
		if err := revoke(ctx, profiles, name, p); err != nil {
			// It is forgotten all the same: that is in our hands.
			fmt.Fprintf(io.Err, "boxcar: the tokens could not be taken back at the server, and are good until they expire: %v\n", err)
		}
	}
	if err := profiles.Delete(name); err != nil {
		return err
	}
	if l.JSON {
		return writeJSON(io.Out, struct {
			Profile string `json:"profile"`
			Outcome string `json:"outcome"`
		}{name, "forgotten"})
	}
	_, err = fmt.Fprintln(io.Out, name)
	return err
}

func revoke(ctx context.Context, profiles client.Profiles, name string, p client.Profile) error {
	var tokens client.Tokens
	_, err := profiles.Tokens(name).Update(ctx, func(t client.Tokens) (client.Tokens, error) {
		tokens = t
		return t, nil
	})
	if err != nil || tokens.Refresh == "" {
		return err
	}
	app := client.App{URLs: p.URLs(), ClientID: p.ClientID, ClientSecret: p.ClientSecret}
	return app.Revoke(ctx, tokens.Refresh)
}
