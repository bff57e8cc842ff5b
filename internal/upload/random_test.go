package upload_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha512"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"boxcar/internal/auth"
	"boxcar/internal/blob"
	"boxcar/internal/blob/disk"
	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/meta/sqlite"
	"boxcar/internal/sweep"
	"boxcar/internal/tree"
	"boxcar/internal/upload"
	"boxcar/internal/vfs/faultfs"
)

var (
	randomSeed = flag.Uint64("random.seed", 0, "seed of TestRandom; 0: another each time")
	randomTime = flag.Duration("random.time", 3*time.Second, "how long TestRandom does things at random")
)

// crowd is many clients of one server, who share sessions and files.
type crowd struct {
	t      *testing.T
	rows   *sqlite.Store
	blobs  *disk.Store
	tree   *tree.Service
	upload *upload.Service
	sweep  *sweep.Service
	who    content.Principal

	id    atomic.Int64
	ahead atomic.Int64 // of the real clock, ns
	jumps atomic.Int64 // of the clock
	did   sync.Map     // what was done: name to *atomic.Int64
	broom sync.Mutex   // held while sweeping

	mu       sync.Mutex
	sessions []*shared
	files    []*published
	contents [][]byte
}

// shared is a session and what clients have been told of it.
type shared struct {
	content.Session
	data []byte

	mu      sync.Mutex
	acked   map[int64]string // part ids by slot
	over    bool             // an abort has begun, or the clock has gone past its end
	version content.ID       // what a commit answered
	file    content.ID       // the same
}

// published is a file of which a commit or simple upload has told.
type published struct {
	*content.File
	data []byte
	gone atomic.Bool // it was put in the trash, or is about to be
}

func newCrowd(t *testing.T, seed uint64) *crowd {
	c := &crowd{t: t}
	now := func() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }
	newID := func() content.ID { return content.ID(c.id.Add(1)) }
	var err error
	if c.rows, err = sqlite.Open(filepath.Join(t.TempDir(), "db"), sqlite.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.rows.Close() })
	if c.blobs, err = disk.Open(faultfs.New()); err != nil {
		t.Fatal(err)
	}
	a := &auth.Service{Meta: c.rows, Now: now, NewID: newID, Random: random}
	first, err := a.Start(t.Context(), func(auth.Credentials) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if c.who, err = a.Authenticate(t.Context(), first.DeveloperToken, ""); err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	var none int64
	c.tree = &tree.Service{Meta: c.rows, Blobs: c.blobs, Now: now, NewID: newID, Random: random, Log: quiet, MaxFileSize: 1 << 30}
	c.upload = upload.New(upload.Config{Intake: blob.NewIntake(4),
		Meta: c.rows, Blobs: c.blobs, Tree: c.tree, Now: now, NewID: newID, Random: random,
		Answer: func(error) (int, string, string) { return 0, "", "" }, Log: quiet,
		Limits: upload.Limits{MinChunkedSize: &none, PartSize: partSize, FollowFrom: 1, FollowWait: []time.Duration{-1, 5 * time.Millisecond}[seed%2]},
	})
	c.sweep = &sweep.Service{Meta: c.rows, Blobs: c.blobs, Now: now, Log: quiet, Arriving: c.upload.Arriving}

	// Few contents, so that plan finds something.
	r := rand.New(rand.NewPCG(seed, 0))
	base := make([]byte, 6*partSize)
	for i := range base {
		base[i] = byte(r.Uint32())
	}
	for n := range 6 {
		data := bytes.Clone(base[:len(base)-n*400])
		data[n*partSize%len(data)]++
		c.contents = append(c.contents, data)
	}
	return c
}

// fails says whether err is there; it has to be of one of the kinds, unless the client went away.
func (c *crowd) fails(ctx context.Context, what string, err error, kinds ...content.Kind) bool {
	c.t.Helper()
	if err != nil && ctx.Err() == nil && !content.Is(err, kinds...) {
		c.t.Errorf("%s: %v", what, err)
	}
	n, _ := c.did.LoadOrStore(fmt.Sprintf("%s, worked: %v", what, err == nil), new(atomic.Int64))
	n.(*atomic.Int64).Add(1)
	return err != nil
}

