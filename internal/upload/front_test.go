package upload

import (
	"testing"

	"boxcar/internal/content"
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
