package main

import (
	"crypto/sha1"
	"hash"
	"io"
	"math/rand/v2"
	"os"
	"sync"
)

// stride is how far apart the parts of a file are in the bytes that they are
// made of: a page, so that the kernel hands whole pages to the socket.
const stride = 4096

// material is what files with parts of one size are made of. Part i of each is
// the bytes from i*stride on, so all parts differ, hardly more than one part is
// held, and each digest is computed once for all rounds, before any clock runs.
type material struct {
	part int64 // bytes of a part
	path string

	random *rand.ChaCha8
	bytes  []byte      // what is in the file at path
	sums   []sum       // of whole parts
	states []hash.Hash // SHA-1 of all bytes before each part
}

type sum = [sha1.Size]byte

func newMaterial(dir string, part int64) (*material, error) {
	f, err := os.CreateTemp(dir, "material-*")
	if err != nil {
		return nil, err
	}
	return &material{part: part, path: f.Name(), random: rand.NewChaCha8([32]byte{7}), states: []hash.Hash{sha1.New()}}, f.Close()
}

// grow makes enough for files of so many parts.
func (m *material) grow(parts int) error {
	if parts <= len(m.sums) {
		return nil
	}
	old := len(m.bytes)
	m.bytes = append(m.bytes, make([]byte, m.part+int64(parts)*stride-int64(old))...)
	m.random.Read(m.bytes[old:])
	if err := os.WriteFile(m.path, m.bytes, 0o600); err != nil {
		return err
	}
	from := len(m.sums)
	m.sums = append(m.sums, make([]sum, parts-from)...)
	var work sync.WaitGroup
	work.Go(func() {
		for i := from; i < parts; i++ {
			m.sums[i] = sha1.Sum(m.bytesOf(i, m.part))
		}
	})
	work.Go(func() {
		for i := from; i < parts; i++ {
			next := cloneHash(m.states[i])
			next.Write(m.bytesOf(i, m.part))
			m.states = append(m.states, next)
		}
	})
	work.Wait()
	return nil
}

func cloneHash(h hash.Hash) hash.Hash {
	c, err := h.(hash.Cloner).Clone()
	if err != nil {
		panic(err) // SHA-1 can be cloned
	}
	return c.(hash.Hash)
}

func (m *material) bytesOf(i int, n int64) []byte { return m.bytes[int64(i)*stride:][:n] }

// file is a file that is sent and read back.
type file struct {
	*material
	size  int64
	whole sum // of all of it
	tail  sum // of its last part
}

// file makes one of size bytes, which are at least one.
func (m *material) file(size int64) (*file, error) {
	f := &file{material: m, size: size}
	if err := m.grow(f.parts()); err != nil {
		return nil, err
	}
	last := f.parts() - 1
	rest := m.bytesOf(last, f.length(last))
	h := cloneHash(m.states[last])
	h.Write(rest)
	h.Sum(f.whole[:0])
	f.tail = sha1.Sum(rest)
	return f, nil
}

func (f *file) parts() int { return int((f.size + f.part - 1) / f.part) }

// length is that of part i, in bytes.
func (f *file) length(i int) int64 { return min(f.part, f.size-int64(i)*f.part) }

func (f *file) sum(i int) sum {
	if i == f.parts()-1 {
		return f.tail
	}
	return f.sums[i]
}

// open opens part i for sending.
func (f *file) open(i int) (*extent, error) {
	r, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	if _, err := r.Seek(int64(i)*stride, io.SeekStart); err != nil {
		r.Close()
		return nil, err
	}
	return &extent{file: r, left: f.length(i)}, nil
}

// materials are those of one run, by the size of their parts.
type materials struct {
	dir string
	of  map[int64]*material
}

func (ms *materials) file(size, part int64) (*file, error) {
	m := ms.of[part]
	if m == nil {
		var err error
		if m, err = newMaterial(ms.dir, part); err != nil {
			return nil, err
		}
		ms.of[part] = m
	}
	return m.file(size)
}
