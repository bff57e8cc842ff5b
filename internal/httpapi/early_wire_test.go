package httpapi_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"boxcar/internal/daemon"
)

// bigPart is more than the server reads of a body that it does not want.
const bigPart = 1 << 20

// raw is a connection on which a test writes HTTP by itself.
type raw struct {
	net.Conn
	t *testing.T
	w *wire
	r *bufio.Reader
}

func dial(t *testing.T, w *wire) *raw {
	t.Helper()
	conn, err := net.Dial("tcp", w.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &raw{Conn: conn, t: t, w: w, r: bufio.NewReader(conn)}
}

// head writes a request up to the empty line behind its headers.
func (c *raw) head(method, path string, headers ...string) {
	c.t.Helper()
	text := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n", method, path, c.w.Addr(), c.w.token)
	for i := 0; i < len(headers); i += 2 {
		text += headers[i] + ": " + headers[i+1] + "\r\n"
	}
	if _, err := io.WriteString(c, text+"\r\n"); err != nil {
		c.t.Fatal(err)
	}
}

// reply reads a reply, all of it.
func (c *raw) reply() *reply {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatalf("read reply: %v", err)
	}
	return read(c.t, "raw request", resp)
}

// ended checks that the server lets go of the connection within a time.
func (c *raw) ended(within time.Duration) {
	c.t.Helper()
	c.SetDeadline(time.Now().Add(within))
	if b, err := c.r.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Errorf("the connection goes on with %q, %v", b, err)
	}
}

// send writes n bytes in pieces, with a pause before each, and returns how many
// got away before the connection was closed.
func (c *raw) send(n int, pause time.Duration) (sent int) {
	piece := make([]byte, 1<<20)
	for sent < n {
		time.Sleep(pause)
		m, err := c.Write(piece[:min(len(piece), n-sent)])
		if sent += m; err != nil {
			break
		}
	}
	return sent
}

