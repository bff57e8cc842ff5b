package upload

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/digest"
	"boxcar/internal/meta"
)

// fronts holds, for the sessions that somebody is at work on, how far the
// whole file has been hashed. What is in memory runs ahead of the checkpoint
// in the session's row, which is what a restart goes on from.
type fronts struct {
	mu sync.Mutex
	m  map[content.SessionID]*front
}

type front struct {
	users int // who hold it, under fronts.mu
	grid  content.Grid

	mu       sync.Mutex
	now      content.Front
	saved    int64 // how far the row is
	after    []mark
	busy     chan struct{}           // closed when the goroutine that catches up ends; nil if none
	again    bool                    // it was asked to look again before it ends
	err      error                   // why the last one ended early
	hurry    atomic.Bool             // somebody waits for the whole file's hash
	followed atomic.Int64            // parts on their way that would be hashed along with it
	owed     atomic.Int64            // bytes of parts stored beyond the front, by this process
	walked   atomic.Int64            // bytes hashed behind, by the goroutine that catches up
	kept     map[blob.Key]*blob.Kept // parts in memory that the front has not come to
	moved    chan struct{}           // closed at the next change of any of this; nil if nobody waits for that

	leading *follower     // the part that is hashed along at the tip; nil if none is
	held    map[int64]int // parts that are not read before their turn, by start
	letGo   time.Time     // when one of those was read all the same

	tip   content.Front  // where it will be when all that was hashed along is recorded
	led   map[int64]*led // what was, by start
	ahead map[int64]int  // parts on their way, and stored ones that it has not come to, by start
}

// mark is the state behind the part that starts at start, not yet in its row.
type mark struct {
	start int64
	state content.SHA1State
}

// hold gets the front of a session, starting at its row's checkpoint. What
// holds one lets go of it with drop.
func (s *Service) hold(ses meta.Session) *front {
	s.fronts.mu.Lock()
	defer s.fronts.mu.Unlock()
	if s.fronts.m == nil {
		s.fronts.m = map[content.SessionID]*front{}
	}
	f := s.fronts.m[ses.ID]
	if f == nil {
		f = &front{grid: ses.Grid, now: ses.Front, saved: ses.Front.N, tip: ses.Front}
		s.fronts.m[ses.ID] = f
	}
	f.users++
	return f
}

// drop lets go of a front. Nothing is lost with it: whoever moved it has also
// saved it.
func (s *Service) drop(id content.SessionID, f *front) {
	s.fronts.mu.Lock()
	defer s.fronts.mu.Unlock()
	if f.users--; f.users == 0 {
		delete(s.fronts.m, id)
		f.forget()
	}
}

// paid takes a part that the front has passed off what it owes. Parts that a plan
// recorded, or an earlier process, were never counted.
func (f *front) paid(n int64) {
	for {
		owed := f.owed.Load()
		if f.owed.CompareAndSwap(owed, max(0, owed-n)) {
			return
		}
	}
}

// away is how far the front is from span, in bytes.
func (f *front) away(span content.Span) int64 { return max(0, span.Start-f.at().N) }

// keep holds the bytes of a part until the front comes to it.
func (f *front) keep(key blob.Key, start int64, k *blob.Kept) {
	if k == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now.N > start {
		k.Free()
		return
	}
	if f.kept == nil {
		f.kept = map[blob.Key]*blob.Kept{}
	}
	f.kept[key] = k
}

// take gives the bytes of a part if they were kept.
func (f *front) take(key blob.Key) *blob.Kept {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := f.kept[key]
	delete(f.kept, key)
	return k
}

// forget frees all that was kept.
func (f *front) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, k := range f.kept {
		k.Free()
	}
	clear(f.kept)
}

// tee gives what hashes the file along with the part that starts at start, if
// that is where the front stands. It works on a copy of the state: nothing is
// adopted before the part is recorded.
func (f *front) tee(start int64) (d *digest.SHA1, from content.Front) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now.N != start || !f.now.State.Known() {
		return nil, f.now
	}
	d, err := digest.Resume(f.now.State)
	if err != nil {
		return nil, f.now
	}
	return d, f.now
}

// reached is the front that d stands for, in a file of size bytes.
func reached(d *digest.SHA1, size int64) content.Front {
	to := content.Front{N: d.Len(), State: d.State()}
	if to.N == size {
		to.Sum = d.Sum()
	}
	return to
}

