package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"
	"golang.org/x/term"

	"boxcar/client"
)

// board tells a person how files move: with bars on a terminal, and with a line now
// and then elsewhere. Its methods may be called concurrently.
type board struct {
	io   streams
	bars *bars // nil without a terminal
	mute bool  // nothing but what is wrong

	mu       sync.Mutex
	moving   []*track
	found    int   // files that are to move, so far
	size     int64 // of these, bytes
	complete bool  // there are no others
	done     int
	donePast int64 // bytes of what is done
	speed    speed
	noted    time.Time
	unsaid   int // notes since

	stop chan struct{}
	gone sync.WaitGroup
}

const (
	redraw    = 200 * time.Millisecond
	plainLine = 10 * time.Second // between two lines without a terminal
	noteEvery = 5 * time.Second
)

// newBoard shows nothing until something moves. Close it before the last words.
func newBoard(io streams, mute bool) *board {
	b := &board{io: io, mute: mute, stop: make(chan struct{})}
	b.speed.at(time.Now(), 0)
	every := plainLine
	if io.Terminal && !mute && os.Getenv("TERM") != "dumb" && terminalWidth() >= narrowest {
		b.bars = newBars(io)
		every = redraw
	}
	if mute {
		return b
	}
	b.gone.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				b.show()
			case <-b.stop:
				return
			}
		}
	})
	return b
}

func (b *board) close() {
	close(b.stop)
	b.gone.Wait()
	if b.bars != nil {
		b.bars.close()
	}
}

// expect says that files are to move that nobody has said anything about.
func (b *board) expect(files int, size int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.found += files
	b.size += size
}

// expectNoMore says that the files that are expected are all.
func (b *board) expectNoMore() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complete = true
}

// start begins to show a file. size is in bytes, -1 if it is not known.
func (b *board) start(name string, size int64) *track {
	t := &track{board: b, name: name, size: size, since: time.Now(), parts: map[int]bool{}}
	t.speed.at(t.since, 0)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.moving = append(b.moving, t)
	return t
}

// end takes a file away.
func (t *track) end() {
	b := t.board
	b.mu.Lock()
	defer b.mu.Unlock()
	b.moving = slices.DeleteFunc(b.moving, func(o *track) bool { return o == t })
	b.done++
	b.donePast += max(t.size, 0)
	b.speed.past += t.meter.Read().Moved
	if b.bars != nil {
		b.bars.drop(t)
	}
}

// result writes a line of results.
func (b *board) result(line string) error {
	if b.bars != nil && b.io.Results {
		return b.bars.above(line)
	}
	_, err := fmt.Fprintln(b.io.Out, line)
	return err
}

// say writes a line for the person.
func (b *board) say(format string, args ...any) {
	line := "boxcar: " + printable(fmt.Sprintf(format, args...))
	if b.bars != nil {
		b.bars.above(line)
		return
	}
	fmt.Fprintln(b.io.Err, line)
}

// note tells of something that will pass by itself, such as an attempt that is made
// again: in one quiet line below the bars, or in a line now and then.
func (b *board) note(format string, args ...any) {
	if b.mute {
		return
	}
	line := printable(fmt.Sprintf(format, args...))
	if b.bars != nil {
		b.bars.note(line)
		return
	}
	b.mu.Lock()
	if time.Since(b.noted) < noteEvery {
		b.unsaid++
		b.mu.Unlock()
		return
	}
	if b.unsaid > 0 {
		line += fmt.Sprintf(" (and %d more since the last such line)", b.unsaid)
	}
	b.noted, b.unsaid = time.Now(), 0
	b.mu.Unlock()
	b.say("%s", line)
}

// standing is how far all of it is.
type standing struct {
	files, done int
	size, moved int64 // bytes; size may still grow unless complete
	complete    bool
	rate        float64 // bytes a second
	parts       int     // on their way
}

// stand looks at everything. The caller holds b.mu.
func (b *board) stand() standing {
	s := standing{files: b.found, done: b.done, size: b.size, moved: b.donePast, complete: b.complete}
	sent := b.speed.past
	for _, t := range b.moving {
		r := t.meter.Read()
		s.moved += t.moved(r)
		sent += r.Moved
		s.parts += t.flying()
	}
	s.rate = b.speed.at(time.Now(), sent)
	s.files = max(s.files, s.done+len(b.moving))
	s.size = max(s.size, s.moved)
	return s
}

func (b *board) show() {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.stand()
	if b.bars != nil {
		b.bars.draw(s, b.moving)
		return
	}
	if len(b.moving) == 0 {
		return
	}
	fmt.Fprintf(b.io.Err, "boxcar: %s\n", s.line())
}