func TestEarlyAnswersOverHTTP1(t *testing.T) {
	t.Parallel()
	const long, drain = 64 << 20, 2 * time.Second
	open := func(edit func(*daemon.Config)) *session {
		s := &session{w: start(t, edit)}
		s.w.open(t, "", fields{"folder_id": "0", "file_name": "a", "file_size": 2 * long}).want(201).decode(s)
		return s
	}
	// A busy machine may need longer than drain for all of a body.
	s := open(func(c *daemon.Config) { c.PartSize, c.HTTP.Drain = long, 15*time.Second })
	w := s.w
	doomed := []string{"Digest", "none", "Content-Range", contentRange(0, long-1, 2*long)}
	announced := append([]string{"Content-Length", fmt.Sprint(long)}, doomed...)

	t.Run("5.3 answer, drain, then close: a client that reads once it has sent all", func(t *testing.T) {
		t.Parallel()
		c := dial(t, w)
		c.head("PUT", s.path(""), announced...)
		if n := c.send(long, 5*time.Millisecond); n != long {
			t.Errorf("only %d bytes got away", n)
		}
		r := c.reply()
		r.refused(400, "bad_request")
		if !r.close {
			t.Errorf("%v: want Connection: close", r)
		}
		c.ended(5 * time.Second)
	})
	t.Run("5.3 answer, drain, then close: a client that reads while it sends", func(t *testing.T) {
		t.Parallel()
		c := dial(t, w)
		c.head("PUT", s.path(""), announced...)
		n := c.send(1<<20, 0)
		c.reply().refused(400, "bad_request") // comes now, or the test would stand still
		if n += c.send(long-n, 5*time.Millisecond); n != long {
			t.Errorf("only %d bytes got away", n)
		}
		c.ended(5 * time.Second)
	})
	t.Run("5.3 answer, drain for up to 2 s, then close: a client that goes on for longer", func(t *testing.T) {
		t.Parallel()
		s := open(func(c *daemon.Config) { c.PartSize = long })
		c := dial(t, s.w)
		c.head("PUT", s.path(""), announced...)
		began := time.Now()
		if n := c.send(long, 100*time.Millisecond); n == long {
			t.Error("the server took in all of a doomed body")
		}
		if d := time.Since(began); d < drain {
			t.Errorf("the connection was open for %v, want %v at least", d, drain)
		}
		c.reply().refused(400, "bad_request")
	})
	t.Run("5.3 answer, drain, then close: without an announced length", func(t *testing.T) {
		t.Parallel()
		c := dial(t, w)
		c.head("PUT", s.path(""), append([]string{"Transfer-Encoding", "chunked"}, doomed...)...)
		for range 64 {
			time.Sleep(5 * time.Millisecond)
			if _, err := c.Write(fmt.Appendf(nil, "%x\r\n%s\r\n", 1<<20, make([]byte, 1<<20))); err != nil {
				t.Fatal(err)
			}
		}
		io.WriteString(c, "0\r\n\r\n")
		c.reply().refused(400, "bad_request")
		c.ended(5 * time.Second)
	})
	t.Run("5.3 a doomed PUT fails early: the answer comes before any byte of the body", func(t *testing.T) {
		t.Parallel()
		bob := w.user(t, "bob@example.net", 0)
		for what, ask := range map[string]struct {
			w       *wire
			path    string
			headers []string
			status  int
			code    string
		}{
			"bad Content-Range":  {w, s.path(""), []string{"Digest", digestOf(nil), "Content-Range", "x"}, 400, "bad_request"},
			"off the grid":       {w, s.path(""), []string{"Digest", digestOf(nil), "Content-Range", contentRange(1, long, 2*long)}, 416, "range_not_satisfiable"},
			"another length":     {w, s.path(""), []string{"Digest", digestOf(nil), "Content-Range", contentRange(0, long-1, 2*long), "Content-Length", fmt.Sprint(long + 1)}, 400, "request_size_mismatch"},
			"unknown session":    {w, "/2.0/files/upload_sessions/" + nobody, []string{"Digest", digestOf(nil), "Content-Range", contentRange(0, long-1, 2*long)}, 404, "not_found"},
			"malformed id":       {w, "/2.0/files/upload_sessions/x", doomed, 400, "invalid_upload_session_id"},
			"another user's":     {bob, s.path(""), []string{"Digest", digestOf(nil), "Content-Range", contentRange(0, long-1, 2*long)}, 403, "forbidden"},
			"no such path":       {w, "/2.0/nothing", nil, 404, "not_found"},
			"method not allowed": {w, "/2.0/files/content", nil, 405, "method_not_allowed"},
		} {
			c := dial(t, ask.w)
			length := []string{"Content-Length", fmt.Sprint(long)}
			if strings.Contains(fmt.Sprint(ask.headers), "Content-Length") {
				length = nil
			}
			c.head("PUT", ask.path, append(length, ask.headers...)...)
			if f := c.reply(); f.status != ask.status {
				t.Errorf("%s: %v", what, f)
			} else {
				f.refused(ask.status, ask.code)
			}
			c.Close()
		}
	})
	t.Run("a body that is larger than JSON may be: the whole answer can be read", func(t *testing.T) {
		t.Parallel()
		c := dial(t, w)
		c.head("POST", "/2.0/files/upload_sessions", "Content-Length", fmt.Sprint(long))
		if n := c.send(long, 5*time.Millisecond); n != long {
			t.Errorf("only %d bytes got away", n)
		}
		c.reply().refused(413, "request_entity_too_large")
		c.ended(5 * time.Second)
	})
	t.Run("10.2 401 to a large body: empty, with its challenge", func(t *testing.T) {
		t.Parallel()
		stranger := *w
		stranger.token = "x"
		c := dial(t, &stranger)
		c.head("PUT", s.path(""), announced...)
		if n := c.send(long, 5*time.Millisecond); n != long {
			t.Errorf("only %d bytes got away", n)
		}
		c.reply().empty(401)
	})
}

func TestExpectContinue(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *daemon.Config) { c.PartSize = bigPart })
	s := w.create(t, "a", noise(2*bigPart))
	length := []string{"Content-Length", fmt.Sprint(bigPart), "Expect", "100-continue"}

	t.Run("5.3 a doomed PUT with Expect: 100-continue: only the answer, and the connection ends at once", func(t *testing.T) {
		c := dial(t, w)
		c.head("PUT", s.path(""), append(length, "Digest", "none", "Content-Range", contentRange(0, bigPart-1, 2*bigPart))...)
		r := c.reply() // had 100 come, it would be read here
		r.refused(400, "bad_request")
		if !r.close {
			t.Errorf("%v: want Connection: close", r)
		}
		c.ended(time.Second) // the client sends nothing: there is nothing to wait for
	})
	t.Run("5.3 a doomed PUT with Expect: 100-continue, whose client sends all the same", func(t *testing.T) {
		c := dial(t, w)
		c.head("PUT", s.path(""), append(length, "Digest", "none", "Content-Range", contentRange(0, bigPart-1, 2*bigPart))...)
		c.send(bigPart, time.Millisecond)
		c.reply().refused(400, "bad_request")
	})
	t.Run("a good PUT with Expect: 100-continue: 100, then 200, and the connection goes on", func(t *testing.T) {
		c := dial(t, w)
		for i := range s.TotalParts {
			c.head("PUT", s.path(""), append(length, s.says(i, s.slot(i))...)...)
			if line, err := c.r.ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" {
				t.Fatalf("got %q, %v", line, err)
			}
			c.r.ReadString('\n')
			c.Write(s.slot(i))
			c.reply().want(200)
		}
	})
	t.Run("5.3 identical part with Expect: 100-continue: 200 without the body", func(t *testing.T) {
		c := dial(t, w)
		c.head("PUT", s.path(""), append(length, s.says(0, s.slot(0))...)...)
		c.reply().want(200)
	})
}

