package main_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// as is the client with the token that the script has now.
func as(ts *testscript.TestScript) *client {
	c := *of(ts).client
	c.Token = ts.Getenv("TOKEN")
	return &c
}

// answer shows a reply to the script, and judges its status.
func answer(ts *testscript.TestScript, r reply, err error, status string) {
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s\n", r.Body)
	r.Header.Write(ts.Stderr())
	if to := r.Header.Get("Location"); to != "" {
		ts.Setenv("LOCATION", to)
		ts.Setenv("LAST", to[strings.LastIndex(to, "/")+1:])
	}
	if got := strconv.Itoa(r.Status); got != status {
		ts.Fatalf("the server answers %s, want %s", r, status)
	}
}

func cmdAsk(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) >= 3, "ask STATUS METHOD PATH [BODY] [HEADER: VALUE]...")
	var body, header []string
	for _, a := range args[3:] {
		if name, value, ok := strings.Cut(a, ": "); ok && !strings.HasPrefix(a, "{") {
			header = append(header, name, value)
		} else {
			body = append(body, a)
		}
	}
	r, err := as(ts).do(args[1], args[2], []byte(strings.Join(body, "")), header...)
	answer(ts, r, err, args[0])
}

func cmdUpload(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "upload FILE")
	name := filepath.Base(args[0])
	body, contentType := form(map[string]any{"name": name, "parent": map[string]string{"id": "0"}}, name, []byte(ts.ReadFile(args[0])))
	r, err := as(ts).do("POST", "/2.0/files/content", body, "Content-Type", contentType)
	answer(ts, r, err, "201")
	uploaded(ts, r)
}

func uploaded(ts *testscript.TestScript, r reply) {
	var files entries
	ts.Check(r.decode(&files))
	ts.Setenv("FILE_ID", files.Entries[0].ID)
}

func cmdBeginSession(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "begin-session FILE")
	size := int64(len(ts.ReadFile(args[0])))
	r, err := as(ts).do("POST", "/2.0/files/upload_sessions", createBody("0", filepath.Base(args[0]), size))
	answer(ts, r, err, "201")
	var ses session
	ts.Check(r.decode(&ses))
	ts.Setenv("SESSION", ses.ID)
}

// slowPart is a part that a client sends with a pause in its middle.
type slowPart struct {
	body *io.PipeWriter
	rest []byte
	end  chan struct{}
	r    reply
	err  error
}

// cmdBeginPart sends half of a part. The connection's buffers hold more than
// that, so the server has begun to read it for certain only once it has
// answered "100 Continue": the half is written after that.
func cmdBeginPart(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "begin-part FILE")
	data := []byte(ts.ReadFile(args[0]))
	n := int64(len(data))
	body, w := io.Pipe()
	p := &slowPart{body: w, rest: data[n/2:], end: make(chan struct{})}
	of(ts).part = p
	c := as(ts)
	transport := c.HTTP.Transport.(*http.Transport).Clone()
	transport.ExpectContinueTimeout = ready
	c.HTTP = &http.Client{Transport: transport}
	go func() {
		defer close(p.end)
		resp, err := c.send("PUT", "/2.0/files/upload_sessions/"+ts.Getenv("SESSION"), body, n,
			"Digest", digestHeader(sha1.Sum(data)), "Content-Range", rangeHeader(0, n, n), "Expect", "100-continue")
		if p.err = err; err == nil {
			p.r, p.err = whole(resp)
		}
		body.CloseWithError(io.ErrClosedPipe) // nobody reads any more
	}()
	_, err := w.Write(data[:n/2])
	ts.Check(err)
}

func cmdFinishPart(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "finish-part STATUS")
	p := of(ts).part
	p.body.Write(p.rest) // what fails is in the reply
	p.body.Close()
	<-p.end
	answer(ts, p.r, p.err, args[0])
}

// cmdCommit sends the whole file as the session's parts are listed.
func cmdCommit(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "commit FILE")
	at := "/2.0/files/upload_sessions/" + ts.Getenv("SESSION")
	r, err := as(ts).do("GET", at+"/parts", nil)
	ts.Check(err)
	var list struct{ Entries []part }
	ts.Check(r.decode(&list))
	sum := sha1.Sum([]byte(ts.ReadFile(args[0])))
	r, err = as(ts).do("POST", at+"/commit", commitBody(list.Entries), "Digest", digestHeader(sum))
	answer(ts, r, err, "201")
	uploaded(ts, r)
}

func cmdCertificate(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "certificate CERT KEY")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, // it signs itself
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	ts.Check(err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	of(ts).roots = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), of(ts).roots, 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
}

// trust makes a client take certificates that roots have signed.
func trust(c *client, roots []byte) {
	if roots = bytes.TrimSpace(roots); len(roots) == 0 {
		return
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(roots)
	c.HTTP.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: pool}
}
