package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
)

func TestStormDoesEachThingOnce(t *testing.T) {
	var mu sync.Mutex
	var did []int
	n, err := storm{clients: 4, count: 100}.run(t.Context(), 50, func(_ context.Context, i int) error {
		mu.Lock()
		defer mu.Unlock()
		did = append(did, i)
		return nil
	})
	slices.Sort(did)
	if err != nil || n != 100 || len(slices.Compact(slices.Clone(did))) != 100 || did[0] != 50 || did[99] != 149 {
		t.Errorf("%d, %v: %v", n, err, did)
	}
	wrong := errors.New("wrong")
	if _, err := (storm{clients: 4, count: 100}).run(t.Context(), 0, func(ctx context.Context, i int) error {
		if i == 10 {
			return wrong
		}
		if i > 10 {
			<-ctx.Done() // only that error ends the others
			return ctx.Err()
		}
		return nil
	}); err != wrong {
		t.Errorf("ended with %v", err)
	}
}

func TestOrderOfParts(t *testing.T) {
	if got := (upload{}).order(4, 7); !slices.Equal(got, []int{0, 1, 2, 3}) {
		t.Errorf("in order: %v", got)
	}
	random := upload{random: true}
	one := random.order(50, 1)
	if !slices.Equal(one, random.order(50, 1)) || slices.Equal(one, random.order(50, 2)) || slices.IsSorted(one) {
		t.Error("a random order is not that of its round")
	}
	slices.Sort(one)
	if !slices.Equal(one, (upload{}).order(50, 0)) {
		t.Errorf("not all parts: %v", one)
	}
}
