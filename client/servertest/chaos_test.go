package servertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"boxcar/boxapi"
	"boxcar/client"
	"boxcar/internal/chaosproxy"
	"boxcar/internal/daemon/daemontest"
)

func proxyTo(t testing.TB, s *daemontest.Server, cfg chaosproxy.Config) *chaosproxy.Proxy {
	t.Helper()
	cfg.Target = s.Addr()
	p, err := chaosproxy.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// patient is a client that finds faults fast.
func patient(t testing.TB, p *chaosproxy.Proxy, token string) *client.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	return newClient(t, client.Config{
		URLs: client.At(p.URL()), Tokens: client.StaticToken(token), Idle: 300 * time.Millisecond,
		Retry: client.Retry{MinWait: time.Millisecond, MaxWait: 50 * time.Millisecond, Budget: time.Minute},
		HTTP:  &http.Client{Transport: transport},
	})
}

// TestChaosOverTCP is TestChaos with a real server, a proxy that spoils requests and
// real time. BOXCAR_CHAOS_SEEDS tries more seeds, BOXCAR_CHAOS_SEED a certain one.
func TestChaosOverTCP(t *testing.T) {
	first, count := 0, 24
	for name, n := range map[string]*int{"BOXCAR_CHAOS_SEED": &first, "BOXCAR_CHAOS_SEEDS": &count} {
		if text := os.Getenv(name); text != "" {
			v, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			if *n = v; name == "BOXCAR_CHAOS_SEED" && os.Getenv("BOXCAR_CHAOS_SEEDS") == "" {
				count = 1
			}
		}
	}
	s := start(t)
	var next, resumed atomic.Int64
	var mu sync.Mutex
	kinds := map[chaosproxy.Kind]int{}
	t.Run("seeds", func(t *testing.T) {
		for n := range 8 { // most of the time is waiting
			t.Run(strconv.Itoa(n), func(t *testing.T) {
				t.Parallel()
				for !t.Failed() {
					i := int(next.Add(1)) - 1
					if i >= count {
						return
					}
					seed := first + i
					t.Run(strconv.Itoa(seed), func(t *testing.T) {
						defer func() {
							if t.Failed() {
								t.Logf("BOXCAR_CHAOS_SEED=%d go test -run 'TestChaosOverTCP$' ./client/servertest", seed)
							}
						}()
						tries, seen := overTCP(t, s, uint64(seed))
						if tries > 1 {
							resumed.Add(1)
						}
						mu.Lock()
						defer mu.Unlock()
						for k, n := range seen {
							kinds[k] += n
						}
					})
				}
			})
		}
	})
	t.Logf("%d seeds from %d, %d gone on with; requests: %v", count, first, resumed.Load(), kinds)
	for _, k := range chaosproxy.Kinds {
		if kinds[k] == 0 && count >= 24 {
			t.Errorf("no request was %s", k)
		}
	}
}

