package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"boxcar/boxapi"
	"boxcar/client"
)

// completeCmd is what a shell asks when somebody has typed the beginning of a path
// on the server.
type completeCmd struct {
	Begin       string `arg:"" optional:"" help:"The beginning of a path on the server."`
	serverFlags `embed:"" group:"server"`
}

// completing is how long somebody waits who has pressed a key.
const completing = 3 * time.Second

// mostCompleted is how many names of a folder are looked at.
const mostCompleted = 5000

// Run is boxcar complete: paths that begin so, folders with a slash behind them.
// Whatever goes wrong, there is nothing to complete.
func (c completeCmd) Run(ctx context.Context, io streams) error {
	ctx, cancel := context.WithTimeout(ctx, completing)
	defer cancel()
	ctx, server, err := c.connect(ctx, io, 0)
	if err != nil {
		return errReported
	}
	dir, name := "", c.Begin
	if i := strings.LastIndexByte(c.Begin, '/'); i >= 0 {
		dir, name = c.Begin[:i+1], c.Begin[i+1:]
	}
	folder, err := findFolder(ctx, server, "/"+strings.Trim(dir, "/"))
	if err != nil {
		return errReported
	}
	seen := 0
	for item, err := range server.Items(ctx, string(folder.ID), "type", "id", "name") {
		if seen++; err != nil || seen > mostCompleted {
			return errReported
		}
		has := client.NameOf(item)
		if !strings.HasPrefix(strings.ToLower(has), strings.ToLower(name)) || printable(has) != has {
			continue
		}
		if _, ok := item.(*boxapi.Folder); ok {
			has += "/"
		}
		if _, err := fmt.Fprintln(io.Out, dir+has); err != nil {
			return err
		}
	}
	return nil
}
