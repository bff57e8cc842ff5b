package disk_test

import (
	"errors"
	"testing"

	"boxcar/internal/blob"
	"boxcar/internal/blob/blobtest"
	"boxcar/internal/blob/disk"
	"boxcar/internal/vfs"
	"boxcar/internal/vfs/faultfs"
)

// noDirect is a file system that promises files around the page cache, and has none.
type noDirect struct {
	vfs.FS
	asked int
}

func (n *noDirect) CreateDirect(string) (vfs.File, error) {
	n.asked++
	return nil, errors.ErrUnsupported
}

func TestAFileSystemWithoutDirectFilesIsAskedOnce(t *testing.T) {
	fsys := &noDirect{FS: faultfs.New()}
	s := must(disk.Open(fsys))
	data := blobtest.Bytes(blob.BlockSize + 1)
	for i := range 4 {
		check(s.Put(t.Context(), blobtest.Key(i), blobtest.Of(data)))
		if got, err := blobtest.Read(t.Context(), s, blobtest.Key(i)); err != nil || len(got) != len(data) {
			t.Errorf("blob %d: %d bytes, %v", i, len(got), err)
		}
	}
	if fsys.asked != 1 {
		t.Errorf("asked %d times", fsys.asked)
	}
}
