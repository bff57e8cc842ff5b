package crash_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"boxcar/internal/sweep"
	"boxcar/internal/vfs/faultfs"
)

// program is what clients do to a server, which it opens itself.
type program struct {
	name  string
	fresh bool // on an empty disk
	upto  int  // the last call before which the power is cut; 0: any
	every int  // how many calls a power cut stands for before the first request, where looking at what is left takes long; 0 is 1
	run   func(r *run) error
}

// story is a program of one client with a server that is up.
func story(name string, steps func(c *client) error) program {
	return program{name: name, run: func(r *run) error {
		if err := r.open(); err != nil {
			return err
		}
		return steps(r.client("a"))
	}}
}

var programs = []program{
	{name: "database made", fresh: true, upto: 24, run: func(r *run) error { return r.open() }},
	{name: "first start", fresh: true, every: 24, run: func(r *run) error {
		if err := r.open(); err != nil {
			return err
		}
		if err := r.client("a").do(simple("a", contents[0], false)); err != nil {
			return err
		}
		if err := r.close(); err != nil {
			return err
		}
		return r.open()
	}},
	story("parts", func(c *client) error {
		s := &session{path: "a", data: contents[0]}
		return c.do(create(s), part(s, 2), spoiled(s, 0), part(s, 0), part(s, 0), part(s, 1), part(s, 3), commit(s), commit(s))
	}),
	story("parts at once", func(c *client) error {
		s := &session{path: "a", data: contents[5]}
		if err := c.do(create(s), part(s, 1)); err != nil {
			return err
		}
		if err := c.atOnce(part(s, 0), part(s, 2), part(s, 3), part(s, 3)); err != nil {
			return err
		}
		return c.atOnce(commit(s), commit(s))
	}),
	story("simple uploads", func(c *client) error {
		return c.do(simple("a", contents[3], false), simple("a", contents[2], true), simple("ab", contents[2], false))
	}),
	story("new version by plan", func(c *client) error {
		s, v := &session{path: "a", data: contents[0]}, &session{path: "a", data: contents[5], version: true}
		return c.do(create(s), part(s, 0), part(s, 1), part(s, 2), part(s, 3), commit(s),
			create(v), plan(v), part(v, 1), part(v, 0), part(v, 2), part(v, 3), commit(v))
	}),
	story("abort", func(c *client) error {
		s := &session{path: "a", data: contents[0]}
		if err := c.do(create(s), part(s, 1), part(s, 0), abort(s)); err != nil {
			return err
		}
		u := &session{path: "a", data: contents[0]}
		return c.do(create(u), part(u, 0), abort(u), abort(u))
	}),
	story("expiry", func(c *client) error {
		s := &session{path: "a", data: contents[0]}
		if err := c.do(create(s), part(s, 0), part(s, 2), simple("ab", contents[1], false)); err != nil {
			return err
		}
		c.turn(8 * 24 * time.Hour)
		if _, err := c.h.sweep.Sweep(ctx); err != nil {
			return err
		}
		c.turn(8 * 24 * time.Hour) // forgotten
		_, err := c.h.sweep.Sweep(ctx)
		return err
	}),
	story("trash", func(c *client) error {
		if err := c.do(mkdir("a"), simple("a/af", contents[0], false), mkdir("a/ad"), simple("a/ad/ag", contents[0], false), simple("a/ad/ah", contents[4], false),
			trash("a/af"), restore("~af"), trash("a/af"), purge("~af"), trash("a/ad"), purge("~ad"), trash("a")); err != nil {
			return err
		}
		if _, err := c.h.sweep.Limbo(ctx); err != nil {
			return err
		}
		return c.do(restore("~a"), simple("a/af", contents[2], false))
	}),
	story("copies and moves", func(c *client) error {
		if err := c.do(mkdir("a"), mkdir("a/ad"), simple("a/ad/a1", contents[0], false), simple("a/ad/a2", contents[2], false), simple("a/a3", contents[3], false),
			simple("a/a3", contents[2], true), duplicate("a", "ab"), move("ab/ad", "a/ae"), duplicate("a/a3", "ab/a4"), trash("a"), purge("~a")); err != nil {
			return err
		}
		_, err := c.h.sweep.Limbo(ctx)
		return err
	}),
	story("copy beside sweeps", func(c *client) error {
		if err := c.do(mkdir("a")); err != nil {
			return err
		}
		for n := range 8 { // each of them takes a bite
			if err := c.do(mkdir(fmt.Sprint("a/", n))); err != nil {
				return err
			}
		}
		if err := c.do(simple("a/1/f", contents[3], false), simple("a/7/f", contents[2], false)); err != nil {
			return err
		}
		var swept error
		var over atomic.Bool
		var wg sync.WaitGroup
		wg.Go(func() {
			for swept == nil && !over.Load() {
				_, swept = c.h.sweep.Sweep(ctx)
			}
		})
		err := c.do(duplicate("a", "ab"), trash("a"), purge("~a"))
		over.Store(true)
		wg.Wait()
		return errors.Join(err, swept)
	}),
	{name: "restarts", run: func(r *run) error {
		if err := r.open(); err != nil {
			return err
		}
		c := r.client("a")
		s := &session{path: "a", data: contents[0]}
		if err := c.do(create(s), part(s, 0), part(s, 2), simple("ab", contents[4], false)); err != nil {
			return err
		}
		if err := r.close(); err != nil {
			return err
		}
		if err := r.open(); err != nil {
			return err
		}
		if err := c.do(part(s, 3), part(s, 1)); err != nil {
			return err
		}
		if err := r.outage(); err != nil {
			return err
		}
		if err := c.do(commit(s), simple("ab", contents[1], true)); err != nil {
			return err
		}
		if err := r.outage(); err != nil {
			return err
		}
		if err := c.do(simple("a", contents[1], true)); err != nil {
			return err
		}
		return r.close()
	}},
	{name: "crowd", run: crowd},
	{name: "crowd on a bad disk", run: func(r *run) error {
		if err := r.open(); err != nil {
			return err
		}
		// One call fails, of those that can take something with them.
		all := []faultfs.Op{faultfs.Sync, faultfs.SyncDir, faultfs.Write, faultfs.Link, faultfs.Create, faultfs.Remove, faultfs.Truncate}
		op := all[r.rng.IntN(len(all))]
		most := map[faultfs.Op]int{faultfs.Sync: 80, faultfs.Write: 300}[op]
		r.fired = r.fs.Fail(faultfs.Fault{Ops: op, Skip: r.rng.IntN(max(most, 20)), Short: r.rng.IntN(2) * 600})
		return crowd(r)
	}},
}

