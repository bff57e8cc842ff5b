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

// A part that has no room to wait in is not read before the file's hash has come to it, as
// long as the part that is hashed along comes as fast as it can be taken in: its client is waited for less
// than half of the time. Otherwise more clients at once make it faster.
// They are let go one by one then, those that are furthest ahead first: it may have been a moment's
// weakness, and the next ones are better hashed along. Nobody waits so for longer than mostHeld.
const (
	flowEvery = 20 * time.Millisecond // is looked at again
	mostHeld  = 10 * time.Second
)

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
	flow *blob.Flow    // of its bytes
	from content.Front // where tee began
	tee  *digest.SHA1  // nil until it has been given
	led  *led          // nil until tee has all bytes
}

// follow announces a part. It ends with leave.
func (f *front) follow(span content.Span) *follower {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.coming(span.Start, 1)
	f.followed.Add(1)
	f.tell()
	return &follower{f: f, span: span}
}

// coming counts parts that are on their way, or stored, ahead of the file's
// hash. Only under mu.
func (f *front) coming(start int64, n int) { count(&f.ahead, start, n) }

func count(of *map[int64]int, start int64, n int) {
	if *of == nil {
		*of = map[int64]int{}
	}
	if (*of)[start] += n; (*of)[start] <= 0 {
		delete(*of, start)
	}
}

// holdBack counts parts that are not read before their turn.
func (f *front) holdBack(start int64, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	count(&f.held, start, n)
}

// letsGo says whether the part that starts at start is the one to be read before its turn.
func (f *front) letsGo(start int64, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for other := range f.held {
		if other > start {
			return false
		}
	}
	if now.Sub(f.letGo) < flowEvery {
		return false
	}
	f.letGo = now
	return true
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
		w.from, w.tee, w.f.leading = w.f.tip, d, w
		w.f.tell()
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
	for at := w.f.tip.N; at < w.span.Start; at += w.f.grid.PartSize {
		if w.f.ahead[at] == 0 {
			return false
		}
	}
	return w.f.tip.N <= w.span.Start
}

// follow has src follow w, if that can be: where the file's hash is not at the
// part yet, its bytes need room in memory, which those before it make when they
// have been hashed, or come when it is their turn. Otherwise src goes through the page cache, to be read back from there.
func (s *Service) follow(ctx context.Context, w *follower, src *blob.Source) {
	w.flow = src.Flow()
	far := max(2*s.Limits.Window, int64(s.Limits.UserWriters)*w.f.grid.PartSize) // so far nobody is who sends side by side
	began := time.Now()
	last, since := int64(-1), began
	var seen look
	big := !s.Intake.CanKeep(w.span.Len())
	if big {
		w.f.holdBack(w.span.Start, 1)
		defer w.f.holdBack(w.span.Start, -1)
	}
	for ctx.Err() == nil {
		w.f.mu.Lock()
		tip, linked, changed, leading := w.f.tip.N, w.linked(), w.f.changes(), w.f.leading
		w.f.mu.Unlock()
		if tip == w.span.Start || w.span.End-tip <= s.Limits.Window && src.Keep() {
			src.Follow(w, s.Limits.FollowWait)
			return
		}
		now := time.Now()
		flows, starved := seen.again(w.f, leading, now)
		starved = starved && big
		if tip > last || (flows || starved) && linked && now.Sub(began) < mostHeld {
			last, since = tip, now
		}
		left := s.Limits.FollowWait - now.Sub(since)
		if !linked {
			left -= s.Limits.FollowWait * 4 / 5 // they are sent side by side, and one comes before the other
		}
		if tip > w.span.Start || left <= 0 || !linked && w.span.End-tip > far ||
			starved && w.f.letsGo(w.span.Start, now) {
			break
		}
		select {
		case <-changed:
		case <-time.After(min(left, flowEvery)):
		case <-ctx.Done():
		}
	}
	src.Reread()
}

// look is what was seen of the part that is hashed along, or of parts that are read
// back where none is.
type look struct {
	at     *follower
	when   time.Time
	bytes  int64
	waited time.Duration
}

// again says whether bytes have come as fast as they can be taken in since the
// last look, or whether their client was waited for, if there is something to see.
func (l *look) again(f *front, at *follower, now time.Time) (flows, starved bool) {
	seen := look{at: at, when: now, bytes: f.walked.Load()}
	if at != nil {
		seen.bytes, seen.waited = at.flow.Bytes(), at.flow.Waited()
	}
	passed := now.Sub(l.when)
	switch {
	case at != l.at || l.when.IsZero():
		*l = seen
		return false, false
	case passed < flowEvery:
		return false, false
	}
	starved = seen.waited-l.waited > passed/2
	flows = seen.bytes > l.bytes && !starved
	if starved && passed < 2*flowEvery || !flows && !starved {
		return false, false // there is more to see from the last look on
	}
	*l = seen
	return flows, starved
}

// Led has the next part go on.
func (w *follower) Led() {
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	w.led = &led{by: w, from: w.from, to: reached(w.tee, w.f.grid.FileSize)}
	w.f.lead(w.led)
	if w.f.leading == w {
		w.f.leading = nil
	}
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
	if f.leading == w {
		f.leading = nil
	}
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
	old := f.now.N
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
	for ; old < f.now.N; old += f.grid.PartSize {
		delete(f.ahead, old)
		delete(f.led, old)
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
