package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// chaos makes faults by a seed. What happens to a request depends on the seed, on
// what it is about and on how often that was asked for, and not on what else is
// under way: a seed that fails fails again.
type chaos struct {
	seed uint64
	rate float64 // of requests that go wrong
}

func (c chaos) fault(kind string, n int, r *http.Request) *fault {
	h := fnv.New64a()
	fmt.Fprint(h, kind, n, r.Header.Get("Content-Range"), r.URL.Query().Get("offset"))
	rnd := rand.New(rand.NewPCG(c.seed, h.Sum64()))
	// In the end everything has to come to an end.
	if n > 8 || rnd.Float64() > c.rate {
		return nil
	}
	f := &fault{cut: -1}
	switch rnd.IntN(14) {
	case 0:
		f.instead = refusal(500, "internal_server_error")
	case 1:
		f.instead = refusal(503, "unavailable", "Retry-After", strconv.Itoa(rnd.IntN(5)))
	case 2:
		f.instead = refusal(429, "rate_limit_exceeded", "Retry-After", strconv.Itoa(rnd.IntN(5)))
	case 3:
		f.instead = refusal(429, "", "Retry-After", time.Now().Add(time.Duration(rnd.IntN(5))*time.Second).UTC().Format(http.TimeFormat))
	case 4:
		f.instead = refusalText(502, "<html>bad gateway</html>")
	case 5:
		f.replace = refusal(500, "internal_server_error")
	case 6:
		f.replace = refusalText(504, "")
	case 7, 8:
		f.lose = true
	case 9:
		f.cut = rnd.Int64N(1200)
	case 10:
		f.stall = true
	case 11:
		f.twice = true
	case 12:
		f.flip = kind == "part" || kind == "simple"
	case 13:
		if kind == "commit" {
			f.instead = refusal(202, "")
			if rnd.IntN(2) == 0 {
				f.instead = refusal(202, "", "Retry-After", "3")
			}
		} else {
			f.lose, f.twice = true, true
		}
	}
	return f
}

// chaosSeeds is how many seeds a run tries, and the first of them.
func chaosSeeds(t *testing.T, few int) (first, count int) {
	for _, v := range []struct {
		name string
		n    *int
	}{{"BOXCAR_CHAOS_SEED", &first}, {"BOXCAR_CHAOS_SEEDS", &count}} {
		if text := os.Getenv(v.name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil {
				t.Fatalf("%s=%s: %v", v.name, text, err)
			}
			*v.n = n
		}
	}
	if count == 0 {
		count = few
		if os.Getenv("BOXCAR_CHAOS_SEED") != "" {
			count = 1
		}
	}
	return first, count
}

// TestChaos holds uploads to their promise: each ends with one new version that is
// right, or with an error after which going on ends so. BOXCAR_CHAOS_SEEDS tries
// more seeds, BOXCAR_CHAOS_SEED a certain one.
func TestChaos(t *testing.T) {
	first, count := chaosSeeds(t, 300)
	tally := map[string]int{}
	for seed := first; seed < first+count; seed++ {
		synctest.Test(t, func(t *testing.T) {
			what := chaosOnce(t, uint64(seed))
			if t.Failed() {
				t.Errorf("seed %d: BOXCAR_CHAOS_SEED=%d go test -run TestChaos ./client", seed, seed)
			}
			tally[what]++
		})
		if t.Failed() {
			return
		}
	}
	t.Logf("%v", tally)
	// Seeds that all go one way try nothing.
	if count >= 300 && (tally["at once"] < count/4 || tally["gone on with"] < 5) {
		t.Errorf("the outcomes are too much alike: %v", tally)
	}
}

