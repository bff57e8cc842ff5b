package scale

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/meta/sqlite"
)

// What is built by SQL is, row for row, what the store makes of the same items.
func TestABuiltAccountIsAsTheStoreMakesIt(t *testing.T) {
	s := size{folder: 3000, tree: 2100, account: 8000}
	dir, again := t.TempDir(), filepath.Join(t.TempDir(), "boxcar.db")
	if err := build(t.Context(), dir, s); err != nil {
		t.Fatal(err)
	}
	built := filepath.Join(dir, "boxcar.db")
	copyAccount(t, built, again)

	for _, table := range []struct {
		query string
		rows  int
	}{
		{`SELECT * FROM item ORDER BY id`, 0},
		{`SELECT * FROM version ORDER BY id`, 7000},
		{`SELECT * FROM part ORDER BY manifest, start`, 7000},
		{`SELECT * FROM word ORDER BY owner, term, item`, 0},
		{`SELECT id, used, reserved FROM account`, 1},
		{`SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name`, 0},
	} {
		got, want := dump(t, built, table.query), dump(t, again, table.query)
		if len(got) == 0 || table.rows != 0 && len(got) != table.rows {
			t.Errorf("%s: %d rows, want %d", table.query, len(got), table.rows)
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d rows, and the store makes %d", table.query, len(got), len(want))
		}
		for i, row := range got[:min(len(got), len(want))] {
			if row != want[i] {
				t.Errorf("%s: row %d is\n%s, and the store makes\n%s", table.query, i, row, want[i])
				break
			}
		}
	}
	for _, check := range []string{`PRAGMA integrity_check`, `PRAGMA foreign_key_check`} {
		if got := dump(t, built, check); len(got) > 0 && !slices.Equal(got, []string{"ok|"}) {
			t.Errorf("%s: %v", check, got)
		}
	}
}

// copyAccount makes an account's items in another database, one by one.
func copyAccount(t *testing.T, from, to string) {
	t.Helper()
	var users []content.User
	var items []meta.Item
	parts := map[content.ID][]meta.Part{}
	a, err := sqlite.Open(from, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	err = a.View(t.Context(), func(tx meta.Tx) (err error) {
		if users, err = tx.Users(0, 10); err != nil {
			return err
		}
		if items, err = tx.AllItems(0, 1<<30); err != nil {
			return err
		}
		for _, it := range items {
			if it.Kind == meta.File {
				if parts[it.ID], err = tx.Parts(it.Current.Manifest, 0, 10); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := sqlite.Open(to, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	err = b.Update(t.Context(), func(tx meta.Tx) error {
		for _, u := range users {
			used := int64(0)
			for _, it := range items {
				used += it.Current.Size
			}
			u.Used = 0
			if err := tx.InsertEnterprise(u.Enterprise); err != nil {
				return err
			}
			if err := tx.InsertUser(u); err != nil {
				return err
			}
			if err := tx.AddUsage(u.ID, used, 0); err != nil {
				return err
			}
		}
		there := map[content.ID]bool{0: true}
		for left := items; len(left) > 0; {
			var later []meta.Item
			for _, it := range left {
				if !there[it.Parent] {
					later = append(later, it)
					continue
				}
				there[it.ID] = true
				if it.Kind == meta.File {
					if err := tx.InsertVersion(it.Current); err != nil {
						return err
					}
				}
				if err := tx.InsertItem(it); err != nil {
					return err
				}
				for _, p := range parts[it.ID] {
					if err := tx.InsertPart(it.Current.Manifest, p); err != nil {
						return err
					}
				}
			}
			if len(later) == len(left) {
				return fmt.Errorf("%d items are in no folder", len(left))
			}
			left = later
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// dump is the rows of a query as text.
func dump(t *testing.T, path, query string) (all []string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values, into := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		var line strings.Builder
		for _, v := range values {
			if b, ok := v.([]byte); ok {
				v = fmt.Sprintf("%x", b)
			}
			fmt.Fprintf(&line, "%v|", v)
		}
		all = append(all, line.String())
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
