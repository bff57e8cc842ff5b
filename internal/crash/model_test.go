package crash_test

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"strings"

	"boxcar/internal/content"
)

// contents are what files are made of: few, and alike but for one part, so
// that blobs come to be shared.
var contents = func() (all [][]byte) {
	for n, size := range []int{3*partSize + 100, 3 * partSize, 2*partSize + 1, partSize, 2*partSize + 700, 3*partSize + 100} {
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(i*7 + i/partSize*31)
		}
		data[n*partSize%size]++
		all = append(all, data)
	}
	return all
}()

// label is how a content is written in a model.
func label(sum content.SHA1, size int64) string {
	return fmt.Sprintf("%d:%s", size, hex.EncodeToString(sum[:4]))
}

func labelOf(data []byte) string { return label(sha1.Sum(data), int64(len(data))) }

// stored are the digests of all that may be the bytes of a blob.
var stored = func() map[content.SHA1]bool {
	all := map[content.SHA1]bool{}
	for _, data := range contents {
		all[sha1.Sum(data)] = true
		for at := 0; at < len(data); at += partSize {
			all[sha1.Sum(data[at:min(at+partSize, len(data))])] = true
		}
	}
	return all
}()

// session is an upload session, and what its client means to do with it.
type session struct {
	content.Session
	path    string
	version bool // of a file that is there
	data    []byte
}

// fate is how a session has ended.
type fate int

const (
	unknown fate = iota // it has not been created, as far as its client knows
	open
	committed
	aborted
	over // its time is, or may be
)

// model is what one client knows to be there, or what may be there. Paths are
// from the root; what is in the trash has "~" and its last name, and for
// what is in it the path below that.
type model struct {
	items map[string]string // "dir", or the labels of a file's versions, oldest first
	from  map[string]string // where what is in the trash was
	fates map[*session]fate
	parts map[*session]map[int64]bool // by slot
}

func newModel() *model {
	return &model{map[string]string{}, map[string]string{}, map[*session]fate{}, map[*session]map[int64]bool{}}
}

func (m *model) clone() *model {
	c := &model{maps.Clone(m.items), maps.Clone(m.from), maps.Clone(m.fates), map[*session]map[int64]bool{}}
	for s, parts := range m.parts {
		c.parts[s] = maps.Clone(parts)
	}
	return c
}

func (m *model) add(at string, data []byte) {
	if was := m.items[at]; was != "" {
		m.items[at] = was + " " + labelOf(data)
		return
	}
	m.items[at] = labelOf(data)
}

// rename moves an item with all that is in it.
func (m *model) rename(from, to string) {
	for at, what := range maps.Clone(m.items) {
		if rest, ok := strings.CutPrefix(at, from); ok && (rest == "" || rest[0] == '/') {
			delete(m.items, at)
			m.items[to+rest] = what
		}
	}
}

// copy copies an item with all that is in it; of files the current versions.
func (m *model) copy(from, to string) {
	for at, what := range maps.Clone(m.items) {
		if rest, ok := strings.CutPrefix(at, from); ok && (rest == "" || rest[0] == '/') {
			m.items[to+rest] = what[strings.LastIndexByte(what, ' ')+1:]
		}
	}
}

func (m *model) trash(at string) {
	in := "~" + path.Base(at)
	m.rename(at, in)
	m.from[in] = at
}

func (m *model) restore(in string) {
	m.rename(in, m.from[in])
	delete(m.from, in)
}

func (m *model) purge(in string) {
	for at := range maps.Clone(m.items) {
		if rest, ok := strings.CutPrefix(at, in); ok && (rest == "" || rest[0] == '/') {
			delete(m.items, at)
		}
	}
	delete(m.from, in)
}

func (m *model) stored(s *session, slots ...int64) {
	if m.parts[s] == nil {
		m.parts[s] = map[int64]bool{}
	}
	for _, slot := range slots {
		m.parts[s][slot] = true
	}
}
