package daemon

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"boxcar/internal/backup"
	"boxcar/internal/blob"
	"boxcar/internal/blob/disk"
	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/meta/sqlite"
	"boxcar/internal/sweep"
	"boxcar/internal/vfs"
)

// A backup directory:
//
//	boxcar-backup         the number of this layout
//	lock                  held by who writes to it, and shared by who restores
//	blobs/ tmp/           the bytes of all snapshots; see blob/disk
//	snapshots/TIME/       rows and small files as they were at that time: boxcar.db,
//	                      format, credentials, ca/, and snapshot.json
//	snapshots/TIME.part   one that is being made or removed, or the remains of one
//
// A snapshot gets its name when all its blobs are there.
const (
	backupFile   = "boxcar-backup"
	backupLayout = "1"
	snapshotsDir = "snapshots"
	snapshotFile = "snapshot.json"
	partial      = ".part"
	snapshotTime = "20060102T150405.000Z"
)

// smallFiles are what a data directory has beside its rows and blobs, those that
// are there.
var smallFiles = []string{CredentialsFile, caDir + "/" + caFile, caDir + "/" + caKey, caDir + "/" + leafFile}

// BackupConfig says what to back up.
type BackupConfig struct {
	Data    string // which a server may be using
	Dir     string // made if it is not there
	Keep    int    // how many snapshots stay, with the new one; default 1
	Verify  bool   // read the blobs again that the backup has already
	Version string // of the program
	Now     func() time.Time
}

// BackupReport is what a backup came to.
type BackupReport struct {
	Snapshot string // its name
	Copied   backup.Copied
	Lost     []sweep.Lost // versions with bytes that neither the data nor the backup has
	Dropped  []string     // older snapshots that were removed
	Pruned   int64        // blobs that went with them
	// Unpruned says why blobs that no snapshot needs stay for now; "" if they do not.
	Unpruned string
}

// Snapshot is what is known of one.
type Snapshot struct {
	Name   string    `json:"-"`
	MadeAt time.Time `json:"made_at"`
	Boxcar string    `json:"boxcar"` // the version that made it
	Blobs  int64     `json:"blobs"`
	Lost   int64     `json:"lost"` // of these, those it does not have
}

