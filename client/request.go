package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"boxcar/boxapi"
)

// request is one call of the API, which may be sent more than once.
type request struct {
	method string
	path   string // below /2.0
	query  url.Values
	header http.Header
	upload bool // goes to the upload host

	json any          // becomes the body, unless content is set
	body *requestBody // instead of json

	// once says that sending it again might do it twice, so that it is not
	// sent again when nobody knows what became of it.
	once bool

	into any // what the reply's body is decoded into, if not nil

	redirect bool // a redirect is an answer
}

// requestBody is a body that can be read again from its start.
type requestBody struct {
	open        func() io.Reader
	length      int64
	contentType string
	sent        func(n int64) // is told what is read of it; negative: what no longer counts
}

// reply is an answer that came whole.
type reply struct {
	status int
	header http.Header
	body   []byte
	server time.Time // the Date of it, zero if it has none
}

// maxReply is how much of a reply is read, in bytes. A page of 1000 items with all
// fields is a hundredth of it.
const maxReply = 64 << 20

func (r *request) op() string { return r.method + " " + r.path }

// lost says whether nobody knows what became of a request that failed so.
func lost(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		var dial *net.OpError
		return !errors.As(err, &dial) || dial.Op != "dial"
	}
	// 503 is how a server says that it will not begin.
	return e.Status >= 500 && e.Status != http.StatusServiceUnavailable
}

// passing says whether a request that failed so may succeed when it is repeated.
func passing(err error) bool {
	var e *Error
	if errors.As(err, &e) {
		switch {
		case e.Status == http.StatusTooManyRequests, e.Status == http.StatusRequestTimeout:
			return true
		case e.Status == http.StatusConflict:
			return e.Code == boxapi.CodeNameTemporarilyReserved || e.Code == boxapi.CodeOperationBlockedTemporary
		default:
			return e.Status >= 500 && e.Status != http.StatusInsufficientStorage && e.Status != http.StatusNotImplemented
		}
	}
	var auth *AuthError
	var cert *tls.CertificateVerificationError
	return !errors.As(err, &auth) && !errors.As(err, &cert) && !errors.Is(err, errSource)
}

// asked is the Retry-After that came with an error.
func asked(err error) (time.Duration, bool) {
	var e *Error
	if errors.As(err, &e) {
		return e.RetryAfter, e.HasRetryAfter
	}
	return 0, false
}

// call sends a request until it is answered, as Retry has it. wasLost says that
// an attempt before the last one may have been done without its answer coming.
func (c *Client) call(ctx context.Context, r *request) (rep *reply, wasLost bool, err error) {
	p := c.retry.start()
	for {
		rep, err = c.once(ctx, r)
		if err == nil || ctx.Err() != nil || !passing(err) || r.once && lost(err) {
			return rep, wasLost, err
		}
		wait, again := p.next(asked(err))
		if !again {
			return nil, wasLost, err
		}
		wasLost = wasLost || lost(err)
		if sleep(ctx, wait) != nil {
			return nil, wasLost, err
		}
	}
}

// do is call for requests of which nothing more than their error matters.
func (c *Client) do(ctx context.Context, r *request) error {
	_, _, err := c.call(ctx, r)
	return err
}

// once sends a request once, or a second time with another token if the first was
// refused. Its error is an *Error, or says that no whole answer came.
func (c *Client) once(ctx context.Context, r *request) (*reply, error) {
	token, err := c.tokens.Token(ctx, "")
	if err != nil {
		return nil, err
	}
	rep, err := c.send(ctx, r, token)
	if !errors.Is(err, ErrUnauthorized) {
		return rep, err
	}
	token, authErr := c.tokens.Token(ctx, token)
	if authErr != nil {
		return nil, errors.Join(err, authErr)
	}
	return c.send(ctx, r, token)
}

func (c *Client) send(ctx context.Context, r *request, token string) (*reply, error) {
	base := c.urls.API
	if r.upload {
		base = c.urls.Upload
	}
	target := base + "/2.0" + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	body := r.body
	if body == nil && r.json != nil {
		text, err := encode(r.op(), r.json)
		if err != nil {
			return nil, err
		}
		body = &requestBody{
			open:   func() io.Reader { return bytes.NewReader(text) },
			length: int64(len(text)), contentType: "application/json",
		}
	}
	header := http.Header{}
	for name, values := range r.header {
		header[name] = values
	}
	header.Set("Authorization", "Bearer "+token)
	if c.asUser != "" {
		header.Set("As-User", c.asUser)
	}
	resp, done, err := c.exchange(ctx, r.method, target, header, body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.op(), err)
	}
	defer done()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err != nil && resp.StatusCode < 300 {
		return nil, fmt.Errorf("%s: the answer broke off: %w", r.op(), cause(ctx, err))
	}
	rep := &reply{status: resp.StatusCode, header: resp.Header, body: text}
	rep.server, _ = http.ParseTime(resp.Header.Get("Date"))
	switch {
	case resp.StatusCode >= 400, resp.StatusCode >= 300 && !r.redirect:
		return nil, parseError(r.op(), resp.StatusCode, resp.Header, text)
	case len(text) > maxReply:
		return nil, &Error{Op: r.op(), Status: resp.StatusCode, Message: "the reply is too large"}
	case r.into != nil && len(text) > 0:
		if err := boxapi.DecodeReply(text, r.into); err != nil {
			// A page of some proxy, say: as good as no answer.
			return nil, fmt.Errorf("%s: %d with a reply that can't be read: %w", r.op(), resp.StatusCode, err)
		}
	}
	return rep, nil
}

