package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"boxcar/internal/auth"
	"boxcar/internal/content"
	"boxcar/internal/tree"
)

// contentPath is where content URLs live.
const contentPath = "/content/"

// download handles GET /files/:file/content: to a URL that needs no token, as
// clients want it, whatever range they ask for.
func (s *Server) download(c *call) error {
	id, err := c.id("file")
	if err != nil {
		return err
	}
	var version content.ID
	if v := c.query("version"); v != "" {
		if version, err = content.ParseID(v); err != nil {
			return content.Errorf(content.NotFound, "there is no version %q", v)
		}
	}
	f, v, err := s.Tree.Contents(c.Context(), c.who, content.Download, id, version)
	if err != nil {
		return err
	}
	if v.ID != f.Version.ID {
		if err := content.AllowPast(c.who, f); err != nil {
			return err
		}
	}
	s.Tree.Seen(c.who, f.ID, content.ItemDownload)
	grant := s.Auth.Sign(s.contentGrant(c.who, f, v.ID, auth.ForDownload, s.Limits.ContentLife))
	to := s.origins(c.Request).content() + contentPath + grant
	if r := strings.TrimSpace(c.Header.Get("Range")); r != "" {
		to += "?" + url.Values{rangeParam: {r}}.Encode()
	}
	c.w.Header().Set("Location", to)
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(http.StatusFound)
	return nil
}

// rangeParam keeps the range that was asked for in a content URL, for clients
// that do not send it again when they are redirected. A Range header wins.
const rangeParam = "range"

// content handles GET and HEAD of a content URL. A token that comes along is
// not looked at.
func (s *Server) content(c *call) error {
	grant, who, err := s.Auth.Grant(c.Context(), c.param("grant"), auth.ForDownload, auth.ForShow)
	if content.Is(err, content.TokenExpired) {
		// Not a matter of tokens to the client, who has to ask for a new URL.
		err = content.Errorf(content.NotFound, "this content URL has expired")
	}
	if err != nil {
		return err
	}
	if who, err = s.grantee(c, grant, who); err != nil {
		return err
	}
	c.who = who
	f, v, err := s.Tree.Contents(c.Context(), who, content.Download, grant.File, grant.Version)
	if err != nil {
		return err
	}
	// Whoever has gone is seen when the reply is written. The context also ends
	// where a body that the request said it had did not come.
	r, err := s.Tree.Open(context.WithoutCancel(c.Context()), v)
	if err != nil {
		return err
	}
	defer r.Close()
	c.note(slog.String("file", f.ID.String()), slog.String("version", v.ID.String()))

	if r := c.query(rangeParam); r != "" && c.Header.Get("Range") == "" {
		c.Header.Set("Range", r)
	}
	if strings.TrimSpace(c.Header.Get("Range")) == "bytes=-0" {
		// The last no bytes can't be had (RFC 9110, 14.1.2), and ServeContent
		// would send a range that ends before it starts.
		c.w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", v.Size))
		return content.Errorf(content.RangeNotSatisfiable, "the range asks for no bytes")
	}

	h := c.w.Header()
	h.Set("Content-Type", contentType(f.Name))
	h.Set("Content-Disposition", disposition(f.Name))
	// What people upload is never to run as a page of this server.
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	if grant.Use == auth.ForShow {
		showInline(h, f.Name)
	}
	if grant.Link != 0 {
		h.Set("X-Robots-Tag", "noindex, nofollow")
		if grant.Use == auth.ForDownload && fromStart(c) {
			s.Tree.CountDownload(grant.Link)
		}
	}
	h.Set("ETag", `"`+v.SHA1.String()+`"`)
	out := &contentWriter{writer: c.w, r: r, patience: s.Limits.SlowRead}
	http.ServeContent(out, c.Request, "", v.CreatedAt.Truncate(time.Second), r)
	switch {
	case out.refused == http.StatusPreconditionFailed:
		return content.Errorf(content.PreconditionFailed, "the file is not as the request's If-Match or If-Unmodified-Since wants it")
	case out.refused != 0:
		return content.Errorf(content.RangeNotSatisfiable, "the range does not overlap the %d bytes of the file", v.Size)
	case out.err != nil && c.Context().Err() == nil:
		return fmt.Errorf("send version %s: %w", v.ID, out.err)
	}
	return nil
}

// contentWriter lets the kernel send what ServeContent copies, and gives a 412
// and a 416 the body that all our errors have.
type contentWriter struct {
	*writer
	r        *tree.Reader
	patience time.Duration // with a client that takes nothing
	slow     bool          // it has run out
	refused  int           // the status, or 0
	err      error
}

func (w *contentWriter) WriteHeader(status int) {
	if status == http.StatusRequestedRangeNotSatisfiable || status == http.StatusPreconditionFailed {
		w.refused = status
		for _, name := range []string{"Content-Type", "Content-Disposition", "Content-Security-Policy", "ETag", "Last-Modified"} {
			w.Header().Del(name)
		}
		w.Header().Set("Cache-Control", noStore) // which ServeContent has taken away
		return
	}
	w.writer.WriteHeader(status)
}

func (w *contentWriter) Write(b []byte) (int, error) {
	if w.refused != 0 {
		return len(b), nil // ServeContent's own message
	}
	return w.writer.Write(b)
}

