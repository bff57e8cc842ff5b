package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	limits "golang.org/x/time/rate"
)

// link is what a distance does to each connection. The zero link does nothing.
type link struct {
	trip time.Duration // there and back
	rate float64       // bytes a second in each direction; 0 is as many as come
}

// wayChunk is how much is moved at a time, in bytes: at 25 MB/s 200 times a second.
const wayChunk = 128 << 10

// wayChunks is how many are on their way in one direction before the sender has to
// wait: at 25 ms more than 1 GB/s.
const wayChunks = 256

// way is a proxy to a server, over a link. What it makes of the link is the best
// that there could be: nothing is lost, and no window of its own has to open
// first, as TCP's has over a real distance.
type way struct {
	link
	dial func() (net.Conn, error)

	listeners []net.Listener
	done      chan struct{}
	work      sync.WaitGroup
	sent      atomic.Int64 // bytes that have come for the server
}

// newWay makes one to addr. Its address is that of listen, and of tunnel.
func newWay(addr string, l link) *way {
	return &way{link: l, dial: func() (net.Conn, error) { return net.Dial("tcp", addr) }, done: make(chan struct{})}
}

func (w *way) open() (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		w.listeners = append(w.listeners, l)
	}
	return l, err
}

// listen is an address that stands for the server's.
func (w *way) listen() (addr string, err error) {
	l, err := w.open()
	if err != nil {
		return "", err
	}
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			w.work.Go(func() { w.join(near) })
		}
	}()
	return l.Addr().String(), nil
}

// tunnel is the URL of a proxy for clients whose hosts are fixed: whatever host
// they CONNECT to is the server. That it answers takes no round trip.
func (w *way) tunnel() (url string, err error) {
	l, err := w.open()
	if err != nil {
		return "", err
	}
	go http.Serve(l, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			rw.WriteHeader(http.StatusBadGateway)
			return
		}
		near, _, err := rw.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n")
		w.work.Go(func() { w.join(near) })
	}))
	return "http://" + l.Addr().String(), nil
}

// close ends all connections, and returns when they have ended.
func (w *way) close() {
	for _, l := range w.listeners {
		l.Close()
	}
	close(w.done)
	w.work.Wait()
}

// join is a connection, from its handshake to its end.
func (w *way) join(near net.Conn) {
	defer near.Close()
	time.Sleep(w.trip)
	far, err := w.dial()
	if err != nil {
		return
	}
	defer far.Close()
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-w.done:
			near.Close()
			far.Close()
		case <-over:
		}
	}()
	var both sync.WaitGroup
	carry := func(to, from net.Conn, n *atomic.Int64) {
		if err := w.carry(to, from, n); err != nil {
			near.Close()
			far.Close()
		} else if half, ok := to.(interface{ CloseWrite() error }); ok {
			half.CloseWrite()
		}
	}
	both.Go(func() { carry(far, near, &w.sent) })
	both.Go(func() { carry(near, far, new(atomic.Int64)) })
	both.Wait()
}

// chunk is some bytes on their way, and when they are there.
type chunk struct {
	buf *[wayChunk]byte
	n   int
	at  time.Time
}

var chunks = sync.Pool{New: func() any { return new([wayChunk]byte) }}

// carry moves bytes in one direction, until from ends, and counts them.
func (l link) carry(to, from net.Conn, count *atomic.Int64) error {
	if l == (link{}) { // by the kernel
		n, err := io.Copy(to, from)
		count.Add(n)
		return err
	}
	under := make(chan chunk, wayChunks)
	var writeErr error
	var writing sync.WaitGroup
	writing.Go(func() {
		for c := range under {
			time.Sleep(time.Until(c.at))
			if writeErr == nil {
				if _, writeErr = to.Write(c.buf[:c.n]); writeErr != nil {
					from.Close()
				}
			}
			chunks.Put(c.buf)
		}
	})
	limit := limits.NewLimiter(limits.Inf, 0)
	if l.rate > 0 {
		// Twice a chunk, so that to be woken late costs nothing.
		limit = limits.NewLimiter(limits.Limit(l.rate), 2*wayChunk)
	}
	var readErr error
	for readErr == nil {
		c := chunk{buf: chunks.Get().(*[wayChunk]byte)}
		if c.n, readErr = from.Read(c.buf[:]); c.n > 0 {
			count.Add(int64(c.n))
			limit.WaitN(context.Background(), c.n)
			c.at = time.Now().Add(l.trip / 2)
			under <- c
		}
	}
	close(under)
	writing.Wait()
	if errors.Is(readErr, io.EOF) {
		readErr = nil
	}
	return errors.Join(readErr, writeErr)
}
