package sqlitefs

import (
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// node is what the open files of one name share. All of it is guarded by
// disk.mu.
type node struct {
	open int

	readers  int   // with SHARED or more
	reserved *file // with RESERVED or more
	pending  *file // with PENDING or EXCLUSIVE

	regions  []uintptr // of the log's index
	mapping  int       // files that use them
	shmLocks [lib.SQLITE_SHM_NLOCK]int
}

// alone in shmLocks stands for one file that has the lock for itself; other
// numbers are how many share it.
const alone = -1

func (d *VFS) hold(name string) *node {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.nodes[name]
	if n == nil {
		n = &node{}
		d.nodes[name] = n
	}
	n.open++
	return n
}

func (d *VFS) drop(tls *libc.TLS, f *file) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f.unmap(tls)
	if f.node.open--; f.node.open == 0 && d.nodes[f.name] == f.node {
		delete(d.nodes, f.name)
	}
}

// xLock is called for SHARED, RESERVED and EXCLUSIVE, in that order; from
// SHARED to EXCLUSIVE at once for rolling back what was left behind.
func xLock(_ *libc.TLS, h uintptr, want int32) int32 {
	f := fileOf(h)
	n := f.node
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.lock >= want {
		return lib.SQLITE_OK
	}
	others := n.pending != nil && n.pending != f
	switch want {
	case lib.SQLITE_LOCK_SHARED:
		if others {
			return lib.SQLITE_BUSY
		}
		n.readers++
	case lib.SQLITE_LOCK_RESERVED:
		if others || n.reserved != nil {
			return lib.SQLITE_BUSY
		}
		n.reserved = f
	case lib.SQLITE_LOCK_EXCLUSIVE:
		if others || n.reserved != nil && n.reserved != f {
			return lib.SQLITE_BUSY
		}
		n.pending, n.reserved = f, f
		f.lock = lib.SQLITE_LOCK_PENDING
		if n.readers > 1 {
			return lib.SQLITE_BUSY // and no new ones come
		}
	}
	f.lock = want
	return lib.SQLITE_OK
}

func xUnlock(_ *libc.TLS, h uintptr, to int32) int32 {
	f := fileOf(h)
	n := f.node
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.lock <= to {
		return lib.SQLITE_OK
	}
	if n.pending == f {
		n.pending = nil
	}
	if n.reserved == f {
		n.reserved = nil
	}
	if to == lib.SQLITE_LOCK_NONE {
		n.readers--
	}
	f.lock = to
	return lib.SQLITE_OK
}

func xCheckReservedLock(_ *libc.TLS, h, out uintptr) int32 {
	f := fileOf(h)
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	*at[int32](out) = libc.BoolInt32(f.node.reserved != nil)
	return lib.SQLITE_OK
}
