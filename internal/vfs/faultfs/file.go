package faultfs

import (
	"io"
	"io/fs"
	"path"
	"syscall"
	"time"
)

// file is an open file. Everything in it is guarded by fsys.mu.
type file struct {
	fsys     *FS
	node     *node
	name     string // it was opened by
	offset   int64
	writable bool
	closed   bool
	told     int // of node.failed
}

// do is FS.do on a file that must be open.
func (h *file) do(op Op, work func() error) error {
	return h.fsys.do(op, h.name, func() error {
		if h.closed {
			return fs.ErrClosed
		}
		return work()
	})
}

// eof takes io.EOF out of its wrapping: readers compare it.
func eof(err error) error {
	if pe, ok := err.(*fs.PathError); ok && pe.Err == io.EOF {
		return io.EOF
	}
	return err
}

func (h *file) Read(p []byte) (n int, err error) {
	err = h.do(Read, func() error {
		n, err = h.read(p, h.offset)
		h.offset += int64(n)
		if n > 0 {
			return nil
		}
		return err
	})
	return n, eof(err)
}

func (h *file) ReadAt(p []byte, offset int64) (n int, err error) {
	err = h.do(Read, func() error {
		n, err = h.read(p, offset)
		return err
	})
	return n, eof(err)
}

// read returns io.EOF if it does not fill p.
func (h *file) read(p []byte, offset int64) (int, error) {
	switch {
	case h.node.isDir():
		return 0, syscall.EISDIR
	case offset < 0:
		return 0, syscall.EINVAL
	}
	n := h.node.read(p, offset)
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (h *file) Write(p []byte) (int, error) {
	ft := h.fsys.begin(Write, h.name)
	defer h.fsys.mu.Unlock()
	n, err := h.write(ft, p, h.offset)
	h.offset += int64(n)
	return n, err
}

func (h *file) WriteAt(p []byte, offset int64) (int, error) {
	ft := h.fsys.begin(Write, h.name)
	defer h.fsys.mu.Unlock()
	return h.write(ft, p, offset)
}

func (h *file) write(ft *fault, p []byte, offset int64) (int, error) {
	if err := h.mayWrite(); err != nil {
		return 0, failure(Write, h.name, err)
	}
	if offset < 0 {
		return 0, failure(Write, h.name, syscall.EINVAL)
	}
	var err error
	if ft != nil {
		p, err = p[:min(len(p), ft.Short)], ft.Err
	}
	if len(p) > 0 {
		h.node.write(p, offset)
		h.node.modTime = time.Now()
	}
	return len(p), failure(Write, h.name, err)
}

func (h *file) mayWrite() error {
	switch {
	case h.closed:
		return fs.ErrClosed
	case !h.writable:
		return syscall.EBADF
	}
	return nil
}

func (h *file) Seek(offset int64, whence int) (at int64, err error) {
	err = h.do(Seek, func() error {
		switch whence {
		case io.SeekCurrent:
			offset += h.offset
		case io.SeekEnd:
			offset += h.node.size
		}
		if offset < 0 {
			return syscall.EINVAL
		}
		h.offset, at = offset, offset
		return nil
	})
	return at, err
}

func (h *file) Stat() (info fs.FileInfo, err error) {
	err = h.do(Stat, func() error {
		info = h.node.info(path.Base(h.name))
		return nil
	})
	return info, err
}

func (h *file) Truncate(size int64) error {
	return h.do(Truncate, func() error {
		if err := h.mayWrite(); err != nil {
			return err
		}
		if size < 0 {
			return syscall.EINVAL
		}
		h.node.truncate(size)
		h.node.modTime = time.Now()
		return nil
	})
}

func (h *file) Sync() error {
	ft := h.fsys.begin(Sync, h.name)
	defer h.fsys.mu.Unlock()
	var err error
	switch {
	case h.closed:
		err = fs.ErrClosed
	case ft != nil:
		h.node.failed, h.node.err = h.node.failed+1, ft.Err
		h.node.stain()
		h.told, err = h.node.failed, ft.Err
	case h.told != h.node.failed: // through another file, and before what was written since
		h.told, err = h.node.failed, h.node.err
	default:
		h.node.sync()
	}
	return failure(Sync, h.name, err)
}

// Close closes the file even when it is made to fail, as close does.
func (h *file) Close() error {
	ft := h.fsys.begin(Close, h.name)
	defer h.fsys.mu.Unlock()
	var err error
	if h.closed {
		err = fs.ErrClosed
	} else if ft != nil {
		err = ft.Err
	}
	h.closed = true
	return failure(Close, h.name, err)
}
