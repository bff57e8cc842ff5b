// Command avo writes the assembly of package digest for amd64:
//
//	go generate ./internal/digest
//
// SHA-1 is FIPS 180-4, section 6.1. Every function takes whole blocks of 64
// bytes, one at least, and states of five words.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!purego")
	shani("shaOne", "func(h *[5]uint32, p *byte, blocks int)",
		"adds blocks of p to the state h.", 1, 1, false)
	shani("shaTwo", "func(h0, h1 *[5]uint32, p0, p1 *byte, blocks int)",
		"adds blocks of p0 to the state h0, and as many of p1 to h1.", 2, 1, false)
	shani("shaPair", "func(h0, h1 *[5]uint32, p *byte, blocks int)",
		"adds the same blocks of p to two states.", 1, 2, false)
	shani("shaTwoVectors", "func(h0, h1 *[5]uint32, p0, p1 *byte, blocks int)",
		"is shaTwo with the words by vectors.", 2, 1, true)
	shani("shaPairVectors", "func(h0, h1 *[5]uint32, p *byte, blocks int)",
		"is shaPair with the words by vectors.", 1, 2, true)
	shani("shaThree", "func(h0, h1, h2 *[5]uint32, p0, p1, p2 *byte, blocks int)",
		"adds blocks of each p to the state of its number.", 3, 1, false)
	shani("shaTwoPairs", "func(h0, h1, h2, h3 *[5]uint32, p0, p1 *byte, blocks int)",
		"adds blocks of p0 to the states h0 and h1, and as many of p1 to h2 and h3.", 2, 2, false)
	lanes8AVX2()
	lanesAVX512("lanes8AVX512", 8)
	lanesAVX512("lanes16AVX512", 16)
	Generate()
}

// roundConstants are K of FIPS 180-4, section 4.2.1, of 20 rounds each.
var roundConstants = [4]uint32{0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6}

// constant puts 32-bit words into the read-only data.
func constant(name string, words ...uint32) Mem {
	m := GLOBL(name, attr.RODATA|attr.NOPTR)
	for i, w := range words {
		DATA(4*i, U32(w))
	}
	return m
}

// aligned is room on the stack at a multiple of so many bytes, a power of two
// up to 64.
func aligned(to, size int) reg.Register {
	at := GP64()
	LEAQ(AllocLocal(size+to), at)
	ADDQ(I8(int8(to-1)), at)
	ANDQ(I8(int8(-to)), at)
	return at
}
