package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// In the functions below every 32-bit lane of a vector register belongs to a
// stream of its own, and all do the same rounds. A 128-bit part of a register
// holds four streams: the i-th part those from 4i on.

// lanes is what the functions for lanes have in common.
type lanes struct {
	h, p, off, left reg.GPVirtual
	n               int // streams
}

func startLanes(name, needs string, n int) *lanes {
	TEXT(name, NOSPLIT, "func(h *uint32, p **byte, blocks int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s adds as many blocks of each of %d p to the state of its lane; h[%d*i+j]", name, n, n),
		"is word i of stream j. It needs "+needs+".")
	l := &lanes{n: n, h: GP64(), p: GP64(), off: GP64(), left: GP64()}
	Load(Param("h"), l.h)
	Load(Param("p"), l.p)
	Load(Param("blocks"), l.left)
	XORQ(l.off, l.off)
	return l
}

// word is the i-th word of all states.
func (l *lanes) word(i int) Mem { return Mem{Base: l.h, Disp: 4 * l.n * i} }

// row points at the next block of stream j, 16 bytes a quarter.
func (l *lanes) row(j, quarter int) Mem {
	at := GP64()
	MOVQ(Mem{Base: l.p, Disp: 8 * j}, at)
	return Mem{Base: at, Index: l.off, Scale: 1, Disp: 16 * quarter}
}

func (l *lanes) next(label string) {
	ADDQ(Imm(64), l.off)
	DECQ(l.left)
	JNZ(LabelRef(label))
	VZEROUPPER()
	RET()
}

// transpose makes, of four registers with four words each of four streams in
// every 128-bit part, four with one word of each stream.
func transpose(r, t [4]reg.VecPhysical) {
	VPUNPCKLDQ(r[1], r[0], t[0])
	VPUNPCKLDQ(r[3], r[2], t[1])
	VPUNPCKHDQ(r[1], r[0], t[2])
	VPUNPCKHDQ(r[3], r[2], t[3])
	VPUNPCKLQDQ(t[1], t[0], r[0])
	VPUNPCKHQDQ(t[1], t[0], r[1])
	VPUNPCKLQDQ(t[3], t[2], r[2])
	VPUNPCKHQDQ(t[3], t[2], r[3])
}

var laneConstants, lanesReversed Mem

func laneData() {
	if laneConstants.Base == nil {
		laneConstants = constant("laneConstants", roundConstants[:]...)
		lanesReversed = constant("lanesReversed", 0x00010203, 0x04050607, 0x08090a0b, 0x0c0d0e0f)
	}
}

// lanes8AVX2 has no room for the schedule in its registers, and none for
// rotations: each is two shifts and an or.
func lanes8AVX2() {
	laneData()
	l := startLanes("lanes8AVX2", "AVX2", 8)
	v := [5]reg.VecPhysical{reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4}
	k, mask, w := reg.Y5, reg.Y6, reg.Y7
	r := [4]reg.VecPhysical{reg.Y8, reg.Y9, reg.Y10, reg.Y11}
	t := [4]reg.VecPhysical{reg.Y12, reg.Y13, reg.Y14, reg.Y15}

	words := aligned(32, 16*32) // the last 16 of the schedule
	slot := func(i int) Mem { return Mem{Base: words, Disp: i % 16 * 32} }

	VBROADCASTI128(lanesReversed, mask)
	for i := range v {
		VMOVDQU(l.word(i), v[i])
	}
	Label("block8AVX2")
	for i := range 80 {
		if i%20 == 0 {
			VPBROADCASTD(laneConstants.Offset(i/20*4), k)
		}
		if i < 16 && i%4 == 0 {
			for j := range r {
				low := l.row(j, i/4)
				VMOVDQU(low, r[j].AsX())
				VINSERTI128(Imm(1), l.row(j+4, i/4), r[j], r[j])
				VPSHUFB(mask, r[j], r[j])
			}
			transpose(r, t)
			for j := range r {
				VMOVDQA(r[j], slot(i+j))
			}
		}
		a, b, c, d, e := v[(80-i)%5], v[(81-i)%5], v[(82-i)%5], v[(83-i)%5], v[(84-i)%5]
		x, y := t[0], t[1]
		if i < 16 {
			VPADDD(r[i%4], e, e)
		} else {
			VMOVDQA(slot(i-3), w)
			VPXOR(slot(i-8), w, w)
			VPXOR(slot(i-14), w, w)
			VPXOR(slot(i-16), w, w)
			VPADDD(w, w, x)
			VPSRLD(Imm(31), w, w)
			VPOR(x, w, w)
			VMOVDQA(w, slot(i))
			VPADDD(w, e, e)
		}
		VPADDD(k, e, e)
		switch i / 20 {
		case 0:
			VPXOR(c, d, x)
			VPAND(b, x, x)
			VPXOR(d, x, x)
		case 2:
			VPOR(b, c, x)
			VPAND(d, x, x)
			VPAND(b, c, y)
			VPOR(y, x, x)
		default:
			VPXOR(b, c, x)
			VPXOR(d, x, x)
		}
		VPADDD(x, e, e)
		x, y = t[2], t[3]
		VPSLLD(Imm(5), a, x)
		VPSRLD(Imm(27), a, y)
		VPOR(x, y, y)
		VPADDD(y, e, e)
		VPSLLD(Imm(30), b, x)
		VPSRLD(Imm(2), b, b)
		VPOR(x, b, b)
	}
	for i := range v {
		VPADDD(l.word(i), v[i], v[i])
		VMOVDQU(v[i], l.word(i))
	}
	l.next("block8AVX2")
}

