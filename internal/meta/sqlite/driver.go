package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"boxcar/internal/content"
)

// pool makes connections to a database that exists, with pragmas of their own.
func pool(path, vfs string, busy time.Duration, pragmas ...string) (*sql.DB, error) {
	q := url.Values{"mode": {"rw"}} // creating it is done with the right mode and a sync
	if vfs != "" {
		q.Set("vfs", vfs)
	}
	// In this order: the others may have to wait already.
	q["_pragma"] = append([]string{
		fmt.Sprintf("busy_timeout(%d)", busy.Milliseconds()),
		"journal_mode(WAL)",
		"synchronous(FULL)",
		"fullfsync(1)", // macOS: a plain fsync leaves the drive's cache as it is
		"checkpoint_fullfsync(1)",
		"foreign_keys(1)",
		"trusted_schema(0)",
		"temp_store(MEMORY)", // no files beside the database that nobody would sweep
	}, pragmas...)
	name := url.URL{Scheme: "file", OmitHost: true, Path: slashed(path), RawQuery: q.Encode()}
	return sql.Open("sqlite", name.String())
}

// slashed is a path as a URL has it.
func slashed(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive letter
	}
	return path
}

// classify gives the driver's errors a kind where they have one: no room, or
// no turn, is something that may pass.
func classify(err error) error {
	switch code(err) {
	case lib.SQLITE_FULL:
		return content.NoRoom(err)
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return &content.Error{Kind: content.Unavailable, Message: "the database is in use by another process", RetryAfter: time.Second, Cause: err}
	}
	return err
}

// code is SQLite's primary result code, or -1. That the index of the log can't
// grow is want of room: XFS and others say so when its file is made longer.
func code(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return -1
	}
	if e.Code() == lib.SQLITE_IOERR_SHMSIZE {
		return lib.SQLITE_FULL
	}
	return e.Code() & 0xff
}

func isBusy(err error) bool { return code(err) == lib.SQLITE_BUSY }

func isConstraint(err error) bool { return code(err) == lib.SQLITE_CONSTRAINT }
