package vfs

import "syscall"

// ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL, ERROR_DISK_QUOTA_EXCEEDED
var alsoFull = []syscall.Errno{39, 112, 1295}
