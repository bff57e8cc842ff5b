package main

import (
	"fmt"
	"math"
	"slices"
)

// figure is something measured, with its unit.
type figure string

// sample is what one run came to.
type sample map[figure]float64

// spread is what several runs came to.
type spread struct {
	median, least, most float64
	n                   int
}

// spreadOf of no values is the zero spread.
func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	v := slices.Sorted(slices.Values(values))
	mid := v[len(v)/2]
	if len(v)%2 == 0 {
		mid = (mid + v[len(v)/2-1]) / 2
	}
	return spread{mid, v[0], v[len(v)-1], len(v)}
}

// String is the median, and after it the least and the most, if there is more
// than one value.
func (s spread) String() string {
	switch s.n {
	case 0:
		return ""
	case 1:
		return short(s.median)
	}
	return fmt.Sprintf("%s (%s..%s)", short(s.median), short(s.least), short(s.most))
}

// short is three digits, or all that stand before the point.
func short(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// runs are the samples of one contestant, by round. A round without one is nil.
type runs []sample

func (rs runs) of(f figure) spread {
	var v []float64
	for _, r := range rs {
		if x, ok := r[f]; ok {
			v = append(v, x)
		}
	}
	return spreadOf(v)
}

// over is the ratio to another contestant, each round's by itself: what slows
// a round down slows both.
func (rs runs) over(base runs, f figure) spread {
	var v []float64
	for i, r := range rs {
		if i >= len(base) {
			break
		}
		x, ok := r[f]
		y, too := base[i][f]
		if ok && too && y != 0 {
			v = append(v, x/y)
		}
	}
	return spreadOf(v)
}
