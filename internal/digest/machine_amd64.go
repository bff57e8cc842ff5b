//go:build !purego

package digest

import "github.com/klauspost/cpuid/v2"

func candidates() kernels {
	k := portable()
	if cpuid.CPU.Supports(cpuid.SHA, cpuid.SSSE3, cpuid.SSE4) {
		k = shaUnit()
		k.twoPairs = func(h, g, i, j *chain, p, q []byte) {
			if len(p) >= BlockSize {
				shaTwoPairs((*[5]uint32)(h), (*[5]uint32)(g), (*[5]uint32)(i), (*[5]uint32)(j), &p[0], &q[:len(p)][0], len(p)/BlockSize)
			}
		}
		k.wide = append(k.wide, wide{"SHA instructions, 3 streams", 3, three})
		if cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512VL) {
			k.two2 = func(h, g *chain, p, q []byte) {
				if len(p) >= BlockSize {
					shaTwoVectors((*[5]uint32)(h), (*[5]uint32)(g), &p[0], &q[:len(p)][0], len(p)/BlockSize)
				}
			}
			k.pair2 = func(h, g *chain, p []byte) {
				if len(p) >= BlockSize {
					shaPairVectors((*[5]uint32)(h), (*[5]uint32)(g), &p[0], len(p)/BlockSize)
				}
			}
		}
	}
	switch {
	case cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512VL):
		k.wide = append(k.wide, wide{"AVX-512, 8 lanes", 8, lanes(8, lanes8AVX512)}, wide{"AVX-512, 16 lanes", 16, lanes(16, lanes16AVX512)})
	case cpuid.CPU.Supports(cpuid.AVX2):
		k.wide = append(k.wide, wide{"AVX2, 8 lanes", 8, lanes(8, lanes8AVX2)})
	}
	return k
}

// three has the first stream in the place of one that is not there, and drops
// the result.
func three(h []*chain, p [][]byte, n int) {
	var states [3]chain
	var at [3]*byte
	for j := range states {
		i := j
		if j >= len(h) {
			i = 0
		}
		states[j], at[j] = *h[i], &p[i][:n][0]
	}
	shaThree((*[5]uint32)(&states[0]), (*[5]uint32)(&states[1]), (*[5]uint32)(&states[2]), at[0], at[1], at[2], n/BlockSize)
	for j := range h {
		*h[j] = states[j]
	}
}

// lanes hands states over in the order the assembly wants them in. A lane
// without a stream gets the bytes of the first one, and its result is dropped.
func lanes(n int, add func(h *uint32, p **byte, blocks int)) func([]*chain, [][]byte, int) {
	return func(h []*chain, p [][]byte, size int) {
		var words [5 * maxLanes]uint32
		var at [maxLanes]*byte
		for j := range n {
			i := j
			if j >= len(h) {
				i = 0
			}
			at[j] = &p[i][:size][0]
			for w := range 5 {
				words[n*w+j] = h[i][w]
			}
		}
		add(&words[0], &at[0], size/BlockSize)
		for j := range h {
			for w := range 5 {
				h[j][w] = words[n*w+j]
			}
		}
	}
}
