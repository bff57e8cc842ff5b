package httpapi_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"boxcar/internal/daemon"
)

// asBox starts a server with --box-hosts. The client finds every host at it,
// whatever its port, and trusts nothing but its CA.
func asBox(t *testing.T, edit func(*daemon.Config)) *wire {
	t.Helper()
	w := start(t, func(c *daemon.Config) {
		c.BoxHosts = true
		if edit != nil {
			edit(c)
		}
	})
	w.http.Transport = w.throughBox(t, false)
	w.URL = "https://api.box.com"
	return w
}

func (w *wire) throughBox(t *testing.T, http2 bool) *http.Transport {
	t.Helper()
	b, err := os.ReadFile(daemon.CAFile(w.Config.Data))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(b)
	tr := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, Time: w.Clock.Now},
		ForceAttemptHTTP2: http2,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, w.Addr())
		},
	}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func TestBoxHosts(t *testing.T) {
	t.Parallel()
	w := asBox(t, nil)
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		w := *w
		w.http = &http.Client{Transport: w.throughBox(t, version == "HTTP/2.0"), CheckRedirect: w.http.CheckRedirect, Timeout: time.Minute}
		for _, host := range daemon.BoxHosts {
			for _, port := range []string{"", ":8443"} {
				at := "https://" + host + port
				t.Run(version+" "+at, func(t *testing.T) {
					upload := "https://upload.box.com" + port
					if host == "upload.app.box.com" {
						upload = "https://" + host + port
					}
					resp, err := w.http.Get(at + "/healthz")
					if err != nil {
						t.Fatal(err)
					}
					resp.Body.Close()
					if resp.Proto != version {
						t.Errorf("it speaks %s", resp.Proto)
					}

					w.do(t, "GET", at+"/nothing", nil).refused(404, "not_found")
					w.do(t, "FROBNICATE", at+"/", nil).refused(404, "not_found")
					odd := w.do(t, "FROBNICATE", at+"/2.0/users/me", nil)
					if odd.refused(405, "method_not_allowed"); odd.header.Get("Allow") != "GET" {
						t.Errorf("%v: want Allow", odd)
					}

					// Every path is on every host; replies point to Box's.
					var pre struct {
						UploadURL string `json:"upload_url"`
					}
					name := strings.NewReplacer("/", " ", ":", " ").Replace(version + " " + host + port)
					w.do(t, "OPTIONS", at+"/2.0/files/content/", fields{"name": name, "parent": fields{"id": "0"}, "size": 1}).want(200).decode(&pre)
					if want := upload + "/api/2.0/files/content"; pre.UploadURL != want {
						t.Errorf("upload_url is %s, want %s", pre.UploadURL, want)
					}
					data := noise(2*partSize + 1)
					s := &session{w: &w, data: data}
					w.do(t, "POST", at+"/api/2.0/files/upload_sessions", fields{"folder_id": "0", "file_name": name, "file_size": len(data)}).want(201).decode(s)
					checkEndpoints(t, s, upload)
					var parts []part
					for i := range s.TotalParts {
						var p struct{ Part part }
						w.do(t, "PUT", s.SessionEndpoints["upload_part"], s.slot(i), s.says(i, s.slot(i))...).want(200).decode(&p)
						parts = append(parts, p.Part)
					}
					f := w.do(t, "POST", s.SessionEndpoints["commit"], fields{"parts": parts}, "Digest", digestOf(data)).file()

					var urls struct {
						Download string `json:"authenticated_download_url"`
					}
					w.do(t, "GET", at+"/2.0/files/"+f.ID+"?fields=authenticated_download_url", nil).want(200).decode(&urls)
					if want := "https://api.box.com" + port + "/2.0/files/" + f.ID + "/content"; urls.Download != want {
						t.Errorf("authenticated_download_url is %s, want %s", urls.Download, want)
					}
					location := w.do(t, "GET", urls.Download, nil).want(302).header.Get("Location")
					if !strings.HasPrefix(location, "https://dl.boxcloud.com"+port+"/") {
						t.Errorf("Location is %s", location)
					}
					resp, err = w.http.Get(location)
					if err != nil {
						t.Fatal(err)
					}
					defer resp.Body.Close()
					if got, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(got, data) {
						t.Errorf("%d: %d bytes, not those that went up; %v", resp.StatusCode, len(got), err)
					}
				})
			}
		}
	}

	t.Run("on its own names everything stays there", func(t *testing.T) {
		for _, at := range []string{"https://localhost:8443", "https://127.0.0.1", "https://[::1]:444"} {
			s := &session{w: w}
			w.do(t, "POST", at+"/2.0/files/upload_sessions", fields{"folder_id": "0", "file_name": "own", "file_size": 1}).want(201).decode(s)
			checkEndpoints(t, s, at)
		}
	})
	t.Run("a name that is Box's but not one of those is not spoken for", func(t *testing.T) {
		_, err := w.http.Get("https://www.box.com/healthz")
		if err == nil || !strings.Contains(err.Error(), "not www.box.com") {
			t.Errorf("it was believed: %v", err)
		}
	})
	t.Run("TLS 1.1 is too old", func(t *testing.T) {
		tr := w.throughBox(t, false)
		tr.TLSClientConfig.MinVersion, tr.TLSClientConfig.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		if _, err := (&http.Client{Transport: tr}).Get(w.URL + "/healthz"); err == nil || !strings.Contains(err.Error(), "protocol version") {
			t.Errorf("want a refusal: %v", err)
		}
	})
}

