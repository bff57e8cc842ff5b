//go:build !purego

package digest

// shaOne adds blocks of p to the state h.
// It needs the SHA-1 instructions.
//
//go:noescape
func shaOne(h *[5]uint32, p *byte, blocks int)

// shaTwo adds blocks of p0 to the state h0, and as many of p1 to h1.
// It needs the SHA-1 instructions.
//
//go:noescape
func shaTwo(h0, h1 *[5]uint32, p0, p1 *byte, blocks int)

// shaPair adds the same blocks of p to two states.
// It needs the SHA-1 instructions.
//
//go:noescape
func shaPair(h0, h1 *[5]uint32, p *byte, blocks int)
