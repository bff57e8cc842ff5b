package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// CopyTo writes the rows as they are at one moment to a new database at path,
// on the system's own disk, and returns when it is durable but for its name. Others
// may read and write meanwhile. What is at path must not exist; if CopyTo fails, something
// may be there that is no database.
func (s *Store) CopyTo(ctx context.Context, path string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("copy database: %w", err)
		}
	}()
	// A connection of its own: those for reading may not make files, and the
	// one for writing has other things to do.
	db, err := pool(s.path, s.vfs, s.busy, false)
	if err != nil {
		return err
	}
	defer db.Close()
	// 0600 from the first byte on: VACUUM takes a file that is empty.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, path); err != nil {
		return classify(err)
	}
	return f.Sync() // which VACUUM INTO leaves out
}