// pick is one of the last few of a list, or its zero if there is none.
func pick[T any](c *crowd, r *rand.Rand, list *[]T) (one T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(*list); n > 0 {
		one = (*list)[n-1-r.IntN(min(n, 6))]
	}
	return one
}

func (c *crowd) create(ctx context.Context, r *rand.Rand) {
	s := &shared{data: c.contents[r.IntN(len(c.contents))], acked: map[int64]string{}}
	root, name := "0", fmt.Sprintf("file %d", c.id.Add(1))
	req := upload.Request{Size: int64(len(s.data)), Folder: &root, Name: &name}
	if f := pick(c, r, &c.files); f != nil && r.IntN(2) == 0 {
		req = upload.Request{Size: req.Size, File: f.ID}
	}
	var err error
	if s.Session, err = c.upload.Create(ctx, c.who, req); c.fails(ctx, "create", err, content.NotFound, content.Trashed) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions = append(c.sessions, s)
}

// told keeps what a client learns of a part, and compares it with what others were told.
func (c *crowd) told(s *shared, slot int64, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if was := s.acked[slot]; was != "" && was != id {
		c.t.Errorf("session %s: part %d is %s, and was %s", s.ID, slot, id, was)
	}
	s.acked[slot] = id
}

var ended = []content.Kind{content.NotFound, content.SessionExpired, content.SessionBusy}

func (c *crowd) put(ctx context.Context, r *rand.Rand, s *shared, slot int64) {
	span := s.Grid.Slot(slot)
	body := bytes.Clone(s.data[span.Start:span.End])
	sent := upload.Sent{Span: span, Total: s.Grid.FileSize, SHA1: sha1.Sum(body), Length: -1}
	kinds := append(slices.Clone(ended), content.RangeNotSatisfiable) // of a file that was deleted for good
	if r.IntN(10) == 0 {
		body[r.IntN(len(body))]++
		kinds = append(kinds, content.DigestMismatch)
	}
	part, err := c.upload.PutPart(ctx, c.who, s.ID, sent, bytes.NewReader(body))
	if c.fails(ctx, "put", err, kinds...) {
		return
	}
	if part.Span != span || part.SHA1 != sent.SHA1 {
		c.t.Errorf("session %s: part %d is answered with %v", s.ID, slot, part)
	}
	c.told(s, slot, part.ID)
}

func (c *crowd) plan(ctx context.Context, r *rand.Rand, s *shared) {
	var offers []upload.Offer
	for slot := range s.Grid.Parts() {
		if r.IntN(3) > 0 {
			span := s.Grid.Slot(slot)
			offers = append(offers, upload.Offer{Span: span, SHA512: sha512.Sum512(s.data[span.Start:span.End])})
		}
	}
	planned, err := c.upload.Plan(ctx, c.who, s.ID, offers)
	if c.fails(ctx, "plan", err, ended...) {
		return
	}
	for _, p := range planned {
		if p.Hit {
			c.fails(ctx, "plan of a part", nil)
			c.told(s, p.Span.Start/s.Grid.PartSize, p.Part)
		}
	}
}

// list gets the parts of a session: all that were told of before, if it goes on.
func (c *crowd) list(ctx context.Context, s *shared) (listed []upload.Listed, ok bool) {
	s.mu.Lock()
	before := maps.Clone(s.acked)
	s.mu.Unlock()
	_, parts, err := c.upload.Parts(ctx, c.who, s.ID, 0, 1000)
	s.mu.Lock()
	over := s.over
	s.mu.Unlock()
	if over {
		return nil, false // it may have ended between any two lines above
	}
	if c.fails(ctx, "list", err) {
		return nil, false
	}
	for _, p := range parts {
		slot := p.Span.Start / s.Grid.PartSize
		if want := sha1.Sum(s.data[p.Span.Start:p.Span.End]); p.SHA1 != want {
			c.t.Errorf("session %s: part %d has the wrong digest", s.ID, slot)
		}
		if before[slot] != "" && before[slot] != p.ID {
			c.t.Errorf("session %s: part %d is %s, and was %s", s.ID, slot, p.ID, before[slot])
		}
		delete(before, slot)
		listed = append(listed, upload.Listed{ID: p.ID, Offset: p.Span.Start, Size: p.Span.Len(), SHA1: &p.SHA1, Quote: p.SHA1.String})
	}
	for slot := range before {
		c.t.Errorf("session %s: part %d was acknowledged and is gone", s.ID, slot)
	}
	return listed, true
}

