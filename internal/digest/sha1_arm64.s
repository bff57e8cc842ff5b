//go:build !purego

#include "textflag.h"

// SHA-1 is FIPS 180-4, section 6.1. Every function takes whole blocks of 64
// bytes, one at least, and states of five words. The unit wants a, b, c and d
// in one register, and e alone in the lowest word of another.
//
// What the registers hold, of the first stream and of the second:
//
//	V0        V8         a, b, c, d
//	V1, V2    V9, V10    e, by turns: of these four rounds, and of the next
//	V4-V7     V12-V15    the last 16 words of the message schedule
//	V16       V17        the words of four rounds, with their constant added
//	V24, V25  V26, V27   the state before this block
//
// V20-V23 hold the constants of 20 rounds each (section 4.2.1).

#define CONSTANTS \
	MOVW $0x5a827999, R6; VDUP R6, V20.S4; \
	MOVW $0x6ed9eba1, R6; VDUP R6, V21.S4; \
	MOVW $0x8f1bbcdc, R6; VDUP R6, V22.S4; \
	MOVW $0xca62c1d6, R6; VDUP R6, V23.S4

#define LOADSTATE(H, ABCD, E) \
	VLD1  (H), [ABCD.S4]; \
	FMOVS 16(H), E

#define STORESTATE(H, ABCD, E) \
	VST1  [ABCD.S4], (H); \
	FMOVS E, 16(H)

#define KEEP(ABCD, E, ABCD0, E0) \
	VMOV ABCD.B16, ABCD0.B16; \
	VMOV E.B16, E0.B16

#define ADDKEPT(ABCD, E, ABCD0, E0) \
	VADD ABCD0.S4, ABCD.S4, ABCD.S4; \
	VADD E0.S4, E.S4, E.S4

#define MESSAGE(FROM, W, X, Y, Z) \
	VLD1.P 64(FROM), [W.B16, X.B16, Y.B16, Z.B16]; \
	VREV32 W.B16, W.B16; VREV32 X.B16, X.B16; \
	VREV32 Y.B16, Y.B16; VREV32 Z.B16, Z.B16

// SUM adds the constant to four words, and puts into their place the four that
// come 16 after them.
#define SUM(K, S, W, X, Y, Z) \
	VADD    K.S4, W.S4, S.S4; \
	SHA1SU0 Y.S4, X.S4, W.S4; \
	SHA1SU1 Z.S4, W.S4

// ROUNDS does four rounds. The a before them, rotated, is the e after them.
#define ROUNDS(OP, S, ABCD, E, NEXT) \
	SHA1H ABCD, NEXT; \
	OP    S.S4, E, ABCD

// BLOCK does the 80 rounds. FOUR does four, with their constant, the words of
// each stream, those that follow, and e of each stream by turns. The last
// words that the schedule makes are not used.
#define BLOCK(FOUR) \
	FOUR(SHA1C, V20, V4, V5, V6, V7, V12, V13, V14, V15, V1, V2, V9, V10) \
	FOUR(SHA1C, V20, V5, V6, V7, V4, V13, V14, V15, V12, V2, V1, V10, V9) \
	FOUR(SHA1C, V20, V6, V7, V4, V5, V14, V15, V12, V13, V1, V2, V9, V10) \
	FOUR(SHA1C, V20, V7, V4, V5, V6, V15, V12, V13, V14, V2, V1, V10, V9) \
	FOUR(SHA1C, V20, V4, V5, V6, V7, V12, V13, V14, V15, V1, V2, V9, V10) \
	FOUR(SHA1P, V21, V5, V6, V7, V4, V13, V14, V15, V12, V2, V1, V10, V9) \
	FOUR(SHA1P, V21, V6, V7, V4, V5, V14, V15, V12, V13, V1, V2, V9, V10) \
	FOUR(SHA1P, V21, V7, V4, V5, V6, V15, V12, V13, V14, V2, V1, V10, V9) \
	FOUR(SHA1P, V21, V4, V5, V6, V7, V12, V13, V14, V15, V1, V2, V9, V10) \
	FOUR(SHA1P, V21, V5, V6, V7, V4, V13, V14, V15, V12, V2, V1, V10, V9) \
	FOUR(SHA1M, V22, V6, V7, V4, V5, V14, V15, V12, V13, V1, V2, V9, V10) \
	FOUR(SHA1M, V22, V7, V4, V5, V6, V15, V12, V13, V14, V2, V1, V10, V9) \
	FOUR(SHA1M, V22, V4, V5, V6, V7, V12, V13, V14, V15, V1, V2, V9, V10) \
	FOUR(SHA1M, V22, V5, V6, V7, V4, V13, V14, V15, V12, V2, V1, V10, V9) \
	FOUR(SHA1M, V22, V6, V7, V4, V5, V14, V15, V12, V13, V1, V2, V9, V10) \
	FOUR(SHA1P, V23, V7, V4, V5, V6, V15, V12, V13, V14, V2, V1, V10, V9) \
	FOUR(SHA1P, V23, V4, V5, V6, V7, V12, V13, V14, V15, V1, V2, V9, V10) \
	FOUR(SHA1P, V23, V5, V6, V7, V4, V13, V14, V15, V12, V2, V1, V10, V9) \
	FOUR(SHA1P, V23, V6, V7, V4, V5, V14, V15, V12, V13, V1, V2, V9, V10) \
	FOUR(SHA1P, V23, V7, V4, V5, V6, V15, V12, V13, V14, V2, V1, V10, V9)

