package sqlitefs

import (
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"

	"boxcar/internal/vfs"
)

// FS is what SQLite needs of a file system.
type FS interface {
	vfs.FS
	// Modify opens a file that is there for reading and writing.
	Modify(name string) (vfs.File, error)
}

// VFS is a file system that SQLite knows.
type VFS struct {
	Name string // for sqlite.Options.VFS

	fs      FS
	address uintptr // of its table

	mu    sync.Mutex
	nodes map[string]*node // of files that are open, by name
}

var registered atomic.Int64

// Register makes fsys known to SQLite, until Forget.
func Register(fsys FS) *VFS {
	name := fmt.Sprintf("boxcar-%d", registered.Add(1))
	d := &VFS{Name: name, fs: fsys, nodes: map[string]*node{}}
	tls := libc.NewTLS()
	defer tls.Close()
	size := int(unsafe.Sizeof(lib.Tsqlite3_vfs{}))
	address := alloc(tls, size+len(name)+1)
	table := at[lib.Tsqlite3_vfs](address)
	*table = lib.Tsqlite3_vfs{
		FiVersion:          2,
		FszOsFile:          int32(unsafe.Sizeof(handle{})),
		FmxPathname:        512,
		FzName:             address + uintptr(size),
		FpAppData:          disks.put(d),
		FxOpen:             function(xOpen),
		FxDelete:           function(xDelete),
		FxAccess:           function(xAccess),
		FxFullPathname:     function(xFullPathname),
		FxRandomness:       function(xRandomness),
		FxSleep:            function(xSleep),
		FxGetLastError:     function(xGetLastError),
		FxCurrentTimeInt64: function(xCurrentTimeInt64),
	}
	copy(memory(table.FzName, len(name)), name)
	if rc := lib.Xsqlite3_vfs_register(tls, address, 0); rc != lib.SQLITE_OK {
		panic(fmt.Sprintf("sqlitefs: register says %d", rc))
	}
	d.address = address
	return d
}

// Forget is for when all databases in d are closed.
func (d *VFS) Forget() {
	tls := libc.NewTLS()
	defer tls.Close()
	if n := d.open(); n > 0 {
		panic(fmt.Sprintf("sqlitefs: forgotten with %d files open", n))
	}
	lib.Xsqlite3_vfs_unregister(tls, d.address)
	disks.drop(at[lib.Tsqlite3_vfs](d.address).FpAppData)
	free(tls, d.address)
}

// Frames is how many frames at the beginning of a database's write-ahead log
// count, as the last connection to look has found; 0 while nobody has looked.
func (d *VFS) Frames(database string) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.nodes[database]
	if n == nil || len(n.regions) == 0 {
		return 0
	}
	return int64(at[[12]uint32](n.regions[0])[4]) // mxFrame of the index's header, sqlite.org/walformat.html
}

// Index is the first page of the index of a database's log, for as long as somebody
// has the database open.
func (d *VFS) Index(database string) io.WriterAt { return index{d, database} }

type index struct {
	disk *VFS
	name string
}

func (i index) WriteAt(p []byte, offset int64) (int, error) {
	i.disk.mu.Lock()
	defer i.disk.mu.Unlock()
	n := i.disk.nodes[i.name]
	if n == nil || len(n.regions) == 0 {
		return 0, fs.ErrNotExist
	}
	const page = 32 << 10 // bytes
	return copy(memory(n.regions[0], page)[offset:], p), nil
}

func (d *VFS) open() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.nodes)
}

// registry gives numbers that SQLite can hold for something of Go's.
type registry[T any] struct {
	mu   sync.RWMutex
	last uintptr
	m    map[uintptr]T
}

var (
	disks = registry[*VFS]{m: map[uintptr]*VFS{}}
	files = registry[*file]{m: map[uintptr]*file{}}
)

func (r *registry[T]) put(v T) uintptr {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	r.m[r.last] = v
	return r.last
}

func (r *registry[T]) get(n uintptr) T {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.m[n]
}

func (r *registry[T]) drop(n uintptr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.m, n)
}
