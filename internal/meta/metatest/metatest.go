// Package metatest is what every meta.Store must keep, sentence by sentence of
// the contract, and a Store that fails on demand.
package metatest

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"testing"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// Run tests the stores that open makes: each is new and empty, and closed by
// open's own t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) meta.Store) {
	for _, group := range []struct {
		name  string
		tests []test
	}{
		{"Transactions", transactions},
		{"Races", races},
		{"Accounts", accounts},
		{"Items", items},
		{"Listings", listings},
		{"Totals", totals},
		{"Limbo", limbo},
		{"Events", events},
		{"SharedLinks", links},
		{"Searches", searches},
		{"Favourites", favourites},
		{"Versions", versions},
		{"Sessions", sessions},
		{"Parts", parts},
		{"Hashes", hashes},
		{"Blobs", blobs},
		{"Rot", rot},
		{"Holds", holds},
		{"Tally", tally},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, test := range group.tests {
				t.Run(test.promise, func(t *testing.T) {
					s := open(t)
					seed(t, s)
					test.run(t, s)
				})
			}
		})
	}
}

type test struct {
	promise string
	run     func(t *testing.T, s meta.Store)
}

// What seed leaves in every store.
const (
	enterprise content.ID = 1
	alice      content.ID = 10
	bob        content.ID = 11
	aliceRoot  content.ID = 100
	bobRoot    content.ID = 101
	app                   = "app"
)

// start has microseconds, which must be kept, and nothing below, which need not.
var start = time.Date(2031, 3, 2, 4, 5, 6, 123456000, time.UTC)

func seed(t *testing.T, s meta.Store) {
	t.Helper()
	update(t, s, func(tx meta.Tx) error {
		return first(
			tx.InsertEnterprise(content.Enterprise{ID: enterprise, Name: "Example"}),
			tx.InsertUser(user(alice, "alice@example.net", aliceRoot)),
			tx.InsertUser(user(bob, "bob@example.net", bobRoot)),
			tx.InsertItem(folder(aliceRoot, 0, "All Files", alice)),
			tx.InsertItem(folder(bobRoot, 0, "All Files", bob)),
			tx.InsertApp(meta.App{ID: app, Name: "CLI", SecretHash: [32]byte{1}, CreatedAt: start}),
		)
	})
}

func user(id content.ID, login string, root content.ID) content.User {
	return content.User{
		Person:     content.Person{ID: id, Name: "User " + id.String(), Login: login},
		Enterprise: content.Enterprise{ID: enterprise, Name: "Example"},
		Root:       root, CreatedAt: start, ModifiedAt: start.Add(time.Microsecond),
	}
}

func folder(id, parent content.ID, name string, owner content.ID) meta.Item {
	return meta.Item{
		ID: id, Kind: meta.Folder, Parent: parent, Name: name, Key: content.NameKey(name),
		CreatedAt: start, ModifiedAt: start, ContentCreatedAt: start, ContentModifiedAt: start,
		CreatedBy: owner, ModifiedBy: owner, Owner: owner,
	}
}

// file is a file with its only version; both are there after put. The version
// and its manifest have the file's id plus 1000 and 2000.
func file(id, parent content.ID, name string, owner content.ID, size int64) meta.Item {
	it := folder(id, parent, name, owner)
	it.Kind = meta.File
	it.Current = meta.Version{
		ID: id + 1000, File: id, Number: 1, Name: name, Size: size, SHA1: sha1(int(id)),
		Manifest: meta.Manifest(id + 2000), CreatedAt: start, CreatedBy: owner,
	}
	it.Totals.Size = size
	return it
}

func link(id, parent content.ID, name string, owner content.ID) meta.Item {
	it := folder(id, parent, name, owner)
	it.Kind, it.URL = meta.WebLink, "https://example.net/"+name
	return it
}

func put(t *testing.T, s meta.Store, all ...meta.Item) {
	t.Helper()
	update(t, s, func(tx meta.Tx) error {
		for _, it := range all {
			if it.Kind == meta.File {
				if err := tx.InsertVersion(it.Current); err != nil {
					return err
				}
			}
			if err := tx.InsertItem(it); err != nil {
				return err
			}
		}
		return nil
	})
}

func sessionID(n int) content.SessionID { return content.SessionID(fmt.Sprintf("%032X", n)) }

func session(n int, owner content.ID) meta.Session {
	return meta.Session{
		Session: content.Session{
			ID: sessionID(n), Owner: owner, Folder: aliceRoot, Name: "survey.laz",
			Grid: content.Grid{FileSize: 25_000_000, PartSize: 8 << 20}, State: content.Open,
			CreatedAt: start, ExpiresAt: start.Add(7 * 24 * time.Hour),
		},
		Manifest: meta.Manifest(5000 + n), Reserved: 25_000_000,
	}
}

func blobKey(n int) blob.Key { return blob.Key(fmt.Sprintf("%032x", n)) }

func sha1(n int) (sum content.SHA1) {
	binary.BigEndian.PutUint64(sum[:], uint64(n)+1)
	return sum
}

func sha512(n int) (sum content.SHA512) {
	binary.BigEndian.PutUint64(sum[:], uint64(n)+1)
	return sum
}

func stateAt(n int64) content.SHA1State {
	s := content.SHA1State{N: n}
	binary.BigEndian.PutUint64(s.Chain[:], uint64(n)+7)
	return s
}

const partSize = 8 << 20

// part is slot n of a manifest, on a blob of its own if blobs are numbered by
// slot.
func part(n, blob int) meta.Part {
	return meta.Part{
		Part: content.Part{
			ID:   fmt.Sprintf("%08X", n),
			Span: content.Span{Start: int64(n) * partSize, End: int64(n+1) * partSize},
			SHA1: sha1(n),
		},
		Blob: blobKey(blob), CreatedAt: start,
	}
}

// first is the first error there is; the calls have all been made.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func update(t *testing.T, s meta.Store, fn func(meta.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Fatalf("update: %v", err)
	}
}

// refused is an update that must fail in one way, and so change nothing.
func refused(t *testing.T, s meta.Store, kind content.Kind, fn func(meta.Tx) error) {
	t.Helper()
	err := s.Update(t.Context(), fn)
	if err == nil || content.KindOf(err) != kind {
		t.Errorf("update gave %v, want an error of kind %d", err, kind)
	}
}

// get is what fn gives in a View.
func get[T any](t *testing.T, s meta.Store, fn func(meta.Tx) (T, error)) (v T) {
	t.Helper()
	err := s.View(t.Context(), func(tx meta.Tx) (err error) {
		v, err = fn(tx)
		return err
	})
	if err != nil {
		t.Fatalf("view: %v", err)
	}
	return v
}

// missing says that fn finds nothing.
func missing[T any](t *testing.T, s meta.Store, what string, fn func(meta.Tx) (T, error)) {
	t.Helper()
	err := s.View(t.Context(), func(tx meta.Tx) error {
		_, err := fn(tx)
		return err
	})
	if !content.Is(err, content.NotFound) {
		t.Errorf("%s: %v, want a NotFound error", what, err)
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s is\n%+v, want\n%+v", what, got, want)
	}
}
