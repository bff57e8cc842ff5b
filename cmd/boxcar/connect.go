package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"boxcar/client"
)

// serverFlags say which server a command works on, and as whom. The token itself
// is in no flag, where others on the machine could see it.
type serverFlags struct {
	configFlag
	Profile string        `placeholder:"NAME" env:"BOXCAR_PROFILE" help:"As boxcar login has kept it."`
	URL     string        `name:"url" placeholder:"URL" env:"BOXCAR_URL" help:"Of a boxcar, or box for Box itself, with the token in $BOXCAR_TOKEN (${home})."`
	Retry   time.Duration `placeholder:"DURATION" default:"5m" env:"BOXCAR_RETRY" help:"How long a request may go on failing; 0 is not at all (${default})."`
	jsonFlag
}

type jsonFlag struct {
	JSON bool `name:"json" env:"BOXCAR_JSON" help:"Results for programs: one JSON object a line."`
}

type configFlag struct {
	Config string `type:"path" placeholder:"DIR" env:"BOXCAR_CONFIG" help:"Where profiles and logins are kept."`
}

// homeURL is where a boxcar is that was started without flags.
const homeURL = "http://127.0.0.1:8080"

// dir is the folder of the profiles.
func (f configFlag) dir() (string, error) {
	if f.Config != "" {
		return f.Config, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", hinted{err, "--config says where to keep logins"}
	}
	return filepath.Join(dir, "boxcar"), nil
}

func (f configFlag) profiles() (client.Profiles, error) {
	dir, err := f.dir()
	return client.Profiles{Dir: dir}, err
}

// server is a server that a command talks to.
type server struct {
	*client.Client
	name string // the profile, or the address
}

// urlsOf are those of a --url.
func urlsOf(text string) client.BaseURLs {
	switch {
	case text == "":
		return client.At(homeURL)
	case strings.EqualFold(text, "box"):
		return client.Box()
	default:
		return client.At(text)
	}
}

// connect makes the client. The context it returns ends when the server turns out
// not to be there at all. limit is in bytes a second; 0 is none.
func (f serverFlags) connect(ctx context.Context, io streams, limit float64) (context.Context, server, error) {
	ctx, transport := firstContact(ctx, limited(client.Transport(), limit), f.Retry)
	hc := &http.Client{Transport: transport}
	cfg, name, err := f.clientConfig(io, hc)
	if err != nil {
		return ctx, server{}, err
	}
	cfg.UserAgent = "boxcar/" + versionText()
	cfg.Retry.Budget = max(f.Retry, time.Nanosecond) // 0 would be the client's own
	c, err := client.New(cfg)
	if err != nil {
		return ctx, server{}, misuse{err}
	}
	return ctx, server{c, name}, nil
}

// clientConfig decides between profiles and addresses: what is written on the
// command line counts more than what is in the environment.
func (f serverFlags) clientConfig(io streams, hc *http.Client) (cfg client.Config, name string, err error) {
	token := os.Getenv("BOXCAR_TOKEN")
	byURL := f.Profile == "" && (f.URL != "" || token != "")
	switch {
	case io.Given["profile"] && io.Given["url"]:
		return cfg, "", misuse{errors.New("--profile has a URL of its own, so --url can't be given too")}
	case io.Given["url"]:
		byURL = true
	}
	if byURL {
		urls := urlsOf(f.URL)
		if token == "" {
			return cfg, "", hinted{fmt.Errorf("there is no token for %s", urls.API), "set BOXCAR_TOKEN, or log in with boxcar login and use --profile"}
		}
		return client.Config{URLs: urls, Tokens: client.StaticToken(token), HTTP: hc}, urls.API, nil
	}
	profiles, err := f.profiles()
	if err != nil {
		return cfg, "", err
	}
	if _, err := profiles.Get(f.Profile); errors.Is(err, fs.ErrNotExist) {
		if f.Profile == "" {
			return cfg, "", hinted{errors.New("there is no server to talk to"), "log in with boxcar login, or set BOXCAR_URL and BOXCAR_TOKEN"}
		}
		return cfg, "", hinted{fmt.Errorf("there is no profile %q", f.Profile), "boxcar profiles lists them, boxcar login --profile " + f.Profile + " makes it"}
	}
	cfg, err = profiles.Config(f.Profile, hc)
	if err != nil {
		return cfg, "", err
	}
	name = f.Profile
	if name == "" {
		_, name, err = profiles.All()
	}
	return cfg, name, err
}
