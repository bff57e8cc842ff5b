package sqlite

import (
	"context"
	"fmt"

	"boxcar/internal/meta"
	"boxcar/internal/meta/sqlmeta"
)

// View is a meta.Store method. It waits if all reading connections are in use.
func (s *Store) View(ctx context.Context, fn func(meta.Tx) error) (err error) {
	var r *conn
	select {
	case r = <-s.readers:
	case <-s.stop:
		return errClosed
	case <-ctx.Done():
		return fmt.Errorf("wait for the database: %w", ctx.Err())
	}
	good := false
	defer func() {
		if !good && r != nil {
			r.discard()
			r = nil // the next one opens another
		}
		s.readers <- r
	}()
	if r == nil {
		if r, err = connect(ctx, s.readDB); err != nil {
			return err
		}
	}
	// The state that fn sees is fixed by its first query.
	if _, err := r.ExecContext(context.Background(), `BEGIN`); err != nil {
		return fmt.Errorf("begin: %w", classify(err))
	}
	tx := sqlmeta.New(ctx, r.Prepared, &dialect)
	defer func() {
		tx.Close()
		_, rerr := r.ExecContext(context.Background(), `ROLLBACK`)
		good = rerr == nil
	}()
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Err()
}
