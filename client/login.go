package client

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Login is a login of a person in a browser on this machine, by an authorization
// code with PKCE that comes back to a listener on the loopback.
type Login struct {
	App App

	// RedirectURI must be one that the application has registered, on this
	// machine: "http://localhost:4321/callback". Without a port, or with port
	// 0, a free one is taken, which boxcar allows and Box does not. Default
	// "http://127.0.0.1:0/".
	RedirectURI string

	Scope string // default: all that the application has

	// Open is told which page the person has to see. It must not wait for the
	// person.
	Open func(page string) error
}

// Run waits until the person has agreed, and returns the tokens. It ends with ctx.
// Store them with a TokenStore.
func (l Login) Run(ctx context.Context) (Tokens, error) {
	app, err := l.App.withDefaults()
	if err != nil {
		return Tokens{}, err
	}
	if l.Open == nil {
		return Tokens{}, errors.New("a login needs a way to show a page")
	}
	redirect, listener, err := l.listen(ctx)
	if err != nil {
		return Tokens{}, err
	}
	state, verifier := rand.Text(), rand.Text()+rand.Text()
	came := make(chan callback, 1)
	server := &http.Server{
		Handler:           callbackHandler(redirect.Path, state, came),
		ReadHeaderTimeout: 10 * time.Second,
	}
	go server.Serve(listener)
	defer func() {
		// The page that says how it went is on its way.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		server.Shutdown(ctx)
	}()

	challenge := sha256.Sum256([]byte(verifier))
	query := url.Values{
		"response_type": {"code"}, "client_id": {app.ClientID}, "redirect_uri": {redirect.String()}, "state": {state},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	if l.Scope != "" {
		query.Set("scope", l.Scope)
	}
	if err := l.Open(app.URLs.AuthorizeURL() + "?" + query.Encode()); err != nil {
		return Tokens{}, err
	}
	select {
	case back := <-came:
		if back.err != nil {
			return Tokens{}, back.err
		}
		return app.login(ctx, url.Values{
			"grant_type": {"authorization_code"}, "code": {back.code},
			"redirect_uri": {redirect.String()}, "code_verifier": {verifier},
		})
	case <-ctx.Done():
		return Tokens{}, context.Cause(ctx)
	}
}

// listen opens the loopback port of the redirect URI.
func (l Login) listen(ctx context.Context) (*url.URL, net.Listener, error) {
	text := l.RedirectURI
	if text == "" {
		text = "http://127.0.0.1:0/"
	}
	redirect, err := url.Parse(text)
	if err != nil {
		return nil, nil, fmt.Errorf("redirect URI: %w", err)
	}
	host, port := redirect.Hostname(), redirect.Port()
	ip := net.ParseIP(host)
	if redirect.Scheme != "http" || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, nil, fmt.Errorf("redirect URI %q: it must be http:// on this machine's own localhost, 127.0.0.1 or [::1]", text)
	}
	if port == "" {
		port = "0"
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, nil, err
	}
	if port == "0" {
		_, free, _ := net.SplitHostPort(listener.Addr().String())
		redirect.Host = net.JoinHostPort(host, free)
	}
	return redirect, listener, nil
}

// callback is what a browser brought back.
type callback struct {
	code string
	err  error
}

// callbackHandler takes the first callback with the right state. Anything else on
// this machine may ask too, and changes nothing.
func callbackHandler(path, state string, came chan<- callback) http.Handler {
	if path == "" {
		path = "/"
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if r.Method != http.MethodGet || r.URL.Path != path || subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(state)) != 1 {
			http.Error(w, "This is not the end of the login that is waited for.", http.StatusNotFound)
			return
		}
		back := callback{code: query.Get("code")}
		switch {
		case query.Get("error") != "":
			back.err = &AuthError{Status: http.StatusForbidden, Code: clip(query.Get("error")), Description: clip(query.Get("error_description"))}
		case back.code == "":
			back.err = errors.New("the login came back without a code")
		}
		select {
		case came <- back:
		default: // the browser was here before
		}
		if back.err != nil {
			io.WriteString(w, "The login was refused. This window can be closed.\n")
			return
		}
		io.WriteString(w, "Logged in. This window can be closed.\n")
	})
}
