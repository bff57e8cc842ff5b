package httpapi_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"testing"

	"boxcar/internal/daemon"
)

// TestBrowsersAreToldToStayWithTLS where the server has a host to itself, and
// nothing is meant to be reached without TLS. Cookies are for TLS only, then.
func TestBrowsersAreToldToStayWithTLS(t *testing.T) {
	t.Parallel()
	cert, key, _ := certificate(t)
	own := func(c *daemon.Config) { c.TLSCert, c.TLSKey = cert, key }
	for name, tc := range map[string]struct {
		edit func(*daemon.Config)
		host string
		want bool
	}{
		"a name on the usual port":   {own, "files.example.org", true},
		"another port":               {own, "files.example.org:8443", false}, // the rule would be for all ports
		"this machine":               {own, "localhost", false},
		"an address":                 {own, "192.0.2.7", false},
		"an address of six":          {own, "[2001:db8::1]", false},
		"another listener beside it": {func(c *daemon.Config) { own(c); c.PlainListen = "127.0.0.1:0" }, "files.example.org", false},
		"Box's own hosts":            {func(c *daemon.Config) { own(c); c.BoxHosts = true }, "api.box.com", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, tc.edit)
			client := &http.Client{Transport: &http.Transport{
				TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
				DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
					return (&net.Dialer{}).DialContext(ctx, network, w.Addr())
				},
			}}
			defer client.CloseIdleConnections()
			resp, err := client.Get("https://" + tc.host + "/oauth2/authorize?response_type=code&client_id=" + w.Credentials.ClientID + "&redirect_uri=http://localhost:1/")
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if got := resp.Header.Get("Strict-Transport-Security"); (got != "") != tc.want || tc.want && !strings.HasPrefix(got, "max-age=") {
				t.Errorf("Strict-Transport-Security is %q, want any: %v", got, tc.want)
			}
			cookies := resp.Cookies()
			if len(cookies) == 0 {
				t.Fatalf("the login page sets no cookie: %s", resp.Status)
			}
			for _, c := range cookies {
				if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
					t.Errorf("cookie %s is %v", c.Name, c)
				}
			}
		})
	}
	w := start(t, nil)
	if got := w.do(t, "GET", "/healthz", nil, "Host", "files.example.org").header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("without TLS, Strict-Transport-Security is %q", got)
	}
}
