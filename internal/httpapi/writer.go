package httpapi

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"boxcar/internal/content"
)

// noStore is the Cache-Control of every reply.
const noStore = "no-cache, no-store"

// begin sets up a call: its id, its writer, its body.
func (s *Server) begin(rw http.ResponseWriter, r *http.Request) *call {
	var watched func(Outcome)
	if s.Watch != nil {
		ctx, end := s.Watch(r)
		r, watched = r.WithContext(ctx), end
	}
	var id [8]byte
	s.Random(id[:])
	w := &writer{ResponseWriter: rw, control: http.NewResponseController(rw), request: r, drain: s.Limits.Drain,
		id: hex.EncodeToString(id[:]), start: s.Now()}
	w.body = &body{ReadCloser: r.Body, w: w, idle: s.Limits.BodyIdle, rate: s.Limits.BodyRate}
	r.Body = w.body
	if r.ProtoMajor == 1 {
		// The connection still has the deadline of its last reply, and "100
		// Continue" is a write, too. On HTTP/2 each stream has its own.
		w.alive()
	}
	h := w.Header()
	h["BOX-REQUEST-ID"] = []string{w.id}
	h.Set("Cache-Control", noStore)
	h.Set("Vary", "Origin")
	if s.StrictTransport && r.TLS != nil && ownsHost(r.Host) {
		h.Set("Strict-Transport-Security", "max-age=15552000") // half a year
	}
	return &call{Request: r, w: w, body: w.body, shares: &s.shares, watched: watched}
}

// end writes the request's line in the log. No token, password or signed URL
// is in it: the path is that of the route.
func (s *Server) end(c *call) {
	aborted := recover()
	if c.kept > 0 {
		s.shares.release(c.keeper, c.kept)
	}
	if c.leave != nil {
		c.leave()
	}
	level, outcome := slog.LevelInfo, "ok"
	switch {
	case aborted != nil && aborted != http.ErrAbortHandler:
		level, outcome = slog.LevelError, "panic"
		c.w.cause = fmt.Errorf("%v\n%s", aborted, debug.Stack())
	case aborted != nil:
		level, outcome = slog.LevelWarn, "reply cut short"
	case c.w.status >= 500:
		level, outcome = slog.LevelError, "failed"
	case c.w.status >= 400:
		outcome = "refused"
	}
	took := s.Now().Sub(c.w.start)
	if c.watched != nil {
		c.watched(Outcome{Route: c.w.route, Status: c.w.status, Cut: aborted != nil, Code: c.w.code, ID: c.w.id, User: c.who.User,
			In: c.body.n, Out: c.w.sent, Duration: took})
	}
	attrs := []slog.Attr{
		slog.String("request", c.w.id),
		slog.String("method", c.Method),
		slog.String("route", c.w.route),
		slog.Int("status", c.w.status),
		slog.String("outcome", outcome),
		slog.Duration("duration", took),
		slog.Int64("bytes_in", c.body.n),
		slog.Int64("bytes_out", c.w.sent),
		slog.String("remote", c.RemoteAddr),
	}
	if c.who.User != 0 {
		attrs = append(attrs, slog.String("user", c.who.User.String()))
	}
	if c.who.Actor != c.who.User {
		attrs = append(attrs, slog.String("actor", c.who.Actor.String()))
	}
	for _, name := range []string{"session", "file", "folder"} {
		if v := c.params[name]; v != "" {
			attrs = append(attrs, slog.String(name, v[:min(len(v), 40)]))
		}
	}
	if c.w.code != "" {
		attrs = append(attrs, slog.String("code", c.w.code))
	}
	if c.w.cause != nil {
		attrs = append(attrs, slog.String("error", c.w.cause.Error()))
	}
	attrs = append(attrs, c.log...)
	s.Log.LogAttrs(c.Context(), level, "request", attrs...)
	if aborted != nil {
		panic(aborted)
	}
}

// writer is the reply on its way out. It looks after what is left of the
// request's body when the reply comes before its end.
type writer struct {
	http.ResponseWriter
	control *http.ResponseController
	request *http.Request
	body    *body
	drain   time.Duration

	id     string // of the request
	route  string
	start  time.Time
	status int // 0 until the reply has begun
	code   string
	cause  error
	sent   int64 // bytes of body
	early  bool  // the reply came before the end of the body
}

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// smallRest is what net/http reads by itself of a body that a handler left
// unread, and keeps the connection.
const smallRest = 256 << 10

