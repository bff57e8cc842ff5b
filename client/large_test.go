package client

import (
	"crypto/sha1"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"boxcar/boxapi"
)

// sink is a server over real connections that checks the digest of each part and
// of the whole, and keeps nothing but digests.
type sink struct {
	t        testing.TB
	partSize int64
	mu       sync.Mutex
	size     int64
	parts    map[int64]boxapi.Part
	busy     atomic.Int64
	most     atomic.Int64 // parts that were sent at once
	gather   int64        // parts are answered when as many have been under way at once
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/upload_sessions") && r.Method == "POST":
		var c boxapi.CreateSession
		json.NewDecoder(r.Body).Decode(&c)
		s.mu.Lock()
		s.size, s.parts = c.FileSize.N, map[int64]boxapi.Part{}
		s.mu.Unlock()
		w.WriteHeader(201)
		json.NewEncoder(w).Encode(boxapi.UploadSession{ID: strings.Repeat("A", 32), Type: "upload_session", PartSize: s.partSize, TotalParts: int((s.size + s.partSize - 1) / s.partSize)})
	case r.Method == "PUT":
		busy := s.busy.Add(1)
		defer s.busy.Add(-1)
		for most := s.most.Load(); busy > most && !s.most.CompareAndSwap(most, busy); most = s.most.Load() {
		}
		first, last, total, err := boxapi.ParseContentRange(r.Header.Get("Content-Range"))
		sum, err2 := boxapi.ParseDigest(r.Header.Get("Digest"))
		h := sha1.New()
		n, err3 := io.Copy(h, r.Body)
		for end := time.Now().Add(30 * time.Second); s.most.Load() < s.gather && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		if err != nil || err2 != nil || err3 != nil || total != s.size || n != last-first+1 || first%s.partSize != 0 ||
			[20]byte(h.Sum(nil)) != sum || n != min(s.partSize, s.size-first) {
			s.t.Errorf("part %s of %d bytes: %v %v %v", r.Header.Get("Content-Range"), n, err, err2, err3)
			w.WriteHeader(400)
			return
		}
		p := boxapi.Part{PartID: fmt.Sprintf("%08X", first/s.partSize), Offset: first, Size: n, SHA1: hexSum(sum)}
		s.mu.Lock()
		s.parts[first] = p
		s.mu.Unlock()
		json.NewEncoder(w).Encode(boxapi.PartReply{Part: p})
	case strings.HasSuffix(r.URL.Path, "/commit"):
		sum, _ := boxapi.ParseDigest(r.Header.Get("Digest"))
		var c boxapi.Commit
		json.NewDecoder(r.Body).Decode(&c)
		at := int64(0)
		for _, p := range c.Parts {
			if p.Offset != at || s.parts[at].PartID != p.PartID {
				s.t.Errorf("part %+v is listed at %d", p, at)
			}
			at += p.Size
		}
		if at != s.size {
			s.t.Errorf("the commit lists %d of %d bytes", at, s.size)
		}
		w.WriteHeader(201)
		json.NewEncoder(w).Encode(map[string]any{"total_count": 1, "entries": []any{map[string]any{"type": "file", "id": "1", "sha1": hexSum(sum), "size": s.size}}})
	default:
		w.WriteHeader(404)
	}
}

// noise is a large source that costs little: the same 64 KiB over and over, each 4
// KiB marked with where it is.
type noise struct{ size int64 }

var noiseBlock = func() []byte {
	b := make([]byte, 64<<10)
	r := rand.New(rand.NewPCG(1, 2))
	for i := 0; i < len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], r.Uint64())
	}
	return b
}()

func (z noise) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) && off+int64(n) < z.size {
		at := off + int64(n)
		page := at &^ 4095
		var b [4096]byte
		copy(b[:], noiseBlock[page%int64(len(noiseBlock)):])
		binary.LittleEndian.PutUint64(b[:], uint64(page))
		n += copy(p[n:min(len(p), n+int(z.size-at))], b[at-page:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func sinkFor(t testing.TB, partSize int64) (*sink, *Client) {
	s := &sink{t: t, partSize: partSize}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	c, err := New(Config{URLs: At(server.URL), Tokens: StaticToken("t")})
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

// Memory is a small buffer for each part under way, not the parts.
func TestMemoryOfParts(t *testing.T) {
	const size, partSize, parallel = 144 << 20, 16 << 20, 8
	s, c := sinkFor(t, partSize)
	s.gather = parallel
	stop := make(chan struct{})
	var most uint64
	var wg sync.WaitGroup
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapInuse)
			}
		}
	})
	mustUpload(t, c, Upload{Source: FromReaderAt(noise{size}, size), Name: "a", MinParallel: parallel, MaxParallel: parallel})
	close(stop)
	wg.Wait()
	if s.most.Load() < parallel {
		t.Errorf("only %d parts were sent at once", s.most.Load())
	}
	// Server, transport and garbage are in it too.
	if grown := int64(most) - int64(before.HeapInuse); grown > partSize {
		t.Errorf("the heap grew by %d bytes for %d parts of %d at once", grown, parallel, partSize)
	} else {
		t.Logf("the heap grew by %.1f MiB, %d parts at once", float64(grown)/(1<<20), s.most.Load())
	}
}

// Spans of every size at the edges, without their bytes.
func TestSpans(t *testing.T) {
	for _, partSize := range []int64{8 << 20, 32 << 20, 64 << 20} {
		for _, size := range []int64{20_000_000, 1<<31 - 1, 1 << 31, 1<<31 + 1, 1<<32 - 1, 1 << 32, 1<<32 + 1, 150_000_000_000, 7 * partSize} {
			parts := int((size + partSize - 1) / partSize)
			tr := &transfer{job: &job{src: &Source{size: size}}, session: &boxapi.UploadSession{PartSize: partSize}, slots: make([]slot, parts)}
			sum := int64(0)
			for i := range parts {
				offset, n := tr.span(i)
				if offset != sum || n <= 0 || n > partSize {
					t.Fatalf("%d bytes in parts of %d: part %d is %d bytes at %d", size, partSize, i, n, offset)
				}
				sum += n
			}
			if sum != size || checkSession(&boxapi.UploadSession{ID: "A", PartSize: partSize, TotalParts: parts}, size) != nil {
				t.Errorf("%d bytes in parts of %d make %d", size, partSize, sum)
			}
			for _, wrong := range []int{parts - 1, parts + 1} {
				if checkSession(&boxapi.UploadSession{ID: "A", PartSize: partSize, TotalParts: wrong}, size) == nil {
					t.Errorf("%d parts of %d are taken for %d bytes", wrong, partSize, size)
				}
			}
		}
	}
}

func BenchmarkUpload(b *testing.B) {
	const size = 256 << 20
	_, c := sinkFor(b, 8<<20)
	b.SetBytes(size)
	for b.Loop() {
		mustUpload(b, c, Upload{Source: FromReaderAt(noise{size}, size), Name: "a"})
	}
}
