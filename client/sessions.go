package client

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"boxcar/boxapi"
)

const sessionsPath = "/files/upload_sessions"

// The calls of an upload session, for who wants to do by hand what Upload does.
// Session URLs are built from the id and the client's own base URL, never taken
// from a reply: a token goes where its owner said.

// CreateSession begins an upload of a new file of size bytes into a folder. If the
// server answers that there is such a session already, it is that one.
func (c *Client) CreateSession(ctx context.Context, folderID, name string, size int64) (*boxapi.UploadSession, error) {
	n := boxapi.Name(name)
	return c.createSession(ctx, sessionsPath, boxapi.CreateSession{
		FolderID: boxapi.ID(folderID), FileName: &n, FileSize: boxapi.CountOf(size),
	})
}

// CreateVersionSession begins an upload of a new version of a file. A name that is
// not "" becomes the file's name.
func (c *Client) CreateVersionSession(ctx context.Context, fileID, name string, size int64) (*boxapi.UploadSession, error) {
	body := boxapi.CreateSession{FileSize: boxapi.CountOf(size)}
	if name != "" {
		n := boxapi.Name(name)
		body.FileName = &n
	}
	return c.createSession(ctx, "/files"+idPath(fileID)+"/upload_sessions", body)
}

func (c *Client) createSession(ctx context.Context, path string, body boxapi.CreateSession) (*boxapi.UploadSession, error) {
	var s boxapi.UploadSession
	err := c.do(ctx, &request{method: http.MethodPost, path: path, upload: true, json: body, into: &s})
	var refused *Error
	if errors.As(err, &refused) && refused.Code == boxapi.CodeSessionConflict && refused.Context != nil && refused.Context.Session != nil {
		s, err = *refused.Context.Session, nil
	}
	if err != nil {
		return nil, err
	}
	return &s, checkSession(&s, body.FileSize.N)
}

// checkSession says whether the parts of a session can be those of a file of size
// bytes; a size below 0 is not known.
func checkSession(s *boxapi.UploadSession, size int64) error {
	if s.ID == "" || s.PartSize <= 0 || s.TotalParts <= 0 ||
		size >= 0 && (int64(s.TotalParts) != (size+s.PartSize-1)/s.PartSize) {
		return fmt.Errorf("upload session %q of %d parts of %d bytes does not fit a file of %d bytes", s.ID, s.TotalParts, s.PartSize, size)
	}
	return nil
}

// Session is what the server knows of an upload session.
func (c *Client) Session(ctx context.Context, id string) (*boxapi.UploadSession, error) {
	var s boxapi.UploadSession
	if err := c.do(ctx, &request{method: http.MethodGet, path: sessionsPath + idPath(id), upload: true, into: &s}); err != nil {
		return nil, err
	}
	return &s, checkSession(&s, -1)
}

// PutPart sends the part of a file of total bytes that begins at offset: size bytes
// of from, whose SHA-1 is sum. It is tried again as any call is, whether or not the
// part has arrived meanwhile.
func (c *Client) PutPart(ctx context.Context, id string, offset, size, total int64, sum [20]byte, from io.ReaderAt) (boxapi.Part, error) {
	r := partRequest(id, offset, size, total, sum, from, nil)
	var part boxapi.PartReply
	r.into = &part
	err := c.do(ctx, r)
	return part.Part, err
}

// partRequest is one PUT of a part. from is read from 0.
func partRequest(id string, offset, size, total int64, sum [20]byte, from io.ReaderAt, sent func(int64)) *request {
	return &request{
		method: http.MethodPut, path: sessionsPath + idPath(id), upload: true,
		header: http.Header{
			"Digest":        {boxapi.FormatDigest(sum)},
			"Content-Range": {boxapi.FormatContentRange(offset, offset+size-1, total)},
		},
		body: &requestBody{
			open:   func() io.Reader { return io.NewSectionReader(from, 0, size) },
			length: size, contentType: "application/octet-stream", sent: sent,
		},
	}
}

// partsPage is the most parts that are listed at once.
const partsPage = 1000

