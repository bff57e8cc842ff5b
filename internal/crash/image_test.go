package crash_test

import (
	"encoding/binary"
	"hash/maphash"
	"strings"

	"boxcar/internal/vfs/faultfs"
)

// image is what a disk holds, as numbers. What is in temp files is left out,
// since nothing ever reads it: only that they are there counts.
type image struct {
	blobs uint64 // and all else beside the database
	rows  uint64 // the database and its journal
	log   uint64 // the database's write-ahead log
	alike uint64 // the log without its salts, and the checksums that begin with them
}

// same is the number that two disks share which hold the same, but for SQLite's
// salts: those are random, and would make the same disk of two runs look like two.
func (i image) same() uint64 { return mix(i.blobs, i.rows, i.alike) }

var hashSeed = maphash.MakeSeed()

func newHash() (h maphash.Hash) {
	h.SetSeed(hashSeed)
	return h
}

func mix(all ...uint64) uint64 {
	h := newHash()
	for _, n := range all {
		writeInt(&h, n)
	}
	return h.Sum64()
}

func writeInt(h *maphash.Hash, n uint64) {
	var p [8]byte
	binary.LittleEndian.PutUint64(p[:], n)
	h.Write(p[:])
}

const wal = database + "-wal"

// sqlite.org/fileformat2.html#walformat
const (
	walHeader   = 32
	frameHeader = 24
	pageSize    = 4096
	frameSize   = frameHeader + pageSize
)

func look(fsys *faultfs.FS) image {
	blobs, rows, log, alike := newHash(), newHash(), newHash(), newHash()
	fsys.Visit(func(name string, offset int64, page []byte) {
		h := &blobs
		switch {
		case name == wal:
			log.Write(page)
			alike.Write(unsalted(offset, page))
			return
		case strings.HasPrefix(name, database):
			h = &rows
		case strings.HasPrefix(name, "tmp/"):
			offset, page = 0, nil
		}
		h.WriteString(name)
		writeInt(h, uint64(offset))
		writeInt(h, uint64(len(page)))
		h.Write(page)
	})
	return image{blobs.Sum64(), rows.Sum64(), log.Sum64(), alike.Sum64()}
}

// unsalted is a page of the log without the bytes that go by its salts.
func unsalted(offset int64, page []byte) []byte {
	p := append([]byte(nil), page...)
	blank := func(from, to int64) {
		from, to = max(from-offset, 0), min(to-offset, int64(len(p)))
		if from < to {
			clear(p[from:to])
		}
	}
	blank(16, walHeader)
	first := max(0, (offset-walHeader)/frameSize)
	for at := walHeader + first*frameSize; at < offset+int64(len(p)); at += frameSize {
		blank(at+8, at+frameHeader)
	}
	return p
}

// pages is the number of the rows as SQLite reads them: each page from the
// last frame that it has among those of the log that count, or else from the
// database's file.
func pages(fsys *faultfs.FS, frames int64) uint64 {
	left := walHeader + frames*frameSize
	log := make([]byte, 0, left)
	var all [][]byte
	fsys.Visit(func(name string, offset int64, page []byte) {
		switch {
		case name == database && len(page) > 0:
			all = append(all, page)
		case name == wal && frames > 0 && offset < left:
			log = append(log, page[:min(int64(len(page)), left-offset)]...)
		}
	})
	for at := walHeader; at < len(log); at += frameSize {
		n, size := int(binary.BigEndian.Uint32(log[at:])), int(binary.BigEndian.Uint32(log[at+4:]))
		for len(all) < n {
			all = append(all, nil)
		}
		all[n-1] = log[at+frameHeader : at+frameSize]
		if size != 0 { // a commit
			all = all[:size]
		}
	}
	h := newHash()
	for _, page := range all {
		writeInt(&h, uint64(len(page)))
		h.Write(page)
	}
	return h.Sum64()
}
