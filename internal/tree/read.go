package tree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// Contents gives a file and the version asked for, 0 being the current one, to
// a caller who may do that with it: content.Download, or content.Preview.
func (s *Service) Contents(ctx context.Context, who content.Principal, do content.Action, id, version content.ID) (file *content.File, v content.Version, err error) {
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		if file, err = s.liveFile(tx, who, id, do); err != nil {
			return err
		}
		v = file.Version
		if version == 0 || version == v.ID {
			return nil
		}
		row, err := versionOf(tx, id, version)
		if err != nil {
			return err
		}
		v, err = s.assembler(tx).version(row)
		return err
	})
	return file, v, err
}

// MayRead says whether the caller may download a file now.
func (s *Service) MayRead(tx meta.Tx, who content.Principal, id content.ID) (bool, error) {
	_, err := s.liveFile(tx, who, id, content.Download)
	if content.Is(err, content.NotFound, content.Trashed, content.AccessDenied, content.InsufficientScope, content.ItemLocked) {
		return false, nil
	}
	return err == nil, err
}

// Open reads a version. It opens a blob when it comes to it, and asks for the
// parts a few at a time, so that what it costs does not grow with the file.
// The caller closes it.
func (s *Service) Open(ctx context.Context, v content.Version) (*Reader, error) {
	r := &Reader{ctx: ctx, s: s, size: v.Size}
	err := s.Meta.View(ctx, func(tx meta.Tx) error {
		row, err := tx.Version(v.ID)
		if err != nil {
			return err
		}
		r.manifest = row.Manifest
		// Told before the first byte, whatever part of the file is wanted.
		lost, err := tx.RottenPart(row.Manifest)
		if err == nil {
			return rotten(lost)
		}
		if !content.Is(err, content.NotFound) {
			return err
		}
		return r.load(tx, 0)
	})
	r.fresh = true
	if err == nil && r.size > 0 {
		r.grid = r.parts[0].Span.Len()
	}
	return r, err
}

// Reader reads a version from any place on. It is not safe for concurrent use.
type Reader struct {
	ctx      context.Context
	s        *Service
	manifest meta.Manifest
	size     int64
	grid     int64 // size of all parts but the last, bytes

	parts []meta.Part // a run of the manifest
	pos   int64
	open  io.ReadCloser // stands at pos, nil if nothing is open
	end   int64         // where the open blob's part ends
	fresh bool          // nothing was opened since the parts were looked at
}

// rotten is an error that nobody classified: it is the server's own fault.
func rotten(p meta.Part) error {
	return fmt.Errorf("the blob %s of the part at %d is damaged", p.Blob, p.Span.Start)
}

// partsAtOnce is how many rows are fetched in one go.
const partsAtOnce = 64

func (r *Reader) load(tx meta.Tx, from int64) (err error) {
	r.parts, err = tx.Parts(r.manifest, from, partsAtOnce)
	if err == nil && r.size > 0 && (len(r.parts) == 0 || r.parts[0].Span.Start != from) {
		return fmt.Errorf("manifest %d has no part at %d", r.manifest, from)
	}
	return err
}

// at opens the blob that holds pos.
func (r *Reader) at() error {
	if r.open != nil {
		if r.pos < r.end {
			return nil
		}
		r.shut()
	}
	start := r.pos / r.grid * r.grid
	i := -1
	if n := len(r.parts); n > 0 && start >= r.parts[0].Span.Start && start <= r.parts[n-1].Span.Start {
		i = int((start - r.parts[0].Span.Start) / r.grid)
	}
	if i < 0 || !r.fresh {
		// It may have been found damaged since the file was opened.
		err := r.s.Meta.View(r.ctx, func(tx meta.Tx) error {
			if i < 0 {
				if err := r.load(tx, start); err != nil {
					return err
				}
				i = 0
			}
			bad, err := tx.IsRotten(r.parts[i].Blob)
			if err == nil && bad {
				err = rotten(r.parts[i])
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	r.fresh = false
	p := r.parts[i]
	open, err := r.s.Blobs.Open(r.ctx, p.Blob, r.pos-p.Span.Start, p.Span.End-r.pos)
	if content.Is(err, content.NotFound) {
		r.s.lost(r.ctx, p.Blob)
		// Of a blob whose row is there: it is no news about the file.
		err = fmt.Errorf("%v", err)
	}
	if err != nil {
		return fmt.Errorf("part at %d of manifest %d: %w", p.Span.Start, r.manifest, err)
	}
	r.open, r.end = open, p.Span.End
	return nil
}

// lost records that a blob is not there. It goes on without the request.
func (s *Service) lost(ctx context.Context, key blob.Key) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer done()
	err := s.Meta.Update(ctx, func(tx meta.Tx) error {
		_, err := meta.Rotted(tx, meta.RottenBlob{Key: key, Damage: meta.Missing, FoundAt: s.Now()})
		return err
	})
	if err != nil {
		s.Log.Error("a blob is missing, and that could not be recorded", "blob", key, "error", err)
	}
}

func (r *Reader) shut() {
	if r.open != nil {
		r.open.Close()
		r.open = nil
	}
}

// Ready says whether the next byte can be read.
func (r *Reader) Ready() error {
	if r.pos >= r.size {
		return nil
	}
	return r.at()
}

// Read reads up to the end of one part.
func (r *Reader) Read(p []byte) (int, error) {
	if r.pos >= r.size {
		return 0, io.EOF
	}
	if err := r.at(); err != nil {
		return 0, err
	}
	n, err := r.open.Read(p[:min(int64(len(p)), r.end-r.pos)])
	r.pos += int64(n)
	if errors.Is(err, io.EOF) {
		if err = nil; n == 0 && len(p) > 0 {
			err = fmt.Errorf("blob ends early, at %d of %d bytes: %w", r.pos, r.size, io.ErrUnexpectedEOF)
		}
	}
	return n, err
}

// Seek moves to another place; nothing is opened before the next read.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, errors.New("seek to before the start")
	}
	if offset != r.pos {
		r.shut()
	}
	r.pos = offset
	return offset, nil
}

// SendTo copies n bytes to w, blob by blob. Where a blob is a file and w takes
// it from there (io.ReaderFrom), the kernel moves the bytes. After an error of w
// the reader stands behind what was sent.
func (r *Reader) SendTo(w io.Writer, n int64) (sent int64, err error) {
	for sent < n && r.pos < r.size {
		if err := r.at(); err != nil {
			return sent, err
		}
		m, err := io.CopyN(w, r.open, min(n-sent, r.end-r.pos))
		sent += m
		r.pos += m
		if err != nil {
			r.shut() // more may have been read of it than was written
			return sent, err
		}
	}
	return sent, nil
}

// Close lets go of what is open.
func (r *Reader) Close() error {
	r.shut()
	return nil
}
