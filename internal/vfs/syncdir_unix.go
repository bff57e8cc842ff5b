//go:build unix

package vfs

import "os"

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	d.Close() // nothing was written through it
	return err
}
