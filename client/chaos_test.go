package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
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
	if kind == "abort" {
		// Nobody waits long for it: what lasts leaves the session to expire.
		if n > 1 {
			return nil
		}
		f.lose, f.twice = rnd.IntN(2) == 0, rnd.IntN(2) == 0
		if !f.lose {
			f.instead = refusal(500, "internal_server_error")
		}
		return f
	}
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

// eachSeed runs once for every seed, on all processors, and counts the outcomes. A
// seed for which a promise was broken is named with what tries it again.
func eachSeed(t *testing.T, few int, once func(t *testing.T, seed uint64) (outcome string, broken breaches)) (tally map[string]int, count int) {
	t.Helper()
	first, count := chaosSeeds(t, few)
	tally = map[string]int{}
	var mu sync.Mutex
	var next, bad atomic.Int64
	name := t.Name()
	t.Run("seeds", func(t *testing.T) {
		for n := range runtime.GOMAXPROCS(0) {
			t.Run(strconv.Itoa(n), func(t *testing.T) {
				t.Parallel()
				for bad.Load() < 5 {
					i := int(next.Add(1)) - 1
					if i >= count {
						return
					}
					synctest.Test(t, func(t *testing.T) {
						seed := first + i
						outcome, broken := once(t, uint64(seed))
						if len(broken) > 0 {
							bad.Add(1)
							t.Errorf("seed %d: %v\n\tBOXCAR_CHAOS_SEED=%d go test -run '^%s$' ./client", seed, broken, seed, name)
						}
						mu.Lock()
						defer mu.Unlock()
						tally[outcome]++
					})
				}
			})
		}
	})
	t.Logf("%d seeds from %d: %v", count, first, tally)
	return tally, count
}

// What uploads and downloads are held to.
const (
	itEnds     = "it comes to an end"
	rightBytes = "every version has the source's bytes"
	oneVersion = "there is one new version, and no other file"
	resumes    = "what failed can be gone on with"
	sentOnce   = "a part that has arrived is not sent again"
	leftNoOpen = "no session is left open after success"
	forgotten  = "the state is gone after success"
	wholeOrNot = "a download has its name once it is whole"
	tidy       = "nothing is left beside a download that is done"
)

// breaches are promises that were broken, with what was seen.
type breaches map[string]string

func (b breaches) add(promise, format string, args ...any) {
	if b[promise] == "" {
		b[promise] = fmt.Sprintf(format, args...)
	}
}

// mutant is a client that forgets something, made from outside; or a server that
// does. The zero mutant is none.
type mutant struct {
	wire   func(next http.RoundTripper) http.RoundTripper
	state  func(StateStore) StateStore
	server func(*fakeBox)
}

// TestChaos holds uploads to their promises: each ends with one new version that is
// right and nothing left behind, or with an error after which going on ends so.
// BOXCAR_CHAOS_SEEDS tries more seeds, BOXCAR_CHAOS_SEED a certain one.
func TestChaos(t *testing.T) {
	tally, count := eachSeed(t, 300, func(t *testing.T, seed uint64) (string, breaches) {
		return chaosOnce(t, seed, mutant{})
	})
	// Seeds that all go one way try nothing.
	if count >= 300 && (tally["at once"] < count/4 || tally["gone on with"] < count/10 || tally["refused"] < count/100) {
		t.Errorf("the outcomes are too much alike: %v", tally)
	}
}

