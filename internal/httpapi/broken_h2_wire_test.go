package httpapi_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"boxcar/internal/daemon"
)

// frames is how a request is put into frames of HTTP/2.
type frames struct {
	pieces   []int // sizes of DATA frames, again and again; nil: as large as may be
	padding  int   // bytes, of each
	split    int   // bytes of the head in one frame; 0: as many as fit
	noise    bool  // frames between them that mean nothing
	trailers [][2]string
	pseudo   [][2]string // in the place of the right ones
	behind   [][2]string // pseudo headers behind the others
	cancels  bool        // the stream is reset
	cancel   int         // behind so many bytes of the body
	stall    bool        // the end does not come
	again    bool        // another head in the middle
}

// breakFrames breaks what a request is in HTTP/2 alone.
func (q *request) breakFrames(rnd *rand.Rand, _ []string) {
	n := len(q.body)
	how := rnd.IntN(14)
	switch how {
	case 0:
		q.set("Content-Length", strconv.Itoa(n+1+rnd.IntN(1000)))
		q.cut = true
	case 1:
		q.set("Content-Length", strconv.Itoa(max(0, n-1-rnd.IntN(20))))
		q.cut = true
	case 2:
		q.set("Content-Length", []string{"-1", "+5", "0x5", "5, 5", "99999999999999999999", "", "five"}[rnd.IntN(7)])
		q.cut = true
	case 3:
		q.frames.cancels, q.frames.cancel, q.cut = true, rnd.IntN(n+1), true
	case 4:
		q.frames.pieces = []int{1 + rnd.IntN(100), 0, 1, 2000}
	case 5:
		q.frames.pieces, q.frames.padding = []int{1000, 0}, rnd.IntN(200)
	case 6:
		q.frames.trailers = [][2]string{{"x-trailer", oddValue(rnd)}, {"content-length", "7"}, {"authorization", "Bearer x"}}
		q.cut = q.cut || !httpguts.ValidHeaderFieldValue(q.frames.trailers[0][1])
	case 7:
		q.frames.trailers, q.cut = [][2]string{{":path", "/"}, {"Upper", "x"}}, true
	case 8: // the server has to lose patience, which takes its time
		if q.frames.stall = rnd.IntN(20) == 0; !q.frames.stall {
			q.frames.cancels, q.frames.cancel, q.cut = true, n, true
		}
	case 9:
		right := [][2]string{{":method", q.method}, {":scheme", "https"}, {":path", q.target}}
		at := rnd.IntN(3)
		switch rnd.IntN(4) {
		case 0:
			right = slices.Delete(right, at, at+1)
		case 1:
			right = append(right, right[at])
		case 2:
			right[at][1] = oddValue(rnd)
		case 3:
			right = append(right, [2]string{":odd", "x"}, [2]string{":status", "200"})
		}
		q.frames.pseudo, q.cut = right, true
	case 10:
		q.frames.behind, q.cut = [][2]string{{":authority", "evil.example"}}, true
	case 11:
		q.frames.again, q.cut = true, true
	case 12:
		q.frames.noise, q.frames.split = true, 1+rnd.IntN(50)
	case 13:
		q.set("Expect", "100-continue")
	}
	q.breaks("frames %d: %+v, content-length %q", how, q.frames, q.get("Content-Length"))
}

// head is a request's, as HTTP/2 has it.
func (q *request) head() (fields [][2]string) {
	if fields = q.frames.pseudo; fields == nil {
		fields = [][2]string{{":method", q.method}, {":scheme", "https"}, {":path", q.target}}
	}
	host := false
	var rest [][2]string
	for _, h := range q.headers {
		if strings.EqualFold(h[0], "host") && !host {
			host = true
			fields = append(fields, [2]string{":authority", h[1]})
			continue
		}
		rest = append(rest, [2]string{strings.ToLower(h[0]), h[1]})
	}
	if len(q.body) > 0 && q.get("Content-Length") == "" && !q.frames.stall && !q.cut {
		rest = append(rest, [2]string{"content-length", strconv.Itoa(len(q.body))})
	}
	return slices.Concat(fields, rest, q.frames.behind)
}

// inFrames is over a connection of HTTP/2 and TLS, the same as long as it lasts.
type inFrames struct {
	w     *wire
	roots *x509.CertPool

	conn   *tls.Conn // nil: there is none
	frame  *http2.Framer
	block  bytes.Buffer
	encode *hpack.Encoder
	last   uint32 // stream
	window int64  // of the connection
	first  int64  // of a stream
}

func (f *inFrames) breakages() []breakage {
	return slices.Concat(shared, []breakage{(*request).breakFrames, (*request).breakFrames})
}

func (f *inFrames) close() {
	if f.conn != nil {
		f.conn.Close()
		f.conn = nil
	}
}

