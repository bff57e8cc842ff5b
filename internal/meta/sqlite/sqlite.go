// Package sqlite keeps boxcar's rows in an SQLite database: one connection that
// writes, a few that read, and one sync for all Updates that wait together.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	lib "modernc.org/sqlite/lib"

	"boxcar/internal/meta"
	"boxcar/internal/meta/sqlmeta"
	"boxcar/internal/vfs"
)

// Options say how a database is opened. The zero value is for the process that
// owns it.
type Options struct {
	// Beside is for a process that uses a database which another one owns,
	// and may be serving: it is neither made nor migrated.
	Beside bool
	// ReadOnly is Beside, and every Update fails.
	ReadOnly bool

	// Readers is how many Views run at one time, each on a connection of a
	// few MiB that is opened when first needed; 0 stands for twice the
	// number of processors, but at least 4.
	Readers int
	// BusyWait is how long a transaction of another process is waited for;
	// 0 stands for 10 seconds.
	BusyWait time.Duration

	// Updated, if not nil, is told how long each Update took, from asking for its
	// turn, and its error; Committed how many Updates a transaction had, and how
	// long its commit took. They are called concurrently, and while others wait.
	Updated   func(took time.Duration, err error)
	Committed func(updates int, took time.Duration)

	// Copied, if not nil, is told of each look whether the log is to be copied into
	// the database: nil, or that this has failed.
	Copied func(error)

	// LogSize is from how many bytes on the log is begun anew; if it had to grow
	// to more than twice as much, it is cut back to that. 0 stands for 64 MiB.
	LogSize int64

	// VFS names a registered SQLite VFS to go through instead of the
	// system's, FS is the same directory of files in our terms, and Index the
	// index of the log, which the system has in a file. The path is then a name
	// within FS. All of them, or none.
	VFS   string
	FS    vfs.FS
	Index io.WriterAt
}

// Store is a meta.Store in one database file.
type Store struct {
	writeDB, readDB *sql.DB
	readOnly        bool
	path, vfs       string
	busy            time.Duration

	updated   func(time.Duration, error)
	committed func(int, time.Duration)
	copied    func(error)

	turns turns // guards what follows
	batch *batch
	last  struct { // of the batches
		n    int
		took time.Duration // its commit
	}
	writer *conn
	closed bool

	readers chan *conn // as many as may be open; nil is one not opened yet
	stop    chan struct{}

	checkpointer *checkpointer // nil in a process that does not own the database
	unsettled    atomic.Pointer[error]
}

var _ meta.Store = (*Store)(nil)

var dialect = sqlmeta.Dialect{Classify: classify}

// Open opens the database at path, which is made if need be, with mode 0600,
// in a directory that exists. It comes up to date before Open returns.
func Open(path string, o Options) (*Store, error) {
	s, err := open(path, o)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	return s, nil
}

