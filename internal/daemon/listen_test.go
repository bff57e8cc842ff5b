package daemon

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"time"
)

// pair is a connection as a server has it, and its other side.
func pair(t *testing.T) (c *conn, reader *net.TCPConn) {
	if runtime.GOOS != "linux" {
		t.Skipf("WHAT SOCKETS HOLD IS NOT CHECKED on %s", runtime.GOOS)
	}
	l, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialed, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialed.Close() })
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { accepted.Close() })
	reader = dialed.(*net.TCPConn)
	reader.SetReadBuffer(4096)
	c = accepted.(*conn)
	c.SetWriteBuffer(3 << 20) // which the kernel does by itself for some
	return c, reader
}

// fits is how much a connection takes that nobody reads.
func fits(t *testing.T, c *conn) int64 {
	t.Helper()
	c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
	n, err := c.ReadFrom(zeros(16 << 20))
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("it took %d bytes, and %v", n, err)
	}
	return n
}

type nothing struct{}

func (nothing) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func zeros(n int64) io.Reader { return io.LimitReader(nothing{}, n) }

func TestWhoReadsNothingHoldsLittle(t *testing.T) {
	c, _ := pair(t)
	if n := fits(t, c); n > 2*sendAhead {
		t.Errorf("it took %d bytes, want at most %d", n, 2*sendAhead)
	}
}

// Who has been quick has more room, until it stops.
func TestWhoReadsQuicklyHasRoom(t *testing.T) {
	c, reader := pair(t)
	stop := make(chan struct{})
	stopped := make(chan struct{})
	reader.SetReadBuffer(1 << 20)
	go func() {
		defer close(stopped)
		b := make([]byte, 1<<20)
		for {
			select {
			case <-stop:
				return
			default:
				reader.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
				reader.Read(b)
			}
		}
	}()
	for range 40 * sendQuick >> 18 { // a busy machine may take a while
		if c.far {
			break
		}
		if _, err := c.ReadFrom(zeros(256 << 10)); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	<-stopped
	if n := fits(t, c); n < 4*sendAhead {
		t.Errorf("it took %d bytes, want at least %d", n, 4*sendAhead)
	}
	if c.far {
		t.Error("it has stopped, and still has room")
	}
	io.CopyN(io.Discard, reader, 1) // it goes on, a little
	if n := fits(t, c); n > 2*sendAhead {
		t.Errorf("it took another %d bytes, want at most %d", n, 2*sendAhead)
	}
}
