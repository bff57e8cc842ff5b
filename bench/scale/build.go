package scale

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/meta/sqlite"
)

// Sizes of one account, in items.
type size struct {
	folder  int // files in the big folder
	tree    int // in the folder that is moved, copied and deleted
	account int // in all
}

func (s size) String() string { return count(s.folder) + " in " + count(s.account) }

func count(n int) string {
	switch {
	case n%1_000_000 == 0:
		return fmt.Sprint(n/1_000_000, "M")
	case n%1000 == 0:
		return fmt.Sprint(n/1000, "k")
	}
	return fmt.Sprint(n)
}

const (
	bigFolder  = "big"  // holds so many files
	moveFolder = "tree" // is moved, copied and deleted
	hallFolder = "hall" // where things are moved to
	restFolder = "rest" // what fills the account up

	each = 1000 // files of the folders in moveFolder and in restFolder
)

// builder makes an account of a size: a thousand files of the big folder and
// of one other, through meta; a multiplier copies the rest from these.
type builder struct {
	ctx   context.Context
	rows  *sqlite.Store
	who   content.Principal
	newID func() content.ID
	rand  *rand.Rand
	now   time.Time

	big, seed content.ID   // folders with files in them
	times     int          // how many times the files of big there are to be
	empty     []content.ID // folders that are to have the files of seed
}

func (b *builder) item(in content.ID, kind meta.ItemKind, name string) meta.Item {
	at := b.now.Add(-time.Duration(b.rand.Int64N(int64(1000 * time.Hour))))
	return meta.Item{ID: b.newID(), Kind: kind, Parent: in, Name: name, Key: content.NameKey(name), CreatedAt: at, ModifiedAt: at,
		ContentCreatedAt: at, ContentModifiedAt: at, CreatedBy: b.who.User, ModifiedBy: b.who.User, Owner: b.who.User}
}

func (b *builder) folders(in content.ID, names ...string) (ids []content.ID, err error) {
	err = b.rows.Update(b.ctx, func(tx meta.Tx) error {
		ids = nil
		for _, name := range names {
			row := b.item(in, meta.Folder, name)
			if err := tx.InsertItem(row); err != nil {
				return err
			}
			ids = append(ids, row.ID)
		}
		return nil
	})
	return ids, err
}

// files makes a thousand files, each of one part that is nowhere. Their ids and
// names are in no common order.
func (b *builder) files(in content.ID, name func(i int) string) error {
	return b.rows.Update(b.ctx, func(tx meta.Tx) error {
		for _, i := range b.rand.Perm(each) {
			row := b.item(in, meta.File, name(i))
			v := meta.Version{ID: b.newID(), File: row.ID, Number: 1, Name: row.Name, Size: 1 + b.rand.Int64N(1<<20),
				CreatedAt: row.CreatedAt, CreatedBy: b.who.User}
			v.Manifest = meta.Manifest(v.ID)
			for i := range v.SHA1 {
				v.SHA1[i] = byte(b.rand.Uint32())
			}
			row.Current = v
			if err := tx.InsertVersion(v); err != nil {
				return err
			}
			if err := tx.InsertItem(row); err != nil {
				return err
			}
			part := meta.Part{Part: content.Part{ID: "00000001", Span: content.Span{End: v.Size}, SHA1: v.SHA1},
				Blob: blob.Key(fmt.Sprintf("%016x%016x", b.rand.Uint64(), b.rand.Uint64())), CreatedAt: row.CreatedAt}
			if err := tx.InsertPart(v.Manifest, part); err != nil {
				return err
			}
		}
		return nil
	})
}

func fileName(i int) string { return fmt.Sprintf("document %07d.txt", i) }

// plant makes what the rest is copied from.
func (b *builder) plant(s size) error {
	tops, err := b.folders(b.who.Root, bigFolder, moveFolder, hallFolder, restFolder)
	if err != nil {
		return err
	}
	b.big, b.times = tops[0], s.folder/each
	// Copy k of file i is number i*times + k: each page by name has files from
	// all over the table.
	if err := b.files(b.big, func(i int) string { return fileName(i * b.times) }); err != nil {
		return err
	}
	names := func(n int) (names []string) {
		for i := range n {
			names = append(names, fmt.Sprintf("folder %05d", i))
		}
		return names
	}
	tree, err := b.folders(tops[1], names(s.tree/(each+1))...)
	if err != nil {
		return err
	}
	rest, err := b.folders(tops[3], names(max(0, s.account-s.folder-s.tree)/(each+1))...)
	if err != nil {
		return err
	}
	b.seed, b.empty = tree[0], append(tree[1:], rest...)
	return b.files(b.seed, fileName)
}
