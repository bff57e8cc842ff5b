package crash_test

import (
	"context"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"boxcar/internal/blob"
	"boxcar/internal/meta"
	"boxcar/internal/vfs"
	"boxcar/internal/vfs/faultfs"
	"boxcar/internal/vfs/sqlitefs"
)

// mutant is a server that is wrong in one thing.
type mutant struct {
	ignore []string // kinds of syncs that do nothing and say that they went well
	late   bool     // the bytes of a blob are synced behind its name
	rows   func(rows meta.Store, blobs blob.Store) meta.Store
	blobs  func(h *house, blobs blob.Store) blob.Store
	house  func(h *house)

	seen kinds // of syncs

	// calm counts the power cuts since a sync of the disk main did nothing.
	main *faultfs.FS
	calm atomic.Int64
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

func (m *mutant) stores(h *house) (rows meta.Store, blobs blob.Store) {
	rows, blobs = h.rows, h.blobs
	if m != nil && m.rows != nil {
		rows = m.rows(rows, h.files) // in a transaction there is no other
	}
	if m != nil && m.blobs != nil {
		blobs = m.blobs(h, blobs)
	}
	return rows, blobs
}

func (m *mutant) services(h *house) {
	if m != nil && m.house != nil {
		m.house(h)
	}
}

// kinds counts how many syncs of each kind there have been.
type kinds struct {
	mu sync.Mutex
	n  map[string]int
}

func (k *kinds) note(kind string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.n == nil {
		k.n = map[string]int{}
	}
	k.n[kind]++
}

// The kinds of syncs there are, by who asks for them.
const (
	tempFile  = "blobs: temp file"
	shard     = "blobs: directory of a shard"
	shardMade = "blobs: directory of shards"
	roots     = "blobs: data directory"

	opened = "rows: data directory at the end of Open"

	logCommit   = "SQLite: log, at a commit"
	logHeader   = "SQLite: log, its header when it begins anew"
	logAgain    = "SQLite: log, before a checkpoint"
	logMade     = "SQLite: data directory, log made"
	checkpoint  = "SQLite: database, at a checkpoint"
	journal     = "SQLite: journal"
	journalMade = "SQLite: data directory, journal made"
	journalled  = "SQLite: database, before the journal goes"
)

// view is a disk as one of its users sees it, that knows what each sync is for.
type view struct {
	*faultfs.FS
	m    *mutant
	user string

	mu     sync.Mutex
	last   string            // what was done to a name last
	fresh  map[string]string // by file: what was written since the last sync
	unsync []vfs.File        // whose sync comes late
}

func (m *mutant) disk(fsys *faultfs.FS, user string) *view {
	return &view{FS: fsys, m: m, user: user, fresh: map[string]string{}}
}

// ignores says whether a sync of a kind is one that does nothing.
func (d *view) ignores(kind string) bool {
	d.m.seen.note(kind)
	ignored := slices.Contains(d.m.ignore, kind)
	if ignored && d.FS == d.m.main {
		d.m.calm.Store(0)
	}
	return ignored
}

func (d *view) did(what, name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = what + " " + name
}

func (d *view) Create(name string) (vfs.File, error) {
	d.did("made", name)
	f, err := d.FS.Create(name)
	return d.file(f, name), err
}

func (d *view) Modify(name string) (vfs.File, error) {
	f, err := d.FS.Modify(name)
	return d.file(f, name), err
}

func (d *view) file(f vfs.File, name string) vfs.File {
	if f == nil {
		return nil
	}
	return &mutantFile{f, d, name}
}

func (d *view) MkdirAll(name string) error {
	d.did("made", name)
	return d.FS.MkdirAll(name)
}

func (d *view) Remove(name string) error {
	d.did("removed", name)
	return d.FS.Remove(name)
}

func (d *view) SyncDir(name string) error {
	var kind string
	switch d.mu.Lock(); {
	case d.user == "open":
		kind = opened
	case d.user == "sqlite" && d.last == "synced "+wal:
		kind = logMade
	case d.user == "sqlite" && d.last == "synced "+database+"-journal":
		kind = journalMade
	case d.user == "blobs" && name == ".":
		kind = roots
	case d.user == "blobs" && name == "blobs":
		kind = shardMade
	case d.user == "blobs" && path.Dir(name) == "blobs":
		kind = shard
	default:
		kind = d.user + ": directory " + name + ", " + d.last // no one knows why
	}
	d.mu.Unlock()
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
	d    *view
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
	var kind string
	switch {
	case f.d.user == "blobs":
		kind = tempFile
	case f.d.user == "open":
		kind = "rows: " + f.name // no one knows why
	case strings.HasSuffix(f.name, "-journal"):
		kind = journal
	case f.name == wal:
		kind = map[string]string{"": logAgain, "beginning": logHeader, "more": logCommit}[fresh]
	default:
		kind = checkpoint
		if _, err := f.d.FS.Stat(database + "-journal"); err == nil {
			kind = journalled
		}
	}
	f.d.did("synced", f.name)
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
	h *house
}

func (b behind) Put(ctx context.Context, key blob.Key, src *blob.Source) error {
	data, err := io.ReadAll(src)
	if err != nil {
		return err
	}
	b.h.late.Go(func() {
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
