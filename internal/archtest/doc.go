// Package archtest holds the house to its plan: which package may import
// which, what some may never import, and where flags and environment are read.
// The plan is in table.go, as data; docs/architecture.md draws the same.
//
// Run it with -count=1: go test caches a pass by the files a test opened, and
// does not see what the go list that it started has read.
package archtest
