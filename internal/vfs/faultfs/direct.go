package faultfs

import (
	"syscall"
	"unsafe"

	"boxcar/internal/vfs"
)

var (
	_ vfs.Director  = (*FS)(nil)
	_ vfs.Allocator = (*file)(nil)
)

// CreateDirect makes a new file that takes writes only as vfs.Director has
// them. What a power cut leaves of it is what it leaves of any other: bypassing the
// page cache makes nothing durable.
func (f *FS) CreateDirect(name string) (vfs.File, error) {
	h, err := f.Create(name)
	if err != nil {
		return nil, err
	}
	return &direct{file: h.(*file)}, nil
}

type direct struct {
	*file
	ended bool
}

const directAlignment = 4096

func (h *direct) Write(p []byte) (int, error) {
	if len(p) > 0 && (h.ended || uintptr(unsafe.Pointer(unsafe.SliceData(p)))%directAlignment != 0) {
		return 0, failure(Write, h.name, syscall.EINVAL)
	}
	h.ended = len(p)%directAlignment != 0
	return h.file.Write(p)
}

// Allocate makes the file so long at once.
func (h *file) Allocate(size int64) error {
	return h.do(Allocate, func() error {
		if err := h.mayWrite(); err != nil {
			return err
		}
		if size > h.node.size {
			h.node.truncate(size)
		}
		return nil
	})
}
