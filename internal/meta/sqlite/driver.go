package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"

	"boxcar/internal/content"
	"boxcar/internal/vfs"
)

// connector makes connections to the database at an absolute path that exists.
func connector(path string, busy time.Duration, reader bool) (*sql.DB, error) {
	// The wait comes first, as the others may have to wait already. Sorting
	// and savepoints keep what they set aside in memory rather than in files
	// that nobody would sweep.
	pragmas := fmt.Sprintf(`
		PRAGMA busy_timeout = %d;
		PRAGMA journal_mode = WAL;
		PRAGMA synchronous = FULL;
		PRAGMA foreign_keys = ON;
		PRAGMA temp_store = MEMORY;
		PRAGMA journal_size_limit = 67108864;
		PRAGMA trusted_schema = OFF`, busy.Milliseconds())
	if reader {
		pragmas += `; PRAGMA query_only = ON`
	}
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // a drive letter
	}
	// A URI, as a plain name would be cut at its first question mark. Never
	// created here: that is done with the right mode and a sync.
	name := url.URL{Scheme: "file", OmitHost: true, Path: slashed, RawQuery: "mode=rw"}
	return driver.Open(name.String(), func(c *sqlite3.Conn) error { return c.Exec(pragmas) })
}

// classify gives the driver's errors a kind where they have one: no room and
// no turn may pass.
func classify(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sqlite3.FULL), vfs.IsFull(err):
		return content.Errorf(content.Unavailable, "the database has no room left on its disk").Because(err)
	case isBusy(err):
		return content.Errorf(content.Unavailable, "the database is in use by another process").Because(err)
	}
	return err
}

func isBusy(err error) bool {
	return errors.Is(err, sqlite3.BUSY) || errors.Is(err, sqlite3.LOCKED)
}

func isConstraint(err error) bool { return errors.Is(err, sqlite3.CONSTRAINT) }