func TestWhatIsLeftOfABody(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *daemon.Config) { c.PartSize, c.HTTP.Drain = bigPart, 300*time.Millisecond })
	s := w.create(t, "a", noise(2*bigPart))
	stored := s.part(t, 0)

	t.Run("5.3 identical part: the body is not needed: 200 though nothing of it was sent", func(t *testing.T) {
		c := dial(t, w)
		c.head("PUT", s.path(""), append(s.says(0, s.slot(0)), "Content-Length", fmt.Sprint(bigPart))...)
		var r struct{ Part part }
		c.reply().want(200).decode(&r)
		if r.Part != stored {
			t.Errorf("got %+v, want %+v", r.Part, stored)
		}
	})
	t.Run("a small rest is read, and the connection goes on", func(t *testing.T) {
		c := dial(t, w)
		for _, n := range []int{1, 4 << 10, 200 << 10} {
			for range 2 {
				c.head("PUT", s.path(""), "Content-Length", fmt.Sprint(n), "Digest", "none")
				go c.send(n, 0)
				if r := c.reply(); r.status != 400 || r.close {
					t.Fatalf("%v: want 400, and the connection kept", r)
				}
			}
		}
		c.head("GET", s.path(""))
		c.reply().want(200)
	})
	t.Run("DELETE with a JSON body keeps the connection", func(t *testing.T) {
		c := dial(t, w)
		c.head("DELETE", w.create(t, "b", nil).path(""), "Content-Length", "2", "Content-Type", "application/json")
		io.WriteString(c, "{}")
		c.reply().empty(204)
		c.head("GET", s.path(""))
		c.reply().want(200)
	})
	t.Run("a small rest that never comes: the answer does, and the connection ends", func(t *testing.T) {
		c := dial(t, w)
		c.head("PUT", s.path(""), "Content-Length", "1000", "Digest", "none")
		c.reply().refused(400, "bad_request")
		c.ended(3 * time.Second)
	})
	t.Run("5.3 body too short: 400 request_size_mismatch when the client stops sending", func(t *testing.T) {
		for _, chunked := range []bool{false, true} {
			c := dial(t, w)
			if chunked {
				c.head("PUT", s.path(""), append(s.says(1, s.slot(1)), "Transfer-Encoding", "chunked")...)
				fmt.Fprintf(c, "%x\r\n%s", bigPart, s.slot(1)[:1000])
			} else {
				c.head("PUT", s.path(""), append(s.says(1, s.slot(1)), "Content-Length", fmt.Sprint(bigPart))...)
				c.Write(s.slot(1)[:1000])
			}
			c.Conn.(*net.TCPConn).CloseWrite()
			c.reply().refused(400, "request_size_mismatch")
		}
		var now session
		w.do(t, "GET", s.path(""), nil).want(200).decode(&now)
		if now.NumPartsProcessed != 1 {
			t.Errorf("%d parts are stored", now.NumPartsProcessed)
		}
	})
	t.Run("5.3 body too long, without an announced length: the whole answer can be read", func(t *testing.T) {
		c := dial(t, w)
		c.head("PUT", s.path(""), append(s.says(1, s.slot(1)), "Transfer-Encoding", "chunked")...)
		for range 4 {
			fmt.Fprintf(c, "%x\r\n%s\r\n", bigPart, make([]byte, bigPart))
		}
		io.WriteString(c, "0\r\n\r\n")
		c.reply().refused(400, "request_size_mismatch")
	})
	t.Run("2 response headers are spelled as clients compare them", func(t *testing.T) {
		c := dial(t, w)
		c.head("GET", s.path(""))
		head := ""
		for !strings.HasSuffix(head, "\r\n\r\n") {
			line, err := c.r.ReadString('\n')
			if head += line; err != nil {
				t.Fatal(head, err)
			}
		}
		for _, want := range []string{
			`(?m)^BOX-REQUEST-ID: [0-9a-z]+\r$`, `(?m)^Content-Type: application/json\r$`,
			`(?m)^Cache-Control: no-cache, no-store\r$`, `(?m)^Vary: Origin\r$`, `(?m)^Content-Length: [0-9]+\r$`,
		} {
			if !regexp.MustCompile(want).MatchString(head) {
				t.Errorf("%q is not in %s", want, head)
			}
		}
	})
}

