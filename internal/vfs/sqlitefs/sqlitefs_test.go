package sqlitefs_test

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"sync"
	"testing"

	_ "modernc.org/sqlite"

	"boxcar/internal/vfs/faultfs"
	"boxcar/internal/vfs/sqlitefs"
)

// open opens the database db in fsys, with a pool of connections.
func open(t *testing.T, fsys sqlitefs.FS, pragmas ...string) (*sql.DB, *sqlitefs.VFS) {
	t.Helper()
	v := sqlitefs.Register(fsys)
	name := "file:/db?vfs=" + v.Name
	for _, p := range append([]string{"busy_timeout(10000)", "synchronous(FULL)"}, pragmas...) {
		name += "&_pragma=" + p
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		v.Forget()
	})
	return db, v
}

func exec(t *testing.T, db *sql.DB, queries ...string) {
	t.Helper()
	for _, q := range queries {
		if _, err := db.Exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

func scan[T any](t *testing.T, db *sql.DB, query string) (v T) {
	t.Helper()
	if err := db.QueryRow(query).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

// calls are the changes that are made to a file system, "op name".
func calls(fsys *faultfs.FS, of faultfs.Op) func() []string {
	var mu sync.Mutex
	var all []string
	fsys.Watch(func(op faultfs.Op, name string) {
		mu.Lock()
		defer mu.Unlock()
		if op&of != 0 {
			all = append(all, op.String()+" "+name)
		}
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

// Many connections write and read at once, each transaction whole: locks and
// the index of the log are shared as they should be.
func TestManyConnections(t *testing.T) {
	for _, mode := range []string{"WAL", "DELETE"} {
		t.Run(mode, func(t *testing.T) {
			db, _ := open(t, faultfs.New(), "journal_mode("+mode+")", "wal_autocheckpoint(5)")
			exec(t, db, `CREATE TABLE t (n INTEGER)`, `INSERT INTO t VALUES (0), (0)`)
			const writers, each = 4, 25
			var wg sync.WaitGroup
			for range writers {
				wg.Go(func() {
					for range each {
						c, err := db.Conn(context.Background())
						if err != nil {
							t.Error(err)
							return
						}
						for _, q := range []string{`BEGIN IMMEDIATE`, `UPDATE t SET n = n + 1 WHERE rowid = 1`, `UPDATE t SET n = n + 1 WHERE rowid = 2`, `COMMIT`} {
							if _, err := c.ExecContext(context.Background(), q); err != nil {
								t.Errorf("%s: %v", q, err)
							}
						}
						c.Close()
					}
				})
				wg.Go(func() {
					for range each {
						if n := scan[int](t, db, `SELECT max(n) - min(n) FROM t`); n != 0 {
							t.Errorf("a transaction is seen half: %d", n)
						}
					}
				})
			}
			wg.Wait()
			if n := scan[int](t, db, `SELECT sum(n) FROM t`); n != 2*writers*each {
				t.Errorf("the rows add up to %d, and %d changes were made", n, 2*writers*each)
			}
			if s := scan[string](t, db, `PRAGMA integrity_check`); s != "ok" {
				t.Error(s)
			}
		})
	}
}

// A second writer is told that it has to wait, and does not come in.
func TestOneWriter(t *testing.T) {
	for _, mode := range []string{"WAL", "DELETE"} {
		fsys := faultfs.New()
		db, _ := open(t, fsys, "journal_mode("+mode+")")
		exec(t, db, `CREATE TABLE t (n INTEGER)`)
		c, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.ExecContext(t.Context(), `BEGIN IMMEDIATE`); err != nil {
			t.Fatal(err)
		}
		other, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.ExecContext(t.Context(), `PRAGMA busy_timeout(1)`); err != nil {
			t.Fatal(err)
		}
		if _, err := other.ExecContext(t.Context(), `BEGIN IMMEDIATE`); err == nil || !strings.Contains(err.Error(), "locked") {
			t.Errorf("%s: a second writer is answered with %v", mode, err)
		}
		other.Close()
		c.Close()
	}
}

// What is synced, and in which order, is what os_unix.c does.
func TestSyncs(t *testing.T) {
	fsys := faultfs.New()
	made := calls(fsys, faultfs.Syncs|faultfs.Remove)
	db, _ := open(t, fsys)
	db.SetMaxOpenConns(1)
	exec(t, db, `CREATE TABLE t (n INTEGER)`)
	want := []string{"sync db-journal", "syncdir .", "sync db-journal", "sync db", "remove db-journal"}
	if got := made(); !slices.Equal(got, want) {
		t.Errorf("with a journal: %q, want %q", got, want)
	}
	made = calls(fsys, faultfs.Syncs|faultfs.Remove)
	exec(t, db, `PRAGMA synchronous = EXTRA`, `INSERT INTO t VALUES (0)`)
	want = append(want, "syncdir .")
	if got := made(); !slices.Equal(got, want) {
		t.Errorf("with a journal and synchronous=EXTRA: %q, want %q", got, want)
	}
	exec(t, db, `PRAGMA journal_mode = WAL`)
	made = calls(fsys, faultfs.Syncs|faultfs.Remove)
	exec(t, db, `INSERT INTO t VALUES (1)`, `INSERT INTO t VALUES (2)`)
	want = []string{"sync db-wal", "syncdir .", "sync db-wal", "sync db-wal"} // its header, then a commit each
	if got := made(); !slices.Equal(got, want) {
		t.Errorf("with a log: %q, want %q", got, want)
	}
	made = calls(fsys, faultfs.Syncs)
	exec(t, db, `PRAGMA wal_checkpoint`)
	if got, want := made(), []string{"sync db-wal", "sync db"}; !slices.Equal(got, want) {
		t.Errorf("a checkpoint: %q, want %q", got, want)
	}
}

// A power cut behind a commit leaves it; the frames that count are those of
// whole commits.
func TestLogAfterACrash(t *testing.T) {
	fsys := faultfs.New()
	db, v := open(t, fsys, "journal_mode(WAL)")
	exec(t, db, `CREATE TABLE t (n INTEGER)`, `INSERT INTO t VALUES (1)`)
	if err := fsys.SyncDir("."); err != nil {
		t.Fatal(err)
	}
	before := v.Frames("db")
	for seed := range uint64(20) {
		left, lv := open(t, fsys.Crash(seed))
		if n := scan[int](t, left, `SELECT count(*) FROM t`); n != 1 {
			t.Errorf("power cut %d: %d rows", seed, n)
		}
		if n := lv.Frames("db"); n != before || n == 0 {
			t.Errorf("power cut %d: %d frames count, and there were %d", seed, n, before)
		}
	}
	fsys.Fail(faultfs.Fault{Ops: faultfs.Sync, Path: "db-wal"})
	if _, err := db.Exec(`INSERT INTO t VALUES (2)`); err == nil {
		t.Fatal("a commit went well without its sync")
	}
	left, _ := open(t, fsys.Crash(faultfs.Lost))
	if n := scan[int](t, left, `SELECT count(*) FROM t`); n != 1 {
		t.Errorf("%d rows", n)
	}
}

// Every call that fails is an error for who made the request, and the next
// works.
func TestEachCallFails(t *testing.T) {
	for n := 1; ; n++ {
		fsys := faultfs.New()
		db, _ := open(t, fsys, "journal_mode(WAL)")
		exec(t, db, `CREATE TABLE t (n INTEGER)`)
		fired := fsys.Fail(faultfs.Fault{Skip: n - 1, Ops: faultfs.Read | faultfs.Write | faultfs.Sync})
		_, err := db.Exec(`INSERT INTO t VALUES (1)`)
		if !fired() {
			if n < 3 {
				t.Errorf("an insert made %d calls only", n-1)
			}
			return
		}
		if err == nil {
			t.Errorf("call %d failed, and the insert went well", n)
		}
		if _, err := db.Exec(`INSERT INTO t VALUES (2)`); err != nil {
			t.Errorf("call %d failed, and so does the next insert: %v", n, err)
		}
	}
}

func TestForgetWithOpenFiles(t *testing.T) {
	v := sqlitefs.Register(faultfs.New())
	db, err := sql.Open("sqlite", "file:/db?vfs="+v.Name)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Ping(); err != nil {
		t.Fatal(err)
	}
	exec(t, db, `CREATE TABLE t (n)`)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("forgotten under an open database")
			}
		}()
		v.Forget()
	}()
	db.Close()
	v.Forget()
	if db, err = sql.Open("sqlite", "file:/db?vfs="+v.Name); err == nil {
		err = db.Ping()
		db.Close()
	}
	if err == nil {
		t.Error("a database is opened in what was forgotten")
	}
}
