package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Box's own host names, as clients whose hosts are fixed know them.
const (
	hostAPI       = "api.box.com"
	hostUpload    = "upload.box.com"
	hostAccount   = "account.box.com"
	hostApp       = "app.box.com"
	hostUploadApp = "upload.app.box.com"
	hostContent   = "dl.boxcloud.com"
)

// BoxHosts are the names that a server has to itself with Config.BoxHosts.
var BoxHosts = []string{hostAPI, hostUpload, hostAccount, hostApp, hostUploadApp, hostContent}

// origins are where absolute URLs of one reply point to. Every path is served
// on every host, so all that matters is what the client can reach: what it
// reached just now, or, where it takes us for Box, Box's hosts.
type origins struct {
	base string // scheme, host and port that the client reaches, and a path if configured
	// Of Box's hosts, where the client came to one of them:
	host   string // "" if it did not
	scheme string
	port   string // ":8443", or "" for the scheme's own
}

// origins finds out where the client reaches the server.
func (s *Server) origins(r *http.Request) origins {
	if s.PublicURL != "" {
		return origins{base: s.PublicURL}
	}
	scheme, host := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if s.trusted(r) {
		// A chain of proxies adds to the right; the client's side is leftmost.
		if v := first(r.Header.Get("X-Forwarded-Proto")); v == "http" || v == "https" {
			scheme = v
		}
		if v := first(r.Header.Get("X-Forwarded-Host")); isHost(v) {
			host = v
		}
	}
	if !isHost(host) { // HTTP/1.0 may have none, and on HTTP/2 net/http lets any text pass
		if at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
			host = at.String()
		}
	}
	o := origins{base: scheme + "://" + host}
	if s.BoxHosts {
		if name, port, ok := boxHost(host); ok {
			o.host, o.scheme, o.port = name, scheme, port
		}
	}
	return o
}

// isHost says whether a text can stand between http:// and the path of a URL,
// and is what Host headers may be.
func isHost(v string) bool {
	u, err := url.Parse("http://" + v)
	return err == nil && v != "" && u.Host == v && !strings.ContainsAny(v, " \"<>\\")
}

// boxHost takes one of Box's names, with or without a port, apart.
func boxHost(host string) (name, port string, ok bool) {
	name = host
	if h, p, err := net.SplitHostPort(host); err == nil {
		if _, err := strconv.ParseUint(p, 10, 16); err != nil {
			return "", "", false
		}
		name, port = h, ":"+p
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	return name, port, slices.Contains(BoxHosts, name)
}

// at is one of Box's hosts for a client that came to one, otherwise where it came to.
func (o origins) at(host string) string {
	if o.host == "" {
		return o.base
	}
	return o.scheme + "://" + host + o.port
}

// api is the base of API URLs.
func (o origins) api() string {
	if o.host == "" {
		return o.base + "/api/2.0" // the form that Box's upload hosts have
	}
	return o.at(hostAPI) + "/2.0"
}

// upload is the base of the URLs that uploads go to. Pages of Box's web
// application have an upload host of their own, and stay there.
func (o origins) upload() string {
	if o.host == hostUploadApp {
		return o.at(hostUploadApp) + "/api/2.0"
	}
	return o.at(hostUpload) + "/api/2.0"
}

// content is the origin of URLs that need no token.
func (o origins) content() string { return o.at(hostContent) }

// app is the origin of pages for people.
func (o origins) app() string { return o.at(hostApp) }

// ownsHost says whether a request came to the usual port of a host that has a
// name: then the server speaks for that host. A rule about it would count for all
// of its ports, so who listens on another one makes none.
func ownsHost(host string) bool {
	if strings.EqualFold(host, "localhost") || strings.HasPrefix(host, "[") || host == "" {
		return false
	}
	_, err := netip.ParseAddr(host)
	return err != nil && !strings.Contains(host, ":")
}

func first(list string) string {
	v, _, _ := strings.Cut(list, ",")
	return strings.TrimSpace(v)
}

// trusted says whether the peer is one of the proxies.
func (s *Server) trusted(r *http.Request) bool {
	if len(s.TrustedProxies) == 0 {
		return false
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, p := range s.TrustedProxies {
		if p.Contains(ip.Unmap()) {
			return true
		}
	}
	return false
}
