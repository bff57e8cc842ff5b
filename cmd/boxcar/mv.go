package main

import (
	"context"
	"fmt"
	"path"

	"boxcar/boxapi"
	"boxcar/client"
)

type mvCmd struct {
	moveArgs    `embed:""`
	serverFlags `embed:"" group:"server"`
}

// moveArgs are what mv and cp have both.
type moveArgs struct {
	Paths []string `arg:"" name:"path" help:"What, and last where to: a folder that is there, or a new name."`
}

// Help is what boxcar mv --help adds.
func (mvCmd) Help() string { return remoteHelp }

func (m mvCmd) Run(ctx context.Context, io streams) error {
	return m.relocate(ctx, io, m.serverFlags, func(ctx context.Context, c server, item boxapi.Item, folderID, name string) (boxapi.Item, error) {
		if f, ok := item.(*boxapi.File); ok {
			return answered(c.MoveFile(ctx, string(f.ID), folderID, name))
		}
		return answered(c.MoveFolder(ctx, string(item.(*boxapi.Folder).ID), folderID, name))
	})
}

// answered keeps a nil pointer from becoming an item.
func answered[T boxapi.Item](item T, err error) (boxapi.Item, error) {
	if err != nil {
		return nil, err
	}
	return item, nil
}

// relocate gives each of the items but the last name to do, with where it goes.
func (m moveArgs) relocate(ctx context.Context, io streams, f serverFlags, do func(ctx context.Context, c server, item boxapi.Item, folderID, name string) (boxapi.Item, error)) error {
	last := len(m.Paths) - 1
	if last < 1 {
		return misuse{fmt.Errorf("%s: and where to?", m.Paths[0])}
	}
	ctx, c, err := f.connect(ctx, io, 0)
	if err != nil {
		return err
	}
	folderID, name, err := destination(ctx, c, m.Paths[last], last > 1)
	if err != nil {
		return err
	}
	into, err := c.GetFolder(ctx, folderID, itemFields...)
	if err != nil {
		return err
	}
	return each(io, m.Paths[:last], func(from string) error {
		item, err := find(ctx, c, from)
		if err != nil {
			return err
		}
		switch item.(type) {
		case *boxapi.File, *boxapi.Folder:
		default:
			return fmt.Errorf("%s: it is a %s: only files and folders are moved and copied", from, item.ItemType())
		}
		got, err := do(ctx, c, item, folderID, name)
		if err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		return f.tellItem(io, got, path.Join(pathOf(into), client.NameOf(got)))
	})
}