// proper leaves out what net/http ends or refuses by itself on HTTP/2.
func (f *inFrames) proper(q *request) bool {
	if _, err := url.ParseRequestURI(q.target); err != nil || q.method == "" || q.method == "CONNECT" || q.cut {
		return false
	}
	size := 0
	for i, h := range q.head() {
		size += len(h[0]) + len(h[1]) + 32
		pseudo := i < 3 || h[0] == ":authority"
		if !httpguts.ValidHeaderFieldValue(h[1]) || !pseudo && !httpguts.ValidHeaderFieldName(h[0]) {
			return false
		}
		switch h[0] {
		case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
			return false
		case "te":
			if h[1] != "trailers" {
				return false
			}
		}
	}
	return size < 60<<10
}

func (f *inFrames) send(q *request) (resp *http.Response, body []byte, next *http.Response, err error) {
	if f.conn == nil {
		if err := f.dial(); err != nil {
			return nil, nil, nil, err
		}
	}
	resp, body, err = f.exchange(q)
	if err != nil || f.conn == nil {
		f.close()
		return resp, body, nil, err
	}
	good := &request{method: "GET", target: "/2.0/users/me", headers: [][2]string{{"Host", f.w.Addr()}, {"Authorization", "Bearer " + f.w.token}}}
	next, _, err = f.exchange(good)
	if next == nil {
		f.close() // of a stream that net/http never took for one, the rest of the body may have been too much
	}
	return resp, body, next, err
}

func (f *inFrames) dial() (err error) {
	if f.conn, err = tls.Dial("tcp", f.w.Addr(), &tls.Config{RootCAs: f.roots, NextProtos: []string{"h2"}}); err != nil {
		f.conn = nil
		return err
	}
	if p := f.conn.ConnectionState().NegotiatedProtocol; p != "h2" {
		return fmt.Errorf("the server speaks %q", p)
	}
	f.conn.SetDeadline(time.Now().Add(answerWait))
	f.frame = http2.NewFramer(f.conn, f.conn)
	f.frame.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	f.encode = hpack.NewEncoder(&f.block)
	f.last, f.window, f.first = ^uint32(0), 64<<10-1, 64<<10-1
	io.WriteString(f.conn, http2.ClientPreface)
	const plenty = 1 << 30
	return errors.Join(f.frame.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: plenty}), f.frame.WriteWindowUpdate(0, plenty))
}

// exchange sends one request and takes its answer in; nil is a stream that was reset.
// When the connection has ended, f.conn is nil.
func (f *inFrames) exchange(q *request) (*http.Response, []byte, error) {
	f.conn.SetDeadline(time.Now().Add(answerWait))
	f.last += 2
	s := &stream{inFrames: f, q: q, id: f.last, window: f.first, left: q.body}
	if err := s.begin(); err != nil {
		return nil, nil, s.ended(err)
	}
	for !s.over {
		if err := s.data(); err != nil {
			return nil, nil, s.ended(err)
		}
		if s.over {
			break
		}
		frame, err := f.frame.ReadFrame()
		var ours http2.StreamError
		if errors.As(err, &ours) {
			return nil, nil, fmt.Errorf("the answer is not HTTP/2: %w", err)
		}
		if err != nil {
			return s.resp, s.body, s.ended(err)
		}
		if err := s.take(frame); err != nil {
			return nil, nil, err
		}
	}
	return s.resp, s.body, nil
}

// stream is one request at work.
type stream struct {
	*inFrames
	q      *request
	id     uint32
	window int64
	sent   int
	left   []byte
	piece  int
	closed bool // by us
	over   bool

	resp *http.Response
	body []byte
}

// ended is for a connection that broke: an error only if that must not be.
func (s *stream) ended(err error) error {
	s.close()
	var net interface{ Timeout() bool }
	if errors.As(err, &net) && net.Timeout() {
		return fmt.Errorf("no answer within %s", answerWait)
	}
	return nil
}

func (s *stream) fields(fields [][2]string) []byte {
	s.block.Reset()
	for _, h := range fields {
		s.encode.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
	}
	return bytes.Clone(s.block.Bytes())
}

func (s *stream) headers(fields [][2]string, end bool) error {
	block, size := s.fields(fields), 16<<10
	if s.q.frames.split > 0 {
		size = s.q.frames.split
	}
	n := min(size, len(block))
	err := s.frame.WriteHeaders(http2.HeadersFrameParam{StreamID: s.id, BlockFragment: block[:n], EndHeaders: n == len(block), EndStream: end})
	for block = block[n:]; len(block) > 0 && err == nil; block = block[n:] {
		n = min(size, len(block))
		err = s.frame.WriteContinuation(s.id, n == len(block), block[:n])
	}
	return err
}

func (s *stream) begin() error {
	f := s.q.frames
	if f.noise {
		if err := errors.Join(s.frame.WritePing(false, [8]byte{1}), s.frame.WriteRawFrame(0xbe, 0xff, s.id, []byte("noise")), s.frame.WriteSettings()); err != nil {
			return err
		}
	}
	s.closed = len(s.left) == 0 && f.trailers == nil && !f.stall && !f.again && !f.cancels
	return s.headers(s.q.head(), s.closed)
}

