//go:build unix

package main_test

import (
	"syscall"
	"testing"
)

// canOpen skips a test that needs more open files than this machine allows.
func canOpen(t *testing.T, files int) {
	t.Helper()
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil || uint64(l.Cur) < uint64(files) {
		t.Skipf("SLOW CONNECTIONS ARE NOT TRIED: %d open files are needed, and %d allowed", files, l.Cur)
	}
}