// Parts are the parts that have arrived, in the order of their offsets.
func (c *Client) Parts(ctx context.Context, id string) iter.Seq2[boxapi.Part, error] {
	return c.partsOf(ctx, id, 0)
}

// partsOf is Parts for a session of that many slots, if that is known.
func (c *Client) partsOf(ctx context.Context, id string, slots int) iter.Seq2[boxapi.Part, error] {
	return func(yield func(boxapi.Part, error) bool) {
		for slot := 0; ; {
			page, err := c.partsFrom(ctx, id, slot, partsPage)
			if err != nil {
				yield(boxapi.Part{}, err)
				return
			}
			for _, p := range page.Entries {
				if p.PartID != "" && !yield(p, nil) {
					return
				}
			}
			// An offset counts slots, and slots without a part are left out:
			// how many came says nothing about the end.
			step := page.Limit
			if step <= 0 {
				step = max(len(page.Entries), 1)
			}
			slot += step
			if slot >= max(slots, page.TotalCount) || slot > maxSlot {
				return
			}
		}
	}
}

// maxSlot is the last slot that a listing may begin at.
const maxSlot = 10000

func (c *Client) partsFrom(ctx context.Context, id string, slot, limit int) (*boxapi.PartList, error) {
	var page boxapi.PartList
	r := c.partsRequest(id, slot, limit)
	r.into = &page
	err := c.do(ctx, r)
	return &page, err
}

func (c *Client) partsRequest(id string, slot, limit int) *request {
	return &request{
		method: http.MethodGet, path: sessionsPath + idPath(id) + "/parts", upload: true,
		query: url.Values{"offset": {strconv.Itoa(slot)}, "limit": {strconv.Itoa(limit)}},
	}
}

// Plan tells the server what parts are about to be sent, by their SHA-512. Those it
// has anyway are in the session then: they are the reply's Hits.
func (c *Client) Plan(ctx context.Context, id string, parts []boxapi.PlanPart) (*boxapi.PlanReply, error) {
	var p boxapi.PlanReply
	err := c.do(ctx, &request{
		method: http.MethodPost, path: sessionsPath + idPath(id) + "/plan", upload: true,
		json: boxapi.Plan{Parts: parts}, into: &p,
	})
	if err != nil {
		return nil, err
	}
	return &p, nil
}

// Commit makes a file of the parts. It waits while the server has not assembled
// them, as long as Retry.CommitBudget, and may be called again. ifMatch is the etag
// that the file must have, or "".
func (c *Client) Commit(ctx context.Context, id string, sum [20]byte, parts []boxapi.Part, about boxapi.Attributes, ifMatch string) (*boxapi.File, error) {
	return c.commit(ctx, func() (*boxapi.File, wish, error) {
		return c.commitOnce(ctx, id, sum, parts, about, ifMatch)
	}, func(err error, _ bool) (bool, error) {
		return passing(err) || HasCode(err, boxapi.CodeConflict), err
	}, nil)
}

// commit calls try until there is a file. judge says of an error whether to go on,
// and else what error to end with; it knows whether the answer to an earlier
// attempt was lost.
func (c *Client) commit(ctx context.Context, try func() (*boxapi.File, wish, error), judge func(err error, wasLost bool) (bool, error), progress Progress) (*boxapi.File, error) {
	failing, all := c.retry.start(), c.retry.start()
	all.budget = c.retry.CommitBudget
	wasLost := false
	for {
		file, wait, err := try()
		if file != nil {
			return file, err
		}
		if ctx.Err() != nil {
			return nil, errors.Join(err, context.Cause(ctx))
		}
		p := all
		if err != nil {
			again, final := judge(err, wasLost)
			if !again {
				return nil, final
			}
			wasLost = wasLost || lost(err)
			wait.d, wait.given = asked(err)
			p = failing
		} else {
			failing = c.retry.start()
			err = errors.New("the server has not assembled the parts")
		}
		if all.since.IsZero() {
			all.since = time.Now()
		}
		d, again := p.next(wait.d, wait.given)
		if !again {
			return nil, fmt.Errorf("commit given up: %w", err)
		}
		progress.tell(Event{Kind: Waiting, Wait: d, Err: err, Part: -1})
		if ended := sleep(ctx, d); ended != nil {
			return nil, errors.Join(err, ended)
		}
	}
}

