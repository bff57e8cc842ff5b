package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"boxcar/internal/daemon"
	"boxcar/internal/daemon/daemontest"
	"boxcar/internal/vfs"
)

var part8Hex = regexp.MustCompile(`^[0-9A-F]{8}$`)

func TestPutPartReply(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	s := w.create(t, "a", noise(4*partSize+1))

	t.Run("5.2 200: a part object in a wrapper", func(t *testing.T) {
		o := s.put(t, 1).want(200).object()
		p, _ := o["part"].(map[string]any)
		if len(o) != 1 || !slices.Equal(slices.Sorted(maps.Keys(p)), []string{"offset", "part_id", "sha1", "size"}) {
			t.Fatalf("the reply is %v", o)
		}
		if p["offset"] != json.Number("1024") || p["size"] != json.Number("1024") || p["sha1"] != sha1Of(s.slot(1)) || !part8Hex.MatchString(p["part_id"].(string)) {
			t.Errorf("the part is %v", p)
		}
	})
	t.Run("5.1 parts in any order and in parallel; 5.2 part_id unique in the session", func(t *testing.T) {
		replies := make([]*reply, s.TotalParts)
		var all sync.WaitGroup
		for i := range replies {
			all.Go(func() { replies[i] = s.put(t, i) })
		}
		all.Wait()
		var parts []part
		ids := map[string]bool{}
		for _, r := range replies {
			var p struct{ Part part }
			r.want(200).decode(&p)
			parts = append(parts, p.Part)
			ids[p.Part.PartID] = true
		}
		if len(ids) != s.TotalParts {
			t.Errorf("parts are %+v", parts)
		}
		s.commit(t, parts).file()
	})
	t.Run("5.1 Content-Type is not checked", func(t *testing.T) {
		s := w.create(t, "types", noise(4*partSize))
		for i, kind := range []string{"", "text/plain", "application/json", "multipart/form-data"} {
			s.put(t, i, "Content-Type", kind).want(200)
		}
	})
}

