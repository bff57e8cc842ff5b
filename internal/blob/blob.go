// Package blob is the contract for keeping immutable runs of bytes. What is
// stored comes through a Source, which vouches for it: no backend can keep
// bytes that were not verified.
package blob

import (
	"context"
	"encoding/hex"
	"io"
	"iter"
	"time"

	"boxcar/internal/content"
)

// Key names a blob: 128 random bits in lower-case hex, 32 digits. A key says
// nothing about the bytes, and a key is used once.
type Key string

// NewKey makes a key out of 128 bits.
func NewKey(bits [16]byte) Key { return Key(hex.EncodeToString(bits[:])) }

// Valid says whether k has the form of a key.
func (k Key) Valid() bool {
	if len(k) != 32 {
		return false
	}
	for _, c := range []byte(k) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Store keeps immutable blobs. Its methods may be called concurrently, by
// several processes too.
type Store interface {
	// Put stores all of src under a new key, and returns nil only once the
	// bytes and the name would survive a power cut. If it fails, nothing can
	// be read under key, now or after a restart, and src's own error is in the
	// chain of the error returned. A key that is in use is an error, and the
	// blob that has it stays as it was. Memory used does not depend on the
	// size of src. A full disk is a content.Unavailable error.
	Put(ctx context.Context, key Key, src *Source) error

	// Open reads from offset. The caller means to read length bytes, and offset and
	// length are within the blob; the reader may go on beyond them, and on a
	// local disk it is the *os.File itself, so that io.CopyN hands it to the
	// kernel. The caller closes it. It returns a content.NotFound error if
	// there is no such blob.
	Open(ctx context.Context, key Key, offset, length int64) (io.ReadCloser, error)

	// Stat gives the size of a blob without opening it, or a content.NotFound error.
	Stat(ctx context.Context, key Key) (Info, error)

	// Delete removes keys. One that is not there is not an error. Readers that
	// are open may go on to their end or fail. If it fails, some may be gone. A power
	// cut may bring a blob back, whole: by then nothing refers to it, and what nothing
	// refers to is swept, so a sync for each would buy nothing.
	Delete(ctx context.Context, keys ...Key) error

	// List goes over all blobs in no order that matters, and stops at the
	// first error. Blobs put or deleted meanwhile may be seen or not.
	List(ctx context.Context) iter.Seq2[Info, error]

	// Scraps goes over what Puts left behind that never finished.
	Scraps(ctx context.Context) iter.Seq2[Scrap, error]

	// Discard removes a scrap. The caller knows that no Put is at work on it.
	Discard(ctx context.Context, scrap Scrap) error
}

// Info is what List and Stat tell of a blob.
type Info struct {
	Key     Key
	Size    int64     // bytes
	ModTime time.Time // when it was put, by the backend's clock
}

// Scrap is what is left of a Put that was cut short.
type Scrap struct {
	Name    string // in the backend's own terms
	Size    int64  // bytes
	ModTime time.Time
}

// Sum is the size and digest of a run of bytes.
type Sum struct {
	Size int64 // bytes
	SHA1 content.SHA1
}

// Want is what a run of bytes is promised to be.
type Want struct {
	Size int64         // bytes; AnySize if nobody said
	SHA1 *content.SHA1 // nil if nobody said
}

// AnySize in a Want leaves the size open.
const AnySize = -1
