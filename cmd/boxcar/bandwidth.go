package main

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/http"
	"strings"

	"github.com/dustin/go-humanize"
	"golang.org/x/time/rate"
)

// bandwidth is a number of bytes a second, such as 10M.
type bandwidth float64

// slowest is the least rate, in bytes a second: below it a connection of several
// would count as dead while it waits for its turn.
const slowest = 10_000

// UnmarshalText reads 500k, 10M, 10MiB/s.
func (b *bandwidth) UnmarshalText(text []byte) error {
	n, err := humanize.ParseBytes(strings.TrimSuffix(string(text), "/s"))
	if err != nil || n < slowest {
		return fmt.Errorf("%q is no rate: one is as 500k, 10M or 10MiB, in bytes a second, and at least 10k", text)
	}
	*b = bandwidth(n)
	return nil
}

// amount is a number of bytes, such as 20G.
type amount int64

// UnmarshalText reads 1000, 500k, 20G, 20GiB.
func (a *amount) UnmarshalText(text []byte) error {
	n, err := humanize.ParseBytes(string(text))
	if err != nil || n < 1 || n > math.MaxInt64 {
		return fmt.Errorf("%q is no number of bytes: one is as 1000, 500k, 20G or 20GiB", text)
	}
	*a = amount(n)
	return nil
}

// burst is how much is sent or received between two looks at the clock, in bytes.
const burst = 16 << 10

// limited keeps what all connections of a transport move together, in each
// direction, below a rate in bytes a second; 0 is no limit.
func limited(t *http.Transport, most float64) *http.Transport {
	if most <= 0 {
		return t
	}
	up, down := rate.NewLimiter(rate.Limit(most), burst), rate.NewLimiter(rate.Limit(most), burst)
	t.WriteBufferSize = burst
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		life, end := context.WithCancel(context.WithoutCancel(ctx))
		return &slowConn{Conn: conn, life: life, end: end, up: up, down: down}, nil
	}
	return t
}

type slowConn struct {
	net.Conn
	life     context.Context // of the connection
	end      context.CancelFunc
	up, down *rate.Limiter
}

func (c *slowConn) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		m := min(len(p), burst)
		if c.up.WaitN(c.life, m) != nil {
			return n, net.ErrClosed
		}
		m, err = c.Conn.Write(p[:m])
		n += m
		if err != nil {
			return n, err
		}
		p = p[m:]
	}
	return n, nil
}

// Read pays for what has come afterwards: how much that will be is not known.
func (c *slowConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p[:min(len(p), burst)])
	if n > 0 && c.down.WaitN(c.life, n) != nil {
		return n, net.ErrClosed
	}
	return n, err
}

func (c *slowConn) Close() error {
	c.end()
	return c.Conn.Close()
}
