package main_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// stuff is what a file holds. It follows from a seed, so nobody has to keep it.
type stuff struct {
	seed uint64
	size int64 // bytes
}

func (s stuff) bytes() []byte {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], s.seed)
	b := make([]byte, s.size)
	rand.NewChaCha8(key).Read(b)
	return b
}

func hexSum(b []byte) string {
	sum := sha1.Sum(b)
	return hex.EncodeToString(sum[:])
}

// thing is a file, as the worker that it belongs to knows it.
type thing struct {
	name     string
	id       string  // "" until the server has told
	versions []stuff // acknowledged; the last one is current
	trashed  bool
}

func (f *thing) current() stuff { return f.versions[len(f.versions)-1] }

// upload is a session that its worker has not done with.
type upload struct {
	id       string
	of       *thing // that is to get a version; a new file if it has no id
	what     stuff
	partSize int64

	mu    sync.Mutex
	acked map[int64]part // by offset
}

// parts are those that are acknowledged.
func (u *upload) parts() (list []part) {
	for _, p := range u.acked {
		list = append(list, p)
	}
	return list
}

// doubt is a request that has had no answer yet, and which the server may have
// done or not.
type doubt struct {
	what string // commit, abort, simple, trash, purge; "" is none
	up   *upload
	of   *thing
	made stuff
}

// worker is a client that does one thing at a time, though it sends parts in
// parallel, and remembers what it was told.
type worker struct {
	name   string
	c      *client
	rng    *rand.Rand
	folder string // of its own

	names   int // used up
	things  []*thing
	open    []*upload
	touched map[*thing]bool // since the last look at all
	doubt   doubt

	acks       int            // changes that the server has acknowledged
	unanswered map[string]int // by what was asked

	// excuse looks at an answer that was not wanted: nil is that the server may
	// give it now. Without it there is only one right answer. It is called concurrently.
	excuse func(method string, r reply) error
}

// hire makes workers, each with a folder and a dice of its own.
func hire(t *testing.T, p *process, seed int64, n int) []*worker {
	t.Helper()
	workers := make([]*worker, n)
	for i := range workers {
		w := &worker{
			name: fmt.Sprintf("worker %d", i), c: newClient(p), touched: map[*thing]bool{}, unanswered: map[string]int{},
			rng: rand.New(rand.NewPCG(uint64(seed), uint64(i)+1)),
		}
		r := w.c.must(t, 201, "POST", "/2.0/folders", fmt.Appendf(nil, `{"name":%q,"parent":{"id":"0"}}`, w.name))
		var folder struct{ ID string }
		if err := r.decode(&folder); err != nil {
			t.Fatal(err)
		}
		w.folder, workers[i] = folder.ID, w
	}
	return workers
}

var (
	// errLost says that a request had no answer.
	errLost = errors.New("no answer")
	// errRefused says that the server could not do it, and said so as it should.
	errRefused = errors.New("refused")
)

// passing says that err is the server's trouble, and no lie of it.
func passing(err error) bool { return errors.Is(err, errLost) || errors.Is(err, errRefused) }

func (w *worker) call(want int, method, path string, body []byte, header ...string) (reply, error) {
	return w.callAny([]int{want}, method, path, body, header...)
}

// callAny makes a request that may be answered with any of some statuses.
func (w *worker) callAny(want []int, method, path string, body []byte, header ...string) (reply, error) {
	r, err := w.c.do(method, path, body, header...)
	if err != nil {
		return r, fmt.Errorf("%w: %s: %w", errLost, w.name, err)
	}
	if slices.Contains(want, r.Status) {
		return r, nil
	}
	err = fmt.Errorf("%s: %s %s: %s, want any of %v", w.name, method, path, r, want)
	if w.excuse == nil {
		return r, err
	}
	if why := w.excuse(method, r); why != nil {
		return r, fmt.Errorf("%w: %w", err, why)
	}
	return r, fmt.Errorf("%w: %w", errRefused, err)
}

