package meta_test

import (
	"context"
	"errors"
	"testing"

	"boxcar/internal/meta"
)

// views counts transactions, in which there is nothing.
type views int

func (v *views) View(ctx context.Context, fn func(meta.Tx) error) error {
	*v++
	return fn(nil)
}

func TestEachSeesEveryRowOnce(t *testing.T) {
	for rows, want := range map[int]views{0: 1, 1: 1, meta.PageRows - 1: 1, meta.PageRows: 2, meta.PageRows + 1: 2, 3*meta.PageRows + 7: 4} {
		var v views
		next := 1
		err := meta.Each(t.Context(), &v, func(_ meta.Tx, after int) (page []int, err error) {
			for n := after + 1; n <= rows && len(page) < meta.PageRows; n++ {
				page = append(page, n)
			}
			return page, nil
		}, func(n int) int { return n }, func(n int) error {
			if n != next {
				t.Fatalf("of %d rows: %d where %d comes", rows, n, next)
			}
			next++
			return nil
		})
		if err != nil || next != rows+1 || v != want {
			t.Errorf("%d rows: %d were seen in %d transactions, want %d; %v", rows, next-1, v, want, err)
		}
	}
}

func TestEachStopsAtAnError(t *testing.T) {
	broken := errors.New("broken")
	var v views
	some := func(meta.Tx, int) ([]int, error) { return []int{1, 2, 3}, nil }
	same := func(n int) int { return n }
	seen := 0
	if err := meta.Each(t.Context(), &v, some, same, func(int) error { seen++; return broken }); !errors.Is(err, broken) || seen != 1 {
		t.Errorf("%v, after %d rows", err, seen)
	}
	if err := meta.Each(t.Context(), &v, func(meta.Tx, int) ([]int, error) { return []int{1}, broken }, same, func(int) error {
		t.Error("a row of a page that failed")
		return nil
	}); !errors.Is(err, broken) {
		t.Error(err)
	}
}
