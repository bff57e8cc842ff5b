//go:build !purego && (amd64 || arm64)

package digest

// shaUnit is what the processor's SHA instructions can do.
func shaUnit() kernels {
	return kernels{
		name: "SHA instructions",
		one: func(h *chain, p []byte) {
			if len(p) >= BlockSize {
				shaOne((*[5]uint32)(h), &p[0], len(p)/BlockSize)
			}
		},
		two: func(h, g *chain, p, q []byte) {
			if len(p) >= BlockSize {
				shaTwo((*[5]uint32)(h), (*[5]uint32)(g), &p[0], &q[:len(p)][0], len(p)/BlockSize)
			}
		},
		pair: func(h, g *chain, p []byte) {
			if len(p) >= BlockSize {
				shaPair((*[5]uint32)(h), (*[5]uint32)(g), &p[0], len(p)/BlockSize)
			}
		},
	}
}