func TestPutPartRefusals(t *testing.T) {
	t.Parallel()
	w := start(t, inFiles)
	bob := w.user(t, "bob@example.net", 0)
	const size = 3*partSize + 100
	data := noise(size)
	s := w.create(t, "a", data)
	stored := s.part(t, 1)
	// kept checks that nothing but part 1 is in the session, and that slot 0 is free.
	kept := func(t *testing.T) {
		t.Helper()
		var list partList
		w.do(t, "GET", s.path("/parts"), nil).want(200).decode(&list)
		if len(list.Entries) != 1 || list.Entries[0] != stored {
			t.Fatalf("the session has %+v, want %+v only", list.Entries, stored)
		}
	}

	for _, header := range []string{
		"", "bytes", "bytes */3172", "bytes 0-1023", "bytes 0-1023/*", "0-1023/3172", "items 0-1023/3172", "bytes -1-1023/3172", "bytes 0-/3172",
		"bytes +0-1023/3172", "bytes 0-1023/3172x", "bytes 0x0-1023/3172", "bytes 0-99999999999999999999/3172", "bytes=0-1023/3172", "bytes 0..1023/3172",
	} {
		t.Run(fmt.Sprintf("5.3 Content-Range missing or not bytes S-E/T: 400 bad_request: %q", header), func(t *testing.T) {
			if f := s.put(t, 0, "Content-Range", header).refused(400, "bad_request"); !strings.Contains(f.Message, "Content-Range") {
				t.Errorf("the message %q does not name the header", f.Message)
			}
			kept(t)
		})
	}
	for what, r := range map[string][3]int64{
		"T != F, less":                            {0, 1023, size - 1},
		"T != F, more":                            {0, 1023, size + 1},
		"T is 0":                                  {0, 1023, 0},
		"S % P != 0":                              {1, 1024, size},
		"S is half a part":                        {512, 1535, size},
		"E >= F":                                  {3072, size, size},
		"E >= F, whole parts":                     {3072, 4095, size},
		"S and E behind the file":                 {4096, 5119, size},
		"E < S":                                   {1024, 1023, size},
		"E < S by more than one":                  {1024, 0, size},
		"E < S at the end":                        {size, size - 1, size}, // no multiple of the part size, so no trailing empty part
		"E < S at the start":                      {1, 0, size},
		"size not P: less":                        {0, 1022, size},
		"size not P: one byte":                    {0, 0, size},
		"size not P: more":                        {0, 1024, size},
		"size not P: two parts":                   {0, 2047, size},
		"size not P: the whole file":              {0, size - 1, size},
		"last part not ending at F-1":             {3072, size - 2, size},
		"the largest numbers":                     {0, 1<<63 - 1, size},
		"an offset whose end would be out of int": {1<<63 - 1024, 1<<63 - 1, size},
	} {
		t.Run("5.3 "+what+": 416 range_not_satisfiable", func(t *testing.T) {
			body := data[:max(0, min(r[1]-r[0]+1, size))]
			w.do(t, "PUT", s.path(""), body, "Digest", digestOf(body), "Content-Range", contentRange(r[0], r[1], r[2])).refused(416, "range_not_satisfiable")
			kept(t)
		})
	}
	for what, n := range map[string]int{"empty": 0, "one byte short": partSize - 1, "one byte long": partSize + 1, "twice as long": 2 * partSize} {
		t.Run("5.3 n != E-S+1: 400 request_size_mismatch; nothing stored: "+what, func(t *testing.T) {
			// The digest is that of the body in one case, and that of the part in the other.
			for _, digest := range []string{digestOf(data[:n]), digestOf(data[:partSize])} {
				headers := []string{"Digest", digest, "Content-Range", contentRange(0, partSize-1, size)}
				w.do(t, "PUT", s.path(""), data[:n], headers...).refused(400, "request_size_mismatch")
				w.do(t, "PUT", s.path(""), io.Reader(bytes.NewReader(data[:n])), headers...).refused(400, "request_size_mismatch")
			}
			kept(t)
		})
	}
	t.Run("5.3 SHA-1 of body differs from Digest: 400 digest_mismatch; nothing stored; the range stays free", func(t *testing.T) {
		fresh := w.create(t, "wrong digest", data)
		fresh.put(t, 0, "Digest", digestOf(data)).refused(400, "digest_mismatch")
		fresh.put(t, 0, "Digest", digestOf(nil)).refused(400, "digest_mismatch")
		var list partList
		w.do(t, "GET", fresh.path("/parts"), nil).want(200).decode(&list)
		if len(list.Entries) != 0 {
			t.Errorf("stored %+v", list.Entries)
		}
		fresh.commit(t, fresh.parts(t)).file()
	})
	t.Run("5.3 same range stored, same Digest header: 200 with the stored part object, same part_id", func(t *testing.T) {
		for range 3 {
			if again := s.part(t, 1); again != stored {
				t.Errorf("again is %+v, want %+v", again, stored)
			}
		}
		kept(t)
	})
	t.Run("5.3 same range, same Digest: the body is neither hashed nor needed", func(t *testing.T) {
		for _, body := range [][]byte{nil, []byte("other"), noise(2 * partSize)} {
			var r struct{ Part part }
			w.do(t, "PUT", s.path(""), body, s.says(1, s.slot(1))...).want(200).decode(&r)
			if r.Part != stored {
				t.Errorf("again is %+v, want %+v", r.Part, stored)
			}
		}
		kept(t)
	})
	t.Run("5.3 same range stored, different bytes: 416 range_overlaps_existing_part with the stored part", func(t *testing.T) {
		other := noise(partSize + 1)[1:]
		f := w.do(t, "PUT", s.path(""), other, s.says(1, other)...).refused(416, "range_overlaps_existing_part")
		message := fmt.Sprintf(`Part overlaps with previously uploaded part: {id: %q, "offset": 1024, "size": 1024}`, stored.PartID)
		if p := f.ContextInfo.ConflictingPart; p == nil || *p != stored || f.Message != message {
			t.Errorf("got %+v %q, want %+v %q", p, f.Message, stored, message)
		}
		kept(t)
	})
	t.Run("5.3 other user's session: 403 forbidden", func(t *testing.T) {
		bob.do(t, "PUT", s.path(""), s.slot(0), s.says(0, s.slot(0))...).refused(403, "forbidden")
		bob.do(t, "PUT", s.path(""), s.slot(1), s.says(1, s.slot(1))...).refused(403, "forbidden") // though it is stored
		kept(t)
	})
	t.Run("5.3 after all that the session is usable", func(t *testing.T) {
		parts := s.parts(t)
		if parts[1] != stored {
			t.Errorf("part 1 became %+v", parts[1])
		}
		s.commit(t, parts).file()
	})
	t.Run("5.3 nothing stored: no bytes either", func(t *testing.T) {
		w.Stop() // it deletes what it has to in the background
		if n := blobs(t, w); n != 2*s.TotalParts {
			t.Errorf("%d blobs for two files of %d parts", n, s.TotalParts)
		}
	})
}

