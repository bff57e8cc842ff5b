package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"boxcar/client"
)

type loginCmd struct {
	configFlag
	Profile string `placeholder:"NAME" default:"default" env:"BOXCAR_PROFILE" help:"What to call it (${default})."`
	URL     string `name:"url" placeholder:"URL" env:"BOXCAR_URL" help:"Of a boxcar, or box for Box itself (${home})."`
	Default bool   `help:"Use it from now on where no --profile is said; the first login is used so anyway."`

	jsonFlag

	Token             bool   `xor:"how" group:"by" help:"Ask for a token, such as a developer token: on a terminal, or the first line of the standard input."`
	JWT               string `name:"jwt" xor:"how" type:"existingfile" placeholder:"FILE" group:"by" help:"As an application, with its configuration file."`
	ClientCredentials bool   `xor:"how" group:"by" help:"As an application, with its client id and secret."`

	ClientID    string `name:"client-id" placeholder:"ID" env:"BOXCAR_CLIENT_ID" group:"by" help:"Of the application. Its secret comes from $BOXCAR_CLIENT_SECRET, or is asked for."`
	RedirectURI string `name:"redirect-uri" placeholder:"URI" group:"by" help:"On this machine, as the application has registered it; Box wants one with a port, as http://localhost:4321/."`
	NoBrowser   bool   `group:"by" help:"Print the page's address only."`
	User        string `placeholder:"ID" group:"by" help:"Whom the application acts as: a user,"`
	Enterprise  string `placeholder:"ID" env:"BOXCAR_ENTERPRISE_ID" group:"by" help:"or its service account in an enterprise."`
	AsUser      string `placeholder:"ID" group:"by" help:"Act as this user in each request, with a token that may."`
}

// Help is what boxcar login --help adds.
func (loginCmd) Help() string {
	return `Without --token, --jwt or --client-credentials it opens a page in the browser where you log in and agree (OAuth 2 with PKCE). The login is tried before it is kept, in a file that only you can read.

	boxcar login --url http://files.example:8080 --client-id ID
	boxcar login --url box --profile work --client-id ID --redirect-uri http://localhost:4321/
	boxcar login --token`
}

// Run is boxcar login.
func (l loginCmd) Run(ctx context.Context, io streams) error {
	profiles, err := l.profiles()
	if err != nil {
		return err
	}
	p, err := l.profile(io)
	if err != nil {
		return err
	}
	before, err := profiles.Get(l.Profile)
	had := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var tokens client.Tokens
	if p.Auth == client.AuthLogin {
		if tokens, err = l.browse(ctx, io, p); err != nil {
			return fmt.Errorf("login: %w", err)
		}
	}
	if err := profiles.Put(l.Profile, p, l.Default); err != nil {
		return misuse{err}
	}
	if p.Auth == client.AuthLogin {
		_, err := profiles.Tokens(l.Profile).Update(ctx, func(client.Tokens) (client.Tokens, error) { return tokens, nil })
		if err != nil {
			return err
		}
	}
	if err := l.try(ctx, io); err != nil {
		// What does not work is not kept. The tokens of a login that was there
		// before are gone: its refresh token may have been used since.
		if had && before.Auth != client.AuthLogin && p.Auth != client.AuthLogin {
			return errors.Join(err, profiles.Put(l.Profile, before, false))
		}
		return errors.Join(err, profiles.Delete(l.Profile))
	}
	return nil
}

// profile is what will be kept.
func (l loginCmd) profile(io streams) (client.Profile, error) {
	p := client.Profile{Auth: client.AuthLogin, AsUser: l.AsUser, ClientID: l.ClientID}
	if urls := urlsOf(l.URL); urls != client.Box() {
		p.Server = urls.API
	}
	switch {
	case io.Given["user"] && io.Given["enterprise"]:
		return p, misuse{errors.New("--user and --enterprise: an application acts as one of them")}
	case l.User != "":
		p.Subject = &client.Subject{Type: "user", ID: l.User}
	case l.Enterprise != "":
		p.Subject = &client.Subject{Type: "enterprise", ID: l.Enterprise}
	}
	var err error
	switch {
	case l.Token:
		p = client.Profile{Server: p.Server, Auth: client.AuthToken, AsUser: l.AsUser}
		p.Token, err = askOnce(io, "Token", "token")
		return p, err
	case l.JWT != "":
		p.Auth, p.ClientID = client.AuthJWT, ""
		p.ConfigFile, err = filepath.Abs(l.JWT)
		if l.User == "" { // the enterprise is in the file
			p.Subject = nil
		}
		return p, err
	case l.ClientID == "":
		return p, misuse{errors.New("a login needs the --client-id of an application, or --token, or --jwt")}
	case l.ClientCredentials:
		p.Auth = client.AuthClientCredentials
		if p.Subject == nil {
			return p, misuse{errors.New("--client-credentials needs --user or --enterprise")}
		}
	default:
		p.Subject = nil
	}
	if p.ClientSecret = os.Getenv("BOXCAR_CLIENT_SECRET"); p.ClientSecret == "" {
		p.ClientSecret, err = askOnce(io, "Client secret", "client secret")
	}
	return p, err
}

// browse waits until the person has agreed in a browser.
func (l loginCmd) browse(ctx context.Context, io streams, p client.Profile) (client.Tokens, error) {
	login := client.Login{
		App:         client.App{URLs: p.URLs(), ClientID: p.ClientID, ClientSecret: p.ClientSecret},
		RedirectURI: l.RedirectURI,
		Open: func(page string) error {
			fmt.Fprintf(io.Err, "boxcar: log in at this page:\n\n  %s\n\n", page)
			if !l.NoBrowser {
				openBrowser(page)
			}
			return nil
		},
	}
	return login.Run(ctx)
}

// openBrowser shows a page, if this machine has a way to. The address has been
// printed anyway.
func openBrowser(page string) {
	name, args := "xdg-open", []string{page}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", page}
	}
	cmd := exec.Command(name, args...)
	if cmd.Start() == nil {
		go cmd.Wait()
	}
}

// try asks who the new login is for.
func (l loginCmd) try(ctx context.Context, io streams) error {
	io.Given = map[string]bool{"profile": true}
	f := serverFlags{configFlag: l.configFlag, Profile: l.Profile}
	ctx, c, err := f.connect(ctx, io, 0)
	if err != nil {
		return err
	}
	me, err := c.Me(ctx)
	if err != nil {
		return err
	}
	if l.JSON {
		return writeJSON(io.Out, struct {
			Profile string `json:"profile"`
			userRecord
		}{l.Profile, userRecordOf(c, me)})
	}
	_, err = fmt.Fprintf(io.Out, "%s: %s\n", l.Profile, printable(introduce(c, me)))
	return err
}
