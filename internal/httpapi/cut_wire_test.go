package httpapi_test

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"runtime"
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

// TestASmallPartCutAtEveryByte goes on where the one above goes in steps: each
// byte of the head and of the body, and each way in which a connection ends, the
// client's closing of its own side among them, which is told what became of it.
func TestASmallPartCutAtEveryByte(t *testing.T) {
	const size = 2 * 512
	w := start(t, func(c *daemon.Config) { c.PartSize, c.MetricsListen = 512, "127.0.0.1:0" })
	s := w.create(t, "cut", noise(size))
	data := s.slot(0)
	whole := fmt.Sprintf("PUT /2.0/files/upload_sessions/%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\nDigest: %s\r\nContent-Range: %s\r\n\r\n%s",
		s.ID, w.Addr(), w.token, len(data), digestOf(data), contentRange(0, int64(len(data))-1, size), data)
	w.http.CloseIdleConnections()
	quiet := func() bool {
		m := w.metrics(t)
		w.http.CloseIdleConnections()
		return strings.Contains(m, "\nboxcar_upload_bodies_in_flight 0\n") && strings.Contains(m, "\nboxcar_http_connections 0\n") &&
			strings.Contains(m, "\nboxcar_http_requests_in_flight 0\n")
	}
	daemontest.Eventually(t, "nothing is under way yet", quiet)
	goroutines, memory := runtime.NumGoroutine(), heap()
	for n := range len(whole) {
		for _, end := range []string{"close", "reset", "half"} {
			c, err := net.Dial("tcp", w.Addr())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(c, whole[:n]); err != nil {
				t.Fatal(err)
			}
			switch end {
			case "reset":
				c.(*net.TCPConn).SetLinger(0)
			case "half":
				c.(*net.TCPConn).CloseWrite()
				c.SetReadDeadline(time.Now().Add(time.Minute))
				said, err := io.ReadAll(c)
				if err != nil {
					t.Fatalf("after %d bytes: %v", n, err)
				}
				if n >= len(whole)-len(data) && !strings.Contains(string(said), `"code":"request_size_mismatch"`) {
					t.Errorf("after %d bytes the answer is %q", n, said)
				}
				if strings.Contains(string(said), " 200 OK") || strings.Contains(string(said), "HTTP/1.1 5") {
					t.Errorf("after %d bytes the answer is %q", n, said)
				}
			}
			c.Close()
		}
	}
	daemontest.Eventually(t, "no connection, no body and no goroutine is left", func() bool { return quiet() && runtime.NumGoroutine() <= goroutines+2 })
	if now := heap(); now > memory+4<<20 {
		t.Errorf("%d bytes of memory are in use, and %d were before", now, memory)
	}
	s.count(t, 0)
	if left, err := filepath.Glob(filepath.Join(w.Config.Data, "tmp/*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if m := w.metrics(t); strings.Contains(m, `operation="part",outcome="ok"`) || strings.Contains(m, `class="5xx",method="PUT"`) {
		t.Error("a part that was cut off counts as stored, or as the server's fault")
	}
	// Sent whole, with the client's side closed behind it, it is stored.
	c, err := net.Dial("tcp", w.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, whole)
	c.(*net.TCPConn).CloseWrite()
	if said, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(said), "HTTP/1.1 200 ") {
		t.Errorf("sent whole, the answer is %q, %v", said, err)
	}
	s.commit(t, s.parts(t)).file()
}

// heap is how much memory is in use, in bytes.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
