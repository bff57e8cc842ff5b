package sqlite

import (
	"path/filepath"
	"testing"
	"time"
)

// A log that can't be copied is no secret.
func TestPingSaysThatTheLogCannotBeCopied(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "meta.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
	if err := s.checkpointer.db.Close(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for s.Ping(t.Context()) == nil {
		if time.Now().After(deadline) {
			t.Fatal("ping finds nothing wrong")
		}
		time.Sleep(time.Millisecond)
	}
}
