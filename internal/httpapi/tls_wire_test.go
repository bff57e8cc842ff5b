package httpapi_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

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

// TestAnotherCertificateIsShownAtOnce over the wire, without a connection being
// lost; what is no certificate changes nothing, and nothing older than TLS 1.2 is spoken.
func TestAnotherCertificateIsShownAtOnce(t *testing.T) {
	t.Parallel()
	cert, key, roots := certificate(t)
	w := start(t, func(c *daemon.Config) { c.TLSCert, c.TLSKey = cert, key })
	dial := func(roots *x509.CertPool) (*tls.Conn, error) {
		return tls.Dial("tcp", w.Addr(), &tls.Config{RootCAs: roots, NextProtos: []string{"http/1.1"}})
	}
	healthy := func(c *tls.Conn) {
		t.Helper()
		io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != 200 {
			t.Errorf("%v, %v", resp, err)
			return
		}
		io.Copy(io.Discard, resp.Body)
	}
	old := must(dial(roots))
	defer old.Close()
	healthy(old)

	otherCert, otherKey, otherRoots := certificate(t)
	if err := os.WriteFile(cert, must(os.ReadFile(otherCert)), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Clock.Add(3 * time.Second)
	must(dial(roots)).Close() // the key is not there yet
	if err := os.WriteFile(key, must(os.ReadFile(otherKey)), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Clock.Add(3 * time.Second)
	c := must(dial(otherRoots))
	defer c.Close()
	healthy(c)
	if _, err := dial(roots); err == nil {
		t.Error("the certificate from before is still shown")
	}
	healthy(old)

	if err := os.WriteFile(key, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.Clock.Add(3 * time.Second)
	must(dial(otherRoots)).Close()
	_, err := tls.Dial("tcp", w.Addr(), &tls.Config{RootCAs: otherRoots, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	if err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("TLS 1.1 is answered with %v", err)
	}
}
