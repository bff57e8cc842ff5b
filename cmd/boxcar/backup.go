package main

import (
	"context"
	"fmt"
	"time"

	"boxcar/internal/daemon"
)

type backupCmd struct {
	dataFlag `embed:""`
	jsonFlag
	Dir    string `arg:"" help:"Where the backup is kept; made if it is not there."`
	Keep   int    `placeholder:"N" default:"1" help:"How many snapshots stay, with the new one (${default})."`
	Verify bool   `help:"Read again what the backup has already, and copy anew what is damaged in it."`
}

// Help is what boxcar backup --help adds.
func (backupCmd) Help() string {
	return `Makes a snapshot: the rows as they are now, and the bytes that they refer to. Bytes that the backup has already are not copied again, so that the next snapshot takes little time and room. The server may go on meanwhile, and deletes no bytes until the backup is done. Cut short, it leaves the snapshots that were there as they were. Exits with 1 if bytes are lost, of the data and of the backup both; all else is in the snapshot then.`
}

// Validate refuses to keep nothing.
func (c backupCmd) Validate() error {
	if c.Keep < 1 {
		return fmt.Errorf("--keep %d: at least the new snapshot stays", c.Keep)
	}
	return nil
}

func (c backupCmd) Run(ctx context.Context, io streams) error {
	began := time.Now()
	r, err := daemon.Backup(ctx, daemon.BackupConfig{Data: c.Data, Dir: c.Dir, Keep: c.Keep, Verify: c.Verify, Version: versionText()})
	if err != nil {
		return err
	}
	if c.JSON {
		record := backupRecord{
			Dir: c.Dir, Snapshot: r.Snapshot, Blobs: r.Copied.Blobs, Copied: r.Copied.New, Bytes: r.Copied.Bytes,
			Lost: inWords(r.Lost), Dropped: some(r.Dropped), Pruned: r.Pruned, Unpruned: r.Unpruned, Seconds: time.Since(began).Seconds(),
		}
		if err := writeJSON(io.Out, record); err != nil {
			return err
		}
		return lostBlobs(r.Copied.Lost)
	}
	for _, l := range r.Lost {
		fmt.Fprintln(io.Out, "lost:", l)
	}
	for _, name := range r.Dropped {
		fmt.Fprintln(io.Out, "removed: snapshot", name)
	}
	if r.Unpruned != "" {
		fmt.Fprintln(io.Err, "boxcar: bytes that no snapshot needs stay for now:", r.Unpruned)
	}
	fmt.Fprintf(io.Out, "%s: snapshot %s, %s, of which %d copied now (%d bytes), %d removed, in %s\n",
		c.Dir, r.Snapshot, count(int(r.Copied.Blobs), "blob"), r.Copied.New, r.Copied.Bytes, r.Pruned, time.Since(began).Round(time.Millisecond))
	return lostBlobs(r.Copied.Lost)
}

func lostBlobs(n int64) error {
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%s are lost", count(int(n), "blob"))
}

// backupRecord is a backup as --json tells it.
type backupRecord struct {
	Dir      string   `json:"dir"`
	Snapshot string   `json:"snapshot"`
	Blobs    int64    `json:"blobs"`
	Copied   int64    `json:"copied"` // of these, now
	Bytes    int64    `json:"bytes"`  // of those
	Lost     []string `json:"lost"`   // in sentences
	Dropped  []string `json:"dropped"`
	Pruned   int64    `json:"pruned"` // blobs
	Unpruned string   `json:"unpruned,omitzero"`
	Seconds  float64  `json:"seconds"`
}
