package daemon

import (
	"net/netip"
	"slices"
	"testing"
)

// TestAddressesInClearAreKnown: whoever can listen there has all tokens.
func TestAddressesInClearAreKnown(t *testing.T) {
	proxy := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for name, tc := range map[string]struct {
		c    Config
		want []string
	}{
		"this machine":              {Config{Listen: "127.0.0.1:80"}, nil},
		"this machine by name":      {Config{Listen: "localhost:80"}, nil},
		"every address":             {Config{Listen: ":8080"}, []string{":8080"}},
		"one address":               {Config{Listen: "192.0.2.7:8080"}, []string{"192.0.2.7:8080"}},
		"behind a proxy":            {Config{Listen: ":8080", TrustedProxies: proxy}, nil},
		"known by an https URL":     {Config{Listen: ":8080", PublicURL: "https://files.example.org"}, nil},
		"known by an http URL":      {Config{Listen: ":8080", PublicURL: "http://files.example.org"}, []string{":8080"}},
		"with TLS":                  {Config{Listen: ":443", TLSCert: "a", TLSKey: "b"}, nil},
		"as Box":                    {Config{Listen: ":443", BoxHosts: true}, nil},
		"with TLS, another without": {Config{Listen: ":443", PlainListen: ":80", TLSCert: "a", TLSKey: "b"}, []string{":80"}},
		"the other on this machine": {Config{Listen: ":443", PlainListen: "[::1]:80", TLSCert: "a", TLSKey: "b"}, nil},
	} {
		if got := tc.c.inClear(); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
