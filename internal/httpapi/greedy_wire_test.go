package httpapi_test

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"boxcar/internal/daemon"
	"boxcar/internal/daemon/daemontest"
)

// TestAUsersRequestsAreKeptToTheirRate, and nobody else's with them.
func TestAUsersRequestsAreKeptToTheirRate(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *daemon.Config) { c.HTTP.UserRate = 2 })
	ann := w.user(t, "ann@example.org", 0)
	let := 0
	var refused *reply
	for range 40 {
		r := ann.do(t, "GET", "/2.0/users/me", nil)
		if r.status == 429 {
			refused = r
			break
		}
		r.want(200)
		let++
	}
	if refused == nil || let < 10 || let > 20 {
		t.Fatalf("%d requests at once were let in at 2 a second", let)
	}
	refused.refused(429, "rate_limit_exceeded")
	if s, err := strconv.Atoi(refused.header.Get("Retry-After")); err != nil || s < 1 || s > 5 {
		t.Errorf("Retry-After is %q", refused.header.Get("Retry-After"))
	}
	w.do(t, "GET", "/2.0/users/me", nil).want(200)
	w.do(t, "GET", "/healthz", nil)
	w.Clock.Add(time.Second)
	ann.do(t, "GET", "/2.0/users/me", nil).want(200)
	ann.do(t, "GET", "/2.0/users/me", nil).want(200)
	w.Clock.Add(time.Hour) // being quiet for long saves up no more than a burst
	let = 0
	for range 40 {
		if ann.do(t, "GET", "/2.0/users/me", nil).status != 200 {
			break
		}
		let++
	}
	if let > 20 {
		t.Errorf("%d requests at once were let in after an hour", let)
	}
}

// half sends the head of a request and the beginning of its body, and no more.
func (w *wire) half(t *testing.T, method, path string, length int, sent string, headers ...string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", w.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", method, path, w.Addr(), length)
	if w.token != "" {
		head += "Authorization: Bearer " + w.token + "\r\n"
	}
	for i := 0; i < len(headers); i += 2 {
		head += headers[i] + ": " + headers[i+1] + "\r\n"
	}
	if _, err := io.WriteString(c, head+"\r\n"+sent); err != nil {
		t.Fatal(err)
	}
	return c
}

func statusOf(t *testing.T, c net.Conn) string {
	t.Helper()
	b := make([]byte, 12)
	if _, err := io.ReadFull(c, b); err != nil {
		t.Fatalf("no reply: %v", err)
	}
	return string(b[9:])
}

// TestAUsersRequestsAtOnceAreBounded while others come in.
func TestAUsersRequestsAtOnceAreBounded(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *daemon.Config) { c.HTTP.UserRequests = 3 })
	ann := w.user(t, "ann@example.org", 0)
	var open []net.Conn
	for range 3 {
		open = append(open, ann.half(t, "POST", "/2.0/folders", 1000, `{"name":`))
	}
	daemontest.Eventually(t, "the fourth request is refused", func() bool {
		return ann.do(t, "GET", "/2.0/users/me", nil).status == 429
	})
	w.do(t, "GET", "/2.0/users/me", nil).want(200)
	open[0].Close()
	daemontest.Eventually(t, "a place is free again", func() bool {
		return ann.do(t, "GET", "/2.0/users/me", nil).status == 200
	})
}

// TestBodiesTakenInAtOnceAreBounded: of one user, who is told at once, and of all, for a
// place among whom others wait.
func TestBodiesTakenInAtOnceAreBounded(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *daemon.Config) {
		c.MetricsListen = "127.0.0.1:0"
		c.Uploads.Writers, c.Uploads.UserWriters, c.Uploads.Wait = 3, 2, 500*time.Millisecond
	})
	ann, bob, cid := w.user(t, "ann@example.org", 0), w.user(t, "bob@example.org", 0), w.user(t, "cid@example.org", 0)
	taken := 0
	hold := func(u *wire, s *session, part int) net.Conn {
		t.Helper()
		taken++
		c := u.half(t, "PUT", s.path(""), partSize, string(s.slot(part)[:10]), s.says(part, s.slot(part))...)
		daemontest.Eventually(t, fmt.Sprint(taken, " bodies in flight"), func() bool {
			return strings.Contains(w.metrics(t), fmt.Sprintf("\nboxcar_upload_bodies_in_flight %d\n", taken))
		})
		return c
	}
	theirs := ann.create(t, "a", noise(3*partSize))
	first := hold(ann, theirs, 0)
	hold(ann, theirs, 1)
	refused := theirs.put(t, 2)
	refused.refused(429, "rate_limit_exceeded")
	if refused.header.Get("Retry-After") != "1" {
		t.Errorf("%v", refused)
	}
	hold(bob, bob.create(t, "b", noise(2*partSize)), 0)
	late := cid.create(t, "c", noise(2*partSize)).put(t, 0)
	late.refused(503, "unavailable")
	if late.header.Get("Retry-After") != "1" {
		t.Errorf("%v", late)
	}
	first.Close()
	daemontest.Eventually(t, "there is a place again", func() bool {
		return cid.create(t, fmt.Sprint("d ", time.Now()), noise(2*partSize)).put(t, 0).status == 200
	})
	theirs.put(t, 2).want(200)
}

// TestBodiesInMemoryAreBounded: of one user, of all, and given back.
func TestBodiesInMemoryAreBounded(t *testing.T) {
	t.Parallel()
	const share = 1 << 20
	w := start(t, func(c *daemon.Config) { c.HTTP.UserMemory, c.HTTP.Memory = share, 2*share })
	ann, bob, cid := w.user(t, "ann@example.org", 0), w.user(t, "bob@example.org", 0), w.user(t, "cid@example.org", 0)
	body := `{"name":"` + strings.Repeat("x", 700<<10)
	path := "/2.0/folders"
	hold := func(u *wire) net.Conn { return u.half(t, "POST", path, 1<<20, body) }
	a, b := hold(ann), hold(bob)
	time.Sleep(100 * time.Millisecond) // they are read to where they stop
	if got := statusOf(t, hold(ann)); got != "429" {
		t.Errorf("the same user's second large body: %s, want 429", got)
	}
	if got := statusOf(t, hold(cid)); got != "503" {
		t.Errorf("a third user's, with all memory taken: %s, want 503", got)
	}
	// Small ones are always taken, and long ones that nothing has come of yet.
	cid.do(t, "POST", path, `{"name":"small","parent":{"id":"0"}}`).want(201)
	ann.half(t, "POST", path, 1<<20, "{")
	a.Close()
	b.Close()
	daemontest.Eventually(t, "the memory is given back", func() bool {
		return cid.do(t, "POST", path, fmt.Sprintf(`{"name":%q,"parent":{"id":"0"},"more":%q}`, time.Now(), strings.Repeat("x", 700<<10))).status == 201
	})
}

// TestABodyWithoutATokenHasLittleTime, however steadily it comes.
func TestABodyWithoutATokenHasLittleTime(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *daemon.Config) { c.HTTP.OpenBody = 500 * time.Millisecond })
	w.token = ""
	began := time.Now()
	c := w.half(t, "POST", "/oauth2/token", 5000, "grant_type=")
	go func() {
		for {
			if _, err := c.Write([]byte("x")); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	if got := statusOf(t, c); got != "408" {
		t.Errorf("the reply is %s, want 408", got)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it came after %s", took)
	}
}
