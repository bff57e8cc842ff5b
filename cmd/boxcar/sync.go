package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"boxcar/boxapi"
	"boxcar/client"
)

type syncCmd struct {
	Source string `arg:"" help:"A folder here."`
	Path   string `arg:"" help:"The folder on the server that is to be like it, made if it is not there."`

	Delete      bool `help:"Put into the trash what the server has and the folder has not."`
	DryRun      bool `short:"n" help:"Say what would be done, and do nothing."`
	sendFlags   `embed:"" group:"how"`
	patterns    `embed:"" group:"how"`
	linkFlag    `embed:"" group:"how"`
	batchFlags  `embed:"" group:"how"`
	serverFlags `embed:"" group:"server"`
}

// Help is what boxcar sync --help adds.
func (syncCmd) Help() string {
	return `One way: the local folder is never changed. Files are compared by size and SHA-1. What differs becomes a new version, so that nothing is lost. What a pattern leaves out is neither sent nor deleted; with patterns, folders that only the server has stay. --delete waits until everything else has gone well.

	boxcar sync photos /photos --delete --dry-run`
}

// Validate refuses flags that make no sense.
func (s syncCmd) Validate() error {
	if info, err := os.Stat(s.Source); err == nil && !info.IsDir() {
		return fmt.Errorf("%s is no folder; boxcar up sends files", s.Source)
	}
	return errors.Join(s.patterns.Validate(), s.batchFlags.Validate())
}

// Run is boxcar sync.
func (s syncCmd) Run(ctx context.Context, io streams) error {
	ctx, c, err := s.connect(ctx, io, float64(s.Bwlimit))
	if err != nil {
		return err
	}
	sender, err := s.sender(c)
	if err != nil {
		return err
	}
	sender.dry = s.DryRun
	var extras []extra
	return s.run(ctx, io, s.JSON, func(ctx context.Context, b *batch) error {
		t := &upTree{sender: sender, batch: b, patterns: s.patterns, linkFlag: s.linkFlag}
		if s.Delete {
			t.extra = func(dir *remoteDir, item boxapi.Item) {
				// In a folder of patterns some things are not its business.
				to := joinPath(dir.path, client.NameOf(item))
				rel := relativeTo(s.root(dir), to)
				if _, isFolder := item.(*boxapi.Folder); isFolder && (!s.folder(rel) || len(s.Include)+len(s.Exclude) > 0) {
					return
				}
				if s.file(rel) {
					extras = append(extras, extra{item, to})
				}
			}
		}
		root, err := s.target(ctx, t)
		if err != nil {
			return err
		}
		if !b.board.mute {
			go func() {
				measureTree(ctx, b.board, s.patterns, s.linkFlag, s.Source)
				b.board.expectNoMore()
			}()
		}
		if err := t.walk(ctx, s.Source, "", root); err != nil || !s.Delete {
			return err
		}
		return b.prune(ctx, sender, extras)
	})
}

// root is the folder that is made like the local one.
func (s syncCmd) root(d *remoteDir) *remoteDir {
	for d.above != nil {
		d = d.above
	}
	return d
}

// relativeTo is a path of the server below a folder.
func relativeTo(root *remoteDir, to string) string {
	if root.path == "/" {
		return to[1:]
	}
	return to[len(root.path)+1:]
}

// target finds out what the folder on the server has, and makes it if it is not
// there. Without a walk nothing is made.
func (s syncCmd) target(ctx context.Context, t *upTree) (*remoteDir, error) {
	if _, err := os.ReadDir(s.Source); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Source, plainPath(err)) // and nothing is deleted
	}
	item, err := find(ctx, t.c, s.Path)
	_, isID := remoteID(s.Path)
	if folder, ok := item.(*boxapi.Folder); ok {
		root := &remoteDir{path: pathOf(folder), id: string(folder.ID)}
		return root, t.look(ctx, root)
	}
	switch {
	case err == nil:
		return nil, fmt.Errorf("%s: it is a %s, and not a folder", s.Path, item.ItemType())
	case isID || !isMissing(err):
		return nil, err
	}
	root := &remoteDir{path: path.Join("/", s.Path), have: map[string]boxapi.Item{}}
	if t.dry {
		return root, nil
	}
	folder, err := t.c.EnsureFolder(ctx, root.path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Path, err)
	}
	root.id = string(folder.ID)
	return root, nil
}

// extra is what the server has and the local folder has not.
type extra struct {
	item boxapi.Item
	path string
}

// prune puts into the trash what is too much, once everything else is done, if that
// went well.
func (b *batch) prune(ctx context.Context, s *sender, extras []extra) error {
	if len(extras) == 0 {
		return nil
	}
	if err := b.settle(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	bad := b.counts[failed] + b.counts[interrupted]
	b.mu.Unlock()
	if bad > 0 {
		b.board.say("nothing is deleted, since not everything else went well: %d would be", len(extras))
		return nil
	}
	slices.SortFunc(extras, func(a, b extra) int { return strings.Compare(a.path, b.path) })
	for _, e := range extras {
		o := outcome{Outcome: trashed, Remote: e.path, ID: client.IDOf(e.item), Size: max(sizeOf(e.item), 0)}
		if s.dry {
			o.Outcome = wouldTrash
			b.record(ctx, o)
			continue
		}
		var err error
		switch i := e.item.(type) {
		case *boxapi.File:
			err = s.c.DeleteFile(ctx, string(i.ID), "")
		case *boxapi.Folder:
			err = s.c.DeleteFolder(ctx, string(i.ID), true, "")
		default:
			o.Outcome, o.Error = skipped, "it is a "+e.item.ItemType()
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			o = o.fail(err)
		}
		b.record(ctx, o)
	}
	return nil
}
