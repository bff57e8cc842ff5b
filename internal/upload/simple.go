package upload

import (
	"context"
	"errors"
	"io"
	"math"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/tree"
)

// Simple makes a file or a version of one body in one request. sha1 is what
// the client says of the body, nil if nothing; t.Size may be -1. The errors
// are those of a preflight, content.BadDigest, and content.BodyTooLarge for a
// body over the limit for files.
func (s *Service) Simple(ctx context.Context, who content.Principal, t tree.Target, pre content.Preconditions, attr content.Attributes, sha1 *content.SHA1, body io.Reader) (_ *content.File, err error) {
	ctx, end := s.watch(ctx, OpSimple)
	defer func() { end(err) }()
	room := int64(math.MaxInt64)
	admit := func() error {
		return s.Meta.View(ctx, func(tx meta.Tx) (err error) {
			room, err = s.Tree.Admit(tx, who, t, pre)
			return err
		})
	}
	// A refusal spares a small body nothing that is worth a look of its own: what is
	// to be stored judges it once more in any case.
	small := t.Size < 0 && s.boardable(body) // a size that was promised is judged as it was
	if !small {
		if err := admit(); err != nil {
			return nil, err
		}
	}
	release, err := s.places.take(ctx, who.User, s.Limits.Wait)
	if err != nil {
		return nil, err
	}
	defer release()

	src := s.Intake.Verify(&capped{r: body, most: s.Tree.MaxFileSize, room: room}, blob.Want{Size: blob.AnySize, SHA1: sha1}, nil)
	defer src.Close()
	got, err := s.take(ctx, src)
	if err != nil {
		if small {
			if err := admit(); err != nil {
				return nil, err // it would have come first
			}
		}
		if content.Is(err, content.DigestMismatch) {
			var e *content.Error
			errors.As(err, &e)
			err = content.Errorf(content.BadDigest, "Content-MD5 does not match: %s", e.Message)
		}
		return nil, err
	}
	defer s.settled(got)
	sum := src.Sum()

	ctx, cancel := s.settle(ctx)
	defer cancel()
	manifest, now := meta.Manifest(s.NewID()), s.Now()
	var file *content.File
	var refused error
	err = s.Meta.Update(ctx, func(tx meta.Tx) (err error) {
		defer func() { refused = err }()
		if sum.Size > 0 {
			if err := got.put(tx); err != nil {
				return err
			}
			part := meta.Part{
				Part: content.Part{ID: partID(s.newSessionID(), 0), Span: content.Span{End: sum.Size}, SHA1: sum.SHA1},
				Blob: got.key, CreatedAt: now, After: src.State(),
			}
			if err := tx.InsertPart(manifest, part); err != nil {
				return err
			}
		}
		file, err = s.Tree.Publish(tx, who, t, pre, tree.Content{Manifest: manifest, Size: sum.Size, SHA1: sum.SHA1}, attr, now)
		return err
	})
	if refused != nil || err == nil && sum.Size == 0 {
		s.refuse(got)
	}
	return file, err
}

// Bounded is a body that tells how many bytes it has at most, and that they are on
// their way already, whatever the answer will be.
type Bounded interface {
	io.Reader
	AtMost() int64
}

// boardable says that a body will be stored in the transaction that judges it.
func (s *Service) boardable(body io.Reader) bool {
	b, ok := body.(Bounded)
	if !ok {
		return false
	}
	rows, ok := s.Blobs.(rowKeeper)
	return ok && b.AtMost() <= rows.Most()
}

// capped ends a body of unknown length that cannot be kept anyway.
type capped struct {
	r          io.Reader
	n          int64
	most, room int64 // bytes: the largest file, what is left of the quota
}

func (c *capped) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	switch {
	case c.n > c.most:
		return n, content.Errorf(content.BodyTooLarge, "the file has more than the %d bytes that a file may have", c.most)
	case c.n > c.room:
		return n, content.Errorf(content.QuotaExceeded, "the file has more than the %d bytes that are left of the quota", c.room)
	}
	return n, err
}
