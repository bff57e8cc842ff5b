package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"boxcar/internal/meta/sqlmeta"
)

// conn is one connection with its statements.
type conn struct {
	*sqlmeta.Prepared
	sql *sql.Conn
}

func connect(ctx context.Context, db *sql.DB) (*conn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", classify(err))
	}
	return &conn{sqlmeta.Prepare(c), c}, nil
}

// close gives the connection back to its pool.
func (c *conn) close() error { return errors.Join(c.Prepared.Close(), c.sql.Close()) }

// discard ends the connection, and so undoes what it has not committed.
func (c *conn) discard() {
	c.Prepared.Close()
	c.sql.Raw(func(any) error { return driver.ErrBadConn })
}
