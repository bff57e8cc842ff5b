package main

import (
	"context"
	"fmt"

	"boxcar/boxapi"
)

type rmCmd struct {
	Paths       []string `arg:"" name:"path" help:"What to remove."`
	Recursive   bool     `short:"r" help:"Folders with all that is in them."`
	Forever     bool     `help:"Not into the trash: it can't be had back."`
	serverFlags `embed:"" group:"server"`
}

// Help is what boxcar rm --help adds.
func (rmCmd) Help() string {
	return remoteHelp + ` What is in the trash can be had back for 30 days, and counts as used until then.`
}

func (r rmCmd) Run(ctx context.Context, io streams) error {
	ctx, c, err := r.connect(ctx, io, 0)
	if err != nil {
		return err
	}
	return each(io, r.Paths, func(name string) error {
		item, err := find(ctx, c, name)
		if err != nil {
			return err
		}
		if err := r.remove(ctx, c, item); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return r.tellItem(io, item, pathOf(item))
	})
}

func (r rmCmd) remove(ctx context.Context, c server, item boxapi.Item) error {
	switch i := item.(type) {
	case *boxapi.File:
		if err := c.DeleteFile(ctx, string(i.ID), ""); err != nil || !r.Forever {
			return err
		}
		return c.PurgeFile(ctx, string(i.ID))
	case *boxapi.Folder:
		if i.ID == boxapi.RootID {
			return misuse{fmt.Errorf("the root folder can't be removed")}
		}
		if err := c.DeleteFolder(ctx, string(i.ID), r.Recursive, ""); err != nil || !r.Forever {
			return err
		}
		return c.PurgeFolder(ctx, string(i.ID))
	}
	return fmt.Errorf("it is a %s: only files and folders are removed", item.ItemType())
}
