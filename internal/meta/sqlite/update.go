package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"boxcar/internal/meta"
	"boxcar/internal/meta/sqlmeta"
)

// maxBatch is how many Updates share a transaction at most, so that the first
// of them is not kept waiting for ever.
const maxBatch = 128

// batch is one SQLite transaction with the Updates that share it, and so share
// its one sync. They run one after another, each on its own goroutine and
// within its own savepoint. Whoever finds nobody waiting for the turn commits
// for all.
//
// Those who were answered together come back one by one. The first would find
// nobody waiting, and all others would wait for its sync: so a batch of a few
// behind one of many waits a little for company.
type batch struct {
	n      int       // Updates that have run
	until  time.Time // when the wait for company ends; zero before it begins
	broken bool      // SQLite has ended the transaction by itself
	err    error     // set before done is closed
	done   chan struct{}
}

// maxPatience is how long a batch waits for company at most.
const maxPatience = 2 * time.Millisecond

// errAgain says that an Update was undone for no fault of its own, by another
// in its batch.
var errAgain = errors.New("undone with the batch")

var errClosed = errors.New("the database is closed")

// Update is a meta.Store method. Of several that wait, all run in one
// transaction of the database.
func (s *Store) Update(ctx context.Context, fn func(meta.Tx) error) error {
	if s.readOnly {
		return errors.New("update: the database was opened for reading only")
	}
	if s.updated == nil {
		return s.updateTwice(ctx, fn)
	}
	began := time.Now()
	err := s.updateTwice(ctx, fn)
	s.updated(time.Since(began), err)
	return err
}

// updateTwice tries alone what was undone for the fault of others.
func (s *Store) updateTwice(ctx context.Context, fn func(meta.Tx) error) error {
	err := s.update(ctx, fn, false)
	if err == errAgain {
		err = s.update(ctx, fn, true)
	}
	return err
}

func (s *Store) update(ctx context.Context, fn func(meta.Tx) error, alone bool) error {
	if err := s.turns.take(ctx); err != nil {
		return fmt.Errorf("wait for the database: %w", err)
	}
	b := s.batch
	if err := ctx.Err(); err != nil {
		s.leave(b, false)
		return fmt.Errorf("wait for the database: %w", err)
	}
	if b != nil && alone {
		s.commit(b)
		b = nil
	}
	if b == nil {
		if err := s.begin(ctx); err != nil {
			s.turns.free()
			return err
		}
		b = &batch{done: make(chan struct{})}
		s.batch = b
	}
	b.n++
	first := b.n == 1

	err := s.run(ctx, b, fn, alone)

	if err != nil && (first || ctx.Err() != nil) {
		return err
	}
	// fn saw what the others in the batch had done. Whether it worked or was
	// refused because of that, its result holds only if theirs does.
	<-b.done
	switch {
	case b.err == nil:
		return err
	case err != nil:
		return errAgain
	default:
		return b.err
	}
}

// run runs fn in its savepoint, and gives up the turn even if fn panics.
func (s *Store) run(ctx context.Context, b *batch, fn func(meta.Tx) error, alone bool) (err error) {
	if err := s.exec(`SAVEPOINT one`); err != nil {
		b.broken = true
		s.leave(b, alone)
		return fmt.Errorf("begin: %w", err)
	}
	tx := sqlmeta.New(ctx, steady{s.writer.Prepared}, &dialect)
	keep := false
	defer func() {
		tx.Close()
		end := `RELEASE one`
		if !keep {
			end = `ROLLBACK TO one`
		}
		eerr := s.exec(end)
		if eerr == nil && !keep {
			eerr = s.exec(`RELEASE one`)
		}
		if eerr != nil {
			b.broken = true
			if err == nil {
				err = fmt.Errorf("end: %w", eerr)
			}
		}
		s.leave(b, alone)
	}()
	if err = fn(tx); err == nil {
		err = tx.Err()
	}
	if err == nil {
		err = ctx.Err()
	}
	keep = err == nil
	return err
}

// leave gives up the turn, with or without a batch at work: to the next that
// waits, or after committing if nobody does.
func (s *Store) leave(b *batch, alone bool) {
	if b != nil {
		for !b.broken && !alone && b.n < maxBatch {
			if s.turns.pass() {
				return
			}
			if !s.turns.expect(s.patience(b)) {
				break
			}
		}
		s.commit(b)
	}
	s.turns.free()
}

// patience is how long a batch may go on waiting for company. Only for whoever
// has the turn.
func (s *Store) patience(b *batch) time.Duration {
	if 2*b.n >= s.last.n {
		return 0
	}
	now := time.Now()
	if b.until.IsZero() {
		b.until = now.Add(min(s.last.took/2, maxPatience))
	}
	return b.until.Sub(now)
}

// commit ends the batch. Only for whoever has the turn.
func (s *Store) commit(b *batch) {
	s.batch = nil
	defer close(b.done)
	if b.broken {
		s.discard()
		b.err = errAgain
		return
	}
	began := time.Now()
	err := s.exec(`COMMIT`)
	s.last.n, s.last.took = b.n, time.Since(began)
	if s.committed != nil {
		s.committed(b.n, s.last.took)
	}
	if err == nil {
		s.checkpointer.committed()
		return
	}
	s.discard()
	b.err = fmt.Errorf("commit: %w", err)
	if b.n > 1 && isConstraint(err) {
		b.err = errAgain // one of them left a row that refers to nothing; alone, each answers for itself
	}
}

// steady is the Runner of the connection that writes. A caller that goes away
// must not interrupt it: SQLite would undo the whole batch. Tx looks at the
// context before each statement.
type steady struct{ *sqlmeta.Prepared }

func (w steady) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return w.Prepared.ExecContext(context.WithoutCancel(ctx), query, args...)
}

func (w steady) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return w.Prepared.QueryContext(context.WithoutCancel(ctx), query, args...)
}

// begin starts a transaction, on a new connection if the last one went bad.
func (s *Store) begin(ctx context.Context) error {
	if s.closed {
		return errClosed
	}
	if s.writer == nil {
		c, err := connect(ctx, s.writeDB)
		if err != nil {
			return err
		}
		s.writer = c
	}
	// The context counts here: another process may be in a transaction.
	if _, err := s.writer.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		if !isBusy(err) {
			s.discard() // interrupted, it may have begun all the same
		}
		return fmt.Errorf("begin: %w", classify(err))
	}
	return nil
}

func (s *Store) exec(query string) error {
	_, err := s.writer.ExecContext(context.Background(), query)
	return classify(err)
}

// discard closes the writing connection, which undoes what was not committed.
func (s *Store) discard() {
	s.writer.discard()
	s.writer = nil
}
