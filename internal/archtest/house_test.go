package archtest

import (
	"slices"
	"testing"
)

// TestHouse checks the module that this file lies in.
func TestHouse(t *testing.T) {
	m, err := load(".")
	if err != nil {
		t.Fatal(err)
	}
	// A listing that comes back short would pass by having nothing to check.
	for _, path := range []string{"boxapi", "internal/content", "internal/archtest"} {
		if !slices.ContainsFunc(m.pkgs, func(p pkg) bool { return p.path == path && len(p.files) > 0 }) {
			t.Errorf("go list shows no %s", path)
		}
	}
	for _, line := range check(m) {
		t.Error(line)
	}
}
