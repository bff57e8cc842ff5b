//go:build purego || !amd64

package digest

func candidates() kernels { return portable() }
