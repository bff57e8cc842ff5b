package sqlite

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"
)

// A log that can't be copied is no secret.
func TestPingSaysThatTheLogCannotBeCopied(t *testing.T) {
	told := make(chan error, 100)
	s, err := Open(filepath.Join(t.TempDir(), "meta.db"), Options{Copied: func(err error) {
		if err != nil {
			told <- err
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
	if err := s.checkpointer.conn.Close(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for s.Ping(t.Context()) == nil {
		if time.Now().After(deadline) {
			t.Fatal("ping finds nothing wrong")
		}
		time.Sleep(time.Millisecond)
	}
	select {
	case <-told:
	case <-time.After(10 * time.Second):
		t.Error("nobody is told")
	}
}

// Both who commits and who copies the log wait for the disk. Nobody else copies: SQLite
// does not say how that ends.
func TestEveryConnectionThatWritesSyncs(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "meta.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	beside, err := Open(s.path, Options{Beside: true})
	if err != nil {
		t.Fatal(err)
	}
	defer beside.Close()
	for name, db := range map[string]interface {
		QueryRowContext(context.Context, string, ...any) *sql.Row
	}{"writer": s.writeDB, "checkpointer": s.checkpointer.conn, "another process's writer": beside.writeDB} {
		for pragma, want := range map[string]int{"synchronous": 2, "checkpoint_fullfsync": 1, "wal_autocheckpoint": 0} {
			var got int
			if err := db.QueryRowContext(t.Context(), `PRAGMA `+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s: %s is %d (%v), want %d", name, pragma, got, err, want)
			}
		}
	}
}
