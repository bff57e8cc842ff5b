//go:build !linux

package vfs

import "os"

// created leaves Sync as os has it: F_FULLFSYNC on macOS, where fsync alone
// stops at the drive's cache, and FlushFileBuffers on Windows.
func created(f *os.File) File { return f }