func (w *writer) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	w.status = status
	left := w.body.left()
	waits := w.body.n == 0 && w.request.Header.Get("Expect") != "" // for "100 Continue", and sends nothing more
	switch {
	case w.request.ProtoMajor != 1 || left == 0:
	case waits:
		// net/http can't see through our body that nobody was asked for this
		// one, and would wait for it before it sends the reply; even so it
		// waits for a small one before it closes the connection.
		w.Header().Set("Connection", "close")
		w.control.SetReadDeadline(time.Now().Add(w.drain))
	case left > smallRest:
		// net/http would close the connection while the client is sending,
		// and many clients then never see the reply. So the reply goes out,
		// what comes in is read for a while, and then the connection ends.
		w.early = true
		w.Header().Set("Connection", "close")
		w.control.EnableFullDuplex()
	default:
		// net/http would read it too, and wait for it without end.
		w.control.SetReadDeadline(time.Now().Add(w.drain))
		if _, err := io.Copy(io.Discard, w.body.ReadCloser); err != nil {
			w.Header().Set("Connection", "close")
			break // the deadline stays, lest net/http tries again
		}
		w.control.SetReadDeadline(time.Time{})
	}
	w.alive() // what was left of the body has had its own time
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.alive()
	n, err := w.ResponseWriter.Write(b)
	w.sent += int64(n)
	return n, err
}

// alive gives the next write its time: a client may read slowly, but one that
// reads nothing does not keep its connection for ever.
func (w *writer) alive() { w.control.SetWriteDeadline(time.Now().Add(w.body.idle)) }

// finish sends the reply, and drains the body if it came early.
func (w *writer) finish() {
	w.WriteHeader(http.StatusOK)
	if !w.early {
		return
	}
	w.control.Flush()
	w.control.SetReadDeadline(time.Now().Add(w.drain))
	io.Copy(io.Discard, w.body.ReadCloser)
}

// body is the request's body. Each read pushes its deadline on: slow is
// allowed, dead is not. It is read by one goroutine.
type body struct {
	io.ReadCloser
	w    *writer
	idle time.Duration
	rate int64         // bytes a second
	most time.Duration // for all of it; 0: any

	n     int64 // bytes read
	end   bool
	began time.Time
	until time.Time // the deadline set
}

// left is how much of the body may still come, in bytes; more than anything if
// nobody announced its length.
func (b *body) left() int64 {
	switch r := b.w.request; {
	case b.end || r.ContentLength == 0 || b.ReadCloser == http.NoBody:
		return 0
	case r.ContentLength > 0:
		return r.ContentLength - b.n
	}
	return 1 << 62
}

func (b *body) Read(p []byte) (int, error) {
	now := time.Now()
	if b.began.IsZero() {
		b.began = now
	}
	if b.most > 0 && now.Sub(b.began) > b.most {
		return 0, content.Errorf(content.BodyTimeout, "the body did not come within %s", b.most)
	}
	if spent := now.Sub(b.began); spent > b.idle && b.n < int64((spent-b.idle).Seconds()*float64(b.rate)) {
		return 0, content.Errorf(content.BodyTimeout, "the body comes too slowly: %d bytes in %s", b.n, spent.Round(time.Second))
	}
	// A deadline costs a call, so it is moved only when it has to be.
	if b.until.Sub(now) < b.idle*3/4 {
		b.until = now.Add(b.idle)
		if end := b.began.Add(b.most); b.most > 0 && end.Before(b.until) {
			b.until = end
		}
		b.w.control.SetReadDeadline(b.until)
	}
	n, err := b.ReadCloser.Read(p)
	b.n += int64(n)
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		b.end = true
		b.w.control.SetReadDeadline(time.Time{})
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = content.Errorf(content.BodyTimeout, "no byte of the body came for %s", b.idle)
		if b.most > 0 {
			err = content.Errorf(content.BodyTimeout, "the body did not come within %s", b.most)
		}
	default:
		// Cut off, reset, cancelled: whatever it is, it came from the client.
		b.end = true
		err = content.Errorf(content.SizeMismatch, "the body ended after %d bytes, before its time", b.n).Because(err)
	}
	return n, err
}
