package tree_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"boxcar/internal/auth"
	"boxcar/internal/blob"
	"boxcar/internal/blob/disk"
	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/meta/metatest"
	"boxcar/internal/meta/sqlite"
	"boxcar/internal/sweep"
	"boxcar/internal/tree"
	"boxcar/internal/upload"
	"boxcar/internal/vfs/faultfs"
)

// world is a server's storage with the services on it, which do a few rows in
// each transaction of a long job.
type world struct {
	t     *testing.T
	rows  *sqlite.Store
	blobs blob.Store
	now   time.Time
	who   content.Principal
	auth  *auth.Service
	tree  *tree.Service // on faulty
	sweep *sweep.Service
	up    *upload.Service // on rows

	faulty *hooked

	mu sync.Mutex
	id content.ID
}

// hooked is a faulty store that calls a function before each Update.
type hooked struct {
	metatest.Faulty
	before func(n int)
	n      atomic.Int64
}

func (h *hooked) count() int { return int(h.n.Load()) }

func (h *hooked) Update(ctx context.Context, fn func(meta.Tx) error) error {
	n := int(h.n.Add(1))
	if h.before != nil {
		h.before(n)
	}
	return h.Faulty.Update(ctx, fn)
}

func newWorld(t *testing.T) *world {
	t.Parallel()
	w := &world{t: t, now: time.Now().Truncate(time.Second)}
	var err error
	if w.rows, err = sqlite.Open(filepath.Join(t.TempDir(), "db"), sqlite.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.rows.Close() })
	if w.blobs, err = disk.Open(faultfs.New()); err != nil {
		t.Fatal(err)
	}
	w.auth = &auth.Service{Meta: w.rows, Now: w.clock, NewID: w.newID, Random: random}
	c, err := w.auth.Start(t.Context(), func(auth.Credentials) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if w.who, err = w.auth.Authenticate(t.Context(), c.DeveloperToken, ""); err != nil {
		t.Fatal(err)
	}
	w.open(&metatest.Faulty{})
	return w
}

func (w *world) clock() time.Time { return w.now }

func (w *world) newID() content.ID {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.id++
	return w.id
}

func random(b []byte) { rand.Read(b) }

// open makes the services anew, with these faults.
func (w *world) open(f *metatest.Faulty) {
	quiet := slog.New(slog.DiscardHandler)
	w.faulty = &hooked{Faulty: metatest.Faulty{FailBefore: f.FailBefore, FailAfter: f.FailAfter, FailCall: f.FailCall}}
	w.faulty.Store = w.rows
	bites := meta.Bites{Rows: 4, Time: time.Hour}
	w.tree = &tree.Service{Meta: w.faulty, Blobs: w.blobs, Now: w.clock, NewID: w.newID, Random: random, Log: quiet, MaxFileSize: 1 << 30, Bites: bites,
		HashPassword: w.auth.HashPassword, CheckPassword: w.auth.VerifyPassword}
	w.sweep = &sweep.Service{Meta: w.rows, Blobs: w.blobs, Now: w.clock, Log: quiet, Growing: w.tree.Growing, Bites: bites}
	w.up = upload.New(upload.Config{Meta: w.rows, Blobs: w.blobs, Tree: w.tree, Now: w.clock, NewID: w.newID, Random: random,
		Answer: func(error) (int, string, string) { return 0, "", "" }, Log: quiet})
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (w *world) folder(in content.ID, name string) content.ID {
	w.t.Helper()
	return must[*content.Folder](w.t)(w.tree.CreateFolder(w.t.Context(), w.who, in, name, tree.FolderChange{})).ID
}

func (w *world) file(in content.ID, name, data string) *content.File {
	w.t.Helper()
	return must[*content.File](w.t)(w.up.Simple(w.t.Context(), w.who, tree.Target{Folder: in, Name: name, Size: -1}, content.Preconditions{}, content.Attributes{}, nil, strings.NewReader(data)))
}

func (w *world) link(in content.ID, name string) content.ID {
	w.t.Helper()
	id := w.newID()
	w.update(func(tx meta.Tx) error {
		return tx.InsertItem(meta.Item{ID: id, Kind: meta.WebLink, Parent: in, Name: name, Key: content.NameKey(name), CreatedBy: w.who.User,
			ModifiedBy: w.who.User, Owner: w.who.User, CreatedAt: w.now, ModifiedAt: w.now, Extra: meta.Extra{URL: "https://example.net/" + name}})
	})
	return id
}

func (w *world) update(fn func(meta.Tx) error) {
	w.t.Helper()
	if err := w.rows.Update(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) change(id content.ID, fn func(*meta.Item)) {
	w.t.Helper()
	w.update(func(tx meta.Tx) error {
		row, err := tx.Item(id)
		if err != nil {
			return err
		}
		fn(&row)
		return tx.UpdateItem(row)
	})
}

// grove is a folder with all sorts of things in it, 23 in all.
func (w *world) grove(name string) content.ID {
	w.t.Helper()
	top := w.folder(0, name)
	for i := range 4 {
		sub := w.folder(top, fmt.Sprint("sub", i))
		for j := range 3 {
			w.file(sub, fmt.Sprint("file", j), fmt.Sprint("bytes of ", name, i, j))
		}
	}
	w.folder(w.folder(w.folder(top, "a"), "b"), "c") // nothing but folders
	w.link(top, "link")
	w.file(top, "empty", "")
	// An empty file needs no blob, and the one that it came in goes behind the
	// upload's answer. Nothing of that may be taken for what a copy leaves.
	for end := time.Now().Add(10 * time.Second); len(w.prove("grown")) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatal("what came of an upload does not go")
		}
	}
	return top
}

