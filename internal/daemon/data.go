package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/gofrs/flock"

	"boxcar/internal/auth"
	"boxcar/internal/blob/disk"
	"boxcar/internal/blob/inline"
	"boxcar/internal/meta/sqlite"
	"boxcar/internal/vfs"
)

// A data directory:
//
//	format        the number of this layout
//	lock          held by the server that owns the directory
//	boxcar.db     rows, and the bytes of small blobs (and -wal, -shm while somebody has it open)
//	blobs/ tmp/   the bytes of others; see blob/disk
//	restoring     a restore is not done with it; see Restore
//	credentials   what the first start made, in clear, for its owner only
const (
	formatFile      = "format"
	lockFile        = "lock"
	databaseFile    = "boxcar.db"
	blobsDir        = "blobs"
	CredentialsFile = "credentials"

	format = "1"
)

// ErrInUse says that another server owns the data directory.
var ErrInUse = errors.New("another boxcar serves this data directory")

// own makes a data directory if need be, and becomes its one owner.
func own(dir string) (release func() error, err error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := mkdirDurable(abs); err != nil {
		return nil, err
	}
	unlock, err := takeLock(dir, ErrInUse)
	if err != nil {
		return nil, err
	}
	if err := checkFormat(abs, true); err != nil {
		return nil, errors.Join(err, unlock())
	}
	return unlock, nil
}

// othersWrite says whether others than its owner may put files into a directory.
func othersWrite(dir string) bool {
	fi, err := os.Stat(dir)
	return err == nil && runtime.GOOS != "windows" && fi.Mode().Perm()&0o022 != 0
}

// mkdirDurable makes a directory, for its owner only, with those above it.
func mkdirDurable(dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	var fresh []string // the directory and those above it that are not there yet
	for at := abs; ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		fresh = append(fresh, at)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return err
	}
	for _, made := range fresh {
		if err := vfs.Dir(filepath.Dir(made)).SyncDir("."); err != nil {
			return err
		}
	}
	return nil
}

// checkFormat refuses a directory that some other version of boxcar laid out.
// With make, one that has no format yet gets this one's.
func checkFormat(dir string, make bool) error {
	for _, name := range []string{restoringFile, restoringFile + newFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			continue
		}
		return fmt.Errorf("%s is being restored to, or a restore was cut short: if none is at work, remove the directory and restore again", dir)
	}
	b, err := os.ReadFile(filepath.Join(dir, formatFile))
	if errors.Is(err, fs.ErrNotExist) {
		if !make {
			return fmt.Errorf("%s is not a boxcar data directory: it has no file named %s", dir, formatFile)
		}
		if _, err := os.Stat(filepath.Join(dir, databaseFile)); err == nil {
			return fmt.Errorf("%s has a database and no file named %s: it is not whole", dir, formatFile)
		}
		return replace(vfs.Dir(dir), formatFile, []byte(format+"\n"))
	}
	if err != nil {
		return err
	}
	if got := strings.TrimSpace(string(b)); got != format {
		return fmt.Errorf("%s has format %.40q, and this boxcar reads format %s: run the version that wrote it, or a later one", dir, got, format)
	}
	// The database is made before the directory of blobs. A new one beside old
	// blobs would refer to none of them, and they would all be swept.
	_, rows := os.Stat(filepath.Join(dir, databaseFile))
	_, bytes := os.Stat(filepath.Join(dir, blobsDir))
	if errors.Is(rows, fs.ErrNotExist) && bytes == nil {
		return fmt.Errorf("%s has blobs and no database %s: it is not whole", dir, databaseFile)
	}
	return nil
}

// newFile is the end of a name under which replace writes.
const newFile = ".new"

// takeLock locks a directory's file for that; busy is the error if somebody has it.
func takeLock(dir string, busy error) (unlock func() error, err error) {
	lock := flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock directory: %w", err)
	}
	if !ok {
		return nil, fmt.Errorf("%s: %w", dir, busy)
	}
	return lock.Unlock, nil
}

// replace writes a small file, readable by its owner only, so that after a
// power cut it is there whole, or as it was before.
func replace(fsys vfs.FS, name string, data []byte) error {
	temp := name + newFile
	if err := fsys.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := fsys.Create(temp)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := fsys.Rename(temp, name); err != nil {
		return err
	}
	return fsys.SyncDir(".")
}

// storage opens what is in a data directory.
func storage(cfg Config, fsys vfs.FS, o sqlite.Options) (*sqlite.Store, *inline.Store, error) {
	rows, err := sqlite.Open(filepath.Join(cfg.Data, databaseFile), o)
	if err != nil {
		return nil, nil, err
	}
	bytes, err := disk.Open(fsys)
	if err != nil {
		rows.Close()
		return nil, nil, err
	}
	return rows, inline.New(rows, bytes, *cfg.RowBlobs, cfg.Now), nil
}

// writeCredentials keeps the clear text of what a first start makes, in a form
// that a shell can read with ".".
func writeCredentials(dir string, c auth.Credentials) error {
	text := fmt.Sprintf(`# Made by the first start of boxcar. Whoever reads this is the administrator.
export BOXCAR_TOKEN=%s
export BOXCAR_CLIENT_ID=%s
export BOXCAR_CLIENT_SECRET=%s
export BOXCAR_ENTERPRISE_ID=%s
export BOXCAR_USER_ID=%s
export BOXCAR_LOGIN=%s
export BOXCAR_PASSWORD=%s
`, c.DeveloperToken, c.ClientID, c.ClientSecret, c.Enterprise.ID, c.Admin.ID, c.Admin.Login, c.Password)
	return replace(vfs.Dir(dir), CredentialsFile, []byte(text))
}

// replaceToken puts another token into the file of credentials.
func replaceToken(dir, token string) error {
	old, err := os.ReadFile(filepath.Join(dir, CredentialsFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	const key = "export BOXCAR_TOKEN="
	var out strings.Builder
	found := false
	for line := range strings.Lines(string(old)) {
		if strings.HasPrefix(line, key) {
			line, found = key+token+"\n", true
		}
		out.WriteString(line)
	}
	if !found {
		if text := out.String(); text != "" && !strings.HasSuffix(text, "\n") {
			out.WriteString("\n")
		}
		out.WriteString(key + token + "\n")
	}
	return replace(vfs.Dir(dir), CredentialsFile, []byte(out.String()))
}
