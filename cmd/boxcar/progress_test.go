package main

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"boxcar/client"
)

func TestStanding(t *testing.T) {
	var errs output
	b := newBoard(streams{Out: &errs, Err: &errs}, false)
	b.expect(3, 3000)
	b.expectNoMore()
	first := b.start("first", 1000)
	first.event(client.Event{Kind: client.Moved, Bytes: 1234}) // with the form around it
	b.mu.Lock()
	s := b.stand()
	b.mu.Unlock()
	if s.moved != 1000 || s.rate == 0 {
		t.Errorf("of the first: %+v", s)
	}
	first.end()
	second := b.start("second", 1500)
	second.event(client.Event{Kind: client.PartDone, Part: 0, Size: 500, Reused: true})
	second.event(client.Event{Kind: client.PartStarted, Part: 1})
	second.event(client.Event{Kind: client.Moved, Part: 1, Bytes: 300})
	second.event(client.Event{Kind: client.PartStarted, Part: 2})
	second.event(client.Event{Kind: client.Waiting, Part: 2, Wait: time.Second, Err: fmt.Errorf("PUT /x: %w", &client.Error{Op: "PUT /x", Status: 503, Code: "unavailable", Message: "long"})})
	b.mu.Lock()
	s = b.stand()
	b.mu.Unlock()
	if s.done != 1 || s.files != 3 || s.size != 3000 || s.moved != 1800 || s.parts != 1 {
		t.Errorf("%+v", s)
	}
	b.show()
	second.end()
	b.close()
	for _, want := range []string{"boxcar: second: 503 unavailable; again in 1.0s\n", "boxcar: 1 of 3 files, 1.8 KiB of 2.9 KiB, ", " 1 part in flight"} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("there is no %q in\n%s", want, errs.String())
		}
	}
}

// A thousand parts that fail are a few lines, not a thousand.
// The first look at a file has a rate, too.
func TestTheFirstRate(t *testing.T) {
	var errs bytes.Buffer
	b := newBoard(streams{Out: &errs, Err: &errs}, true)
	defer b.close()
	track := b.start("a", 1000)
	if got := track.speed.at(track.since.Add(time.Second), 500); got != 500 {
		t.Errorf("%v bytes a second, want 500", got)
	}
}

func TestNotesAreQuiet(t *testing.T) {
	var errs output
	b := newBoard(streams{Out: &errs, Err: &errs}, false)
	for i := range 1000 {
		b.note("part %d", i)
	}
	b.close()
	if n := strings.Count(errs.String(), "\n"); n != 1 {
		t.Errorf("%d lines", n)
	}
}

// Bars are drawn while files come and go from everywhere; nobody waits for anybody
// for ever, and all that was said stands there.
func TestBarsUnderLoad(t *testing.T) {
	var screen output
	b := newBoard(streams{Out: &screen, Err: &screen}, true)
	b.mute, b.bars = false, newBars(streams{Out: &screen, Err: &screen, Terminal: true, Results: true})
	const workers = 6
	var said [workers]int
	done := make(chan struct{})
	go func() {
		defer close(done)
		var wg sync.WaitGroup
		until := time.Now().Add(8 * redraw)
		for w := range workers {
			wg.Go(func() {
				for time.Now().Before(until) {
					tr := b.start(fmt.Sprintf("file %d of %d", said[w], w), 1000)
					b.mu.Lock()
					tr.since = time.Now().Add(-time.Second)
					b.mu.Unlock()
					for range 5 {
						tr.event(client.Event{Kind: client.Moved, Bytes: 200})
						b.note("a note")
						b.show()
						time.Sleep(5 * time.Millisecond)
					}
					tr.end()
					if err := b.result(fmt.Sprintf("result %d of %d", said[w], w)); err != nil {
						t.Error(err)
					}
					said[w]++
				}
			})
		}
		wg.Wait()
		b.close()
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("it hangs")
	}
	for w, n := range said {
		for i := range n {
			if line := fmt.Sprintf("result %d of %d\n", i, w); strings.Count(screen.String(), line) != 1 {
				t.Fatalf("%q stands there %d times", line, strings.Count(screen.String(), line))
			}
		}
	}
}

// output may be written to by many.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
