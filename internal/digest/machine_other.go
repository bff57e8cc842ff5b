//go:build purego || !(amd64 || arm64)

package digest

func candidates() kernels { return portable() }
