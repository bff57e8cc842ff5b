package crash_test

import (
	"encoding/binary"
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

// number is a hash that is the same in all processes.
type number uint64

func (n *number) int(v uint64) {
	x := (uint64(*n) ^ v) * 0x9e3779b97f4a7c15
	*n = number(x ^ x>>29)
}

func (n *number) bytes(p []byte) {
	n.int(uint64(len(p)))
	for ; len(p) >= 8; p = p[8:] {
		n.int(binary.LittleEndian.Uint64(p))
	}
	var rest [8]byte
	copy(rest[:], p)
	n.int(binary.LittleEndian.Uint64(rest[:]))
}

func mix(all ...uint64) uint64 {
	var n number
	for _, v := range all {
		n.int(v)
	}
	return uint64(n)
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
	var blobs, rows, log, alike number
	fsys.Visit(func(name string, offset int64, page []byte) {
		h := &blobs
		switch {
		case name == wal:
			log.bytes(page)
			alike.bytes(unsalted(offset, page))
			return
		case strings.HasPrefix(name, database):
			h = &rows
		case strings.HasPrefix(name, "tmp/"):
			offset, page = 0, nil
		}
		h.bytes([]byte(name))
		h.int(uint64(offset))
		h.bytes(page)
	})
	return image{uint64(blobs), uint64(rows), uint64(log), uint64(alike)}
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
	var n number
	for _, page := range all {
		n.bytes(page)
	}
	return uint64(n)
}
