package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestRunInProcess is why the results of the other tests can be cached: they
// run a program that is built apart, and only this one makes the test binary,
// by which the cache goes, change whenever the program does.
func TestRunInProcess(t *testing.T) {
	for _, c := range []struct {
		args     []string
		code     int
		out, err string // what it begins with; "" is nothing at all
	}{
		{args: []string{"version"}, code: exitDone, out: "boxcar "},
		{args: []string{"doctor", "--data", t.TempDir()}, code: exitFailed, err: "boxcar: "},
		{args: []string{"serve", "--listen", "nowhere"}, code: exitUse, err: "boxcar: "},
	} {
		var out, err bytes.Buffer
		code := run(c.args, streams{Out: &out, Err: &err})
		if code != c.code || !begins(out.String(), c.out) || !begins(err.String(), c.err) {
			t.Errorf("%q: exit code %d, want %d; stdout %q, want %q; stderr %q, want %q", c.args, code, c.code, &out, c.out, &err, c.err)
		}
	}
}

func begins(text, with string) bool {
	if with == "" {
		return text == ""
	}
	return strings.HasPrefix(text, with)
}
