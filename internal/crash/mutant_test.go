package crash_test

import (
	"context"
	"io"
	"path"
	"strings"
	"sync"
	"testing"

	"boxcar/internal/blob"
	"boxcar/internal/meta"
	"boxcar/internal/vfs"
	"boxcar/internal/vfs/faultfs"
	"boxcar/internal/vfs/sqlitefs"
)

// mutant is a server that is wrong in one thing, which a crash is to show.
type mutant struct {
	name   string
	ignore []string // kinds of syncs that do nothing and say that they went well
	late   bool     // the bytes of a blob are synced behind its name
	rows   func(rows meta.Store, blobs blob.Store) meta.Store
	blobs  func(m *mutant, blobs blob.Store) blob.Store
	house  func(h *house)

	programs []string // in which it shows

	work sync.WaitGroup // of blobs
}

// disks are one disk as its three users see it.
type disks struct {
	sqlite      sqlitefs.FS
	rows, blobs vfs.FS
}

func (m *mutant) disks(fsys *faultfs.FS) disks {
	if m == nil {
		return disks{fsys, fsys, fsys}
	}
	return disks{m.disk(fsys, "sqlite"), m.disk(fsys, "open"), m.disk(fsys, "blobs")}
}

func (m *mutant) stores(rows meta.Store, blobs blob.Store) (meta.Store, blob.Store) {
	if m != nil && m.rows != nil {
		rows = m.rows(rows, blobs)
	}
	if m != nil && m.blobs != nil {
		blobs = m.blobs(m, blobs)
	}
	return rows, blobs
}

func (m *mutant) services(h *house) {
	if m != nil && m.house != nil {
		m.house(h)
	}
}

func (m *mutant) wait() {
	if m != nil {
		m.work.Wait()
	}
}

// kinds notes which kinds of syncs there have been.
type kinds struct {
	mu   sync.Mutex
	seen map[string]int
}

func (k *kinds) note(kind string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen[kind]++
}

// seen has the kinds of syncs of all runs with a mutant.
var seen = kinds{seen: map[string]int{}}

// disk is a disk as one of its users sees it, that knows what each sync is for.
type disk struct {
	*faultfs.FS
	m    *mutant
	user string

	mu     sync.Mutex
	last   string            // what was done to a name last
	fresh  map[string]string // by file: what was written since the last sync
	unsync []vfs.File        // whose sync comes late
}

func (m *mutant) disk(fsys *faultfs.FS, user string) *disk {
	return &disk{FS: fsys, m: m, user: user, fresh: map[string]string{}}
}

// ignores says whether a sync of a kind is one that does nothing.
func (d *disk) ignores(kind string) bool {
	seen.note(kind)
	for _, k := range d.m.ignore {
		if k == kind {
			return true
		}
	}
	return false
}

func (d *disk) did(what, name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = what + " " + name
}

func (d *disk) Create(name string) (vfs.File, error) {
	d.did("made", name)
	f, err := d.FS.Create(name)
	return d.file(f, name), err
}

func (d *disk) Modify(name string) (vfs.File, error) {
	f, err := d.FS.Modify(name)
	return d.file(f, name), err
}

func (d *disk) file(f vfs.File, name string) vfs.File {
	if f == nil {
		return nil
	}
	return &mutantFile{f, d, name}
}

func (d *disk) MkdirAll(name string) error {
	d.did("made", name)
	return d.FS.MkdirAll(name)
}

func (d *disk) Remove(name string) error {
	d.did("removed", name)
	return d.FS.Remove(name)
}

func (d *disk) SyncDir(name string) error {
	kind := d.user + ": directory " + d.last
	switch {
	case d.user == "open" && d.last == "made "+database:
		kind = "open: directory, database made"
	case d.user == "open":
		kind = "open: directory, at the end"
	case d.user == "sqlite":
		kind = "sqlite: directory, " + d.last // synced, or removed
	case name == ".":
		kind = "blobs: data directory, " + d.last
	case name == "blobs":
		kind = "blobs: directory of shards"
	default:
		kind = "blobs: shard"
	}
	if d.ignores(kind) {
		return nil
	}
	err := d.FS.SyncDir(name)
	if path.Dir(name) == "blobs" {
		d.mu.Lock()
		late := d.unsync
		d.unsync = nil
		d.mu.Unlock()
		for _, f := range late {
			f.Sync()
		}
	}
	return err
}

type mutantFile struct {
	vfs.File
	d    *disk
	name string
}

func (f *mutantFile) WriteAt(p []byte, offset int64) (int, error) {
	f.d.mu.Lock()
	switch {
	case offset < walHeader && f.d.fresh[f.name] == "":
		f.d.fresh[f.name] = "beginning"
	case offset >= walHeader:
		f.d.fresh[f.name] = "more"
	}
	f.d.mu.Unlock()
	return f.File.WriteAt(p, offset)
}

