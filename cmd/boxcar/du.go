package main

import (
	"context"
	"fmt"
	"path"

	"github.com/dustin/go-humanize"

	"boxcar/boxapi"
	"boxcar/client"
)

type duCmd struct {
	Path        string `arg:"" optional:"" default:"/" help:"A file or folder."`
	Depth       int    `short:"d" default:"1" help:"How many levels of folders are shown (${default}); 0 is the sum only."`
	Bytes       bool   `short:"b" help:"Bytes, to the last one."`
	serverFlags `embed:"" group:"server"`
}

// Help is what boxcar du --help adds.
func (duCmd) Help() string {
	return remoteHelp + ` Sizes are those of current versions. The server knows the sum of each folder: nothing is added up here.`
}

func (d duCmd) Run(ctx context.Context, io streams) error {
	ctx, c, err := d.connect(ctx, io, 0)
	if err != nil {
		return err
	}
	item, err := find(ctx, c, d.Path)
	if err != nil {
		return err
	}
	return d.show(ctx, c, io, item, pathOf(item), d.Depth)
}

// show goes down first, as du does: the sum stands last.
func (d duCmd) show(ctx context.Context, c server, io streams, item boxapi.Item, at string, depth int) error {
	if folder, ok := item.(*boxapi.Folder); ok && depth > 0 {
		for below, err := range c.Items(ctx, string(folder.ID), "type", "id", "name", "size") {
			if err != nil {
				return fmt.Errorf("%s: %w", at, err)
			}
			if _, ok := below.(*boxapi.Folder); !ok {
				continue
			}
			if err := d.show(ctx, c, io, below, path.Join(at, client.NameOf(below)), depth-1); err != nil {
				return err
			}
		}
	}
	size := max(sizeOf(item), 0)
	var err error
	switch {
	case d.JSON:
		err = writeJSON(io.Out, recordOf(item, at))
	case d.Bytes:
		_, err = fmt.Fprintf(io.Out, "%d\t%s\n", size, printable(at))
	default:
		_, err = fmt.Fprintf(io.Out, "%s\t%s\n", humanize.IBytes(uint64(size)), printable(at))
	}
	return err
}
