package client

import (
	"context"
	"crypto/sha1"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"boxcar/boxapi"
)

// Download is what to download, and where to.
type Download struct {
	FileID  string
	Version string // id of a past version; "" for the current one

	// Path is where the file is put, once it is whole and its SHA-1 is right.
	// Until then it is a hidden file beside it, from which the same Download,
	// made again, goes on. A file that is there is replaced. Of two downloads
	// to the same path at once the second fails.
	Path string

	MinParallel, MaxParallel int // ranges at once; defaults 1 and 4
	Progress                 Progress

	piece int64 // how much is asked for at once, in bytes; default 8 MiB
}

// contents is a version to be read.
type contents struct {
	File    string `json:"file"`
	Version string `json:"version"`
	SHA1    string `json:"sha1"`
	Size    int64  `json:"size"` // bytes
}

// Download downloads a file. Its bytes are compared with its SHA-1, and safe from a
// power cut, before they get their name. What it returns is the file as it is now,
// also if a past version of it was downloaded.
func (c *Client) Download(ctx context.Context, d Download) (*boxapi.File, error) {
	if d.FileID == "" || d.Path == "" {
		return nil, errors.New("a download needs a file and a path")
	}
	if d.MinParallel <= 0 {
		d.MinParallel = 1
	}
	if d.MaxParallel <= 0 {
		d.MaxParallel = max(4, d.MinParallel)
	}
	if d.piece == 0 {
		d.piece = 8 << 20
	}
	file, what, err := c.contentsOf(ctx, d.FileID, d.Version)
	if err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		err := c.fetch(ctx, d, what)
		// What an earlier run has left behind may be damaged; what this one
		// has fetched from nothing may not.
		if errors.Is(err, ErrCorrupt) && try == 0 && ctx.Err() == nil {
			d.Progress.tell(Event{Kind: Restarted, Err: err, Total: what.Size})
			continue
		}
		if err == nil {
			d.Progress.tell(Event{Kind: Done, Total: what.Size})
			return file, nil
		}
		return nil, err
	}
}

// contentsOf finds out what a file, or a past version of it, is to have.
func (c *Client) contentsOf(ctx context.Context, id, version string) (*boxapi.File, contents, error) {
	file, err := c.GetFile(ctx, id)
	if err != nil {
		return nil, contents{}, err
	}
	what := contents{File: id, Version: versionOf(file), SHA1: file.SHA1, Size: file.Size}
	if version != "" && version != what.Version {
		v, err := get[boxapi.FileVersion](ctx, c, "/files"+idPath(id)+"/versions"+idPath(version), nil)
		if err != nil {
			return nil, contents{}, err
		}
		what.Version, what.SHA1, what.Size = version, v.SHA1, v.Size
	}
	if what.SHA1 == "" {
		return nil, contents{}, fmt.Errorf("file %s: the server tells no SHA-1 of it", id)
	}
	if what.Size < 0 || what.Size > mostBytes {
		return nil, contents{}, fmt.Errorf("file %s: the server says that it has %d bytes", id, what.Size)
	}
	return file, what, nil
}

// mostBytes is more than any file has, and its pieces can be counted in memory.
const mostBytes = 1 << 50

