// Package backup is the service that copies what one store of blobs has to
// another, in step with a copy of the rows that refer to them.
package backup

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// Copy says what to copy.
type Copy struct {
	Rows     meta.Store // whose blobs are copied; nobody changes what parts it has
	From, To blob.Store
	// Verify reads what To has already, too. Otherwise it is believed if its size is right.
	Verify bool
	// Lost is told of each blob that neither From nor To has as it should be. It
	// is called by one at a time, and may be nil.
	Lost func(b meta.StoredBlob, damage meta.Damage) error
}

// Copied is what a Copy came to.
type Copied struct {
	Blobs int64 // that rows refer to, lost ones too
	New   int64 // of these, those that were copied
	Bytes int64 // of those
	Lost  int64
}

// at once, since small blobs take the time of their syncs.
const workers = 4

// Run copies blob by blob. Each is compared with its digest on its way, and is durable
// in To when Run returns. A blob that is lost does not keep the others from
// being copied; an error of the disk or of the database does.
func (c Copy) Run(ctx context.Context) (done Copied, err error) {
	var blobs, fresh, bytes, lost atomic.Int64
	var telling sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	err = each(ctx, c.Rows, func(b meta.StoredBlob) error {
		group.Go(func() error {
			blobs.Add(1)
			copied, damage, err := c.one(ctx, b)
			switch {
			case err != nil:
				return fmt.Errorf("copy blob %s: %w", b.Key, err)
			case damage != "":
				lost.Add(1)
				if c.Lost == nil {
					return nil
				}
				telling.Lock()
				defer telling.Unlock()
				return c.Lost(b, damage)
			case copied:
				fresh.Add(1)
				bytes.Add(b.Size)
			}
			return nil
		})
		return ctx.Err()
	})
	if werr := group.Wait(); werr != nil {
		err = werr // ctx ended because of it
	}
	return Copied{Blobs: blobs.Load(), New: fresh.Load(), Bytes: bytes.Load(), Lost: lost.Load()}, err
}

// each goes over the blobs that rows refer to, in order of key.
func each(ctx context.Context, rows meta.Store, do func(meta.StoredBlob) error) error {
	return meta.Each(ctx, rows,
		func(tx meta.Tx, after blob.Key) ([]meta.StoredBlob, error) {
			return tx.StoredBlobs(after, meta.PageRows)
		},
		func(b meta.StoredBlob) blob.Key { return b.Key }, do)
}

// one copies a blob, unless it is there.
func (c Copy) one(ctx context.Context, b meta.StoredBlob) (copied bool, damage meta.Damage, err error) {
	have, err := c.To.Stat(ctx, b.Key)
	switch {
	case content.Is(err, content.NotFound):
	case err != nil:
		return false, "", err
	default:
		good := have.Size == b.Size
		if good && c.Verify {
			damage, err := Check(ctx, c.To, b)
			if err != nil {
				return false, "", err
			}
			good = damage == ""
		}
		if good {
			return false, "", nil
		}
		if err := c.To.Delete(ctx, b.Key); err != nil {
			return false, "", err
		}
	}
	r, err := c.From.Open(ctx, b.Key, 0, b.Size)
	if content.Is(err, content.NotFound) {
		return false, meta.Missing, nil
	}
	if err != nil {
		return false, "", err
	}
	defer r.Close()
	from := &reader{r: r}
	err = c.To.Put(ctx, b.Key, blob.Verify(from, blob.Want{Size: b.Size, SHA1: &b.SHA1}, nil))
	switch {
	case err == nil:
		return true, "", nil
	case content.Is(err, content.SizeMismatch, content.DigestMismatch):
		return false, meta.Altered, nil
	case from.err != nil && ctx.Err() == nil:
		return false, meta.Unreadable, nil
	}
	return false, "", err
}

// reader tells what goes wrong with reading from what goes wrong with writing.
type reader struct {
	r   io.Reader
	err error
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// Check compares a blob with what it should be; "" is no damage. An error says nothing about it.
func Check(ctx context.Context, store blob.Store, b meta.StoredBlob) (meta.Damage, error) {
	r, err := store.Open(ctx, b.Key, 0, b.Size)
	if content.Is(err, content.NotFound) {
		return meta.Missing, nil
	}
	if err != nil {
		return "", err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, struct{ io.Reader }{blob.Verify(r, blob.Want{Size: b.Size, SHA1: &b.SHA1}, nil)})
	switch {
	case err == nil:
		return "", ctx.Err()
	case content.Is(err, content.SizeMismatch, content.DigestMismatch):
		return meta.Altered, nil
	}
	return meta.Unreadable, nil
}

// Prune deletes the blobs that none of several stores of rows refers to.
func Prune(ctx context.Context, blobs blob.Store, kept []meta.Store) (n int64, err error) {
	for info, err := range blobs.List(ctx) {
		if err != nil {
			return n, err
		}
		refers := false
		for _, rows := range kept {
			if refers {
				break
			}
			err := rows.View(ctx, func(tx meta.Tx) (err error) {
				refers, err = tx.Refers(info.Key)
				return err
			})
			if err != nil {
				return n, err
			}
		}
		if refers {
			continue
		}
		if err := blobs.Delete(ctx, info.Key); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
