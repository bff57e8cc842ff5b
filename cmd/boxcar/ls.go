package main

import (
	"context"
	"fmt"
	"path"
	"time"

	"github.com/dustin/go-humanize"

	"boxcar/boxapi"
	"boxcar/client"
)

type lsCmd struct {
	Path        string `arg:"" optional:"" default:"/" help:"A folder, or a file (${default})."`
	Long        bool   `short:"l" help:"Kind, size, time and id as well."`
	Tree        bool   `short:"t" help:"With all that is below."`
	serverFlags `embed:"" group:"server"`
}

// Help is what boxcar ls --help adds.
func (lsCmd) Help() string { return remoteHelp }

func (l lsCmd) Run(ctx context.Context, io streams) error {
	ctx, c, err := l.connect(ctx, io, 0)
	if err != nil {
		return err
	}
	item, err := find(ctx, c, l.Path)
	if err != nil {
		return err
	}
	folder, ok := item.(*boxapi.Folder)
	if !ok {
		return l.line(io, item, pathOf(item), client.NameOf(item))
	}
	if l.Tree && !l.JSON {
		if err := l.line(io, item, pathOf(item), pathOf(item)); err != nil {
			return err
		}
	}
	return l.list(ctx, c, io, string(folder.ID), pathOf(item), "")
}

// list shows a folder. indent is what the lines of its items begin with.
func (l lsCmd) list(ctx context.Context, c server, io streams, id, at, indent string) error {
	// One item behind, to know which is the last.
	show := func(item boxapi.Item, last bool) error {
		lead, below := indent+"├── ", indent+"│   "
		if last {
			lead, below = indent+"└── ", indent+"    "
		}
		if !l.Tree {
			lead = ""
		}
		to := path.Join(at, client.NameOf(item))
		name := client.NameOf(item)
		folder, isFolder := item.(*boxapi.Folder)
		if isFolder {
			name += "/"
		}
		if err := l.line(io, item, to, lead+name); err != nil || !isFolder || !l.Tree {
			return err
		}
		return l.list(ctx, c, io, string(folder.ID), to, below)
	}
	var before boxapi.Item
	for item, err := range c.Items(ctx, id, itemFields...) {
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		if before != nil {
			if err := show(before, false); err != nil {
				return err
			}
		}
		before = item
	}
	if before == nil {
		return nil
	}
	return show(before, true)
}

func (l lsCmd) line(io streams, item boxapi.Item, to, shown string) error {
	var err error
	switch {
	case l.JSON:
		return writeJSON(io.Out, recordOf(item, to))
	case l.Long:
		size := "-"
		if n := sizeOf(item); n >= 0 {
			size = humanize.IBytes(uint64(n))
		}
		when := "-"
		if t := changedAt(item); !t.IsZero() {
			when = t.Local().Format(time.DateTime)
		}
		_, err = fmt.Fprintf(io.Out, "%-8s %9s  %-19s  %18s  %s\n", item.ItemType(), size, when, recordOf(item, to).ID, printable(shown))
	default:
		_, err = fmt.Fprintln(io.Out, printable(shown))
	}
	return err
}
