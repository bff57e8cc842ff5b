package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	lib "modernc.org/sqlite/lib"
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
	// doubtPause is the same for one that is to be copied whole, after a failure.
	doubtPause = time.Second
)

const pageSize = 4096 // bytes, SQLite's default

// checkpointer is a connection that only copies the log.
type checkpointer struct {
	db   *sql.DB
	conn *sql.Conn
	wake chan struct{} // has room for one
	gone chan struct{} // closed when it has ended

	// restartAt is how many pages the log has before it is begun anew. From twice as
	// many on, that no longer waits for few to be left.
	restartAt int

	doubt bool        // pages that count as copied may not outlive a power cut
	index io.WriterAt // the -shm file; nil while it is not open
	path  string

	held  int       // pages of the log that a View kept from being copied, or begun anew
	since time.Time // when that was seen
}

func newCheckpointer(ctx context.Context, path string, o Options) (*checkpointer, error) {
	db, err := pool(path, o.VFS, restartWait, "wal_autocheckpoint(0)")
	if err != nil {
		return nil, err
	}
	c := &checkpointer{db: db, wake: make(chan struct{}, 1), gone: make(chan struct{}), restartAt: int(o.LogSize / pageSize), index: o.Index, path: path + "-shm"}
	var now logged
	if c.conn, err = db.Conn(ctx); err == nil {
		now, err = c.run("NOOP")
	}
	if err != nil {
		return nil, errors.Join(classify(err), c.close())
	}
	// The index has been in use: whoever copied may have been in doubt.
	c.doubt = now.copied > 0
	return c, nil
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
		case <-timer.C: // only while the log is held, or in doubt
		case <-s.stop:
			return
		}
		err := s.checkpoint()
		s.unsettled.Store(&err)
		if s.copied != nil {
			s.copied(err)
		}
		pause := checkpointPause
		if c.doubt {
			pause = doubtPause
		}
		timer.Reset(pause)
		select {
		case <-timer.C:
		case <-s.stop:
			return
		}
		switch {
		case c.doubt:
			timer.Reset(0)
		case c.held > 0:
			timer.Reset(heldPause)
		}
	}
}

// checkpoint copies what the log has, if that is much, and has it begun anew if it is long.
func (s *Store) checkpoint() error {
	c := s.checkpointer
	again, err := c.again()
	if err != nil {
		c.held = 0
		return err
	}
	before, err := c.run("NOOP")
	if err != nil || before.left() == 0 || !again && before.left() < checkpointAt && before.pages < c.restartAt {
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

// again has all pages of the log copied once more if there is doubt, and says
// whether there are any that were.
//
// SQLite syncs the database only behind a copy that has reached the end of the log,
// and that sync is for the copies before it, too. When it fails, another proves nothing for
// what they have written, and SQLite would copy only what comes behind them, and then
// overwrite the log. So the number of pages that count as copied is set to 0 in the log's
// index, which may always be done: it keeps the log from being begun anew, and
// has who reads look there.
func (c *checkpointer) again() (bool, error) {
	if !c.doubt {
		return false, nil
	}
	now, err := c.run("NOOP")
	switch {
	case err != nil:
		return false, err
	case now.busy:
		return false, errors.New("another process copies the log")
	case now.copied == 0: // as when the index was made from the log
		c.doubt = false
		return false, nil
	}
	if c.index == nil {
		f, err := os.OpenFile(c.path, os.O_RDWR, 0)
		if err != nil {
			return false, err
		}
		c.index = f // until all connections are closed: before, to close it would end their locks
	}
	if _, err := c.index.WriteAt(make([]byte, 4), copiedAt); err != nil {
		return false, err
	}
	switch now, err = c.run("NOOP"); {
	case err != nil:
		return false, err
	case now.copied != 0:
		return false, errors.New("the log's index is not what it was taken for")
	}
	c.doubt = false
	return true, nil
}

// copiedAt is where the index has the number of pages that are copied: nBackfill
// of sqlite.org/walformat.html.
const copiedAt = 96

// close lets go of the database. In doubt the connection stays open: the last one to
// be closed would copy what it takes to be left, and remove the log, which the next
// start needs whole.
func (c *checkpointer) close() (err error) {
	if _, doubt := c.again(); doubt == nil && c.conn != nil {
		err = c.conn.Close()
	}
	return errors.Join(err, c.db.Close())
}

// run makes a checkpoint of a kind. The copied pages are synced with it if they
// are the last of the log, and with a later one otherwise.
func (c *checkpointer) run(kind string) (l logged, err error) {
	err = c.conn.QueryRowContext(context.Background(), `PRAGMA wal_checkpoint(`+kind+`)`).Scan(&l.busy, &l.pages, &l.copied)
	if isBusy(err) { // another process has a checkpoint at work
		return logged{busy: true}, nil
	}
	if err != nil {
		// Without room, what was to be copied is still to be copied.
		c.doubt = c.doubt || kind != "NOOP" && code(err) != lib.SQLITE_FULL
		err = fmt.Errorf("checkpoint: %w", classify(err))
	}
	return l, err
}
