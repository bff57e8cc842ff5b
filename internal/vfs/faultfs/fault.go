package faultfs

import (
	"io/fs"
	"path"
	"strings"
	"syscall"
)

// Op is a set of calls.
type Op uint32

const (
	Open Op = 1 << iota
	Create
	Link
	Rename
	Remove
	Mkdir
	ReadDir
	Stat // of a name or of an open file
	SyncDir
	Read // at an offset too
	Write
	Seek
	Truncate
	Sync
	Close
	Allocate

	// Reads are the calls that leave everything as it is.
	Reads = Open | ReadDir | Stat | Read | Seek
	// Syncs are the calls that make something durable.
	Syncs = Sync | SyncDir
	// Changes are all others, and the syncs.
	Changes = Create | Link | Rename | Remove | Mkdir | Write | Truncate | Close | Allocate | Syncs
)

var opNames = []string{"open", "create", "link", "rename", "remove", "mkdir", "readdir", "stat",
	"syncdir", "read", "write", "seek", "truncate", "sync", "close", "allocate"}

// String names the calls, joined by "|".
func (op Op) String() string {
	var names []string
	for i, name := range opNames {
		if op&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, "|")
}

// Fault says which calls fail, and how. A call that fails does nothing, but
// for what Short says and for syncs (see the package comment).
type Fault struct {
	Ops   Op     // 0 is every call
	Path  string // a pattern of path.Match for the name the file was opened by, or the first of two names; "" is every name
	Skip  int    // how many matching calls go well first
	Times int    // how many then fail; 0 is 1, Always is all
	Err   error  // nil is EIO
	// Short is how many bytes a Write that fails has written before.
	Short int
}

// Always in Times lets no further matching call succeed.
const Always = -1

// fault is a Fault at work.
type fault struct {
	Fault
	seen  int
	fired int
}

// hits says whether the call fails, and counts it.
func (f *fault) hits(op Op, name string) bool {
	if f.Ops != 0 && f.Ops&op == 0 {
		return false
	}
	if f.Path != "" {
		if ok, _ := path.Match(f.Path, name); !ok {
			return false
		}
	}
	f.seen++
	if f.seen <= f.Skip || f.Times != Always && f.seen > f.Skip+max(1, f.Times) {
		return false
	}
	f.fired++
	return true
}

// Fail makes calls fail from now on. The function it returns says whether one
// has. Of several faults that match a call, the one set first has its way, and
// the others count the call as well.
func (f *FS) Fail(what Fault) (fired func() bool) {
	if _, err := path.Match(what.Path, ""); err != nil {
		panic("faultfs: bad pattern " + what.Path)
	}
	if what.Err == nil {
		what.Err = syscall.EIO
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	ft := &fault{Fault: what}
	f.faults = append(f.faults, ft)
	return func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return ft.fired > 0
	}
}

// FailAt makes the n-th call from now fail, counted from 1, whatever it is.
func (f *FS) FailAt(n int, err error) (fired func() bool) {
	return f.Fail(Fault{Skip: n - 1, Err: err})
}

// Heal takes back all faults.
func (f *FS) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = nil
}

// Calls is how many calls there have been, those that failed included.
func (f *FS) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// Watch has see called before each call takes effect, by the goroutine that
// makes the call; see may call Crash. A nil see ends it.
func (f *FS) Watch(see func(op Op, name string)) {
	f.watch.Store(&see)
}

// begin starts a call: it counts, and locks f. The caller unlocks.
func (f *FS) begin(op Op, name string) *fault {
	if see := f.watch.Load(); see != nil && *see != nil {
		(*see)(op, name)
	}
	f.mu.Lock()
	f.calls++
	var first *fault
	for _, ft := range f.faults {
		if ft.hits(op, name) && first == nil {
			first = ft
		}
	}
	return first
}

// do is begin, the work unless the call is to fail, and the end.
func (f *FS) do(op Op, name string, work func() error) error {
	ft := f.begin(op, name)
	defer f.mu.Unlock()
	if ft != nil {
		return failure(op, name, ft.Err)
	}
	return failure(op, name, work())
}

func failure(op Op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op.String(), Path: name, Err: err}
}