func TestBoxHostsBehindAPublicURL(t *testing.T) {
	t.Parallel()
	w := asBox(t, func(c *daemon.Config) { c.PublicURL = "https://files.example.org" })
	s := &session{w: w}
	w.do(t, "POST", "https://api.box.com/2.0/files/upload_sessions", fields{"folder_id": "0", "file_name": "a", "file_size": 1}).want(201).decode(s)
	checkEndpoints(t, s, "https://files.example.org")
}

// One server is there without TLS too, for what need not trust anything.
func TestPlainListenBesideBoxHosts(t *testing.T) {
	t.Parallel()
	w := asBox(t, func(c *daemon.Config) { c.PlainListen = "127.0.0.1:0" })
	plain := &wire{Server: w.Server, token: w.token, http: &http.Client{Timeout: time.Minute}}
	w.do(t, "POST", "https://api.box.com/2.0/folders", fields{"name": "through the one", "parent": fields{"id": "0"}}).want(201)
	plain.do(t, "POST", w.PlainURL()+"/2.0/folders", fields{"name": "through the other", "parent": fields{"id": "0"}}).want(201)
	var list struct{ Entries []file }
	plain.do(t, "GET", w.PlainURL()+"/2.0/folders/0/items", nil).want(200).decode(&list)
	if len(list.Entries) != 2 {
		t.Errorf("in one of the two: %+v", list)
	}
	s := &session{w: plain}
	plain.do(t, "POST", w.PlainURL()+"/2.0/files/upload_sessions", fields{"folder_id": "0", "file_name": "a", "file_size": 1}).want(201).decode(s)
	checkEndpoints(t, s, w.PlainURL())
}

// A server that runs for years shows a certificate that is good, and clients
// that were told of its CA once need nothing more.
func TestBoxHostsForYears(t *testing.T) {
	t.Parallel()
	w := asBox(t, nil)
	var untils []time.Time
	for range 20 {
		w.http.CloseIdleConnections()
		resp, err := w.http.Get(w.URL + "/healthz")
		if err != nil {
			t.Fatalf("at %s: %v", w.Clock.Now(), err)
		}
		resp.Body.Close()
		if until := resp.TLS.PeerCertificates[0].NotAfter; !slices.ContainsFunc(untils, until.Equal) {
			untils = append(untils, until)
		}
		w.Clock.Add(50 * 24 * time.Hour)
	}
	if len(untils) != 10 { // each is there for two looks of 50 days
		t.Errorf("in 1000 days it showed certificates until %v", untils)
	}
}
