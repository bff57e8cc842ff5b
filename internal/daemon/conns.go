package daemon

import (
	"container/list"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
)

const (
	defaultConnections        = 8192
	defaultAddressConnections = 1024
)

// connections bounds how many there are at once, in all and from one address.
// When there are too many, the one goes that has been idle the longest; if none
// is idle, the one that has said nothing for the longest since it came; and only
// then the newest.
type connections struct {
	most    int
	address int                   // from one address
	exempt  func(netip.Addr) bool // addresses with many people behind them

	refused atomic.Int64 // that were closed to keep within this

	mu    sync.Mutex
	all   map[net.Conn]*connection
	from  map[netip.Addr]int
	idle  list.List // of net.Conn, the longest idle first
	fresh list.List // of net.Conn that have said nothing, the oldest first
}

type connection struct {
	addr netip.Addr
	in   *list.List // where it waits; nil while it is at work
	at   *list.Element
}

func newConnections(c Config) *connections {
	return &connections{
		most: c.MaxConnections, address: c.AddressConnections,
		exempt: func(a netip.Addr) bool {
			for _, p := range c.TrustedProxies {
				if p.Contains(a) {
					return true
				}
			}
			return a.IsLoopback()
		},
		all: map[net.Conn]*connection{}, from: map[netip.Addr]int{},
	}
}

// state is http.Server.ConnState.
func (cs *connections) state(c net.Conn, now http.ConnState) {
	if out := cs.move(c, now); out != nil {
		cs.refused.Add(1)
		go out.Close() // over TLS that writes, and nobody is to wait for it here
	}
}

// move notes what a connection does, and says which one has to go.
func (cs *connections) move(c net.Conn, now http.ConnState) (out net.Conn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	have := cs.all[c]
	switch now {
	case http.StateNew:
		have = &connection{addr: remote(c)}
		cs.all[c] = have
		cs.from[have.addr]++
		have.wait(&cs.fresh, c)
		switch {
		case cs.from[have.addr] > cs.address && !cs.exempt(have.addr):
			out = c
		case len(cs.all) > cs.most:
			out = cs.longest(c)
		}
		if out != nil {
			cs.drop(out)
		}
		return out
	case http.StateClosed, http.StateHijacked:
		cs.drop(c)
		return nil
	}
	if have == nil {
		return nil // it has been told to go
	}
	have.work()
	if now == http.StateIdle {
		have.wait(&cs.idle, c)
	}
	return nil
}

// longest is what has waited for the longest, or the newcomer.
func (cs *connections) longest(newcomer net.Conn) net.Conn {
	for _, l := range []*list.List{&cs.idle, &cs.fresh} {
		if e := l.Front(); e != nil {
			return e.Value.(net.Conn)
		}
	}
	return newcomer
}

func (cs *connections) drop(c net.Conn) {
	have := cs.all[c]
	if have == nil {
		return
	}
	have.work()
	delete(cs.all, c)
	if cs.from[have.addr]--; cs.from[have.addr] == 0 {
		delete(cs.from, have.addr)
	}
}

func (c *connection) wait(in *list.List, conn net.Conn) { c.in, c.at = in, in.PushBack(conn) }

func (c *connection) work() {
	if c.in != nil {
		c.in.Remove(c.at)
		c.in, c.at = nil, nil
	}
}

func (cs *connections) count() int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return len(cs.all)
}

// remote is the address of the other side, or the zero Addr.
func remote(c net.Conn) netip.Addr {
	ap, _ := netip.ParseAddrPort(c.RemoteAddr().String())
	return ap.Addr().Unmap().WithZone("")
}
