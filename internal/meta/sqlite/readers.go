package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"boxcar/internal/meta"
	"boxcar/internal/meta/sqlmeta"
)

// reader is a connection that only reads, with its statements.
type reader struct {
	conn *sql.Conn
	p    *sqlmeta.Prepared
}

// View is a meta.Store method. It waits if all reading connections are in use.
func (s *Store) View(ctx context.Context, fn func(meta.Tx) error) (err error) {
	var r *reader
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
			discard(r.conn)
			r = nil // the next one opens another
		}
		s.readers <- r
	}()
	if r == nil {
		conn, err := s.readDB.Conn(ctx)
		if err != nil {
			return fmt.Errorf("connect: %w", classify(err))
		}
		r = &reader{conn: conn, p: sqlmeta.Prepare(conn)}
	}
	// The state that fn sees is fixed by its first query.
	if _, err := r.p.ExecContext(context.Background(), `BEGIN`); err != nil {
		return fmt.Errorf("begin: %w", classify(err))
	}
	tx := sqlmeta.New(ctx, r.p, &dialect)
	defer func() {
		tx.Close()
		_, rerr := r.p.ExecContext(context.Background(), `ROLLBACK`)
		good = rerr == nil
	}()
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Err()
}

// discard closes a connection rather than giving it back.
func discard(conn *sql.Conn) {
	err := conn.Raw(func(any) error { return driver.ErrBadConn })
	if !errors.Is(err, driver.ErrBadConn) {
		conn.Close()
	}
}
