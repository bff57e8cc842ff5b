package scale

import (
	"context"
	"fmt"
	"log"
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

	inTree = 100_000 // items of moveFolder
	each   = 1000    // files of the folders in it and in restFolder
)

// builder fills an account, a few thousand items in a transaction.
type builder struct {
	ctx   context.Context
	rows  *sqlite.Store
	who   content.Principal
	newID func() content.ID
	rand  *rand.Rand
	now   time.Time
	done  int
	tick  time.Time
}

func (b *builder) item(in content.ID, kind meta.ItemKind, name string) meta.Item {
	at := b.now.Add(-time.Duration(b.rand.Int64N(int64(1000 * time.Hour))))
	return meta.Item{ID: b.newID(), Kind: kind, Parent: in, Name: name, Key: content.NameKey(name), CreatedAt: at, ModifiedAt: at,
		ContentCreatedAt: at, ContentModifiedAt: at, CreatedBy: b.who.User, ModifiedBy: b.who.User, Owner: b.who.User}
}

func (b *builder) folder(in content.ID, name string) (content.ID, error) {
	row := b.item(in, meta.Folder, name)
	b.done++
	return row.ID, b.rows.Update(b.ctx, func(tx meta.Tx) error { return tx.InsertItem(row) })
}

// files makes n files with names in no order, each of one part that is nowhere.
func (b *builder) files(in content.ID, n int) error {
	order := b.rand.Perm(n)
	for len(order) > 0 {
		some := order[:min(len(order), 2000)]
		order = order[len(some):]
		err := b.rows.Update(b.ctx, func(tx meta.Tx) error {
			var bytes int64
			for _, i := range some {
				row := b.item(in, meta.File, fileName(i))
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
				bytes += v.Size
			}
			return tx.AddUsage(b.who.User, bytes, 0)
		})
		if err != nil {
			return err
		}
		b.done += len(some)
		if time.Since(b.tick) > 20*time.Second {
			b.tick = time.Now()
			log.Printf("%d items", b.done)
		}
	}
	return nil
}

func fileName(i int) string { return fmt.Sprintf("document %07d.txt", i) }

func (b *builder) build(s size) error {
	root := b.who.Root
	big, err := b.folder(root, bigFolder)
	if err != nil {
		return err
	}
	if err := b.files(big, s.folder); err != nil {
		return err
	}
	top, err := b.folder(root, moveFolder)
	if err != nil {
		return err
	}
	if err := b.fill(top, inTree); err != nil {
		return err
	}
	if _, err := b.folder(root, hallFolder); err != nil {
		return err
	}
	rest, err := b.folder(root, restFolder)
	if err != nil {
		return err
	}
	return b.fill(rest, s.account-b.done)
}

// fill puts n items into a folder: folders of files.
func (b *builder) fill(in content.ID, n int) error {
	for i := 0; n > 0; i++ {
		sub, err := b.folder(in, fmt.Sprintf("folder %05d", i))
		if err != nil {
			return err
		}
		files := min(each, n-1)
		if err := b.files(sub, files); err != nil {
			return err
		}
		n -= files + 1
	}
	return nil
}
