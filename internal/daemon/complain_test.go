package daemon

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// The same trouble is told of now and then, another one and its end at once, and
// nothing that a stop has caused.
func TestChoresComplainNowAndThen(t *testing.T) {
	var log bytes.Buffer
	now := time.Unix(0, 0)
	d := &Daemon{cfg: Config{Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(&log, nil))}}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	full := errors.New("full")
	for i, c := range []struct {
		ctx   context.Context
		chore string
		err   error
		after time.Duration
		lines string // with commas between
	}{
		{err: nil},
		{err: full, lines: "msg=sweep error=full"},
		{err: full, after: complainEvery - 1},
		{err: full, after: 1, lines: "msg=sweep error=full"},
		{err: errors.New("broken"), lines: "msg=sweep error=broken"},
		{ctx: stopped, err: full},
		{chore: "scrub", err: full, lines: "msg=scrub error=full"},
		{err: nil, lines: `msg="sweep goes well again"`},
		{err: nil},
		{chore: "scrub", err: full},
		{err: full, lines: "msg=sweep error=full"},
	} {
		if c.ctx == nil {
			c.ctx = t.Context()
		}
		if c.chore == "" {
			c.chore = "sweep"
		}
		now = now.Add(c.after)
		log.Reset()
		d.complain(c.ctx, c.chore, c.err)
		_, got, _ := strings.Cut(strings.TrimSpace(log.String()), "msg=")
		if want := strings.TrimPrefix(c.lines, "msg="); got != want {
			t.Errorf("step %d: %q, want %q", i, got, want)
		}
	}
}