// fetch brings a file's pieces together, checks them and gives them their name.
func (c *Client) fetch(ctx context.Context, d Download, what contents) (err error) {
	partial := partialPath(d.Path)
	notes := partial + notesEnding
	f, err := openPartial(partial)
	if err != nil {
		return err
	}
	defer f.Close()
	state := fetched{contents: what, Piece: d.piece, Have: make([]bool, (what.Size+d.piece-1)/d.piece)}
	if text, err := os.ReadFile(notes); err == nil {
		state.take(text)
	}
	if info, err := f.Stat(); err != nil {
		return err
	} else if info.Size() != what.Size {
		clear(state.Have)
		if err := f.Truncate(what.Size); err != nil {
			return err
		}
	}
	keep := func() error {
		if err := f.Sync(); err != nil {
			return err
		}
		text, err := json.Marshal(state)
		if err != nil {
			return err
		}
		// Always under the same name before it has its own: a process that is
		// killed leaves no more of them than one.
		next, err := os.OpenFile(notes+newEnding, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		return replace(notes, next, text)
	}

	if err := c.fetchPieces(ctx, d, &state, f, keep); err != nil {
		return errors.Join(err, keep())
	}
	sum, err := FromReaderAt(f, what.Size).digest(ctx, func(n int64) {
		d.Progress.tell(Event{Kind: Hashing, Bytes: n, Total: what.Size})
	})
	if err != nil {
		return err
	}
	if !strings.EqualFold(hexSum(sum), what.SHA1) {
		return errors.Join(
			fmt.Errorf("%w: version %s of file %s has SHA-1 %s, and %x came", ErrCorrupt, what.Version, what.File, what.SHA1, sum),
			os.Remove(partial), remove(notes))
	}
	if err := f.Sync(); err != nil {
		return err
	}
	// It is held until it has its name, where open files can be renamed.
	if runtime.GOOS == "windows" {
		if err := f.Close(); err != nil {
			return err
		}
	}
	if err := os.Rename(partial, d.Path); err != nil {
		return err
	}
	return errors.Join(remove(notes), remove(notes+newEnding), syncDir(filepath.Dir(d.Path)))
}

// remove is os.Remove of what may not be there.
func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// fetchPieces fetches what state does not have, several pieces at once.
func (c *Client) fetchPieces(parent context.Context, d Download, state *fetched, to io.WriterAt, keep func() error) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	from := c.contentURL(state.contents)
	gate := newThrottle(d.MinParallel, d.MaxParallel)
	var wg sync.WaitGroup
	var mu sync.Mutex // state.Have, saved
	saved := time.Now()
	for i := range state.Have {
		start := int64(i) * state.Piece
		size := min(state.Piece, state.Size-start)
		event := Event{Part: i, Parts: len(state.Have), Offset: start, Size: size, Total: state.Size}
		mu.Lock()
		have := state.Have[i]
		mu.Unlock()
		if have {
			event.Kind, event.Reused = PartDone, true
			d.Progress.tell(event)
			continue
		}
		if gate.acquire(ctx) != nil {
			break
		}
		wg.Go(func() {
			defer gate.release()
			began := time.Now()
			at := io.NewOffsetWriter(to, start)
			err := from.read(ctx, start, size, at, d.Progress, event, gate.failed)
			if err != nil {
				cancel(err)
				return
			}
			gate.moved(size, began)
			event.Kind = PartDone
			d.Progress.tell(event)
			mu.Lock()
			defer mu.Unlock()
			state.Have[i] = true
			if time.Since(saved) > 5*time.Second {
				saved = time.Now()
				if err := keep(); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// DownloadTo writes a file to w, in order, and compares its SHA-1 at the end: only a
// nil error says that what was written is right. version is as in Download.
func (c *Client) DownloadTo(ctx context.Context, fileID, version string, w io.Writer, progress Progress) (*boxapi.File, error) {
	file, what, err := c.contentsOf(ctx, fileID, version)
	if err != nil {
		return nil, err
	}
	h := sha1.New()
	from := c.contentURL(what)
	event := Event{Parts: 1, Size: what.Size, Total: what.Size}
	if what.Size > 0 {
		if err := from.read(ctx, 0, what.Size, io.MultiWriter(w, h), progress, event, func() {}); err != nil {
			return nil, err
		}
	}
	if sum := [20]byte(h.Sum(nil)); !strings.EqualFold(hexSum(sum), what.SHA1) {
		return nil, fmt.Errorf("%w: version %s of file %s has SHA-1 %s, and %x came", ErrCorrupt, what.Version, what.File, what.SHA1, sum)
	}
	progress.tell(Event{Kind: Done, Total: what.Size})
	return file, nil
}

// contentURL finds where the bytes of a version are, and again when that is over.
type contentURL struct {
	c    *Client
	what contents

	turn chan struct{} // holds a place for who uses url, and may ask for another
	url  string
}

func (c *Client) contentURL(what contents) *contentURL {
	return &contentURL{c: c, what: what, turn: make(chan struct{}, 1)}
}

// get is where the bytes are; bad is a URL that does not work any more, or "".
func (u *contentURL) get(ctx context.Context, bad string) (string, error) {
	select {
	case u.turn <- struct{}{}:
		defer func() { <-u.turn }()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if u.url != "" && u.url != bad {
		return u.url, nil
	}
	r := &request{method: http.MethodGet, path: "/files" + idPath(u.what.File) + "/content", redirect: true}
	if u.what.Version != "" {
		r.query = url.Values{"version": {u.what.Version}}
	}
	rep, err := u.c.once(ctx, r)
	if err != nil {
		return "", err
	}
	location := rep.header.Get("Location")
	if rep.status == http.StatusAccepted || location == "" {
		// 202: it is not ready.
		e := &Error{Op: r.op(), Status: http.StatusServiceUnavailable, Message: "the contents can't be had yet"}
		e.RetryAfter, e.HasRetryAfter = retryAfter(rep.header)
		return "", e
	}
	to, ok := follow(u.c.urls.API, location)
	if !ok {
		return "", &Error{Op: r.op(), Status: rep.status, Message: "the redirect leads nowhere that is safe"}
	}
	u.url = to
	return u.url, nil
}

// follow is where a redirect leads, unless that is less safe than where it comes from.
func follow(from, location string) (to string, ok bool) {
	base, err := url.Parse(from)
	if err != nil {
		return "", false
	}
	there, err := base.Parse(location)
	if err != nil || there.Host == "" || there.Scheme != "https" && there.Scheme != base.Scheme {
		return "", false
	}
	to = there.String()
	_, err = url.Parse(to) // not all that can be written can be read
	return to, err == nil
}

// read writes size bytes from start to w, going on where a reply broke off.
func (u *contentURL) read(ctx context.Context, start, size int64, w io.Writer, progress Progress, event Event, failed func()) error {
	p := u.c.retry.start()
	bad := ""
	for done := int64(0); ; {
		at, err := u.get(ctx, bad)
		if err == nil {
			n := int64(0)
			n, err = u.readOnce(ctx, at, start+done, size-done, w, progress, event)
			done += n
			if err == nil {
				return nil
			}
			if n > 0 {
				p = u.c.retry.start()
			}
			bad = ""
			// A URL is good for some minutes.
			if hasStatus(err, http.StatusUnauthorized) || hasStatus(err, http.StatusForbidden) || IsNotFound(err) || hasStatus(err, http.StatusGone) {
				bad = at
			}
		}
		var mine *writeError
		if ctx.Err() != nil || errors.As(err, &mine) || bad == "" && !passing(err) {
			return err
		}
		failed()
		wait, again := p.next(asked(err))
		if !again || bad != "" && p.tries > 3 {
			return err
		}
		event.Kind, event.Wait, event.Err = Waiting, wait, err
		progress.tell(event)
		if ended := sleep(ctx, wait); ended != nil {
			return ended
		}
	}
}

// writeError is a failure of this side, which no other attempt will mend.
type writeError struct{ error }

func (e *writeError) Unwrap() error { return e.error }

func (u *contentURL) readOnce(ctx context.Context, at string, start, size int64, w io.Writer, progress Progress, event Event) (n int64, err error) {
	op := "GET contents of file " + u.what.File
	whole := start == 0 && size == u.what.Size
	header := http.Header{"Accept-Encoding": {"identity"}}
	if !whole {
		header.Set("Range", fmt.Sprintf("bytes=%d-%d", start, start+size-1))
	}
	resp, done, err := u.c.exchange(ctx, http.MethodGet, at, header, nil)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", op, err)
	}
	defer done()
	if resp.StatusCode >= 300 {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		return 0, parseError(op, resp.StatusCode, resp.Header, text)
	}
	if !whole {
		first, last, total, err := boxapi.ParseContentRange(resp.Header.Get("Content-Range"))
		if resp.StatusCode != http.StatusPartialContent || err != nil || first != start || last != start+size-1 || total != u.what.Size {
			if resp.StatusCode != http.StatusOK {
				return 0, &Error{Op: op, Status: resp.StatusCode, Message: "another range came than was asked for"}
			}
			// All of it, from a server that knows no ranges.
			if _, err := io.CopyN(io.Discard, resp.Body, start); err != nil {
				return 0, fmt.Errorf("%s: %w", op, err)
			}
		}
	}
	event.Kind = Moved
	buf := make([]byte, 64<<10)
	for n < size {
		m, readErr := resp.Body.Read(buf[:min(int64(len(buf)), size-n)])
		if m > 0 {
			if _, err := w.Write(buf[:m]); err != nil {
				return n, &writeError{err}
			}
			n += int64(m)
			event.Bytes = int64(m)
			progress.tell(event)
		}
		if readErr != nil && n < size {
			if errors.Is(readErr, io.EOF) {
				readErr = io.ErrUnexpectedEOF
			}
			return n, fmt.Errorf("%s: %w", op, cause(ctx, readErr))
		}
	}
	return n, nil
}