// wish is a Retry-After, if there was one.
type wish struct {
	d     time.Duration
	given bool
}

// commitOnce asks for a commit once. Neither a file nor an error means that the
// server is at work, and how long it wants to be left alone.
func (c *Client) commitOnce(ctx context.Context, id string, sum [20]byte, parts []boxapi.Part, about boxapi.Attributes, ifMatch string) (*boxapi.File, wish, error) {
	body := boxapi.Commit{Parts: make([]boxapi.CommitPart, len(parts)), Attributes: &about}
	for i, p := range parts {
		body.Parts[i] = boxapi.CommitPart{PartID: p.PartID, Offset: p.Offset, Size: p.Size}
		if p.SHA1 != "" {
			body.Parts[i].SHA1 = &parts[i].SHA1
		}
	}
	r := &request{
		method: http.MethodPost, path: sessionsPath + idPath(id) + "/commit", upload: true,
		header: http.Header{"Digest": {boxapi.FormatDigest(sum)}}, json: body,
	}
	if ifMatch != "" {
		r.header.Set("If-Match", ifMatch)
	}
	rep, err := c.once(ctx, r)
	if err != nil {
		return nil, wish{}, err
	}
	if rep.status == http.StatusAccepted {
		d, given := retryAfter(rep.header)
		return nil, wish{d, given}, nil
	}
	file, err := oneFile(r.op(), rep)
	if err == nil && !strings.EqualFold(file.SHA1, hex.EncodeToString(sum[:])) {
		err = fmt.Errorf("%w: %s made file %s with SHA-1 %s, and its parts make %x", ErrCorrupt, r.op(), file.ID, file.SHA1, sum)
	}
	return file, wish{}, err
}

// oneFile reads the reply to an upload or a commit: a list of one file, or, as
// another version of the API has it, the file itself.
func oneFile(op string, rep *reply) (*boxapi.File, error) {
	var list boxapi.Files
	if err := boxapi.DecodeReply(rep.body, &list); err == nil && len(list.Entries) == 1 {
		return &list.Entries[0], nil
	}
	var bare boxapi.File
	if err := boxapi.DecodeReply(rep.body, &bare); err == nil && bare.ID != "" {
		return &bare, nil
	}
	return nil, fmt.Errorf("%s: %d with a reply that has no file", op, rep.status)
}

// Abort ends a session and drops its parts. A session that is over already is not
// an error, and a file that was made of it stays.
func (c *Client) Abort(ctx context.Context, id string) error {
	err := c.do(ctx, &request{method: http.MethodDelete, path: sessionsPath + idPath(id), upload: true})
	if sessionGone(err) {
		return nil
	}
	return err
}

// sessionGone says whether a session can take no part and no commit any more.
func sessionGone(err error) bool {
	return hasStatus(err, http.StatusGone) || hasStatus(err, http.StatusNotFound) && !HasCode(err, boxapi.CodeTrashed)
}

// SessionLog is what happened to a session, where the server tells: Box does not.
func (c *Client) SessionLog(ctx context.Context, id string) (*boxapi.SessionLog, error) {
	var log boxapi.SessionLog
	err := c.do(ctx, &request{method: http.MethodGet, path: sessionsPath + idPath(id) + "/log", upload: true, into: &log})
	if err != nil {
		return nil, err
	}
	return &log, nil
}

// LogEvent adds to a session's log. info is JSON, or "".
func (c *Client) LogEvent(ctx context.Context, id, eventType, info string) error {
	return c.do(ctx, &request{
		method: http.MethodPost, path: sessionsPath + idPath(id) + "/log", upload: true,
		json: boxapi.LogEvent{EventType: eventType, EventInfo: info},
	})
}
