package crash_test

import (
	"testing"
	"time"
)

func TestDev(t *testing.T) {
	base()
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			sum := newTally(0)
			begun := time.Now()
			err := play(t, plot{program: p, seed: uint64(fromEnv(t, "SEED", 1)), mixes: fromEnv(t, "MIXES", 6), every: fromEnv(t, "EVERY", 1)}, sum)
			t.Logf("%v: %v", time.Since(begun), sum)
			if err != nil {
				t.Error(err)
			}
		})
	}
}
