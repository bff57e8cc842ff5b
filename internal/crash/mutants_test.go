package crash_test

import (
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/vfs/faultfs"
)

// wrong is a mutant, and the program that shows what is wrong with it.
type wrong struct {
	what    string
	mutant  *mutant
	program string
	mixes   int
	every   int
	seed    uint64 // the first of five that are tried
	near    int    // see plot
}

func without(kind string, w wrong) wrong {
	w.what, w.mutant = "without "+kind, &mutant{ignore: []string{kind}}
	return w
}

// wrongs is each thing that storage does to keep its promises, taken away.
func wrongs() []wrong {
	return []wrong{
		without(tempFile, wrong{program: "simple uploads", mixes: 4, every: 4}),
		without(shard, wrong{program: "simple uploads", mixes: 4, every: 4}),
		without(shardMade, wrong{program: "first start", mixes: 4, every: 4}),
		// SQLite may sync the same directory later; nobody counts on that.
		{what: "without " + roots, mutant: &mutant{ignore: []string{roots, logMade}}, program: "first start", mixes: 2, every: 4},
		without(logCommit, wrong{program: "parts", mixes: 4, every: 4}),
		without(logHeader, wrong{program: "crowd", mixes: 12, near: 24, seed: 2}),
		without(checkpoint, wrong{program: "trash", mixes: 6, every: 4, near: 200}),
		without(journal, wrong{program: "database made", mixes: 20, every: 1}),
		without(journalled, wrong{program: "database made", mixes: 20, every: 1}),
		{what: "bytes synced behind their name", mutant: &mutant{late: true}, program: "parts", mixes: 6, every: 4},
		{what: "rows before bytes", mutant: &mutant{blobs: func(h *house, blobs blob.Store) blob.Store { return behind{blobs, h} }},
			program: "parts", mixes: 4, every: 4},
		{what: "bytes deleted before their row", mutant: &mutant{rows: func(rows meta.Store, blobs blob.Store) meta.Store {
			return wrapped{rows, func(tx meta.Tx) meta.Tx { return hasty{tx, blobs} }}
		}}, program: "abort", mixes: 4, every: 4},
		{what: "a sweep that does not look for a row", mutant: &mutant{rows: func(rows meta.Store, blobs blob.Store) meta.Store {
			return wrapped{rows, func(tx meta.Tx) meta.Tx { return blind{tx} }}
		}}, program: "simple uploads", mixes: 4, every: 8},
		{what: "a sweep that does not ask what arrives", mutant: &mutant{house: func(h *house) { h.sweep.Arriving = nil }},
			program: "crowd", mixes: 1, every: 8},
		{what: "a sweep that does not ask what grows", mutant: &mutant{house: func(h *house) { h.sweep.Growing = nil }},
			program: "copy beside sweeps", every: 128},
	}
}

// spare are the syncs that nothing is lost without, and why.
var spare = map[string]string{
	logAgain:    "with synchronous=FULL each commit has synced the log already",
	logMade:     "the data directory has been synced at the end of Open; without both, see TestNamesOfTheDatabase",
	opened:      "SQLite and the blobs sync the same directory; without them, see TestNamesOfTheDatabase",
	journalMade: "there is a journal only while the database is empty",
}

