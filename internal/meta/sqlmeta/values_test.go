package sqlmeta

import "testing"

func TestDollarsCountPlaceholders(t *testing.T) {
	for in, want := range map[string]string{
		"":                              "",
		"SELECT 1":                      "SELECT 1",
		"?":                             "$1",
		"a = ? AND b IN (?, ?) LIMIT ?": "a = $1 AND b IN ($2, $3) LIMIT $4",
		"?,?,?,?,?,?,?,?,?,?":           "$1,$2,$3,$4,$5,$6,$7,$8,$9,$10",
	} {
		if got := Dollars(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
