package upload_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"boxcar/internal/auth"
	"boxcar/internal/blob"
	"boxcar/internal/blob/disk"
	"boxcar/internal/blob/inline"
	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/meta/metatest"
	"boxcar/internal/meta/sqlite"
	"boxcar/internal/sweep"
	"boxcar/internal/tree"
	"boxcar/internal/upload"
	"boxcar/internal/vfs/faultfs"
)

const partSize = 1024

// world is a server's storage, which outlives the services that run on it.
type world struct {
	t    *testing.T
	rows *sqlite.Store
	fs   *faultfs.FS
	who  content.Principal
	// files has every blob be a file: otherwise all those of the tests are small enough for rows.
	files bool
	n     int // makes names
	id    int64
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, fs: faultfs.New()}
	rows, err := sqlite.Open(filepath.Join(t.TempDir(), "db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.rows = rows
	t.Cleanup(func() { rows.Close() })
	a := &auth.Service{Meta: rows, Now: time.Now, NewID: w.newID, Random: random}
	c, err := a.Start(t.Context(), func(auth.Credentials) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if w.who, err = a.Authenticate(t.Context(), c.DeveloperToken, ""); err != nil {
		t.Fatal(err)
	}
	return w
}

// blobs opens the store of bytes over rows.
func (w *world) blobs(rows meta.Store) blob.Store {
	w.t.Helper()
	files, err := disk.Open(w.fs)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.files {
		return files
	}
	return inline.New(rows, files, inline.Most, time.Now)
}

// onBoth runs a test with blobs in rows, and with blobs in files.
func onBoth(t *testing.T, test func(t *testing.T, w *world)) {
	for name, files := range map[string]bool{"rows": false, "files": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.files = files
			test(t, w)
		})
	}
}

func (w *world) newID() content.ID { w.id++; return content.ID(w.id) }

func random(b []byte) { rand.Read(b) }

// house is the services over one world, with one fault in them.
type house struct {
	*world
	meta   *metatest.Faulty
	tree   *tree.Service
	upload *upload.Service
}

func (w *world) open(f *metatest.Faulty) *house {
	w.t.Helper()
	f.Store = w.rows
	blobs := w.blobs(f)
	h := &house{world: w, meta: f}
	var none int64
	quiet := slog.New(slog.DiscardHandler)
	h.tree = &tree.Service{Meta: f, Blobs: blobs, Now: time.Now, NewID: w.newID, Random: random, Log: quiet, MaxFileSize: 1 << 30}
	h.upload = upload.New(upload.Config{Intake: blob.NewIntake(4),
		Meta: f, Blobs: blobs, Tree: h.tree, Now: time.Now, NewID: w.newID, Random: random,
		Answer: func(error) (int, string, string) { return 0, "", "" }, Log: quiet,
		Limits: upload.Limits{MinChunkedSize: &none, PartSize: partSize},
	})
	return h
}

// prove has doctor look at everything.
func (w *world) prove(when string) {
	w.t.Helper()
	report, err := (&sweep.Service{Meta: w.rows, Blobs: w.blobs(w.rows), Now: time.Now, Log: slog.New(slog.DiscardHandler)}).Check(w.t.Context())
	if err != nil {
		w.t.Fatalf("%s: doctor: %v", when, err)
	}
	for _, b := range report.Broken {
		w.t.Errorf("%s: doctor: %s", when, b)
	}
}

