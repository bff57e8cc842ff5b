package daemon_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"boxcar/internal/daemon"
	"boxcar/internal/daemon/daemontest"
)

// closedAfter is when the server closes c, to which nothing more is sent.
func closedAfter(t *testing.T, c net.Conn) time.Duration {
	t.Helper()
	began := time.Now()
	c.SetReadDeadline(began.Add(20 * time.Second))
	if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("the server keeps the connection")
	}
	return time.Since(began)
}

// Each wait is tried with the other one long, so that it is that one which ends.
func TestConnectionsOfTheSilentEnd(t *testing.T) {
	const wait, long = 400 * time.Millisecond, 10 * time.Minute
	serve := func(header, idle time.Duration, tls bool) func() net.Conn {
		s := daemontest.Start(t, func(c *daemon.Config) { c.HeaderWait, c.IdleWait, c.BoxHosts = header, idle, tls })
		return func() net.Conn {
			c, err := net.Dial("tcp", s.Addr())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			return c
		}
	}
	request := func(c net.Conn) {
		t.Helper()
		fmt.Fprintf(c, "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
		c.SetReadDeadline(time.Now().Add(20 * time.Second))
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("%v, %v", resp, err)
		}
		io.Copy(io.Discard, resp.Body)
	}

	t.Run("head", func(t *testing.T) {
		dial := serve(wait, long, false)
		for name, begin := range map[string]func(net.Conn){
			"nothing":     func(net.Conn) {},
			"half a line": func(c net.Conn) { io.WriteString(c, "GET /hea") },
			"half a head": func(c net.Conn) { io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: h\r\nX-A: b") },
			"half of a second head": func(c net.Conn) {
				request(c)
				io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost")
			},
		} {
			c := dial()
			begin(c)
			if after := closedAfter(t, c); after < wait/2 {
				t.Errorf("%s: closed after %v, want %v", name, after, wait)
			}
		}
		// One byte and then another does not buy time.
		c := dial()
		began := time.Now()
		for time.Since(began) < 20*time.Second {
			if _, err := c.Write([]byte("G")); err != nil {
				break
			}
			time.Sleep(wait / 8)
		}
		if after := time.Since(began); after > 10*time.Second {
			t.Errorf("who sends a byte now and then is closed after %v", after)
		}
	})
	t.Run("handshake", func(t *testing.T) {
		dial := serve(wait, long, true)
		for _, begin := range []string{"", "\x16\x03\x01\x02"} {
			c := dial()
			io.WriteString(c, begin)
			closedAfter(t, c)
		}
	})
	t.Run("idle", func(t *testing.T) {
		dial := serve(long, wait, false)
		c := dial()
		request(c)
		time.Sleep(wait / 4)
		request(c)
		if after := closedAfter(t, c); after < wait/2 {
			t.Errorf("closed after %v, want %v", after, wait)
		}
	})
}
