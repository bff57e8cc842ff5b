package httpapi_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"boxcar/internal/daemon"
)

// A body that stops coming, and one that comes more slowly than it may, are given up;
// one that is slow and no more than that is not.
func TestSlowBodies(t *testing.T) {
	t.Parallel()
	const idle, rate = 2 * time.Second, 10_000
	w := start(t, func(c *daemon.Config) {
		c.HTTP.BodyIdle, c.HTTP.BodyRate, c.HTTP.Drain = idle, rate, 100*time.Millisecond
	})
	for name, c := range map[string]struct {
		piece int // bytes, each twentieth of a second; 0: none
		want  string
	}{
		"stops":    {0, "no byte of the body came"},
		"too slow": {rate / 20 / 5, "the body comes too slowly"},
		"slow":     {rate / 20 * 2, "is not JSON"},
		"at once":  {60_000, "is not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const size = 60_000
			conn := w.half(t, "POST", "/2.0/folders", size, "{")
			began := time.Now()
			go func() {
				for n := 1; n < size && c.piece > 0; {
					b := make([]byte, min(c.piece, size-n))
					if _, err := conn.Write(b); err != nil {
						return
					}
					n += len(b)
					time.Sleep(time.Second / 20)
				}
			}()
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || !strings.Contains(string(body), c.want) || (c.want != "is not JSON") != (resp.StatusCode == 408) {
				t.Errorf("after %s: %s %s, %v, want %q", time.Since(began), resp.Status, body, err, c.want)
			}
		})
	}
}

// A head that does not end is given up, however steadily it comes.
func TestHeadsThatDoNotEnd(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	var wg sync.WaitGroup
	for _, says := range []string{"", "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "} {
		wg.Go(func() {
			c, err := net.Dial("tcp", w.Addr())
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			began := time.Now()
			c.SetDeadline(began.Add(time.Minute))
			io.WriteString(c, says)
			go func() {
				for says != "" {
					if _, err := c.Write([]byte("x")); err != nil {
						return
					}
					time.Sleep(200 * time.Millisecond)
				}
			}()
			b, err := io.ReadAll(c)
			if took := time.Since(began); took < 9*time.Second || took > 50*time.Second {
				t.Errorf("%q: ended after %s with %q, %v", says, took, b, err)
			}
		})
	}
	wg.Wait()
}
