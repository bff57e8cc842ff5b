package httpapi_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
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

// A client that stops and goes on, any number of times, gets the same bytes,
// and keeps its connection.
func TestClientsThatStopAndGoOn(t *testing.T) {
	t.Parallel()
	const patience = 20 * time.Millisecond
	w := start(t, func(c *daemon.Config) { c.HTTP.SlowRead = patience })
	data := noise(12 << 20)
	f := w.simple(t, "big", string(data)).file()
	to, err := url.Parse(w.do(t, "GET", "/2.0/files/"+f.ID+"/content", nil).empty(302).header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", to.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.(*net.TCPConn).SetReadBuffer(64 << 10)
	c.SetDeadline(time.Now().Add(time.Minute))
	from := bufio.NewReaderSize(c, 16)
	for _, ranges := range []string{"bytes=0-", "bytes=100-6000000", "bytes=5000000-9000000,10-4000000", "bytes=0-0"} {
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nRange: %s\r\n\r\n", to.Path, to.Host, ranges)
		r, err := http.ReadResponse(from, nil)
		if err != nil {
			t.Fatalf("%s: %v", ranges, err)
		}
		got := new(bytes.Buffer)
		for {
			if _, err := io.CopyN(got, r.Body, 1<<20); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v after %d bytes", ranges, err, got.Len())
			}
			time.Sleep(50 * time.Millisecond) // longer, and shorter than the next piece takes
		}
		if r.StatusCode != 206 || int64(got.Len()) != r.ContentLength {
			t.Fatalf("%s: %s with %d bytes of %d", ranges, r.Status, got.Len(), r.ContentLength)
		}
		switch _, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); {
		case params["boundary"] != "":
			parts := multipart.NewReader(got, params["boundary"])
			for _, want := range [][]byte{data[5000000:9000001], data[10:4000001]} {
				part, err := parts.NextPart()
				if err != nil {
					t.Fatal(err)
				}
				if b, err := io.ReadAll(part); err != nil || !bytes.Equal(b, want) {
					t.Errorf("%s: other bytes (%d), %v", ranges, len(b), err)
				}
			}
		default:
			var first, last int
			fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-%d/", &first, &last)
			if !bytes.Equal(got.Bytes(), data[first:last+1]) {
				t.Errorf("%s: other bytes", ranges)
			}
		}
	}
}
