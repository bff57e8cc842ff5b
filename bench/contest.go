package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// contest is a load that contestants run side by side: each round all of them,
// one after the other, in an order that is rotated.
type contest struct {
	name        string
	of          string   // what the contestants are; "" is servers
	figures     []figure // columns, in this order
	ratios      []figure // columns, to the first contestant
	contestants []contestant
}

type contestant struct {
	name   string
	rounds int // at most; 0 is as many as asked for
	// open makes ready what all rounds share, and other contests, too, which
	// is closed at the end of all; nil if there is nothing.
	open func(ctx context.Context) error
	run  func(ctx context.Context, round int) (sample, error)
}

// outcome is what a contest came to, by the contestants' names.
type outcome map[string]runs

// run runs the contest, which begins no further round after until, if that is
// not zero, and writes its table. Who fails is out of it, and the
// others go on: the error then says who and why.
func (c contest) run(ctx context.Context, w io.Writer, rounds int, until time.Time) (outcome, error) {
	began := time.Now()
	fmt.Fprintf(w, "\n### %s\n\n", c.name)
	got := outcome{}
	var failed []error
	var in []contestant
	fail := func(who contestant, err error) {
		failed = append(failed, fmt.Errorf("%s, %s: %w", c.name, who.name, err))
	}
	for _, who := range c.contestants {
		if who.open != nil {
			if err := who.open(ctx); err != nil {
				fail(who, err)
				continue
			}
		}
		in = append(in, who)
		got[who.name] = make(runs, rounds)
	}
	round := 0
	for ; round < rounds && (round == 0 || until.IsZero() || time.Now().Before(until)); round++ {
		for i := range in {
			who := in[(i+round)%len(in)]
			if got[who.name] == nil || who.rounds > 0 && round >= who.rounds {
				continue // has failed, or has had its rounds
			}
			s, err := who.run(ctx, round)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err != nil {
				fail(who, err)
				delete(got, who.name)
				continue
			}
			got[who.name][round] = s
		}
	}
	c.table(w, got)
	fmt.Fprintf(w, "\n%d rounds, %.0f s\n", round, time.Since(began).Seconds())
	return got, errors.Join(failed...)
}

func (c contest) table(w io.Writer, got outcome) {
	head := []string{cmp.Or(c.of, "server")}
	for _, f := range c.figures {
		head = append(head, string(f))
	}
	base := c.contestants[0].name
	for _, f := range c.ratios {
		head = append(head, fmt.Sprintf("%s / %s", f, base))
	}
	var rows [][]string
	for _, who := range c.contestants {
		rs, ok := got[who.name]
		if !ok {
			rows = append(rows, append([]string{who.name, "FAILED"}, make([]string, len(head)-2)...))
			continue
		}
		row := []string{who.name}
		for _, f := range c.figures {
			row = append(row, rs.of(f).String())
		}
		for _, f := range c.ratios {
			row = append(row, rs.over(got[base], f).String())
		}
		rows = append(rows, row)
	}
	writeTable(w, head, rows)
}

// served is a contestant whose run is on a server started anew for each round,
// with parts of so many bytes, or of the server's own choice for 0.
func (b *bench) served(t target, name string, part int64, run func(ctx context.Context, s *server, round int) (sample, error)) contestant {
	return contestant{name: name, run: func(ctx context.Context, round int) (sample, error) {
		s, err := t.start(ctx, b.place(t.name), part)
		if err != nil {
			return nil, err
		}
		defer s.stop()
		got, err := run(ctx, s, round)
		if err != nil {
			err = s.explain(err)
		}
		return got, err
	}}
}
