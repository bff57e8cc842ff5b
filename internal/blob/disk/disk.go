// Package disk keeps blobs as files in a directory tree.
package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"sync/atomic"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/vfs"
)

// Store is a blob.Store on a file system. Several, in several processes, may
// be open on one directory.
type Store struct {
	fs     vfs.FS
	root   directory
	blobs  directory
	shards [256]directory // that blobs are spread over
	making gate
	made   bool          // the shards' directories, and their names are durable
	temps  atomic.Uint64 // number of the last temp file
	direct atomic.Bool   // fs can bypass the page cache, as far as anybody knows
	routes routes        // whether it pays
}

var _ blob.Store = (*Store)(nil)

// Open opens the store in the root of fsys, which is there and durable, and
// makes its directories if they are missing; they are durable when it returns.
// It leaves scraps alone: another process may be at work on them.
func Open(fsys vfs.FS) (*Store, error) {
	s := &Store{
		fs:     fsys,
		root:   newDirectory(fsys, "."),
		blobs:  newDirectory(fsys, blobsDir),
		making: newGate(),
	}
	_, direct := fsys.(vfs.Director)
	s.direct.Store(direct)
	for i := range s.shards {
		s.shards[i] = newDirectory(fsys, fmt.Sprintf("%s/%02x", blobsDir, i))
	}
	if err := s.mkdir(&s.root, blobsDir, tmpDir); err != nil {
		return nil, fmt.Errorf("open blob store: %w", err)
	}
	return s, nil
}

// mkdir makes directories, and their names in parent durable.
func (s *Store) mkdir(parent *directory, names ...string) error {
	var fresh []string
	since := parent.failures()
	for _, name := range names {
		if _, err := s.fs.Stat(name); errors.Is(err, fs.ErrNotExist) {
			fresh = append(fresh, name)
		}
		if err := s.fs.MkdirAll(name); err != nil {
			return trouble(err)
		}
	}
	// Also when they were there: who made them may not have got as far as this.
	if err := parent.sync(since); err != nil {
		for _, name := range fresh {
			s.fs.Remove(name) // the next try has to make it anew: another sync would prove nothing
		}
		return trouble(err)
	}
	return nil
}

const (
	blobsDir = "blobs"
	tmpDir   = "tmp"
)

// place is where the blob of a key is in the tree, and where the n-th temp
// file is that is to become it:
//
//	blobs/
//	    5f/                                   the first two digits of the keys
//	        5f0c8e7d7a1b4c3e9f2a6b5d4c3b2a19  a blob, whole and synced
//	tmp/
//	    5f0c8e7d7a1b4c3e9f2a6b5d4c3b2a19.7    on its way to be one, or a scrap
//
// Nothing but the store makes names in it, and names of other forms are not
// looked at. The key must be valid.
func place(key blob.Key, n uint64) (name, temp string) {
	return blobsDir + "/" + string(key[:2]) + "/" + string(key),
		tmpDir + "/" + string(key) + "." + strconv.FormatUint(n, 10)
}

// shard is the directory that a valid key belongs to.
func (s *Store) shard(key blob.Key) *directory {
	i, _ := strconv.ParseUint(string(key[:2]), 16, 8)
	return &s.shards[i]
}

// Open gives an *os.File if fsys does.
func (s *Store) Open(ctx context.Context, key blob.Key, offset, length int64) (io.ReadCloser, error) {
	if !key.Valid() {
		return nil, notFound(key, nil)
	}
	name, _ := place(key, 0)
	f, err := s.fs.Open(name)
	if err != nil {
		return nil, s.unread(key, err)
	}
	if offset != 0 {
		if _, err := f.Seek(offset, io.SeekStart); err != nil {
			f.Close()
			return nil, s.unread(key, err)
		}
	}
	return f, nil
}

// Stat gives the size of a blob.
func (s *Store) Stat(ctx context.Context, key blob.Key) (blob.Info, error) {
	if !key.Valid() {
		return blob.Info{}, notFound(key, nil)
	}
	name, _ := place(key, 0)
	fi, err := s.fs.Stat(name)
	if err != nil {
		return blob.Info{}, s.unread(key, err)
	}
	return blob.Info{Key: key, Size: fi.Size(), ModTime: fi.ModTime()}, nil
}

func (s *Store) unread(key blob.Key, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return notFound(key, err)
	}
	return fmt.Errorf("blob %s: %w", key, err)
}

func notFound(key blob.Key, cause error) error {
	return content.Errorf(content.NotFound, "there is no blob %q", key).Because(cause)
}

// Delete removes blobs.
func (s *Store) Delete(ctx context.Context, keys ...blob.Key) error {
	for _, key := range keys {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !key.Valid() {
			continue // what can't be there is not there
		}
		name, _ := place(key, 0)
		if err := s.fs.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("delete blob %s: %w", key, trouble(err))
		}
	}
	return nil
}

// trouble gives its kind to what went wrong with the disk.
func trouble(err error) error {
	if vfs.IsFull(err) {
		return content.NoRoom(err)
	}
	return err
}
