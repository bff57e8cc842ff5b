package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"strings"

	"boxcar/internal/blob"
)

// List goes over all blobs, one directory at a time.
func (s *Store) List(ctx context.Context) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		dirs, err := s.fs.ReadDir(blobsDir)
		if err != nil {
			yield(blob.Info{}, fmt.Errorf("list blobs: %w", err))
			return
		}
		for _, dir := range dirs {
			if !dir.IsDir() {
				continue
			}
			for fi, err := range s.files(ctx, blobsDir+"/"+dir.Name()) {
				if errors.Is(err, fs.ErrNotExist) {
					break // went since ReadDir
				}
				if err != nil {
					yield(blob.Info{}, fmt.Errorf("list blobs: %w", err))
					return
				}
				key := blob.Key(fi.Name())
				if !key.Valid() || string(key[:2]) != dir.Name() {
					continue
				}
				if !yield(blob.Info{Key: key, Size: fi.Size(), ModTime: fi.ModTime()}, nil) {
					return
				}
			}
		}
	}
}

// Scraps goes over the temp files. Those of Puts at work are among them: only
// their age can tell.
func (s *Store) Scraps(ctx context.Context) iter.Seq2[blob.Scrap, error] {
	return func(yield func(blob.Scrap, error) bool) {
		for fi, err := range s.files(ctx, tmpDir) {
			if err != nil {
				yield(blob.Scrap{}, fmt.Errorf("list scraps: %w", err))
				return
			}
			if !yield(blob.Scrap{Name: fi.Name(), Size: fi.Size(), ModTime: fi.ModTime()}, nil) {
				return
			}
		}
	}
}

// files goes over the files of a directory.
func (s *Store) files(ctx context.Context, dir string) iter.Seq2[fs.FileInfo, error] {
	return func(yield func(fs.FileInfo, error) bool) {
		if ctx.Err() != nil {
			yield(nil, context.Cause(ctx))
			return
		}
		entries, err := s.fs.ReadDir(dir)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, e := range entries {
			fi, err := e.Info()
			switch {
			case errors.Is(err, fs.ErrNotExist): // went since ReadDir
				continue
			case err != nil:
				yield(nil, err)
				return
			}
			if fi.Mode().IsRegular() && !yield(fi, nil) {
				return
			}
		}
	}
}

// Discard removes a scrap. One that is gone is not an error.
func (s *Store) Discard(ctx context.Context, scrap blob.Scrap) error {
	if strings.ContainsAny(scrap.Name, `/\`) || !fs.ValidPath(scrap.Name) || scrap.Name == "." {
		return fmt.Errorf("discard %q: not the name of a scrap", scrap.Name)
	}
	err := s.fs.Remove(tmpDir + "/" + scrap.Name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("discard scrap: %w", err)
	}
	return nil
}