// overTCP uploads a file and downloads it again, through a proxy that does to
// requests what the seed says.
func overTCP(t *testing.T, s *daemontest.Server, seed uint64) (tries int, seen map[chaosproxy.Kind]int) {
	rnd := rand.New(rand.NewPCG(seed, 2))
	direct := clientOf(t, s)
	data := content(rnd.IntN(12*partSize), byte(seed))
	folder := must(direct.CreateFolder(t.Context(), "0", fmt.Sprintf("seed %d", seed)))
	states := client.StateDir(filepath.Join(t.TempDir(), "states"))
	var mu sync.Mutex
	opened := map[string]bool{}
	u := client.Upload{
		FolderID: string(folder.ID), Name: "a", SimpleBelow: partSize, MaxParallel: 1 + rnd.IntN(5), State: states,
		Plan: rnd.IntN(4) == 0,
		Progress: func(e client.Event) {
			if mu.Lock(); e.Kind == client.Opened {
				opened[e.SessionID] = true
			}
			mu.Unlock()
		},
	}
	versions := 1
	if rnd.IntN(3) == 0 {
		u.OnConflict = client.NewVersion
		must(direct.Upload(t.Context(), client.Upload{Source: reader([]byte("old")), FolderID: u.FolderID, Name: "a"}))
		versions = 2
	}
	cfg := chaosproxy.Config{Seed: seed, Rate: []float64{0.05, 0.2, 0.5, 0.8}[rnd.IntN(4)]}
	if rnd.IntN(3) == 0 { // one kind alone
		n := rnd.IntN(len(chaosproxy.Kinds))
		cfg.Kinds = chaosproxy.Kinds[n : n+1]
	}
	p := proxyTo(t, s, cfg)
	c := patient(t, p, s.Token)
	file, done := "", false
	for tries = 1; ; tries++ {
		u.Source = reader(data)
		ctx, cancel := context.WithCancel(t.Context())
		if rnd.IntN(3) == 0 {
			time.AfterFunc(time.Duration(rnd.IntN(600))*time.Millisecond, cancel)
		}
		res, err := c.Upload(ctx, u)
		cancel()
		if err == nil {
			file, done = string(res.File.ID), true
			break
		}
		var failed *client.UploadError
		if errors.As(err, &failed) && failed.Resumable {
			if all, listErr := states.All(); len(all) != 1 {
				t.Errorf("%v, and %d states (%v)", err, len(all), listErr)
			}
		}
		if len(data) < partSize && (errors.Is(err, client.ErrNameInUse) || versions == 2) {
			// Killed before it heard that it was done; there is nothing to go
			// on with.
			break
		}
		if tries == 50 {
			t.Fatalf("it never ends: %v", err)
		}
	}
	p.Settle()

	items := 0
	for item, err := range direct.Items(t.Context(), u.FolderID) {
		if err != nil {
			t.Fatal(err)
		}
		items++
		if file == "" {
			file = client.IDOf(item)
		}
	}
	have := 1
	for _, err := range direct.Versions(t.Context(), file) {
		if err != nil {
			t.Fatal(err)
		}
		have++
	}
	got := downloaded(t, direct, file, "")
	if items != 1 || have > versions || done && have != versions || !bytes.Equal(got, data) && (done || have == versions) {
		t.Errorf("%d items, %d versions (want %d), %d of %d bytes right: %v", items, have, versions, len(got), len(data), bytes.Equal(got, data))
	}
	if all, err := states.All(); done && (len(all) > 0 || err != nil) {
		t.Errorf("states after success: %d, %v", len(all), err)
	}
	for id := range opened {
		if done && isOpen(t, direct, id) {
			t.Errorf("session %s is still open", id)
		}
	}

	// And back, through the same.
	path := filepath.Join(t.TempDir(), "a")
	d := client.Download{FileID: file, Path: path, MaxParallel: 1 + rnd.IntN(4)}
	for try := 0; ; try++ {
		ctx, cancel := context.WithCancel(t.Context())
		if rnd.IntN(3) == 0 {
			time.AfterFunc(time.Duration(rnd.IntN(100))*time.Millisecond, cancel)
		}
		_, err := c.Download(ctx, d)
		cancel()
		if err == nil {
			break
		}
		if _, statErr := os.Stat(path); !errors.Is(statErr, fs.ErrNotExist) {
			t.Errorf("a download that has failed with %v has its name", err)
		}
		if try == 50 {
			t.Fatalf("the download never ends: %v", err)
		}
	}
	if !bytes.Equal(must(os.ReadFile(path)), got) {
		t.Error("the download is not what is there")
	}
	if left := must(os.ReadDir(filepath.Dir(path))); len(left) != 1 {
		t.Errorf("left beside the download: %v", left)
	}
	return tries, p.Counts()
}

// isOpen says whether a session still takes parts.
func isOpen(t *testing.T, c *client.Client, id string) bool {
	t.Helper()
	s, err := c.Session(t.Context(), id)
	if err != nil {
		if !client.IsNotFound(err) {
			t.Error(err)
		}
		return false
	}
	// One that is committed makes no plans.
	_, err = c.Plan(t.Context(), id, []boxapi.PlanPart{{Offset: 0, Size: s.PartSize, SHA512: strings.Repeat("0", 128)}})
	return !client.IsConflict(err)
}

// A server that is stopped and started in the middle costs some waiting.
func TestAServerThatRestarts(t *testing.T) {
	s := start(t)
	p := proxyTo(t, s, chaosproxy.Config{})
	data := content(40*partSize, 1)
	var once sync.Once
	done, waits := 0, 0
	var mu sync.Mutex
	restarted := make(chan struct{})
	res, err := patient(t, p, s.Token).Upload(t.Context(), client.Upload{Source: reader(data), Name: "a", SimpleBelow: 1, MaxParallel: 4, Progress: func(e client.Event) {
		mu.Lock()
		defer mu.Unlock()
		switch e.Kind {
		case client.PartDone:
			if done++; done == 10 {
				once.Do(func() {
					go func() {
						defer close(restarted)
						s.Restart()
						p.Retarget(s.Addr())
					}()
				})
			}
		case client.Waiting:
			waits++
		}
	}})
	<-restarted
	if err != nil {
		t.Fatal(err)
	}
	if got := downloaded(t, clientOf(t, s), string(res.File.ID), ""); !bytes.Equal(got, data) {
		t.Errorf("%d bytes came back", len(got))
	}
	if waits == 0 {
		t.Error("nothing went wrong")
	}
}
