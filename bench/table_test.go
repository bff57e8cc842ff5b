package main

import (
	"strings"
	"testing"
)

func TestTableIsAligned(t *testing.T) {
	var b strings.Builder
	writeTable(&b, []string{"server", "µs"}, [][]string{{"a", "1.00 (0.50..2.00)"}, {"größer", ""}})
	const want = `| server | µs                |
|--------|-------------------|
| a      | 1.00 (0.50..2.00) |
| größer |                   |
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", &b, want)
	}
}