// Backup copies a data directory: the rows as they are at one moment, and the
// blobs that they refer to, as far as the backup does not have them. The report
// names what is lost; that is no error. When Backup fails or is cut short, the
// snapshots that were there before are as they were.
func Backup(ctx context.Context, c BackupConfig) (_ *BackupReport, err error) {
	if c.Keep == 0 {
		c.Keep = 1
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if err := separate(c.Data, c.Dir); err != nil {
		return nil, err
	}
	cfg, rows, bytes, err := beside(c.Data, sqlite.Options{Beside: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	unlock, err := ownBackup(c.Dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	to, err := openBackup(ctx, c.Dir)
	if err != nil {
		return nil, err
	}

	var id [16]byte
	cfg.Random(id[:])
	hold, err := backup.Take(ctx, rows, "backup "+hex.EncodeToString(id[:]), c.Now)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, hold.Release(ctx)) }()

	b := &backing{BackupConfig: c, rows: rows, from: bytes, to: to, hold: hold,
		report: &BackupReport{Snapshot: c.Now().UTC().Format(snapshotTime)}}
	if err := b.snapshot(ctx); err != nil {
		return nil, err
	}
	if err := hold.Release(ctx); err != nil {
		return nil, err
	}
	if err := noteBackup(ctx, rows, c.Now()); err != nil {
		return nil, err
	}
	return b.report, b.prune(ctx)
}

// backing is a backup at work.
type backing struct {
	BackupConfig
	rows   *sqlite.Store
	from   blob.Store
	to     *disk.Store
	hold   *backup.Hold
	report *BackupReport
}

func (b *backing) snapshots() string { return filepath.Join(b.Dir, snapshotsDir) }

// snapshot makes one. It is there when it is whole, and durable.
func (b *backing) snapshot(ctx context.Context) (err error) {
	name := b.report.Snapshot
	if _, err := os.Stat(filepath.Join(b.snapshots(), name)); err == nil {
		return fmt.Errorf("there is a snapshot %s already", name)
	}
	part := filepath.Join(b.snapshots(), name+partial)
	if err := mkdirDurable(part); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(part)
		}
	}()
	database := filepath.Join(part, databaseFile)
	if err := b.rows.CopyTo(ctx, database); err != nil {
		return err
	}
	for _, file := range append([]string{formatFile}, smallFiles...) {
		if err := copyFile(ctx, filepath.Join(b.Data, file), filepath.Join(part, file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := b.bytes(ctx, database); err != nil {
		return err
	}
	about, err := json.Marshal(Snapshot{MadeAt: b.Now().UTC(), Boxcar: b.Version, Blobs: b.report.Copied.Blobs, Lost: b.report.Copied.Lost})
	if err != nil {
		return err
	}
	if err := replace(vfs.Dir(part), snapshotFile, append(about, '\n')); err != nil {
		return err
	}
	if err := b.hold.Held(ctx); err != nil {
		return err
	}
	fsys := vfs.Dir(b.snapshots())
	if err := fsys.Rename(name+partial, name); err != nil {
		return err
	}
	return fsys.SyncDir(".")
}

// bytes copies the blobs that the copied rows refer to, and writes into these
// what of it is lost.
func (b *backing) bytes(ctx context.Context, database string) (err error) {
	rows, err := sqlite.Open(database, sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() {
		// The last connection to close brings what is in the log into the database.
		if err = errors.Join(err, rows.Close()); err == nil {
			err = syncFile(database)
		}
	}()
	// A hold in the copy would keep the server from deleting that runs on it.
	forever := b.Now().AddDate(1000, 0, 0)
	if err := rows.Update(ctx, func(tx meta.Tx) error { return tx.DropHolds(forever) }); err != nil {
		return err
	}
	lost := map[blob.Key]string{}
	b.report.Copied, err = backup.Copy{
		Rows: rows, From: b.from, To: b.to, Verify: b.Verify,
		Lost: func(s meta.StoredBlob, damage meta.Damage) error {
			lost[s.Key] = string(damage)
			mark := func(tx meta.Tx) error {
				_, err := meta.Rotted(tx, meta.RottenBlob{Key: s.Key, Damage: damage, FoundAt: b.Now()})
				return err
			}
			// In the data as well: what is found once is not served any more.
			return errors.Join(rows.Update(ctx, mark), b.rows.Update(ctx, mark))
		},
	}.Run(ctx)
	if err != nil {
		return err
	}
	if err := unmark(ctx, rows, b.to); err != nil {
		return err
	}
	b.report.Lost, err = sweep.Losses(ctx, rows, lost)
	return err
}

// unmark takes the marks from those blobs that a store has as they should be: a
// backup may have them from before they were damaged.
func unmark(ctx context.Context, rows meta.Store, have blob.Store) error {
	return eachMarked(ctx, rows, func(r meta.RottenBlob) error {
		var s meta.StoredBlob
		err := rows.View(ctx, func(tx meta.Tx) (err error) {
			s, err = meta.StoredAs(tx, r.Key)
			return err
		})
		if content.Is(err, content.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if damage, err := backup.Check(ctx, have, s); err != nil || damage != "" {
			return err
		}
		return rows.Update(ctx, func(tx meta.Tx) error { return tx.ClearRotten(r.Key) })
	})
}

func eachMarked(ctx context.Context, rows meta.Store, do func(meta.RottenBlob) error) error {
	return meta.Each(ctx, rows,
		func(tx meta.Tx, after blob.Key) ([]meta.RottenBlob, error) {
			return tx.RottenBlobs(after, meta.PageRows)
		},
		func(r meta.RottenBlob) blob.Key { return r.Key }, do)
}

// prune removes snapshots beyond those to keep, and the blobs that only they had.
func (b *backing) prune(ctx context.Context) error {
	all, err := Snapshots(b.Dir)
	if err != nil {
		return err
	}
	fsys := vfs.Dir(b.snapshots())
	for len(all) > b.Keep {
		// First it is no snapshot any more, and then it goes.
		name := all[0].Name
		if err := fsys.Rename(name, name+partial); err != nil {
			return err
		}
		if err := fsys.SyncDir("."); err != nil {
			return err
		}
		if err := os.RemoveAll(filepath.Join(b.snapshots(), name+partial)); err != nil {
			return err
		}
		b.report.Dropped, all = append(b.report.Dropped, name), all[1:]
	}
	var kept []meta.Store
	defer func() {
		for _, rows := range kept {
			rows.Close()
		}
	}()
	for _, s := range all {
		rows, err := sqlite.Open(filepath.Join(b.snapshots(), s.Name, databaseFile), sqlite.Options{ReadOnly: true})
		if err != nil {
			b.report.Unpruned = fmt.Sprintf("snapshot %s, of boxcar %s, can't be asked what it needs (%v)", s.Name, s.Boxcar, err)
			return nil
		}
		kept = append(kept, rows)
	}
	b.report.Pruned, err = backup.Prune(ctx, b.to, kept)
	return err
}

// Snapshots are those of a backup directory that are whole, the oldest first.
func Snapshots(dir string) (all []Snapshot, err error) {
	if err := checkBackup(dir); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(dir, snapshotsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), partial) || !e.IsDir() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, snapshotsDir, e.Name(), snapshotFile))
		if err != nil {
			return nil, err
		}
		s := Snapshot{Name: e.Name()}
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, fmt.Errorf("snapshot %s: %w", e.Name(), err)
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Snapshot) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

var errBackupInUse = errors.New("another backup or a restore is at work with it")

// ownBackup makes a backup directory if need be, and becomes its one writer.
func ownBackup(dir string) (unlock func() error, err error) {
	if err := mkdirDurable(dir); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if n := e.Name(); n != lockFile && n != backupFile+newFile {
			if err := checkBackup(dir); err != nil {
				return nil, err
			}
			break
		}
	}
	if unlock, err = takeLock(dir, errBackupInUse); err != nil {
		return nil, err
	}
	if err := checkBackup(dir); err != nil {
		if err := replace(vfs.Dir(dir), backupFile, []byte(backupLayout+"\n")); err != nil {
			return nil, errors.Join(err, unlock())
		}
	}
	return unlock, nil
}

// checkBackup refuses a directory that is none of ours, or of another layout.
func checkBackup(dir string) error {
	b, err := os.ReadFile(filepath.Join(dir, backupFile))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not a backup: it has no file named %s", dir, backupFile)
	}
	if err != nil {
		return err
	}
	if got := strings.TrimSpace(string(b)); got != backupLayout {
		return fmt.Errorf("%s is a backup of layout %.40q, and this boxcar knows layout %s: use the version that wrote it, or a later one", dir, got, backupLayout)
	}
	return nil
}

