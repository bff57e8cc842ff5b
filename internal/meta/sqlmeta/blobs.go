package sqlmeta

import (
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// InsertBlob is a meta.Blobs method.
func (tx *Tx) InsertBlob(key blob.Key, at time.Time, b []byte) (bool, error) {
	const op = "insert blob"
	k, err := validKey(key)
	if err != nil {
		return false, tx.fail(op, err)
	}
	if b == nil {
		b = []byte{}
	}
	n, err := tx.exec(op, `INSERT INTO blob (key, at, size, bytes) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		k, micros(at), int64(len(b)), b)
	return n == 1, err
}

func noBlob(key blob.Key) error {
	return content.Errorf(content.NotFound, "no row holds a blob %q", key)
}

// Blob is a meta.Blobs method.
func (tx *Tx) Blob(key blob.Key) ([]byte, error) {
	k, err := validKey(key)
	if err != nil {
		return nil, noBlob(key)
	}
	return one(tx, "get blob", `SELECT bytes FROM blob WHERE key = ?`, func(b *[]byte) []any { return []any{b} }, noBlob(key), k)
}

func blobColumns(e *meta.BlobEntry) []any {
	return []any{&e.N, hexKey{&e.Key}, instant{&e.ModTime}, &e.Size}
}

const selectBlob = `SELECT n, key, at, size FROM blob `

// BlobInfo is a meta.Blobs method.
func (tx *Tx) BlobInfo(key blob.Key) (blob.Info, error) {
	k, err := validKey(key)
	if err != nil {
		return blob.Info{}, noBlob(key)
	}
	e, err := one(tx, "look at blob", selectBlob+`WHERE key = ?`, blobColumns, noBlob(key), k)
	return e.Info, err
}

// Blobs is a meta.Blobs method.
func (tx *Tx) Blobs(after int64, limit int) ([]meta.BlobEntry, error) {
	return list(tx, "list blobs", selectBlob+`WHERE n > ? ORDER BY n LIMIT ?`, blobColumns, after, limited(limit))
}

// DeleteBlobs is a meta.Blobs method.
func (tx *Tx) DeleteBlobs(keys []blob.Key) error {
	for _, key := range keys {
		k, err := validKey(key)
		if err != nil {
			continue // there is none
		}
		if _, err := tx.exec("delete blobs", `DELETE FROM blob WHERE key = ?`, k); err != nil {
			return err
		}
	}
	return nil
}
