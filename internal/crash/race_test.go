//go:build race

package crash_test

// With the race detector SQLite takes ten times as long.
const raced = true