// openBackup clears what the last backup left unfinished.
func openBackup(ctx context.Context, dir string) (*disk.Store, error) {
	snapshots := filepath.Join(dir, snapshotsDir)
	if err := mkdirDurable(snapshots); err != nil {
		return nil, err
	}
	left, err := filepath.Glob(filepath.Join(snapshots, "*"+partial))
	if err != nil {
		return nil, err
	}
	for _, name := range left {
		if err := os.RemoveAll(name); err != nil {
			return nil, err
		}
	}
	to, err := disk.Open(vfs.Dir(dir))
	if err != nil {
		return nil, err
	}
	for scrap, err := range to.Scraps(ctx) {
		if err == nil {
			err = to.Discard(ctx, scrap)
		}
		if err != nil {
			return nil, err
		}
	}
	return to, nil
}

// backupSetting is when the last backup was made.
const backupSetting = "last-backup"

func noteBackup(ctx context.Context, rows meta.Store, at time.Time) error {
	return rows.Update(ctx, func(tx meta.Tx) error {
		return tx.PutSetting(backupSetting, []byte(at.UTC().Format(time.RFC3339)))
	})
}

// lastBackup is the zero time if there was none.
func lastBackup(tx meta.Tx) (time.Time, error) {
	text, err := tx.Setting(backupSetting)
	if content.Is(err, content.NotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339, string(text))
}

// separate refuses directories of which one is in the other.
func separate(data, dir string) error {
	a, err := filepath.Abs(data)
	if err != nil {
		return err
	}
	b, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	for _, pair := range [][2]string{{a, b}, {b, a}} {
		if rel, err := filepath.Rel(pair[0], pair[1]); err == nil && filepath.IsLocal(rel) {
			return fmt.Errorf("%s is within %s: a backup and the data need directories of their own", pair[1], pair[0])
		}
	}
	return nil
}

// copyFile copies a small file, for its owner only, so that it is durable with its name.
func copyFile(ctx context.Context, from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := mkdirDurable(filepath.Dir(to)); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, until{ctx, in})
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	return vfs.Dir(filepath.Dir(to)).SyncDir(".")
}

// until reads until ctx ends.
type until struct {
	ctx context.Context
	r   io.Reader
}

func (u until) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
