package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	slowAlone = "boxcar, alone"
	slowCrowd = "boxcar, beside them"

	slowMany  = 5000            // connections
	slowEvery = 3 * time.Second // between two bytes of each
)

// slow is boxcar beside itself with thousands of connections that say, or read,
// a byte now and then.
func (b *bench) slow(name string, u upload) contest {
	c := contest{name: name, figures: uploadFigures, ratios: uploadRatios}
	t, ok := b.targets["boxcar"]
	if !ok {
		return c
	}
	beside := b.served(t, slowCrowd, u.part, func(ctx context.Context, s *server, round int) (sample, error) {
		f, err := b.materials.file(u.size, u.part)
		if err != nil {
			return nil, err
		}
		crowd, err := b.crowd(ctx, s)
		if err != nil {
			return nil, err
		}
		defer crowd.leave()
		to, err := t.sender(s, u.files*u.parallel)
		if err != nil {
			return nil, err
		}
		defer to.close()
		got, err := u.measure(ctx, s, to, f, round)
		if err == nil {
			err = crowd.there()
		}
		return got, err
	})
	c.contestants = []contestant{u.contestant(b, t, slowAlone), beside}
	return c
}

// crowd is slow connections. One that the server closes comes again.
type crowd struct {
	open  atomic.Int64
	leave func() // ends all
}

// there fails if fewer are open than there are to be.
func (c *crowd) there() error {
	if n := c.open.Load(); n < slowMany*9/10 {
		return fmt.Errorf("of %d slow connections %d were open", slowMany, n)
	}
	return nil
}

// crowd has all of them come. They have a user of their own, who may have as
// many parts in flight as a user may.
func (b *bench) crowd(ctx context.Context, s *server) (*crowd, error) {
	asks := newBoxcar(s.url, 1, nil)
	defer asks.close()
	if _, err := asks.do(ctx, "GET", "/healthz", nil, 0, 200); err != nil { // it listens before its data is there
		return nil, err
	}
	token, err := slowUser(ctx, b.binaries["boxcar"], filepath.Join(b.place("boxcar"), "data"))
	if err != nil {
		return nil, err
	}
	says, err := b.slowSays(ctx, asks, token)
	if err != nil {
		return nil, err
	}
	at, err := url.Parse(s.url)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	c := new(crowd)
	var wg sync.WaitGroup
	c.leave = func() {
		cancel()
		wg.Wait()
	}
	for i := range slowMany {
		wg.Go(func() { c.one(ctx, at.Host, says[i%len(says)]) })
	}
	for limit := time.Now().Add(30 * time.Second); c.open.Load() < slowMany; time.Sleep(50 * time.Millisecond) {
		if ctx.Err() != nil || time.Now().After(limit) {
			c.leave()
			return nil, errors.Join(ctx.Err(), c.there())
		}
	}
	time.Sleep(2 * slowEvery) // what their coming costs is not meant
	return c, nil
}

// slowUser makes a user, and a token.
func slowUser(ctx context.Context, binary, data string) (token string, err error) {
	for _, args := range [][]string{
		{"user", "add", "slow@example.org", "--data", data, "--name", "Slow", "--generate-password"},
		{"token", "--data", data, "--user", "slow@example.org", "--life", "1h"},
	} {
		cmd := exec.CommandContext(ctx, binary, args...)
		var why strings.Builder
		cmd.Stderr = &why
		out, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("boxcar %s: %w: %s", args[0], err, why.String())
		}
		token = strings.TrimSpace(string(out))
	}
	return token, nil
}

// slowSay is what a connection says at once, and whether it then reads slowly
// instead of saying more.
type slowSay struct {
	text  string
	reads bool
}

// slowSays are heads without an end, bodies of parts, downloads, and connections
// kept after a request.
func (b *bench) slowSays(ctx context.Context, c boxcar, token string) ([]slowSay, error) {
	f, err := b.materials.file(part8, part8)
	if err != nil {
		return nil, err
	}
	c.client.allow = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	id, err := c.putFile(ctx, f, "slow")
	if err != nil {
		return nil, err
	}
	at, _, err := c.createSession(ctx, part8, "slow too")
	if err != nil {
		return nil, err
	}
	got, err := c.do(ctx, "GET", "/2.0/files/"+id+"/content", nil, 0, 302)
	if err != nil {
		return nil, err
	}
	content, err := url.Parse(got.header.Get("Location"))
	if err != nil {
		return nil, err
	}
	return []slowSay{
		{text: "GET /2.0/users/me HTTP/1.1\r\nHost: x\r\nX-Slow: a"},
		{text: fmt.Sprintf("PUT %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\nContent-Range: bytes 0-%d/%d\r\nDigest: sha=AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n%s",
			at, token, part8, part8-1, part8, strings.Repeat("a", 5000))},
		{text: fmt.Sprintf("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", content.RequestURI()), reads: true},
		{text: "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", reads: true},
	}, nil
}

// one is one of them, again and again.
func (c *crowd) one(ctx context.Context, host string, say slowSay) {
	for ctx.Err() == nil {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", host)
		if err != nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		c.open.Add(1)
		drip(ctx, conn, say)
		conn.Close()
		c.open.Add(-1)
	}
}

// drip is slow until the connection or ctx ends.
func drip(ctx context.Context, conn net.Conn, say slowSay) {
	if tcp, ok := conn.(*net.TCPConn); ok && say.reads {
		tcp.SetReadBuffer(4096)
	}
	if _, err := conn.Write([]byte(say.text)); err != nil {
		return
	}
	tick := time.NewTicker(slowEvery)
	defer tick.Stop()
	for b := []byte("a"); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var err error
		if say.reads {
			conn.SetReadDeadline(time.Now().Add(time.Millisecond))
			if _, err = conn.Read(b); errors.Is(err, os.ErrDeadlineExceeded) {
				err = nil
			}
		} else {
			_, err = conn.Write(b)
		}
		if err != nil {
			return
		}
	}
}
