package sqlite_test

import (
	"path/filepath"
	"testing"

	"boxcar/internal/meta"
	"boxcar/internal/meta/metatest"
	"boxcar/internal/meta/sqlite"
)

func open(t *testing.T, path string, o sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func TestPromises(t *testing.T) {
	metatest.Run(t, func(t *testing.T) meta.Store {
		return open(t, filepath.Join(t.TempDir(), "meta.db"), sqlite.Options{})
	})
}
