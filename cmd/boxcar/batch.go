package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/semaphore"

	"boxcar/client"
)

// batchFlags are what commands have that move many files.
type batchFlags struct {
	Parallel   int       `default:"8" placeholder:"N" env:"BOXCAR_PARALLEL" help:"Parts and files on their way at once, in all (${default})."`
	Bwlimit    bandwidth `placeholder:"RATE" env:"BOXCAR_BWLIMIT" help:"At most so many bytes a second, such as 10M."`
	Manifest   string    `placeholder:"FILE" type:"path" help:"Write what became of each file, one JSON object a line."`
	NoProgress bool      `env:"BOXCAR_NO_PROGRESS" help:"Results and what went wrong, and nothing in between."`
}

// Validate refuses what can't move anything.
func (f batchFlags) Validate() error {
	if f.Parallel < 1 || f.Parallel > 256 {
		return fmt.Errorf("--parallel %d: it must be 1 to 256", f.Parallel)
	}
	return nil
}

// outcome is what became of one file, as --json and --manifest tell it. Keys are
// only ever added.
type outcome struct {
	Outcome string `json:"outcome"` // one of the constants
	Path    string `json:"path"`    // here
	Remote  string `json:"remote"`  // on the server
	ID      string `json:"id,omitzero"`
	Version string `json:"version,omitzero"`
	SHA1    string `json:"sha1,omitzero"`
	Size    int64  `json:"size"`            // bytes
	Reused  int64  `json:"reused,omitzero"` // bytes of it that were there before
	Session string `json:"session,omitzero"`
	Error   string `json:"error,omitzero"`
	Hint    string `json:"hint,omitzero"`

	err  error
	here bool // it was moved to Path, and not to Remote
}

const (
	uploaded    = "uploaded"
	downloaded  = "downloaded"
	unchanged   = "unchanged"
	skipped     = "skipped"
	trashed     = "trashed"
	failed      = "failed"
	interrupted = "interrupted"

	wouldUpload = "would upload"
	wouldTrash  = "would trash"
)

// fail makes an outcome one that failed.
func (o outcome) fail(err error) outcome {
	o.Outcome, o.err = failed, err
	var upload *client.UploadError
	if errors.As(err, &upload) && upload.Resumable {
		o.Session = upload.SessionID
	}
	return o
}

// task is one file to move.
type task struct {
	name string // for people
	size int64  // bytes; -1: not known
	run  func(ctx context.Context, t *track) outcome
}

// batch moves files, several at once.
type batch struct {
	board    *board
	io       streams
	json     bool
	parallel int64
	places   *semaphore.Weighted
	manifest io.Writer // nil without one
	begun    time.Time
	cancel   context.CancelCauseFunc

	mu     sync.Mutex
	counts map[string]int
	size   int64 // bytes of files that were moved
	reused int64
	broken error // writing results
	ended  error // what ended it all
}

// run moves what find finds, and reports: what it returns has been told already, or
// is about the whole batch. find adds files one by one and waits where there is no
// place; it ends when add fails.
func (f batchFlags) run(ctx context.Context, io streams, json bool, find func(ctx context.Context, b *batch) error) (err error) {
	b := &batch{
		io: io, json: json, parallel: int64(f.Parallel), places: semaphore.NewWeighted(int64(f.Parallel)),
		counts: map[string]int{}, begun: time.Now(),
	}
	if f.Manifest != "" {
		file, err := os.Create(f.Manifest)
		if err != nil {
			return err
		}
		defer func() {
			if cerr := file.Close(); err == nil && cerr != nil {
				err = fmt.Errorf("--manifest: %w", cerr)
			}
		}()
		b.manifest = file
	}
	b.board = newBoard(io, f.NoProgress)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	b.cancel = cancel
	found := find(ctx, b)
	// Whoever holds all places is alone.
	_ = b.places.Acquire(context.WithoutCancel(ctx), b.parallel)
	b.board.close()
	return b.conclude(ctx, found)
}

// add moves a file as soon as there is a place. A large file has as many places as
// it has parts to send at once.
func (b *batch) add(ctx context.Context, t task) error {
	places := min(b.parallel, max(1, t.size/largePart))
	if t.size < 0 {
		places = b.parallel
	}
	if err := b.places.Acquire(ctx, places); err != nil {
		return context.Cause(ctx)
	}
	go func() {
		defer b.places.Release(places)
		tr := b.board.start(t.name, t.size)
		tr.places = int(places)
		o := t.run(ctx, tr)
		tr.end()
		b.record(ctx, o)
	}()
	return nil
}

// settle waits until everything that was added is done.
func (b *batch) settle(ctx context.Context) error {
	if b.places.Acquire(ctx, b.parallel) != nil {
		return context.Cause(ctx)
	}
	b.places.Release(b.parallel)
	return nil
}

