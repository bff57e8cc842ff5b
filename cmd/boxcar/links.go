package main

import (
	"errors"
	"io/fs"
	"os"
)

// linkFlag says what becomes of symbolic links in folders. One that is named on the
// command line is always followed.
type linkFlag struct {
	Links string `enum:"skip,follow" default:"skip" placeholder:"WHAT" env:"BOXCAR_LINKS" help:"Symbolic links in folders: skip names those that are left out, follow sends what they lead to (${default})."`
}

var errLoop = errors.New("the link leads to a folder that it is in")

// behind is an entry of a folder, or what it leads to if that is asked for. above
// are the folders that it is in, as far as they have been walked.
func (f linkFlag) behind(e fs.DirEntry, at string, above []fs.FileInfo) (fs.DirEntry, error) {
	if f.Links != "follow" || e.Type()&fs.ModeSymlink == 0 {
		return e, nil
	}
	info, err := os.Stat(at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, hinted{errors.New("the link leads nowhere"), "--exclude " + quoteShell(e.Name()) + " leaves it out"}
	case err != nil:
		return nil, plainPath(err)
	}
	for _, folder := range above {
		if os.SameFile(info, folder) {
			return nil, errLoop
		}
	}
	return fs.FileInfoToDirEntry(info), nil
}
