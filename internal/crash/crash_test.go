package crash_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Variables of the environment that change TestCrash.
const (
	envStates = "BOXCAR_CRASH_STATES" // how many distinct states are wanted
	envSeed   = "BOXCAR_CRASH_SEED"   // the first seed; 1
	envWorker = "BOXCAR_CRASH_WORKER" // set by TestCrash itself
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
// run cuts it at one of twelve calls only.
//
// The work is done by as many processes as there are processors, each with one: goroutines
// that become ready together then run one after another, as good as always in the same order.
func TestCrash(t *testing.T) {
	if text := os.Getenv(envReplay); text != "" {
		replay(t, text)
		return
	}
	p, want := plot{mixes: 24}, fromEnv(t, envStates, 0)
	if want == 0 {
		want, p.mixes, p.every = 2000, 14, 12
		if raced {
			want, p.mixes, p.every = 60, 1, 100
		}
	}
	first := fromEnv(t, envSeed, 1)
	if text := os.Getenv(envWorker); text != "" {
		work(t, p, first, text)
		return
	}
	sum := newTally(want)
	t.Run("all", func(t *testing.T) {
		workers := runtime.GOMAXPROCS(0)
		for n := range workers {
			t.Run(fmt.Sprint("worker ", n), func(t *testing.T) {
				t.Parallel()
				start(t, sum, fmt.Sprintf("%d/%d", n, workers))
			})
		}
	})
	t.Logf("%v; seeds from %d on", sum, first)
}

// start has a process work until there is enough.
func start(t *testing.T, sum *tally, which string) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCrash$", "-test.timeout=0")
	cmd.Env = append(os.Environ(), envWorker+"="+which, "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1",
		"GOGC=400") // disks are soon garbage, and small
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		text, counted := strings.CutPrefix(line, "counts ")
		var n counts
		if counted && json.Unmarshal([]byte(text), &n) == nil {
			sum.count(n)
		} else {
			said.WriteString(line)
		}
		if sum.enough() || strings.Contains(line, "FAIL") {
			in.Close()
		}
		if err != nil {
			break
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v:\n%s", err, said.String())
		sum.end()
	}
}

// work is what such a process does: every n-th run, until nobody wants more.
func work(t *testing.T, p plot, first int, text string) {
	var which, workers int
	if _, err := fmt.Sscanf(text, "%d/%d", &which, &workers); err != nil {
		t.Fatal(err)
	}
	sum := newTally(0)
	go func() {
		io.Copy(io.Discard, os.Stdin)
		sum.end()
	}()
	tell := func() {
		text, err := json.Marshal(sum.report())
		if err != nil {
			panic(err)
		}
		fmt.Printf("counts %s\n", text)
	}
	go func() {
		for range time.Tick(200 * time.Millisecond) {
			tell()
		}
	}()
	defer tell()
	base()
	for n := which; !sum.enough() && !t.Failed(); n += workers {
		p := p
		p.program, p.seed = programs[n%len(programs)], uint64(first+n/len(programs))
		if p.program.fresh && p.seed%8 != 1 {
			continue // what is left of a new database takes ten times as long to look at
		}
		if err := play(t, p, sum); err != nil {
			t.Error(err)
		}
	}
}

// replay cuts the power at one moment, as a run has printed it.
func replay(t *testing.T, text string) {
	err, come := repeat(t, text, nil)
	if err != nil {
		t.Error(err)
	} else if !come {
		t.Fatalf("in %d runs the calls before that power cut never came in that order", repeats)
	}
}

const repeats = 200

// repeat cuts the power at one moment. Where several goroutines become ready
// together, chance may have them run in another order; then it is tried again.
func repeat(t *testing.T, text string, m *mutant) (found error, come bool) {
	fields := strings.Split(text, ":")
	if len(fields) != 5 {
		t.Fatalf("%q is not program:seed:cut:seed:calls", text)
	}
	var n [4]uint64
	for i := range n {
		var err error
		if n[i], err = strconv.ParseUint(fields[i+1], 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	only := &moment{cut: int(n[1]), seed: n[2], calls: n[3]}
	for range repeats {
		err := play(t, plot{program: named(t, fields[0]), seed: n[0], only: only, mutant: m}, newTally(0))
		if only.come {
			return err, true
		}
	}
	return nil, false
}

// notRaced skips what is slow under the race detector, or repeats goroutines'
// order, which it shuffles. make crash has no race detector.
func notRaced(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("NOT TRIED with the race detector, for which it is too slow or in too exact an order; make crash does")
	}
}

// What is found can be repeated by what is printed.
func TestReplay(t *testing.T) {
	notRaced(t)
	base()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, name := range []string{"parts", "crowd"} {
		m := &mutant{ignore: []string{shard}}
		err := play(t, plot{program: named(t, name), seed: 1, mixes: 2, every: 16, mutant: m}, newTally(0))
		if err == nil {
			t.Fatalf("%s: nothing is found", name)
		}
		_, text, _ := strings.Cut(err.Error(), envReplay+"='")
		text, _, _ = strings.Cut(text, "'")
		again, _ := repeat(t, text, m)
		if again == nil || again.Error() != err.Error() {
			t.Errorf("%s finds\n%v\nand its replay\n%v", name, err, again)
		}
	}
}