func (f *mutantFile) Sync() error {
	f.d.mu.Lock()
	fresh := f.d.fresh[f.name]
	delete(f.d.fresh, f.name)
	f.d.mu.Unlock()
	kind := ""
	switch {
	case f.d.user == "open":
		kind = "open: database made"
	case f.d.user == "blobs":
		kind = "blobs: temp file"
	case strings.HasSuffix(f.name, "-journal"):
		kind = "sqlite: journal"
		if fresh == "beginning" {
			kind = "sqlite: journal, its header"
		}
	case f.name == wal:
		kind = "sqlite: log, " + map[string]string{"": "before a checkpoint", "beginning": "its header", "more": "a commit"}[fresh]
	default:
		kind = "sqlite: database, a checkpoint"
		if _, err := f.d.FS.Stat(database + "-journal"); err == nil {
			kind = "sqlite: database, a commit by journal"
		}
	}
	f.d.did("synced", strings.TrimPrefix(f.name, database))
	if f.d.m.late && f.d.user == "blobs" {
		f.d.mu.Lock()
		defer f.d.mu.Unlock()
		again, err := f.d.FS.Modify(f.name)
		f.d.unsync = append(f.d.unsync, again)
		return err
	}
	if f.d.ignores(kind) {
		return nil
	}
	return f.File.Sync()
}

// behind is a store that answers before it has stored anything.
type behind struct {
	blob.Store
	m *mutant
}

func (b behind) Put(ctx context.Context, key blob.Key, src *blob.Source) error {
	data, err := io.ReadAll(src)
	if err != nil {
		return err
	}
	b.m.work.Go(func() {
		b.Store.Put(context.WithoutCancel(ctx), key, blob.Verify(strings.NewReader(string(data)), blob.Want{Size: int64(len(data))}, nil))
	})
	return nil
}

// wrapped is a store whose transactions are wrong.
type wrapped struct {
	meta.Store
	wrap func(meta.Tx) meta.Tx
}

func (w wrapped) View(ctx context.Context, fn func(meta.Tx) error) error {
	return w.Store.View(ctx, func(tx meta.Tx) error { return fn(w.wrap(tx)) })
}

func (w wrapped) Update(ctx context.Context, fn func(meta.Tx) error) error {
	return w.Store.Update(ctx, func(tx meta.Tx) error { return fn(w.wrap(tx)) })
}

// hasty deletes bytes in the transaction that deletes their rows.
type hasty struct {
	meta.Tx
	blobs blob.Store
}

func (h hasty) DeleteParts(m meta.Manifest, limit int) (int, []blob.Key, error) {
	n, free, err := h.Tx.DeleteParts(m, limit)
	for _, key := range free {
		h.blobs.Delete(ctx, key)
	}
	return n, free, err
}

// blind does not see that a blob is referred to.
type blind struct{ meta.Tx }

func (blind) Refers(blob.Key) (bool, error) { return false, nil }

var mutants = []*mutant{
	{ignore: []string{"blobs: temp file"}},
	{ignore: []string{"blobs: shard"}},
	{ignore: []string{"blobs: directory of shards"}},
	{ignore: []string{"blobs: data directory, made blobs"}},
	{ignore: []string{"blobs: data directory, made tmp"}},
	{ignore: []string{"open: database made"}},
	{ignore: []string{"open: directory, database made"}},
	{ignore: []string{"open: directory, at the end"}},
	{ignore: []string{"sqlite: log, a commit"}},
	{ignore: []string{"sqlite: log, its header"}},
	{ignore: []string{"sqlite: log, before a checkpoint"}},
	{ignore: []string{"sqlite: database, a checkpoint"}},
	{ignore: []string{"sqlite: database, a commit by journal"}},
	{ignore: []string{"sqlite: journal"}},
	{ignore: []string{"sqlite: journal, its header"}},
	{ignore: []string{"sqlite: directory, synced -wal"}},
	{ignore: []string{"sqlite: directory, synced -journal"}},
	{ignore: []string{"sqlite: directory, removed boxcar.db-journal"}},
	{name: "bytes are synced behind the name", late: true},
	{name: "the row before the bytes", blobs: func(m *mutant, blobs blob.Store) blob.Store { return behind{blobs, m} }},
	{name: "bytes are deleted before their row", rows: func(rows meta.Store, blobs blob.Store) meta.Store {
		return wrapped{rows, func(tx meta.Tx) meta.Tx { return hasty{tx, blobs} }}
	}},
	{name: "the sweep does not look for a row", rows: func(rows meta.Store, blobs blob.Store) meta.Store {
		return wrapped{rows, func(tx meta.Tx) meta.Tx { return blind{tx} }}
	}},
	{name: "the sweep does not ask what arrives", house: func(h *house) { h.sweep.Arriving = nil }},
	{name: "the sweep does not ask what grows", house: func(h *house) { h.sweep.Growing = nil }},
}

func TestDevMutants(t *testing.T) {
	base()
	for _, m := range mutants {
		name := m.name
		if name == "" {
			name = strings.Join(m.ignore, " ")
		}
		t.Run(name, func(t *testing.T) {
			for seed := uint64(1); seed <= 2; seed++ {
				for _, p := range programs {
					sum := newTally(0)
					if err := play(t, plot{program: p, seed: seed, mixes: 4, every: 6, mutant: m}, sum); err != nil {
						t.Logf("FOUND by %s after %v: %v", p.name, sum, err)
						return
					}
				}
			}
			t.Log("NOT FOUND")
		})
	}
	t.Log(seen.seen)
}
