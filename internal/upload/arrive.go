package upload

import (
	"bytes"
	"context"

	"boxcar/internal/blob"
	"boxcar/internal/meta"
)

// rowKeeper is a blob.Store that keeps small blobs in rows. Such a row can be made
// in the transaction that names it, which is then the only one to wait for.
type rowKeeper interface {
	// Most is the size in bytes up to which a blob becomes a row.
	Most() int64
	// Whole gives all of src if that is small enough for a row. The bytes are verified,
	// src has been read, and they stay until it is closed. Otherwise nothing has been read.
	Whole(src *blob.Source) (b []byte, small bool, err error)
	// PutIn makes b the blob of a key that nobody has used.
	PutIn(tx meta.Tx, key blob.Key, b []byte) error
}

// arrived is bytes that came in whole: a blob that is durable, or what will be one
// when the transaction is that put is called in.
type arrived struct {
	key  blob.Key
	rows rowKeeper // nil: it is a blob
	b    []byte
}

// take reads src to its end.
func (s *Service) take(ctx context.Context, src *blob.Source) (arrived, error) {
	a := arrived{key: s.newKey()}
	if rows, ok := s.Blobs.(rowKeeper); ok {
		b, small, err := rows.Whole(src)
		if err != nil {
			return a, err
		}
		if small {
			a.rows, a.b = rows, b
			return a, nil
		}
	}
	// Until its row is there, nothing but this tells it from garbage.
	s.arriving.Store(a.key, nil)
	if err := s.Blobs.Put(ctx, a.key, src); err != nil {
		s.arriving.Delete(a.key)
		return a, err
	}
	return a, nil
}

// own keeps bytes that are on the way into a row when their source's memory goes
// to somebody else, who may be done with it before.
func (a *arrived) own() {
	if a.rows != nil {
		a.b = bytes.Clone(a.b)
	}
}

// put makes the bytes a blob, if they are none, with the rest of tx.
func (a arrived) put(tx meta.Tx) error {
	if a.rows == nil {
		return nil
	}
	return a.rows.PutIn(tx, a.key, a.b)
}

// settled is called when the blob has its row, or gets none any more.
func (s *Service) settled(a arrived) { s.arriving.Delete(a.key) }

// refuse lets go of a blob that no row names.
func (s *Service) refuse(a arrived) {
	if a.rows == nil {
		s.discard([]blob.Key{a.key})
	}
}