func bytesOf(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// story is what a client does with one file, from its first session to its
// last deletion. Each step is tried until it works, as clients do, and says
// what it found odd on the way.
type story struct {
	*house
	ctx   context.Context
	whole bool // nothing is to fail, in the background neither
	fails int  // steps that failed
}

// try repeats a step that may fail because of the fault, once.
func (s *story) try(what string, step func() error) {
	s.t.Helper()
	err := step()
	if err == nil {
		return
	}
	s.fails++
	if !errors.Is(err, metatest.ErrInjected) && !errors.Is(err, syscall.EIO) && !content.Is(err, content.Unavailable) {
		s.t.Errorf("%s failed with %v, which nobody injected", what, err)
	}
	if err := step(); err != nil {
		s.t.Errorf("%s failed again: %v", what, err)
	}
}

func (s *story) session(name string, file content.ID, data []byte) (ses content.Session) {
	s.t.Helper()
	root := "0"
	req := upload.Request{File: file, Size: int64(len(data))}
	if file == 0 {
		req.Folder, req.Name = &root, &name
	}
	s.try("create "+name, func() (err error) {
		ses, err = s.upload.Create(s.ctx, s.who, req)
		return err
	})
	return ses
}

func (s *story) put(ses content.Session, data []byte, slot int64) {
	s.t.Helper()
	span := ses.Grid.Slot(slot)
	body := data[span.Start:span.End]
	sent := upload.Sent{Span: span, Total: int64(len(data)), SHA1: sha1.Sum(body), Length: span.Len()}
	s.try(fmt.Sprintf("part %d", slot), func() error {
		part, err := s.upload.PutPart(s.ctx, s.who, ses.ID, sent, bytes.NewReader(body))
		if err == nil && (part.Span != span || part.SHA1 != sent.SHA1) {
			s.t.Errorf("part %d is acknowledged as %v", slot, part)
		}
		return err
	})
}

func (s *story) commit(ses content.Session, data []byte) (file *content.File) {
	s.t.Helper()
	var listed []upload.Listed
	s.try("list parts", func() error {
		_, parts, err := s.upload.Parts(s.ctx, s.who, ses.ID, 0, 1000)
		listed = nil
		for _, p := range parts {
			listed = append(listed, upload.Listed{ID: p.ID, Offset: p.Span.Start, Size: p.Span.Len(), Quote: p.SHA1.String})
		}
		return err
	})
	s.try("commit", func() (err error) {
		file, err = s.upload.Commit(s.ctx, s.who, ses.ID, upload.Commit{Parts: listed, SHA1: sha1.Sum(data)})
		return err
	})
	return file
}

// same compares a file with what it should hold.
func (s *story) same(what string, file *content.File, data []byte) {
	s.t.Helper()
	if file == nil {
		return
	}
	s.try("read "+what, func() error {
		r, err := s.tree.Open(s.ctx, file.Version)
		if err != nil {
			return err
		}
		defer r.Close()
		got, err := io.ReadAll(r)
		if err == nil && !bytes.Equal(got, data) {
			s.t.Errorf("%s has other bytes than were sent", what)
		}
		return err
	})
}

func (s *story) run() {
	s.n++
	name := fmt.Sprintf("file %d", s.n)
	data := bytesOf(4*partSize + 100)

	ses := s.session(name, 0, data)
	for _, slot := range []int64{0, 2, 1, 4, 3} {
		s.put(ses, data, slot)
	}
	file := s.commit(ses, data)
	s.same("new file", file, data)
	if file == nil {
		return
	}

	// A version that shares all but one part with the first.
	next := bytes.Clone(data)
	next[2*partSize]++
	ses = s.session(name, file.ID, next)
	var hits int
	s.try("plan", func() error {
		var offers []upload.Offer
		for slot := range ses.Grid.Parts() {
			span := ses.Grid.Slot(slot)
			offers = append(offers, upload.Offer{Span: span, SHA512: sha512.Sum512(next[span.Start:span.End])})
		}
		planned, err := s.upload.Plan(s.ctx, s.who, ses.ID, offers)
		hits = 0
		for _, p := range planned {
			if p.Hit {
				hits++
			}
		}
		return err
	})
	if s.whole && hits != 4 {
		s.t.Errorf("plan found %d parts of the version before, and 4 are the same", hits)
	}
	for slot := range ses.Grid.Parts() {
		s.put(ses, next, slot)
	}
	second := s.commit(ses, next)
	s.same("second version", second, next)
	s.same("first version", file, data)

	// A session that is given up.
	ses = s.session(name+" given up", 0, data)
	s.put(ses, data, 0)
	s.try("abort", func() error { return s.upload.Abort(s.ctx, s.who, ses.ID) })

	// A small file at once. When its answer is lost it is there all the same.
	small := bytesOf(500)
	var simple *content.File
	target := tree.Target{Name: name + " simple", Size: -1}
	s.try("simple upload", func() (err error) {
		simple, err = s.upload.Simple(s.ctx, s.who, target, content.Preconditions{}, content.Attributes{}, nil, bytes.NewReader(small))
		var taken *content.Error
		if errors.As(err, &taken) && taken.Kind == content.NameTaken {
			simple, err = taken.Occupant.(*content.File), nil
		}
		return err
	})
	s.same("simple upload", simple, small)

	s.try("trash", func() error {
		err := s.tree.TrashItem(s.ctx, s.who, tree.File, file.ID, content.Preconditions{})
		if content.Is(err, content.Trashed) {
			return nil
		}
		return err
	})
	s.try("purge", func() error {
		err := s.tree.Purge(s.ctx, s.who, tree.File, file.ID)
		if content.Is(err, content.NotFound) {
			return nil
		}
		return err
	})
	s.same("another file", simple, small)
}

// play runs the story on services with one fault, and then settles. arm, if
// not nil, is called once they are open.
func (w *world) play(when string, f *metatest.Faulty, arm func()) (fails int) {
	w.t.Helper()
	h := w.open(f)
	if arm != nil {
		arm()
	}
	s := &story{house: h, ctx: w.t.Context(), whole: when == calm}
	s.run()
	h.upload.Close()
	if w.t.Failed() {
		w.t.Fatalf("when %s", when)
	}
	return s.fails
}

const calm = "nothing fails"

func TestWithoutFaultsTheStoryIsTrue(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		if n := w.play(calm, &metatest.Faulty{}, nil); n != 0 {
			t.Errorf("%d steps failed", n)
		}
		w.prove(calm)
	})
}

