package main

import (
	"strconv"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// message is a stream of blocks on its way through the SHA unit.
type message struct {
	p         reg.Register
	last, now reg.VecVirtual // words of four rounds
	begun     [2]Mem         // words to come, of which the first step is done
	vectors   *schedule      // makes the words instead; nil for the SHA instructions
	states    []*state
}

// state is one of those that a message is added to.
type state struct {
	h         reg.Register
	abcd, e   reg.VecVirtual
	abcd0, e0 Mem // as they were before this block
}

var wordsReversed Mem

// shani writes a function for so many messages side by side, and so many
// states for each, by the SHA instructions. Four rounds have a latency that
// leaves the unit idle most of the time, on some processors; those of others
// fill it. The schedule of a message is made once for all of its states.
//
// With vectors the words are made by AVX-512 instructions, where there are registers for that: the
// steps of the schedule keep the unit of some processors busy for as long as the rounds.
func shani(name, signature, does string, messages, each int, vectors bool) {
	if wordsReversed.Base == nil {
		wordsReversed = constant("wordsReversed", 0x0c0d0e0f, 0x08090a0b, 0x04050607, 0x00010203)
	}
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	if vectors {
		Doc(name+" "+does, "It needs SHA, SSE4.1, and AVX-512 F and VL.")
	} else {
		Doc(name+" "+does, "It needs SHA, SSSE3 and SSE4.1.")
	}

	states := messages * each
	saved := aligned(16, 32*(states+messages))
	var all []*message
	for i := range messages {
		m := &message{p: Load(Param(numbered("p", i, messages)), GP64()), now: XMM()}
		if vectors {
			m.vectors = &schedule{words: []reg.VecVirtual{m.now, XMM(), XMM(), XMM()}, temp: XMM()}
		} else {
			m.last = XMM()
		}
		for j := range m.begun {
			m.begun[j] = Mem{Base: saved, Disp: 32*(states+i) + 16*j}
		}
		for j := range each {
			at := i*each + j
			m.states = append(m.states, &state{
				h:    Load(Param(numbered("h", at, states)), GP64()),
				abcd: XMM(), e: XMM(),
				abcd0: Mem{Base: saved, Disp: 32 * at}, e0: Mem{Base: saved, Disp: 32*at + 16},
			})
		}
		all = append(all, m)
	}
	blocks := Load(Param("blocks"), GP64())
	mask := XMM()
	MOVOU(wordsReversed, mask)
	var freeWords reg.VecVirtual
	if !vectors {
		freeWords = XMM()
	}
	// What a state's e was is room for the next one's. After 20 turns each must
	// have its own again, which it has where they divide by the registers.
	free := []reg.VecVirtual{XMM()}
	if states == 2 {
		free = append(free, XMM())
	}
	for _, m := range all {
		for _, s := range m.states {
			// The unit wants a in the highest word, and e alone in the highest of another.
			MOVOU(Mem{Base: s.h}, s.abcd)
			PSHUFD(Imm(0x1b), s.abcd, s.abcd)
			PXOR(s.e, s.e)
			PINSRD(Imm(3), Mem{Base: s.h, Disp: 16}, s.e)
		}
	}

	Label("block")
	for _, m := range all {
		for _, s := range m.states {
			MOVOA(s.abcd, s.abcd0)
			MOVOA(s.e, s.e0)
		}
	}
	for _, m := range all {
		MOVOU(Mem{Base: m.p}, m.now)
		PSHUFB(mask, m.now)
	}
	for i := range 20 {
		for _, m := range all {
			words := m.now
			for j, s := range m.states {
				if i == 0 {
					PADDD(words, s.e)
				} else {
					SHA1NEXTE(words, s.e)
				}
				before := free[0]
				MOVOA(s.abcd, before)
				switch {
				case j > 0:
				case m.vectors != nil:
					m.now = m.vectors.ahead(i, m.p, mask)
				default:
					freeWords = m.ahead(i, freeWords, mask)
				}
				SHA1RNDS4(Imm(uint64(i/5)), s.e, s.abcd)
				free = append(free[1:], s.e)
				s.e = before
			}
		}
	}
	for _, m := range all {
		for _, s := range m.states {
			SHA1NEXTE(s.e0, s.e)
			PADDD(s.abcd0, s.abcd)
		}
		ADDQ(Imm(64), m.p)
	}
	DECQ(blocks)
	JNZ(LabelRef("block"))

	for _, m := range all {
		for _, s := range m.states {
			PSHUFD(Imm(0x1b), s.abcd, s.abcd)
			MOVOU(s.abcd, Mem{Base: s.h})
			PEXTRD(Imm(3), s.e, Mem{Base: s.h, Disp: 16})
		}
	}
	RET()
}

// numbered is the name of the i-th of n parameters.
func numbered(name string, i, n int) string {
	if n == 1 {
		return name
	}
	return name + strconv.Itoa(i)
}

// ahead makes the words for the four rounds after the i-th, into next, begins
// those that come later, and returns the register that is then free.
func (m *message) ahead(i int, next reg.VecVirtual, mask reg.VecVirtual) (free reg.VecVirtual) {
	switch {
	case i < 3:
		MOVOU(Mem{Base: m.p, Disp: 16 * (i + 1)}, next)
		PSHUFB(mask, next)
	case i < 19:
		MOVOA(m.begun[(i+1)%2], next)
		PXOR(m.last, next)
		SHA1MSG2(m.now, next)
	}
	if i >= 1 && i <= 16 {
		SHA1MSG1(m.now, m.last)
		MOVOA(m.last, m.begun[(i+3)%2])
	}
	free, m.last, m.now = m.last, m.now, next
	return free
}

// schedule is the last 16 words, the oldest first.
type schedule struct {
	words []reg.VecVirtual
	temp  reg.VecVirtual
}

// ahead makes the words for the four rounds after the i-th, the first of them highest: word t is
// that of t-16, t-14, t-8 and t-3 together, turned left by one.
func (s *schedule) ahead(i int, p reg.Register, mask reg.VecVirtual) (next reg.VecVirtual) {
	switch {
	case i < 3:
		next = s.words[i+1]
		MOVOU(Mem{Base: p, Disp: 16 * (i + 1)}, next)
		PSHUFB(mask, next)
		return next
	case i == 19:
		// The next block's are first again.
		return s.words[0]
	}
	a, b, c, d := s.words[0], s.words[1], s.words[2], s.words[3]
	VPALIGNR(Imm(8), b, a, s.temp)
	VPTERNLOGD(Imm(0x96), a, c, s.temp) // exclusive or of all three
	VPSLLDQ(Imm(4), d, a)
	VPXOR(s.temp, a, a)
	VPROLD(Imm(1), a, a)
	// The last one wanted the first of these.
	VPSRLDQ(Imm(12), a, s.temp)
	VPROLD(Imm(1), s.temp, s.temp)
	VPXOR(s.temp, a, a)
	s.words = []reg.VecVirtual{b, c, d, a}
	return a
}
