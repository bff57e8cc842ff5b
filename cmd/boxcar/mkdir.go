package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"boxcar/boxapi"
	"boxcar/client"
)

type mkdirCmd struct {
	Paths       []string `arg:"" name:"path" help:"What to make, as /a/b."`
	Parents     bool     `short:"p" help:"Also what is missing above it; a folder that is there already is no error."`
	serverFlags `embed:"" group:"server"`
}

func (m mkdirCmd) Run(ctx context.Context, io streams) error {
	ctx, c, err := m.connect(ctx, io, 0)
	if err != nil {
		return err
	}
	return each(io, m.Paths, func(name string) error {
		folder, err := m.make(ctx, c, name)
		if err != nil {
			return err
		}
		return m.tellItem(io, folder, path.Join("/", name))
	})
}

func (m mkdirCmd) make(ctx context.Context, c server, name string) (*boxapi.Folder, error) {
	if _, isID := remoteID(name); isID {
		return nil, misuse{fmt.Errorf("%s is an id: the folder to make needs a path, as /%s", name, strings.TrimPrefix(name, "id:"))}
	}
	if m.Parents {
		folder, err := c.EnsureFolder(ctx, cleanPath(name))
		if err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
		return folder, err
	}
	clean := path.Join("/", name)
	if clean == "/" {
		return nil, misuse{errors.New("the root folder is always there")}
	}
	above, err := findFolder(ctx, c, path.Dir(clean))
	if err != nil {
		return nil, err
	}
	folder, err := c.CreateFolder(ctx, string(above.ID), path.Base(clean))
	switch {
	case errors.Is(err, client.ErrNameInUse):
		return nil, hinted{fmt.Errorf("%s: there is something of that name already", name), "-p takes a folder that is there"}
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return folder, nil
}
