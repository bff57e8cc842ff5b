package blob

import (
	"io"
	"runtime"
	"slices"
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
	// slabSize is that of a huge page, where there are any.
	slabSize = 2 * BlockSize
	// idleSlabs and idleSmalls keep their memory when no source is at work.
	idleSlabs  = 4
	idleSmalls = 16
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

	mu       sync.Mutex
	extra    int      // blocks that may be taken beyond one a source
	keep     int      // of those, how many may be kept
	most     int      // of those, how many there were at first
	out      int      // blocks in use
	peak     int      // the most that were, since the last shrink
	blocks   [][]byte // that are free
	smalls   [][]byte // likewise
	outSmall int      // small blocks in use
	slabs    *slabs
}

// slabs are where the blocks are. They outlive a burst, but for their memory.
type slabs struct{ all [][]byte }

// NewIntake makes an Intake with so many blocks to share.
func NewIntake(extra int) *Intake {
	in := &Intake{
		hasher: new(digest.Hasher), extra: extra, keep: extra * 3 / 4, most: extra * 3 / 4,
		slabs: new(slabs),
	}
	runtime.AddCleanup(in, func(s *slabs) {
		for _, slab := range s.all {
			freeSlab(slab)
		}
	}, in.slabs)
	return in
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

// CanKeep says whether a source of so many bytes could ever keep them.
func (in *Intake) CanKeep(size int64) bool { return in != nil && blocksFor(size) <= in.most }

func blocksFor(size int64) int { return int((size + BlockSize - 1) / BlockSize) }

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
	if size == smallSize {
		in.outSmall++
		return pop(&in.smalls, func() { in.smalls = append(in.smalls, aligned(smallSize)) })
	}
	in.out++
	in.peak = max(in.peak, in.out)
	return pop(&in.blocks, in.grow)
}

func pop(free *[][]byte, grow func()) []byte {
	if len(*free) == 0 {
		grow()
	}
	last := len(*free) - 1
	b := (*free)[last]
	*free = (*free)[:last]
	return b
}

// grow adds blocks to those that are free.
func (in *Intake) grow() {
	slab := newSlab()
	if slab == nil {
		in.blocks = append(in.blocks, aligned(BlockSize))
		return
	}
	in.slabs.all = append(in.slabs.all, slab)
	in.addSlab(slab)
}

func (in *Intake) addSlab(slab []byte) {
	for at := slabSize - BlockSize; at >= 0; at -= BlockSize {
		in.blocks = append(in.blocks, slab[at:][:BlockSize:BlockSize])
	}
}

// put gives memory back.
func (in *Intake) put(b []byte) {
	if in == nil {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	b = b[:cap(b)]
	if cap(b) == smallSize {
		in.smalls = append(in.smalls, b)
		if in.outSmall--; in.outSmall == 0 && len(in.smalls) > idleSmalls {
			clear(in.smalls[idleSmalls:])
			in.smalls = in.smalls[:idleSmalls]
		}
		return
	}
	in.blocks = append(in.blocks, b)
	if in.out--; in.out == 0 {
		in.shrink()
	}
}

// shrink gives the memory of a burst back when it is over, and has the blocks
// that keep theirs taken first.
func (in *Intake) shrink() {
	const idle = idleSlabs * slabSize / BlockSize
	if in.peak <= idle {
		return
	}
	in.peak = 0
	clear(in.blocks)
	in.blocks = in.blocks[:0] // what is Go's goes with that
	for i, slab := range slices.Backward(in.slabs.all) {
		if i >= idleSlabs {
			release(slab)
		}
		in.addSlab(slab)
	}
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
