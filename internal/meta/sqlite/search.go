package sqlite

import (
	"context"
	"database/sql"

	"github.com/pressly/goose/v3"

	"boxcar/internal/content"
	"boxcar/internal/meta/sqlmeta"
)

// The tables of migration 6, which is written in Go: only Go knows the words of
// the items that are there already.
const searchTables = `
-- The words of the names, descriptions and tags of an owner's items: what a
-- search looks up.
CREATE TABLE word (
    owner INTEGER NOT NULL,
    term  TEXT    NOT NULL,
    item  INTEGER NOT NULL,
    PRIMARY KEY (owner, term, item)
) STRICT, WITHOUT ROWID;

-- What users last had to do with.
CREATE TABLE recent (
    account INTEGER NOT NULL,
    item    INTEGER NOT NULL,
    kind    TEXT    NOT NULL, -- an event's type
    at      INTEGER NOT NULL,
    link    INTEGER NOT NULL, -- 1: through a shared link
    PRIMARY KEY (account, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX recent_at ON recent (account, at, item);
CREATE INDEX recent_item ON recent (item);
`

var searchMigration = goose.NewGoMigration(6, &goose.GoFunc{RunTx: func(ctx context.Context, run *sql.Tx) error {
	if _, err := run.ExecContext(ctx, searchTables); err != nil {
		return err
	}
	tx := sqlmeta.New(ctx, run, &dialect)
	for after := content.ID(0); ; {
		next, err := tx.Reindex(after, 1000)
		if err != nil || next == 0 {
			return err
		}
		after = next
	}
}}, nil)
