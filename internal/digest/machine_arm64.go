//go:build !purego

package digest

import "github.com/klauspost/cpuid/v2"

func candidates() kernels {
	if cpuid.CPU.Supports(cpuid.SHA1) {
		return shaUnit()
	}
	return portable()
}
