package main

import (
	"os"
	"path/filepath"
)

const (
	oneFile1  = "one file, 1 part in flight"
	oneFile4  = "one file, 4 parts in flight"
	oneFile16 = "one file, 16 parts in flight"
	fourFiles = "4 files at once, 4 parts of each"
)

const part8 = 8 * mib

// bench is what the loads of one run share.
type bench struct {
	dir       string // servers have their data below it
	size      int64  // of the big file, bytes
	materials *materials
	targets   map[string]target
	missing   []string // targets, and why they are
}

// newBench makes a directory of its own in dir, or where temporary ones are.
// All is gone after done.
func newBench(dir string, size int64) (b *bench, done func(), err error) {
	tmp, err := os.MkdirTemp(dir, "boxcar-bench-*")
	if err != nil {
		return nil, nil, err
	}
	b = &bench{dir: tmp, size: size, materials: &materials{dir: tmp, of: map[int64]*material{}}}
	return b, func() { os.RemoveAll(tmp) }, nil
}

// place is where a server of that name has its data.
func (b *bench) place(name string) string { return filepath.Join(b.dir, "servers", name) }

var (
	uploadFigures = []figure{rate, lastPart, cpu, user, system, own, peak, commit}
	uploadRatios  = []figure{rate, cpu}
)

// uploads makes a contest of a load for the targets that are there.
func (b *bench) uploads(name string, u upload, targets ...string) contest {
	c := contest{name: name, figures: uploadFigures, ratios: uploadRatios}
	for _, of := range targets {
		if t, ok := b.targets[of]; ok {
			c.contestants = append(c.contestants, u.contestant(b, t, of))
		}
	}
	return c
}

// contests are all loads, in the order in which they run.
func (b *bench) contests() []contest {
	return []contest{
		b.uploads(oneFile4, upload{files: 1, size: b.size, part: part8, parallel: 4}, everybody...),
		b.uploads(fourFiles, upload{files: 4, size: b.size / 4, part: part8, parallel: 4}, everybody...),
		b.uploads(oneFile1, upload{files: 1, size: b.size, part: part8, parallel: 1}, everybody...),
		b.uploads(oneFile16, upload{files: 1, size: b.size, part: part8, parallel: 16}, everybody...),
	}
}
