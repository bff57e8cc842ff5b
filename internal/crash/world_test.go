package crash_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"boxcar/internal/auth"
	"boxcar/internal/blob"
	"boxcar/internal/blob/disk"
	"boxcar/internal/blob/inline"
	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/meta/sqlite"
	"boxcar/internal/sweep"
	"boxcar/internal/tree"
	"boxcar/internal/upload"
	"boxcar/internal/vfs/faultfs"
	"boxcar/internal/vfs/sqlitefs"
)

const (
	database = "boxcar.db"
	inRow    = 512  // bytes of the largest blob that is a row
	partSize = 1024 // bytes; what is torn and lost does not go by how many there are
)

// house is the services of a server over one disk.
type house struct {
	fs     *faultfs.FS
	rows   *sqlite.Store
	blobs  blob.Store  // small ones are rows
	files  *disk.Store // the others
	tree   *tree.Service
	upload *upload.Service
	sweep  *sweep.Service
	auth   *auth.Service
	who    content.Principal

	vfs  *sqlitefs.VFS
	site site
	late sync.WaitGroup // blobs that a mutant has answered for before
}

// source makes ids and what has to be random. It is the same in each run, so
// that what is the same on two disks looks the same.
type source struct{ n atomic.Uint64 }

func (s *source) newID() content.ID { return content.ID(1000 + s.n.Add(1)) }

func (s *source) random(b []byte) {
	for len(b) > 0 {
		x := s.n.Add(1)
		var word [8]byte
		// The finaliser of SplitMix64: keys spread over all shards.
		x *= 0x9e3779b97f4a7c15
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		binary.BigEndian.PutUint64(word[:], x^x>>31)
		b = b[copy(b, word[:]):]
	}
}

// site is how a house is built.
type site struct {
	source *source
	now    func() time.Time
	mutant *mutant // nil: none
	// readers is how many connections read. Each has to parse the schema and
	// its queries, which is most of what a look at a disk costs.
	readers int
	// logSize is from where on the log is written back and begun anew.
	logSize int64
}

// shortLog has that happen several times in a short program. It is all that is
// different from how the server opens its database.
const shortLog = 20 * pageSize

// open starts a server on a disk, as daemon does.
func (s site) open(ctx context.Context, fsys *faultfs.FS) (*house, error) {
	h, err := s.storage(fsys)
	if err == nil {
		err = h.start(ctx)
	}
	if err != nil {
		h.off()
	}
	return h, err
}

// storage opens rows and blobs.
func (s site) storage(fsys *faultfs.FS) (h *house, err error) {
	under := s.mutant.disks(fsys)
	h = &house{fs: fsys, vfs: sqlitefs.Register(under.sqlite), site: s}
	if h.rows, err = sqlite.Open(database, sqlite.Options{VFS: h.vfs.Name, FS: under.rows, Index: h.vfs.Index(database), Readers: s.readers, LogSize: s.logSize}); err != nil {
		return h, err
	}
	if h.files, err = disk.Open(under.blobs); err != nil {
		return h, err
	}
	// As it is served, small blobs are rows: the ends of most files here.
	h.blobs = inline.New(h.rows, h.files, inRow, s.now)
	return h, nil
}

// start builds the services, and does what a start of the server does.
func (h *house) start(ctx context.Context) (err error) {
	s := h.site
	rows, blobs := s.mutant.stores(h)
	h.auth = &auth.Service{Meta: rows, Now: s.now, NewID: s.source.newID, Random: s.source.random}
	if _, err = h.auth.Start(ctx, func(auth.Credentials) error { return nil }); err != nil {
		return fmt.Errorf("first start: %w", err)
	}
	if h.who, err = h.auth.Operator(ctx); err != nil {
		return err
	}
	quiet := slog.New(slog.DiscardHandler)
	h.tree = &tree.Service{
		Meta: rows, Blobs: blobs, Now: s.now, NewID: s.source.newID, Random: s.source.random, Log: quiet, MaxFileSize: 1 << 30,
		Bites: meta.Bites{Rows: 3, Time: time.Hour}, // so that a small tree takes several, always as many
	}
	var none int64
	h.upload = upload.New(upload.Config{
		Meta: rows, Blobs: blobs, Tree: h.tree, Now: s.now, NewID: s.source.newID, Random: s.source.random,
		Answer: func(error) (int, string, string) { return 0, "", "" }, Log: quiet,
		Limits: upload.Limits{MinChunkedSize: &none, PartSize: partSize, FollowFrom: 1, FollowWait: time.Nanosecond},
	})
	h.sweep = &sweep.Service{
		Meta: rows, Blobs: blobs, Now: s.now, Log: quiet, Bites: h.tree.Bites,
		Arriving: h.upload.Arriving, Growing: h.tree.Growing,
	}
	s.mutant.services(h)
	if err := h.upload.Recover(ctx); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	if err := h.sweep.Start(ctx); err != nil {
		return fmt.Errorf("start of the sweep: %w", err)
	}
	return nil
}

// close stops a server in order.
func (h *house) close() (err error) {
	if h.tree != nil {
		h.tree.Close()
	}
	if h.upload != nil {
		h.upload.Close()
	}
	h.late.Wait()
	if h.rows != nil {
		err = h.rows.Close()
	}
	h.vfs.Forget()
	return err
}

// errOff is what all calls of a disk without power say.
var errOff = errors.New("the power is off")

// off is the end of a server whose disk is of no more interest.
func (h *house) off() {
	h.fs.Fail(faultfs.Fault{Times: faultfs.Always, Err: errOff})
	h.close()
}

// base is a disk with what a first start makes, all of it durable.
var base = sync.OnceValue(func() *faultfs.FS {
	fsys := faultfs.New()
	h, err := site{source: new(source), now: time.Now, readers: 1}.open(context.Background(), fsys)
	if err == nil {
		// The first file makes all directories of blobs, which is a program of its own.
		ctx, key := context.Background(), blob.NewKey([16]byte{1})
		err = errors.Join(h.files.Put(ctx, key, blob.Verify(strings.NewReader("first"), blob.Want{Size: 5}, nil)), h.files.Delete(ctx, key))
	}
	if err == nil {
		err = h.close()
	}
	if err != nil {
		panic(err)
	}
	return fsys.Crash(faultfs.Kept)
})
