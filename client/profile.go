package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// How a Profile gets its tokens.
const (
	AuthToken             = "token"              // Token, for as long as it is good
	AuthLogin             = "login"              // somebody logged in; tokens are refreshed and kept
	AuthClientCredentials = "client_credentials" // ClientID, ClientSecret and Subject
	AuthJWT               = "jwt"                // ConfigFile, and Subject if it is not the enterprise
)

// Profile is a server and a way to get tokens for it, under a name.
type Profile struct {
	Server string `json:"server,omitzero"` // of a boxcar; "" is Box
	Auth   string `json:"auth"`            // one of the constants

	Token        string   `json:"token,omitzero"`
	ClientID     string   `json:"client_id,omitzero"`
	ClientSecret string   `json:"client_secret,omitzero"`
	ConfigFile   string   `json:"config_file,omitzero"` // an AppConfig
	Subject      *Subject `json:"subject,omitzero"`
	AsUser       string   `json:"as_user,omitzero"`
}

// URLs are where the profile's server is.
func (p Profile) URLs() BaseURLs {
	if p.Server == "" {
		return Box()
	}
	return At(p.Server)
}

func (p Profile) check() error {
	if _, err := p.URLs().check(); err != nil {
		return err
	}
	switch {
	case p.Auth == AuthToken && p.Token == "":
		return errors.New("it has no token")
	case p.Auth == AuthLogin && p.ClientID == "",
		p.Auth == AuthClientCredentials && (p.ClientID == "" || p.ClientSecret == "" || p.Subject == nil):
		return fmt.Errorf("%s needs a client id, and client_credentials a secret and a subject too", p.Auth)
	case p.Auth == AuthJWT && p.ConfigFile == "":
		return errors.New("it has no configuration file")
	case !slices.Contains([]string{AuthToken, AuthLogin, AuthClientCredentials, AuthJWT}, p.Auth):
		return fmt.Errorf("%q is no way to get tokens", p.Auth)
	}
	return nil
}

// Profiles are kept in one file, profiles.json, of a folder that only the user
// may read; the tokens of each login are in a file of their own beside it. The
// folder is made when something is stored.
type Profiles struct {
	Dir string
}

type profileFile struct {
	Default  string             `json:"default,omitzero"`
	Profiles map[string]Profile `json:"profiles"`
}

func (s Profiles) path() string { return filepath.Join(s.Dir, "profiles.json") }

func (s Profiles) read() (profileFile, error) {
	text, err := os.ReadFile(s.path())
	if errors.Is(err, fs.ErrNotExist) {
		text, err = []byte("{}"), nil
	}
	if err != nil {
		return profileFile{}, err
	}
	f, err := decodeProfiles(text)
	if err != nil {
		err = fmt.Errorf("%s: %w", s.path(), err)
	}
	return f, err
}

func decodeProfiles(text []byte) (f profileFile, err error) {
	err = json.Unmarshal(text, &f)
	if f.Profiles == nil {
		f.Profiles = map[string]Profile{}
	}
	return f, err
}

// All are the profiles by name, and the name of the default one, which may be "".
func (s Profiles) All() (all map[string]Profile, def string, err error) {
	f, err := s.read()
	return f.Profiles, f.Default, err
}

// Get is a profile by name; "" is the default one. The error is fs.ErrNotExist if
// there is none.
func (s Profiles) Get(name string) (Profile, error) {
	_, p, err := s.find(name)
	return p, err
}

func (s Profiles) find(name string) (string, Profile, error) {
	f, err := s.read()
	if err != nil {
		return name, Profile{}, err
	}
	if name == "" {
		name = f.Default
	}
	p, ok := f.Profiles[name]
	if !ok {
		return name, p, fmt.Errorf("profile %q: %w", name, fs.ErrNotExist)
	}
	return name, p, nil
}

// Put stores a profile. The first one becomes the default, as does any for which
// makeDefault is set.
func (s Profiles) Put(name string, p Profile, makeDefault bool) error {
	if name == "" || len(name) > 64 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		return fmt.Errorf("profile name %q: it must be 1 to 64 letters, digits, - and _", name)
	}
	if err := p.check(); err != nil {
		return fmt.Errorf("profile %q: %w", name, err)
	}
	return s.change(func(f *profileFile) {
		f.Profiles[name] = p
		if makeDefault || f.Default == "" {
			f.Default = name
		}
	})
}

// Delete removes a profile and the tokens of its login. One that is not there is
// not an error.
func (s Profiles) Delete(name string) error {
	err := s.change(func(f *profileFile) {
		delete(f.Profiles, name)
		if f.Default == name {
			f.Default = ""
		}
	})
	if err == nil {
		if err = os.Remove(s.tokenPath(name)); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	return err
}

func (s Profiles) change(edit func(*profileFile)) error {
	unlock, err := lockFile(context.Background(), s.path()+".lock") // held for moments
	if err != nil {
		return err
	}
	defer unlock()
	f, err := s.read()
	if err != nil {
		return err
	}
	edit(&f)
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(s.path(), append(text, '\n'))
}

func (s Profiles) tokenPath(name string) string {
	return filepath.Join(s.Dir, "tokens-"+filepath.Base(name)+".json")
}

// Tokens is the store for the tokens of a profile's login.
func (s Profiles) Tokens(name string) TokenStore { return TokenFile(s.tokenPath(name)) }

// Config is the configuration of a client for a profile; "" is the default one. hc
// may be nil, as in Config.
func (s Profiles) Config(name string, hc *http.Client) (Config, error) {
	name, p, err := s.find(name)
	if err != nil {
		return Config{}, err
	}
	cfg := Config{URLs: p.URLs(), HTTP: hc, AsUser: p.AsUser}
	cfg.Tokens, err = p.source(s.Tokens(name), hc)
	if err != nil {
		err = fmt.Errorf("profile %q: %w", name, err)
	}
	return cfg, err
}

func (p Profile) source(logins TokenStore, hc *http.Client) (TokenSource, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	app := App{URLs: p.URLs(), ClientID: p.ClientID, ClientSecret: p.ClientSecret, HTTP: hc}
	switch p.Auth {
	case AuthToken:
		return StaticToken(p.Token), nil
	case AuthLogin:
		return Refreshed(app, logins)
	case AuthClientCredentials:
		return ClientCredentials(app, *p.Subject)
	default: // check knows no other
		text, err := os.ReadFile(p.ConfigFile)
		if err != nil {
			return nil, err
		}
		config, err := ParseAppConfig(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.ConfigFile, err)
		}
		as := Subject{}
		if p.Subject != nil {
			as = *p.Subject
		}
		return config.Tokens(p.URLs(), as, hc)
	}
}