func open(path string, o Options) (_ *Store, err error) {
	o.Beside = o.Beside || o.ReadOnly
	if o.Readers == 0 {
		o.Readers = max(4, 2*runtime.GOMAXPROCS(0))
	}
	if o.BusyWait == 0 {
		o.BusyWait = 10 * time.Second
	}
	if o.LogSize == 0 {
		o.LogSize = 64 << 20
	}
	dir, name := o.FS, path
	if dir == nil {
		if path, err = filepath.Abs(path); err != nil {
			return nil, err
		}
		dir, name = vfs.Dir(filepath.Dir(path)), filepath.Base(path)
	}
	if err := prepare(dir, name, !o.Beside); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil && !o.Beside {
			err = explained(err, dir, name)
		}
	}()

	s := &Store{readOnly: o.ReadOnly, path: path, vfs: o.VFS, busy: o.BusyWait,
		updated: o.Updated, committed: o.Committed, copied: o.Copied, readers: make(chan *conn, o.Readers), stop: make(chan struct{})}
	for range o.Readers {
		s.readers <- nil
	}
	defer func() {
		if err != nil {
			s.closeDBs()
		}
	}()
	if s.readDB, err = pool(path, o.VFS, o.BusyWait, "query_only(1)"); err != nil {
		return nil, err
	}
	// The owner has a checkpointer, and nobody else copies: SQLite says nothing of it when that fails.
	if s.writeDB, err = pool(path, o.VFS, o.BusyWait, fmt.Sprintf("journal_size_limit(%d)", 2*o.LogSize), "wal_autocheckpoint(0)"); err != nil {
		return nil, err
	}
	s.readDB.SetMaxOpenConns(o.Readers)
	s.readDB.SetMaxIdleConns(o.Readers)
	s.writeDB.SetMaxOpenConns(1)

	ctx := context.Background()
	db := s.writeDB
	if o.ReadOnly {
		db = s.readDB
	}
	if err := migrate(ctx, db, !o.Beside); err != nil {
		return nil, classify(err)
	}
	if !o.Beside {
		// The names of the database, and of the log that was made when it was
		// first looked at and stays until the last connection is closed. SQLite syncs the
		// directory as well, but does not say so when that fails.
		if err := dir.SyncDir("."); err != nil {
			return nil, err
		}
		if s.checkpointer, err = newCheckpointer(ctx, path, o); err != nil {
			return nil, err
		}
		go s.checkpoints()
		s.checkpointer.committed() // the migrations, at least
	}
	return s, nil
}

// prepare makes the database's file: an empty one is an empty database.
func prepare(dir vfs.FS, name string, create bool) error {
	if _, err := dir.Stat(name); !create || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := dir.Create(name)
	if err != nil {
		return err
	}
	return f.Close() // open makes its name durable
}

// explained adds to an error of SQLite's, which tells neither call nor errno, what
// happens to somebody else who writes in the same directory.
func explained(err error, dir vfs.FS, name string) error {
	switch code(err) {
	case lib.SQLITE_IOERR, lib.SQLITE_CANTOPEN, lib.SQLITE_FULL, lib.SQLITE_READONLY:
	default:
		return err
	}
	trial := name + ".trial"
	f, terr := dir.Create(trial)
	if terr == nil {
		_, terr = f.Write(make([]byte, 64<<10)) // more than SQLite's shared memory begins with
		terr = errors.Join(terr, f.Close(), dir.Remove(trial))
	}
	if terr == nil {
		return err
	}
	return fmt.Errorf("%w: %w", err, terr)
}

// Ping is a meta.Store method. It fails too while the log can't be copied into
// the database: nothing is lost then, but the log grows.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.Update(ctx, func(meta.Tx) error { return nil }); err != nil {
		return err
	}
	if err := s.unsettled.Load(); err != nil {
		return *err
	}
	return nil
}

// Close waits for Updates and Views that are at work; later ones fail.
func (s *Store) Close() error {
	_ = s.turns.take(context.Background())
	if s.batch != nil {
		s.commit(s.batch)
	}
	closed := s.closed
	s.closed = true
	var err error
	if s.writer != nil {
		err = s.writer.close()
		s.writer = nil
	}
	s.turns.free()
	if closed {
		return nil
	}
	close(s.stop)
	if s.checkpointer != nil {
		<-s.checkpointer.gone
	}
	for range cap(s.readers) {
		if r := <-s.readers; r != nil {
			err = errors.Join(err, r.close())
		}
	}
	return errors.Join(err, s.closeDBs())
}

func (s *Store) closeDBs() (err error) {
	if s.checkpointer != nil {
		err = s.checkpointer.close()
	}
	for _, db := range []*sql.DB{s.readDB, s.writeDB} {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	if s.checkpointer != nil {
		if f, ok := s.checkpointer.index.(io.Closer); ok {
			err = errors.Join(err, f.Close())
		}
	}
	return err
}
