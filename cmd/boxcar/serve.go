package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/term"

	"boxcar/internal/daemon"
)

type serveCmd struct {
	dataFlag `embed:""`
	Listen   string `placeholder:"ADDR" default:"127.0.0.1:8080" env:"BOXCAR_LISTEN" help:"Address to listen on (${default})."`

	BoxHosts    bool   `env:"BOXCAR_BOX_HOSTS" help:"Answer over TLS as Box's own hosts, api.box.com and the others, too; boxcar ca says what clients need for that."`
	PlainListen string `placeholder:"ADDR" env:"BOXCAR_PLAIN_LISTEN" help:"Another address to listen on, without TLS, where --listen is with TLS."`

	PublicURL       string         `name:"public-url" placeholder:"URL" env:"BOXCAR_PUBLIC_URL" help:"Where clients reach the server, if not at the host of their requests."`
	TLSCert         string         `name:"tls-cert" placeholder:"FILE" env:"BOXCAR_TLS_CERT" help:"Certificate chain, PEM; read again when it changes."`
	TLSKey          string         `name:"tls-key" placeholder:"FILE" env:"BOXCAR_TLS_KEY" help:"Its key, PEM."`
	TrustedProxy    []netip.Prefix `placeholder:"CIDR" env:"BOXCAR_TRUSTED_PROXY" help:"Proxies whose X-Forwarded-Proto and X-Forwarded-Host count."`
	CORSAllowOrigin []string       `name:"cors-allow-origin" placeholder:"ORIGIN" env:"BOXCAR_CORS_ALLOW_ORIGIN" help:"Origins whose web pages may use the API; * is any."`

	MetricsListen string `placeholder:"ADDR" env:"BOXCAR_METRICS_LISTEN" help:"Another address to listen on, for metrics and profiles, which ask for no token."`
	OTLPEndpoint  string `name:"otlp-endpoint" placeholder:"URL" env:"BOXCAR_OTLP_ENDPOINT" help:"Collector of OpenTelemetry traces (OTLP over HTTP); without it, as the OTEL_EXPORTER_OTLP_ variables say."`

	MaxConnections int     `placeholder:"N" env:"BOXCAR_MAX_CONNECTIONS" help:"Connections open at once (8192, or what the limit of open files allows)."`
	RateLimit      float64 `placeholder:"N" env:"BOXCAR_RATE_LIMIT" help:"Requests of one user a second, on average over some seconds; more get 429. 0, the default, is no limit."`

	// 10 MB/s is a hundredth of what one processor hashes, and 10 TB in 12 days.
	ScrubRate int64 `placeholder:"BYTES" default:"10000000" env:"BOXCAR_SCRUB_RATE" help:"How many bytes a second are read to look for damage (${default}); 0 is none."`

	DeveloperToken            string `placeholder:"TOKEN" env:"BOXCAR_DEVELOPER_TOKEN" help:"A token that acts as the administrator, besides those that were made."`
	AllowRemoteDeveloperToken bool   `env:"BOXCAR_ALLOW_REMOTE_DEVELOPER_TOKEN" help:"Allow that on an address that others can reach."`

	PartSize       int64  `placeholder:"BYTES" env:"BOXCAR_PART_SIZE" help:"Size of parts, instead of 8, 32 or 64 MiB by file size; a multiple of 64, up to 1 GiB."`
	MinChunkedSize *int64 `placeholder:"BYTES" env:"BOXCAR_MIN_CHUNKED_SIZE" help:"Smallest file for an upload session (20000000)."`
	MaxFileSize    int64  `placeholder:"BYTES" env:"BOXCAR_MAX_FILE_SIZE" help:"Largest file (500000000000)."`
	Quota          *int64 `placeholder:"BYTES" env:"BOXCAR_QUOTA" help:"How much the administrator may store, from now on; 0 is no limit."`
}

// Validate makes what the server would refuse a wrong use of the flags.
func (s serveCmd) Validate() error { return s.config().Check() }

func (s serveCmd) config() daemon.Config {
	c := daemon.Config{
		Data: s.Data, Listen: s.Listen, PlainListen: s.PlainListen, BoxHosts: s.BoxHosts,
		PublicURL: s.PublicURL, TLSCert: s.TLSCert, TLSKey: s.TLSKey,
		MetricsListen: s.MetricsListen, OTLPEndpoint: s.OTLPEndpoint, OTLPFromEnvironment: tracesConfigured(), Version: versionText(), ScrubRate: s.ScrubRate, MaxConnections: s.MaxConnections,
		TrustedProxies: s.TrustedProxy, AllowOrigins: s.CORSAllowOrigin,
		DeveloperToken: s.DeveloperToken, AllowRemoteDeveloperToken: s.AllowRemoteDeveloperToken,
		PartSize: s.PartSize, MinChunkedSize: s.MinChunkedSize, MaxFileSize: s.MaxFileSize, Quota: s.Quota,
	}
	c.HTTP.UserRate = s.RateLimit
	return c
}