// ReadFrom is what io.CopyN calls. ServeContent copies nothing but its reader,
// in whole or within multipart headers.
func (w *contentWriter) ReadFrom(src io.Reader) (n int64, err error) {
	limited, ok := src.(*io.LimitedReader)
	if !ok || limited.R != io.Reader(w.r) {
		return io.Copy(struct{ io.Writer }{w.writer}, src)
	}
	w.writer.WriteHeader(http.StatusOK)
	// Elsewhere nobody says how much was sent when a deadline is over.
	patient := w.request.ProtoMajor == 1 && w.request.TLS == nil && runtime.GOOS != "windows"
	if err = w.r.Ready(); err == nil && patient {
		err = w.flush()
	}
	for limited.N > 0 && err == nil {
		var sent int64
		switch {
		case !patient:
			w.alive()
			sent, err = w.r.SendTo(w.writer.ResponseWriter, min(sendPiece, limited.N))
		case w.slow:
			sent, err = w.trickle(min(slowPiece, limited.N))
		default:
			w.control.SetWriteDeadline(time.Now().Add(w.patience))
			sent, err = w.r.SendTo(w.writer.ResponseWriter, min(sendPiece, limited.N))
			if errors.Is(err, os.ErrDeadlineExceeded) {
				w.slow, err = true, nil
			}
		}
		if err == nil && sent == 0 && !w.slow {
			err = io.ErrUnexpectedEOF
		}
		n += sent
		limited.N -= sent
		w.sent += sent
	}
	w.err = err
	return n, err
}

// flush is for what the kernel does not send by itself: net/http gives a
// connection up where that fails, and its deadline is to be that of a client that is gone.
func (w *contentWriter) flush() error {
	w.alive()
	return w.control.Flush()
}

const (
	sendPiece = 256 << 10 // each has a deadline of its own
	slowPiece = 64 << 10
)

var slowBuffers = sync.Pool{New: func() any { return new([4 << 10]byte) }}

// trickle sends n bytes to a client that reads slowly: net/http keeps 32 KiB for
// each connection that it lets the kernel send to, for as long as that waits, and thousands may wait.
func (w *contentWriter) trickle(n int64) (sent int64, err error) {
	buf := slowBuffers.Get().(*[4 << 10]byte)
	defer slowBuffers.Put(buf)
	began := time.Now()
	for sent < n && err == nil {
		var m int
		if m, err = w.r.Read(buf[:min(int64(len(buf)), n-sent)]); err == nil {
			w.alive()
			m, err = w.ResponseWriter.Write(buf[:m])
			sent += int64(m)
		}
	}
	if err == nil {
		err = w.flush()
	}
	w.slow = time.Since(began) > w.patience
	return sent, err
}

// contentType goes by the name's extension.
func contentType(name string) string {
	if t := mime.TypeByExtension(strings.ToLower(path.Ext(name))); t != "" {
		return t
	}
	return "application/octet-stream"
}

// disposition makes browsers save the file under its name, in both forms of
// RFC 6266: plain ASCII for old clients, and the name itself.
func disposition(name string) string {
	ascii := strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e || r == '"' || r == '\\' || r == '%' {
			return '_'
		}
		return r
	}, name)
	// PathEscape leaves some characters that RFC 8187 does not allow.
	encoded := url.PathEscape(name)
	for _, ch := range []string{":", "=", "@", ",", ";", "(", ")", "'", "*"} {
		encoded = strings.ReplaceAll(encoded, ch, fmt.Sprintf("%%%02X", ch[0]))
	}
	return fmt.Sprintf("attachment; filename=%q; filename*=UTF-8''%s", ascii, encoded)
}

var errNotReady = errors.New("not ready")

// healthy handles GET /healthz: the process is alive.
func (s *Server) healthy(c *call) error { return plain(c, http.StatusOK, "ok\n") }

// ready handles GET /readyz: uploads can be taken.
func (s *Server) ready(c *call) error {
	if s.Ready != nil {
		if err := s.Ready(c.Request); err != nil {
			c.w.cause = fmt.Errorf("%w: %w", errNotReady, err)
			return plain(c, http.StatusServiceUnavailable, "not ready\n")
		}
	}
	return plain(c, http.StatusOK, "ready\n")
}

// handoutPath is where what was made for one person to download waits.
const handoutPath = "/app_config/"

// handout handles GET /app_config/:token: an application's configuration, once.
func (s *Server) handout(c *call) error {
	if c.Method != http.MethodGet {
		return content.Errorf(content.MethodNotAllowed, "it can be asked for once only, and not by %s", c.Method)
	}
	text, err := s.Auth.Handout(c.Context(), c.param("token"))
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="config.json"`)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	c.w.WriteHeader(http.StatusOK)
	c.w.Write(text) // a client that has gone has lost it, and asks for another
	return nil
}

// reachable handles POST /html5, which browser components ask to see whether a host answers.
func (s *Server) reachable(c *call) error { return plain(c, http.StatusOK, "") }

func plain(c *call, status int, text string) error {
	c.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	c.w.WriteHeader(status)
	io.WriteString(c.w, text) // a client that has gone does not matter
	return nil
}