// blobs counts the files below the directory of blobs, and those on the way there.
func blobs(t *testing.T, w *wire) (n int) {
	t.Helper()
	for _, pattern := range []string{"blobs/*/*", "tmp/*"} {
		found, err := filepath.Glob(filepath.Join(w.Config.Data, pattern))
		if err != nil {
			t.Fatal(err)
		}
		n += len(found)
	}
	return n
}

func TestTrailingEmptyPart(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	const size = 2 * partSize
	data := noise(size)
	s := w.create(t, "a", data)
	trailing := []string{"Digest", digestOf(nil), "Content-Range", contentRange(size, size-1, size)}
	put := func(t *testing.T) (p part) {
		t.Helper()
		var r struct{ Part part }
		w.do(t, "PUT", s.path(""), []byte{}, trailing...).want(200).decode(&r)
		return r.Part
	}

	t.Run("5.3 trailing empty part: 200, size 0, the empty string's SHA-1", func(t *testing.T) {
		want := part{Offset: size, SHA1: "da39a3ee5e6b4b0d3255bfef95601890afd80709"}
		p := put(t)
		want.PartID = p.PartID
		if p != want || !part8Hex.MatchString(p.PartID) || put(t) != p {
			t.Errorf("got %+v, want %+v, twice", p, want)
		}
		w.do(t, "PUT", s.path(""), io.Reader(strings.NewReader("")), trailing...).want(200)
	})
	t.Run("5.3 trailing empty part: not counted, not listed", func(t *testing.T) {
		s.part(t, 0)
		put(t)
		var now session
		w.do(t, "GET", s.path(""), nil).want(200).decode(&now)
		var list partList
		w.do(t, "GET", s.path("/parts"), nil).want(200).decode(&list)
		if now.NumPartsProcessed != 1 || now.TotalParts != 2 || len(list.Entries) != 1 || list.TotalCount != 2 {
			t.Errorf("status %+v, parts %+v", now, list)
		}
	})
	t.Run("5.3 trailing empty part: exactly this shape", func(t *testing.T) {
		w.do(t, "PUT", s.path(""), []byte{}, append(trailing, "Digest", digestOf(data))...).refused(400, "digest_mismatch")
		w.do(t, "PUT", s.path(""), data[:1], trailing...).refused(400, "request_size_mismatch")
		w.do(t, "PUT", s.path(""), io.Reader(bytes.NewReader(data[:1])), trailing...).refused(400, "request_size_mismatch")
		for _, r := range [][2]int64{{0, -1}, {partSize, partSize - 1}, {size, size}, {size, size - 2}, {size + partSize, size + partSize - 1}} {
			header := fmt.Sprintf("bytes %d-%d/%d", r[0], max(0, r[1]), size)
			if r[1] < 0 {
				continue // a range can't end before byte 0
			}
			w.do(t, "PUT", s.path(""), []byte{}, append(trailing, "Content-Range", header)...).refused(416, "range_not_satisfiable")
		}
	})
	t.Run("5.3 trailing empty part: ignored at commit", func(t *testing.T) {
		f := s.commit(t, append(s.parts(t), put(t))).file()
		if f.Size != size || f.SHA1 != sha1Of(data) {
			t.Errorf("committed %+v", f)
		}
	})
}

// racer is a body that waits once the server has begun to read it. It works
// with Expect: 100-continue, which the server answers when it has let the
// request in.
type racer struct {
	io.Reader
	begun chan<- bool
	let   <-chan bool
}

func (r *racer) Read(p []byte) (int, error) {
	if r.begun != nil {
		r.begun <- true
		r.begun = nil
		<-r.let
	}
	return r.Reader.Read(p)
}

