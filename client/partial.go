package client

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// fetched is a download that is not done, as it is kept beside its bytes.
type fetched struct {
	contents
	Piece int64  `json:"piece"` // bytes
	Have  []bool `json:"have"`
}

// take takes over which pieces an earlier run has noted, if its notes are about the
// same bytes in the same pieces.
func (s *fetched) take(notes []byte) {
	var old fetched
	if json.Unmarshal(notes, &old) == nil && old.contents == s.contents && old.Piece == s.Piece && len(old.Have) == len(s.Have) {
		s.Have = old.Have
	}
}

// What stands behind the name of a file that is not whole, of its notes, and of
// notes that are being written.
const (
	partialEnding = ".boxcar-part"
	notesEnding   = ".json"
	newEnding     = ".new"
)

// partialPath is where a file is until it is whole: beside its place, under a hidden
// name. Where that would be longer than names may be, a digest stands for its end.
func partialPath(path string) string {
	const most = 255 - len("."+partialEnding+notesEnding+newEnding) // bytes
	dir, name := filepath.Split(path)
	if len(name) > most {
		sum := sha256.Sum256([]byte(name))
		mark := "~" + hex.EncodeToString(sum[:8])
		name = strings.ToValidUTF8(name[:most-len(mark)], "") + mark
	}
	return filepath.Join(dir, "."+name+partialEnding)
}

// openPartial opens a file that is not whole, and holds it: two downloads that write
// into one could give its name to bytes that nobody has checked.
func openPartial(path string) (*os.File, error) {
	for {
		// A link would lead the bytes somewhere else.
		if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is in the way: it is no regular file", path)
		}
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return nil, err
		}
		if err := tryLock(f); errors.Is(err, errLocked) {
			f.Close()
			return nil, fmt.Errorf("another download to it is under way: %s", path)
		} // what else there may be is a file system that knows no locks
		opened, err := f.Stat()
		if err == nil {
			var there fs.FileInfo
			if there, err = os.Lstat(path); err == nil && os.SameFile(opened, there) {
				return f, nil
			}
		}
		f.Close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		// Its holder has given it its name in between.
	}
}
