package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"boxcar/boxapi"
	"boxcar/client"
)

// upTree sends the files of a folder, folder by folder.
type upTree struct {
	*sender
	batch *batch
	patterns
	linkFlag
	above []fs.FileInfo // the folders that are being walked, the outermost first

	// extra is told what the server has in a folder that the local one has not,
	// unless a pattern keeps it out of the matter; nil does not want to know.
	extra func(dir *remoteDir, item boxapi.Item)
}

// remoteDir is a folder of the server that may have to be made yet. It is used by
// one goroutine, until tasks that only read it begin.
type remoteDir struct {
	above *remoteDir
	name  string
	path  string
	id    string                 // "" until it is made or found
	have  map[string]boxapi.Item // what is in it, by folded name; nil: nobody has looked
}

func (d *remoteDir) child(name string) *remoteDir {
	return &remoteDir{above: d, name: name, path: path.Join(d.path, name)}
}

// tooMany is how many items of a folder are kept in mind. In a larger one the
// server is asked about each file.
const tooMany = 200_000

// walk adds the files below a local folder. rel is where that is below the one
// that the patterns are about.
func (t *upTree) walk(ctx context.Context, local, rel string, into *remoteDir) error {
	entries, err := os.ReadDir(local)
	info, statErr := os.Stat(local)
	if err = cmp.Or(err, statErr); err != nil {
		t.batch.record(ctx, outcome{Path: local, Remote: into.path}.fail(plainPath(err)))
		return nil
	}
	if len(t.Include) == 0 {
		if ok, err := t.ensure(ctx, local, into); !ok {
			return err
		}
	}
	t.above = append(t.above, info)
	defer func() { t.above = t.above[:len(t.above)-1] }()
	seen := map[string]string{} // by folded name
	for _, e := range entries {
		at, below := filepath.Join(local, e.Name()), path.Join(rel, e.Name())
		folded := fold(e.Name())
		twin := seen[folded]
		seen[folded] = e.Name()
		o := outcome{Path: at, Remote: path.Join(into.path, e.Name())}
		e, err := t.behind(e, at, t.above)
		switch {
		case err != nil && !t.patterns.file(below):
		case err == nil && !utf8.ValidString(below):
			if e.IsDir() && t.patterns.folder(below) || !e.IsDir() && t.patterns.file(below) {
				t.batch.record(ctx, o.fail(hinted{boxapi.ErrNotUnicode, "rename it: the server could not tell it from others"}))
			}
		case errors.Is(err, errLoop):
			o.Outcome, o.Error = skipped, err.Error()
			t.batch.record(ctx, o)
		case err != nil:
			t.batch.record(ctx, o.fail(err))
		case e.IsDir() && !t.patterns.folder(below), !e.IsDir() && !t.patterns.file(below):
		case twin != "":
			t.batch.record(ctx, o.fail(
				hinted{fmt.Errorf("the server can't tell it from %s", twin), "rename one of them: names differ by more than case there"}))
		case e.IsDir():
			if err := t.walk(ctx, at, below, into.child(e.Name())); err != nil {
				return err
			}
		case !e.Type().IsRegular():
			o.Outcome, o.Error = skipped, "it is no regular file but a "+kindOf(e.Type())
			if e.Type()&fs.ModeSymlink != 0 {
				o.Error = "it is a symbolic link; --links follow sends what it leads to"
			}
			t.batch.record(ctx, o)
		default:
			if err := t.one(ctx, e, at, into); err != nil {
				return err
			}
		}
	}
	if t.extra != nil && into.id != "" {
		for folded, item := range into.have {
			if _, ok := seen[folded]; !ok {
				t.extra(into, item)
			}
		}
	}
	return nil
}

// one adds a file.
func (t *upTree) one(ctx context.Context, e fs.DirEntry, at string, into *remoteDir) error {
	info, err := e.Info()
	if err != nil {
		t.batch.record(ctx, outcome{Path: at, Remote: path.Join(into.path, e.Name())}.fail(plainPath(err)))
		return nil
	}
	if ok, err := t.ensure(ctx, at, into); !ok {
		return err
	}
	var there *occupied
	if into.have != nil {
		there = &occupied{into.have[fold(e.Name())]}
	}
	task := t.sender.file(at, e.Name(), into, there)
	task.size = info.Size()
	return t.batch.add(ctx, task)
}

// ensure makes a folder, or finds out what is in it. Without ok nothing can be put
// there; that has been told if the error is nil.
func (t *upTree) ensure(ctx context.Context, local string, d *remoteDir) (ok bool, err error) {
	if d.id != "" || d.have != nil {
		return true, nil
	}
	if ok, err := t.ensure(ctx, local, d.above); !ok {
		return false, err
	}
	fresh, err := t.makeDir(ctx, d)
	if err == nil && !fresh {
		err = t.look(ctx, d)
	}
	switch {
	case err == nil:
		return true, nil
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	}
	t.batch.record(ctx, outcome{Path: local, Remote: d.path}.fail(err))
	return false, nil
}

// makeDir makes d, unless it is there.
func (t *upTree) makeDir(ctx context.Context, d *remoteDir) (fresh bool, err error) {
	if item := d.above.have[fold(d.name)]; item != nil {
		folder, ok := item.(*boxapi.Folder)
		if !ok {
			return false, fmt.Errorf("%s is a %s on the server, and a folder here: %w", d.path, item.ItemType(), client.ErrNameInUse)
		}
		d.id = string(folder.ID)
		return false, nil
	}
	if t.dry {
		d.have = map[string]boxapi.Item{}
		return true, nil
	}
	folder, err := t.c.CreateFolder(ctx, d.above.id, d.name)
	if errors.Is(err, client.ErrNameInUse) {
		folder, err = t.c.EnsureFolderIn(ctx, d.above.id, d.name)
		if err == nil {
			d.id = string(folder.ID)
		}
		return false, err
	}
	if err != nil {
		return false, err
	}
	d.id, d.have = string(folder.ID), map[string]boxapi.Item{}
	return true, nil
}

// look finds out what is in d.
func (t *upTree) look(ctx context.Context, d *remoteDir) error {
	have := map[string]boxapi.Item{}
	for item, err := range t.c.Items(ctx, d.id, "type", "id", "name", "size", "sha1", "file_version") {
		if err != nil {
			return err
		}
		if len(have) >= tooMany && t.extra == nil {
			return nil
		}
		have[fold(client.NameOf(item))] = item
	}
	d.have = have
	return nil
}

// fold is a name as the server compares names.
func fold(name string) string { return cases.Fold().String(norm.NFC.String(name)) }

func kindOf(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "pipe"
	case m&fs.ModeSocket != 0:
		return "socket"
	default:
		return "device"
	}
}
