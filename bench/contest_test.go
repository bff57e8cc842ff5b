package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

// trace has contestants that write down when they run.
func trace(names ...string) (c contest, ran *[]string) {
	ran = new([]string)
	c = contest{name: "load", figures: []figure{rate}, ratios: []figure{rate}}
	for _, name := range names {
		c.contestants = append(c.contestants, contestant{name: name, run: func(context.Context, int) (sample, error) {
			*ran = append(*ran, name)
			return sample{rate: 1}, nil
		}})
	}
	return c, ran
}

func TestRoundsAreRotated(t *testing.T) {
	c, ran := trace("a", "b", "c")
	if _, err := c.run(t.Context(), io.Discard, 4, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(*ran, ""); got != "abcbcacababc" {
		t.Errorf("ran in the order %s", got)
	}
}

func TestNoRoundBeginsAfterTheTime(t *testing.T) {
	c, ran := trace("a", "b")
	got, err := c.run(t.Context(), io.Discard, 3, time.Now())
	if err != nil || strings.Join(*ran, "") != "ab" || got["b"].of(rate).n != 1 {
		t.Errorf("ran %v, %v", *ran, err)
	}
}

func TestWhoHasHadItsRoundsIsStillInTheTable(t *testing.T) {
	c, ran := trace("a", "b")
	c.contestants[0].rounds = 1
	var table strings.Builder
	got, err := c.run(t.Context(), &table, 3, time.Time{})
	if err != nil || strings.Join(*ran, "") != "abbb" || got["a"].of(rate).n != 1 || got["b"].of(rate).n != 3 {
		t.Errorf("ran %v, %v, %v", *ran, got, err)
	}
	if !strings.Contains(table.String(), "\n| a      | 1.00 ") {
		t.Errorf("table:\n%s", &table)
	}
}

func TestWhoFailsIsOutAndTheOthersGoOn(t *testing.T) {
	c, ran := trace("a", "b", "c")
	c.contestants[1].run = func(context.Context, int) (sample, error) {
		*ran = append(*ran, "B")
		return nil, errors.New("wrong answer")
	}
	c.contestants[2].open = func(context.Context) error { return errors.New("does not start") }
	var table strings.Builder
	got, err := c.run(t.Context(), &table, 2, time.Time{})
	if !slices.Equal(*ran, []string{"a", "B", "a"}) {
		t.Errorf("ran %v", *ran)
	}
	if got["a"].of(rate).n != 2 || got["b"] != nil || got["c"] != nil {
		t.Errorf("came to %v", got)
	}
	for _, want := range []string{"load, b: wrong answer", "load, c: does not start"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if strings.Count(table.String(), "FAILED") != 2 {
		t.Errorf("table:\n%s", &table)
	}
}