func chaosOnce(t *testing.T, seed uint64) string {
	rnd := rand.New(rand.NewPCG(seed, 1))
	size := rnd.Int64N(15_000)
	data := pattern(size)
	f := newFakeBox()
	u := Upload{
		Name: "a", SimpleBelow: 2000, State: &memoryState{}, StateKey: "k",
		MaxParallel: 1 + rnd.IntN(6), OnConflict: ConflictPolicy(rnd.IntN(3)),
		Spool: Spool{Dir: t.TempDir()},
	}
	// A file that is there before, or not.
	var old *fakeFile
	if rnd.IntN(3) == 0 {
		old = f.add("0", "a")
		old.put(f, [20]byte{}, 3, []byte("old"))
		if rnd.IntN(2) == 0 {
			u.Name, u.FileID, u.OnConflict = "", old.id, FailOnConflict
		}
	}
	stream := rnd.IntN(4) == 0
	source := func() *Source {
		if stream {
			return FromReader(bytes.NewReader(data), []int64{-1, size}[seed%2])
		}
		return FromReaderAt(bytes.NewReader(data), size)
	}
	faults := chaos{seed, []float64{0.05, 0.2, 0.5, 0.9}[rnd.IntN(4)]}
	expires := rnd.IntN(4) == 0 // the first session does, in the middle
	forgets := rnd.IntN(3) == 0 // sessions are gone once they are committed
	f.fault = func(kind string, n int, r *http.Request) *fault {
		if kind == "part" && r.Header.Get("Content-Range") == fmt.Sprintf("bytes 3000-3999/%d", size) {
			f.mu.Lock()
			for _, s := range f.sessions {
				if expires && s.made == nil {
					s.gone = 410
				}
			}
			expires = false
			f.mu.Unlock()
		}
		if forgets && (kind == "commit" || kind == "status") {
			f.mu.Lock()
			for _, s := range f.sessions {
				if s.made != nil {
					s.gone = 404
				}
			}
			f.mu.Unlock()
		}
		return faults.fault(kind, n, r)
	}

	// One small budget, so that some give up in the middle.
	c := f.client(t, func(cfg *Config) {
		cfg.Retry = Retry{Budget: []time.Duration{2 * time.Second, 20 * time.Second, 10 * time.Minute}[rnd.IntN(3)]}
		cfg.Idle = 30 * time.Second
	})
	outcome := "at once"
	var err error
	for try := 0; ; try++ {
		u.Source = source()
		ctx, cancel := context.WithCancel(t.Context())
		if rnd.IntN(4) == 0 { // the process is killed
			time.AfterFunc(time.Duration(rnd.IntN(60))*time.Second, cancel)
		}
		_, err = c.Upload(ctx, u)
		cancel()
		if err == nil || IsConflict(err) && !stillCommitting(err) {
			break
		}
		outcome = "gone on with"
		if try == 1000 {
			t.Errorf("it never ends: %v", err)
			break
		}
		// Going on by hand is not for what went without a session: there an
		// attempt whose answer was lost may have been done, and a next one
		// would, rightly, make another version.
		var failed *UploadError
		if !errors.As(err, &failed) && size < 2000 {
			break
		}
	}

	f.mu.Lock()
	defer f.mu.Unlock()
	made := 0
	for _, file := range f.files {
		for i, v := range file.versions {
			if file == old && i == 0 {
				continue
			}
			made++
			if !bytes.Equal(v.data, data) {
				t.Errorf("a version of %d bytes is not the source's %d", len(v.data), size)
			}
		}
	}
	switch {
	case err == nil && made != 1:
		t.Errorf("%d new versions, want 1", made)
	case err != nil && made > 1:
		t.Errorf("%d new versions after %v", made, err)
	case err != nil && IsConflict(err) && old == nil && size >= 2000:
		t.Errorf("a conflict with nothing: %v", err)
	case err != nil && IsConflict(err):
		outcome = "refused"
	}
	return outcome
}

// stillCommitting says whether a conflict is one with a commit under way.
func stillCommitting(err error) bool { return HasCode(err, "conflict") }

// memoryState is a StateStore for one state, which it keeps as text.
type memoryState struct{ text []byte }

func (m *memoryState) Load(string) (*State, error) {
	if m.text == nil {
		return nil, nil
	}
	return DecodeState(m.text)
}

func (m *memoryState) Save(_ string, s *State) (err error) {
	m.text, err = s.Encode()
	return err
}

func (m *memoryState) Delete(string) error {
	m.text = nil
	return nil
}
