package servertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"boxcar/client"
)

// proxy passes connections on to a server, and spoils some of them: it refuses
// them, resets them at some byte in either direction, holds them up, or slows them
// down. What happens to the n-th connection is told by the seed.
type proxy struct {
	t      testing.TB
	listen net.Listener
	target atomic.Value // host:port
	seed   uint64
	rate   float64
	spoilt atomic.Int64

	mu    sync.Mutex
	conns map[net.Conn]bool
	wg    sync.WaitGroup
}

func startProxy(t testing.TB, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, listen: l, conns: map[net.Conn]bool{}}
	p.target.Store(target)
	p.wg.Go(func() {
		for n := uint64(0); ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.serve(c, n) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.drop()
		p.wg.Wait()
	})
	return p
}

// reseed begins another run: connections of the one before are gone.
func (p *proxy) reseed(seed uint64, rate float64) {
	p.drop()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seed, p.rate = seed, rate
}

func (p *proxy) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

func (p *proxy) track(c net.Conn) (untrack func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[c] = true
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, c)
		c.Close()
	}
}

func (p *proxy) url() string { return "http://" + p.listen.Addr().String() }

func (p *proxy) serve(c net.Conn, n uint64) {
	defer p.track(c)()
	p.mu.Lock()
	seed, rate := p.seed, p.rate
	p.mu.Unlock()
	rnd := rand.New(rand.NewPCG(seed, n))
	up, down := int64(1)<<60, int64(1)<<60 // bytes until it breaks
	var pause time.Duration
	hold := false
	if rnd.Float64() < rate {
		p.spoilt.Add(1)
		switch rnd.IntN(5) {
		case 0: // reset at once
			up = 0
		case 1: // in a request, most likely a part
			up = rnd.Int64N(6 * partSize)
		case 2: // in an answer, or before it
			down = rnd.Int64N(3000)
		case 3:
			up, hold = rnd.Int64N(6*partSize), true
		case 4:
			pause = time.Duration(rnd.IntN(20)) * time.Millisecond
		}
	}
	s, err := net.Dial("tcp", p.target.Load().(string))
	if err != nil {
		reset(c)
		return
	}
	defer p.track(s)()
	broken := make(chan struct{}, 2)
	pass := func(to, from net.Conn, most int64) {
		defer func() { broken <- struct{}{} }()
		buf := make([]byte, 32<<10)
		for left := most; left > 0; {
			n, err := from.Read(buf[:min(left, int64(len(buf)))])
			if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
				return
			}
			left -= int64(n)
			time.Sleep(pause)
		}
		if hold {
			io.Copy(io.Discard, brokenReader{from}) // until somebody gives up
		}
		reset(c)
		reset(s)
	}
	go pass(s, c, up)
	go pass(c, s, down)
	<-broken
	c.Close()
	s.Close()
	<-broken
}

// brokenReader takes nothing and waits for the end.
type brokenReader struct{ c net.Conn }

func (r brokenReader) Read(p []byte) (int, error) {
	time.Sleep(10 * time.Millisecond)
	return r.c.Read(p[:1])
}

func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	c.Close()
}

// patient is a client that finds faults fast.
func patient(t testing.TB, p *proxy, token string) *client.Client {
	return newClient(t, client.Config{
		URLs: client.At(p.url()), Tokens: client.StaticToken(token), Idle: 500 * time.Millisecond,
		Retry: client.Retry{MinWait: time.Millisecond, MaxWait: 50 * time.Millisecond, Budget: time.Minute},
		HTTP:  &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16, DisableKeepAlives: false}},
	})
}

// TestChaosOverTCP is TestChaos with a real server and real connections.
// BOXCAR_CHAOS_SEEDS tries more seeds, BOXCAR_CHAOS_SEED a certain one.
func TestChaosOverTCP(t *testing.T) {
	first, count := 0, 12
	for name, n := range map[string]*int{"BOXCAR_CHAOS_SEED": &first, "BOXCAR_CHAOS_SEEDS": &count} {
		if text := os.Getenv(name); text != "" {
			v, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			*n = v
		}
	}
	s := start(t)
	p := startProxy(t, s.Addr())
	direct := clientOf(t, s)
	for seed := first; seed < first+count; seed++ {
		rnd := rand.New(rand.NewPCG(uint64(seed), 2))
		data := content(rnd.IntN(12*partSize), byte(seed))
		folder := must(direct.CreateFolder(t.Context(), "0", fmt.Sprintf("seed %d", seed)))
		u := client.Upload{
			FolderID: string(folder.ID), Name: "a", SimpleBelow: partSize, MaxParallel: 1 + rnd.IntN(5),
			State: client.StateDir(t.TempDir()),
		}
		versions := 1
		if rnd.IntN(3) == 0 {
			u.OnConflict = client.NewVersion
			must(direct.Upload(t.Context(), client.Upload{Source: reader([]byte("old")), FolderID: u.FolderID, Name: "a"}))
			versions = 2
		}
		p.reseed(uint64(seed), []float64{0.2, 0.5, 0.8}[rnd.IntN(3)])
		var file = ""
		for try := 0; ; try++ {
			u.Source = reader(data)
			ctx, cancel := context.WithCancel(t.Context())
			kill := time.AfterFunc(time.Duration(rnd.IntN(2000))*time.Millisecond, cancel)
			res, err := patient(t, p, s.Token).Upload(ctx, u)
			kill.Stop()
			cancel()
			if err == nil {
				file = string(res.File.ID)
				break
			}
			if len(data) < partSize && (errors.Is(err, client.ErrNameInUse) || versions == 2) {
				// Killed before it heard that it was done; there is nothing to
				// go on with.
				break
			}
			if try == 50 {
				t.Fatalf("seed %d: it never ends: %v", seed, err)
			}
		}
		p.reseed(0, 0)
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
		if items != 1 || have > versions || !bytes.Equal(got, data) && !(have == 1 && versions == 2) {
			t.Errorf("seed %d: %d items, %d versions (want %d), %d of %d bytes right: %v", seed, items, have, versions, len(got), len(data), bytes.Equal(got, data))
		}

		// And back, through the same.
		p.reseed(uint64(seed), 0.5)
		path := filepath.Join(t.TempDir(), "a")
		for try := 0; ; try++ {
			_, err := patient(t, p, s.Token).Download(t.Context(), client.Download{FileID: file, Path: path})
			if err == nil {
				break
			}
			if try == 50 {
				t.Fatalf("seed %d: the download never ends: %v", seed, err)
			}
		}
		if !bytes.Equal(must(os.ReadFile(path)), got) {
			t.Errorf("seed %d: the download is not what is there", seed)
		}
	}
	t.Logf("%d connections were spoilt", p.spoilt.Load())
	if p.spoilt.Load() == 0 && count > 3 {
		t.Error("nothing was spoilt")
	}
}

// A server that is stopped and started in the middle costs some waiting.
func TestAServerThatRestarts(t *testing.T) {
	s := start(t)
	p := startProxy(t, s.Addr())
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
						p.target.Store(s.Addr())
						p.drop()
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
