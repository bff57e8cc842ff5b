package faultfs

import (
	"bytes"
	"testing"
)

// What lies beyond the size that was found must not come up when the file
// grows again.
func TestBeyondTheSizeFoundIsZero(t *testing.T) {
	var c contents
	c.write([]byte("ab"), 0)
	c.sync()
	c.write(bytes.Repeat([]byte("c"), 3*pageSize), 2)
	short := false
	for seed := range uint64(100) {
		left := c.crash(newDice(seed), 1)
		was := left.size
		left.truncate(4 * pageSize)
		b := make([]byte, 4*pageSize)
		left.read(b, 0)
		if beyond := b[was:]; len(bytes.Trim(beyond, "\x00")) > 0 {
			t.Fatalf("seed %d: the file had %d bytes, and grew by some that are not zero", seed, was)
		}
		short = short || was == 2
	}
	if !short {
		t.Error("no seed leaves the old size")
	}
}
