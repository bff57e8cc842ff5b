package vfs

import (
	"errors"
	"syscall"
)

// IsFull says whether err means that there is no room: on the disk, or under
// the quota of the user the process runs as.
func IsFull(err error) bool {
	for _, errno := range fullErrnos {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

var fullErrnos = append([]syscall.Errno{syscall.ENOSPC, syscall.EDQUOT}, alsoFull...)
