//go:build linux || darwin

package daemon

import (
	"net"

	"golang.org/x/sys/unix"
)

// boundSending does nothing where it can't: the connection works without.
func boundSending(c *net.TCPConn, bytes int) {
	if raw, err := c.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) {
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, bytes)
		})
	}
}
