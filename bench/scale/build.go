package scale

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the same driver as meta/sqlite has

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

// builder makes an account of a size: a thousand files of the big folder and
// of one other, through meta; the rest is copied from these in the database, which
// takes a tenth of the time.
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
	tree, err := b.folders(tops[1], names(inTree/(each+1))...)
	if err != nil {
		return err
	}
	rest, err := b.folders(tops[3], names(max(0, s.account-s.folder-inTree)/(each+1))...)
	if err != nil {
		return err
	}
	b.seed, b.empty = tree[0], append(tree[1:], rest...)
	return b.files(b.seed, fileName)
}

// multiply makes the copies, in a database that nobody else has open.
func (b *builder) multiply(dir string) (err error) {
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(filepath.Join(dir, "boxcar.db"))+
		"?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=cache_size(-1000000)&_pragma=locking_mode(EXCLUSIVE)")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	m := &multiplier{b: b, db: db, tick: time.Now()}
	if m.copies, err = m.statements(); err != nil {
		return err
	}
	for k := 1; k < b.times; k++ {
		if err := m.copy(b.big, b.big, fmt.Sprintf("+ %d", k)); err != nil {
			return err
		}
	}
	for _, in := range b.empty {
		if err := m.copy(b.seed, in, ""); err != nil {
			return err
		}
	}
	// Totals, from the bottom up: files are at most three folders down.
	for range 3 {
		if _, err := db.ExecContext(b.ctx, `
			UPDATE item SET
				files = (SELECT COUNT(*) FROM item c WHERE c.parent = item.id AND c.kind = 1 AND c.trashed_at = 0),
				folders = (SELECT COUNT(*) FROM item c WHERE c.parent = item.id AND c.kind = 0 AND c.trashed_at = 0),
				size = (SELECT COALESCE(SUM(c.size), 0) FROM item c WHERE c.parent = item.id AND c.trashed_at = 0)
			WHERE kind = 0`); err != nil {
			return err
		}
	}
	_, err = db.ExecContext(b.ctx, `UPDATE account SET used = (SELECT SUM(v.size) FROM version v JOIN item i ON i.id = v.file WHERE i.owner = account.id) WHERE id = ?`, int64(b.who.User))
	return err
}

type multiplier struct {
	b      *builder
	db     *sql.DB
	copies []string
	n      int64
	done   int
	tick   time.Time
}

// changed is how a copy of a row differs from the row: by is what all ids differ by.
var changed = map[string]map[string]string{
	"item": {"id": "r.id + :by", "parent": ":into", "current": "r.current + :by", "name": "NUMBERED", "name_key": "NUMBERED",
		"modified_at": "r.modified_at - abs(random() % 1000000000000)"},
	"version": {"id": "r.id + :by", "file": "r.file + :by", "manifest": "r.manifest + :by", "name": "NUMBERED"},
	"part":    {"manifest": "r.manifest + :by", "blob": "randomblob(16)"},
	"word":    {"item": "r.item + :by", "term": "CASE WHEN r.term GLOB '[0-9]*' THEN printf('%07d', CAST(r.term AS INTEGER) + :k) ELSE r.term END"},
}

const numbered = "printf('document %07d.txt', CAST(substr(r.name, 10, 7) AS INTEGER) + :k)"

// statements copy what is in the folder :of, table by table. The first thousand
// ids of a folder are those that were planted.
func (m *multiplier) statements() (all []string, err error) {
	const planted = "SELECT id FROM item WHERE parent = :of AND kind = 1 AND trashed_at = 0 AND id <= :last"
	where := map[string]string{
		"item":    "r.id IN (" + planted + ")",
		"version": "r.file IN (" + planted + ")",
		"part":    "r.manifest IN (SELECT manifest FROM version WHERE file IN (" + planted + "))",
		"word":    "r.owner = :owner AND r.item IN (" + planted + ")",
	}
	for _, table := range []string{"version", "item", "part", "word"} {
		rows, err := m.db.QueryContext(m.b.ctx, `SELECT name FROM pragma_table_info(?)`, table)
		if err != nil {
			return nil, err
		}
		var names, values []string
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return nil, err
			}
			value := changed[table][name]
			if value == "" {
				value = "r." + name
			}
			names, values = append(names, name), append(values, strings.ReplaceAll(value, "NUMBERED", numbered))
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
		all = append(all, fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s r WHERE %s",
			table, strings.Join(names, ", "), strings.Join(values, ", "), table, where[table]))
	}
	return all, nil
}

// span is more than all planted ids differ by.
const span = 1 << 40

func (m *multiplier) copy(of, into content.ID, k string) error {
	m.n++
	var last int64
	err := m.db.QueryRowContext(m.b.ctx, `SELECT MAX(id) FROM (SELECT id FROM item WHERE parent = ? AND kind = 1 AND trashed_at = 0 ORDER BY id LIMIT ?)`, int64(of), each).Scan(&last)
	if err != nil {
		return err
	}
	if k == "" {
		k = "+ 0"
	}
	for _, q := range m.copies {
		q = strings.ReplaceAll(q, "+ :k", k)
		args := []any{sql.Named("by", m.n*span), sql.Named("into", int64(into)), sql.Named("of", int64(of)), sql.Named("last", last), sql.Named("owner", int64(m.b.who.User))}
		used := args[:0]
		for _, a := range args {
			if strings.Contains(q, ":"+a.(sql.NamedArg).Name) {
				used = append(used, a)
			}
		}
		if _, err := m.db.ExecContext(m.b.ctx, q, used...); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
	}
	m.done += each
	if time.Since(m.tick) > 20*time.Second {
		m.tick = time.Now()
		log.Printf("%d items", m.done)
	}
	return nil
}
