package main_test

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// envSlow is how many slow connections TestSlowConnections makes; 5,000.
const envSlow = "BOXCAR_SLOW_CONNECTIONS"

// TestSlowConnections has thousands of clients that say little or nothing: they
// cost the server little memory, and nobody else's upload.
func TestSlowConnections(t *testing.T) {
	measurable(t)
	many := int(fromEnv(t, envSlow, 5000))
	const most = 300 * mib
	canOpen(t, many+1000)
	data := filepath.Join(t.TempDir(), "data")
	p := mustServe(t, data, "--max-connections", fmt.Sprint(many+500), "--min-chunked-size", "0")
	host := strings.TrimPrefix(p.URL, "http://")
	// They have a user of their own, whose limits they run into.
	if code, _, errs := boxcar("user", "add", "slow@example.org", "--data", data, "--name", "Slow", "--generate-password"); code != 0 {
		t.Fatal(errs)
	}
	code, token, errs := boxcar("token", "--data", data, "--user", "slow@example.org", "--life", "1h")
	if code != 0 {
		t.Fatal(errs)
	}
	token = strings.TrimSpace(token)
	auth := "Authorization: Bearer " + token + "\r\n"
	theirs := bigFile{c: newClient(p), s: newStream(), size: 8 * mib, partSize: 8 * mib}
	theirs.c.Token = token
	theirs.hash()
	theirs.create(t, "read slowly")
	if err := theirs.put(0, nil); err != nil {
		t.Fatal(err)
	}
	file := theirs.commit(t)
	location, err := url.Parse(theirs.c.must(t, 302, "GET", "/2.0/files/"+file+"/content", nil).Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	theirs.create(t, "sent slowly")
	// What they say, before they say no more or a byte at a time.
	says := []string{
		"", // nothing
		"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",      // one request, and then nothing
		"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: 1", // a head without an end
		"GET /" + strings.Repeat("a", 16<<10),           // a long one
		"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" + strings.Repeat("a", 30000),
		"POST /2.0/folders HTTP/1.1\r\nHost: x\r\n" + auth + "Content-Length: 1000000\r\n\r\n" + strings.Repeat("a", 100_000),
		"POST /2.0/files/content HTTP/1.1\r\nHost: x\r\n" + auth + "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n--b\r\n",
		"PUT /2.0/files/upload_sessions/" + theirs.id + " HTTP/1.1\r\nHost: x\r\n" + auth + "Content-Length: 8388608\r\nContent-Range: bytes 0-8388607/8388608\r\nDigest: sha=AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n" + strings.Repeat("a", 5000),
		"GET " + location.RequestURI() + " HTTP/1.1\r\nHost: x\r\n\r\n", // and nothing of it is read
	}
	began := time.Now()
	conns := make([]net.Conn, 0, many)
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for i := range many {
		c, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		c.(*net.TCPConn).SetReadBuffer(4096)
		conns = append(conns, c)
		c.SetDeadline(time.Now().Add(time.Second))
		io.WriteString(c, says[i%len(says)]) // some are answered before they have said it
	}
	for _, c := range conns {
		c.SetDeadline(time.Now().Add(time.Second))
		io.WriteString(c, "a")
	}
	came := time.Since(began).Round(time.Millisecond)

	// Somebody else.
	b := bigFile{c: newClient(p), s: newStream(), size: 64 * mib, partSize: 8 * mib}
	b.hash()
	began = time.Now()
	b.create(t, "normal")
	errors := make(chan error)
	for i := range 8 {
		go func() { errors <- b.put(i, nil) }()
	}
	for range 8 {
		if err := <-errors; err != nil {
			t.Error(err)
		}
	}
	b.compare(t, b.commit(t))
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("an upload beside them took %s", took)
	}
	now, peak := p.memory(t)
	t.Logf("%d slow connections after %s: %s, at the most %s", many, came, inMiB(now), inMiB(peak))
	if peak > most {
		t.Errorf("the server took %s, want at most %s", inMiB(peak), inMiB(most))
	}
}