// look is a tree as text: paths, with what a copy keeps.
func (w *world) look(top content.ID) string {
	w.t.Helper()
	var lines []string
	err := w.rows.View(w.t.Context(), func(tx meta.Tx) error {
		var walk func(id content.ID, path string) error
		walk = func(id content.ID, path string) error {
			in, err := tx.ItemsIn(id, meta.ItemPage{Limit: 1000})
			if err != nil {
				return err
			}
			for _, it := range in {
				lines = append(lines, fmt.Sprintf("%s/%s %d %d %s %v %q %d", path, it.Name, it.Kind, it.Size, it.URL, it.Current.SHA1, it.Description, it.Current.Manifest))
				if err := walk(it.ID, path+"/"+it.Name); err != nil {
					return err
				}
			}
			return nil
		}
		return walk(top, "")
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// settle sweeps, and has doctor prove everything: nothing is left in limbo.
func (w *world) settle(when string) {
	w.t.Helper()
	w.prove(when)
	if _, err := w.sweep.Sweep(w.t.Context()); err != nil {
		w.t.Fatalf("%s: sweep: %v", when, err)
	}
	if left := w.prove(when + ", swept"); len(left) > 0 {
		w.t.Fatalf("%s, swept: garbage %q", when, left)
	}
}

func (w *world) prove(when string) (garbage []string) {
	w.t.Helper()
	report, err := w.sweep.Check(w.t.Context())
	if err != nil {
		w.t.Fatalf("%s: doctor: %v", when, err)
	}
	if len(report.Broken) > 0 {
		w.t.Fatalf("%s: doctor: %q", when, report.Broken)
	}
	return report.Garbage
}

func (w *world) names(in content.ID) (names []string) {
	w.t.Helper()
	if in == 0 {
		in = w.who.Root
	}
	err := w.rows.View(w.t.Context(), func(tx meta.Tx) error {
		rows, err := tx.ItemsIn(in, meta.ItemPage{Limit: 1000})
		for _, row := range rows {
			names = append(names, row.Name)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return names
}

func (w *world) used() int64 {
	w.t.Helper()
	var u content.User
	err := w.rows.View(w.t.Context(), func(tx meta.Tx) (err error) { u, err = tx.User(w.who.User); return err })
	if err != nil {
		w.t.Fatal(err)
	}
	return u.Used
}

func refused(t *testing.T, err error, kind content.Kind) {
	t.Helper()
	if !content.Is(err, kind) {
		t.Errorf("got %v, want kind %v", err, kind)
	}
}

func TestACopyOfATreeIsTheSameTree(t *testing.T) {
	w := newWorld(t)
	top := w.grove("wood")
	used := w.used()
	trashed := w.file(top, "trashed", "not to be copied")
	if err := w.tree.TrashItem(t.Context(), w.who, tree.File, trashed.ID, content.Preconditions{}); err != nil {
		t.Fatal(err)
	}
	want := w.look(top)
	before := w.used()
	updates := w.faulty.count()
	name := "copy"
	c := must[*content.Folder](t)(w.tree.CopyFolder(t.Context(), w.who, top, 0, &name))
	if got := w.look(c.ID); got != want {
		t.Errorf("the copy is\n%s\nand the source\n%s", got, want)
	}
	if w.faulty.count()-updates < 5 {
		t.Errorf("%d transactions for 23 items, with 4 rows in each", w.faulty.count()-updates)
	}
	if got := w.used() - before; got != used {
		t.Errorf("the copy counts %d bytes, the source %d", got, used)
	}
	if c.Size != used || c.Name != name || c.Sequence != 0 || c.Status != content.Active {
		t.Errorf("the copy is %+v", c)
	}
	w.settle("after a copy")
	if err := w.tree.Purge(t.Context(), w.who, tree.File, trashed.ID); err != nil { // which would outlive its folder
		t.Fatal(err)
	}
	// Bytes outlive the first of two that share them, and go with the second.
	for i, id := range []content.ID{top, c.ID} {
		if err := w.tree.TrashFolder(t.Context(), w.who, id, true, content.Preconditions{}); err != nil {
			t.Fatal(err)
		}
		if err := w.tree.Purge(t.Context(), w.who, tree.Folder, id); err != nil {
			t.Fatal(err)
		}
		w.settle("after a delete")
		if blobs := w.countBlobs(); (i == 0) != (blobs > 0) {
			t.Errorf("%d blobs after %d deletes", blobs, i+1)
		}
	}
	if w.used() != 0 {
		t.Errorf("%d bytes used by nothing", w.used())
	}
}

func (w *world) countBlobs() (n int) {
	for _, err := range w.blobs.List(w.t.Context()) {
		if err != nil {
			w.t.Fatal(err)
		}
		n++
	}
	return n
}

func TestWhatACopyKeepsAndWhatNot(t *testing.T) {
	w := newWorld(t)
	f := w.file(0, "f", "bytes")
	w.change(f.ID, func(row *meta.Item) {
		row.Sequence, row.Description = 7, "described"
		row.ContentCreatedAt, row.ContentModifiedAt = w.now.Add(-time.Hour), w.now.Add(-time.Minute)
		row.Tags, row.Linked = []string{"tag"}, true
		row.Lock = &meta.Lock{ID: 1, By: w.who.User, CreatedAt: w.now}
	})
	w.update(func(tx meta.Tx) error {
		return tx.InsertSharedLink(meta.SharedLink{Item: f.ID, Token: "token", Access: content.LinkOpen})
	})
	w.now = w.now.Add(time.Hour)
	for what, copied := range map[string]func() (content.ID, error){
		"a file": func() (content.ID, error) {
			name := "f2"
			c, err := w.tree.CopyFile(t.Context(), w.who, f.ID, 0, 0, &name)
			if err != nil {
				return 0, err
			}
			return c.ID, nil
		},
		"a file in a folder": func() (content.ID, error) {
			in := w.folder(0, "in")
			w.change(f.ID, func(row *meta.Item) { row.Parent = in })
			name := "in2"
			c, err := w.tree.CopyFolder(t.Context(), w.who, in, 0, &name)
			if err != nil {
				return 0, err
			}
			var row meta.Item
			err = w.rows.View(t.Context(), func(tx meta.Tx) (err error) { row, err = tx.ItemNamed(c.ID, "f"); return err })
			return row.ID, err
		},
	} {
		id, err := copied()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		var row meta.Item
		err = w.rows.View(t.Context(), func(tx meta.Tx) (err error) { row, err = tx.Item(id); return err })
		if err != nil {
			t.Fatal(err)
		}
		if row.Sequence != 0 || row.Description != "described" || !slices.Equal(row.Tags, []string{"tag"}) || row.Linked || row.Lock != nil ||
			!row.CreatedAt.Equal(w.now) || !row.ModifiedAt.Equal(w.now) || row.Current.Number != 1 ||
			!row.ContentCreatedAt.Equal(w.now.Add(-2*time.Hour)) || !row.ContentModifiedAt.Equal(w.now.Add(-time.Hour-time.Minute)) {
			t.Errorf("the copy of %s is %+v", what, row)
		}
	}
	w.settle("after copies")
}

func TestCopiesThatAreRefusedLeaveNothing(t *testing.T) {
	w := newWorld(t)
	top := w.grove("wood")
	w.file(0, "taken", "x")
	deep := must[[]content.ID](t)(w.path(top, "a", "b"))
	taken := "Taken"
	for what, c := range map[string]struct {
		id, to content.ID
		name   *string
		kind   content.Kind
	}{
		"into itself":       {top, top, nil, content.CyclicalFolder},
		"into a descendant": {top, deep[1], nil, content.CyclicalFolder},
		"the root":          {0, top, nil, content.RootForbidden},
		"beside itself":     {top, 0, nil, content.NameTaken},
		"a name taken":      {top, 0, &taken, content.NameTaken},
		"from nowhere":      {999_999, 0, nil, content.NotFound},
		"to nowhere":        {top, 999_999, nil, content.NotFound},
		"a name that is no": {top, 0, new(string), content.NameInvalid},
	} {
		_, err := w.tree.CopyFolder(t.Context(), w.who, c.id, c.to, c.name)
		if err == nil || !content.Is(err, c.kind) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// A token that is good for seeing only.
	narrow := w.who
	narrow.Scoped, narrow.Restrictions = true, []content.Restriction{{Scope: content.ScopeItemUpload}}
	name := "copy"
	_, err := w.tree.CopyFolder(t.Context(), narrow, top, 0, &name)
	refused(t, err, content.InsufficientScope)
	if left := w.prove("after refusals"); len(left) > 0 {
		t.Errorf("garbage %q", left)
	}
}

// path follows names from a folder down.
func (w *world) path(from content.ID, names ...string) (ids []content.ID, err error) {
	err = w.rows.View(w.t.Context(), func(tx meta.Tx) error {
		for _, name := range names {
			row, err := tx.ItemNamed(from, content.NameKey(name))
			if err != nil {
				return err
			}
			ids, from = append(ids, row.ID), row.ID
		}
		return nil
	})
	return ids, err
}

// What somebody has locked against downloads is not got at by a copy of its folder.
func TestALockAgainstDownloadsHoldsInAFolder(t *testing.T) {
	w := newWorld(t)
	top := w.grove("wood")
	other := must[content.User](t)(w.auth.CreateUser(t.Context(), "Other", "other@example.net", 0))
	locked := must[[]content.ID](t)(w.path(top, "sub2", "file1"))
	w.change(locked[1], func(row *meta.Item) {
		row.Lock = &meta.Lock{ID: 1, By: other.ID, CreatedAt: w.now, NoDownload: true}
	})
	name := "copy"
	_, err := w.tree.CopyFolder(t.Context(), w.who, top, 0, &name)
	refused(t, err, content.ItemLocked)
	w.settle("after it")
	if names := w.names(0); !slices.Equal(names, []string{"wood"}) {
		t.Errorf("the root has %q", names)
	}
}

// Between any two transactions of a copy: the quota shrinks, the name is
// taken, the folder that it was for is gone, the source is.
func TestWhatGoesWrongWhileACopyGrows(t *testing.T) {
	for what, c := range map[string]struct {
		do   func(w *world, top, to content.ID)
		kind content.Kind
	}{
		"the quota shrinks": {func(w *world, _, _ content.ID) {
			w.update(func(tx meta.Tx) error { return tx.SetQuota(w.who.User, w.used()+1) })
		}, content.QuotaExceeded},
		"the name is taken": {func(w *world, _, to content.ID) { w.file(to, "WOOD", "x") }, content.NameTaken},
		"the folder is in the trash": {func(w *world, _, to content.ID) {
			w.change(to, func(row *meta.Item) { row.TrashedAt = w.now })
		}, content.Trashed},
		"the folder is gone": {func(w *world, _, to content.ID) {
			w.update(func(tx meta.Tx) error {
				row, err := tx.Item(to)
				if err != nil {
					return err
				}
				return meta.Doom(tx, row)
			})
		}, content.NotFound},
		"the source is gone": {func(w *world, top, _ content.ID) {
			w.update(func(tx meta.Tx) error {
				row, err := tx.Item(top)
				if err != nil {
					return err
				}
				return meta.Doom(tx, row)
			})
		}, content.NotFound},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			top, to := w.grove("wood"), w.folder(0, "to")
			start := w.faulty.count()
			w.faulty.before = func(n int) {
				if n == start+3 {
					w.faulty.before = nil
					c.do(w, top, to)
				}
			}
			_, err := w.tree.CopyFolder(t.Context(), w.who, top, to, nil)
			refused(t, err, c.kind)
			if left := w.prove("after it"); len(left) == 0 {
				t.Error("nothing was in limbo: the copy was refused too early for this test")
			}
			w.settle("after it")
		})
	}
}

// The source changes between the transactions of its copy: what was there all
// the while is in the copy, and nothing breaks.
func TestASourceThatChanges(t *testing.T) {
	for what, do := range map[string]func(w *world, top content.ID){
		"a folder at work is moved out": func(w *world, top content.ID) {
			sub := must[[]content.ID](w.t)(w.path(top, "a", "b"))
			w.change(sub[0], func(row *meta.Item) { row.Parent = w.who.Root })
		},
		"a folder at work is deleted": func(w *world, top content.ID) {
			sub := must[[]content.ID](w.t)(w.path(top, "a"))
			w.update(func(tx meta.Tx) error {
				row, err := tx.Item(sub[0])
				if err != nil {
					return err
				}
				if err := meta.Doom(tx, row); err != nil {
					return err
				}
				for at := row.ID; ; {
					p, err := meta.PurgeSome(tx, row.ID, at, meta.Bites{}.Begin())
					if err != nil || p.Done {
						return err
					}
					at = p.At
				}
			})
		},
		"a folder becomes a file of its name": func(w *world, top content.ID) {
			sub := must[[]content.ID](w.t)(w.path(top, "a"))
			w.change(sub[0], func(row *meta.Item) { row.Name, row.Key = "z", "z" })
			w.file(top, "a", "a file")
		},
		"more comes": func(w *world, top content.ID) { w.file(top, "more", "x") },
	} {
		for at := 2; at < 6; at++ {
			t.Run(fmt.Sprint(what, " before transaction ", at), func(t *testing.T) {
				w := newWorld(t)
				top := w.grove("wood")
				start := w.faulty.count()
				w.faulty.before = func(n int) {
					if n == start+at {
						w.faulty.before = nil
						do(w, top)
					}
				}
				name := "copy"
				c := must[*content.Folder](t)(w.tree.CopyFolder(t.Context(), w.who, top, 0, &name))
				got := w.look(c.ID)
				for i := range 4 {
					if n := strings.Count(got, fmt.Sprintf("/sub%d/", i)); n != 3 {
						t.Errorf("sub%d has %d files:\n%s", i, n, got)
					}
				}
				w.settle("after it")
			})
		}
	}
}

// Once begun, a copy goes on when its caller goes away; Close breaks it off.
func TestCallersThatGoAway(t *testing.T) {
	w := newWorld(t)
	top := w.grove("wood")
	ctx, cancel := context.WithCancel(t.Context())
	start := w.faulty.count()
	w.faulty.before = func(n int) {
		if n == start+2 {
			cancel()
		}
	}
	name := "copy"
	if _, err := w.tree.CopyFolder(ctx, w.who, top, 0, &name); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	for deadline := time.Now().Add(10 * time.Second); !slices.Contains(w.names(0), "copy"); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the copy never came to be")
		}
	}
	w.settle("after it")

	closing := make(chan struct{})
	w.faulty.before = func(n int) {
		w.faulty.before = nil
		go func() { defer close(closing); w.tree.Close() }()
		time.Sleep(20 * time.Millisecond)
	}
	name = "another"
	_, err := w.tree.CopyFolder(t.Context(), w.who, top, 0, &name)
	<-closing
	refused(t, err, content.Unavailable)
	_, err = w.tree.CopyFolder(t.Context(), w.who, top, 0, &name)
	refused(t, err, content.Unavailable)
	w.settle("after the stop")
	if names := w.names(0); !slices.Equal(names, []string{"copy", "wood"}) {
		t.Errorf("the root has %q", names)
	}
}

// A stop that nobody was told of leaves a copy that grows no more. The next
// start gives it up.
func TestACopyThatACrashCutShort(t *testing.T) {
	w := newWorld(t)
	top := w.grove("wood")
	name := "copy"
	func() {
		w.faulty.FailBefore = w.faulty.Updates() + 4
		start := w.faulty.count()
		w.faulty.before = func(n int) {
			if n > start+4 { // giving it up is not granted
				w.faulty.FailBefore = w.faulty.Updates() + 1
			}
		}
		if _, err := w.tree.CopyFolder(t.Context(), w.who, top, 0, &name); !errors.Is(err, metatest.ErrInjected) {
			t.Fatalf("got %v", err)
		}
	}()
	if left := w.prove("after the crash"); len(left) != 1 || !strings.Contains(left[0], "copy") {
		t.Errorf("garbage %q", left)
	}
	w.open(&metatest.Faulty{})
	if err := w.sweep.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := w.prove("after the start"); len(left) != 1 || !strings.Contains(left[0], "deleted") {
		t.Errorf("garbage %q", left)
	}
	w.settle("after the start")
}

// A copy at work is not swept.
func TestASweepLeavesCopiesAtWork(t *testing.T) {
	w := newWorld(t)
	top := w.grove("wood")
	start := w.faulty.count()
	w.faulty.before = func(n int) {
		if n > start+1 {
			if _, err := w.sweep.Sweep(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	name := "copy"
	c := must[*content.Folder](t)(w.tree.CopyFolder(t.Context(), w.who, top, 0, &name))
	if w.look(c.ID) != w.look(top) {
		t.Errorf("the copy is\n%s", w.look(c.ID))
	}
	w.settle("after it")
}

func TestLimitsOfCopies(t *testing.T) {
	w := newWorld(t)
	top := w.grove("wood")
	w.tree.Copying = tree.CopyLimits{AtOnce: 1, PerUser: 2, Wait: 10 * time.Millisecond, Time: time.Hour}
	hold, held := make(chan struct{}), make(chan struct{})
	w.faulty.before = func(int) { w.faulty.before = nil; close(held); <-hold }
	name := "copy"
	first := make(chan error)
	go func() {
		_, err := w.tree.CopyFolder(t.Context(), w.who, top, 0, &name)
		first <- err
	}()
	<-held
	other := "other"
	_, err := w.tree.CopyFolder(t.Context(), w.who, top, 0, &other)
	refused(t, err, content.Unavailable)
	w.tree.Copying.PerUser = 1
	_, err = w.tree.CopyFolder(t.Context(), w.who, top, 0, &other)
	refused(t, err, content.RateLimited)
	close(hold)
	if err := <-first; err != nil {
		t.Error(err)
	}
	w.tree.Copying.Time = time.Nanosecond
	_, err = w.tree.CopyFolder(t.Context(), w.who, top, 0, &other)
	refused(t, err, content.Unavailable)
	w.settle("after it")
}

// Every transaction of copies and deletes fails once: not begun, lost after it was
// made, broken off at each of its calls. Each is done, or there is nothing to see.
func TestEveryTransactionOfCopiesAndDeletesFailsOnce(t *testing.T) {
	w := newWorld(t)
	top := w.grove("wood")
	want := w.look(top)
	run := 0
	for format, fault := range map[string]func(n int) *metatest.Faulty{
		"update %d fails":                 func(n int) *metatest.Faulty { return &metatest.Faulty{FailBefore: n} },
		"the answer to update %d is lost": func(n int) *metatest.Faulty { return &metatest.Faulty{FailAfter: n} },
		"call %d fails":                   func(n int) *metatest.Faulty { return &metatest.Faulty{FailCall: n} },
	} {
		for n := 1; ; n++ {
			when := fmt.Sprintf(format, n)
			w.open(fault(n))
			run++
			name := fmt.Sprint("copy", run)
			c, err := w.tree.CopyFolder(t.Context(), w.who, top, 0, &name)
			if err != nil && !errors.Is(err, metatest.ErrInjected) {
				t.Fatalf("%s: %v", when, err)
			}
			ids, found := w.path(w.who.Root, name)
			if (found != nil) != (err != nil) && w.faulty.FailAfter == 0 {
				t.Fatalf("%s: the copy says %v, and looking for it %v", when, err, found)
			}
			if found == nil {
				id := ids[0]
				if c != nil && c.ID != id {
					t.Fatalf("%s: the copy is %v, and %v is there", when, c.ID, id)
				}
				if got := w.look(id); got != want {
					t.Fatalf("%s: the copy is\n%s", when, got)
				}
				w.change(id, func(row *meta.Item) { row.TrashedAt = w.now })
				err := w.tree.Purge(t.Context(), w.who, tree.Folder, id)
				if err != nil && !errors.Is(err, metatest.ErrInjected) {
					t.Fatalf("%s: %v", when, err)
				}
				var row meta.Item
				gone := w.rows.View(t.Context(), func(tx meta.Tx) (err error) { row, err = tx.Item(id); return err })
				if !content.Is(gone, content.NotFound) && row.Limbo != meta.Going {
					if err == nil {
						t.Fatalf("%s: deleted for good, and looking for it: %v", when, gone)
					}
					if err := w.tree.Purge(t.Context(), w.who, tree.Folder, id); err != nil {
						t.Fatalf("%s, again: %v", when, err)
					}
				}
			}
			calls, updates := w.faulty.Calls(), w.faulty.Updates()
			w.settle(when)
			if got := w.look(top); got != want {
				t.Fatalf("%s: the source is\n%s", when, got)
			}
			if w.faulty.FailCall == 0 && updates < n || w.faulty.FailCall > 0 && calls < n {
				t.Logf(format+" is the last but one", n-1)
				break
			}
		}
	}
}

// The sweep's own transactions fail, one after the other.
func TestEveryTransactionOfAPurgeFailsOnce(t *testing.T) {
	w := newWorld(t)
	for n := 1; ; n++ {
		top := w.grove(fmt.Sprint("wood", n))
		f := w.file(top, "versions", "one")
		for i := range 6 {
			must[*content.File](t)(w.up.Simple(t.Context(), w.who, tree.Target{File: f.ID, Size: -1}, content.Preconditions{}, content.Attributes{}, nil, strings.NewReader(fmt.Sprint(i))))
		}
		w.change(top, func(row *meta.Item) { row.TrashedAt = w.now })
		w.now = w.now.Add(content.TrashLife)
		faulty := &metatest.Faulty{Store: w.rows, FailCall: n}
		s := &sweep.Service{Meta: faulty, Blobs: w.blobs, Now: w.clock, Log: slog.New(slog.DiscardHandler), Bites: meta.Bites{Rows: 4, Time: time.Hour}}
		_, err := s.Sweep(t.Context())
		if faulty.Calls() >= n && !errors.Is(err, metatest.ErrInjected) {
			t.Errorf("call %d fails, and the sweep says %v", n, err)
		}
		w.settle(fmt.Sprintf("call %d fails", n))
		if names := w.names(0); len(names) > 0 || w.used() != 0 {
			t.Fatalf("call %d: the root has %q, and %d bytes are used", n, names, w.used())
		}
		if faulty.Calls() < n {
			return
		}
		n += 4 // each transaction has more calls than that
	}
}

// A version is read as long as it is there, and its parts go bit by bit.
func TestPastVersionsGoAfter30Days(t *testing.T) {
	w := newWorld(t)
	f := w.file(0, "f", "one")
	second := must[*content.File](t)(w.up.Simple(t.Context(), w.who, tree.Target{File: f.ID, Size: -1}, content.Preconditions{}, content.Attributes{}, nil, strings.NewReader("two")))
	w.update(func(tx meta.Tx) error {
		v, err := tx.Version(f.Version.ID)
		if err != nil {
			return err
		}
		v.TrashedAt, v.TrashedBy = w.now, w.who.User
		return tx.UpdateVersion(v)
	})
	w.now = w.now.Add(content.TrashLife - time.Second)
	w.settle("before")
	if past := must[tree.Versions](t)(w.tree.PastVersions(t.Context(), w.who, f.ID, 0, 9)); past.Total != 1 {
		t.Errorf("%d past versions", past.Total)
	}
	w.now = w.now.Add(time.Second)
	if swept := must[sweep.Swept](t)(w.sweep.Sweep(t.Context())); swept.Versions != 1 {
		t.Errorf("swept %+v", swept)
	}
	w.settle("after")
	if past := must[tree.Versions](t)(w.tree.PastVersions(t.Context(), w.who, f.ID, 0, 9)); past.Total != 0 {
		t.Errorf("%d past versions", past.Total)
	}
	if w.used() != second.Version.Size || w.countBlobs() != 1 {
		t.Errorf("%d bytes are used, in %d blobs", w.used(), w.countBlobs())
	}
}

// What was in the trash by itself stays there while the tree that it is in is
// being deleted, and when that is gone.
func TestTheTrashWhileATreeIsOnItsWayOut(t *testing.T) {
	w := newWorld(t)
	top := w.grove("wood")
	inner := must[[]content.ID](t)(w.path(top, "sub3", "file2"))
	for i := range 3 {
		w.change(w.file(0, fmt.Sprint("f", i), "x").ID, func(row *meta.Item) { row.TrashedAt = w.now })
	}
	for _, id := range []content.ID{inner[1], top} {
		w.change(id, func(row *meta.Item) { row.TrashedAt = w.now })
	}
	list := func(page tree.Page) (names []string, l tree.Listing) {
		t.Helper()
		l = must[tree.Listing](t)(w.tree.ListTrash(t.Context(), w.who, page))
		for _, i := range l.Items {
			names = append(names, content.NodeOf(i).Name)
		}
		return names, l
	}
	if names, l := list(tree.Page{Limit: 9}); !slices.Equal(names, []string{"wood", "f0", "f1", "f2", "file2"}) || l.Total != 5 {
		t.Errorf("%d: %q", l.Total, names)
	}
	if err := w.tree.Purge(t.Context(), w.who, tree.Folder, top); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"while it goes", "when it is gone"} {
		if _, err := w.tree.Trashed(t.Context(), w.who, tree.File, inner[1]); err != nil {
			t.Errorf("%s, the file in it: %v", when, err)
		}
		if names, l := list(tree.Page{Limit: 3}); !slices.Equal(names, []string{"f0", "f1", "f2"}) || l.Total != 4 || l.Next == nil {
			t.Errorf("%s, %d: %q, and next %v", when, l.Total, names, l.Next)
		}
		if names, _ := list(tree.Page{Limit: 9, Offset: 1}); !slices.Equal(names, []string{"f1", "f2", "file2"}) {
			t.Errorf("%s, from 1: %q", when, names)
		}
		var got []string
		for page := (tree.Page{Limit: 1}); ; {
			names, l := list(page)
			if got = append(got, names...); l.Next == nil {
				break
			}
			page.After = l.Next
		}
		if !slices.Equal(got, []string{"f0", "f1", "f2", "file2"}) {
			t.Errorf("%s, by marker: %q", when, got)
		}
		if _, err := w.tree.Restore(t.Context(), w.who, tree.File, inner[1], nil, nil); !content.Is(err, content.AccessDenied) {
			t.Errorf("%s, restored to where it was: %v", when, err)
		}
		w.settle(when)
	}
	w.tree.Restore(t.Context(), w.who, tree.File, inner[1], nil, &w.who.Root)
	w.settle("after it")
}

// Restore, Trashed and Purge take a web link as they take the others.
func TestAWebLinkInTheTrash(t *testing.T) {
	w := newWorld(t)
	id := w.link(w.who.Root, "link")
	if err := w.tree.TrashItem(t.Context(), w.who, tree.WebLink, id, content.Preconditions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.tree.Trashed(t.Context(), w.who, tree.WebLink, id); err != nil {
		t.Error(err)
	}
	if item := must[content.Item](t)(w.tree.Item(t.Context(), w.who, tree.WebLink, id)); content.NodeOf(item).Status != content.InTrash {
		t.Errorf("got %+v", item)
	}
	name := "back"
	if item := must[content.Item](t)(w.tree.Restore(t.Context(), w.who, tree.WebLink, id, &name, nil)); content.NodeOf(item).Name != "back" {
		t.Errorf("got %+v", item)
	}
	if err := w.tree.TrashItem(t.Context(), w.who, tree.WebLink, id, content.Preconditions{}); err != nil {
		t.Fatal(err)
	}
	if err := w.tree.Purge(t.Context(), w.who, tree.WebLink, id); err != nil {
		t.Fatal(err)
	}
	_, err := w.tree.Trashed(t.Context(), w.who, tree.WebLink, id)
	refused(t, err, content.NotFound)
	if left := w.prove("after it"); len(left) > 0 {
		t.Errorf("garbage %q", left)
	}
}
