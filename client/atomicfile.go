package client

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// writeFile puts data in path's place at once: whoever reads finds the old or the
// new, also after a power cut. Only the user may read it. Missing folders are made,
// for the user only.
func writeFile(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	return replace(path, f, data)
}

// replace writes data to f, which is another file beside path, and gives it the name.
func replace(path string, f *os.File, data []byte) (err error) {
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a rename in dir last.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" { // which can't open folders for that
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
