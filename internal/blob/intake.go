package blob

import (
	"io"
	"runtime"
	"sync"
	"unsafe"

	"boxcar/internal/digest"
)

// BlockSize is how many bytes a Source hands over at a time, but for the last
// block, and the first of a source whose size nobody knows.
const BlockSize = 1 << 20

const (
	// smallSize is enough for most small files.
	smallSize = 64 << 10
	// alignment suits O_DIRECT on every common disk.
	alignment = 4096
	// idleBlocks are kept for the next source when none is at work.
	idleBlocks = 8
)

// Intake is what sources share: who hashes for them, and the memory that their
// bytes pass through. Each source has one block, whatever happens; beyond that,
// so that a block can be read while another is hashed and written, or kept for
// who wants its bytes again, there are as many as the Intake was made with. Its methods
// may be called concurrently.
//
// A nil Intake hashes where the bytes are read, and gives every source memory
// of its own.
type Intake struct {
	hasher *digest.Hasher
	writes turns

	mu       sync.Mutex
	extra    int // blocks that may be taken beyond one a source
	keep     int // of those, how many may be kept
	out      int // blocks in use
	blocks   [][]byte
	smalls   [][]byte
	outSmall int // small blocks in use
}

// NewIntake makes an Intake with so many blocks to share.
func NewIntake(extra int) *Intake {
	return &Intake{
		hasher: new(digest.Hasher), extra: extra, keep: extra * 3 / 4,
		writes: turns{free: max(4, 2*runtime.GOMAXPROCS(0))},
	}
}

// Hasher hashes for the sources, and for who else wants to be hashed beside them.
func (in *Intake) Hasher() *digest.Hasher {
	if in == nil {
		return nil
	}
	return in.hasher
}

// Verify makes a Source of r. Each of want that is known is checked. The bytes
// are added to also, too, if it is not nil. The caller closes the source.
func (in *Intake) Verify(r io.Reader, want Want, also *digest.SHA1) *Source {
	in.Hasher().Join()
	return &Source{in: in, r: r, want: want, sha1: digest.New(), also: also}
}

// share takes n of the extra blocks for its caller, all or none.
func (in *Intake) share(n int, kept bool) bool {
	if in == nil {
		return false
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if n > in.extra || kept && n > in.keep {
		return false
	}
	in.extra -= n
	if kept {
		in.keep -= n
	}
	return true
}

// unshare gives them back.
func (in *Intake) unshare(n int, kept bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.extra += n
	if kept {
		in.keep += n
	}
}

// block gets memory at a multiple of the alignment.
func (in *Intake) block(size int) []byte {
	if in == nil {
		return aligned(size)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	free := &in.blocks
	if size == smallSize {
		free = &in.smalls
		in.outSmall++
	} else {
		in.out++
	}
	if n := len(*free); n > 0 {
		b := (*free)[n-1]
		*free = (*free)[:n-1]
		return b
	}
	return aligned(size)
}

// put gives memory back.
func (in *Intake) put(b []byte) {
	if in == nil {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if cap(b) == smallSize {
		in.outSmall--
		in.smalls = back(in.smalls, b, in.outSmall)
	} else {
		in.out--
		in.blocks = back(in.blocks, b, in.out)
	}
}

// back adds a block to those that are free. What a burst took goes when it is
// over: before, it would only be garbage that is asked for again.
func back(free [][]byte, b []byte, used int) [][]byte {
	free = append(free, b[:cap(b)])
	if used == 0 && len(free) > idleBlocks {
		clear(free[idleBlocks:])
		free = free[:idleBlocks]
	}
	return free
}

func aligned(size int) []byte {
	b := make([]byte, size)
	if uintptr(unsafe.Pointer(unsafe.SliceData(b)))%alignment == 0 {
		return b // as is all that Go allocates of this size
	}
	b = make([]byte, size+alignment)
	at := -uintptr(unsafe.Pointer(unsafe.SliceData(b))) % alignment
	return b[at:][:size:size]
}
