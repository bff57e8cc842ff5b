package daemon

import (
	"io"
	"net"
	"time"
)

// How much of a reply may wait in the kernel that has not been sent, in bytes for
// each connection, where the system can bound that. What is under way is not
// counted, so nothing gets slower over a distance. Without it a client that
// reads nothing holds megabytes, and a thousand of them all the memory that the
// kernel lets TCP have: it then shrinks the receive windows of everybody's uploads.
const (
	sendAhead = 256 << 10
	// To clients on the machine itself more is faster, by some 8 %. It is for those who have
	// taken sendQuick at once, in pieces of which none took longer than quickly.
	sendFarAhead = 4 << 20
	sendQuick    = 16 << 20
	quickly      = 50 * time.Millisecond
)

// listen is net.Listen with sendAhead for each connection.
func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	return listener{l}, nil
}

type listener struct{ net.Listener }

// Accept sets what connections do not inherit from a listener that speaks
// multipath TCP, as Go's do.
func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		boundSending(tcp, sendAhead)
		return &conn{TCPConn: tcp}, nil
	}
	return c, err
}

// conn goes by how it is read.
type conn struct {
	*net.TCPConn
	quick int64 // bytes sent at once
	far   bool
}

// ReadFrom has the kernel send what it can. net/http calls it for one reply after another.
func (c *conn) ReadFrom(r io.Reader) (n int64, err error) {
	began := time.Now()
	n, err = c.TCPConn.ReadFrom(r)
	if c.quick += n; time.Since(began) > quickly {
		c.quick = 0
	}
	if far := c.quick >= sendQuick; far != c.far {
		c.far = far
		if far {
			boundSending(c.TCPConn, sendFarAhead)
		} else {
			boundSending(c.TCPConn, sendAhead)
		}
	}
	return n, err
}
