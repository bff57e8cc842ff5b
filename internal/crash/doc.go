// Package crash holds no code: its tests cut the power at every file call of a
// whole server's storage, rows and blobs on one disk, and look at what is left.
// docs/durability.md says what they prove and how a run is repeated.
package crash
