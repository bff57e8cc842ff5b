// Package digest computes SHA-1: of one stream, and of a file that arrives in
// pieces, whose running state can be kept and taken up again.
package digest

import (
	"crypto/sha1"
	"encoding"
	"encoding/binary"
	"fmt"
	"hash"

	"boxcar/internal/content"
)

// BlockSize is the number of bytes that SHA-1 takes at a time. A state exists
// only at multiples of it.
const BlockSize = sha1.BlockSize

// Start is the state before the first byte (FIPS 180-4, section 5.3.1).
var Start = content.SHA1State{Chain: [20]byte{0x67, 0x45, 0x23, 0x01, 0xef, 0xcd, 0xab, 0x89,
	0x98, 0xba, 0xdc, 0xfe, 0x10, 0x32, 0x54, 0x76, 0xc3, 0xd2, 0xe1, 0xf0}}

// SHA1 is a running SHA-1. It is not safe for concurrent use.
type SHA1 struct {
	h hash.Hash
	n int64
}

// New starts a digest of nothing yet.
func New() *SHA1 { return &SHA1{h: sha1.New()} }

// The form in which crypto/sha1 marshals itself: magic, five words of chain,
// one block of input not yet used, and the length in bytes.
const (
	magic     = "sha\x01"
	chainAt   = len(magic)
	blockAt   = chainAt + 20
	lengthAt  = blockAt + BlockSize
	stateSize = lengthAt + 8
)

// Resume takes up a digest where s stopped it.
func Resume(s content.SHA1State) (*SHA1, error) {
	if !s.Known() || s.N < 0 || s.N%BlockSize != 0 {
		return nil, fmt.Errorf("digest: no SHA-1 state after %d bytes", s.N)
	}
	var b [stateSize]byte
	copy(b[:], magic)
	copy(b[chainAt:], s.Chain[:])
	binary.BigEndian.PutUint64(b[lengthAt:], uint64(s.N))
	d := New()
	if err := d.h.(encoding.BinaryUnmarshaler).UnmarshalBinary(b[:]); err != nil {
		return nil, fmt.Errorf("digest: resume: %w", err)
	}
	d.n = s.N
	return d, nil
}

// Write adds p. It never fails.
func (d *SHA1) Write(p []byte) (int, error) {
	d.n += int64(len(p))
	return d.h.Write(p)
}

// Len is the number of bytes written so far, those before Resume included.
func (d *SHA1) Len() int64 { return d.n }

// Sum is the digest of everything so far; writing may go on.
func (d *SHA1) Sum() (sum content.SHA1) {
	d.h.Sum(sum[:0])
	return sum
}

// State is where the digest stands, or the zero state when that is not at a
// multiple of BlockSize.
func (d *SHA1) State() content.SHA1State {
	if d.n%BlockSize != 0 {
		return content.SHA1State{}
	}
	b, err := d.h.(encoding.BinaryAppender).AppendBinary(make([]byte, 0, stateSize))
	if err != nil || len(b) != stateSize || string(b[:chainAt]) != magic {
		panic("digest: crypto/sha1 marshals itself in a form not known here")
	}
	s := content.SHA1State{N: d.n}
	copy(s.Chain[:], b[chainAt:])
	return s
}
