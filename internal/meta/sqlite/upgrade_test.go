package sqlite

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// rowsSince are rows that a boxcar of each version of the tables could have
// written, in terms of that version.
var rowsSince = map[int64][]string{
	1: {
		`INSERT INTO setting (name, value) VALUES ('content-url-key', x'0102')`,
		`INSERT INTO enterprise (id, name) VALUES (1, 'E')`,
		`INSERT INTO account (id, name, login, login_key, enterprise, admin, root, created_at, modified_at, quota, used, reserved)
			VALUES (2, 'Admin', 'A@b.example', 'a@b.example', 1, 1, 3, 5, 6, 7, 15, 20)`,
		`INSERT INTO app (id, name, secret_hash, created_at) VALUES ('app', 'App', zeroblob(32), 1)`,
		`INSERT INTO token (hash, kind, account, app, created_at, expires_at) VALUES (x'0100000000000000000000000000000000000000000000000000000000000000', 'developer', 2, 'app', 1, 0)`,
		`INSERT INTO item (id, kind, parent, name, name_key, sequence, description, created_at, modified_at, content_created_at, content_modified_at, trashed_at, created_by, modified_by, owner, current)
			VALUES (3, 0, NULL, 'All Files', 'all files', 0, '', 1, 1, 1, 1, 0, 2, 2, 2, NULL),
				(4, 0, 3, 'Papers', 'papers', 0, 'of old', 1, 1, 1, 1, 0, 2, 2, 2, NULL)`,
		// A version comes before its file, which refers to it.
		`INSERT INTO version (id, file, number, name, size, sha1, manifest, created_at, created_by, trashed_at)
			VALUES (50, 5, 1, 'Letter.txt', 10, zeroblob(20), 500, 1, 2, 0), (60, 6, 1, 'Gone.txt', 5, zeroblob(20), 600, 1, 2, 0);
		INSERT INTO item (id, kind, parent, name, name_key, sequence, description, created_at, modified_at, content_created_at, content_modified_at, trashed_at, created_by, modified_by, owner, current)
			VALUES (5, 1, 4, 'Letter.txt', 'letter.txt', 0, '', 1, 1, 1, 1, 0, 2, 2, 2, 50), (6, 1, 4, 'Gone.txt', 'gone.txt', 0, '', 1, 1, 1, 1, 9, 2, 2, 2, 60)`,
		`INSERT INTO part (manifest, start, size, id, sha1, blob, sha512, created_at, state_after)
			VALUES (500, 0, 10, '00000001', zeroblob(20), x'000102030405060708090a0b0c0d0e0f', NULL, 1, NULL)`,
		`INSERT INTO session (id, owner, file, folder, name, file_size, part_size, state, created_at, expires_at, manifest, reserved, front, front_state, front_sum, lease, sha1, version, committed, sequence)
			VALUES (x'000102030405060708090a0b0c0d0e0f', 2, 0, 3, 'New.bin', 20, 64, 'open', 1, 99, 700, 20, 0, NULL, NULL, 0, NULL, 0, 0, 0)`,
		`INSERT INTO session_log (session, n, at, event, status, code, message) VALUES (x'000102030405060708090a0b0c0d0e0f', 1, 1, 'created', 201, '', '')`,
	},
	2: {
		`INSERT INTO app_key (app, id, public_key, created_at) VALUES ('app', 'key', x'30', 1)`,
		`INSERT INTO assertion (hash, expires_at) VALUES (zeroblob(32), 5)`,
		`UPDATE account SET password = '$argon2id$v=19$m=8,t=1,p=1$YQ$YQ' WHERE id = 2`,
	},
	3: {
		`INSERT INTO item (id, kind, parent, name, name_key, sequence, description, created_at, modified_at, content_created_at, content_modified_at, trashed_at, created_by, modified_by, owner, current, extra)
			VALUES (7, 2, 4, 'Site', 'site', 0, '', 1, 1, 1, 1, 0, 2, 2, 2, NULL, '{"URL":"https://example.net"}')`,
		`UPDATE item SET links = 1 WHERE id = 4`,
		`INSERT INTO counter (name, n) VALUES ('event', 1)`,
		`INSERT INTO event (position, id, type, at, actor, source) VALUES (1, zeroblob(16), 'ITEM_CREATE', 1, 2, '{}')`,
		`INSERT INTO event_for (account, position) VALUES (2, 1)`,
	},
	4: {`INSERT INTO favourite (account, item, at) VALUES (2, 5, 1)`},
	5: {
		`INSERT INTO shared_link (item, token, access, password_hash, unshared_at, can_download, can_edit, vanity, vanity_key, downloads, previews, created_at, created_by)
			VALUES (5, 'token', 'open', '', 0, 1, 0, '', '', 3, 4, 1, 2)`,
	},
	6: {`INSERT INTO recent (account, item, kind, at, link) VALUES (2, 5, 'ITEM_PREVIEW', 1, 0)`},
}

