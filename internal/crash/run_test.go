package crash_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/vfs/faultfs"
)

// plot says what is run.
type plot struct {
	program program
	seed    uint64 // of the order of calls, and of what is random in the program
	mixes   int    // power cuts at each call besides those that lose and keep all
	every   int    // how many calls a power cut stands for; 0 is 1
	near    int    // how many cuts behind a sync that a mutant left out there are; 0 is all
	mutant  *mutant
	only    *moment // nil: all
}

// moment is one power cut.
type moment struct {
	cut   int    // its number, from 1
	seed  uint64 // of what is left
	calls uint64 // all before it

	come bool // it has
}

// run is a program at work, with the power cut at each of its calls.
type run struct {
	plot
	tally *tally
	order *schedule
	rng   *rand.Rand // of the program

	fs     *faultfs.FS
	h      *house // nil while there is none
	source *source
	ahead  atomic.Int64 // of the clock of the bubble, ns

	mu      sync.Mutex // guards what follows against several clients
	clients []*client
	moves   int   // steps begun, ended and refused
	problem error // what a client met

	cuts    int
	calls   number
	changed bool // the disk, or what is known, since the last cut
	known   int  // moves at the last cut
	seen    map[uint64]bool
	proved  map[uint64]bool
	frozen  bool // something was found, or enough is

	fired    func() bool // whether the disk has failed; nil: it does not
	failedOp faultfs.Op  // the call that has, if it is one
	told     bool        // a client was told so
}

// client makes one request after another.
type client struct {
	*run
	name  string
	m     *model  // what was acknowledged
	doubt []*step // what has no answer yet
}

func (r *run) now() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) }

func (r *run) site() site {
	return site{source: r.source, now: r.now, mutant: r.mutant, readers: 2, logSize: shortLog}
}

// play runs a plot, and returns the first thing that is not as promised.
func play(t *testing.T, p plot, sum *tally) (found error) {
	sum.count(counts{Runs: 1})
	synctest.Test(t, func(t *testing.T) {
		r := &run{
			plot: p, tally: sum, order: newSchedule(p.seed), source: new(source),
			rng:  rand.New(rand.NewPCG(p.seed, 2)),
			seen: map[uint64]bool{}, proved: map[uint64]bool{},
		}
		r.source.n.Store(1000) // behind those of the first start
		if p.program.fresh {
			r.fs = faultfs.New()
		} else {
			r.fs = base().Crash(faultfs.Kept)
		}
		r.order.watch(r.fs)
		if r.mutant != nil {
			r.mutant.main = r.fs
			r.mutant.calm.Store(1 << 30)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			err := p.program.run(r)
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.problem == nil {
				r.problem = err
			}
		}()
		r.order.run(done, func(op faultfs.Op, name string) {
			found = first(found, r.cut(fmt.Sprintf("before %s of %s", op, name)))
			r.calls.int(uint64(op))
			r.calls.bytes([]byte(name))
			r.changed = r.changed || op&faultfs.Changes != 0
		})
		found = first(found, r.cut("at the end"))
		r.fs.Watch(nil)
		if found == nil && r.problem != nil {
			found = fmt.Errorf("program %s, seed %d: %w", p.program.name, p.seed, r.problem)
		}
		if r.h != nil {
			r.h.off()
		}
	})
	return found
}

