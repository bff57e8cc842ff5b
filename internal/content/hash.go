package content

// SHA1State is a SHA-1 stopped after N bytes, N a multiple of 64: the chaining
// value of FIPS 180-4, section 6.1, as five big-endian words. The zero value
// stands for "not known".
type SHA1State struct {
	N     int64 // bytes hashed so far
	Chain [20]byte
}

// Known says whether s is a state at all.
func (s SHA1State) Known() bool { return s != SHA1State{} }

// Front is how far a file has been hashed from its first byte on.
type Front struct {
	// N is the number of bytes hashed.
	N int64
	// State goes on from N. Unknown once the file has ended off a block
	// boundary: then there is nothing to go on to.
	State SHA1State
	// Sum is the file's digest, known once N is the file's size.
	Sum SHA1
}
