package sqlitefs

import (
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// SQLite's memory is not Go's: addresses in it are numbers, and good until
// they are freed.

// at is what is at an address of SQLite's memory.
func at[T any](address uintptr) *T { return (*T)(*(*unsafe.Pointer)(unsafe.Pointer(&address))) }

// memory is n bytes at an address of SQLite's memory.
func memory(address uintptr, n int) []byte { return unsafe.Slice(at[byte](address), n) }

// text is a string that ends with a zero byte.
func text(address uintptr) string { return libc.GoString(address) }

// function is what SQLite calls f by; f is no closure.
func function[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&f)) }

// alloc gives n zero bytes of SQLite's memory.
func alloc(tls *libc.TLS, n int) uintptr {
	p := lib.Xsqlite3_malloc64(tls, uint64(n))
	if p == 0 {
		panic("sqlitefs: no memory")
	}
	clear(memory(p, n))
	return p
}

func free(tls *libc.TLS, address uintptr) { lib.Xsqlite3_free(tls, address) }
