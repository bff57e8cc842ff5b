package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/vfs"
)

// directFrom is the size in bytes from which a blob bypasses the page cache.
const directFrom = 1 << 20

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
	// What will be read again soon had better be in the page cache.
	way, large := cached, s.direct.Load() && src.Size() >= directFrom
	if large {
		s.routes.begin()
		defer s.routes.end()
	}
	if large && !src.ReadSoon() {
		way = s.routes.pick()
	}
	f, name, temp, err := s.create(key, way == around)
	if err != nil {
		return trouble(err)
	}
	waited, err := s.write(ctx, f, src)
	if err == nil && large {
		s.routes.learn(way, src.Len(), waited)
	}
	if err != nil {
		// Windows removes no open file. Remove may fail: it is a scrap then.
		f.Close()
		s.fs.Remove(temp)
		return err
	}
	return trouble(s.publish(temp, name, s.shard(key)))
}

// create makes a temp file that no other Put has, here or in another process.
func (s *Store) create(key blob.Key, direct bool) (f vfs.File, name, temp string, err error) {
	for {
		name, temp = place(key, s.temps.Add(1))
		if direct {
			f, err = s.fs.(vfs.Director).CreateDirect(temp)
			if errors.Is(err, errors.ErrUnsupported) {
				s.direct.Store(false) // nobody need try again
				direct = false
				continue
			}
		} else {
			f, err = s.fs.Create(temp)
		}
		if !errors.Is(err, fs.ErrExist) {
			return f, name, temp, err
		}
	}
}

// write copies src to f, and closes f when all of it is durable. It says how
// long it waited for the disk.
func (s *Store) write(ctx context.Context, f vfs.File, src *blob.Source) (waited time.Duration, err error) {
	if a, ok := f.(vfs.Allocator); ok && src.Size() >= directFrom {
		if err := a.Allocate(src.Size()); err != nil {
			return 0, trouble(err)
		}
	}
	flusher, _ := f.(vfs.Flusher)
	synced := false
	sync := func() error {
		began := time.Now()
		err := f.Sync()
		waited += time.Since(began)
		synced = true
		return err
	}
	for offset := int64(0); ; {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		b, err := src.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return 0, err
		}
		began := time.Now()
		if _, err := f.Write(b); err != nil {
			return 0, trouble(err)
		}
		if flusher != nil && len(b) == blob.BlockSize {
			flusher.Flush(offset, int64(len(b)))
		}
		waited += time.Since(began)
		if offset += int64(len(b)); offset == src.Size() && !src.Leads() {
			// The last bytes are hashed meanwhile, or wait for that. Who leads lets the next one go on first.
			if err := sync(); err != nil {
				return 0, trouble(err)
			}
		}
	}
	if !synced {
		if err := sync(); err != nil {
			return 0, trouble(err)
		}
	}
	return waited, trouble(f.Close())
}

// publish gives a synced temp file its final name, makes the name durable, and
// removes the temp name in any case.
func (s *Store) publish(temp, name string, dir *directory) error {
	err := s.ready()
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

// ready makes all the shards' directories, once: they share one sync, where the first
// few hundred blobs would take one each.
func (s *Store) ready() error {
	s.making.Lock()
	defer s.making.Unlock()
	if s.made {
		return nil
	}
	entries, err := s.fs.ReadDir(blobsDir)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, e := range entries {
		there[blobsDir+"/"+e.Name()] = true
	}
	since := s.blobs.failures()
	var fresh []string
	for i := range s.shards {
		name := s.shards[i].name
		if there[name] {
			continue
		}
		if err := s.fs.MkdirAll(name); err != nil {
			return err
		}
		fresh = append(fresh, name)
	}
	// Also when all were there: who made them may not have got as far as this.
	if err := s.blobs.sync(since); err != nil {
		for _, name := range fresh {
			s.fs.Remove(name) // the next try has to make it anew: another sync would prove nothing
		}
		return err
	}
	s.made = true
	return nil
}
