package digest

import (
	"encoding/binary"
	"fmt"

	"boxcar/internal/content"
)

// BlockSize is the number of bytes that SHA-1 takes at a time. A state exists
// only at multiples of it.
const BlockSize = 64

// chain is the state between two blocks: H of FIPS 180-4, section 6.1.
type chain [5]uint32

var initial = chain{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}

func (h *chain) bytes() (b [20]byte) {
	for i, w := range h {
		binary.BigEndian.PutUint32(b[4*i:], w)
	}
	return b
}

func (h *chain) set(b [20]byte) {
	for i := range h {
		h[i] = binary.BigEndian.Uint32(b[4*i:])
	}
}

// Start is the state before the first byte (FIPS 180-4, section 5.3.1).
var Start = content.SHA1State{Chain: initial.bytes()}

// SHA1 is a running SHA-1. It is not safe for concurrent use.
type SHA1 struct {
	h    chain
	n    int64           // bytes written
	rest [BlockSize]byte // the n%BlockSize bytes that make no block yet
}

// New starts a digest of nothing yet.
func New() *SHA1 { return &SHA1{h: initial} }

// Resume takes up a digest where s stopped it.
func Resume(s content.SHA1State) (*SHA1, error) {
	if !s.Known() || s.N < 0 || s.N%BlockSize != 0 {
		return nil, fmt.Errorf("digest: no SHA-1 state after %d bytes", s.N)
	}
	d := &SHA1{n: s.N}
	d.h.set(s.Chain)
	return d, nil
}

// Write adds p. It never fails.
func (d *SHA1) Write(p []byte) (int, error) {
	if whole := d.take(p); len(whole) > 0 {
		machine().one(&d.h, whole)
	}
	return len(p), nil
}

// take adds p, but for the whole blocks in it, which the caller has to add to
// d.h before anything else.
func (d *SHA1) take(p []byte) (whole []byte) {
	at := int(d.n % BlockSize)
	d.n += int64(len(p))
	if at > 0 {
		n := copy(d.rest[at:], p)
		p = p[n:]
		if at+n < BlockSize {
			return nil
		}
		machine().one(&d.h, d.rest[:])
	}
	n := len(p) &^ (BlockSize - 1)
	copy(d.rest[:], p[n:])
	return p[:n]
}

// Len is the number of bytes written so far, those before Resume included.
func (d *SHA1) Len() int64 { return d.n }

// Sum is the digest of everything so far; writing may go on.
func (d *SHA1) Sum() content.SHA1 {
	// A one bit, zeros, and the length in bits end the last block (FIPS 180-4,
	// section 5.1.1).
	var end [2 * BlockSize]byte
	n := copy(end[:], d.rest[:d.n%BlockSize])
	end[n] = 0x80
	size := BlockSize
	if n+1+8 > BlockSize {
		size = 2 * BlockSize
	}
	binary.BigEndian.PutUint64(end[size-8:], uint64(d.n)<<3)
	h := d.h
	machine().one(&h, end[:size])
	return h.bytes()
}

// State is where the digest stands, or the zero state when that is not at a
// multiple of BlockSize.
func (d *SHA1) State() content.SHA1State {
	if d.n%BlockSize != 0 {
		return content.SHA1State{}
	}
	return content.SHA1State{N: d.n, Chain: d.h.bytes()}
}
