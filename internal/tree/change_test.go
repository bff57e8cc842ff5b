package tree_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/meta/metatest"
	"boxcar/internal/tree"
)

// all is everything that a change may touch, as text.
func (w *world) all() (text string) {
	w.t.Helper()
	err := w.rows.View(w.t.Context(), func(tx meta.Tx) error {
		items, err := tx.AllItems(0, 1000)
		if err != nil {
			return err
		}
		versions, err := tx.AllVersions(0, 1000)
		if err != nil {
			return err
		}
		kept, err := tx.Favourites(w.who.User, 0, 1000)
		if err != nil {
			return err
		}
		user, err := tx.User(w.who.User)
		if err != nil {
			return err
		}
		last, err := tx.LastEvent()
		if err != nil {
			return err
		}
		links, err := tx.AllSharedLinks(0, 1000)
		if err != nil {
			return err
		}
		b, err := json.MarshalIndent([]any{items, versions, len(kept), user.Used, last, links}, "", " ")
		text = string(b)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// changes are what can be done to a file with a past version, a folder and a
// web link that are in a folder, which stands in the root beside another.
var changes = []struct {
	name string
	do   func(ctx context.Context, w *world, a *arranged) error
}{
	{"rename, move, lock and keep", func(ctx context.Context, w *world, a *arranged) error {
		name, tags, yes := "new", []string{"t"}, true
		_, err := w.tree.Update(ctx, w.who, tree.File, a.file.ID, tree.Change{Name: &name, Parent: &a.to, Tags: &tags, Favourite: &yes,
			Lock: &tree.LockChange{NoDownload: true}}, content.Preconditions{})
		return err
	}},
	{"options", func(ctx context.Context, w *world, a *arranged) error {
		no, open := false, "open"
		_, err := w.tree.Update(ctx, w.who, tree.Folder, a.in, tree.Change{Options: tree.FolderChange{UploadEmail: &open, NonOwnersMayInvite: &no}}, content.Preconditions{})
		return err
	}},
	{"url", func(ctx context.Context, w *world, a *arranged) error {
		url := "https://example.com/"
		_, err := w.tree.Update(ctx, w.who, tree.WebLink, a.link, tree.Change{URL: &url}, content.Preconditions{})
		return err
	}},
	{"share", func(ctx context.Context, w *world, a *arranged) error {
		vanity, password := "The-Vanity-Name", "pass-word"
		return w.share(ctx, a.file.ID, &tree.LinkSettings{Vanity: &vanity, Password: &password})
	}},
	{"share otherwise", func(ctx context.Context, w *world, a *arranged) error {
		vanity, no := "Another-Vanity-Name", false
		return w.share(ctx, a.file.ID, &tree.LinkSettings{Vanity: &vanity, Download: &no})
	}},
	{"take back", func(ctx context.Context, w *world, a *arranged) error { return w.share(ctx, a.file.ID, nil) }},
	{"create a web link", func(ctx context.Context, w *world, a *arranged) error {
		_, err := w.tree.CreateWebLink(ctx, w.who, a.to, "https://example.net/new", nil, "")
		return err
	}},
	{"delete a version", func(ctx context.Context, w *world, a *arranged) error {
		return w.tree.DeleteVersion(ctx, w.who, a.file.ID, a.past, content.Preconditions{})
	}},
	{"restore a version", func(ctx context.Context, w *world, a *arranged) error {
		_, _, err := w.tree.RestoreVersion(ctx, w.who, a.file.ID, a.past)
		return err
	}},
	{"promote", func(ctx context.Context, w *world, a *arranged) error {
		_, err := w.tree.Promote(ctx, w.who, a.file.ID, a.past)
		return err
	}},
	{"trash a web link", func(ctx context.Context, w *world, a *arranged) error {
		return w.tree.TrashItem(ctx, w.who, tree.WebLink, a.link, content.Preconditions{})
	}},
	{"restore a web link", func(ctx context.Context, w *world, a *arranged) error {
		_, err := w.tree.Restore(ctx, w.who, tree.WebLink, a.link, nil, nil)
		return err
	}},
}

func (w *world) share(ctx context.Context, file content.ID, set *tree.LinkSettings) error {
	change, err := w.tree.LinkChange(ctx, set)
	if err != nil {
		return err
	}
	_, err = w.tree.Update(ctx, w.who, tree.File, file, tree.Change{Link: change}, content.Preconditions{})
	return err
}

type arranged struct {
	in, to, link, past content.ID
	file               *content.File
}

func (w *world) arrange() *arranged {
	w.t.Helper()
	a := &arranged{in: w.folder(0, "in"), to: w.folder(0, "to")}
	first := w.file(a.in, "file", "one")
	a.past = first.Version.ID
	a.file = must[*content.File](w.t)(w.up.Simple(w.t.Context(), w.who, tree.Target{File: first.ID, Size: -1}, content.Preconditions{}, content.Attributes{}, nil, strings.NewReader("second")))
	a.link = w.link(a.in, "link")
	return a
}

// Whatever call fails, the change says so, and nothing of it is there.
func TestChangesFailWhole(t *testing.T) {
	w := newWorld(t)
	a := w.arrange()
	for _, c := range changes {
		before := w.all()
		for n := 1; ; n++ {
			faulty := &metatest.Faulty{Store: w.rows, FailCall: n}
			w.tree.Meta = faulty
			err := c.do(t.Context(), w, a)
			if faulty.Calls() < n {
				if err != nil {
					t.Fatalf("%s: %v", c.name, err)
				}
				break
			}
			if !errors.Is(err, metatest.ErrInjected) {
				t.Errorf("%s: call %d failed, and the change said %v", c.name, n, err)
			}
			if after := w.all(); after != before {
				t.Fatalf("%s: call %d failed, and now there is\n%s\nwhere there was\n%s", c.name, n, after, before)
			}
		}
		if w.all() == before {
			t.Errorf("%s changes nothing", c.name)
		}
	}
}

// again runs each transaction once for nothing.
type again struct{ meta.Store }

var errAgain = errors.New("once more")

func (s again) Update(ctx context.Context, fn func(meta.Tx) error) error {
	err := s.Store.Update(ctx, func(tx meta.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return errAgain
	})
	if !errors.Is(err, errAgain) {
		return err
	}
	return s.Store.Update(ctx, fn)
}

// A transaction may run more than once, and does the same each time.
func TestChangesRunAgain(t *testing.T) {
	w := newWorld(t)
	a := w.arrange()
	w.tree.Meta = again{w.rows}
	for _, c := range changes {
		last := func() (n int64) {
			w.update(func(tx meta.Tx) (err error) { n, err = tx.LastEvent(); return err })
			return n
		}
		before, events := w.all(), last()
		if err := c.do(t.Context(), w, a); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if w.all() == before || last() == events {
			t.Errorf("%s: nothing has changed", c.name)
		}
	}
}

// Changes that are made at once lose nothing of each other.
func TestChangesAtOnce(t *testing.T) {
	w := newWorld(t)
	a := w.arrange()
	w.tree.Meta = w.rows
	const each = 20
	done := make(chan error)
	for who := range 4 {
		go func() {
			var err error
			for n := range each {
				d := fmt.Sprint(who, n)
				_, one := w.tree.Update(t.Context(), w.who, tree.File, a.file.ID, tree.Change{Description: &d}, content.Preconditions{})
				err = errors.Join(err, one)
			}
			done <- err
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	item := must[content.Item](t)(w.tree.Item(t.Context(), w.who, tree.File, a.file.ID))
	if got, want := content.NodeOf(item).Sequence, int64(1+4*each); got != want {
		t.Errorf("sequence is %d, want %d", got, want)
	}
}

// What a link's change says goes into the row, moves the etag and leaves its event.
func TestUpdateLink(t *testing.T) {
	w := newWorld(t)
	a := w.arrange()
	change := func(what content.EventType, err error) (content.Item, error) {
		return w.tree.Update(t.Context(), w.who, tree.File, a.file.ID, tree.Change{Link: func(_ meta.Tx, who content.Principal, now time.Time, item content.Item, row *meta.Item) (content.EventType, error) {
			if who.User != w.who.User || !now.Equal(w.now) || content.NodeOf(item).ID != row.ID {
				t.Errorf("the change was given %v, %v, %v", who, now, row.ID)
			}
			row.Linked = what != ""
			return what, err
		}}, content.Preconditions{})
	}
	n := content.NodeOf(must[content.Item](t)(change(content.ItemSharedCreate, nil)))
	if n.Sequence != 2 || !n.Linked || !n.ModifiedAt.Equal(a.file.ModifiedAt) {
		t.Errorf("the file is %+v", n)
	}
	n = content.NodeOf(must[content.Item](t)(change("", nil)))
	if n.Sequence != 2 {
		t.Errorf("a change of nothing moved the etag to %d", n.Sequence)
	}
	if _, err := change(content.ItemSharedUnshare, errAgain); !errors.Is(err, errAgain) {
		t.Errorf("a change that failed gave %v", err)
	}
	var types []content.EventType
	w.update(func(tx meta.Tx) error {
		all, err := tx.AllEvents(0, meta.EventFilter{Types: []content.EventType{content.ItemSharedCreate, content.ItemSharedUnshare}}, 9)
		for _, e := range all {
			types = append(types, e.Type)
		}
		return err
	})
	if len(types) != 1 || types[0] != content.ItemSharedCreate {
		t.Errorf("events %v", types)
	}
}
