package main

import (
	"context"
	"fmt"

	"github.com/dustin/go-humanize"

	"boxcar/boxapi"
)

type whoamiCmd struct {
	serverFlags `embed:"" group:"server"`
}

func (w whoamiCmd) Run(ctx context.Context, io streams) error {
	ctx, c, err := w.connect(ctx, io, 0)
	if err != nil {
		return err
	}
	me, err := c.Me(ctx)
	if err != nil {
		return err
	}
	if w.JSON {
		return writeJSON(io.Out, userRecordOf(c, me))
	}
	_, err = fmt.Fprintln(io.Out, printable(introduce(c, me)))
	return err
}

// userRecord is a user as --json tells it.
type userRecord struct {
	ID     string `json:"id"`
	Login  string `json:"login"`
	Name   string `json:"name"`
	Server string `json:"server"`
	Used   int64  `json:"used"`  // bytes
	Quota  int64  `json:"quota"` // bytes; 0 or less: none
}

func userRecordOf(c server, me *boxapi.User) userRecord {
	return userRecord{string(me.ID), me.Login, me.Name, c.URLs().API, me.SpaceUsed, me.SpaceAmount}
}

// introduce says in a line who a user is.
func introduce(c server, me *boxapi.User) string {
	space := humanize.IBytes(uint64(max(me.SpaceUsed, 0))) + " used"
	if me.SpaceAmount > 0 {
		space += " of " + humanize.IBytes(uint64(me.SpaceAmount))
	}
	return fmt.Sprintf("%s (%s, id %s) at %s, %s", me.Login, me.Name, me.ID, c.URLs().API, space)
}