// lanesAVX512 has all of the schedule in registers, rotates in one
// instruction, and has one for any function of three words.
func lanesAVX512(name string, n int) {
	laneData()
	reg1 := func(i int) reg.VecPhysical {
		if n == 8 {
			return allY[i]
		}
		return allZ[i]
	}
	l := startLanes(name, "AVX-512 F, BW and VL", n)
	var v [5]reg.VecPhysical
	var k, words [16]reg.VecPhysical
	for i := range v {
		v[i] = reg1(i)
	}
	for i := range 4 {
		k[i] = reg1(5 + i)
	}
	for i := range words {
		words[i] = reg1(16 + i)
	}
	mask, x, y := reg1(9), reg1(10), reg1(11)
	t := [4]reg.VecPhysical{reg1(12), reg1(13), reg1(14), reg1(15)}

	VBROADCASTI32X4(lanesReversed, mask)
	for i := range 4 {
		VPBROADCASTD(laneConstants.Offset(4*i), k[i])
	}
	for i := range v {
		VMOVDQU32(l.word(i), v[i])
	}
	Label("block_" + name)
	for i := range 80 {
		w := words[i%16]
		if i < 16 && i%4 == 0 {
			r := [4]reg.VecPhysical(words[i : i+4])
			for j := range r {
				VMOVDQU32(l.row(j, i/4), r[j].AsX())
				for part := 1; part < n/4; part++ {
					VINSERTI32X4(Imm(uint64(part)), l.row(4*part+j, i/4), r[j], r[j])
				}
				VPSHUFB(mask, r[j], r[j])
			}
			transpose(r, t)
		}
		if i >= 16 {
			VPTERNLOGD(Imm(xor3), words[(i-3)%16], words[(i-8)%16], w)
			VPXORD(words[(i-14)%16], w, w)
			VPROLD(Imm(1), w, w)
		}
		a, b, c, d, e := v[(80-i)%5], v[(81-i)%5], v[(82-i)%5], v[(83-i)%5], v[(84-i)%5]
		VPADDD(w, e, e)
		VPADDD(k[i/20], e, e)
		VMOVDQA32(b, x)
		VPTERNLOGD(Imm([]uint64{choose, xor3, majority, xor3}[i/20]), d, c, x)
		VPADDD(x, e, e)
		VPROLD(Imm(5), a, y)
		VPADDD(y, e, e)
		VPROLD(Imm(30), b, b)
	}
	for i := range v {
		VPADDD(l.word(i), v[i], v[i])
		VMOVDQU32(v[i], l.word(i))
	}
	l.next("block_" + name)
}

// Truth tables for VPTERNLOGD, of the destination, the second source and the first.
const (
	choose   = 0xca
	xor3     = 0x96
	majority = 0xe8
)

var allY = []reg.VecPhysical{reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7, reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
	reg.Y16, reg.Y17, reg.Y18, reg.Y19, reg.Y20, reg.Y21, reg.Y22, reg.Y23, reg.Y24, reg.Y25, reg.Y26, reg.Y27, reg.Y28, reg.Y29, reg.Y30, reg.Y31}

var allZ = []reg.VecPhysical{reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23, reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31}