// adopt moves the front on if to starts where it stands.
func (f *front) adopt(from int64, to content.Front) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now.N == from {
		f.set(to)
	}
}

// tell wakes up who waits for the front. Only under mu.
func (f *front) tell() {
	if f.moved != nil {
		close(f.moved)
		f.moved = nil
	}
}

// A part that is stored is acknowledged when the front is within leash of its end, if it is
// on its way there and not as far as tooFar, and after atLeash at the latest. So parts that were
// sent side by side and end all at once do not leave the hash of all of them to
// the commit, and the next ones do not end all at once again.
const (
	leash   = 40 << 20
	tooFar  = 160 << 20
	atLeash = 100 * time.Millisecond
)

// near waits until the front is near to, a stored part's end, or comes no further.
func (f *front) near(ctx context.Context, to int64) {
	var late <-chan time.Time
	for {
		f.mu.Lock()
		if away := to - f.now.N; f.busy == nil || away <= leash || away > tooFar {
			f.mu.Unlock()
			return
		}
		if f.moved == nil {
			f.moved = make(chan struct{})
		}
		moved := f.moved
		f.mu.Unlock()
		if late == nil {
			late = time.After(atLeash)
		}
		select {
		case <-moved:
		case <-late:
			return
		case <-ctx.Done():
			return
		}
	}
}

// unsaved is what the row does not have yet.
func (f *front) unsaved() (now content.Front, after []mark, dirty bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now, f.after[:len(f.after):len(f.after)], f.now.N > f.saved
}

// wrote notes that the row is at n, with the marks of all parts before it.
func (f *front) wrote(n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.saved = max(f.saved, n)
	for len(f.after) > 0 && f.after[0].start < n {
		f.after = f.after[1:]
	}
}

// checkpoint writes the front into the session's row, as part of a transaction.
// It is at there then. done is to be called once that has been made durable.
func (s *Service) checkpoint(tx meta.Tx, ses meta.Session, f *front) (at content.Front, done func(), err error) {
	now, after, dirty := f.unsaved()
	if !dirty || now.N <= ses.Front.N {
		return ses.Front, func() {}, nil
	}
	for _, m := range after {
		if err := tx.SetAfter(ses.Manifest, m.start, m.state); err != nil {
			return now, nil, err
		}
	}
	return now, func() { f.wrote(now.N) }, tx.SetFront(ses.ID, now)
}

// flush writes the front into the row if the session can still use it.
func (s *Service) flush(ctx context.Context, ses meta.Session, f *front) error {
	if _, _, dirty := f.unsaved(); !dirty {
		return nil
	}
	var done func()
	err := s.Meta.Update(ctx, func(tx meta.Tx) error {
		row, err := tx.Session(ses.ID)
		if err != nil {
			return err
		}
		done = func() {}
		if row.State == content.Open || row.State == content.Committing {
			_, done, err = s.checkpoint(tx, row, f)
		}
		return err
	})
	if err == nil {
		done()
	}
	return err
}

// catchUp hashes the stored parts that the front stands at, and those behind
// them, without anybody waiting. One goroutine a session does so at a time.
func (s *Service) catchUp(ses meta.Session, f *front) (ended chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.busy != nil {
		// It may have looked for a part that has come since.
		f.again = true
		return f.busy
	}
	if f.now.N == ses.Grid.FileSize && f.saved == f.now.N {
		done := make(chan struct{})
		close(done)
		return done
	}
	f.busy, f.again, f.err = make(chan struct{}), false, nil
	ended = f.busy
	s.hold(ses)
	s.work.Go(func() {
		defer s.drop(ses.ID, f)
		for more := true; more; {
			err := s.advance(s.bg, ses, f)
			// A session that was aborted meanwhile has nothing left to hash.
			if err != nil && s.bg.Err() == nil && !content.Is(err, content.NotFound) {
				s.Log.Error("hashing ahead stopped", "session", ses.ID, "offset", f.at().N, "error", err)
			}
			f.mu.Lock()
			more = f.again && err == nil
			f.again = false
			if !more {
				f.busy, f.err = nil, err
				f.tell()
			}
			f.mu.Unlock()
		}
		close(ended)
	})
	return ended
}

