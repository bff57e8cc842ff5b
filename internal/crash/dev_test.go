package crash_test

import "testing"

func TestDev(t *testing.T) {
	base()
	p := named(t, "crowd on a bad disk")
	sum := newTally(0)
	for seed := range uint64(fromEnv(t, "N", 40)) {
		seed += uint64(fromEnv(t, "FROM", 1))
		if err := play(t, plot{program: p, seed: seed, mixes: 3, every: fromEnv(t, "EVERY", 40)}, sum); err != nil {
			t.Errorf("%.1500v", err)
		}
	}
	t.Log(sum)
}