// race sends all bodies for part i, lets none end before all have been let in,
// and returns the replies.
func (s *session) race(t *testing.T, i int, bodies ...[]byte) []*reply {
	t.Helper()
	begun, let := make(chan bool, len(bodies)), make(chan bool)
	replies := make([]*reply, len(bodies))
	var all sync.WaitGroup
	for n, body := range bodies {
		all.Go(func() {
			replies[n] = s.w.do(t, "PUT", s.path(""), &racer{bytes.NewReader(body), begun, let}, append(s.says(i, body), "Expect", "100-continue")...)
		})
	}
	for range bodies {
		select {
		case <-begun:
		case <-time.After(10 * time.Second):
			t.Error("not all of the bodies were let in at once")
		}
	}
	close(let)
	all.Wait()
	if slices.Contains(replies, nil) {
		t.FailNow()
	}
	return replies
}

func TestConcurrentPutsOfOneRange(t *testing.T) {
	t.Parallel()
	w := start(t, inFiles)
	s := w.create(t, "a", noise(2*partSize))
	const many = 6

	t.Run("5.3 two concurrent PUTs of one range, identical: 200 with one part object", func(t *testing.T) {
		var seen []part
		for _, r := range s.race(t, 0, slices.Repeat([][]byte{s.slot(0)}, many)...) {
			var p struct{ Part part }
			r.want(200).decode(&p)
			seen = append(seen, p.Part)
		}
		if len(slices.Compact(seen)) != 1 || seen[0].SHA1 != sha1Of(s.slot(0)) {
			t.Errorf("parts are %+v", seen)
		}
	})
	t.Run("5.3 two concurrent PUTs of one range, different: first wins, the others 416 with its part", func(t *testing.T) {
		var bodies [][]byte
		for i := range many {
			bodies = append(bodies, noise(2 * partSize)[i*8:][:partSize])
		}
		var won *part
		var lost []failure
		for i, r := range s.race(t, 1, bodies...) {
			if r.status != 200 {
				lost = append(lost, r.refused(416, "range_overlaps_existing_part"))
				continue
			}
			var p struct{ Part part }
			r.decode(&p)
			if won != nil || p.Part.SHA1 != sha1Of(bodies[i]) {
				t.Errorf("%+v was stored too, or with other bytes", p.Part)
			}
			won = &p.Part
		}
		if won == nil {
			t.Fatal("none was stored")
		}
		for _, f := range lost {
			if p := f.ContextInfo.ConflictingPart; p == nil || *p != *won {
				t.Errorf("conflicting_part is %+v, want %+v", p, *won)
			}
		}
	})
	t.Run("5.3 the loser's bytes go", func(t *testing.T) {
		// Behind the answers; a stop leaves what is not done yet to the sweep.
		daemontest.Eventually(t, "two blobs", func() bool { return blobs(t, w) == 2 })
		w.Stop()
		if n := blobs(t, w); n != 2 {
			t.Errorf("%d blobs for 2 parts", n)
		}
	})
}

// failing is a disk whose files can't be made while err is set.
type failing struct {
	vfs.FS
	mu  sync.Mutex
	err error
}

func (f *failing) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *failing) Create(name string) (vfs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, &os.PathError{Op: "create", Path: name, Err: f.err}
	}
	return f.FS.Create(name)
}

func TestStorageFailure(t *testing.T) {
	t.Parallel()
	var disk *failing
	w := start(t, func(c *daemon.Config) {
		disk = &failing{FS: vfs.Dir(c.Data)}
		c.FS = disk
		inFiles(c)
	})
	s := w.create(t, "a", noise(partSize))

	t.Run("5.3 storage failure: 500 internal_server_error, without inside knowledge", func(t *testing.T) {
		disk.set(fmt.Errorf("the platters melted"))
		if f := s.put(t, 0).refused(500, "internal_server_error"); f.Message != "Internal Server Error" {
			t.Errorf("the message is %q", f.Message)
		}
	})
	t.Run("5.3 storage failure that may pass: 503 unavailable + Retry-After", func(t *testing.T) {
		disk.set(syscall.ENOSPC)
		r := s.put(t, 0)
		r.refused(503, "unavailable")
		if got := r.header.Get("Retry-After"); !regexp.MustCompile(`^[1-9][0-9]*$`).MatchString(got) {
			t.Errorf("Retry-After is %q, want seconds", got)
		}
	})
	t.Run("5.3 storage failure: the session is usable when it is over", func(t *testing.T) {
		disk.set(nil)
		s.commit(t, s.parts(t)).file()
	})
}
