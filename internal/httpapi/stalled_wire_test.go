package httpapi_test

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"boxcar/internal/daemon"
)

// A client that asks for a file and reads nothing of it is let go of; one that
// reads slowly, and one that says nothing for longer than that between two
// requests, are not.
func TestClientsThatDoNotRead(t *testing.T) {
	t.Parallel()
	const idle = time.Second
	const size = 24 << 20 // more than socket buffers hold
	w := start(t, func(c *daemon.Config) { c.HTTP.BodyIdle = idle })
	f := w.simple(t, "big", string(noise(size))).file()
	to, err := url.Parse(w.do(t, "GET", "/2.0/files/"+f.ID+"/content", nil).empty(302).header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	dial := func() net.Conn {
		c, err := net.Dial("tcp", to.Host)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.(*net.TCPConn).SetReadBuffer(64 << 10)
		c.SetDeadline(time.Now().Add(30 * time.Second))
		return c
	}
	get := func(c net.Conn, path string) {
		if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, to.Host); err != nil {
			t.Fatal(err)
		}
	}

	stalled, slow, quiet := dial(), dial(), dial()
	get(stalled, to.Path)
	get(slow, to.Path)
	get(quiet, "/healthz")
	began := time.Now()
	var n int64
	for n < size { // within five idle times, and too fast for none of them
		m, err := io.CopyN(io.Discard, slow, 512<<10)
		if n += m; err != nil {
			t.Fatalf("the slow one was cut off after %d bytes: %v", n, err)
		}
		time.Sleep(idle / 10)
	}
	if time.Since(began) < 4*idle {
		t.Errorf("the slow one took %v only", time.Since(began))
	}
	if n, err := io.Copy(io.Discard, stalled); n >= size {
		t.Errorf("the stalled one got all %d bytes, %v", n, err)
	}
	get(quiet, "/healthz")
	b := make([]byte, 4096)
	read := 0
	for !strings.Contains(string(b[:read]), "ok\n") || strings.Count(string(b[:read]), "200 OK") < 2 {
		m, err := quiet.Read(b[read:])
		if read += m; err != nil {
			t.Fatalf("the quiet one: %v after %q", err, b[:read])
		}
	}
}
