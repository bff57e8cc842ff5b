package sqlite

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"modernc.org/sqlite"

	"boxcar/internal/vfs"
)

// copyStep is how many pages are copied before others get a chance.
const copyStep = 64

// CopyTo writes the rows as they are at one moment to a new database at path,
// on the system's own disk, and returns when it is durable but for its name. Others
// read and write meanwhile, and it takes no more than half of the time of a disk or processor
// from them. What is at path must not exist; if CopyTo fails, something may be there that is no database.
func (s *Store) CopyTo(ctx context.Context, path string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("copy database: %w", err)
		}
	}()
	if path, err = filepath.Abs(path); err != nil {
		return err
	}
	// A file that is empty is an empty database; this one has the right mode.
	f, err := vfs.Dir(filepath.Dir(path)).Create(filepath.Base(path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()

	db, err := pool(s.path, s.vfs, s.busy, "query_only(1)")
	if err != nil {
		return err
	}
	defer db.Close()
	c, err := db.Conn(ctx)
	if err != nil {
		return classify(err)
	}
	defer c.Close()
	// The state that is copied is that of the first query. As long as the
	// transaction lasts, what others write does not make the copy begin anew.
	for _, query := range []string{`BEGIN`, `SELECT COUNT(*) FROM sqlite_schema`} {
		if _, err := c.ExecContext(ctx, query); err != nil {
			return classify(err)
		}
	}
	err = c.Raw(func(driver any) error {
		source, ok := driver.(interface {
			NewBackup(to string) (*sqlite.Backup, error)
		})
		if !ok {
			return errors.New("the driver can't copy")
		}
		// A copy that is cut short is thrown away, so it needs no journal; f is synced below.
		to := url.URL{Scheme: "file", OmitHost: true, Path: slashed(path), RawQuery: "_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)"}
		b, err := source.NewBackup(to.String())
		if err != nil {
			return err
		}
		return errors.Join(steps(ctx, b, f), b.Finish())
	})
	if err != nil {
		return classify(err)
	}
	return f.Sync()
}

// steps copies to the end. What was written goes to the disk on the way: a sync of
// all of it would hold up everybody else's.
func steps(ctx context.Context, b *sqlite.Backup, f vfs.File) error {
	flusher, _ := f.(vfs.Flusher)
	for flushed := int64(0); ; {
		began := time.Now()
		more, err := b.Step(copyStep)
		if err != nil || !more {
			return err
		}
		if fi, err := f.Stat(); err == nil && flusher != nil && fi.Size() > flushed {
			flusher.Flush(flushed, fi.Size()-flushed)
			flushed = fi.Size()
		}
		select {
		case <-time.After(time.Since(began)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