// Whatever call of the disk fails, the step says so or has worked, nothing
// half-made is there, and the next try works.
func TestEveryFileCallFailsOnce(t *testing.T) {
	w := newWorld(t)
	w.files = true
	failed := 0
	for n := 1; ; n++ {
		when := fmt.Sprintf("file call %d fails", n)
		var fired func() bool
		failed += w.play(when, &metatest.Faulty{}, func() { fired = w.fs.FailAt(n, nil) })
		w.fs.Heal()
		if !fired() {
			t.Logf("%d file calls, %d of them failed a step", n-1, failed)
			break
		}
	}
	w.prove("every file call has failed once")
}

// The same for every transaction: not begun, lost after it was made, and
// broken off at each of its calls.
func TestEveryTransactionFailsOnce(t *testing.T) { onBoth(t, everyTransactionFailsOnce) }

func everyTransactionFailsOnce(t *testing.T, w *world) {
	step := 1
	if raced {
		t.Log("ONE OF EIGHT IS TRIED with the race detector; make unit tries all without")
		step = 8
	}
	for name, f := range map[string]func(n int) *metatest.Faulty{
		"update %d fails":                 func(n int) *metatest.Faulty { return &metatest.Faulty{FailBefore: n} },
		"the answer to update %d is lost": func(n int) *metatest.Faulty { return &metatest.Faulty{FailAfter: n} },
		"call %d in a transaction fails":  func(n int) *metatest.Faulty { return &metatest.Faulty{FailCall: n} },
	} {
		failed := 0
		tried := 0
		for n := 1; ; n += step {
			when := fmt.Sprintf(name, n)
			faulty := f(n)
			failed += w.play(when, faulty, nil)
			if faulty.FailCall == 0 && faulty.Updates() < n || faulty.FailCall > 0 && faulty.Calls() < n {
				t.Logf("%s: %d times, %d failed a step", name, tried, failed)
				break
			}
			tried++
		}
		w.prove(name)
	}
}