// TestChaosFinds has what TestChaos looks for happen, each in a way that a client
// could get wrong.
func TestChaosFinds(t *testing.T) {
	for _, c := range []struct {
		name    string
		mutant  mutant
		promise string
	}{
		{"a state that stays", mutant{state: func(s StateStore) StateStore { return neverDeleted{s} }}, forgotten},
		{"a state that is not read", mutant{state: func(s StateStore) StateStore { return neverLoaded{s} }}, leftNoOpen},
		{"parts sent again without a look", mutant{wire: instead(func(kind string, r *http.Request) *http.Response {
			if kind == "list" && r.URL.Query().Get("limit") == "1" {
				return refusalText(200, `{"entries":[],"offset":0,"limit":1,"total_count":1}`)
			}
			return nil
		})}, sentOnce},
		{"an abort that is not sent", mutant{wire: instead(func(kind string, r *http.Request) *http.Response {
			if kind == "abort" {
				return refusal(204, "")
			}
			return nil
		})}, leftNoOpen},
		{"no If-Match", mutant{wire: func(next http.RoundTripper) http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				r = r.Clone(r.Context())
				r.Header.Del("If-Match")
				return next.RoundTrip(r)
			})
		}}, oneVersion},
		{"no look whether a lost commit was done", mutant{wire: func(next http.RoundTripper) http.RoundTripper {
			before := map[string]string{}
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				if kindOfCall(r) != "file" {
					return next.RoundTrip(r)
				}
				if before[r.URL.Path] == "" {
					resp, err := next.RoundTrip(r)
					if err != nil || resp.StatusCode != 200 {
						return resp, err
					}
					text, err := io.ReadAll(resp.Body)
					if err != nil {
						return nil, err
					}
					before[r.URL.Path] = string(text)
				}
				return refusalText(200, before[r.URL.Path]), nil
			})
		}}, oneVersion},
		{"bytes that nobody compares", mutant{server: func(f *fakeBox) { f.trusts = true }}, rightBytes},
		{"a failure that is for good", mutant{wire: instead(func(kind string, r *http.Request) *http.Response {
			if kind == "status" {
				return refusal(403, "forbidden")
			}
			return nil
		})}, itEnds},
		{"a resumable failure without a state", mutant{state: func(s StateStore) StateStore { return neverSaved{s} }}, resumes},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(2000) {
				var broken breaches
				synctest.Test(t, func(t *testing.T) { _, broken = chaosOnce(t, seed, c.mutant) })
				if broken[c.promise] != "" {
					t.Logf("seed %d: %s", seed, broken[c.promise])
					return
				}
			}
			t.Errorf("2000 seeds keep the promise that %s", c.promise)
		})
	}
}

type neverDeleted struct{ StateStore }

func (neverDeleted) Delete(string) error { return nil }

type neverLoaded struct{ StateStore }

func (neverLoaded) Load(string) (*State, error) { return nil, nil }

type neverSaved struct{ StateStore }

func (neverSaved) Save(string, *State) error { return nil }

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// instead answers requests for which there is an answer, and sends the others.
func instead(answer func(kind string, r *http.Request) *http.Response) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			if resp := answer(kindOfCall(r), r); resp != nil {
				return resp, nil
			}
			return next.RoundTrip(r)
		})
	}
}

