package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Loads that figures are asked of.
const (
	oneFile1       = "one file, 1 part in flight"
	oneFile4       = "one file, 4 parts in flight"
	oneFile16      = "one file, 16 parts in flight"
	fourFiles      = "4 files at once, 4 parts of each"
	eightFiles     = "8 files at once, 2 parts of each"
	bigParts       = "parts of 64 MiB, 16 in flight"
	randomOrder    = "parts in random order, 4 in flight"
	smallParts     = "parts of 4 KiB, 16 in flight"
	smallUploads   = "files of 4 KiB, 32 clients"
	createSessions = "opening sessions, 32 clients"
	readSessions   = "reading sessions, 32 clients"
	commits        = "commit by size of file, 16 parts in flight"
	slowBeside     = "one file, 4 parts in flight, beside 5,000 slow connections"
	planning512    = "plan of a version that is there already"
	clientsNear    = "one file, by several clients"
	clientsFar     = "one file, by several clients, 50 ms and 25 MB/s away"
	foldersNear    = "1,000 files of 10 KiB, by several clients"
	foldersFar     = "1,000 files of 10 KiB, by several clients, 50 ms and 25 MB/s away"
)

var (
	downloadOne  = download{clients: 1}
	downloadFour = download{clients: 4}
)

const part8 = 8 * mib

// bench is what the loads of one run share.
type bench struct {
	dir          string        // servers have their data below it
	size         int64         // of the big file, bytes
	commitSize   int64         // of the largest file of commits, bytes
	spell        time.Duration // how long small files are sent
	sessionsOpen int           // before sessions are measured
	upSize       int64         // of the file that clients upload, bytes

	materials *materials
	parcels   map[parcel]*madeParcel
	targets   map[string]target
	binaries  map[string]string // of those targets that have one
	missing   []string          // targets, and why they are
	closers   []func()          // of what stays open between contests
}

// newBench makes a directory of its own in dir, or where temporary ones are.
// All is gone after done.
func newBench(dir string, size int64) (b *bench, done func(), err error) {
	tmp, err := os.MkdirTemp(dir, "boxcar-bench-*")
	if err != nil {
		return nil, nil, err
	}
	// Servers are told paths, and may have another working directory.
	if tmp, err = filepath.Abs(tmp); err != nil {
		return nil, nil, err
	}
	b = &bench{
		dir: tmp, size: size, commitSize: size, upSize: size, spell: time.Second, sessionsOpen: 1000,
		materials: &materials{dir: tmp, of: map[int64]*material{}}, parcels: map[parcel]*madeParcel{},
		targets: map[string]target{}, binaries: map[string]string{},
	}
	return b, func() {
		for _, c := range slices.Backward(b.closers) {
			c()
		}
		os.RemoveAll(tmp)
	}, nil
}

// place is where a server of that name has its data.
func (b *bench) place(name string) string { return filepath.Join(b.dir, "servers", name) }

var (
	uploadFigures = []figure{rate, lastPart, cpu, user, system, own, peak, commit}
	uploadRatios  = []figure{rate, cpu}
)

// uploads makes a contest of a load for those of the targets that are there.
func (b *bench) uploads(name string, u upload, targets ...string) contest {
	c := contest{name: name, figures: uploadFigures, ratios: uploadRatios}
	for _, of := range targets {
		if t, ok := b.targets[of]; ok {
			c.contestants = append(c.contestants, u.contestant(b, t, of))
		}
	}
	return c
}

const (
	inOrder  = "boxcar, in order"
	atRandom = "boxcar, random order"
)

// orders is boxcar beside itself.
func (b *bench) orders(name string, u upload) contest {
	c := contest{name: name, figures: uploadFigures, ratios: []figure{rate, lastPart, cpu}}
	if t, ok := b.targets["boxcar"]; ok {
		c.contestants = append(c.contestants, u.contestant(b, t, inOrder))
		u.random = true
		c.contestants = append(c.contestants, u.contestant(b, t, atRandom))
	}
	return c
}

// commitRow names the contestant of one size.
func commitRow(size int64) string { return fmt.Sprintf("boxcar, %d MiB", size/mib) }

// commitSizes are those of files that are committed.
func (b *bench) commitSizes() []int64 {
	sizes := []int64{64 * mib, gib, b.commitSize}
	slices.Sort(sizes)
	return slices.DeleteFunc(slices.Compact(sizes), func(n int64) bool { return n > b.commitSize })
}

// commits is boxcar with files of several sizes, the largest once only.
func (b *bench) commits(name string) contest {
	c := contest{name: name, figures: uploadFigures}
	t, ok := b.targets["boxcar"]
	if !ok {
		return c
	}
	for _, size := range b.commitSizes() {
		one := upload{files: 1, size: size, part: part8, parallel: 16}.contestant(b, t, commitRow(size))
		if size > b.size {
			one.rounds = 1
		}
		c.contestants = append(c.contestants, one)
	}
	return c
}

// contests are all loads, in the order in which they run.
func (b *bench) contests() []contest {
	takers := []string{"floor", "floor+2sha", "boxcar", "minio", "versitygw"}
	floors, withMinIO := takers[:3], takers[:4]
	one := func(parallel int) upload { return upload{files: 1, size: b.size, part: part8, parallel: parallel} }
	small := b.uploads(smallParts, upload{files: 1, size: min(b.size, 4096*1000), part: 4096, parallel: 16}, floors...)
	small.figures = []figure{partRate, cpu, user, system, own, peak, commit}
	small.ratios = []figure{partRate, cpu}
	all := []contest{
		b.uploads(oneFile4, one(4), takers...),
		b.uploads(fourFiles, upload{files: 4, size: b.size / 4, part: part8, parallel: 4}, takers...),
		b.uploads(oneFile1, one(1), floors...),
		b.uploads(oneFile16, one(16), withMinIO...),
		b.uploads(eightFiles, upload{files: 8, size: b.size / 8, part: part8, parallel: 2}, floors...),
		b.uploads(bigParts, upload{files: 1, size: b.size, part: 64 * mib, parallel: 16}, withMinIO...),
		b.orders(randomOrder, one(4)),
		b.slow(slowBeside, upload{files: 1, size: min(b.size, gib), part: part8, parallel: 4}),
		small,
		b.commits(commits),
		b.plans(planning512, min(b.size, gib)),
		b.smallFiles(smallUploads, "floor", "boxcar", "minio", "versitygw"),
	}
	all = append(all, b.sessions(createSessions, readSessions, "minio", "boxcar")...)
	from := &origins{b: b, open: map[string]origin{}}
	for _, tls := range []bool{false, true} {
		for _, ranges := range []bool{false, true} {
			for _, clients := range []int{1, 4} {
				all = append(all, b.downloads(download{clients: clients, ranges: ranges, tls: tls}, from))
			}
		}
	}
	programs := []string{boxcarUp, rclone, rcloneHTTP1, nodeSDK3, nodeSDK10}
	big, folder := parcel{1, b.upSize}, parcel{1000, 10 << 10}
	return append(all,
		b.clients(clientsNear, big, link{}, programs...),
		b.clients(clientsFar, big, farAway, programs...),
		b.clients(foldersNear, folder, link{}, programs[:3]...),
		b.clients(foldersFar, folder, farAway, programs[:3]...),
	)
}
