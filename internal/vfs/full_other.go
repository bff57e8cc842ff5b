//go:build !windows

package vfs

import "syscall"

var alsoFull []syscall.Errno