func chaosOnce(t *testing.T, seed uint64, m mutant) (outcome string, broken breaches) {
	broken = breaches{}
	rnd := rand.New(rand.NewPCG(seed, 1))
	size := rnd.Int64N(15_000)
	data := pattern(size)
	f := newFakeBox()
	if m.server != nil {
		m.server(f)
	}
	kept := &memoryState{}
	u := Upload{
		Name: "a", SimpleBelow: 2000, State: kept, StateKey: "k",
		MaxParallel: 1 + rnd.IntN(6), OnConflict: ConflictPolicy(rnd.IntN(3)),
		Spool: Spool{Dir: t.TempDir()},
	}
	if m.state != nil {
		u.State = m.state(kept)
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
	taken := rnd.IntN(4) == 0   // the name is, by somebody else, before the commit
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
		if f.mu.Lock(); taken && old == nil && kind == "commit" && f.byName("0", "a") == nil {
			old = f.add("0", "a")
			old.put(f, [20]byte{}, 3, []byte("old"))
		}
		f.mu.Unlock()
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

	var dead atomic.Bool
	var wire http.RoundTripper = f
	if m.wire != nil {
		wire = m.wire(wire)
	}
	wire = mortal{wire, &dead}
	// One small budget, so that some give up in the middle.
	c := f.client(t, func(cfg *Config) {
		cfg.Retry = Retry{Budget: []time.Duration{2 * time.Second, 20 * time.Second, 10 * time.Minute}[rnd.IntN(3)]}
		cfg.Idle = 30 * time.Second
		cfg.HTTP = &http.Client{Transport: wire}
	})
	outcome = "at once"
	var err error
	for try := 0; ; try++ {
		u.Source = source()
		ctx, cancel := context.WithCancel(t.Context())
		dead.Store(false)
		kept.dead = &dead
		if rnd.IntN(4) == 0 { // the process is stopped, or killed
			kill := rnd.IntN(2) == 0
			time.AfterFunc(time.Duration(rnd.IntN(60))*time.Second, func() {
				dead.Store(kill)
				cancel()
			})
		}
		_, err = c.Upload(ctx, u)
		cancel()
		if err == nil && dead.Load() {
			err = context.Canceled // nobody was left to hear of it
		}
		if err == nil || IsConflict(err) && !stillCommitting(err) {
			break
		}
		outcome = "gone on with"
		var failed *UploadError
		if errors.As(err, &failed) && failed.Resumable && !dead.Load() && kept.text == nil {
			broken.add(resumes, "%v, and there is no state", err)
		}
		if try == 300 {
			broken.add(itEnds, "%v", err)
			break
		}
		// Going on by hand is not for what went without a session: there an
		// attempt whose answer was lost may have been done, and a next one
		// would, rightly, make another version.
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
				broken.add(rightBytes, "a version of %d bytes is not the source's %d", len(v.data), size)
			}
		}
	}
	switch {
	case err == nil && made != 1:
		broken.add(oneVersion, "%d new versions", made)
	case err != nil && made > 1:
		broken.add(oneVersion, "%d new versions after %v", made, err)
	case err != nil && IsConflict(err) && old == nil && size >= 2000:
		broken.add(oneVersion, "a conflict with nothing: %v", err)
	case err != nil && IsConflict(err):
		outcome = "refused"
	}
	if f.resent > 0 {
		broken.add(sentOnce, "%d were", f.resent)
	}
	if err == nil {
		if kept.text != nil {
			broken.add(forgotten, "%s", kept.text)
		}
		for id := range kept.sessions {
			if s := f.sessions[id]; s.made == nil && s.gone == 0 {
				broken.add(leftNoOpen, "%s is", id)
			}
		}
	}
	return outcome, broken
}

// mortal sends nothing for who is dead.
type mortal struct {
	next http.RoundTripper
	dead *atomic.Bool
}

func (m mortal) RoundTrip(r *http.Request) (*http.Response, error) {
	if m.dead.Load() {
		return nil, errLostAnswer
	}
	return m.next.RoundTrip(r)
}

// stillCommitting says whether a conflict is one with a commit under way.
func stillCommitting(err error) bool { return HasCode(err, "conflict") }

// memoryState is a StateStore for one state, which it keeps as text, and as it was
// when its process died.
type memoryState struct {
	text     []byte
	sessions map[string]bool // of which there was a state
	dead     *atomic.Bool
}

func (m *memoryState) gone() bool { return m.dead != nil && m.dead.Load() }

func (m *memoryState) Load(string) (*State, error) {
	if m.text == nil {
		return nil, nil
	}
	return DecodeState(m.text)
}

func (m *memoryState) Save(_ string, s *State) (err error) {
	if m.gone() {
		return nil
	}
	if m.sessions == nil {
		m.sessions = map[string]bool{}
	}
	m.sessions[s.Session] = true
	m.text, err = s.Encode()
	return err
}

func (m *memoryState) Delete(string) error {
	if !m.gone() {
		m.text = nil
	}
	return nil
}
