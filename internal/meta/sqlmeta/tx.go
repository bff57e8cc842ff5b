// Package sqlmeta is the queries over boxcar's rows, written once for SQLite
// and PostgreSQL. Connections, transactions, migrations and the meaning of a
// driver's errors are the business of each database's own package.
package sqlmeta

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"boxcar/internal/meta"
)

// Runner runs statements inside one transaction: a *sql.Tx, or a Prepared.
type Runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Dialect is how one database differs from the others.
type Dialect struct {
	// Rebind turns a query's ? into the database's own placeholders; nil
	// leaves them.
	Rebind func(query string) string
	// Classify gives a driver's error a kind, where the driver says enough
	// for one; nil leaves it.
	Classify func(error) error
}

// Dollars is a Rebind for databases that count placeholders: $1, $2, ...
// No query of this package has a question mark in a literal.
func Dollars(query string) string {
	var b strings.Builder
	for n := 1; ; n++ {
		before, after, found := strings.Cut(query, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
		query = after
	}
}

// Tx is a meta.Tx on a transaction that somebody else begins and ends. Not for
// concurrent use.
type Tx struct {
	ctx context.Context
	// quick is ctx without its end, for statements that are soon over: to be ready
	// to interrupt one costs two goroutines.
	quick context.Context
	run   Runner
	d     *Dialect
	err   error
}

var _ meta.Tx = (*Tx)(nil)

// New makes a Tx. Once ctx is done, every call fails.
func New(ctx context.Context, run Runner, d *Dialect) *Tx {
	return &Tx{ctx: ctx, quick: context.WithoutCancel(ctx), run: run, d: d}
}

// Err is the first failure that the contract does not name. The database may
// have undone more than the statement that failed, so a transaction with an
// Err must not be committed, whatever the function that used it made of it.
func (tx *Tx) Err() error { return tx.err }

// Close makes every later call fail.
func (tx *Tx) Close() {
	if tx.err == nil {
		tx.err = errors.New("a transaction was used outside its function")
	}
}

// fail ends the transaction because of err.
func (tx *Tx) fail(op string, err error) error {
	if tx.err != nil {
		return tx.err
	}
	if cause := tx.ctx.Err(); cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %v", cause, err) // the driver was interrupted
	} else if tx.d.Classify != nil {
		err = tx.d.Classify(err)
	}
	tx.err = fmt.Errorf("%s: %w", op, err)
	return tx.err
}

func (tx *Tx) ready(op string, query *string) error {
	if tx.err != nil {
		return tx.err
	}
	if err := tx.ctx.Err(); err != nil {
		return tx.fail(op, err)
	}
	if tx.d.Rebind != nil {
		*query = tx.d.Rebind(*query)
	}
	return nil
}

// exec runs a statement and says how many rows it touched.
func (tx *Tx) exec(op, query string, args ...any) (int64, error) {
	if err := tx.ready(op, &query); err != nil {
		return 0, err
	}
	res, err := tx.run.ExecContext(tx.quick, query, args...)
	if err != nil {
		return 0, tx.fail(op, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, tx.fail(op, err)
	}
	return n, nil
}

// mustTouch runs a statement; missing is the error if it touches no row.
func (tx *Tx) mustTouch(missing error, op, query string, args ...any) error {
	n, err := tx.exec(op, query, args...)
	if err == nil && n == 0 {
		return missing
	}
	return err
}

// list reads the rows of a query. columns says where in a T the columns go; it
// is asked once, and every row goes through the same T.
func list[T any](tx *Tx, op, query string, columns func(*T) []any, args ...any) (all []T, err error) {
	return listUntil(tx.quick, tx, op, query, columns, args...)
}

// longList is list for a query that may take seconds, whatever its limit: it is
// interrupted when the transaction's context ends.
func longList[T any](tx *Tx, op, query string, columns func(*T) []any, args ...any) (all []T, err error) {
	return listUntil(tx.ctx, tx, op, query, columns, args...)
}

func listUntil[T any](ctx context.Context, tx *Tx, op, query string, columns func(*T) []any, args ...any) (all []T, err error) {
	if err := tx.ready(op, &query); err != nil {
		return nil, err
	}
	rows, err := tx.run.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, tx.fail(op, err)
	}
	defer rows.Close()
	var row, zero T
	into := columns(&row)
	for rows.Next() {
		row = zero
		if err := rows.Scan(into...); err != nil {
			return nil, tx.fail(op, err)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		return nil, tx.fail(op, err)
	}
	return all, nil
}

// one reads the row of a query that has at most one; missing is the error if
// there is none.
func one[T any](tx *Tx, op, query string, columns func(*T) []any, missing error, args ...any) (row T, err error) {
	all, err := list(tx, op, query, columns, args...)
	if err != nil {
		return row, err
	}
	if len(all) == 0 {
		return row, missing
	}
	return all[0], nil
}

// number reads the one integer that a query gives.
func (tx *Tx) number(op, query string, args ...any) (int64, error) {
	return one(tx, op, query, func(n *int64) []any { return []any{n} }, nil, args...)
}

// limited is a LIMIT: SQLite takes a negative one for none, and PostgreSQL
// refuses it.
func limited(n int) int64 { return max(0, int64(n)) }