// work goes on until a request has no answer.
func (w *worker) work() error {
	for {
		if err := w.step(); errors.Is(err, errLost) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// endure goes on until over is closed, whatever the server refuses or does not
// answer meanwhile. What is in doubt is cleared up before the next thing is done.
func (w *worker) endure(over <-chan struct{}) error {
	for {
		select {
		case <-over:
			return nil
		default:
		}
		err := w.settle()
		if err == nil {
			err = w.step()
		}
		if err != nil && !passing(err) {
			return err
		}
	}
}

func (w *worker) step() error {
	switch dice := w.rng.IntN(100); {
	case dice < 40 && len(w.open) < 6:
		u, err := w.create(w.target(), w.stuff(4*partSize))
		if err != nil {
			return err
		}
		return w.carryOn(u)
	case dice < 60 && len(w.open) > 0:
		return w.carryOn(w.open[w.rng.IntN(len(w.open))])
	case dice < 75:
		return w.simple(w.target(), w.stuff(100_000))
	case dice < 85:
		return w.trash()
	case dice < 90:
		return w.purge()
	}
	return w.read()
}

const partSize = 65536 // of the server under load, bytes

// stuff is new content of at most most bytes.
func (w *worker) stuff(most int64) stuff {
	return stuff{seed: w.rng.Uint64(), size: w.rng.Int64N(most) + 1}
}

// target is a new name, or now and then a file to get a version.
func (w *worker) target() *thing {
	if f := w.pick(func(f *thing) bool { return !f.trashed }); f != nil && w.rng.IntN(3) == 0 {
		return f
	}
	w.names++
	return &thing{name: fmt.Sprintf("%s %d.bin", w.name, w.names)}
}

func (w *worker) pick(good func(*thing) bool) *thing {
	var list []*thing
	for _, f := range w.things {
		if good(f) {
			list = append(list, f)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[w.rng.IntN(len(list))]
}

func (w *worker) create(of *thing, what stuff) (*upload, error) {
	path, body := "/2.0/files/upload_sessions", createBody(w.folder, of.name, what.size)
	if of.id != "" {
		path, body = "/2.0/files/"+of.id+"/upload_sessions", fmt.Appendf(nil, `{"file_size":%d}`, what.size)
	}
	r, err := w.call(201, "POST", path, body)
	if err != nil {
		return nil, err
	}
	var ses session
	if err := r.decode(&ses); err != nil {
		return nil, err
	}
	u := &upload{id: ses.ID, of: of, what: what, partSize: ses.PartSize, acked: map[int64]part{}}
	w.open = append(w.open, u)
	return u, nil
}

// carryOn sends what is missing of a session and mostly commits it.
func (w *worker) carryOn(u *upload) error {
	keep := 1.0
	if w.rng.IntN(5) == 0 {
		keep = w.rng.Float64() // of what is missing: the rest comes later
	}
	if err := w.sendParts(u, keep); err != nil {
		return err
	}
	if int64(len(u.acked)) < (u.what.size+u.partSize-1)/u.partSize {
		if w.rng.IntN(4) == 0 {
			return w.abort(u)
		}
		return nil
	}
	return w.commit(u)
}

// sendParts sends parts in no order, three at a time.
func (w *worker) sendParts(u *upload, keep float64) error {
	data := u.what.bytes()
	var missing []int64
	for at := int64(0); at < u.what.size; at += u.partSize {
		if _, ok := u.acked[at]; !ok {
			missing = append(missing, at)
		}
	}
	w.rng.Shuffle(len(missing), func(i, j int) { missing[i], missing[j] = missing[j], missing[i] })
	missing = missing[:int(float64(len(missing))*keep)]
	if len(missing) > 0 && w.rng.IntN(8) == 0 {
		missing = append(missing, missing[0]) // twice at once
	}
	next := make(chan int64, len(missing))
	for _, at := range missing {
		next <- at
	}
	close(next)
	errs := make(chan error, 3)
	for range cap(errs) {
		go func() {
			for at := range next {
				if err := w.sendPart(u, data, at); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	// What is wrong counts more than what is lost.
	var lost error
	for range cap(errs) {
		if err := <-errs; passing(err) {
			lost = err
		} else if err != nil {
			return err
		}
	}
	return lost
}

func (w *worker) sendPart(u *upload, data []byte, at int64) error {
	b := data[at:min(at+u.partSize, int64(len(data)))]
	r, err := w.call(200, "PUT", "/2.0/files/upload_sessions/"+u.id, b,
		"Digest", digestHeader(sha1.Sum(b)), "Content-Range", rangeHeader(at, int64(len(b)), u.what.size))
	if err != nil {
		return err
	}
	var got struct{ Part part }
	if err := r.decode(&got); err != nil {
		return err
	}
	want := part{ID: got.Part.ID, Offset: at, Size: int64(len(b)), SHA1: hexSum(b)}
	if got.Part != want {
		return fmt.Errorf("session %s: the server took %+v, want %+v", u.id, got.Part, want)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if before, ok := u.acked[at]; ok && before != got.Part {
		return fmt.Errorf("session %s: two answers for one part: %+v and %+v", u.id, before, got.Part)
	}
	u.acked[at] = got.Part
	return nil
}

func (w *worker) commit(u *upload) error {
	w.doubt = doubt{what: "commit", up: u}
	e, err := w.callCommit(u)
	if err != nil {
		return err
	}
	w.doubt = doubt{}
	w.committed(u, e)
	if w.rng.IntN(5) > 0 {
		return nil
	}
	again, err := w.callCommit(u)
	if err == nil && (again.ID != e.ID || again.FileVersion != e.FileVersion) {
		err = fmt.Errorf("session %s: committed as %+v, and again as %+v", u.id, e, again)
	}
	return err
}

func (w *worker) callCommit(u *upload) (e entry, err error) {
	data := u.what.bytes()
	r, err := w.call(201, "POST", "/2.0/files/upload_sessions/"+u.id+"/commit", commitBody(u.parts()), "Digest", digestHeader(sha1.Sum(data)))
	if err != nil {
		return e, err
	}
	return uploadedAs(r, u.of, data)
}

// uploadedAs is the one file in the reply to an upload.
func uploadedAs(r reply, of *thing, data []byte) (e entry, err error) {
	var files entries
	if err := r.decode(&files); err != nil {
		return e, err
	}
	if len(files.Entries) != 1 {
		return e, fmt.Errorf("%d files were made of one: %s", len(files.Entries), r)
	}
	e = files.Entries[0]
	if e.Name != of.name || e.SHA1 != hexSum(data) || of.id != "" && e.ID != of.id {
		return e, fmt.Errorf("upload of %+v with SHA-1 %s made %+v", of, hexSum(data), e)
	}
	return e, nil
}

// committed notes that a session is a version now.
func (w *worker) committed(u *upload, e entry) {
	w.open = slices.DeleteFunc(w.open, func(o *upload) bool { return o == u })
	w.has(u.of, e.ID, u.what)
}

// has notes that a file has another version.
func (w *worker) has(f *thing, id string, what stuff) {
	if f.id == "" {
		f.id = id
		w.things = append(w.things, f)
	}
	f.versions = append(f.versions, what)
	w.touched[f] = true
	w.acks++
}

func (w *worker) abort(u *upload) error {
	w.doubt = doubt{what: "abort", up: u}
	if _, err := w.call(204, "DELETE", "/2.0/files/upload_sessions/"+u.id, nil); err != nil {
		return err
	}
	w.doubt = doubt{}
	w.aborted(u)
	return nil
}

func (w *worker) aborted(u *upload) {
	w.open = slices.DeleteFunc(w.open, func(o *upload) bool { return o == u })
	w.acks++
}

func (w *worker) simple(f *thing, what stuff) error {
	data := what.bytes()
	path := "/2.0/files/content"
	if f.id != "" {
		path = "/2.0/files/" + f.id + "/content"
	}
	body, contentType := form(map[string]any{"name": f.name, "parent": map[string]string{"id": w.folder}}, f.name, data)
	w.doubt = doubt{what: "simple", of: f, made: what}
	r, err := w.call(201, "POST", path, body, "Content-Type", contentType)
	if err != nil {
		return err
	}
	w.doubt = doubt{}
	e, err := uploadedAs(r, f, data)
	if err == nil {
		w.has(f, e.ID, what)
	}
	return err
}

// trash deletes a file that no session is for.
func (w *worker) trash() error {
	f := w.pick(func(f *thing) bool {
		return !f.trashed && !slices.ContainsFunc(w.open, func(u *upload) bool { return u.of == f })
	})
	if f == nil {
		return nil
	}
	w.doubt = doubt{what: "trash", of: f}
	if _, err := w.call(204, "DELETE", "/2.0/files/"+f.id, nil); err != nil {
		return err
	}
	w.doubt = doubt{}
	w.trashed(f)
	return nil
}

func (w *worker) trashed(f *thing) {
	f.trashed = true
	w.touched[f] = true
	w.acks++
}

// purge deletes a file for good.
func (w *worker) purge() error {
	f := w.pick(func(f *thing) bool { return f.trashed })
	if f == nil {
		return nil
	}
	w.doubt = doubt{what: "purge", of: f}
	if _, err := w.call(204, "DELETE", "/2.0/files/"+f.id+"/trash", nil); err != nil {
		return err
	}
	w.doubt = doubt{}
	w.purged(f)
	return nil
}

func (w *worker) purged(f *thing) {
	w.things = slices.DeleteFunc(w.things, func(o *thing) bool { return o == f })
	delete(w.touched, f)
	w.acks++
}

// read downloads a file and compares.
func (w *worker) read() error {
	f := w.pick(func(f *thing) bool { return !f.trashed })
	if f == nil {
		return nil
	}
	return w.compare(f)
}

func (w *worker) compare(f *thing) error {
	r, err := w.call(302, "GET", "/2.0/files/"+f.id+"/content", nil)
	if err != nil {
		return err
	}
	if r, err = w.call(200, "GET", r.Header.Get("Location"), nil); err != nil {
		return err
	}
	if want := f.current().bytes(); !bytes.Equal(r.Body, want) {
		return fmt.Errorf("%s: downloaded %d bytes with SHA-1 %s, want %d with %s", f.name, len(r.Body), hexSum(r.Body), len(want), hexSum(want))
	}
	return nil
}
