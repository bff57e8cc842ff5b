package httpapi_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"boxcar/internal/daemon"
)

// blocks writes in whole blocks, as OkHttp does until it has sent all of a
// body: what is left over stays here.
type blocks struct {
	w    io.Writer
	size int // bytes
	rest []byte
}

func (b *blocks) Write(p []byte) (int, error) {
	b.rest = append(b.rest, p...)
	whole := len(b.rest) / b.size * b.size
	_, err := b.w.Write(b.rest[:whole])
	b.rest = append(b.rest[:0], b.rest[whole:]...)
	return len(p), err
}

func (b *blocks) flush() error {
	_, err := b.w.Write(b.rest)
	b.rest = b.rest[:0]
	return err
}

// framed is an HTTP/2 connection on which a test writes frames by itself. It
// keeps account of what the server lets it send.
type framed struct {
	*http2.Framer
	t       *testing.T
	w       *wire
	out     *blocks
	frame   int64 // the largest that the server takes, bytes
	initial int64 // each stream's window, bytes
	window  int64 // what is left of the connection's
	streams map[uint32]int64
	status  map[uint32]string // of replies that have begun
	last    uint32
}

func dialFramed(t *testing.T, w *wire, block int) *framed {
	t.Helper()
	conn, err := net.Dial("tcp", w.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	out := &blocks{w: conn, size: block}
	c := &framed{Framer: http2.NewFramer(out, conn), t: t, w: w, out: out, frame: 16 << 10, initial: 64<<10 - 1, window: 64<<10 - 1,
		streams: map[uint32]int64{}, status: map[uint32]string{}}
	c.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	io.WriteString(out, http2.ClientPreface)
	c.WriteSettings()
	c.sent()
	for { // until the server knows that its settings hold
		if f, ok := c.read().(*http2.SettingsFrame); ok && f.IsAck() {
			return c
		}
	}
}

// sent flushes.
func (c *framed) sent() {
	c.t.Helper()
	if err := c.out.flush(); err != nil {
		c.t.Fatal(err)
	}
}

// read takes one frame in.
func (c *framed) read() http2.Frame {
	c.t.Helper()
	f, err := c.ReadFrame()
	if err != nil {
		c.t.Fatalf("read frame: %v; %d bytes are held back, and the windows left are %d and %v", err, len(c.out.rest), c.window, c.streams)
	}
	switch f := f.(type) {
	case *http2.SettingsFrame:
		if f.IsAck() {
			break
		}
		if v, ok := f.Value(http2.SettingMaxFrameSize); ok {
			c.frame = int64(v)
		}
		if v, ok := f.Value(http2.SettingInitialWindowSize); ok {
			c.initial = int64(v)
		}
		c.WriteSettingsAck()
		c.sent()
	case *http2.WindowUpdateFrame:
		if f.StreamID == 0 {
			c.window += int64(f.Increment)
		} else if _, open := c.streams[f.StreamID]; open {
			c.streams[f.StreamID] += int64(f.Increment)
		}
	case *http2.MetaHeadersFrame:
		c.status[f.StreamID] = f.PseudoValue("status")
	case *http2.RSTStreamFrame, *http2.GoAwayFrame:
		c.t.Fatalf("the server sent %v", f)
	}
	return f
}

// begin sends the headers of a PUT.
func (c *framed) begin(path string, length int, headers ...string) (stream uint32) {
	c.t.Helper()
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	headers = append([]string{":method", "PUT", ":scheme", "http", ":authority", c.w.Addr(), ":path", path,
		"authorization", "Bearer " + c.w.token, "content-length", strconv.Itoa(length)}, headers...)
	for i := 0; i < len(headers); i += 2 {
		e.WriteField(hpack.HeaderField{Name: headers[i], Value: headers[i+1]})
	}
	c.last = max(1, c.last+2)
	if c.last%2 == 0 {
		c.last++
	}
	if err := c.WriteHeaders(http2.HeadersFrameParam{StreamID: c.last, BlockFragment: b.Bytes(), EndHeaders: true}); err != nil {
		c.t.Fatal(err)
	}
	c.streams[c.last] = c.initial
	return c.last
}

// room is how much of a frame the stream may send now, bytes.
func (c *framed) room(stream uint32) int64 {
	return min(c.frame, c.window, c.streams[stream])
}

// data sends the next of body in a frame as large as may be, and returns the rest.
func (c *framed) data(stream uint32, body []byte) []byte {
	c.t.Helper()
	n := min(c.room(stream), int64(len(body)))
	if err := c.WriteData(stream, n == int64(len(body)), body[:n]); err != nil {
		c.t.Fatal(err)
	}
	c.window -= n
	c.streams[stream] -= n
	return body[n:]
}

// OkHttp, and so Box's SDK for Java, sends in blocks of 8 KiB, and waits for the
// window with the rest unsent. It must never wait for the answer to a frame
// whose end it holds back.
func TestHTTP2ClientsThatHoldBackBytes(t *testing.T) {
	t.Parallel()
	const part, block = 8 << 20, 8 << 10
	w := start(t, func(c *daemon.Config) { c.PartSize = part })
	s := w.create(t, "a", noise(2*part))
	for _, streams := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d streams", streams), func(t *testing.T) {
			c := dialFramed(t, w, block)
			bodies := map[uint32][]byte{}
			for i := range streams {
				says := s.says(i, s.slot(i))
				bodies[c.begin(s.path(""), part, "digest", says[1], "content-range", says[3])] = s.slot(i)
			}
			c.sent()
			for len(bodies) > 0 {
				var waits bool
				for id, body := range bodies {
					if waits = c.room(id) == 0; waits {
						continue
					}
					if bodies[id] = c.data(id, body); len(bodies[id]) == 0 {
						c.sent()
						delete(bodies, id)
					}
				}
				_ = waits
			}
		})
	}
}