// data sends what may be sent of the body now.
func (s *stream) data() error {
	f := &s.q.frames
	for !s.closed {
		switch {
		case f.again:
			f.again = false
			if err := s.headers([][2]string{{"x-again", "1"}}, false); err != nil {
				return err
			}
		case f.cancels && s.sent == f.cancel:
			s.closed, s.over = true, true
			return s.frame.WriteRSTStream(s.id, http2.ErrCodeCancel)
		}
		room := int(min(16<<10, s.window, s.inFrames.window)) - f.padding - 1
		if room <= 0 {
			return nil // until the server lets more in
		}
		n := min(len(s.left), room)
		if f.pieces != nil {
			n = min(n, f.pieces[s.piece%len(f.pieces)])
			s.piece++
		}
		if f.cancels {
			n = min(n, f.cancel-s.sent)
		}
		last := n == len(s.left)
		s.closed = last && f.trailers == nil && !f.stall && !f.cancels
		cost := n
		var err error
		if f.padding > 0 {
			cost += f.padding + 1
			err = s.frame.WriteDataPadded(s.id, s.closed, s.left[:n], make([]byte, f.padding))
		} else {
			err = s.frame.WriteData(s.id, s.closed, s.left[:n])
		}
		if err != nil {
			return err
		}
		s.window -= int64(cost)
		s.inFrames.window -= int64(cost)
		s.left, s.sent = s.left[n:], s.sent+n
		switch {
		case !last || f.cancels:
		case f.stall:
			s.closed = true // as far as we are concerned
		case f.trailers != nil:
			s.closed = true
			return s.headers(f.trailers, true)
		}
	}
	return nil
}

// take takes a frame in.
func (s *stream) take(frame http2.Frame) error {
	id := frame.Header().StreamID
	switch g := frame.(type) {
	case *http2.SettingsFrame:
		if g.IsAck() {
			return nil
		}
		if v, ok := g.Value(http2.SettingInitialWindowSize); ok {
			s.window += int64(v) - s.first
			s.first = int64(v)
		}
		s.frame.WriteSettingsAck()
	case *http2.PingFrame:
		if !g.IsAck() {
			s.frame.WritePing(true, g.Data)
		}
	case *http2.WindowUpdateFrame:
		switch id {
		case 0:
			s.inFrames.window += int64(g.Increment)
		case s.id:
			s.window += int64(g.Increment)
		}
	case *http2.GoAwayFrame:
		s.close()
		s.over = true
	case *http2.RSTStreamFrame:
		if id == s.id {
			if s.resp != nil && g.ErrCode != http2.ErrCodeNo && !s.q.cut {
				return fmt.Errorf("the answer, of status %d, does not end: %v", s.resp.StatusCode, g)
			}
			s.resp, s.over = nil, true
		}
	case *http2.MetaHeadersFrame:
		if id != s.id {
			break
		}
		status, err := strconv.Atoi(g.PseudoValue("status"))
		if err != nil {
			return fmt.Errorf("the answer has no status: %v", g)
		}
		if status >= 200 {
			s.resp = &http.Response{StatusCode: status, Status: strconv.Itoa(status), ProtoMajor: 2, Header: http.Header{}}
			for _, h := range g.RegularFields() {
				s.resp.Header.Add(h.Name, h.Value)
			}
		}
		s.over = g.StreamEnded()
	case *http2.DataFrame:
		if id != s.id {
			break
		}
		s.body = append(s.body, g.Data()...)
		s.over = g.StreamEnded()
	}
	return nil
}

// TestURLsHaveAHost also where a request has none, or no such: on HTTP/2 net/http lets
// any text pass for one.
func TestURLsHaveAHost(t *testing.T) {
	t.Parallel()
	cert, key, roots := certificate(t)
	w := start(t, func(c *daemon.Config) { c.TLSCert, c.TLSKey = cert, key })
	f := &inFrames{w: w, roots: roots}
	defer f.close()
	for host, want := range map[string]string{
		"": w.Addr(), "a b": w.Addr(), "\"><b>": w.Addr(), "[::1": w.Addr(), "h/x": w.Addr(), "h?x": w.Addr(),
		"files.example.org": "files.example.org", "[2001:db8::1]:8443": "[2001:db8::1]:8443",
	} {
		q := &request{method: "OPTIONS", target: "/2.0/events", headers: [][2]string{{"Host", host}, {"Authorization", "Bearer " + w.token}}}
		if host == "" {
			q.drop("Host")
		}
		resp, body, _, err := f.send(q)
		if err != nil || resp == nil || resp.StatusCode != 200 {
			t.Errorf("host %q: %v, %v", host, resp, err)
			continue
		}
		var l struct{ Entries []struct{ URL string } }
		if err := json.Unmarshal(body, &l); err != nil || len(l.Entries) != 1 || !strings.HasPrefix(l.Entries[0].URL, "https://"+want+"/2.0/events/") {
			t.Errorf("host %q: %s, %v", host, body, err)
		}
	}
}
