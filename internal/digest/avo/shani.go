package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// stream is one state on its way through the SHA unit.
type stream struct {
	h, p        reg.Register // where the state and the bytes are
	abcd        reg.VecVirtual
	e           [2]reg.VecVirtual // by turns: the e of these four rounds, and abcd before them
	abcd0, e0   Mem               // as they were before this block
	msg         [4]reg.VecVirtual // the last 16 words of the message schedule
	sharesWords bool              // with the stream before
}

var wordsReversed Mem

// shani writes a function for so many streams side by side, by the SHA
// instructions. Four rounds have a latency that leaves the unit idle half of
// the time, on some processors; a second stream fills it. With one message the
// schedule is made once for both.
func shani(name, signature string, n int, oneMessage bool) {
	if wordsReversed.Base == nil {
		wordsReversed = constant("wordsReversed", 0x0c0d0e0f, 0x08090a0b, 0x04050607, 0x00010203)
	}
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	what := map[string]string{
		"shaOne":  "adds blocks of p to the state h.",
		"shaTwo":  "adds blocks of p0 to the state h0, and as many of p1 to h1.",
		"shaPair": "adds the same blocks of p to two states.",
	}
	Doc(name+" "+what[name], "It needs SHA, SSSE3 and SSE4.1.")

	saved := aligned(16, 32*n)
	streams := make([]*stream, n)
	for i := range streams {
		s := &stream{abcd: XMM(), e: [2]reg.VecVirtual{XMM(), XMM()}, abcd0: Mem{Base: saved, Disp: 32 * i}, e0: Mem{Base: saved, Disp: 32*i + 16}}
		suffix := string(rune('0' + i))
		if n == 1 {
			suffix = ""
		}
		s.h = Load(Param("h"+suffix), GP64())
		switch {
		case oneMessage && i > 0:
			s.sharesWords, s.msg, s.p = true, streams[0].msg, streams[0].p
		case oneMessage || n == 1:
			s.p = Load(Param("p"), GP64())
		default:
			s.p = Load(Param("p"+suffix), GP64())
		}
		if !s.sharesWords {
			s.msg = [4]reg.VecVirtual{XMM(), XMM(), XMM(), XMM()}
		}
		streams[i] = s
	}
	blocks := Load(Param("blocks"), GP64())
	mask := XMM()
	MOVOU(wordsReversed, mask)
	for _, s := range streams {
		// The unit wants a in the highest word, and e alone in the highest of another.
		MOVOU(Mem{Base: s.h}, s.abcd)
		PSHUFD(Imm(0x1b), s.abcd, s.abcd)
		PXOR(s.e[0], s.e[0])
		PINSRD(Imm(3), Mem{Base: s.h, Disp: 16}, s.e[0])
	}

	Label("block")
	for _, s := range streams {
		MOVOA(s.abcd, s.abcd0)
		MOVOA(s.e[0], s.e0)
	}
	for i := range 20 {
		for _, s := range streams {
			if i < 4 && !s.sharesWords {
				MOVOU(Mem{Base: s.p, Disp: 16 * i}, s.msg[i])
				PSHUFB(mask, s.msg[i])
			}
			now, next := s.e[i%2], s.e[1-i%2]
			m := func(back int) reg.VecVirtual { return s.msg[(i+back)%4] }
			if i == 0 {
				PADDD(m(0), now)
			} else {
				SHA1NEXTE(m(0), now)
			}
			MOVOA(s.abcd, next)
			if !s.sharesWords {
				schedule(i, m)
			}
			SHA1RNDS4(Imm(uint64(i/5)), now, s.abcd)
		}
	}
	for _, s := range streams {
		SHA1NEXTE(s.e0, s.e[0])
		PADDD(s.abcd0, s.abcd)
		if !s.sharesWords {
			ADDQ(Imm(64), s.p)
		}
	}
	DECQ(blocks)
	JNZ(LabelRef("block"))

	for _, s := range streams {
		PSHUFD(Imm(0x1b), s.abcd, s.abcd)
		MOVOU(s.abcd, Mem{Base: s.h})
		PEXTRD(Imm(3), s.e[0], Mem{Base: s.h, Disp: 16})
	}
	RET()
}

// schedule does of the message schedule what the words of the i-th four rounds
// are wanted for: m(0) has them, m(1) the four words that come next.
func schedule(i int, m func(int) reg.VecVirtual) {
	if i >= 3 && i <= 18 {
		SHA1MSG2(m(0), m(1))
	}
	if i >= 1 && i <= 16 {
		SHA1MSG1(m(0), m(3))
	}
	if i >= 2 && i <= 17 {
		PXOR(m(0), m(2))
	}
}