// largePart is what a place is for, in bytes: a part of an upload, a range of a
// download.
const largePart = 8 << 20

// record tells what became of a file.
func (b *batch) record(ctx context.Context, o outcome) {
	if o.err != nil {
		if stopped(ctx) {
			o.Outcome = interrupted
		}
		o.Error, o.Hint = o.err.Error(), hintFor(o.err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts[o.Outcome]++
	if o.Outcome == uploaded || o.Outcome == downloaded {
		b.size += o.Size
		b.reused += o.Reused
	}
	if b.manifest != nil {
		b.keep(writeJSON(b.manifest, o))
	}
	line := ""
	switch {
	case b.json:
		var text strings.Builder
		b.keep(writeJSON(&text, o))
		line = strings.TrimSuffix(text.String(), "\n")
	case o.Outcome == uploaded || o.Outcome == downloaded || o.Outcome == unchanged:
		at := o.Remote
		if o.here {
			at = o.Path
		}
		line = printable(at + " " + o.SHA1)
	case o.Outcome == wouldUpload || o.Outcome == wouldTrash || o.Outcome == trashed:
		line = printable(o.Outcome + " " + o.Remote)
	}
	if line != "" {
		b.keep(b.board.result(line))
	}
	b.explain(ctx, o)
	if o.err != nil && b.ended == nil && final(o.err) {
		b.ended = o.err
		b.cancel(o.err)
	}
}

// keep keeps the first error of writing results.
func (b *batch) keep(err error) {
	if b.broken == nil && err != nil {
		b.broken = fmt.Errorf("writing results: %w", err)
	}
}

// explain tells the person about a file that was not moved.
func (b *batch) explain(ctx context.Context, o outcome) {
	name := o.Path
	if name == "" {
		name = o.Remote
	}
	var upload *client.UploadError
	switch {
	case o.Outcome == skipped:
		b.board.say("%s: skipped: %s", name, o.Error)
	case o.Outcome == interrupted && errors.As(o.err, &upload) && upload.Resumable:
		b.board.say("%s: stopped after %d of %d parts, in session %s", name, upload.PartsDone, upload.Parts, upload.SessionID)
	case o.Outcome == failed && ctx.Err() == nil:
		b.board.say("%s: %s", name, told(o.err))
		if o.Hint != "" {
			b.board.say("hint: %s", o.Hint)
		}
	}
}

// final says whether an error is one that every other file would meet too.
func final(err error) bool {
	return hopeless(err) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// conclude says how it went, and returns what run returns.
func (b *batch) conclude(ctx context.Context, found error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.board.mute:
	case len(b.counts) > 0:
		fmt.Fprintf(b.io.Err, "boxcar: %s\n", b.summary())
	case found == nil && ctx.Err() == nil:
		fmt.Fprintln(b.io.Err, "boxcar: there is nothing to move")
	}
	switch {
	case stopped(ctx) && slices.Contains(b.io.Line, "-"):
		fmt.Fprintln(b.io.Err, "boxcar: interrupted; what came on the standard input has to be sent again from its beginning")
		return context.Cause(ctx)
	case stopped(ctx):
		fmt.Fprintf(b.io.Err, "boxcar: interrupted; go on with: %s\n", again(b.io.Line))
		return context.Cause(ctx)
	case b.ended != nil:
		return errReported
	case ctx.Err() != nil: // there is no server, or the process was told to end
		return context.Cause(ctx)
	case found != nil:
		return found
	case b.broken != nil:
		return b.broken
	case b.counts[failed]+b.counts[interrupted] > 0:
		return errReported
	}
	return nil
}

// summary is one line about all files.
func (b *batch) summary() string {
	var did []string
	for _, what := range []string{uploaded, downloaded, unchanged, wouldUpload, wouldTrash, trashed, skipped, interrupted, failed} {
		if n := b.counts[what]; n > 0 {
			did = append(did, fmt.Sprintf("%d %s", n, what))
		}
	}
	text := strings.Join(did, ", ")
	if b.counts[uploaded]+b.counts[downloaded] > 0 {
		took := time.Since(b.begun)
		text += fmt.Sprintf("; %s in %s", bytesText(b.size), durationText(took))
		if b.reused > 0 {
			text += fmt.Sprintf(", of which %s were there before", bytesText(b.reused))
		}
		if moved := b.size - b.reused; moved > 0 {
			text += ", " + rateText(float64(moved)/took.Seconds())
		}
	}
	return text
}

// again is a command as it can be pasted into a shell.
func again(line []string) string {
	words := make([]string, len(line))
	for i, w := range line {
		words[i] = quoteShell(w)
	}
	return strings.Join(words, " ")
}

// stopped says whether somebody has told the command to end.
func stopped(ctx context.Context) bool {
	return errors.Is(context.Cause(ctx), errInterrupted) || errors.Is(context.Cause(ctx), errTerminated)
}
