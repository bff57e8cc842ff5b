package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"

	"boxcar/boxapi"
)

// askBefore is the size, in bytes, from which an upload without a session asks
// first whether it would be taken.
const askBefore = 64 << 10

// simple uploads in one request. It knows the source's digest before, so that an
// upload whose answer was lost can be told from one that never was.
func (j *job) simple(ctx context.Context) (*Result, error) {
	if err := j.digest(ctx); err != nil {
		return nil, err
	}
	if j.to.fileID != "" && j.to.before == "" {
		if _, err := j.look(ctx); err != nil {
			return nil, err
		}
	}
	seen := j.u.NameFree
	for {
		var err error
		isNew := j.to.fileID == ""
		asked := isNew && (j.src.size >= askBefore || j.u.OnConflict != FailOnConflict && !seen)
		if asked {
			err = j.preflight(ctx, j.src.size)
		}
		if err == nil {
			var file *boxapi.File
			file, err = j.post(ctx, asked || isNew && seen)
			if err == nil {
				return &Result{File: file, SHA1: j.sum}, nil
			}
		}
		var refused *Error
		if !errors.As(err, &refused) || !errors.Is(err, ErrNameInUse) {
			return nil, err
		}
		if err := j.decide(ctx, refused); err != nil {
			return nil, err
		}
		seen = false
	}
}

// post sends the form, until it is answered. free says that the name was found to
// be: what has it then with the same bytes is this upload, which some proxy has
// delivered twice, or whose answer was lost.
func (j *job) post(ctx context.Context, free bool) (*boxapi.File, error) {
	p := j.c.retry.start()
	wasLost, moves := free, 0
	for {
		r, moved, err := j.form()
		if err != nil {
			return nil, err
		}
		rep, err := j.c.once(ctx, r)
		if err == nil {
			file, err := oneFile(r.op(), rep)
			if err == nil && !j.isSource(file.SHA1) {
				err = fmt.Errorf("%w: file %s has SHA-1 %s, and the source has %x", ErrCorrupt, file.ID, file.SHA1, j.sum)
			}
			if err == nil {
				err = j.src.unchanged()
			}
			return file, err
		}
		j.u.Progress.tell(Event{Kind: Moved, Bytes: -*moved, Total: j.src.size})
		if changed := j.src.unchanged(); changed != nil {
			return nil, errors.Join(changed, err)
		}
		if ctx.Err() != nil {
			return nil, err
		}
		switch {
		case wasLost && errors.Is(err, ErrNameInUse) && j.to.fileID == "", IsPreconditionFailed(err):
			if file, lookErr := j.landed(ctx); file != nil || lookErr != nil {
				return file, lookErr
			}
			if errors.Is(err, ErrNameInUse) {
				return nil, err
			}
		case passing(err), HasCode(err, boxapi.CodeBadDigest, boxapi.CodeRequestSizeMismatch):
			// The last two: changed on its way, since the source has not.
			wasLost = wasLost || lost(err)
			wait, again := p.next(asked(err))
			if !again {
				return nil, err
			}
			j.u.Progress.tell(Event{Kind: Waiting, Wait: wait, Err: err, Total: j.src.size})
			if sleep(ctx, wait) != nil {
				return nil, err
			}
			continue
		default:
			return nil, err
		}
		// 412: somebody else was faster. Unless the caller minds, the upload
		// follows theirs.
		if j.u.IfMatch != "" || moves > 4 {
			return nil, err
		}
		moves++
		if _, err := j.look(ctx); err != nil {
			return nil, err
		}
	}
}

// form is the request: attributes, and the file behind them.
func (j *job) form() (r *request, moved *int64, err error) {
	about := j.attributes()
	path := "/files/content"
	if j.to.fileID != "" {
		path = "/files" + idPath(j.to.fileID) + "/content"
	} else {
		about.Parent = &boxapi.Ref{ID: boxapi.ID(j.to.folderID)}
	}
	if j.to.fileID == "" || j.u.FileID != "" && j.to.name != "" {
		name := boxapi.Name(j.to.name)
		about.Name = &name
	}
	text, err := encode("POST "+path, about)
	if err != nil {
		return nil, nil, err
	}
	// The writer's own buffer is cut where the file belongs.
	var head bytes.Buffer
	w := multipart.NewWriter(&head)
	err = w.WriteField("attributes", string(text))
	if err == nil {
		_, err = w.CreateFormFile("file", "file")
	}
	before := head.Len()
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, nil, err
	}
	tail := bytes.Clone(head.Bytes()[before:])
	front := head.Bytes()[:before]

	moved = new(int64)
	r = &request{
		method: http.MethodPost, path: path, upload: true,
		// Despite its name the header has a SHA-1.
		header: http.Header{"Content-Md5": {hexSum(j.sum)}},
		body: &requestBody{
			open: func() io.Reader {
				return io.MultiReader(bytes.NewReader(front), io.NewSectionReader(j.src.at, 0, j.src.size), bytes.NewReader(tail))
			},
			length: int64(len(front)) + j.src.size + int64(len(tail)), contentType: w.FormDataContentType(),
		},
	}
	// What is told of is the file in the body, and not what is around it.
	at := int64(-len(front))
	ofFile := func(at int64) int64 { return min(max(at, 0), j.src.size) }
	r.body.sent = func(n int64) {
		before := ofFile(at)
		at += n
		if n = ofFile(at) - before; n != 0 {
			*moved += n
			j.u.Progress.tell(Event{Kind: Moved, Bytes: n, Total: j.src.size})
		}
	}
	if j.to.fileID != "" {
		// With it no request makes a second version of what an earlier one,
		// whose answer was lost, has made.
		etag := j.u.IfMatch
		if etag == "" {
			etag = j.to.etag
		}
		if etag != "" {
			r.header.Set("If-Match", etag)
		}
	}
	return r, moved, nil
}
