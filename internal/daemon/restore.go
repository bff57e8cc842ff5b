package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"boxcar/internal/backup"
	"boxcar/internal/blob/disk"
	"boxcar/internal/meta"
	"boxcar/internal/meta/sqlite"
	"boxcar/internal/sweep"
	"boxcar/internal/vfs"
)

// restoringFile is in a data directory that a restore is filling. Nothing but
// the restore takes such a directory for one.
const restoringFile = "restoring"

// RestoreConfig says what to restore.
type RestoreConfig struct {
	Dir      string // of the backup
	Snapshot string // its name; "" is the newest
	Data     string // must be empty, or not be there
}

// RestoreReport is what a restore came to.
type RestoreReport struct {
	Snapshot Snapshot
	Copied   backup.Copied
	Doctor   *sweep.Report
}

// Restore makes a data directory of a snapshot, and proves it. Until Restore
// returns a report, no server takes the directory; cut short, it has to be removed.
func Restore(ctx context.Context, c RestoreConfig) (report *RestoreReport, err error) {
	if err := separate(c.Data, c.Dir); err != nil {
		return nil, err
	}
	snapshot, err := chosen(c.Dir, c.Snapshot)
	if err != nil {
		return nil, err
	}
	shared := flock.New(filepath.Join(c.Dir, lockFile), flock.SetPermissions(0o600))
	ok, err := shared.TryRLock()
	if err != nil {
		return nil, fmt.Errorf("lock backup directory: %w", err)
	}
	if !ok {
		return nil, fmt.Errorf("%s: %w", c.Dir, errBackupInUse)
	}
	defer shared.Unlock()
	from := filepath.Join(c.Dir, snapshotsDir, snapshot.Name)
	if err := checkFormat(from, false); err != nil {
		return nil, err
	}
	unlock, err := ownEmpty(c.Data)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()

	report = &RestoreReport{Snapshot: snapshot}
	for _, file := range append([]string{databaseFile}, smallFiles...) {
		err := copyFile(ctx, filepath.Join(from, file), filepath.Join(c.Data, file))
		if err != nil && (file == databaseFile || !errors.Is(err, fs.ErrNotExist)) {
			return nil, err
		}
	}
	if err := report.fill(ctx, c); err != nil {
		return nil, err
	}
	// From here on it is a data directory.
	if err := copyFile(ctx, filepath.Join(from, formatFile), filepath.Join(c.Data, formatFile)); err != nil {
		return nil, err
	}
	fsys := vfs.Dir(c.Data)
	if err := fsys.Remove(restoringFile); err != nil {
		return nil, err
	}
	return report, fsys.SyncDir(".")
}

// fill brings blobs to the rows, and proves both.
func (r *RestoreReport) fill(ctx context.Context, c RestoreConfig) (err error) {
	// A snapshot of an older boxcar comes up to date here.
	rows, err := sqlite.Open(filepath.Join(c.Data, databaseFile), sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	from, err := disk.Open(vfs.Dir(c.Dir))
	if err != nil {
		return err
	}
	to, err := disk.Open(vfs.Dir(c.Data))
	if err != nil {
		return err
	}
	r.Copied, err = backup.Copy{
		Rows: rows, From: from, To: to,
		Lost: func(s meta.StoredBlob, damage meta.Damage) error {
			return rows.Update(ctx, func(tx meta.Tx) error {
				return tx.MarkRotten(meta.RottenBlob{Key: s.Key, Damage: damage, FoundAt: time.Now()})
			})
		},
	}.Run(ctx)
	if err != nil {
		return err
	}
	if err := unmark(ctx, rows, to); err != nil {
		return err
	}
	r.Doctor, err = (&sweep.Service{Meta: rows, Blobs: to, Now: time.Now, Log: slog.New(slog.DiscardHandler)}).Check(ctx)
	return err
}

// chosen is a snapshot by its name, or the newest.
func chosen(dir, name string) (Snapshot, error) {
	all, err := Snapshots(dir)
	if err != nil {
		return Snapshot{}, err
	}
	if name == "" && len(all) > 0 {
		return all[len(all)-1], nil
	}
	for _, s := range all {
		if s.Name == name {
			return s, nil
		}
	}
	if name == "" {
		return Snapshot{}, fmt.Errorf("%s has no snapshot that is whole", dir)
	}
	return Snapshot{}, fmt.Errorf("%s has no snapshot %s", dir, name)
}

// ownEmpty makes a directory, or takes one that is empty, as one to restore to.
func ownEmpty(dir string) (unlock func() error, err error) {
	if err := mkdirDurable(dir); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if len(entries) > 0 {
		return nil, fmt.Errorf("%s is not empty: restore to a directory of its own", dir)
	}
	if unlock, err = takeLock(dir, ErrInUse); err != nil {
		return nil, err
	}
	if err := replace(vfs.Dir(dir), restoringFile, []byte("boxcar restore fills this directory. If it does not run any more, remove the directory.\n")); err != nil {
		return nil, errors.Join(err, unlock())
	}
	return unlock, nil
}
