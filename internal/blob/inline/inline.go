// Package inline keeps small blobs as rows, and hands the others to another
// store: a file of its own costs more than a small blob is worth.
package inline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// Most is the size in bytes of the largest blob that may be kept in a row.
const Most = 16 << 10

const (
	// biteRows are removed in one transaction, so that nobody waits long for a turn.
	biteRows = 250
	// pageRows are listed at once.
	pageRows = 1000
)

// Store is a blob.Store over rows and another blob.Store. Both may be used by
// several Stores at a time.
type Store struct {
	rows  meta.Store
	large blob.Store
	most  int64
	now   func() time.Time
	// putting are the keys that Puts are at work on: rows and large blobs don't
	// know of each other, and two Puts of one key might each look before the
	// other is done.
	putting sync.Map
}

var _ blob.Store = (*Store)(nil)

// New makes a Store that keeps what has at most so many bytes in rows, and
// everything else in large; less than none keeps nothing in rows, and reads what is there.
// now dates the rows.
func New(rows meta.Store, large blob.Store, most int64, now func() time.Time) *Store {
	return &Store{rows: rows, large: large, most: min(most, Most), now: now}
}

// Put stores all of src under a new key.
func (s *Store) Put(ctx context.Context, key blob.Key, src *blob.Source) error {
	if !key.Valid() {
		return fmt.Errorf("put blob %q: not a key", key)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("put blob %s: %w", key, context.Cause(ctx))
	}
	if _, busy := s.putting.LoadOrStore(key, nil); busy {
		return inUse(key)
	}
	defer s.putting.Delete(key)

	b, small, err := s.Whole(src)
	if err != nil {
		return fmt.Errorf("put blob %s: %w", key, err)
	}
	beside := s.info
	if small {
		beside = s.large.Stat
	}
	switch _, err := beside(ctx, key); {
	case err == nil:
		return inUse(key)
	case !content.Is(err, content.NotFound):
		return fmt.Errorf("put blob %s: %w", key, err)
	}
	if !small {
		return s.large.Put(ctx, key, src)
	}
	ran := false
	err = s.rows.Update(ctx, func(tx meta.Tx) (err error) {
		err = s.PutIn(tx, key, b)
		ran = err == nil
		return err
	})
	if err != nil && ran {
		// The row may have been made all the same, and must not stand.
		err = errors.Join(err, s.remove(context.WithoutCancel(ctx), key))
	}
	if err != nil {
		return fmt.Errorf("put blob %s: %w", key, err)
	}
	return nil
}

func inUse(key blob.Key) error { return fmt.Errorf("blob %s: the key is in use", key) }

// Most is the size in bytes of the largest blob that is kept in a row.
func (s *Store) Most() int64 { return s.most }

// Whole gives all of src, verified, if that is small enough for a row: src has then
// been read, and the bytes stay until it is closed. Otherwise nothing of it has been read.
func (s *Store) Whole(src *blob.Source) (b []byte, small bool, err error) {
	if src.Len() > 0 {
		return nil, false, fmt.Errorf("%d bytes of the source were read before", src.Len())
	}
	if s.most < 0 || src.Size() > s.most {
		return nil, false, nil
	}
	b, whole, err := src.First()
	if err != nil || !whole || int64(len(b)) > s.most {
		return nil, false, err
	}
	for err == nil {
		_, err = src.Next()
	}
	if err != io.EOF {
		return nil, false, err
	}
	return b, true, nil
}

// PutIn makes b the blob of a key as a part of tx, and so durable with it. It is for who
// has just made the key: large blobs are not asked whether they have it.
func (s *Store) PutIn(tx meta.Tx, key blob.Key, b []byte) error {
	free, err := tx.InsertBlob(key, s.now(), b)
	if err == nil && !free {
		err = inUse(key)
	}
	return err
}

func (s *Store) info(ctx context.Context, key blob.Key) (info blob.Info, err error) {
	err = s.rows.View(ctx, func(tx meta.Tx) error {
		info, err = tx.BlobInfo(key)
		return err
	})
	return info, err
}

// Open reads a small blob at once; of a large one it gives what its store gives.
func (s *Store) Open(ctx context.Context, key blob.Key, offset, length int64) (io.ReadCloser, error) {
	var b []byte
	err := s.rows.View(ctx, func(tx meta.Tx) (err error) {
		b, err = tx.Blob(key)
		return err
	})
	if content.Is(err, content.NotFound) {
		return s.large.Open(ctx, key, offset, length)
	}
	if err != nil {
		return nil, err
	}
	if offset < 0 || offset > int64(len(b)) {
		return nil, fmt.Errorf("open blob %s: it has %d bytes, and is to be read from %d", key, len(b), offset)
	}
	return reader{bytes.NewReader(b[offset:])}, nil
}

// reader is of bytes that are there: closing it lets go of nothing.
type reader struct{ *bytes.Reader }

func (reader) Close() error { return nil }

// Stat gives the size of a blob.
func (s *Store) Stat(ctx context.Context, key blob.Key) (blob.Info, error) {
	info, err := s.info(ctx, key)
	if content.Is(err, content.NotFound) {
		return s.large.Stat(ctx, key)
	}
	return info, err
}

// Delete removes blobs, the rows a few hundred in a transaction.
func (s *Store) Delete(ctx context.Context, keys ...blob.Key) error {
	if err := s.remove(ctx, keys...); err != nil {
		return err
	}
	return s.large.Delete(ctx, keys...)
}

func (s *Store) remove(ctx context.Context, keys ...blob.Key) error {
	for len(keys) > 0 {
		n := min(biteRows, len(keys))
		err := s.rows.Update(ctx, func(tx meta.Tx) error { return tx.DeleteBlobs(keys[:n]) })
		if err != nil {
			return fmt.Errorf("delete %d blobs: %w", n, err)
		}
		keys = keys[n:]
	}
	return nil
}

// List goes over the rows, and then over the large blobs. No transaction is open
// while it gives one.
func (s *Store) List(ctx context.Context) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		for after, more := int64(0), true; more; {
			var page []meta.BlobEntry
			err := s.rows.View(ctx, func(tx meta.Tx) (err error) {
				page, err = tx.Blobs(after, pageRows)
				return err
			})
			if err != nil {
				yield(blob.Info{}, fmt.Errorf("list blobs: %w", err))
				return
			}
			for _, e := range page {
				if !yield(e.Info, nil) {
					return
				}
				after = e.N
			}
			more = len(page) == pageRows
		}
		for info, err := range s.large.List(ctx) {
			if !yield(info, err) {
				return
			}
		}
	}
}

// Scraps goes over those of large blobs: a row is made at one moment.
func (s *Store) Scraps(ctx context.Context) iter.Seq2[blob.Scrap, error] { return s.large.Scraps(ctx) }

// Discard removes a scrap.
func (s *Store) Discard(ctx context.Context, scrap blob.Scrap) error {
	return s.large.Discard(ctx, scrap)
}
