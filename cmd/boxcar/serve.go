package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"

	"golang.org/x/term"

	"boxcar/internal/daemon"
)

type serveCmd struct {
	dataFlag `embed:""`
	Listen   string `placeholder:"ADDR" default:"127.0.0.1:8080" env:"BOXCAR_LISTEN" help:"Address to listen on (${default})."`

	PublicURL       string         `name:"public-url" placeholder:"URL" env:"BOXCAR_PUBLIC_URL" help:"Where clients reach the server, if not at the host of their requests."`
	TLSCert         string         `name:"tls-cert" placeholder:"FILE" env:"BOXCAR_TLS_CERT" help:"Certificate chain, PEM."`
	TLSKey          string         `name:"tls-key" placeholder:"FILE" env:"BOXCAR_TLS_KEY" help:"Its key, PEM."`
	TrustedProxy    []netip.Prefix `placeholder:"CIDR" env:"BOXCAR_TRUSTED_PROXY" help:"Proxies whose X-Forwarded-Proto and X-Forwarded-Host count."`
	CORSAllowOrigin []string       `name:"cors-allow-origin" placeholder:"ORIGIN" env:"BOXCAR_CORS_ALLOW_ORIGIN" help:"Origins whose web pages may use the API; * is any."`

	DeveloperToken            string `placeholder:"TOKEN" env:"BOXCAR_DEVELOPER_TOKEN" help:"A token that acts as the administrator, besides those that were made."`
	AllowRemoteDeveloperToken bool   `env:"BOXCAR_ALLOW_REMOTE_DEVELOPER_TOKEN" help:"Allow that on an address that others can reach."`

	PartSize       int64  `placeholder:"BYTES" env:"BOXCAR_PART_SIZE" help:"Size of parts, instead of 8, 32 or 64 MiB by file size; a multiple of 64, up to 1 GiB."`
	MinChunkedSize *int64 `placeholder:"BYTES" env:"BOXCAR_MIN_CHUNKED_SIZE" help:"Smallest file for an upload session (20000000)."`
	MaxFileSize    int64  `placeholder:"BYTES" env:"BOXCAR_MAX_FILE_SIZE" help:"Largest file (500000000000)."`
	Quota          *int64 `placeholder:"BYTES" env:"BOXCAR_QUOTA" help:"How much the administrator may store, from now on; 0 is no limit."`
}

func (s serveCmd) Run(ctx context.Context, io streams) error {
	cfg := daemon.Config{
		Data: s.Data, Listen: s.Listen,
		PublicURL: s.PublicURL, TLSCert: s.TLSCert, TLSKey: s.TLSKey,
		TrustedProxies: s.TrustedProxy, AllowOrigins: s.CORSAllowOrigin,
		DeveloperToken: s.DeveloperToken, AllowRemoteDeveloperToken: s.AllowRemoteDeveloperToken,
		PartSize: s.PartSize, MinChunkedSize: s.MinChunkedSize, MaxFileSize: s.MaxFileSize, Quota: s.Quota,
		Log: logger(io),
	}
	var failed error
	err := daemon.Run(ctx, cfg, func(d *daemon.Daemon) { failed = greet(io, s.Data, d) })
	if errors.Is(err, daemon.ErrInUse) {
		return hinted{err, "stop the other one, or give this one a directory of its own with --data"}
	}
	return errors.Join(err, failed)
}

// logger writes for people on a terminal, and JSON for programs.
func logger(io streams) *slog.Logger {
	if io.Terminal {
		return slog.New(slog.NewTextHandler(io.Err, nil))
	}
	return slog.New(slog.NewJSONHandler(io.Err, nil))
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// greet says where the server is and how to use it. The first start says more.
func greet(io streams, data string, d *daemon.Daemon) error {
	credentials := filepath.Join(data, daemon.CredentialsFile)
	script := filepath.Join(data, "upload.sh")
	text := uploadScript(d.URL(), credentials)
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", script, err)
	}
	w := io.Out
	fmt.Fprintf(w, "boxcar %s listens at %s and keeps its data in %s\n\n", versionText(), d.URL(), data)
	if c := d.Credentials; c != nil {
		fmt.Fprintf(w, "This is the first start. What it made is shown once, and kept in %s for you only:\n\n", credentials)
		fmt.Fprintf(w, "  administrator    %s, user id %s, enterprise id %s\n", c.Admin.Login, c.Admin.ID, c.Enterprise.ID)
		fmt.Fprintf(w, "  developer token  %s\n", c.DeveloperToken)
		fmt.Fprintf(w, "  client id        %s\n", c.ClientID)
		fmt.Fprintf(w, "  client secret    %s\n\n", c.ClientSecret)
	} else {
		fmt.Fprintf(w, "The developer token is in %s; boxcar token makes a new one.\n\n", credentials)
	}
	fmt.Fprintf(w, "Try it in another terminal:\n\n")
	fmt.Fprintf(w, "  . %s\n", quoteShell(dotPath(credentials)))
	fmt.Fprintf(w, "  curl -H \"Authorization: Bearer $BOXCAR_TOKEN\" %s/2.0/users/me\n", d.URL())
	fmt.Fprintf(w, "  sh %s FILE\n\n", quoteShell(script))
	if d.Credentials == nil {
		return nil
	}
	fmt.Fprintf(w, "Point an SDK at it:\n\n%s\n", sdkLines(d.URL()))
	fmt.Fprintf(w, "Upload a file in parts with curl, openssl and split. This is %s:\n\n%s\n", script, text)
	return nil
}
