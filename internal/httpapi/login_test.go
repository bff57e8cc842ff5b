package httpapi

import (
	"net/http"
	"net/netip"
	"testing"
)

func TestGuessersAreToldApartByNetwork(t *testing.T) {
	s := &Server{Config: Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
	for _, c := range []struct{ remote, forwarded, want string }{
		{"192.0.2.1:5", "", "192.0.2.1"},
		{"192.0.2.1:5", "198.51.100.1", "192.0.2.1"}, // nobody's proxy
		{"10.0.0.1:5", "203.0.113.9, 198.51.100.1", "198.51.100.1"},
		{"10.0.0.1:5", "", "10.0.0.1"},
		{"[2001:db8:1:2:3:4:5:6]:5", "", "2001:db8:1:2::/64"},
		{"10.0.0.1:5", "2001:db8:1:2::9", "2001:db8:1:2::/64"},
		{"[::ffff:192.0.2.1]:5", "", "::ffff:192.0.2.1"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{}}
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := s.peer(r); got != c.want {
			t.Errorf("%s for %q is %q, want %q", c.remote, c.forwarded, got, c.want)
		}
	}
}
