package sqlmeta

import (
	"context"
	"database/sql"
	"errors"
)

// Prepared is a Runner that keeps the prepared statements of one connection,
// for all its transactions. Not for concurrent use.
type Prepared struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

// Prepare keeps statements on conn, which stays the caller's to close, after
// the Prepared.
func Prepare(conn *sql.Conn) *Prepared {
	return &Prepared{conn: conn, stmts: map[string]*sql.Stmt{}}
}

func (p *Prepared) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s := p.stmts[query]; s != nil {
		return s, nil
	}
	s, err := p.conn.PrepareContext(ctx, query)
	if err == nil {
		p.stmts[query] = s
	}
	return s, err
}

// ExecContext is as in *sql.Tx.
func (p *Prepared) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := p.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

// QueryContext is as in *sql.Tx.
func (p *Prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := p.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// Close closes the statements: database/sql leaves those of a single
// connection to whoever prepared them.
func (p *Prepared) Close() (err error) {
	for query, s := range p.stmts {
		err = errors.Join(err, s.Close())
		delete(p.stmts, query)
	}
	return err
}
