package main_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"testing"
)

const (
	mib = 1 << 20
	// mostMemory is what a server may take with 16 parts of 64 MiB on their
	// way, in bytes.
	mostMemory = 128 * mib
)

// measurable skips a test where nobody tells how much memory a process takes.
func measurable(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skipf("MEMORY IS NOT CHECKED: it is read from /proc, which %s does not have", runtime.GOOS)
	}
	if testing.Short() {
		t.Skip("MEMORY IS NOT CHECKED: -short")
	}
}

// memory is what the server takes now and what it has taken at the most, in
// bytes.
func (p *process) memory(t *testing.T) (now, most int64) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return kib(t, status, "VmRSS"), kib(t, status, "VmHWM")
}

func kib(t *testing.T, status []byte, name string) int64 {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + name + `:\s+(\d+) kB$`).FindSubmatch(status)
	if m == nil {
		t.Fatalf("/proc tells no %s", name)
	}
	n, err := strconv.ParseInt(string(m[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

func inMiB(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/mib) }

// TestMemoryOfManyBigParts has 16 parts of 64 MiB in flight at once, all of
// them half sent before any goes on.
func TestMemoryOfManyBigParts(t *testing.T) {
	measurable(t)
	t.Parallel()
	const partSize, inFlight = 64 * mib, 16
	streams := newStream()
	for _, sessions := range []int{1, 4} {
		t.Run(fmt.Sprintf("%d sessions", sessions), func(t *testing.T) {
			each := inFlight / sessions
			p := mustServe(t, filepath.Join(t.TempDir(), "data"), "--part-size", strconv.Itoa(partSize))
			first := bigFile{c: newClient(p), s: streams, size: int64(each) * partSize, partSize: partSize}
			first.hash()
			uploads := make([]bigFile, sessions)
			for i := range uploads {
				uploads[i] = first // the same bytes, in parts of their own
				uploads[i].create(t, fmt.Sprintf("big %d", i))
			}
			start, _ := p.memory(t)

			var half sync.WaitGroup
			half.Add(inFlight)
			errs := make(chan error, inFlight)
			for i := range uploads {
				for n := range each {
					go func() {
						errs <- uploads[i].put(n, func() { half.Done(); half.Wait() })
					}()
				}
			}
			half.Wait()
			flying, _ := p.memory(t)
			for range inFlight {
				if err := <-errs; err != nil {
					t.Fatal(err)
				}
			}
			_, sent := p.memory(t)
			for i := range uploads {
				file := uploads[i].commit(t)
				if i == 0 {
					uploads[i].compare(t, file)
				}
			}
			_, most := p.memory(t)
			t.Logf("%d parts of %s at once, %d sessions: %s before, %s with all half sent; at the most %s until the last part was in, %s after commit and download",
				inFlight, inMiB(partSize), sessions, inMiB(start), inMiB(flying), inMiB(sent), inMiB(most))
			if most >= mostMemory {
				t.Errorf("the server took %s, which is not below %s", inMiB(most), inMiB(mostMemory))
			}
			p.stop(t)
		})
	}
}

// TestMemoryOfManyParts compares sessions of 100 and of 10,000 parts, from
// create to commit.
func TestMemoryOfManyParts(t *testing.T) {
	measurable(t)
	t.Parallel()
	const partSize, parallel = 1024, 16
	took := func(t *testing.T, parts int) (most int64) {
		p := mustServe(t, quickDir(t), "--part-size", strconv.Itoa(partSize), "--min-chunked-size", "0")
		b := bigFile{c: newClient(p), s: newStream(), size: int64(parts) * partSize, partSize: partSize}
		b.hash()
		b.create(t, "many")
		next := make(chan int, parts)
		for i := range parts {
			next <- i
		}
		close(next)
		errs := make(chan error, parallel)
		for range parallel {
			go func() {
				var err error
				for i := range next {
					err = errors.Join(err, b.put(i, nil))
				}
				errs <- err
			}()
		}
		for range parallel {
			if err := <-errs; err != nil {
				t.Fatal(err)
			}
		}
		b.commit(t)
		_, most = p.memory(t)
		p.stop(t)
		return most
	}
	few, many := took(t, 100), took(t, 10_000)
	t.Logf("a session of 100 parts: %s at the most; of 10,000 parts: %s", inMiB(few), inMiB(many))
	if grown := many - few; grown > 24*mib {
		t.Errorf("10,000 parts took %s more than 100", inMiB(grown))
	}
}

// TestMemoryOfIdleSessions opens sessions that nobody goes on with.
func TestMemoryOfIdleSessions(t *testing.T) {
	measurable(t)
	t.Parallel()
	p := mustServe(t, quickDir(t), "--min-chunked-size", "0")
	c := newClient(p)
	open := func(from, to int) {
		t.Helper()
		next := make(chan int, to-from)
		for i := from; i < to; i++ {
			next <- i
		}
		close(next)
		errs := make(chan error, 16)
		for range cap(errs) {
			go func() {
				var err error
				for i := range next {
					r, e := c.do("POST", "/2.0/files/upload_sessions", createBody("0", fmt.Sprintf("idle %d", i), 100*mib))
					if e == nil && r.Status != 201 {
						e = fmt.Errorf("session %d: %s", i, r)
					}
					err = errors.Join(err, e)
				}
				errs <- err
			}()
		}
		for range cap(errs) {
			if err := <-errs; err != nil {
				t.Fatal(err)
			}
		}
	}
	// The first ones pay for what the server needs once.
	open(0, 500)
	before, _ := p.memory(t)
	open(500, 2500)
	after, most := p.memory(t)
	t.Logf("500 open sessions: %s; 2,500: %s, %s at the most", inMiB(before), inMiB(after), inMiB(most))
	if grown := after - before; grown > 8*mib {
		t.Errorf("2,000 idle sessions took %s", inMiB(grown))
	}
	p.stop(t)
}

// quickDir is a data directory in memory if there is one with room enough: a
// test of memory need not wait for 10,000 syncs.
func quickDir(t *testing.T) string {
	t.Helper()
	const shm = "/dev/shm"
	if dir, err := os.MkdirTemp(shm, "boxcar-test"); err == nil {
		t.Cleanup(func() { os.RemoveAll(dir) })
		// What is not used up by trying is given back at once.
		err := os.WriteFile(filepath.Join(dir, "room"), make([]byte, 128*mib), 0o600)
		os.Remove(filepath.Join(dir, "room"))
		if err == nil {
			return filepath.Join(dir, "data")
		}
	}
	return filepath.Join(t.TempDir(), "data")
}
