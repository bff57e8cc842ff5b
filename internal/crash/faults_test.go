package crash_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"

	"boxcar/internal/vfs/faultfs"
)

const (
	// envFaults is how many calls one that fails in TestEveryCallFailsOnce stands
	// for; 1 is all of them.
	envFaults = "BOXCAR_FAULTS_EVERY"
	// envFault is one of them, as a run has printed it.
	envFault = "BOXCAR_FAULT"
)

// failures are the ways in which a call fails: a write has done some of its work
// before, or none.
var failures = []faultfs.Fault{
	{Err: syscall.EIO},
	{Err: syscall.ENOSPC, Short: 600},
}

// errTwice says that a request failed and was made again, and that this failed too.
var errTwice = errors.New("failed again, when nothing was wrong with the disk any more")

// TestEveryCallFailsOnce has each call fail, of rows and of blobs, of every
// program: a client is told so, nothing half-made is there, and its next try works.
// What is left on the disk, as it is and by power cuts, is all that was acknowledged.
func TestEveryCallFailsOnce(t *testing.T) {
	every, text := fromEnv(t, envFaults, 1024), os.Getenv(envFault)
	if text != "" {
		every = 1
	}
	if raced && os.Getenv(envFaults) == "" {
		t.Skip("NOT TRIED with the race detector, which has SQLite take ten times as long: that each file call fails once")
	}
	sum := newTally(0)
	sum.end() // nothing is cut while programs run
	var mu sync.Mutex
	failed, told := map[faultfs.Op]int{}, 0
	base()
	type job struct {
		program program
		how     int // of failures
		n       int
	}
	jobs := make(chan job)
	var wg sync.WaitGroup
	var broken atomic.Bool
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for j := range jobs {
				if broken.Load() {
					continue
				}
				r, _, err := failAt(t, j.program, failures[j.how], j.n, sum)
				if err != nil {
					broken.Store(true)
					t.Errorf("program %s, call %d (%s) fails with %v: %v\nagain: %s='%s:%d:%d' go test -count=1 -run 'TestEveryCallFailsOnce$' ./internal/crash",
						j.program.name, j.n, r.failedOp, failures[j.how].Err, err, envFault, j.program.name, j.n, j.how)
				}
				mu.Lock()
				if failed[r.failedOp]++; r.told {
					told++
				}
				mu.Unlock()
			}
		})
	}
	runs := 0
	for _, p := range programs {
		if strings.HasPrefix(p.name, "crowd on") || p.upto > 0 {
			continue // fails as it is; is the beginning of another
		}
		_, calls, err := failAt(t, p, faultfs.Fault{}, 0, sum)
		if err != nil {
			t.Fatalf("program %s with nothing that fails: %v", p.name, err)
		}
		for how := range failures {
			for n := 1 + (runs+how)%every; n <= calls; n += every {
				if text != "" && text != fmt.Sprintf("%s:%d:%d", p.name, n, how) {
					continue
				}
				jobs <- job{p, how, n}
				runs++
			}
		}
	}
	close(jobs)
	wg.Wait()
	ops := []string{fmt.Sprintf("none %d", failed[0])} // where a run had fewer calls than the first
	delete(failed, 0)
	for _, op := range slices.Sorted(maps.Keys(failed)) {
		ops = append(ops, op.String()+" "+strconv.Itoa(failed[op]))
	}
	t.Logf("%d calls have failed, one a run; %d times a client was told: %s", runs, told, strings.Join(ops, ", "))
}

// failAt runs a program with its n-th call failing; n of 0 has no call fail. calls is
// how many there were.
func failAt(t *testing.T, p program, fault faultfs.Fault, n int, sum *tally) (r *run, calls int, found error) {
	synctest.Test(t, func(t *testing.T) {
		r = &run{
			plot: plot{program: p, seed: 1}, tally: sum, order: newSchedule(1), source: new(source),
			rng: rand.New(rand.NewPCG(1, 2)), seen: map[uint64]bool{}, proved: map[uint64]bool{},
			fs: base().Crash(faultfs.Kept),
		}
		if p.fresh {
			r.fs = faultfs.New()
		}
		r.source.n.Store(1000)
		r.order.watch(r.fs)
		if n > 0 {
			fault.Skip = n - 1
			r.fired = r.fs.Fail(fault)
		}
		done := make(chan error, 1)
		over := make(chan struct{})
		go func() {
			defer close(over)
			done <- p.run(r)
		}()
		r.order.run(over, func(op faultfs.Op, name string) {
			if calls++; calls == n {
				r.failedOp = op
			}
		})
		r.fs.Watch(nil)
		if err := <-done; err != nil && (n == 0 || !r.failing() || errors.Is(err, errTwice) || errors.Is(err, errLie)) {
			found = err
		}
		seeds := []uint64{faultfs.Kept, faultfs.Lost, uint64(n) + 2}
		if r.failedOp == faultfs.SyncDir && p.fresh && !r.told {
			// SQLite's own syncs of the directory, while it makes the database, say
			// nothing when they fail; and here no later one makes good for it.
			seeds = seeds[:1]
		}
		for _, seed := range seeds {
			if found != nil {
				break
			}
			if err := r.check(r.fs.Crash(seed), seed); err != nil {
				found = fmt.Errorf("what is left by %d: %w", seed, err)
			}
		}
		if r.h != nil {
			r.h.off()
		}
	})
	return r, calls, found
}