// encode writes the body of a request. Two names that are not Unicode would be the
// same one on the wire, so these are refused here, as the server refuses others.
func encode(op string, v any) ([]byte, error) {
	text, err := boxapi.EncodeJSON(v)
	switch {
	case errors.Is(err, boxapi.ErrNotUnicode):
		return nil, &Error{Op: op, Code: boxapi.CodeItemNameInvalid, Message: boxapi.ErrNotUnicode.Error()}
	case err != nil:
		return nil, &Error{Op: op, Message: err.Error()}
	}
	return text, nil
}

// exchange sends one HTTP request and gives back the reply once its header has
// come. It ends with errIdle when no byte moves for too long. done must be called
// when the reply's body has been read.
func (c *Client) exchange(ctx context.Context, method, target string, header http.Header, body *requestBody) (resp *http.Response, done func(), err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	watch := time.AfterFunc(c.idle, func() { cancel(errIdle) })
	alive := func() { watch.Reset(c.idle) }
	var out *outgoing
	stop := func() {
		watch.Stop()
		cancel(nil)
		out.end()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		stop()
		return nil, nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", c.userAgent)
	if body != nil {
		out = &outgoing{body: body, alive: alive}
		req.ContentLength = body.length
		req.GetBody = out.begin
		if req.Body, _ = out.begin(); body.length == 0 {
			req.Body = http.NoBody
		}
		req.Header.Set("Content-Type", body.contentType)
	}
	resp, err = c.http.Do(req)
	if err != nil {
		err = cause(ctx, plain(err))
		stop()
		if source := out.failed(); source != nil {
			err = fmt.Errorf("%w: %w", errSource, source)
		}
		return nil, nil, err
	}
	alive()
	resp.Body = &watchedBody{resp.Body, alive}
	return resp, func() {
		// What is left of a short body is read, so that its connection can
		// serve again.
		io.CopyN(io.Discard, resp.Body, 64<<10)
		resp.Body.Close()
		stop()
	}, nil
}

// outgoing is the body of a request under way. The transport may read it after
// the reply has come, in a goroutine of its own; after end it gets nothing, and
// nobody is told.
type outgoing struct {
	body  *requestBody
	alive func()

	mu    sync.Mutex
	turn  int // counts the times the body was begun
	r     io.Reader
	read  int64
	err   error // of the source
	ended bool
}

func (o *outgoing) begin() (io.ReadCloser, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.body.sent != nil && o.read > 0 {
		o.body.sent(-o.read)
	}
	o.turn++
	o.r, o.read = o.body.open(), 0
	return &outgoingReader{o, o.turn}, nil
}

func (o *outgoing) end() {
	if o != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.ended = true
	}
}

// failed is the error that reading the source ended with, if it did.
func (o *outgoing) failed() error {
	if o == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

type outgoingReader struct {
	o    *outgoing
	turn int
}

func (r *outgoingReader) Read(p []byte) (int, error) {
	o := r.o
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended || r.turn != o.turn {
		return 0, io.ErrClosedPipe
	}
	n, err := o.r.Read(p)
	o.read += int64(n)
	if errors.Is(err, io.EOF) && o.read < o.body.length {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && !errors.Is(err, io.EOF) {
		o.err = err
	}
	o.alive()
	if o.body.sent != nil && n > 0 {
		o.body.sent(int64(n))
	}
	return n, err
}

func (r *outgoingReader) Close() error { return nil }

// plain leaves out the method and URL that net/http puts before an error: the URL
// of contents is as good as a token.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// cause says why ctx ended, if that is why something failed.
func cause(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	if c := context.Cause(ctx); c != nil && !errors.Is(err, c) {
		return fmt.Errorf("%w (%w)", c, err)
	}
	return err
}

// watchedBody tells of each read of a reply that something moved.
type watchedBody struct {
	io.ReadCloser
	alive func()
}

func (w *watchedBody) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	w.alive()
	return n, err
}

// idPath joins ids into a path. An id that is empty, or has a slash, would ask
// for something else.
func idPath(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(p))
	}
	return b.String()
}
