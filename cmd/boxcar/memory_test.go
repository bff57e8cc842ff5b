package main_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
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

// stream is a file of any size that nobody holds: one random block again and
// again, with its number in front.
type stream struct{ block [64 << 10]byte }

func newStream() *stream {
	s := new(stream)
	rand.NewChaCha8([32]byte{1}).Read(s.block[:])
	return s
}

func (s *stream) read(offset, length int64) *streamReader {
	return &streamReader{s: s, at: offset, end: offset + length}
}

type streamReader struct {
	s       *stream
	buf     [64 << 10]byte
	rest    []byte // of buf
	at, end int64
}

func (r *streamReader) Read(p []byte) (int, error) {
	if r.at == r.end {
		return 0, io.EOF
	}
	if len(r.rest) == 0 {
		const size = int64(len(r.buf))
		r.buf = r.s.block
		binary.LittleEndian.PutUint64(r.buf[:], uint64(r.at/size))
		skip := r.at % size
		r.rest = r.buf[skip:min(size, skip+r.end-r.at)]
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	r.at += int64(n)
	return n, nil
}

// Write compares what is written with the stream.
func (r *streamReader) Write(p []byte) (int, error) {
	for n := 0; n < len(p); {
		var want [32 << 10]byte
		m, err := r.Read(want[:min(len(want), len(p)-n)])
		if err != nil {
			return n, fmt.Errorf("there is more than the %d bytes expected", r.end)
		}
		if !bytes.Equal(want[:m], p[n:n+m]) {
			return n, fmt.Errorf("other bytes than expected before %d", r.at)
		}
		n += m
	}
	return len(p), nil
}

// bigFile is the upload of a stream.
type bigFile struct {
	c        *client
	s        *stream
	size     int64
	partSize int64
	sums     [][sha1.Size]byte // of the parts
	sum      [sha1.Size]byte

	id    string
	parts []part
}

// hash computes the digests of a stream. Clients have to know those of a part
// before they send it.
func (b *bigFile) hash() {
	var wg sync.WaitGroup
	b.sums = make([][sha1.Size]byte, (b.size+b.partSize-1)/b.partSize)
	wg.Go(func() {
		for i := range b.sums {
			at := int64(i) * b.partSize
			b.sums[i] = sumOf(b.s.read(at, min(b.partSize, b.size-at)))
		}
	})
	wg.Go(func() { b.sum = sumOf(b.s.read(0, b.size)) })
	wg.Wait()
}

func sumOf(r io.Reader) (sum [sha1.Size]byte) {
	h := sha1.New()
	io.Copy(h, r) // a stream and a hash do not fail
	h.Sum(sum[:0])
	return sum
}

func (b *bigFile) create(t *testing.T, name string) {
	t.Helper()
	r := b.c.must(t, 201, "POST", "/2.0/files/upload_sessions", createBody("0", name, b.size))
	var ses session
	if err := r.decode(&ses); err != nil {
		t.Fatal(err)
	}
	if ses.PartSize != b.partSize || ses.Parts != int64(len(b.sums)) {
		t.Fatalf("%d parts of %d bytes, want %d of %d", ses.Parts, ses.PartSize, len(b.sums), b.partSize)
	}
	b.id, b.parts = ses.ID, make([]part, ses.Parts)
}

// put sends part i. halfway is called when some of it has gone out.
func (b *bigFile) put(i int, halfway func()) error {
	at := int64(i) * b.partSize
	length := min(b.partSize, b.size-at)
	var body io.Reader = b.s.read(at, length)
	if halfway != nil {
		first := length / 2
		body = io.MultiReader(io.LimitReader(body, first), &event{do: halfway}, body)
	}
	resp, err := b.c.send("PUT", "/2.0/files/upload_sessions/"+b.id, body, length,
		"Digest", digestHeader(b.sums[i]), "Content-Range", rangeHeader(at, length, b.size))
	if err != nil {
		return err
	}
	r, err := whole(resp)
	if err != nil {
		return err
	}
	var got struct{ Part part }
	if r.Status != 200 {
		return fmt.Errorf("part %d: %s", i, r)
	}
	if err := r.decode(&got); err != nil {
		return err
	}
	b.parts[i] = got.Part
	return nil
}

// event is a reader of nothing that something happens at.
type event struct{ do func() }

func (e *event) Read([]byte) (int, error) {
	if e.do != nil {
		e.do()
		e.do = nil
	}
	return 0, io.EOF
}

// commit makes a file of the parts and returns its id.
func (b *bigFile) commit(t *testing.T) string {
	t.Helper()
	r := b.c.must(t, 201, "POST", "/2.0/files/upload_sessions/"+b.id+"/commit", commitBody(b.parts), "Digest", digestHeader(b.sum))
	var files entries
	if err := r.decode(&files); err != nil {
		t.Fatal(err)
	}
	return files.Entries[0].ID
}

// compare downloads a file.
func (b *bigFile) compare(t *testing.T, file string) {
	t.Helper()
	r := b.c.must(t, 302, "GET", "/2.0/files/"+file+"/content", nil)
	resp, err := b.c.send("GET", r.Header.Get("Location"), nil, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	want := b.s.read(0, b.size)
	if n, err := io.Copy(want, resp.Body); err != nil || n != b.size {
		t.Fatalf("download: %d of %d bytes: %v", n, b.size, err)
	}
}

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