// unsent is a body of which first is sent, and no more. Closing it ends a Read
// that waits, which Go's client needs to be done with a request.
func unsent(first []byte) io.ReadCloser {
	r, w := io.Pipe()
	go w.Write(first)
	return r
}

func TestEarlyAnswersOverHTTP2(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*testing.T, *daemon.Config, *http.Transport){
		"TLS": func(t *testing.T, c *daemon.Config, h *http.Transport) {
			var roots *x509.CertPool
			c.TLSCert, c.TLSKey, roots = certificate(t)
			h.TLSClientConfig = &tls.Config{RootCAs: roots}
			h.ForceAttemptHTTP2 = true
		},
		"prior knowledge": func(t *testing.T, c *daemon.Config, h *http.Transport) {
			h.Protocols = new(http.Protocols)
			h.Protocols.SetUnencryptedHTTP2(true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			transport := &http.Transport{}
			w := start(t, func(c *daemon.Config) {
				c.PartSize = 2 * bigPart
				edit(t, c, transport)
			})
			w.http = &http.Client{Transport: transport, Timeout: 20 * time.Second}
			t.Cleanup(transport.CloseIdleConnections)
			s := w.create(t, "a", noise(2*bigPart+1))
			if want := w.URL + "/api/2.0/files/upload_sessions/" + s.ID; s.SessionEndpoints["upload_part"] != want {
				t.Errorf("upload_part is at %s, want %s", s.SessionEndpoints["upload_part"], want)
			}
			stored := s.part(t, 1)

			put := func(t *testing.T, body io.ReadCloser, length int64, headers ...string) *reply {
				t.Helper()
				req := w.request(t, "PUT", s.path(""), nil, headers...)
				req.Body, req.ContentLength = body, length
				var reused bool
				req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
					GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused },
				}))
				resp, err := w.http.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				if resp.ProtoMajor != 2 || !reused {
					t.Errorf("%s, on a connection used before: %v; want HTTP/2 on one connection", resp.Proto, reused)
				}
				return read(t, "PUT", resp)
			}
			grid := contentRange(0, 2*bigPart-1, 2*bigPart+1)

			t.Run("5.3 a refused PUT's reply is read though the body was not sent", func(t *testing.T) {
				put(t, unsent(nil), 2*bigPart, "Digest", "none", "Content-Range", grid).refused(400, "bad_request")
				put(t, unsent(nil), -1, "Digest", "none", "Content-Range", grid).refused(400, "bad_request")
				put(t, unsent(nil), 100, "Digest", digestOf(nil), "Content-Range", grid).refused(400, "request_size_mismatch")
				put(t, unsent(nil), 2*bigPart, "Digest", digestOf(nil), "Content-Range", contentRange(1, 2*bigPart, 2*bigPart+1)).refused(416, "range_not_satisfiable")
				put(t, unsent(nil), 2*bigPart, "Authorization", "Bearer x").empty(401)
			})
			t.Run("5.3 a refused PUT's reply is read in the middle of the body", func(t *testing.T) {
				put(t, unsent(s.slot(0)[:bigPart]), 2*bigPart, "Digest", "none", "Content-Range", grid).refused(400, "bad_request")
			})
			t.Run("5.3 an identical part: 200 though the body was not sent", func(t *testing.T) {
				var r struct{ Part part }
				put(t, unsent(nil), 1, s.says(1, s.slot(1))...).want(200).decode(&r)
				if r.Part != stored {
					t.Errorf("got %+v, want %+v", r.Part, stored)
				}
			})
			t.Run("5.3 n != E-S+1 over HTTP/2", func(t *testing.T) {
				put(t, io.NopCloser(bytes.NewReader(s.slot(0)[1:])), -1, s.says(0, s.slot(0))...).refused(400, "request_size_mismatch")
				put(t, io.NopCloser(bytes.NewReader(slices.Concat(s.slot(0), []byte{0}))), -1, s.says(0, s.slot(0))...).refused(400, "request_size_mismatch")
			})
			t.Run("then the same connection carries the upload", func(t *testing.T) {
				s.commit(t, s.parts(t)).file()
			})
		})
	}
}

// certificate makes one for 127.0.0.1, in PEM files, and the pool to trust it.
func certificate(t *testing.T) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "boxcar test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	roots.AppendCertsFromPEM(certPEM)
	certFile, keyFile = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for name, text := range map[string][]byte{certFile: certPEM, keyFile: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile, roots
}