// Each sync, order and second look that storage has is needed: a crash shows
// where one is missing.
func TestMutants(t *testing.T) {
	notRaced(t)
	base()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // as TestCrash has it
	known := maps.Clone(spare)
	all, shown := wrongs(), 0
	for _, w := range all {
		for _, kind := range w.mutant.ignore {
			known[kind] = w.program
		}
		t.Run(w.what, func(t *testing.T) {
			sum := newTally(0)
			for seed := range uint64(5) {
				seed += max(w.seed, 1)
				err := play(t, plot{program: named(t, w.program), seed: seed, mixes: w.mixes, every: w.every, near: w.near, mutant: w.mutant}, sum)
				if err != nil {
					text, _, _ := strings.Cut(err.Error(), "\nagain:")
					t.Logf("%d distinct states, seed %d: %.300s", len(sum.distinct), seed, text)
					shown++
					return
				}
			}
			t.Errorf("nothing shows it: %v", sum)
		})
	}

	t.Logf("%d mutants, of which %d lose something that is seen", len(all), shown)

	// What has no place in the tables above is new, and unproved.
	m := &mutant{}
	for _, name := range []string{"first start", "restarts"} {
		if err := play(t, plot{program: named(t, name), seed: 1, every: 50, mutant: m}, newTally(0)); err != nil {
			t.Error(err)
		}
	}
	for kind := range m.seen.n {
		if known[kind] == "" {
			t.Errorf("a sync of an unknown kind, %q: what is it for?", kind)
		}
	}
	for kind := range known {
		if m.seen.n[kind] == 0 {
			t.Errorf("there is no sync of the kind %q any more", kind)
		}
	}
	t.Log(slices.Sorted(maps.Keys(m.seen.n)))
}

// What is said to be spare is: with all states of a long run.
func TestSpareSyncs(t *testing.T) {
	states := fromEnv(t, envStates, 0) / 50
	if states == 0 {
		t.Skip("SPARE SYNCS ARE NOT TRIED: it takes " + envStates + ", as in make crash")
	}
	base()
	for kind := range spare {
		t.Run(kind, func(t *testing.T) {
			sum := newTally(states)
			m := &mutant{ignore: []string{kind}}
			for n := 0; !sum.enough(); n++ {
				p := programs[n%len(programs)]
				if err := play(t, plot{program: p, seed: uint64(1 + n/len(programs)), mixes: 6, every: 8, mutant: m}, sum); err != nil {
					t.Fatal(err)
				}
			}
			t.Log(sum)
		})
	}
}

func named(t *testing.T, name string) program {
	t.Helper()
	for _, p := range programs {
		if p.name == name {
			return p
		}
	}
	t.Fatalf("there is no program %q", name)
	return program{}
}

// The names of the database and its log are durable before an Update is, even
// where SQLite's own syncs of the directory fail, of which it says nothing.
func TestNamesOfTheDatabase(t *testing.T) {
	notRaced(t)
	for name, c := range map[string]struct {
		ignore []string
		lost   bool
	}{
		"all":                 {nil, false},
		"only SQLite's":       {[]string{opened}, false},
		"only ours":           {[]string{logMade, journalMade}, false},
		"neither is as wrong": {[]string{logMade, journalMade, opened}, true},
	} {
		t.Run(name, func(t *testing.T) {
			lost := false
			for _, seed := range []uint64{0, 1, 2, 3, 4, 5} {
				was, err := kept(t, &mutant{ignore: append(c.ignore, roots)}, seed)
				if err != nil {
					t.Fatal(err)
				}
				lost = lost || !was
			}
			if lost != c.lost {
				t.Errorf("a row that was acknowledged is lost: %v, want %v", lost, c.lost)
			}
		})
	}
}

// kept says whether the first row of a new database outlives a power cut.
func kept(t *testing.T, m *mutant, seed uint64) (bool, error) {
	s := site{source: new(source), now: time.Now, mutant: m, readers: 1}
	fsys := faultfs.New()
	h, err := s.storage(fsys)
	if err != nil {
		return false, err
	}
	defer h.off()
	if err := h.rows.Update(t.Context(), func(tx meta.Tx) error { return tx.PutSetting("k", []byte("v")) }); err != nil {
		return false, err
	}
	again, err := s.storage(fsys.Crash(seed))
	if err != nil {
		return false, err
	}
	defer again.off()
	err = again.rows.View(t.Context(), func(tx meta.Tx) error {
		_, err := tx.Setting("k")
		return err
	})
	if content.Is(err, content.NotFound) {
		return false, nil
	}
	return err == nil, err
}
