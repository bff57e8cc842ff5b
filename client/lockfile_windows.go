package client

import (
	"errors"
	"os"
	"syscall"
	"unsafe"
)

var lockFileEx = syscall.NewLazyDLL("kernel32.dll").NewProc("LockFileEx")

func tryLock(f *os.File) error {
	const (
		failImmediately = 1
		exclusive       = 2
		violation       = syscall.Errno(33) // ERROR_LOCK_VIOLATION
	)
	var where syscall.Overlapped
	ok, _, err := lockFileEx.Call(f.Fd(), failImmediately|exclusive, 0, 1, 0, uintptr(unsafe.Pointer(&where)))
	switch {
	case ok != 0:
		return nil
	case errors.Is(err, violation), errors.Is(err, syscall.ERROR_IO_PENDING):
		return errLocked
	default:
		return &os.PathError{Op: "lock", Path: f.Name(), Err: err}
	}
}
