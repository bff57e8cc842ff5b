package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"boxcar/internal/daemon"
)

type restoreCmd struct {
	Dir  string `arg:"" help:"The backup."`
	Data string `placeholder:"DIR" env:"BOXCAR_DATA" help:"The data directory to make; it must be empty, or not be there."`
	jsonFlag
	Snapshot string `placeholder:"NAME" help:"Which one; the newest if left out."`
	List     bool   `help:"Only list the snapshots."`
}

// Help is what boxcar restore --help adds.
func (restoreCmd) Help() string {
	return `Makes a data directory of a snapshot and proves it, as boxcar doctor does. Until it is done no server takes the directory; if it is cut short, remove the directory and restore again. Exits with 1 if anything is lost or broken; all else is restored then.`
}

// advise says what to do where the usual advice is wrong: a restore does not go on
// where it ended.
func (c restoreCmd) advise(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return hinted{err, "make room on the disk, remove " + quoteShell(c.Data) + " and restore again"}
	}
	return err
}

// snapshotRecord is a snapshot as --json tells it.
type snapshotRecord struct {
	Snapshot string    `json:"snapshot"`
	Made     time.Time `json:"made"`
	Boxcar   string    `json:"boxcar"` // that made it
	Blobs    int64     `json:"blobs"`
	Lost     int64     `json:"lost"` // of these
}

// Validate asks for a place to restore to.
func (c restoreCmd) Validate() error {
	if c.Data == "" && !c.List {
		return errors.New("--data says where to restore to")
	}
	return nil
}

func (c restoreCmd) Run(ctx context.Context, io streams) error {
	if c.List {
		all, err := daemon.Snapshots(c.Dir)
		for _, s := range all {
			if c.JSON {
				if err := writeJSON(io.Out, snapshotRecord{s.Name, s.MadeAt, s.Boxcar, s.Blobs, s.Lost}); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(io.Out, "%s  %s  boxcar %s\n", s.Name, count(int(s.Blobs), "blob"), s.Boxcar)
		}
		return err
	}
	r, err := daemon.Restore(ctx, daemon.RestoreConfig{Dir: c.Dir, Data: c.Data, Snapshot: c.Snapshot})
	if err != nil {
		return c.advise(err)
	}
	if c.JSON {
		return c.tellHealth(io, c.Data, r.Snapshot.Name, r.Doctor)
	}
	fmt.Fprintf(io.Out, "%s: restored from snapshot %s, %d bytes copied\n", c.Data, r.Snapshot.Name, r.Copied.Bytes)
	return c.tellHealth(io, c.Data, "", r.Doctor)
}
