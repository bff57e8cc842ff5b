package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Committed pages are in the log until a checkpoint has copied them into the
// database. SQLite would do so within a COMMIT, and whoever waits for a turn
// would wait for a thousand scattered writes and their sync. A checkpointer does it
// beside the Updates instead. Only to begin the log anew it takes a turn, when
// what is left to copy are the last few pages.

const (
	// checkpointAt is how many pages wait in the log before they are copied.
	checkpointAt = 1000
	// checkpointPause is how long the log is left alone between two looks.
	checkpointPause = 10 * time.Millisecond
	// restartWait is how long Views that began before are waited for, with a turn.
	restartWait = 40 * time.Millisecond
	// heldPause is when it is tried again to copy a log that a View holds, unless
	// it has grown by a quarter before.
	heldPause = time.Second
)

const pageSize = 4096 // bytes, SQLite's default

// checkpointer is a connection that only copies the log.
type checkpointer struct {
	db   *sql.DB
	wake chan struct{} // has room for one
	gone chan struct{} // closed when it has ended

	// restartAt is how many pages the log has before it is begun anew. From twice as
	// many on, that no longer waits for few to be left.
	restartAt int

	held  int       // pages of the log that a View kept from being copied, or begun anew
	since time.Time // when that was seen
}

func newCheckpointer(path string, o Options) (*checkpointer, error) {
	db, err := pool(path, o.VFS, restartWait, "wal_autocheckpoint(0)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // of which the pragmas hold
	return &checkpointer{db: db, wake: make(chan struct{}, 1), gone: make(chan struct{}), restartAt: int(o.LogSize / pageSize)}, nil
}

// committed says that the log has grown.
func (c *checkpointer) committed() {
	if c == nil {
		return
	}
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// checkpoints runs until the Store is closed.
func (s *Store) checkpoints() {
	c := s.checkpointer
	defer close(c.gone)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-c.wake:
		case <-timer.C: // only while the log is held
		case <-s.stop:
			return
		}
		err := s.checkpoint()
		s.unsettled.Store(&err)
		timer.Reset(checkpointPause)
		select {
		case <-timer.C:
		case <-s.stop:
			return
		}
		if c.held > 0 {
			timer.Reset(heldPause)
		}
	}
}

// checkpoint copies what the log has, if that is much, and has it begun anew if it is long.
func (s *Store) checkpoint() error {
	c := s.checkpointer
	before, err := c.run("NOOP")
	if err != nil || before.left() == 0 || before.left() < checkpointAt && before.pages < c.restartAt {
		c.held = 0
		return err
	}
	if before.pages >= c.held && before.pages < c.held+c.held/4 && time.Since(c.since) < heldPause {
		return nil
	}
	after, err := c.run("PASSIVE")
	if err != nil {
		return err
	}
	c.hold(after, after.left() >= checkpointAt && after.copied <= before.copied)
	if after.pages < c.restartAt || after.left() >= checkpointAt && after.pages < 2*c.restartAt {
		return nil
	}
	return s.restartLog()
}

// hold notes whether a View holds the log.
func (c *checkpointer) hold(l logged, held bool) {
	c.held = 0
	if held {
		c.held, c.since = l.pages, time.Now()
	}
}

// restartLog has the next Update begin the log anew.
func (s *Store) restartLog() error {
	if err := s.turns.take(context.Background()); err != nil {
		return err
	}
	defer s.turns.free()
	if s.batch != nil {
		s.commit(s.batch)
	}
	l, err := s.checkpointer.run("RESTART")
	if err == nil {
		s.checkpointer.hold(l, l.busy)
	}
	return err
}

// logged is how many pages the log has, and how many of them were copied.
type logged struct {
	pages, copied int
	busy          bool // somebody else was at it
}

func (l logged) left() int { return l.pages - l.copied }

// run makes a checkpoint of a kind. The copied pages are synced with it.
func (c *checkpointer) run(kind string) (l logged, err error) {
	err = c.db.QueryRow(`PRAGMA wal_checkpoint(`+kind+`)`).Scan(&l.busy, &l.pages, &l.copied)
	if isBusy(err) { // another process has a checkpoint at work
		return logged{busy: true}, nil
	}
	if err != nil {
		err = fmt.Errorf("checkpoint: %w", classify(err))
	}
	return l, err
}
