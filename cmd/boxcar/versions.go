package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"boxcar/boxapi"
)

type versionsCmd struct {
	List     versionsListCmd     `cmd:"" default:"withargs" help:"List the versions of a file, newest first."`
	Download versionsDownloadCmd `cmd:"" help:"Fetch a version."`
	Promote  versionsPromoteCmd  `cmd:"" help:"Make a past version the current one again."`
}

type versionsListCmd struct {
	Path        string `arg:"" help:"A file."`
	serverFlags `embed:"" group:"server"`
}

// Help is what boxcar versions list --help adds.
func (versionsListCmd) Help() string { return remoteHelp }

// openFile finds the file that a command is about.
func (f serverFlags) openFile(ctx context.Context, io streams, name string) (context.Context, server, *boxapi.File, error) {
	ctx, c, err := f.connect(ctx, io, 0)
	if err != nil {
		return ctx, c, nil, err
	}
	file, err := findFile(ctx, c, name)
	return ctx, c, file, err
}

// versionRecord is a version as --json tells it.
type versionRecord struct {
	ID      string    `json:"id"`
	File    string    `json:"file"` // id
	Current bool      `json:"current"`
	Size    int64     `json:"size"` // bytes
	SHA1    string    `json:"sha1"`
	Created time.Time `json:"created"`
	By      string    `json:"by,omitzero"`
}

func (v versionsListCmd) Run(ctx context.Context, io streams) error {
	ctx, c, file, err := v.openFile(ctx, io, v.Path)
	if err != nil {
		return err
	}
	now, err := c.GetFile(ctx, string(file.ID))
	if err != nil {
		return fmt.Errorf("%s: %w", v.Path, err)
	}
	current := versionRecord{File: string(now.ID), Current: true, Size: now.Size, SHA1: now.SHA1, Created: now.ModifiedAt.UTC(), By: now.ModifiedBy.Login}
	if now.FileVersion != nil {
		current.ID = string(now.FileVersion.ID)
	}
	all := []versionRecord{current}
	for old, err := range c.Versions(ctx, string(file.ID)) {
		if err != nil {
			return fmt.Errorf("%s: %w", v.Path, err)
		}
		all = append(all, pastVersion(now, old))
	}
	if v.JSON {
		for _, r := range all {
			if err := writeJSON(io.Out, r); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(io.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "VERSION\tMADE\tSIZE\tSHA-1\tBY\t")
	for _, r := range all {
		mark := ""
		if r.Current {
			mark = "current"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.Created.Local().Format(time.DateTime), bytesText(r.Size), r.SHA1, printable(r.By), mark)
	}
	return w.Flush()
}

func pastVersion(f *boxapi.File, v boxapi.FileVersion) versionRecord {
	return versionRecord{ID: string(v.ID), File: string(f.ID), Size: v.Size, SHA1: v.SHA1, Created: v.CreatedAt.UTC(), By: v.ModifiedBy.Login}
}

type versionsDownloadCmd struct {
	Path         string `arg:"" help:"A file."`
	Version      string `arg:"" help:"The id of one of its versions."`
	Dest         string `arg:"" optional:"" name:"file" help:"Where to: a file, a folder, or - for the standard output."`
	receiveFlags `embed:"" group:"how"`
	batchFlags   `embed:"" group:"how"`
	serverFlags  `embed:"" group:"server"`
}

// Run is boxcar down with a version.
func (v versionsDownloadCmd) Run(ctx context.Context, io streams) error {
	return downCmd{
		Path: v.Path, Dest: v.Dest, FileVersion: v.Version,
		receiveFlags: v.receiveFlags, batchFlags: v.batchFlags, serverFlags: v.serverFlags,
	}.Run(ctx, io)
}

type versionsPromoteCmd struct {
	Path        string `arg:"" help:"A file."`
	Version     string `arg:"" help:"The id of one of its past versions."`
	serverFlags `embed:"" group:"server"`
}

// Help is what boxcar versions promote --help adds.
func (versionsPromoteCmd) Help() string {
	return `It becomes a new version, so that the one that is current now is kept. No bytes move.`
}

func (v versionsPromoteCmd) Run(ctx context.Context, io streams) error {
	ctx, c, file, err := v.openFile(ctx, io, v.Path)
	if err != nil {
		return err
	}
	if file.FileVersion != nil && string(file.FileVersion.ID) == v.Version {
		return fmt.Errorf("%s: version %s is the current one", v.Path, v.Version)
	}
	made, err := c.PromoteVersion(ctx, string(file.ID), v.Version)
	if err != nil {
		return fmt.Errorf("%s: version %s: %w", v.Path, v.Version, err)
	}
	if v.JSON {
		r := pastVersion(file, *made)
		r.Current = true
		return writeJSON(io.Out, r)
	}
	_, err = fmt.Fprintln(io.Out, made.ID)
	return err
}
