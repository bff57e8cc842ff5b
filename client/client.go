package client

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// BaseURLs say where a server is. They have no slash at their end.
type BaseURLs struct {
	API     string // has /2.0 and /oauth2/token below it
	Upload  string // has /2.0 below it
	Account string // has /oauth2/authorize below it, for browsers
}

// Box is where Box is.
func Box() BaseURLs {
	return BaseURLs{API: "https://api.box.com", Upload: "https://upload.box.com/api", Account: "https://account.box.com/api"}
}

// At is a boxcar server at a URL such as "http://127.0.0.1:8080".
func At(server string) BaseURLs {
	server = strings.TrimRight(server, "/")
	return BaseURLs{API: server, Upload: server + "/api", Account: server + "/api"}
}

// TokenURL is where tokens are granted.
func (u BaseURLs) TokenURL() string { return u.API + "/oauth2/token" }

// AuthorizeURL is where a person is sent to grant them.
func (u BaseURLs) AuthorizeURL() string { return u.Account + "/oauth2/authorize" }

func (u BaseURLs) check() (BaseURLs, error) {
	for _, base := range []*string{&u.API, &u.Upload, &u.Account} {
		*base = strings.TrimRight(*base, "/")
		parsed, err := url.Parse(*base)
		if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" || parsed.RawQuery != "" || parsed.Fragment != "" {
			return u, fmt.Errorf("base URL %q: it must be http:// or https:// with a host, and no query", *base)
		}
	}
	return u, nil
}

// Config says how to reach a server. Tokens must be set; the zero value of
// everything else is a sensible default.
type Config struct {
	URLs   BaseURLs // default: Box
	Tokens TokenSource

	// HTTP sends the requests. Redirects are not left to it, and its Timeout,
	// if it has one, must be long enough for a part of an upload. The default
	// speaks HTTP/1.1, with a connection for each part under way: over a
	// distance that is faster than one HTTP/2 connection for all of them.
	HTTP *http.Client

	Retry Retry

	// Idle is how long a request may go without a byte moving in either
	// direction before it counts as lost. Default 2 minutes: a commit that is
	// slow answers within one.
	Idle time.Duration

	AsUser    string // id of the user to act as, with a token that may
	UserAgent string // default "boxcar-client"
}

// Client talks to one server.
type Client struct {
	urls      BaseURLs
	tokens    TokenSource
	http      *http.Client
	retry     Retry
	idle      time.Duration
	asUser    string
	userAgent string

	// tooSmall is the largest size, in bytes, that the server has found too
	// small for a session, so that it is asked once.
	tooSmall atomic.Int64
}

// New makes a Client. It makes no request.
func New(cfg Config) (*Client, error) {
	if cfg.Tokens == nil {
		return nil, errors.New("a client needs a source of tokens")
	}
	if cfg.URLs == (BaseURLs{}) {
		cfg.URLs = Box()
	}
	urls, err := cfg.URLs.check()
	if err != nil {
		return nil, err
	}
	if cfg.Idle == 0 {
		cfg.Idle = 2 * time.Minute
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = "boxcar-client"
	}
	c := &Client{
		urls: urls, tokens: cfg.Tokens, http: unredirected(cfg.HTTP), retry: cfg.Retry.withDefaults(),
		idle: cfg.Idle, asUser: cfg.AsUser, userAgent: cfg.UserAgent,
	}
	c.tooSmall.Store(-1)
	return c, nil
}

// URLs say where the client's server is.
func (c *Client) URLs() BaseURLs { return c.urls }

// unredirected is a copy of an HTTP client that hands redirects to its caller:
// a token goes to no host that it was not meant for.
func unredirected(given *http.Client) *http.Client {
	hc := http.Client{}
	if given != nil {
		hc = *given
	} else {
		hc.Transport = defaultTransport()
	}
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &hc
}

func defaultTransport() *http.Transport {
	var http1 http.Protocols
	http1.SetHTTP1(true)
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   20 * time.Second,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       90 * time.Second,
		WriteBufferSize:       64 << 10,
		ExpectContinueTimeout: time.Second,
		Protocols:             &http1,
	}
}
