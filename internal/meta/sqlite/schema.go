package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

//go:embed migrations/*.sql
var migrations embed.FS

const versionTable = "schema_version"

// migrate brings the tables up to date. A database of another version that is
// not ours to change is an error, and so is one from a later boxcar.
func migrate(ctx context.Context, db *sql.DB, ours bool) error {
	p, err := migrator(db)
	if err != nil {
		return err
	}
	sources := p.ListSources()
	known := sources[len(sources)-1].Version
	have, err := schemaVersion(ctx, db)
	switch {
	case err != nil:
		return err
	case have == known:
		return nil
	case have > known:
		return fmt.Errorf("the database has tables of version %d and this boxcar knows version %d: it was last used by a newer boxcar, run that one", have, known)
	case !ours:
		return fmt.Errorf("the database has tables of version %d and this boxcar needs version %d: start the server of this version once, and it will bring them up to date", have, known)
	}
	_, err = p.Up(ctx)
	return err
}

func migrator(db *sql.DB) (*goose.Provider, error) {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, dir,
		goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()),
		goose.WithGoMigrations(searchMigration))
}

// schemaVersion is 0 for a database without tables.
func schemaVersion(ctx context.Context, db *sql.DB) (int64, error) {
	var tables int
	if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = ?`, versionTable).Scan(&tables); err != nil {
		return 0, err
	}
	if tables == 0 {
		return 0, nil
	}
	store, err := database.NewStore(database.DialectSQLite3, versionTable)
	if err != nil {
		return 0, err
	}
	v, err := store.GetLatestVersion(ctx, db)
	if errors.Is(err, database.ErrVersionNotFound) {
		return 0, nil
	}
	return v, err
}
