package main_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Variables of the environment that change TestKill.
const (
	envCycles = "BOXCAR_KILL_CYCLES" // how many times the server is killed; 12
	envSeed   = "BOXCAR_KILL_SEED"   // of the moments and of what the clients do, as a run has logged it
)

func fromEnv(t *testing.T, name string, otherwise int64) int64 {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestKill kills a server under load, again and again, and holds it to
// everything that it had acknowledged.
func TestKill(t *testing.T) {
	t.Parallel()
	cycles := int(fromEnv(t, envCycles, 12))
	seed := fromEnv(t, envSeed, time.Now().UnixNano())
	t.Logf("%s=%d", envSeed, seed)
	rng := rand.New(rand.NewPCG(uint64(seed), 0))
	data := filepath.Join(t.TempDir(), "data")
	flags := []string{"--part-size", strconv.Itoa(partSize), "--min-chunked-size", "0"}

	p := mustServe(t, data, flags...)
	workers := hire(t, p, seed, 5)
	swept := 0
	for n := 1; n <= cycles && !t.Failed(); n++ {
		load(t, p, rng, workers)
		if t.Failed() {
			return
		}
		if n%4 == 1 {
			mustBeWhole(t, data) // as the crash has left it
		}
		swept += sweptIn(p)
		if n%2 == 0 {
			age(t, data)
		}
		for rng.IntN(3) == 0 {
			killAtStart(t, rng, data, flags)
		}
		p = mustServe(t, data, flags...)
		audit(t, p, workers, 0)
		if n%4 == 3 || n == cycles {
			mustBeWhole(t, data) // beside the server
		}
	}
	acks, unanswered := 0, map[string]int{}
	for _, w := range workers {
		acks += w.acks
		for what, n := range w.unanswered {
			unanswered[what] += n
		}
	}
	t.Logf("%d kills, %d changes acknowledged, 0 lost; without an answer: %v; blobs without a row that were swept: %d", cycles, acks, unanswered, swept)
	if swept == 0 && cycles >= 50 {
		t.Error("no sweep under the load had anything to do")
	}
	if acks < cycles*len(workers) {
		t.Errorf("only %d changes were acknowledged in %d cycles: this was no load", acks, cycles)
	}
	p.stop(t)
	mustBeWhole(t, data)
}

// age has all blobs look old enough for the sweep that every start makes, so that
// nothing but its row keeps it from taking one away.
func age(t *testing.T, data string) {
	t.Helper()
	old := time.Now().Add(-3 * time.Hour)
	err := filepath.WalkDir(filepath.Join(data, "blobs"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		return os.Chtimes(path, old, old)
	})
	if err != nil {
		t.Fatal(err)
	}
}

var sweptLine = regexp.MustCompile(`"msg":"swept".*"garbage":(\d+)`)

// sweptIn is how many blobs a server's log says that it has swept.
func sweptIn(p *process) (n int) {
	for _, m := range sweptLine.FindAllStringSubmatch(p.Err.String(), -1) {
		garbage, _ := strconv.Atoi(m[1])
		n += garbage
	}
	return n
}

// load lets the workers work until the server is killed at a random moment.
func load(t *testing.T, p *process, rng *rand.Rand, workers []*worker) {
	t.Helper()
	errs := make(chan error, len(workers))
	for _, w := range workers {
		w.c = newClient(p)
		go func() { errs <- w.work() }()
	}
	// A worker that ends before its server does has found something.
	select {
	case err := <-errs:
		errs <- err
	case <-time.After(20*time.Millisecond + moment(rng, 400*time.Millisecond)):
	}
	if rng.IntN(4) == 0 {
		p.signal(syscall.SIGTERM) // also in the middle of an orderly end
		time.Sleep(moment(rng, 15*time.Millisecond))
	}
	p.kill()
	for range workers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if t.Failed() {
		t.Logf("what the server's log has of trouble:\n%s", p.trouble())
	}
}

// killAtStart starts a server and kills it before or soon after it is up.
func killAtStart(t *testing.T, rng *rand.Rand, data string, flags []string) {
	t.Helper()
	cmd := exec.Command(program, append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0"}, flags...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(moment(rng, 60*time.Millisecond))
	cmd.Process.Kill()
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("serve ended by itself: %v", err)
	}
}

// audit has every worker compare, and adds up the quota, with the bytes of
// files that none of them has.
func audit(t *testing.T, p *process, workers []*worker, others int64) {
	t.Helper()
	errs := make(chan error, len(workers))
	for _, w := range workers {
		w.c = newClient(p)
		go func() { errs <- errors.Join(w.settle(), w.check()) }()
	}
	for range workers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	var me struct {
		Used int64 `json:"space_used"`
	}
	r := newClient(p).must(t, 200, "GET", "/2.0/users/me", nil)
	if err := r.decode(&me); err != nil {
		t.Fatal(err)
	}
	want := others
	for _, w := range workers {
		want += w.used()
	}
	if me.Used != want {
		t.Errorf("space_used is %d, and what exists adds up to %d", me.Used, want)
	}
	if t.Failed() {
		t.Logf("what the server's log has of trouble:\n%s", p.trouble())
	}
}

// moment is a random time below most.
func moment(rng *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(most)))
}

// TestKillWhileCommitting kills a server while it hashes what a commit needs
// hashed. The session is as good as before, and the commit repeated makes one
// version.
func TestKillWhileCommitting(t *testing.T) {
	t.Parallel()
	const parts, partSize = 4, 16 << 20
	data := filepath.Join(t.TempDir(), "data")
	b := bigFile{s: newStream(), size: parts * partSize, partSize: partSize}
	b.hash()
	for i, after := range []time.Duration{time.Millisecond, 8 * time.Millisecond, 20 * time.Millisecond} {
		p := mustServe(t, data, "--part-size", strconv.Itoa(partSize))
		b.c = newClient(p)
		b.create(t, fmt.Sprintf("file %d", i))
		for n := parts - 1; n >= 0; n-- { // with the first one last, nothing could be hashed before
			if err := b.put(n, nil); err != nil {
				t.Fatal(err)
			}
		}
		lost := make(chan error, 1)
		go func() {
			_, err := b.tryCommit()
			lost <- err
		}()
		time.Sleep(after)
		p.kill()
		if <-lost == nil {
			t.Logf("the commit was faster than %s", after)
		}

		p = mustServe(t, data)
		b.c = newClient(p)
		begun := time.Now()
		file := b.commit(t)
		// Nobody waits for the commit that died.
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("the commit repeated took %s", took)
		}
		r := b.c.must(t, 200, "GET", "/2.0/files/"+file+"/versions", nil)
		var past entries
		if err := r.decode(&past); err != nil {
			t.Fatal(err)
		}
		if past.Total != 0 {
			t.Errorf("one upload has made a file with %d past versions", past.Total)
		}
		b.compare(t, file)
		p.stop(t)
	}
	mustBeWhole(t, data)
}