// oldDatabase has the tables of a version, and the rows of it and those before.
func oldDatabase(t *testing.T, version int64) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "meta.db")
	db, err := sql.Open("sqlite", path+"?_pragma=foreign_keys(1)")
	if err != nil {
		t.Fatal(err)
	}
	p, err := migrator(db)
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range p.ListSources() {
		if source.Version > version {
			break
		}
		if _, err := p.UpTo(t.Context(), source.Version); err != nil {
			t.Fatal(err)
		}
		tx, err := db.Begin() // some rows refer to others that come later
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range rowsSince[source.Version] {
			if _, err := tx.Exec(q); err != nil {
				t.Fatalf("version %d: %s: %v", source.Version, q, err)
			}
		}
		if err := tx.Commit(); err != nil {
			t.Fatalf("rows of version %d: %v", source.Version, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// versions are those that a database may have had, from the first to the one of now.
func versions(t *testing.T) (all []int64) {
	t.Helper()
	p, err := migrator(someDB(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range p.ListSources() {
		all = append(all, s.Version)
	}
	return all
}

func someDB(t *testing.T) *sql.DB {
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "none.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// TestEveryOldDatabaseComesUpToDate with all its rows.
func TestEveryOldDatabaseComesUpToDate(t *testing.T) {
	all := versions(t)
	for _, version := range all {
		t.Run(fmt.Sprint("from ", version), func(t *testing.T) {
			path := oldDatabase(t, version)
			// It is not for those beside the owner to change.
			if s, err := Open(path, Options{Beside: true}); version != all[len(all)-1] && err == nil {
				s.Close()
				t.Error("an old database was opened beside its owner")
			} else if err == nil {
				s.Close()
			}
			s, err := Open(path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			upToDate(t, s, version)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			// The second start finds nothing to do.
			if s, err = Open(path, Options{Beside: true}); err != nil {
				t.Fatal(err)
			}
			s.Close()
		})
	}
}

// upToDate looks at what is left of the rows of a version and those before.
func upToDate(t *testing.T, s *Store, version int64) {
	t.Helper()
	err := s.Update(t.Context(), func(tx meta.Tx) error {
		u, err := tx.UserByLogin("a@B.example")
		if err != nil {
			return err
		}
		if !u.Live() || u.Status != content.UserActive || u.Quota != 7 || !u.Admin || u.Used != 15 || u.Reserved != 20 {
			t.Errorf("the user is now %+v", u)
		}
		if found, err := tx.FindUsers(meta.UserQuery{Prefix: "adm", Limit: 9}); err != nil || len(found) != 1 {
			t.Errorf("%d users are found by their name, want 1; %v", len(found), err)
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
		if err := tx.InsertToken(meta.Token{Hash: [32]byte{2}, Kind: meta.ExchangedToken, User: 2, Parent: [32]byte{1}}); err != nil {
			return err
		}

		links := int64(0)
		if version >= 3 {
			links = 1
		}
		for id, want := range map[content.ID]meta.Totals{
			3: {Size: 10, Folders: 1}, 4: {Size: 10, Files: 1, Links: links}, 5: {Size: 10}, 6: {Size: 5},
		} {
			it, err := tx.Item(id)
			if err != nil {
				return err
			}
			if it.Totals != want {
				t.Errorf("item %s has the totals %+v, want %+v", id, it.Totals, want)
			}
		}
		if in, err := tx.ItemsIn(4, meta.ItemPage{Limit: 9}); err != nil || int64(len(in)) != 1+links {
			t.Errorf("%d items are in the folder, want %d; %v", len(in), 1+links, err)
		}
		if p, err := tx.Part(500, 0); err != nil || p.Blob != "000102030405060708090a0b0c0d0e0f" || p.Span.End != 10 {
			t.Errorf("the part is now %+v, %v", p, err)
		}
		ses, err := tx.Session("000102030405060708090A0B0C0D0E0F")
		if err != nil || ses.State != content.Open || ses.Reserved != 20 || ses.Grid.FileSize != 20 {
			t.Errorf("the session is now %+v, %v", ses, err)
		}
		if log, err := tx.Log(ses.ID, 0, 9); err != nil || len(log) != 1 {
			t.Errorf("the session's log is now %v, %v", log, err)
		}
		hits, _, err := tx.Find(meta.Lookup{Owner: 2, Terms: []content.Term{{Text: "letter"}}, Limit: 9, Scan: 9})
		if err != nil || len(hits) != 1 || hits[0].ID != 5 {
			t.Errorf("a search finds %+v, %v", hits, err)
		}
		if version >= 2 {
			if keys, err := tx.Keys("app"); err != nil || len(keys) != 1 {
				t.Errorf("the application's keys are now %v, %v", keys, err)
			}
			if hash, err := tx.Password(2); err != nil || hash == "" {
				t.Errorf("the password is now %q, %v", hash, err)
			}
		}
		if version >= 3 {
			if events, err := tx.EventsFor(2, 0, 9); err != nil || len(events) != 1 {
				t.Errorf("the user's events are now %v, %v", events, err)
			}
		}
		if version >= 4 {
			if is, err := tx.IsFavourite(2, 5); err != nil || !is {
				t.Errorf("the favourite is none any more; %v", err)
			}
		}
		if version >= 5 {
			if l, err := tx.SharedLinkByToken("token"); err != nil || l.Item != 5 || l.Downloads != 3 {
				t.Errorf("the shared link is now %+v, %v", l, err)
			}
		}
		if version >= 6 {
			if all, err := tx.Recents(2, time.Time{}, meta.Recent{}, 9); err != nil || len(all) != 1 {
				t.Errorf("the user's recent items are now %v, %v", all, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
