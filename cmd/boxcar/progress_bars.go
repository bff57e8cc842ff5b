package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// bars are the progress on a terminal: a bar for each file that takes a while, one
// for all of them, and a line below for what passes by itself.
type bars struct {
	io     streams
	screen *mpb.Progress

	mu     sync.Mutex // held while the screen is asked, so nothing that it calls may want it
	closed bool
	total  *bar
	files  map[*track]*bar
	made   int

	noted  atomic.Pointer[remark]
	summed atomic.Bool // there is a total
}

// remark is what the line below says for a while.
type remark struct {
	text  string
	until time.Time
}

// bar is one line.
type bar struct {
	*mpb.Bar
	name, state atomic.Pointer[string]
}

const (
	mostBars = 12
	soon     = 300 * time.Millisecond // what is done before has no bar
	noteFor  = 8 * time.Second
)

func newBars(s streams) *bars {
	return &bars{
		io: s, files: map[*track]*bar{},
		screen: mpb.New(mpb.WithOutput(s.Err), mpb.WithRefreshRate(redraw), mpb.WithAutoRefresh()),
	}
}

func (b *bars) close() {
	b.mu.Lock()
	b.closed = true
	for _, f := range b.files {
		f.Abort(true)
	}
	if b.total != nil {
		b.total.Abort(true)
	}
	b.mu.Unlock()
	b.screen.Wait()
}

// above writes a line that stays, above the bars.
func (b *bars) above(line string) error {
	if _, err := io.WriteString(b.screen, line+"\n"); err == nil {
		return nil
	}
	_, err := fmt.Fprintln(b.io.Err, line)
	return err
}

func (b *bars) note(line string) {
	b.noted.Store(&remark{line, time.Now().Add(noteFor)})
}

func (b *bars) drop(t *track) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f := b.files[t]; f != nil {
		f.Abort(true)
		delete(b.files, t)
	}
}

// draw brings everything up to date.
func (b *bars) draw(s standing, moving []*track) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	now := time.Now()
	columns, lines := terminalSize()
	room := barsOf(lines)
	for t, f := range b.files {
		if len(b.files) > room {
			f.Abort(true)
			delete(b.files, t)
		}
	}
	for _, t := range moving {
		f := b.files[t]
		if f == nil {
			if len(b.files) >= room || now.Sub(t.since) < soon {
				continue
			}
			var below []mpb.BarOption
			if s.files < 2 {
				below = append(below, mpb.BarExtender(mpb.BarFillerFunc(func(w io.Writer, s decor.Statistics) error {
					if b.summed.Load() {
						return nil // the note is below the sum
					}
					return b.fillNote(w, s)
				}), false))
			}
			f = b.add(printable(t.name), 0, below...)
			b.files[t] = f
		}
		r := t.meter.Read()
		moved := t.moved(r)
		size := max(t.size, r.Total, moved)
		rate := t.speed.at(now, r.Moved)
		f.is(stateText(columns, t.stage(), moved, size, rate, t.flying(), true))
		f.SetTotal(max(size, 1), false)
		f.SetCurrent(moved)
	}
	if b.total == nil {
		if s.files < 2 {
			return // its own bar says it all
		}
		b.summed.Store(true)
		b.total = b.add("", 1, mpb.BarExtender(mpb.BarFillerFunc(b.fillNote), false))
	}
	name := fmt.Sprintf("%d of %d files", s.done, s.files)
	b.total.name.Store(&name)
	b.total.is(stateText(columns, "", s.moved, s.size, s.rate, s.parts, s.complete))
	b.total.SetTotal(max(s.size, 1), false)
	b.total.SetCurrent(s.moved)
}

// barsOf is how many files have bars on so many lines. What does not fit on the screen
// could not be drawn over: the sum, the note and the line of the cursor have their
// place, too, and mpb counts a note that says nothing.
func barsOf(lines int) int { return min(mostBars, max(lines-3, 1)) }

// add makes a line. Lines are sorted by their place, and then by age.
func (b *bars) add(name string, place int, options ...mpb.BarOption) *bar {
	line := &bar{}
	line.name.Store(&name)
	line.is("")
	style := mpb.BarStyle().Lbound("[").Filler("=").Tip(">").Padding(" ").Rbound("]")
	if b.io.colour() {
		style = style.FillerMeta(cyan).TipMeta(cyan)
	}
	options = append(options,
		mpb.BarPriority(place*1_000_000+b.made),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return fit(*line.name.Load(), nameWidth()) + " " })),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return " " + *line.state.Load() })),
	)
	b.made++
	line.Bar = b.screen.New(0, style, options...)
	return line
}

// is sets what stands behind the bar.
func (b *bar) is(state string) { b.state.Store(&state) }

func (b *bars) fillNote(w io.Writer, _ decor.Statistics) error {
	note := b.noted.Load()
	if note == nil || time.Now().After(note.until) {
		return nil
	}
	_, err := fmt.Fprintln(w, "  "+runewidth.Truncate(note.text, max(terminalWidth()-3, 0), "…"))
	return err
}

// stateText is what stands behind a bar, as much of it as there are columns for.
func stateText(columns int, doing string, moved, size int64, rate float64, parts int, sure bool) string {
	const wide, narrow = 110, 48
	percent := "  -%"
	if size > 0 {
		percent = fmt.Sprintf("%3d%%", moved*100/size)
	}
	left := leftText(size-moved, rate)
	if !sure {
		left = "" // the size still grows
	}
	flying := fmt.Sprintf("×%d", parts)
	if columns >= wide {
		flying = count(parts, "part")
	}
	switch {
	case doing != "":
		flying, left = doing, ""
	case parts == 0:
		flying = ""
	}
	switch {
	case columns < narrow && doing != "":
		return fmt.Sprintf("%s %17s", percent, doing)
	case columns < narrow:
		return fmt.Sprintf("%s %10s %6s", percent, rateText(rate), left)
	case columns < wide && doing != "":
		return fmt.Sprintf("%s %10s %11s", percent, rateText(rate), doing)
	case columns < wide:
		return fmt.Sprintf("%s %10s %-3s %7s", percent, rateText(rate), flying, left)
	}
	return fmt.Sprintf("%s  %8s of %-8s  %11s  %-10s  %7s", percent, bytesText(moved), bytesText(size), rateText(rate), flying, left)
}

// nameWidth is how many columns names have.
func nameWidth() int { return min(max(terminalWidth()/4, 10), 40) }

// fit makes a text exactly so many columns wide; what is too long loses its middle,
// since both ends tell files apart.
func fit(s string, width int) string {
	if over := runewidth.StringWidth(s) - width; over > 0 {
		tail := runewidth.TruncateLeft(s, runewidth.StringWidth(s)-width/2, "")
		s = runewidth.Truncate(s, width-runewidth.StringWidth(tail), "…") + tail
	}
	return s + strings.Repeat(" ", max(0, width-runewidth.StringWidth(s)))
}

const (
	cyanCode  = "\x1b[36m"
	plainCode = "\x1b[0m"
)

func cyan(s string) string { return cyanCode + s + plainCode }

// colour says whether lines on the terminal may have colours.
func (s streams) colour() bool {
	return s.Terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
