package daemon

import "net"

// sendAhead is how much of a reply may wait in the kernel that has not been sent,
// in bytes for each connection, where the system can bound that. What is under
// way is not counted, so nothing gets slower over a distance. Without it a client that
// reads nothing holds megabytes, and a thousand of them all the memory that the
// kernel lets TCP have: it then shrinks the receive windows of everybody's uploads.
const sendAhead = 256 << 10

// listen is net.Listen with sendAhead for each connection.
func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	return sendingLess{l}, nil
}

type sendingLess struct{ net.Listener }

// Accept sets what connections do not inherit from a listener that speaks
// multipath TCP, as Go's do.
func (l sendingLess) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		boundSending(tcp, sendAhead)
	}
	return c, err
}