// first is the first of two errors.
func first(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// open starts the server.
func (r *run) open() error {
	h, err := r.site().open(ctx, r.fs)
	if err != nil && r.failing() {
		// The server has given up: it is started again, on what is there.
		r.told = true
		r.fs.Watch(nil)
		r.fs = r.fs.Crash(faultfs.Kept)
		r.order.watch(r.fs)
		h, err = r.site().open(ctx, r.fs)
		if err != nil {
			err = fmt.Errorf("%w: %w", errTwice, err)
		}
	}
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	r.h = h
	return nil
}

func (r *run) close() error {
	h := r.h
	r.h = nil
	return h.close()
}

// outage cuts the power under the running server, and starts it again.
func (r *run) outage() error {
	left := r.fs.Crash(r.rng.Uint64())
	h := r.h
	r.h = nil
	h.off()
	r.fs.Watch(nil)
	r.fs = left
	r.order.watch(left)
	return r.open()
}

func (r *run) client(name string) *client {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &client{run: r, name: name, m: newModel()}
	r.clients = append(r.clients, c)
	return c
}

// do makes requests one after another, until one goes wrong.
func (c *client) do(steps ...step) error {
	for i := range steps {
		if err := c.try(&steps[i]); err != nil {
			return fmt.Errorf("%s: %w", steps[i].what, err)
		}
	}
	return nil
}

// try makes one request. If it fails because the disk has, it is made again, as
// clients do, and what became of it is not known before it went well.
func (c *client) try(st *step) error {
	c.mu.Lock()
	c.doubt = append(c.doubt, st)
	c.moves++
	c.mu.Unlock()
	err := st.do(ctx, c.h)
	if err != nil && c.failing() {
		c.mu.Lock()
		c.told = true
		c.mu.Unlock()
		if k := content.KindOf(err); k != content.Internal && k != content.Unavailable {
			err = fmt.Errorf("%w: %w", errLie, err)
		}
	}
	for n := 0; err != nil && n < 3 && c.failing() && !errors.Is(err, errLie); n++ {
		if err = st.do(ctx, c.h); err != nil && content.Is(err, st.done...) {
			err = nil
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moves++
	c.doubt = slices.DeleteFunc(c.doubt, func(d *step) bool { return d == st })
	if err == nil {
		st.apply(c.m)
	} else if c.failing() && !errors.Is(err, errLie) {
		err = fmt.Errorf("%w: %w", errTwice, err)
	}
	return err
}

// errLie says that a client was told that it had done something wrong, when it was the disk.
var errLie = errors.New("this is not the client's fault")

// failing says whether the disk has failed.
func (r *run) failing() bool { return r.fired != nil && r.fired() }

// atOnce makes requests at the same time.
func (c *client) atOnce(steps ...step) error {
	errs := make([]error, len(steps))
	var wg sync.WaitGroup
	for i := range steps {
		wg.Go(func() { errs[i] = c.do(steps[i]) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// turn puts the clock forward. Sessions may be over from here on, if it is by that much.
func (r *run) turn(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ahead.Add(int64(d))
	r.moves++
	if d < 7*24*time.Hour {
		return
	}
	for _, c := range r.clients {
		for s, f := range c.m.fates {
			if f == open {
				c.m.fates[s] = over
			}
		}
	}
}

// cut cuts the power, in many ways.
func (r *run) cut(when string) error {
	if r.frozen || !r.changed && r.moves == r.known && r.cuts > 0 {
		return nil
	}
	r.changed, r.known = false, r.moves
	r.cuts++
	var seeds []uint64
	every := max(1, r.every)
	if r.moves == 0 {
		every *= max(1, r.program.every)
	}
	switch {
	case r.only != nil && r.only.cut == r.cuts:
		if r.only.calls != uint64(r.calls) {
			r.frozen = true
			return nil
		}
		r.only.come = true
		seeds = []uint64{r.only.seed}
	case r.near > 0 && r.mutant.calm.Add(1) > int64(r.near):
		return nil
	case r.only == nil && (r.program.upto == 0 || r.cuts <= r.program.upto) && (r.cuts+int(r.seed))%every == 0:
		dice := rand.New(rand.NewPCG(r.seed, uint64(r.cuts)))
		seeds = []uint64{faultfs.Lost, faultfs.Kept}
		for range r.mixes {
			seeds = append(seeds, dice.Uint64())
		}
	default:
		return nil
	}
	r.tally.count(counts{Cuts: 1})
	for _, seed := range seeds {
		if err := r.check(r.fs.Crash(seed), seed); err != nil {
			r.frozen = true
			return fmt.Errorf("program %s, seed %d, cut %d (%s), what is left by %d: %w\nagain: %s",
				r.program.name, r.seed, r.cuts, when, seed, err, r.again(seed))
		}
	}
	if r.only != nil || r.tally.enough() {
		r.frozen = true
	}
	return nil
}

// again is the command that repeats one power cut.
func (r *run) again(seed uint64) string {
	return fmt.Sprintf("%s='%s:%d:%d:%d:%d' go test -count=1 -run 'TestCrash$' ./internal/crash", envReplay, r.program.name, r.seed, r.cuts, seed, r.calls)
}