// crowd is several clients and the server's chores, all at once. What they do
// goes by the seed.
func crowd(r *run) error {
	if r.h == nil {
		if err := r.open(); err != nil {
			return err
		}
	}
	const clients, requests, rounds = 3, 7, 3
	errs := make([]error, clients+1)
	var wg sync.WaitGroup
	for n := range clients {
		c := r.client(string(rune('a' + n)))
		w := &whim{client: c, rng: rand.New(rand.NewPCG(r.seed, uint64(10+n)))}
		wg.Go(func() {
			for range requests {
				if errs[n] = w.next(); errs[n] != nil {
					return
				}
			}
		})
	}
	wg.Go(func() {
		for range rounds {
			r.turn(2 * sweep.GarbageAge) // what is just arriving looks old
			if _, err := r.h.sweep.Sweep(ctx); err != nil && !r.failing() {
				errs[clients] = err
				return
			}
			if err := r.h.upload.HashIdle(ctx); err != nil && !r.failing() {
				errs[clients] = err
				return
			}
		}
	})
	wg.Wait()
	return errors.Join(errs...)
}

// whim is a client that does what it likes.
type whim struct {
	*client
	rng *rand.Rand
	n   int // makes names
}

func (w *whim) name() string { w.n++; return fmt.Sprintf("%s%d", w.client.name, w.n) }

func (w *whim) data() []byte { return contents[w.rng.IntN(len(contents))] }

// pick is one of the items that fit, or empty.
func (w *whim) pick(fits func(at, what string) bool) string {
	var all []string
	for at, what := range w.m.items {
		if fits(at, what) {
			all = append(all, at)
		}
	}
	if len(all) == 0 {
		return ""
	}
	slices.Sort(all)
	return all[w.rng.IntN(len(all))]
}

// next is one request, or a few at once.
func (w *whim) next() error {
	var s *session // that is open; a client has one at a time
	for other, f := range w.m.fates {
		if f == open {
			s = other
		}
	}
	free := func(at, what string) bool { return at[0] != '~' && (s == nil || s.path != at) }
	file := func(at, what string) bool { return free(at, what) && what != "dir" }
	top := func(at, what string) bool { return free(at, what) && !strings.Contains(at, "/") }
	binned := func(at, what string) bool { return at[0] == '~' && !strings.Contains(at, "/") }
	switch n := w.rng.IntN(20); {
	case s == nil && n < 9:
		s = &session{path: w.name(), data: w.data()}
		if at := w.pick(file); at != "" && w.rng.IntN(2) == 0 {
			s.path, s.version = at, true
		}
		return w.do(create(s))
	case s != nil && n < 9:
		var missing []int64
		for slot := range s.Grid.Parts() {
			if !w.m.parts[s][slot] {
				missing = append(missing, slot)
			}
		}
		switch {
		case len(missing) == 0:
			return w.do(commit(s))
		case len(missing) == 1:
			return w.do(part(s, missing[0]))
		}
		w.rng.Shuffle(len(missing), func(i, j int) { missing[i], missing[j] = missing[j], missing[i] })
		return w.atOnce(part(s, missing[0]), part(s, missing[1]))
	case s != nil && n < 11:
		return w.do(plan(s))
	case s != nil && n < 12:
		return w.do(abort(s))
	case n < 14:
		if at := w.pick(file); at != "" && w.fired == nil { // it can't be done again blindly
			return w.do(simple(at, w.data(), true))
		}
	case n < 16:
		if at := w.pick(top); at != "" {
			return w.do(trash(at))
		}
	case n < 18:
		if at := w.pick(binned); at != "" {
			if n == 16 {
				return w.do(restore(at))
			}
			return w.do(purge(at))
		}
	case n < 19:
		if at := w.pick(top); at != "" {
			return w.do(duplicate(at, w.name()))
		}
	}
	return w.do(simple(w.name(), w.data(), false))
}
