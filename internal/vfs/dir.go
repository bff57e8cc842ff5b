package vfs

import (
	"io/fs"
	"os"
	"path/filepath"
)

// Dir is the directory root of the real file system. Files that are opened for
// reading are *os.File, so that the kernel can copy them to a socket. Errors
// name the whole path.
func Dir(root string) FS { return dir(root) }

type dir string

// path is where name is in the system's terms. Names that could lead out of
// the directory, or that the system keeps for devices, are refused.
func (d dir) path(op, name string) (string, error) {
	local, err := filepath.Localize(name)
	if err != nil {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return filepath.Join(string(d), local), nil
}

func (d dir) Open(name string) (File, error) {
	path, err := d.path("open", name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err // not f: a nil *os.File in a File is not nil
	}
	return f, nil
}

func (d dir) Create(name string) (File, error) {
	path, err := d.path("create", name)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return created(f), nil
}

func (d dir) Rename(oldname, newname string) error {
	from, err := d.path("rename", oldname)
	if err != nil {
		return err
	}
	to, err := d.path("rename", newname)
	if err != nil {
		return err
	}
	return os.Rename(from, to)
}

func (d dir) Link(oldname, newname string) error {
	from, err := d.path("link", oldname)
	if err != nil {
		return err
	}
	to, err := d.path("link", newname)
	if err != nil {
		return err
	}
	return os.Link(from, to)
}

func (d dir) Remove(name string) error {
	path, err := d.path("remove", name)
	if err != nil {
		return err
	}
	return os.Remove(path)
}

func (d dir) MkdirAll(name string) error {
	path, err := d.path("mkdir", name)
	if err != nil {
		return err
	}
	return os.MkdirAll(path, 0o700)
}

func (d dir) ReadDir(name string) ([]fs.DirEntry, error) {
	path, err := d.path("readdir", name)
	if err != nil {
		return nil, err
	}
	return os.ReadDir(path)
}

func (d dir) Stat(name string) (fs.FileInfo, error) {
	path, err := d.path("stat", name)
	if err != nil {
		return nil, err
	}
	return os.Stat(path)
}

func (d dir) SyncDir(name string) error {
	path, err := d.path("syncdir", name)
	if err != nil {
		return err
	}
	return syncDir(path)
}