func (c *crowd) commit(ctx context.Context, r *rand.Rand, s *shared) {
	listed, ok := c.list(ctx, s)
	if !ok {
		return
	}
	sum := content.SHA1(sha1.Sum(s.data))
	kinds := append(slices.Clone(ended), content.PartsMismatch, content.Trashed, content.NameTaken)
	if r.IntN(5) == 0 {
		sum[0]++
		kinds = append(kinds, content.DigestMismatch)
	}
	file, err := c.upload.Commit(ctx, c.who, s.ID, upload.Commit{Parts: listed, SHA1: sum})
	if c.fails(ctx, "commit", err, kinds...) {
		return
	}
	if sum != file.Version.SHA1 || file.Version.Size != s.Grid.FileSize {
		c.t.Errorf("session %s: the file has the digest %v and %d bytes", s.ID, file.Version.SHA1, file.Version.Size)
	}
	s.mu.Lock()
	was := s.version
	s.version, s.file = file.Version.ID, file.ID
	s.mu.Unlock()
	if was != 0 && was != file.Version.ID {
		c.t.Errorf("session %s was committed as version %d and as version %d", s.ID, was, file.Version.ID)
	}
	if was == 0 {
		c.publish(file, s.data)
	}
}

func (c *crowd) publish(file *content.File, data []byte) {
	f := &published{File: file, data: data}
	c.mu.Lock()
	for _, other := range c.files {
		if other.ID == f.ID && other.gone.Load() {
			f.gone.Store(true)
		}
	}
	c.files = append(c.files, f)
	c.mu.Unlock()
	c.read(f)
}

func (c *crowd) simple(ctx context.Context, r *rand.Rand) {
	data := c.contents[r.IntN(len(c.contents))]
	t := tree.Target{Name: fmt.Sprintf("file %d", c.id.Add(1)), Size: -1}
	file, err := c.upload.Simple(ctx, c.who, t, content.Preconditions{}, content.Attributes{}, nil, bytes.NewReader(data))
	if !c.fails(ctx, "simple upload", err) {
		c.publish(file, data)
	}
}

func (c *crowd) read(f *published) {
	var got []byte
	ctx := context.Background()
	r, err := c.tree.Open(ctx, f.Version)
	if err == nil {
		got, err = io.ReadAll(r)
		r.Close()
	}
	if f.gone.Load() {
		return
	}
	if !c.fails(ctx, "read", err) && !bytes.Equal(got, f.data) {
		c.t.Errorf("version %d has other bytes than were sent", f.Version.ID)
	}
}

// trash puts a file in the trash, and perhaps deletes it for good.
func (c *crowd) trash(ctx context.Context, r *rand.Rand, f *published) {
	c.mu.Lock()
	for _, other := range c.files {
		if other.ID == f.ID {
			other.gone.Store(true)
		}
	}
	for _, s := range c.sessions {
		s.mu.Lock()
		s.over = s.over || s.File == f.ID || s.file == f.ID // its parts go with the file
		s.mu.Unlock()
	}
	c.mu.Unlock()
	c.fails(ctx, "trash", c.tree.TrashItem(ctx, c.who, tree.File, f.ID, content.Preconditions{}), content.NotFound, content.Trashed)
	if r.IntN(2) == 0 {
		c.fails(ctx, "purge", c.tree.Purge(ctx, c.who, tree.File, f.ID), content.NotFound)
	}
}

func (c *crowd) sweepAll() {
	c.broom.Lock()
	defer c.broom.Unlock()
	ctx := context.Background()
	_, err := c.sweep.Sweep(ctx)
	c.fails(ctx, "sweep", err)
}

// turn turns the clock on, so far that sessions end if d is long.
func (c *crowd) turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d >= upload.SessionLife {
		for _, s := range c.sessions {
			s.mu.Lock()
			s.over = true
			s.mu.Unlock()
		}
	}
	c.ahead.Add(int64(d))
}