#define FOURONE(OP, K, W, X, Y, Z, W1, X1, Y1, Z1, E, NEXT, E1, NEXT1) \
	SUM(K, V16, W, X, Y, Z); \
	ROUNDS(OP, V16, V0, E, NEXT);

#define FOURTWO(OP, K, W, X, Y, Z, W1, X1, Y1, Z1, E, NEXT, E1, NEXT1) \
	SUM(K, V16, W, X, Y, Z); \
	SUM(K, V17, W1, X1, Y1, Z1); \
	ROUNDS(OP, V16, V0, E, NEXT); \
	ROUNDS(OP, V17, V8, E1, NEXT1);

#define FOURPAIR(OP, K, W, X, Y, Z, W1, X1, Y1, Z1, E, NEXT, E1, NEXT1) \
	SUM(K, V16, W, X, Y, Z); \
	ROUNDS(OP, V16, V0, E, NEXT); \
	ROUNDS(OP, V16, V8, E1, NEXT1);

// func shaOne(h *[5]uint32, p *byte, blocks int)
TEXT ·shaOne(SB), NOSPLIT, $0-24
	MOVD h+0(FP), R0
	MOVD p+8(FP), R2
	MOVD blocks+16(FP), R4
	LOADSTATE(R0, V0, F1)
	CONSTANTS

block:
	KEEP(V0, V1, V24, V25)
	MESSAGE(R2, V4, V5, V6, V7)
	BLOCK(FOURONE)
	ADDKEPT(V0, V1, V24, V25)
	SUB  $1, R4
	CBNZ R4, block

	STORESTATE(R0, V0, F1)
	RET

// func shaTwo(h0, h1 *[5]uint32, p0, p1 *byte, blocks int)
TEXT ·shaTwo(SB), NOSPLIT, $0-40
	MOVD h0+0(FP), R0
	MOVD h1+8(FP), R1
	MOVD p0+16(FP), R2
	MOVD p1+24(FP), R3
	MOVD blocks+32(FP), R4
	LOADSTATE(R0, V0, F1)
	LOADSTATE(R1, V8, F9)
	CONSTANTS

block:
	KEEP(V0, V1, V24, V25)
	KEEP(V8, V9, V26, V27)
	MESSAGE(R2, V4, V5, V6, V7)
	MESSAGE(R3, V12, V13, V14, V15)
	BLOCK(FOURTWO)
	ADDKEPT(V0, V1, V24, V25)
	ADDKEPT(V8, V9, V26, V27)
	SUB  $1, R4
	CBNZ R4, block

	STORESTATE(R0, V0, F1)
	STORESTATE(R1, V8, F9)
	RET

// func shaPair(h0, h1 *[5]uint32, p *byte, blocks int)
TEXT ·shaPair(SB), NOSPLIT, $0-32
	MOVD h0+0(FP), R0
	MOVD h1+8(FP), R1
	MOVD p+16(FP), R2
	MOVD blocks+24(FP), R4
	LOADSTATE(R0, V0, F1)
	LOADSTATE(R1, V8, F9)
	CONSTANTS

block:
	KEEP(V0, V1, V24, V25)
	KEEP(V8, V9, V26, V27)
	MESSAGE(R2, V4, V5, V6, V7)
	BLOCK(FOURPAIR)
	ADDKEPT(V0, V1, V24, V25)
	ADDKEPT(V8, V9, V26, V27)
	SUB  $1, R4
	CBNZ R4, block

	STORESTATE(R0, V0, F1)
	STORESTATE(R1, V8, F9)
	RET
