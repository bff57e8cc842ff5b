package blob

import (
	"syscall"
	"unsafe"
)

// newSlab is memory outside of Go's heap, in one huge page where the system
// has them: a disk that is written around the page cache takes a block in
// one piece then, where 4096 bytes at a time took twice as long.
func newSlab() []byte {
	all, err := syscall.Mmap(-1, 0, 2*slabSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		return nil
	}
	at := -uintptr(unsafe.Pointer(unsafe.SliceData(all))) % slabSize
	slab := all[at:][:slabSize:slabSize]
	unmap(all[:at])
	unmap(all[at+slabSize:])
	const hugePage = 14 // MADV_HUGEPAGE
	syscall.Madvise(slab, hugePage)
	return slab
}

// release gives the memory of a slab back to the system; it is zero when it is
// used again.
func release(slab []byte) { syscall.Madvise(slab, syscall.MADV_DONTNEED) }

// freeSlab ends a slab.
func freeSlab(slab []byte) { unmap(slab) }

func unmap(b []byte) {
	if len(b) > 0 {
		syscall.Syscall(syscall.SYS_MUNMAP, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0)
	}
}
