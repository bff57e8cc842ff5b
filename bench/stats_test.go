package main

import "testing"

func TestSpread(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   spread
		text   string
	}{
		{nil, spread{}, ""},
		{[]float64{0.333}, spread{0.333, 0.333, 0.333, 1}, "0.333"},
		{[]float64{3, 1}, spread{2, 1, 3, 2}, "2.00 (1.00..3.00)"},
		{[]float64{1234, 7, 56.78}, spread{56.78, 7, 1234, 3}, "56.8 (7.00..1234)"},
		{[]float64{0, 0.001234}, spread{0.000617, 0, 0.001234, 2}, "0.000617 (0..0.00123)"},
		{[]float64{4, 1, 3, 100}, spread{3.5, 1, 100, 4}, "3.50 (1.00..100)"},
	} {
		got := spreadOf(test.values)
		if got != test.want || got.String() != test.text {
			t.Errorf("%v: %+v, %q; want %+v, %q", test.values, got, got, test.want, test.text)
		}
	}
}

func TestRatiosAreThoseOfARound(t *testing.T) {
	// A machine that gets slower from round to round: the medians of both say
	// 0.5 all the same, but only pairs say that it is so in each round. The
	// last round lacks one of both.
	base := runs{{rate: 8}, {rate: 4}, {rate: 2}, nil}
	rs := runs{{rate: 4}, {rate: 2}, {rate: 1}, {rate: 9}}
	if got, want := rs.over(base, rate), (spread{0.5, 0.5, 0.5, 3}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := rs.of(rate); got != (spread{3, 1, 9, 4}) {
		t.Errorf("without a base: %+v", got)
	}
	if got := rs.over(base, cpu); got.n != 0 {
		t.Errorf("of a figure that nobody measured: %+v", got)
	}
	if got := rs.over(nil, rate); got.n != 0 {
		t.Errorf("beside somebody who is out: %+v", got)
	}
}