func (c *crowd) act(r *rand.Rand) {
	// Some clients go away at any time; what they were not told does not count.
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if r.IntN(10) == 0 {
		defer time.AfterFunc(time.Duration(r.IntN(3000))*time.Microsecond, cancel).Stop()
	}
	s, f := pick(c, r, &c.sessions), pick(c, r, &c.files)
	n := r.IntN(100)
	switch {
	case n < 8 || s == nil:
		c.create(ctx, r)
	case n < 55:
		c.put(ctx, r, s, r.Int64N(s.Grid.Parts()))
	case n < 65:
		c.plan(ctx, r, s)
	case n < 72:
		c.list(ctx, s)
	case n < 88:
		c.commit(ctx, r, s)
	case n < 91:
		s.mu.Lock()
		s.over = true
		s.mu.Unlock()
		c.fails(ctx, "abort", c.upload.Abort(ctx, c.who, s.ID), ended...)
	case n < 93:
		c.simple(ctx, r)
	case n < 95 && f != nil:
		c.trash(ctx, r, f)
	case n < 97 && f != nil:
		c.read(f)
	case n < 98 && c.jumps.Add(1) <= 10: // less than a day in all, which neither sessions nor scraps survive
		c.turn(2 * time.Hour)
	default:
		c.sweepAll()
	}
}

// Whatever many clients do at once, and wherever sweeps and the clock come
// between: what was acknowledged stays, a session becomes one version, files
// hold what was sent, and in the end nothing is left over.
func TestRandom(t *testing.T) {
	seed := *randomSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("go test -run TestRandom ./internal/upload -random.seed=%d", seed)
	c := newCrowd(t, seed)
	var clients sync.WaitGroup
	end := time.Now().Add(*randomTime)
	for n := range uint64(12) {
		clients.Go(func() {
			r := rand.New(rand.NewPCG(seed, n+1))
			for time.Now().Before(end) && !t.Failed() {
				c.act(r)
			}
		})
	}
	clients.Wait()
	c.finish(rand.New(rand.NewPCG(seed, 1000)))
	c.did.Range(func(what, n any) bool {
		t.Logf("%6d %s", n.(*atomic.Int64).Load(), what)
		return true
	})
}

// finish brings everything to an end and looks at what is left.
func (c *crowd) finish(r *rand.Rand) {
	ctx := context.Background()
	for _, s := range c.sessions {
		if s.over {
			continue
		}
		for slot := range s.Grid.Parts() {
			c.put(ctx, r, s, slot)
		}
		c.commit(ctx, r, s)
	}
	for _, f := range c.files {
		c.read(f)
	}
	c.upload.Close()
	c.prove("all has been said")

	versions := map[meta.Manifest]content.ID{}
	err := c.rows.View(ctx, func(tx meta.Tx) error {
		all, err := tx.AllVersions(0, 1_000_000)
		for _, v := range all {
			if versions[v.Manifest] != 0 {
				c.t.Errorf("versions %d and %d have one manifest", versions[v.Manifest], v.ID)
			}
			versions[v.Manifest] = v.ID
		}
		return err
	})
	c.fails(ctx, "list versions", err)

	// When all sessions and the trash have had their time, no byte is reserved,
	// and no blob is there for nothing.
	c.turn(content.TrashLife)
	c.sweepAll()
	report := c.prove("the time is over")
	for _, g := range report.Garbage {
		c.t.Errorf("left over: %s", g)
	}
	err = c.rows.View(ctx, func(tx meta.Tx) error {
		u, err := tx.User(c.who.User)
		if u.Reserved != 0 {
			c.t.Errorf("%d bytes are still reserved", u.Reserved)
		}
		return err
	})
	c.fails(ctx, "get user", err)
}

func (c *crowd) prove(when string) *sweep.Report {
	report, err := c.sweep.Check(context.Background())
	if err != nil {
		c.t.Fatalf("%s: doctor: %v", when, err)
	}
	for _, b := range report.Broken {
		c.t.Errorf("%s: doctor: %s", when, b)
	}
	return report
}
