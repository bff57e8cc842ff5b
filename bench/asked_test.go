package main

import (
	"slices"
	"strings"
	"testing"
)

func TestLimitsAreReachedFromTheRightSide(t *testing.T) {
	least := ask{"load", "a", rate, "b", false, 0.5}
	most := ask{"load", "a", commit, "", true, 50}
	for _, test := range []struct {
		ask  ask
		runs outcome
		want string
	}{
		{least, outcome{"a": {{rate: 1}}, "b": {{rate: 2}}}, "reached"},
		{least, outcome{"a": {{rate: 1}}, "b": {{rate: 2.1}}}, "MISSED"},
		{least, outcome{"a": {{rate: 1}}}, "not measured"},
		{most, outcome{"a": {{commit: 50}}}, "reached"},
		{most, outcome{"a": {{commit: 50.1}}}, "MISSED"},
		{most, nil, "not measured"},
	} {
		var b strings.Builder
		writeAsked(&b, []ask{test.ask}, map[string]outcome{"load": test.runs})
		if !strings.Contains(b.String(), "| "+test.want) {
			t.Errorf("%v of %v is not %s:\n%s", test.ask, test.runs, test.want, &b)
		}
	}
}

// What is asked is found by names, so the names have to be there.
func TestAllThatIsAskedIsMeasured(t *testing.T) {
	b, done, err := newBench(t.TempDir(), 2*gib)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	b.commitSize = 8 * gib
	for _, name := range everybody {
		b.targets[name], b.binaries[name] = target{name: name}, name
	}
	contests := map[string]contest{}
	for _, c := range b.contests() {
		if _, twice := contests[c.name]; twice {
			t.Errorf("two loads are called %q", c.name)
		}
		contests[c.name] = c
	}
	for _, a := range asked(b.commitSizes()) {
		c := contests[a.contest]
		has := func(name string) bool {
			return slices.ContainsFunc(c.contestants, func(who contestant) bool { return who.name == name })
		}
		if !has(a.who) || a.beside != "" && !has(a.beside) || !slices.Contains(c.figures, a.figure) {
			t.Errorf("nothing measures %+v", a)
		}
	}
}
