package httpapi_test

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"boxcar/internal/daemon"
	"boxcar/internal/daemon/daemontest"
)

// TestAPartCutOffAnywhereLeavesNothingBehind: at each byte of its head, around each
// border of its body, and both ways in which a connection ends.
func TestAPartCutOffAnywhereLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	const size = 200<<10 + 17
	w := start(t, func(c *daemon.Config) { c.PartSize, c.MetricsListen = 200<<10, "127.0.0.1:0" })
	s := w.create(t, "cut", noise(size))
	data := s.slot(0)
	head := fmt.Sprintf("PUT /2.0/files/upload_sessions/%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\nDigest: %s\r\nContent-Range: %s\r\n\r\n",
		s.ID, w.Addr(), w.token, len(data), digestOf(data), contentRange(0, int64(len(data))-1, size))
	whole := head + string(data)
	var cuts []int
	for n := range len(head) + 1 {
		cuts = append(cuts, n)
	}
	for _, border := range []int{1, 64, 512, 4 << 10, 32 << 10, 64 << 10, 128 << 10, len(data) - 1} {
		for _, off := range []int{-1, 0, 1} {
			if n := border + off; n > 0 && n < len(data) {
				cuts = append(cuts, len(head)+n)
			}
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	for _, n := range cuts {
		for _, reset := range []bool{false, true} {
			c, err := net.Dial("tcp", w.Addr())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(c, whole[:n]); err != nil {
				t.Fatal(err)
			}
			if reset {
				if n%7 == 0 {
					time.Sleep(time.Millisecond) // the server is at work on it
				}
				c.(*net.TCPConn).SetLinger(0)
			}
			c.Close()
		}
	}
	w.http.CloseIdleConnections()
	daemontest.Eventually(t, "no connection and no body is left", func() bool {
		m := w.metrics(t)
		return strings.Contains(m, "\nboxcar_upload_bodies_in_flight 0\n") && strings.Contains(m, "\nboxcar_http_connections 0\n") &&
			strings.Contains(m, "\nboxcar_http_requests_in_flight 0\n")
	})
	s.count(t, 0)
	for _, pattern := range []string{"tmp/*", "blobs/*/*"} {
		if left, err := filepath.Glob(filepath.Join(w.Config.Data, pattern)); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
	if m := w.metrics(t); strings.Contains(m, `operation="part",outcome="ok"`) || strings.Contains(m, `class="5xx",method="PUT"`) {
		t.Error("a part that was cut off counts as stored, or as the server's fault")
	}
	s.commit(t, s.parts(t)).file()
}

// metrics is a scrape.
func (w *wire) metrics(t *testing.T) string {
	t.Helper()
	resp, err := w.http.Get(w.MetricsURL())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
