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
	last    uint32            // stream
}

func dialFramed(t *testing.T, w *wire, block int) *framed {
	t.Helper()
	conn, err := net.Dial("tcp", w.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	out := &blocks{w: conn, size: block}
	c := &framed{Framer: http2.NewFramer(out, conn), t: t, w: w, out: out, frame: 16 << 10, initial: 64<<10 - 1, window: 64<<10 - 1,
		streams: map[uint32]int64{}, status: map[uint32]string{}, last: ^uint32(0)}
	c.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	io.WriteString(out, http2.ClientPreface)
	c.WriteSettings()
	c.sent()
	// The server widens the connection's window at once, and knows after a
	// while that its settings are known.
	for known := false; !known || c.window < 64<<10; {
		if f, ok := c.read().(*http2.SettingsFrame); ok && f.IsAck() {
			known = true
		}
	}
	return c
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
	c.last += 2
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

// send sends bodies by stream, each frame as large as may be, and reads only
// when it can't send.
func (c *framed) send(bodies map[uint32][]byte) {
	c.t.Helper()
	for len(bodies) > 0 {
		waits := true
		for id, body := range bodies {
			if c.room(id) == 0 {
				continue
			}
			waits = false
			if bodies[id] = c.data(id, body); len(bodies[id]) == 0 {
				c.sent()
				delete(bodies, id)
			}
		}
		if waits {
			c.read()
		}
	}
}

// replied waits for a reply to each of the streams, which has to be a 200.
func (c *framed) replied(streams ...uint32) {
	c.t.Helper()
	for _, id := range streams {
		for c.status[id] == "" {
			c.read()
		}
		if c.status[id] != "200" {
			c.t.Errorf("stream %d: status %s", id, c.status[id])
		}
	}
}

// part begins to send part i.
func (c *framed) part(s *session, i int) (stream uint32) {
	c.t.Helper()
	says := s.says(i, s.slot(i))
	return c.begin(s.path(""), len(s.slot(i)), "digest", says[1], "content-range", says[3])
}

// OkHttp, and so Box's SDK for Java, sends a body in blocks of 8 KiB, and may
// wait for a window with less than that unsent. The window has to come, though
// the last frame has not come whole.
func TestHTTP2ClientHoldsBackTheEndOfAFrame(t *testing.T) {
	t.Parallel()
	const part, block = 12 << 20, 8 << 10 // a part is more than any window
	w := start(t, func(c *daemon.Config) { c.PartSize = part })
	for _, streams := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d streams", streams), func(t *testing.T) {
			s := w.create(t, t.Name()[len("TestHTTP2ClientHoldsBackTheEndOfAFrame/"):], noise(streams*part))
			c := dialFramed(t, w, block)
			bodies, ids := map[uint32][]byte{}, []uint32{}
			for i := range streams {
				id := c.part(s, i)
				bodies[id], ids = s.slot(i), append(ids, id)
			}
			c.sent()
			c.send(bodies)
			c.replied(ids...)
		})
	}
}

// A body that waits for its turn, as far as it has come, must not fill the
// window of the connection: those that it waits for may come by the same one.
func TestHTTP2BodyWaitsItsTurn(t *testing.T) {
	t.Parallel()
	const part = 12 << 20 // more than any window
	w := start(t, func(c *daemon.Config) { c.PartSize, c.Uploads.Writers = part, 1 })
	s := w.create(t, "a", noise(2*part))
	c := dialFramed(t, w, 1)

	first, rest := c.part(s, 0), s.slot(0)
	rest = c.data(first, rest)
	for left := c.streams[first]; c.streams[first] == left; { // until it is being read
		c.read()
	}
	second, waiting := c.part(s, 1), s.slot(1)
	for c.room(second) > 0 {
		waiting = c.data(second, waiting)
	}
	c.send(map[uint32][]byte{first: rest})
	c.replied(first)
	c.send(map[uint32][]byte{second: waiting})
	c.replied(second)
}
