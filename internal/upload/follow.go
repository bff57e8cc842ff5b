package upload

import (
	"context"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/digest"
)

// A processor whose SHA unit is busy with one stream makes both digests of a
// byte in one pass for little more than one of them. So there, parts that come
// side by side wait in memory, and each is hashed for itself and for the file when the
// one before it has been: the file's hash runs through parts that are not recorded yet. Its
// state behind each is adopted once that part and all before it are.

const followWait = 100 * time.Millisecond

// led is a part that was hashed along with the file.
type led struct {
	by     *follower
	key    blob.Key
	from   content.Front // the file before it
	to     content.Front // and behind it
	stored bool          // it has been recorded
}

// follower is a part on its way, as a blob.Lead.
type follower struct {
	f    *front
	span content.Span
	grid content.Grid
	from content.Front // where tee began
	tee  *digest.SHA1  // nil until it has been given
	led  *led          // nil until tee has all bytes
}

// follow announces a part. It ends with leave.
func (f *front) follow(span content.Span, grid content.Grid) *follower {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.coming(span.Start, 1)
	f.followed.Add(1)
	f.tell()
	return &follower{f: f, span: span, grid: grid}
}

// coming counts parts that are on their way, or stored, ahead of the file's
// hash. Only under mu.
func (f *front) coming(start int64, n int) {
	if f.ahead == nil {
		f.ahead = map[int64]int{}
	}
	if f.ahead[start] += n; f.ahead[start] <= 0 {
		delete(f.ahead, start)
	}
}

// Ask gives the hash of the file if it has come to the part, and else says
// whether it is on its way there.
func (w *follower) Ask() (also *digest.SHA1, changed <-chan struct{}) {
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	if w.f.tip.N == w.span.Start {
		d, err := digest.Resume(w.f.tip.State)
		if err != nil {
			return nil, nil
		}
		w.from, w.tee = w.f.tip, d
		return d, nil
	}
	if !w.linked() {
		return nil, nil
	}
	return nil, w.f.changes()
}

// linked says whether all between the file's hash and the part is on its way
// or stored. Only under mu.
func (w *follower) linked() bool {
	for at := w.f.tip.N; at < w.span.Start; at += w.grid.PartSize {
		if w.f.ahead[at] == 0 {
			return false
		}
	}
	return w.f.tip.N <= w.span.Start
}

// follow has src follow w, if that can be: where the file's hash is not at the
// part yet, its bytes need room in memory, which those before it make when they
// have been hashed. Otherwise src goes through the page cache, to be read back from there.
func (s *Service) follow(ctx context.Context, w *follower, src *blob.Source) {
	last, since := int64(-1), time.Now()
	for ctx.Err() == nil {
		w.f.mu.Lock()
		tip, linked, changed := w.f.tip.N, w.linked(), w.f.changes()
		w.f.mu.Unlock()
		if tip == w.span.Start || w.span.End-tip <= s.Limits.Window && src.Keep() {
			src.Follow(w, s.Limits.FollowWait)
			return
		}
		if tip > last {
			last, since = tip, time.Now()
		}
		left := s.Limits.FollowWait - time.Since(since)
		if !linked {
			left -= s.Limits.FollowWait * 4 / 5 // they are sent side by side, and one comes before the other
		}
		if tip > w.span.Start || left <= 0 || !s.Intake.CanKeep(w.span.Len()) || !linked && w.span.End-tip > 2*s.Limits.Window {
			break
		}
		select {
		case <-changed:
		case <-time.After(left):
		case <-ctx.Done():
		}
	}
	src.Reread()
}

// Led has the next part go on.
func (w *follower) Led() {
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	w.led = &led{by: w, from: w.from, to: reached(w.tee, w.grid.FileSize)}
	w.f.lead(w.led)
	if w.f.tip.N == w.span.Start {
		w.f.tip = w.led.to
	}
	w.f.tell()
}

// storedAs is what was hashed along, whose bytes are under key; nil if nothing was.
func (w *follower) storedAs(key blob.Key) *led {
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	if w.led != nil {
		w.led.key = key
	}
	return w.led
}

// lead notes a part that was hashed along. Only under mu.
func (f *front) lead(l *led) {
	if f.led == nil {
		f.led = map[int64]*led{}
	}
	f.led[l.from.N] = l
}

// leave ends what follow began. stored says that a part with these bytes has
// been recorded; if it is this one, recorded was called before.
func (w *follower) leave(stored bool) {
	f := w.f
	f.followed.Add(-1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if !stored || f.now.N > w.span.Start {
		f.coming(w.span.Start, -1)
	}
	if l := f.led[w.span.Start]; l != nil && l.by == w && !l.stored {
		delete(f.led, w.span.Start)
		f.tip = f.now
		for l := f.led[f.tip.N]; l != nil && l.from == f.tip; l = f.led[f.tip.N] {
			f.tip = l.to
		}
	}
	f.tell()
}

// recorded adopts a part that was hashed along, and those behind it.
func (f *front) recorded(l *led) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l.from.N < f.now.N {
		return
	}
	l.stored = true
	f.lead(l)
	f.set(f.now)
}

// adopted says whether the front has gone on from now, where key is the next
// part's, because that was hashed along.
func (f *front) adopted(now content.Front, key blob.Key) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now != now {
		return true
	}
	l := f.led[now.N]
	if l == nil || l.key != key || l.from != f.now {
		return false
	}
	l.stored = true
	f.set(f.now)
	return true
}

// set moves the front to where it stands now, and over what was hashed along behind that.
// Only under mu.
func (f *front) set(now content.Front) {
	f.now = now
	for l := f.led[f.now.N]; l != nil && l.stored && l.from == f.now; l = f.led[f.now.N] {
		delete(f.led, f.now.N)
		if l.to.N > f.saved {
			f.after = append(f.after, mark{start: l.from.N, state: l.to.State})
		}
		f.now = l.to
	}
	if f.tip.N < f.now.N {
		f.tip = f.now
	}
	for start := range f.ahead {
		if start < f.now.N {
			delete(f.ahead, start)
		}
	}
	for start := range f.led {
		if start < f.now.N {
			delete(f.led, start)
		}
	}
	f.tell()
}

// changes is closed at the next change. Only under mu.
func (f *front) changes() <-chan struct{} {
	if f.moved == nil {
		f.moved = make(chan struct{})
	}
	return f.moved
}
