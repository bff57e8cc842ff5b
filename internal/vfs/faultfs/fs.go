package faultfs

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"boxcar/internal/vfs"
)

// FS is a vfs.FS in memory. Its methods, and those of its files, may be called
// concurrently.
type FS struct {
	watch atomic.Pointer[func(Op, string)]

	mu     sync.Mutex
	root   *node
	log    []*op // changes of names that are not certain, oldest first
	spent  int   // how many in log have become certain
	nodes  uint64
	ops    uint64
	calls  int
	faults []*fault
}

var _ vfs.FS = (*FS)(nil)

// New is an empty file system.
func New() *FS {
	f := &FS{}
	f.root = f.newDir()
	return f
}

// Open opens a file for reading.
func (f *FS) Open(name string) (vfs.File, error) { return f.open(name, false) }

// Modify opens a file that is there for reading and writing, as no vfs.FS does.
func (f *FS) Modify(name string) (vfs.File, error) { return f.open(name, true) }

func (f *FS) open(name string, writable bool) (vfs.File, error) {
	var h *file
	err := f.do(Open, name, func() error {
		n, err := f.find(name)
		if err != nil {
			return err
		}
		if writable && n.isDir() {
			return syscall.EISDIR
		}
		h = &file{fsys: f, node: n, name: name, writable: writable, told: n.failed}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return h, nil
}

// Create makes a new file.
func (f *FS) Create(name string) (vfs.File, error) {
	var h *file
	err := f.do(Create, name, func() error {
		at, err := f.free(name)
		if err != nil {
			return err
		}
		n := f.newFile()
		f.record(at.is(n))
		h = &file{fsys: f, node: n, name: name, writable: true}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return h, nil
}

// Rename moves a file, replacing newname. Directories stay where they are.
func (f *FS) Rename(oldname, newname string) error {
	return f.do(Rename, oldname, func() error {
		from, n, err := f.taken(oldname)
		if err != nil {
			return err
		}
		to, err := f.entry(newname)
		if err != nil {
			return err
		}
		old := to.dir.entries[to.name]
		switch {
		case n.isDir() || old != nil && old.isDir():
			return syscall.EISDIR
		case old == n:
			return nil // POSIX: two names of one file both stay
		}
		f.record(to.is(n), from.is(nil))
		return nil
	})
}

// Link gives a file a second name.
func (f *FS) Link(oldname, newname string) error {
	return f.do(Link, oldname, func() error {
		_, n, err := f.taken(oldname)
		if err != nil {
			return err
		}
		if n.isDir() {
			return syscall.EPERM
		}
		to, err := f.free(newname)
		if err != nil {
			return err
		}
		f.record(to.is(n))
		return nil
	})
}

// Remove removes a file or an empty directory.
func (f *FS) Remove(name string) error {
	return f.do(Remove, name, func() error {
		at, n, err := f.taken(name)
		if err != nil {
			return err
		}
		if len(n.entries) > 0 {
			return syscall.ENOTEMPTY
		}
		f.record(at.is(nil))
		return nil
	})
}

// MkdirAll makes a directory and its parents.
func (f *FS) MkdirAll(name string) error {
	return f.do(Mkdir, name, func() error {
		if !fs.ValidPath(name) {
			return fs.ErrInvalid
		}
		if name == "." {
			return nil
		}
		dir := f.root
		for part := range strings.SplitSeq(name, "/") {
			n := dir.entries[part]
			if n == nil {
				n = f.newDir()
				f.record(entry{dir, part}.is(n))
			}
			if !n.isDir() {
				return syscall.ENOTDIR
			}
			dir = n
		}
		return nil
	})
}

// ReadDir lists a directory, sorted by name.
func (f *FS) ReadDir(name string) (list []fs.DirEntry, err error) {
	err = f.do(ReadDir, name, func() error {
		n, err := f.find(name)
		if err != nil {
			return err
		}
		if !n.isDir() {
			return syscall.ENOTDIR
		}
		for base, child := range n.entries {
			list = append(list, fs.FileInfoToDirEntry(child.info(base)))
		}
		sort.Slice(list, func(i, j int) bool { return list[i].Name() < list[j].Name() })
		return nil
	})
	return list, err
}

// Stat describes a file or directory.
func (f *FS) Stat(name string) (info fs.FileInfo, err error) {
	err = f.do(Stat, name, func() error {
		n, err := f.find(name)
		if err != nil {
			return err
		}
		info = n.info(path.Base(name))
		return nil
	})
	return info, err
}

// SyncDir makes the entries of a directory certain.
func (f *FS) SyncDir(name string) error {
	ft := f.begin(SyncDir, name)
	defer f.mu.Unlock()
	n, err := f.find(name)
	switch {
	case ft != nil:
		if err == nil && n.isDir() {
			n.stainNames()
		}
		err = ft.Err
	case err == nil && !n.isDir():
		err = syscall.ENOTDIR
	case err == nil:
		f.syncNames(n)
	}
	return failure(SyncDir, name, err)
}

// Visit shows all that is in f, directories before what is in them, by name: a
// directory with a page of nil, a file page by page, an empty one with one
// empty page. Pages are of 4096 bytes but for the last, and not to be changed.
// It is no call: nothing is counted, watched or made to fail.
func (f *FS) Visit(see func(name string, offset int64, page []byte)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.root.visit("", see)
}

func (n *node) visit(at string, see func(string, int64, []byte)) {
	for _, base := range slices.Sorted(maps.Keys(n.entries)) {
		child, name := n.entries[base], path.Join(at, base)
		if child.isDir() {
			see(name, 0, nil)
			child.visit(name, see)
			continue
		}
		for offset := int64(0); offset < max(child.size, 1); offset += pageSize {
			pg := child.page(int(offset / pageSize))
			if pg == nil {
				pg = &zeros
			}
			see(name, offset, pg[:min(pageSize, child.size-offset)])
		}
	}
}

// find is what name stands for.
func (f *FS) find(name string) (*node, error) {
	if name == "." {
		return f.root, nil
	}
	_, n, err := f.taken(name)
	return n, err
}

// taken is an entry that is there, and what it stands for.
func (f *FS) taken(name string) (entry, *node, error) {
	at, err := f.entry(name)
	if err != nil {
		return at, nil, err
	}
	n := at.dir.entries[at.name]
	if n == nil {
		return at, nil, syscall.ENOENT
	}
	return at, n, nil
}

// free is an entry that is not there.
func (f *FS) free(name string) (entry, error) {
	at, err := f.entry(name)
	if err == nil && at.dir.entries[at.name] != nil {
		err = syscall.EEXIST
	}
	return at, err
}

// entry is where name is or would be; its directory is there.
func (f *FS) entry(name string) (entry, error) {
	if !fs.ValidPath(name) || name == "." {
		return entry{}, fs.ErrInvalid
	}
	dir := f.root
	for {
		part, rest, more := strings.Cut(name, "/")
		if !more {
			return entry{dir, part}, nil
		}
		n := dir.entries[part]
		switch {
		case n == nil:
			return entry{}, syscall.ENOENT
		case !n.isDir():
			return entry{}, syscall.ENOTDIR
		}
		dir, name = n, rest
	}
}

func (f *FS) newFile() *node {
	f.nodes++
	return &node{id: f.nodes, modTime: time.Now()}
}

func (f *FS) newDir() *node {
	n := f.newFile()
	n.entries = map[string]*node{}
	return n
}

// node is a file or a directory, whatever names it has.
type node struct {
	id      uint64 // by order of making
	modTime time.Time
	contents
	names
	failed int   // syncs that were made to fail
	err    error // the last one's
}

func (n *node) isDir() bool { return n.entries != nil }

func (n *node) info(base string) fs.FileInfo {
	return info{base, n.size, n.modTime, n.isDir()}
}

type info struct {
	name    string
	size    int64
	modTime time.Time
	dir     bool
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return i.modTime }
func (i info) IsDir() bool        { return i.dir }
func (i info) Sys() any           { return nil }
func (i info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o700
	}
	return 0o600
}
