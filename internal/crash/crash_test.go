package crash_test

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// Variables of the environment that change TestCrash.
const (
	envStates = "BOXCAR_CRASH_STATES" // how many distinct states are wanted
	envSeed   = "BOXCAR_CRASH_SEED"   // the first seed; 1
	envReplay = "BOXCAR_CRASH_REPLAY" // one power cut, as a run has printed it
)

func fromEnv(t *testing.T, name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestCrash cuts the power at every file call of all programs, and of each again
// with other seeds, until there are as many distinct states as wanted. A short
// run cuts it at some calls of each only.
func TestCrash(t *testing.T) {
	if text := os.Getenv(envReplay); text != "" {
		replay(t, text)
		return
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // disks are soon garbage, and small
	base()
	p := plot{mixes: 24}
	want := fromEnv(t, envStates, 0)
	if want == 0 {
		want, p.mixes, p.every = 3000, 6, 6
		if raced {
			want, p.mixes, p.every = 300, 2, 40
		}
	}
	first := fromEnv(t, envSeed, 1)
	sum := newTally(want)
	var next atomic.Int64
	t.Run("all", func(t *testing.T) {
		for w := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprint("worker ", w), func(t *testing.T) {
				t.Parallel()
				for !sum.enough() && !t.Failed() {
					n := int(next.Add(1) - 1)
					p := p
					p.program, p.seed = programs[n%len(programs)], uint64(first+n/len(programs))
					if p.program.fresh && p.seed%8 != 1 {
						continue // what is left of a new database takes ten times as long to look at
					}
					if err := play(t, p, sum); err != nil {
						t.Error(err)
					}
				}
			})
		}
	})
	t.Logf("%v; seeds from %d to %d", sum, first, first+int(next.Load()-1)/len(programs))
}

func replay(t *testing.T, text string) {
	fields := strings.Split(text, ":")
	if len(fields) != 4 {
		t.Fatalf("%s is program:seed:cut:seed", envReplay)
	}
	var n [3]uint64
	for i := range n {
		var err error
		if n[i], err = strconv.ParseUint(fields[i+1], 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range programs {
		if p.name == fields[0] {
			if err := play(t, plot{program: p, seed: n[0], only: &moment{int(n[1]), n[2]}}, newTally(0)); err != nil {
				t.Error(err)
			}
			return
		}
	}
	t.Fatalf("there is no program %q", fields[0])
}
