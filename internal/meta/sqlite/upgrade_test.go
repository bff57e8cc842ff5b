package sqlite

import (
	"database/sql"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/pressly/goose/v3"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// TestAnOldDatabaseComesUpToDate starts from the tables of the first version,
// with a row in each table that has changed since.
func TestAnOldDatabaseComesUpToDate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, dir,
		goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{
		`INSERT INTO enterprise (id, name) VALUES (1, 'E')`,
		`INSERT INTO account (id, name, login, login_key, enterprise, admin, root, created_at, modified_at, quota, used, reserved)
			VALUES (2, 'Admin', 'A@b.example', 'a@b.example', 1, 1, 3, 5, 6, 7, 0, 0)`,
		`INSERT INTO app (id, name, secret_hash, created_at) VALUES ('app', 'App', zeroblob(32), 1)`,
		`INSERT INTO token (hash, kind, account, app, created_at, expires_at) VALUES (x'0100000000000000000000000000000000000000000000000000000000000000', 'developer', 2, 'app', 1, 0)`,
	} {
		if _, err := db.Exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	// It is not for those beside the owner to change.
	if _, err := Open(path, Options{Beside: true}); err == nil {
		t.Error("an old database was opened beside its owner")
	}
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.Update(t.Context(), func(tx meta.Tx) error {
		u, err := tx.UserByLogin("a@B.example")
		if err != nil {
			return err
		}
		if !u.Live() || u.Status != content.UserActive || u.Quota != 7 || !u.Admin {
			t.Errorf("the user is now %+v", u)
		}
		found, err := tx.FindUsers(meta.UserQuery{Prefix: "adm", Limit: 9})
		if err != nil {
			return err
		}
		if len(found) != 1 {
			t.Errorf("%d users are found by their name, want 1", len(found))
		}
		app, err := tx.App("app")
		if err != nil {
			return err
		}
		if len(app.RedirectURIs) != 3 || len(app.Grants) != 3 || app.Service != 0 {
			t.Errorf("the application is now %+v", app)
		}
		token, err := tx.Token([32]byte{1})
		if err != nil {
			return err
		}
		if token.Kind != meta.DeveloperToken || token.Parent != [32]byte{} || token.Detail != "" {
			t.Errorf("the token is now %+v", token)
		}
		if free, err := tx.InsertBlob("00000000000000000000000000000001", s0, []byte("small")); err != nil || !free {
			t.Errorf("a small blob: free %v, %v", free, err)
		}
		return tx.InsertToken(meta.Token{Hash: [32]byte{2}, Kind: meta.ExchangedToken, User: 2, Parent: [32]byte{1}})
	})
	if err != nil {
		t.Fatal(err)
	}
}
