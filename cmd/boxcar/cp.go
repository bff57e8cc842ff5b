package main

import (
	"context"

	"boxcar/boxapi"
)

type cpCmd struct {
	moveArgs    `embed:""`
	serverFlags `embed:"" group:"server"`
}

// Help is what boxcar cp --help adds.
func (cpCmd) Help() string {
	return remoteHelp + ` No bytes move: a boxcar copies trees of any size so, and a copy is there whole or not at all.`
}

func (m cpCmd) Run(ctx context.Context, io streams) error {
	return m.relocate(ctx, io, m.serverFlags, func(ctx context.Context, c server, item boxapi.Item, folderID, name string) (boxapi.Item, error) {
		if f, ok := item.(*boxapi.File); ok {
			return answered(c.CopyFile(ctx, string(f.ID), folderID, name))
		}
		return answered(c.CopyFolder(ctx, string(item.(*boxapi.Folder).ID), folderID, name))
	})
}
