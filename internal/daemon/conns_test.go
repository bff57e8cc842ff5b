package daemon

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

// peer is a connection from an address that tells whether it was closed.
type peer struct {
	net.Conn
	name   string
	addr   string
	closed chan struct{}
}

func (p *peer) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(p.addr)) }
func (p *peer) Close() error         { close(p.closed); return nil }

// crowd is connections as a server sees them come and go.
type crowd struct {
	t  *testing.T
	cs *connections
	n  int
}

func (c *crowd) comes(addr string) *peer {
	c.n++
	p := &peer{name: fmt.Sprint("connection ", c.n), addr: fmt.Sprintf("%s:%d", addr, c.n), closed: make(chan struct{})}
	c.cs.state(p, http.StateNew)
	return p
}

func (c *crowd) does(p *peer, states ...http.ConnState) *peer {
	for _, s := range states {
		c.cs.state(p, s)
	}
	return p
}

func (c *crowd) goes(p *peer) {
	c.t.Helper()
	select {
	case <-p.closed:
	case <-time.After(5 * time.Second):
		c.t.Fatalf("%s stays", p.name)
	}
	c.does(p, http.StateClosed)
}

func (c *crowd) stay(all ...*peer) {
	c.t.Helper()
	for _, p := range all {
		select {
		case <-p.closed:
			c.t.Errorf("%s was closed", p.name)
		default:
		}
	}
}

func TestTheIdleGoFirst(t *testing.T) {
	c := &crowd{t: t, cs: newConnections(Config{MaxConnections: 4, AddressConnections: 100})}
	atWork := c.does(c.comes("192.0.2.1"), http.StateActive)
	silent := c.comes("192.0.2.2")
	idle := c.does(c.comes("192.0.2.3"), http.StateActive, http.StateIdle)
	later := c.does(c.comes("192.0.2.4"), http.StateActive, http.StateIdle)
	c.stay(atWork, silent, idle, later)

	a := c.does(c.comes("192.0.2.5"), http.StateActive)
	c.goes(idle)
	c.stay(atWork, silent, later, a)
	c.does(later, http.StateActive) // goes on just in time
	b := c.does(c.comes("192.0.2.6"), http.StateActive)
	c.goes(silent)
	c.stay(atWork, later, a, b)
	newest := c.comes("192.0.2.7") // all others are at work
	c.goes(newest)
	c.stay(atWork, later, a, b)
	if n, refused := c.cs.count(), c.cs.refused.Load(); n != 4 || refused != 3 {
		t.Errorf("%d are there, %d were refused, want 4 and 3", n, refused)
	}
	for _, p := range []*peer{atWork, later, a, b} {
		c.does(p, http.StateClosed)
	}
	if n := c.cs.count(); n != 0 || len(c.cs.from) != 0 || c.cs.idle.Len() != 0 || c.cs.fresh.Len() != 0 {
		t.Errorf("%d are left, %v, %d, %d", n, c.cs.from, c.cs.idle.Len(), c.cs.fresh.Len())
	}
}

func TestOneAddressDoesNotTakeAll(t *testing.T) {
	c := &crowd{t: t, cs: newConnections(Config{MaxConnections: 100, AddressConnections: 2, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})}
	a, b := c.comes("192.0.2.1"), c.comes("192.0.2.1")
	c.goes(c.comes("192.0.2.1"))
	c.stay(a, b, c.comes("192.0.2.2"))
	c.does(a, http.StateClosed)
	c.stay(b, c.comes("192.0.2.1"))
	for range 5 {
		c.stay(c.comes("10.1.2.3"), c.comes("127.0.0.1"))
	}
}
