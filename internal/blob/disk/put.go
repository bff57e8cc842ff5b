package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"unsafe"

	"boxcar/internal/blob"
	"boxcar/internal/vfs"
)

const (
	// blockSize is how many bytes go to the disk at a time. With 256 KiB,
	// early write-back gained less (see vfs.Flusher).
	blockSize = 1 << 20
	// alignment suits O_DIRECT on every common disk.
	alignment = 4096
)

func newBuffer() any {
	b := make([]byte, blockSize+alignment)
	at := -uintptr(unsafe.Pointer(unsafe.SliceData(b))) % alignment
	b = b[at:][:blockSize:blockSize]
	return &b
}

// Put stores all of src under a new key.
func (s *Store) Put(ctx context.Context, key blob.Key, src *blob.Source) error {
	if err := s.put(ctx, key, src); err != nil {
		return fmt.Errorf("put blob %q: %w", key, err)
	}
	return nil
}

func (s *Store) put(ctx context.Context, key blob.Key, src *blob.Source) error {
	switch {
	case !key.Valid():
		return errors.New("not a key")
	case src.Len() > 0:
		return fmt.Errorf("%d bytes of the source were read before", src.Len())
	}
	f, name, temp, err := s.create(key)
	if err != nil {
		return trouble(err)
	}
	if err := s.write(ctx, f, src); err != nil {
		// Windows removes no open file. Remove may fail: it is a scrap then.
		f.Close()
		s.fs.Remove(temp)
		return err
	}
	return trouble(s.publish(temp, name, s.shard(key)))
}

// create makes a temp file that no other Put has, here or in another process.
func (s *Store) create(key blob.Key) (f vfs.File, name, temp string, err error) {
	for {
		name, temp = place(key, s.temps.Add(1))
		f, err = s.fs.Create(temp)
		if !errors.Is(err, fs.ErrExist) {
			return f, name, temp, err
		}
	}
}

// write copies src to f, and closes f when all of it is durable.
func (s *Store) write(ctx context.Context, f vfs.File, src *blob.Source) error {
	flusher, _ := f.(vfs.Flusher)
	buf := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buf)
	for offset := int64(0); ; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, end := fill(*buf, src)
		if end != nil && end != io.EOF {
			return end
		}
		if n > 0 {
			if _, err := f.Write((*buf)[:n]); err != nil {
				return trouble(err)
			}
		}
		if end != nil {
			break
		}
		if flusher != nil {
			flusher.Flush(offset, int64(n))
		}
		offset += int64(n)
	}
	if err := f.Sync(); err != nil {
		return trouble(err)
	}
	return trouble(f.Close())
}

// fill reads until p is full or r ends. io.ReadFull won't do: it makes an
// io.ErrUnexpectedEOF of an end that is as promised, and a request body that
// was cut off gives the same error.
func fill(p []byte, r io.Reader) (n int, err error) {
	for empty := 0; n < len(p) && err == nil; {
		var m int
		m, err = r.Read(p[n:])
		n += m
		if empty++; m > 0 {
			empty = 0
		}
		if empty == 100 && err == nil {
			err = io.ErrNoProgress
		}
	}
	return n, err
}

// publish gives a synced temp file its final name, makes the name durable, and
// removes the temp name in any case.
func (s *Store) publish(temp, name string, dir *shard) error {
	err := s.ready(dir)
	since := dir.failures()
	if err == nil {
		err = s.fs.Link(temp, name) // Rename would replace a blob that has the key
	}
	// Before the sync, which on most file systems makes it durable as well. If
	// it fails, a scrap is left.
	s.fs.Remove(temp)
	if err != nil {
		return err
	}
	if err := dir.sync(since); err != nil {
		// The name may or may not outlive a power cut, so it must not stand;
		// and its removal should outlive one, as far as this disk can still
		// do that.
		since := dir.failures()
		if rerr := s.fs.Remove(name); rerr != nil {
			return errors.Join(err, rerr)
		}
		dir.sync(since)
		return err
	}
	return nil
}

// ready makes the shard's directory once.
func (s *Store) ready(dir *shard) error {
	dir.making.Lock()
	defer dir.making.Unlock()
	if dir.made {
		return nil
	}
	err := s.mkdir(&s.blobs, dir.name)
	dir.made = err == nil
	return err
}
