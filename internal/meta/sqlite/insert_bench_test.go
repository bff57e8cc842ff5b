package sqlite_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/meta/sqlite"
)

// BenchmarkFiles is what a row of a copy and of a delete takes: a file with its
// version, a thousand in a transaction.
func BenchmarkFiles(b *testing.B) {
	s, err := sqlite.Open(filepath.Join(b.TempDir(), "meta.db"), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for _, fn := range upload[:2] {
		if err := s.Update(b.Context(), fn); err != nil {
			b.Fatal(err)
		}
	}
	var user content.User
	err = s.View(b.Context(), func(tx meta.Tx) error {
		all, err := tx.Users(0, 1)
		user = all[0]
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	top := meta.Item{ID: 1 << 40, Name: "top", Key: "top", Owner: user.ID, CreatedBy: user.ID, ModifiedBy: user.ID, Limbo: meta.Going}
	if err := s.Update(b.Context(), func(tx meta.Tx) error { return tx.InsertItem(top) }); err != nil {
		b.Fatal(err)
	}
	const each = 1000
	id := content.ID(1 << 41)
	b.Run("insert", func(b *testing.B) {
		for i := 0; i < b.N; i += each {
			err := s.Update(b.Context(), func(tx meta.Tx) error {
				for range each {
					id += 2
					name := fmt.Sprintf("document %09d.txt", id)
					it := meta.Item{ID: id, Kind: meta.File, Parent: top.ID, Name: name, Key: name, Owner: user.ID, CreatedBy: user.ID, ModifiedBy: user.ID,
						Current: meta.Version{ID: id, File: id, Number: 1, Name: name, Size: 1, Manifest: meta.Manifest(id)}}
					if err := tx.InsertVersion(it.Current); err != nil {
						return err
					}
					if err := tx.InsertItem(it); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("purge", func(b *testing.B) {
		for i := 0; i < b.N; i += each {
			err := s.Update(b.Context(), func(tx meta.Tx) error {
				_, err := meta.PurgeSome(tx, top.ID, top.ID, func(rows int) bool { return rows < each })
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