// at is how far the file has been hashed.
func (f *front) at() content.Front {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// advance moves the front over stored parts until it comes to one that is
// missing, and saves where it got to.
func (s *Service) advance(ctx context.Context, ses meta.Session, f *front) error {
	// However many sessions there are, so many are read back at one time.
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
	case <-ctx.Done():
		return ctx.Err()
	}
	err := s.walk(ctx, ses, f)
	// A stop keeps what was reached, too.
	save, cancel := s.settle(ctx)
	defer cancel()
	if ferr := s.flush(save, ses, f); err == nil {
		err = ferr
	}
	return err
}

func (s *Service) walk(ctx context.Context, ses meta.Session, f *front) error {
	for {
		now := f.at()
		if now.N == ses.Grid.FileSize {
			return nil
		}
		var p meta.Part
		err := s.Meta.View(ctx, func(tx meta.Tx) (err error) {
			p, err = tx.Part(ses.Manifest, now.N)
			return err
		})
		if content.Is(err, content.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if f.adopted(now, p.Blob) {
			continue
		}
		d, err := digest.Resume(now.State)
		if err != nil {
			return err
		}
		if k := f.take(p.Blob); k != nil {
			s.hashKept(d, f, k)
		} else if err := s.hashStored(ctx, d, f, p); err != nil {
			return err
		}
		f.paid(p.Span.Len())
		to := reached(d, ses.Grid.FileSize)
		f.mu.Lock()
		if f.now.N == now.N {
			f.after = append(f.after, mark{start: p.Span.Start, state: to.State})
			f.set(to)
		}
		many := len(f.after) >= 64
		f.mu.Unlock()
		if many {
			if err := s.flush(ctx, ses, f); err != nil {
				return err
			}
		}
	}
}

// hashKept adds the bytes of a part that are still in memory to d.
func (s *Service) hashKept(d *digest.SHA1, f *front, k *blob.Kept) {
	defer k.Free()
	w := s.behind(d, f)
	for _, b := range k.Blocks() {
		w.Write(b)
	}
	w.run.Wait()
}

// hashStored adds the bytes of a stored part to d.
func (s *Service) hashStored(ctx context.Context, d *digest.SHA1, f *front, p meta.Part) error {
	two := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(two)
	w := s.behind(d, f)
	defer w.run.Wait()
	return s.readBlob(ctx, w, p, *two)
}

// behind hashes what is written to it while its writer goes on.
type behind struct {
	h   *digest.Hasher
	d   *digest.SHA1
	f   *front
	run digest.Run
}

func (s *Service) behind(d *digest.SHA1, f *front) *behind {
	// All parts of a file wait for it, and it is as long as all of them.
	return &behind{h: s.Intake.Hasher(), d: d, f: f, run: digest.Run{Rank: -1}}
}

func (w *behind) Write(p []byte) (int, error) {
	w.f.walked.Add(int64(len(p)))
	switch owed := w.f.owed.Load(); {
	case w.f.hurry.Load() || owed > aloneFrom || w.f.followed.Load() > 0:
		// Whoever hashes by itself waits for nobody.
		w.run.Wait()
		return w.d.Write(p)
	case owed > patientUpTo:
		w.run.Wait()
	default:
		w.run.WaitAtMost(patience)
	}
	w.h.Start(&w.run, w.d, nil, p)
	return len(p), nil
}

// patience is how long the hash of a file waits for parts to be hashed beside,
// as long as nobody waits for it and it is no more than patientUpTo bytes behind.
// When it is behind by aloneFrom, it does not share with others.
const (
	patience    = 3 * time.Millisecond
	patientUpTo = 16 << 20
	aloneFrom   = 64 << 20
)

// readBlob writes the bytes of a stored part to w, through either half of
// buffer in turns: those of one Write stay until the next has returned.
func (s *Service) readBlob(ctx context.Context, w io.Writer, p meta.Part, buffer []byte) error {
	r, err := s.Blobs.Open(ctx, p.Blob, 0, p.Span.Len())
	if err != nil {
		return fmt.Errorf("read back part at %d: %w", p.Span.Start, err)
	}
	defer r.Close()
	now, next := buffer[:len(buffer)/2], buffer[len(buffer)/2:]
	for left := p.Span.Len(); left > 0; now, next = next, now {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(now[:min(left, int64(len(now)))])
		w.Write(now[:n])
		if left -= int64(n); err != nil && left > 0 {
			return fmt.Errorf("read back part at %d: %w", p.Span.Start, err)
		}
	}
	return nil
}
