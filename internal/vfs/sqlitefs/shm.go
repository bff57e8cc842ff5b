package sqlitefs

import (
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

func xShmMap(tls *libc.TLS, h uintptr, region, size, extend int32, out uintptr) int32 {
	f := fileOf(h)
	n := f.node
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if !f.mapped {
		f.mapped = true
		n.mapping++
	}
	for extend != 0 && len(n.regions) <= int(region) {
		n.regions = append(n.regions, alloc(tls, int(size)))
	}
	*at[uintptr](out) = 0
	if int(region) < len(n.regions) {
		*at[uintptr](out) = n.regions[region]
	}
	return lib.SQLITE_OK
}

func xShmLock(_ *libc.TLS, h uintptr, first, count, flags int32) int32 {
	f := fileOf(h)
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	mask := uint16(1<<(first+count) - 1<<first)
	locks := f.node.shmLocks[first : first+count]
	switch {
	case flags&lib.SQLITE_SHM_UNLOCK != 0:
		for i := range locks {
			switch bit := uint16(1) << (int(first) + i); {
			case f.only&bit != 0:
				locks[i] = 0
			case f.shared&bit != 0:
				locks[i]--
			}
		}
		f.only &^= mask
		f.shared &^= mask
	case flags&lib.SQLITE_SHM_SHARED != 0:
		if f.shared&mask != 0 {
			return lib.SQLITE_OK
		}
		if locks[0] == alone { // it is one lock
			return lib.SQLITE_BUSY
		}
		locks[0]++
		f.shared |= mask
	default:
		for _, l := range locks {
			if l != 0 {
				return lib.SQLITE_BUSY
			}
		}
		for i := range locks {
			locks[i] = alone
		}
		f.only |= mask
	}
	return lib.SQLITE_OK
}

// xShmBarrier is passed by one goroutine at a time, which orders what they do
// before and behind it.
func xShmBarrier(_ *libc.TLS, h uintptr) {
	f := fileOf(h)
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
}

// xShmUnmap keeps the index while others use it, whatever SQLite wants deleted.
func xShmUnmap(tls *libc.TLS, h uintptr, _ int32) int32 {
	f := fileOf(h)
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.unmap(tls)
	return lib.SQLITE_OK
}

// unmap is for whoever has disk.mu.
func (f *file) unmap(tls *libc.TLS) {
	if !f.mapped {
		return
	}
	f.mapped = false
	n := f.node
	if n.mapping--; n.mapping > 0 {
		return
	}
	for _, r := range n.regions {
		free(tls, r)
	}
	n.regions = nil
}
