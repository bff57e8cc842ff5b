package meta

import (
	"time"

	"boxcar/internal/blob"
)

// Blobs are runs of bytes that are small enough for a row. No other row refers
// to one: what a part names may be here or in a blob.Store.
type Blobs interface {
	// InsertBlob adds a blob, and says whether its key was free. If it was not,
	// nothing has changed.
	InsertBlob(key blob.Key, at time.Time, b []byte) (bool, error)
	// Blob is the bytes of one, the caller's to keep.
	Blob(key blob.Key) ([]byte, error)
	BlobInfo(key blob.Key) (blob.Info, error)
	// Blobs are in an order of the store's own; each entry's N is above after.
	Blobs(after int64, limit int) ([]BlobEntry, error)
	DeleteBlobs(keys []blob.Key) error
}

// BlobEntry is a blob and its place in the list, from 1.
type BlobEntry struct {
	N int64
	blob.Info
}