func (s standing) line() string {
	text := fmt.Sprintf("%d of %d files, %s of %s, %s, %s in flight", s.done, s.files, bytesText(s.moved), bytesText(s.size), rateText(s.rate), count(s.parts, "part"))
	if left := leftText(s.size-s.moved, s.rate); left != "" && s.complete {
		text += ", " + left + " left"
	}
	return text
}

// speed is a rate over the last few seconds.
type speed struct {
	past    int64 // bytes of what moves no more
	samples []sample
}

type sample struct {
	at    time.Time
	bytes int64
}

const speedWindow = 5 * time.Second

// at takes in how many bytes have moved until now, and returns bytes a second.
func (s *speed) at(now time.Time, bytes int64) float64 {
	s.samples = append(s.samples, sample{now, bytes})
	for len(s.samples) > 2 && now.Sub(s.samples[1].at) > speedWindow {
		s.samples = s.samples[1:]
	}
	first := s.samples[0]
	took := now.Sub(first.at).Seconds()
	if took <= 0 {
		return 0
	}
	return max(0, float64(bytes-first.bytes)/took)
}

// track is one file under way. Its event method is a client.Progress.
type track struct {
	board  *board
	name   string
	size   int64
	since  time.Time
	places int // how many parts it may have on their way
	meter  client.Meter

	mu    sync.Mutex
	parts map[int]bool // on their way
	doing string       // "" while bytes move
	said  string       // the last warning
	speed speed        // used by draw only
}

func (t *track) event(e client.Event) {
	t.meter.Event(e)
	t.mu.Lock()
	switch e.Kind {
	case client.PartStarted:
		t.parts[e.Part], t.doing = true, ""
	case client.Moved:
		if e.Bytes > 0 {
			t.parts[e.Part], t.doing = true, ""
		}
	case client.PartDone, client.Waiting:
		delete(t.parts, e.Part)
	case client.Hashing:
		if len(t.parts) == 0 {
			t.doing = "reading"
		}
	case client.Spooling:
		t.doing = "taking in"
	case client.Committing:
		t.doing = "committing"
	case client.Restarted:
		clear(t.parts)
	}
	// A state that can't be saved is tried again and again.
	warn := false
	if e.Kind == client.Warning && e.Err != nil {
		warn, t.said = t.said != e.Err.Error(), e.Err.Error()
	}
	t.mu.Unlock()

	switch {
	case e.Kind == client.Waiting:
		t.board.note("%s: %s; again in %s", t.name, brief(e.Err), durationText(e.Wait))
	case warn:
		t.board.say("%s: %s", t.name, told(e.Err))
	case e.Kind == client.Restarted:
		t.board.say("%s: begins again: %s", t.name, told(e.Err))
	}
}

// moved is how much of the file is there. A small file goes with some words around
// it, which count as moved and are none of its bytes.
func (t *track) moved(r client.Reading) int64 {
	if t.size < 0 {
		return r.Moved + r.Reused
	}
	return min(r.Moved+r.Reused, t.size)
}

func (t *track) flying() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.parts)
}

func (t *track) stage() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.doing
}

func bytesText(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }

func rateText(rate float64) string { return humanize.IBytes(uint64(rate)) + "/s" }

// leftText is how long bytes will take at a rate, or "" if nobody can say.
func leftText(bytes int64, rate float64) string {
	if rate < 1 || bytes <= 0 {
		return ""
	}
	seconds := float64(bytes) / rate
	if seconds > 100*3600 {
		return ""
	}
	return durationText(time.Duration(seconds * float64(time.Second)))
}

// durationText is as exact as anybody wants to know: 0.4s, 12s, 3m05s, 2h10m.
func durationText(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0fs", d.Seconds())
	case d < time.Hour:
		d = d.Round(time.Second)
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	default:
		d = d.Round(time.Minute)
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
}

// printable keeps text from the outside on its line, and from steering a terminal or
// turning round what stands behind it.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == '\u2028', r == '\u2029', '\u202a' <= r && r <= '\u202e', '\u2066' <= r && r <= '\u2069':
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// narrowest is how many columns bars need.
const narrowest = 40

// terminalSize is that of stderr, 0 and 0 if it is not known.
func terminalSize() (columns, lines int) {
	w, h, err := term.GetSize(int(os.Stderr.Fd()))
	if err != nil {
		return 0, 0
	}
	return w, h
}

func terminalWidth() int {
	w, _ := terminalSize()
	return w
}
