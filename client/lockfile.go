package client

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// lockFile waits until no other process holds path, and holds it. The file stays:
// one that were removed could be locked by two.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := tryLock(f)
		if err == nil {
			return func() { f.Close() }, nil // which lets go of the lock
		}
		if !errors.Is(err, errLocked) {
			return nil, errors.Join(err, f.Close())
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			f.Close()
			return nil, err
		}
	}
}

// errLocked says that another holds the file.
var errLocked = errors.New("the file is locked")