// tracesConfigured says whether the standard variables ask for traces.
func tracesConfigured() bool {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

func (s serveCmd) Run(ctx context.Context, io streams) error {
	paceHeap()
	addThreads()
	cfg := s.config()
	cfg.Log = logger(io)
	err := daemon.Run(ctx, cfg, func(d *daemon.Daemon) {
		if err := s.greet(io, d); err != nil {
			cfg.Log.Error("the first steps are not all there", "error", err)
		}
	})
	switch {
	case errors.Is(err, daemon.ErrInUse):
		return hinted{err, "stop the other one, or give this one a directory of its own with --data"}
	case errors.Is(err, syscall.EADDRINUSE):
		return hinted{err, "stop what listens there, or give another address with --listen; port 0 is any that is free"}
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return hinted{err, "the disk is full: nothing is lost; make room, and start it again"}
	}
	return err
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
func (s serveCmd) greet(io streams, d *daemon.Daemon) error {
	// "Another terminal" may be in another directory.
	data, err := filepath.Abs(s.Data)
	if err != nil {
		return err
	}
	credentials := filepath.Join(data, daemon.CredentialsFile)
	script := filepath.Join(data, "upload.sh")
	url := d.URL()
	if plain := d.PlainURL(); plain != "" {
		url = plain // there is nothing to trust for it
	}
	text := uploadScript(url, credentials)
	failed := putScript(script, text) // it is a help only
	w := new(strings.Builder)
	fmt.Fprintf(w, "boxcar %s listens at %s and keeps its data in %s\n\n", versionText(), d.URL(), s.Data)
	if plain := d.PlainURL(); plain != "" {
		fmt.Fprintf(w, "Without TLS it listens at %s\n\n", plain)
	}
	for _, addr := range d.InClear() {
		fmt.Fprintf(w, "WARNING: other machines reach %s without TLS. Tokens, passwords and files go over the network\nin clear: whoever can listen there has them. Use --tls-cert and --tls-key, or a proxy with TLS that\nis named with --trusted-proxy.\n\n", addr)
	}
	if metrics := d.MetricsURL(); metrics != "" {
		fmt.Fprintf(w, "Metrics are at %s\n\n", metrics)
	}
	if s.BoxHosts {
		fmt.Fprintf(w, "To clients that know Box's own hosts only it is Box:\nboxcar ca --data %s says what they need for that.\n\n", quoteShell(s.Data))
	}
	if c := d.Credentials; c != nil {
		fmt.Fprintf(w, "This is the first start. What it made is shown once, and kept in %s for you only:\n\n", credentials)
		fmt.Fprintf(w, "  administrator    %s, user id %s, enterprise id %s\n", c.Admin.Login, c.Admin.ID, c.Enterprise.ID)
		fmt.Fprintf(w, "  password         %s\n", c.Password)
		fmt.Fprintf(w, "  developer token  %s\n", c.DeveloperToken)
		fmt.Fprintf(w, "  client id        %s\n", c.ClientID)
		fmt.Fprintf(w, "  client secret    %s\n\n", c.ClientSecret)
		fmt.Fprintf(w, "People log in with the password at %s/oauth2/authorize, where applications send them;\nboxcar user, boxcar app and boxcar token make more users, applications and tokens.\n\n", d.URL())
	} else {
		fmt.Fprintf(w, "The developer token is in %s;\nboxcar token --data %s makes a new one.\n\n", credentials, quoteShell(s.Data))
	}
	fmt.Fprintf(w, "Try it in another terminal%s:\n\n", s.smallest())
	fmt.Fprintf(w, "  . %s\n", quoteShell(credentials))
	if s.BoxHosts && url == d.URL() {
		fmt.Fprintf(w, "  export CURL_CA_BUNDLE=%s\n", quoteShell(daemon.CAFile(data)))
	}
	fmt.Fprintf(w, "  curl -H \"Authorization: Bearer $BOXCAR_TOKEN\" %s/2.0/users/me\n", quoteShell(url))
	fmt.Fprintf(w, "  sh %s FILE\n", quoteShell(script))
	if s.BoxHosts && url == d.URL() {
		fmt.Fprintf(w, "  SSL_CERT_FILE=%s ", quoteShell(daemon.CAFile(data)))
	} else {
		fmt.Fprint(w, "  ")
	}
	fmt.Fprintf(w, "BOXCAR_URL=%s boxcar up FILE\n\n", quoteShell(url))
	if d.Credentials != nil {
		fmt.Fprintf(w, "Point an SDK at it:\n\n%s\n", sdkLines(url))
		fmt.Fprintf(w, "Upload a file in parts with curl and openssl. This is %s:\n\n%s\n", script, text)
	}
	// In one piece: programs wait for the first line and then read the rest.
	_, err = fmt.Fprint(io.Out, w)
	return errors.Join(failed, err)
}

// smallest says what FILE has to be like: the limit is the first thing that
// people meet.
func (s serveCmd) smallest() string {
	least := int64(daemon.MinChunkedSize)
	if s.MinChunkedSize != nil {
		least = *s.MinChunkedSize
	}
	if least == 0 {
		return ""
	}
	return fmt.Sprintf(", with a FILE of at least %d bytes (see --min-chunked-size)", least)
}

// putScript replaces the script in one move: a shell may be at work on the old
// one, and reads it bit by bit.
func putScript(name, text string) error {
	if old, err := os.ReadFile(name); err == nil && string(old) == text {
		return nil
	}
	temp := name + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // nothing that somebody else has put there
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(temp, name)
	}
	if err != nil {
		os.Remove(temp)
	}
	return err
}
