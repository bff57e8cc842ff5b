package upload

import (
	"testing"

	"boxcar/internal/content"
	"boxcar/internal/digest"
)

// Two transactions write the same states. What comes after them is not in
// either.
func TestStatesThatNobodyWroteAreKept(t *testing.T) {
	f := &front{now: content.Front{N: 100}, after: []mark{{start: 0}}}
	first, _, _ := f.unsaved()
	second, _, _ := f.unsaved()
	f.wrote(first.N)
	f.now.N, f.after = 200, append(f.after, mark{start: 100})
	f.wrote(second.N)
	if now, after, dirty := f.unsaved(); !dirty || len(after) != 1 || after[0].start != 100 || now.N != 200 {
		t.Errorf("the front is %+v, with the states %+v to write, and dirty is %v", now, after, dirty)
	}
}

// What was hashed upon a part that then was not recorded is taken back, so that
// the next try is hashed along, and those behind it are not hashed again.
func TestTheTipGoesBack(t *testing.T) {
	const size = 4 * digest.BlockSize
	f := &front{grid: content.Grid{FileSize: 3 * size, PartSize: size}}
	f.now.State = digest.New().State()
	f.tip = f.now
	hash := func(slot int64) *follower {
		t.Helper()
		w := f.follow(f.grid.Slot(slot))
		also, _ := w.Ask()
		if also == nil {
			t.Fatalf("part %d is not hashed along, with the tip at %d", slot, f.tip.N)
		}
		also.Write(make([]byte, size))
		w.Led()
		return w
	}
	zeroth, first := hash(0), hash(1)
	zeroth.leave(false)
	if f.tip != f.now {
		t.Errorf("the tip is at %d, and nothing is there", f.tip.N)
	}
	again := hash(0)
	f.recorded(again.storedAs("a"))
	again.leave(true)
	f.recorded(first.storedAs("b"))
	first.leave(true)
	if f.now.N != 2*size || f.tip != f.now {
		t.Errorf("the front is at %d and the tip at %d", f.now.N, f.tip.N)
	}
	last := hash(2)
	last.leave(false)
	if f.tip.N != 2*size {
		t.Errorf("the tip is at %d", f.tip.N)
	}
	hash(2)
}
