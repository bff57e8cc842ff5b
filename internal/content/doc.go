// Package content holds the nouns of boxcar (users, folders, files, versions,
// upload sessions, parts), the kinds of error that can befall them, and the
// rules that need nothing else: which names are allowed, who may do what, how
// a file is cut into parts. It does no IO.
package content
