package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"boxcar/internal/daemon"
)

type appCmd struct {
	Add    appAddCmd    `cmd:"" help:"Add an application and print its client id and secret."`
	List   appListCmd   `cmd:"" help:"List all applications."`
	Set    appSetCmd    `cmd:"" help:"Change an application."`
	Delete appDeleteCmd `cmd:"" help:"Delete an application with its tokens and keys."`
	Config appConfigCmd `cmd:"" help:"Make a key pair and print the configuration for SDKs."`
}

type clientArg struct {
	ClientID string `arg:"" name:"client-id" help:"The application's client id."`
}

// appFlags are what add and set have both.
type appFlags struct {
	ClientSecret *string  `placeholder:"SECRET" help:"Its client secret; other programs on this machine may see it while this one runs."`
	RedirectURI  []string `name:"redirect-uri" sep:"none" placeholder:"URI" help:"Where people may be sent back to, again for each; http://localhost, http://127.0.0.1 and http://[::1] are good for every port, and without a path for every path."`
	Grant        []string `placeholder:"GRANT" help:"What it may ask for tokens with: authorization_code, client_credentials, jwt."`
}

func (f appFlags) change() daemon.AppChange {
	c := daemon.AppChange{Secret: f.ClientSecret}
	if len(f.RedirectURI) > 0 {
		c.RedirectURIs = &f.RedirectURI
	}
	if len(f.Grant) > 0 {
		c.Grants = &f.Grant
	}
	return c
}

type appAddCmd struct {
	dataFlag `embed:""`
	jsonFlag
	Name     string `arg:"" help:"What people are shown."`
	ClientID string `name:"client-id" placeholder:"ID" help:"Its client id, where it must be a certain one."`
	appFlags
}

// Help is what boxcar app add --help adds.
func (appAddCmd) Help() string {
	return `The client id and secret are made up, or those that a program has built in. The secret is told once. Without --grant the application may use all grants, and so act as any user.`
}

func (c appAddCmd) Run(ctx context.Context, io streams) error {
	change := c.change()
	change.Name = &c.Name
	return operate(ctx, c.Data, func(o *daemon.Operator) error {
		id, secret, err := o.AddApp(ctx, c.ClientID, change)
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(io.Out, struct {
				ClientID     string `json:"client_id"`
				ClientSecret string `json:"client_secret"`
			}{id, secret})
		}
		fmt.Fprintf(io.Out, "client id      %s\nclient secret  %s\n", id, secret)
		return nil
	})
}

type appListCmd struct {
	dataFlag `embed:""`
	jsonFlag
}

// appRecord is an application as --json tells it.
type appRecord struct {
	ClientID       string   `json:"client_id"`
	Name           string   `json:"name"`
	Grants         []string `json:"grants"`
	Keys           []string `json:"keys"` // ids
	ServiceAccount string   `json:"service_account,omitzero"`
	RedirectURIs   []string `json:"redirect_uris"`
}

