package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// What was there before the index is found when it has come.
func TestTheIndexIsFilledForOldDatabases(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := pool(path, "", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	p, err := migrator(db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`INSERT INTO enterprise (id, name) VALUES (1, 'e')`)
	exec(`INSERT INTO account (id, name, login, login_key, enterprise, admin, root, created_at, modified_at, quota, used, reserved)
		VALUES (1, 'a', 'a', 'a', 1, 1, 10, 0, 0, 0, 0, 0)`)
	item := func(id int, parent any, name string, extra any) {
		exec(`INSERT INTO item (id, kind, parent, name, name_key, sequence, description, created_at, modified_at, content_created_at,
			content_modified_at, trashed_at, created_by, modified_by, owner, extra) VALUES (?, 0, ?, ?, ?, 0, '', 0, 0, 0, 0, 0, 1, 1, 1, ?)`,
			id, parent, name, name, extra)
	}
	item(10, nil, "All Files", nil)
	const many = 2500 // more than go into one batch
	for i := range many {
		item(100+i, 10, fmt.Sprintf("old w%04d", i), nil)
	}
	item(9999, 10, "tagged", `{"tags":["Büro"]}`)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for word, want := range map[string]int{"old": many, "w0000": 1, "w2499": 1, "buro": 1, "files": 0} {
		err := s.View(t.Context(), func(tx meta.Tx) error {
			hits, _, err := tx.Find(meta.Lookup{Owner: 1, Terms: []content.Term{{Text: word}}, Limit: 10_000, Scan: 10_000})
			if len(hits) != want {
				t.Errorf("%s finds %d items, want %d", word, len(hits), want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
