package main_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
)

// stream is a file of any size that nobody holds: one random block again and
// again, with its number in front.
type stream struct{ block [64 << 10]byte }

func newStream() *stream {
	s := new(stream)
	rand.NewChaCha8([32]byte{1}).Read(s.block[:])
	return s
}

// fill gives p what stands at offset.
func (s *stream) fill(p []byte, offset int64) {
	const size = int64(len(s.block))
	for len(p) > 0 {
		var number [8]byte
		binary.LittleEndian.PutUint64(number[:], uint64(offset/size))
		skip := offset % size
		n := copy(p, s.block[skip:])
		copy(p[:n], number[min(skip, 8):])
		p, offset = p[n:], offset+int64(n)
	}
}

func (s *stream) read(offset, length int64) *streamReader {
	return &streamReader{s: s, at: offset, end: offset + length}
}

type streamReader struct {
	s       *stream
	at, end int64
}

func (r *streamReader) Read(p []byte) (int, error) {
	if r.at == r.end {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), r.end-r.at)]
	r.s.fill(p, r.at)
	r.at += int64(len(p))
	return len(p), nil
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

func (b *bigFile) tryCommit() (reply, error) {
	return b.c.do("POST", "/2.0/files/upload_sessions/"+b.id+"/commit", commitBody(b.parts), "Digest", digestHeader(b.sum))
}

// commit makes a file of the parts and returns its id.
func (b *bigFile) commit(t *testing.T) string {
	t.Helper()
	r, err := b.tryCommit()
	if err != nil || r.Status != 201 {
		t.Fatalf("commit: %v %s", err, r)
	}
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