func (c appListCmd) Run(ctx context.Context, io streams) error {
	return operate(ctx, c.Data, func(o *daemon.Operator) error {
		apps, err := o.Apps(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			for _, a := range apps {
				r := appRecord{ClientID: a.ID, Name: a.Name, Grants: some(a.Grants), Keys: some(a.Keys), RedirectURIs: some(a.RedirectURIs)}
				if a.Service != 0 {
					r.ServiceAccount = a.Service.String()
				}
				if err := writeJSON(io.Out, r); err != nil {
					return err
				}
			}
			return nil
		}
		w := tabwriter.NewWriter(io.Out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "CLIENT ID\tNAME\tGRANTS\tKEYS\tSERVICE ACCOUNT\tREDIRECT URIS")
		for _, a := range apps {
			service := "-"
			if a.Service != 0 {
				service = a.Service.String()
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", a.ID, a.Name, listed(a.Grants), listed(a.Keys), service, listed(a.RedirectURIs))
		}
		return w.Flush()
	})
}

// some is a list that is [] in JSON if there is nothing in it.
func some(all []string) []string {
	if all == nil {
		return []string{}
	}
	return all
}

func listed(all []string) string {
	if len(all) == 0 {
		return "-"
	}
	return strings.Join(all, ",")
}

type appSetCmd struct {
	dataFlag `embed:""`
	jsonFlag
	clientArg `embed:""`
	Name      *string `placeholder:"NAME" help:"What people are shown."`
	appFlags
	AddKey    []byte `type:"filecontent" placeholder:"FILE" help:"Register an RSA public key, PEM, and print its id."`
	RemoveKey string `placeholder:"ID" help:"Take a public key back."`
}

// Help is what boxcar app set --help adds.
func (appSetCmd) Help() string {
	return `--redirect-uri and --grant replace what there was. Tokens that the application has stay good.`
}

func (c appSetCmd) Run(ctx context.Context, io streams) error {
	change := c.change()
	change.Name = c.Name
	return operate(ctx, c.Data, func(o *daemon.Operator) error {
		if err := o.ChangeApp(ctx, c.ClientID, change); err != nil {
			return err
		}
		if c.RemoveKey != "" {
			if err := o.RemoveKey(ctx, c.ClientID, c.RemoveKey); err != nil {
				return err
			}
		}
		if c.AddKey != nil {
			id, err := o.AddKey(ctx, c.ClientID, c.AddKey)
			if err != nil {
				return err
			}
			if c.JSON {
				return writeJSON(io.Out, struct {
					Key string `json:"key"` // id
				}{id})
			}
			fmt.Fprintln(io.Out, id)
		}
		return nil
	})
}

type appDeleteCmd struct {
	dataFlag  `embed:""`
	clientArg `embed:""`
}

// Help is what boxcar app delete --help adds.
func (appDeleteCmd) Help() string {
	return `The application's service account is a user and stays; "boxcar user delete" deletes it.`
}

func (c appDeleteCmd) Run(ctx context.Context) error {
	return operate(ctx, c.Data, func(o *daemon.Operator) error { return o.DeleteApp(ctx, c.ClientID) })
}

type appConfigCmd struct {
	dataFlag     `embed:""`
	clientArg    `embed:""`
	ClientSecret string `placeholder:"SECRET" help:"The application's client secret, to keep it."`
	Out          string `short:"o" xor:"where" placeholder:"FILE" help:"Write it here, for you only, and not to the standard output."`
	Link         string `xor:"where" placeholder:"URL" help:"Where the server is: print an address there at which it can be downloaded once, within 15 minutes."`
}

// Help is what boxcar app config --help adds.
func (appConfigCmd) Help() string {
	return `Makes an RSA key pair, registers the public key with the application, and prints what SDKs log in with: client id and secret, and the private key, encrypted, with its passphrase. It is kept nowhere else. The configuration needs the client secret, of which the server has a hash only: without --client-secret the application gets a new one, and the old one is not good any more.`
}

func (c appConfigCmd) Run(ctx context.Context, io streams) (err error) {
	out := io.Out
	if c.Out != "" {
		// Before anything is made that would be lost.
		f, oerr := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if oerr != nil {
			return oerr
		}
		defer func() {
			if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
				os.Remove(c.Out)
			}
		}()
		out = f
	}
	return operate(ctx, c.Data, func(o *daemon.Operator) error {
		a, err := o.Configure(ctx, c.ClientID, c.ClientSecret)
		if err != nil {
			return err
		}
		text, err := configFile(a.ClientID, a.ClientSecret, a.KeyID, a.PrivateKey, a.Passphrase, a.Enterprise.String())
		if err != nil {
			return err
		}
		if a.NewSecret {
			fmt.Fprintf(io.Err, "boxcar: application %s has a new client secret, which is in the configuration; the old one is not good any more\n", a.ClientID)
		}
		if c.Link != "" {
			if text, err = c.link(ctx, o, text); err != nil {
				return err
			}
		}
		_, err = fmt.Fprintf(out, "%s\n", text)
		return err
	})
}

// link is an address of the server at which the text can be had.
func (c appConfigCmd) link(ctx context.Context, o *daemon.Operator, text []byte) ([]byte, error) {
	token, err := o.HandOut(ctx, text)
	if err != nil {
		return nil, err
	}
	return []byte(strings.TrimSuffix(c.Link, "/") + "/app_config/" + token), nil
}
