package client

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// inBubble runs a test whose waits take no time.
func inBubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

func TestUploadsOfEverySize(t *testing.T) {
	for _, size := range []int64{0, 1, 999, 1000, 1999, 2000, 2001, 2999, 3000, 3001, 10_000, 12_345} {
		for _, how := range []string{"reader at", "stream", "stream of unknown size"} {
			inBubble(t, how+" "+strconv.FormatInt(size, 10), func(t *testing.T) {
				f := newFakeBox()
				data := pattern(size)
				var src *Source
				switch how {
				case "reader at":
					src = FromReaderAt(bytes.NewReader(data), size)
				case "stream":
					src = FromReader(bytes.NewReader(data), size)
				default:
					src = FromReader(io.MultiReader(bytes.NewReader(data)), -1)
				}
				res := mustUpload(t, f.client(t), Upload{Source: src, Name: "a.bin", SimpleBelow: 2000, Spool: Spool{Dir: t.TempDir()}})
				f.only(t, "a.bin", data)
				if res.SHA1 != sha1.Sum(data) {
					t.Errorf("SHA-1 %x", res.SHA1)
				}
				if chunked := size >= 2000; chunked != (res.SessionID != "") {
					t.Errorf("session %q for %d bytes", res.SessionID, size)
				}
				if n := f.count("part"); size >= 2000 && n != int((size+999)/1000) {
					t.Errorf("%d parts sent", n)
				}
			})
		}
	}
}

// What the server finds too small for a session goes without, and it is asked once.
func TestTheServerSaysWhatIsTooSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeBox()
		f.min = 5000
		c := f.client(t)
		for i, name := range []string{"a", "b"} {
			mustUpload(t, c, Upload{Source: FromReaderAt(patternReader{4000}, 4000), Name: name, SimpleBelow: 1})
			if n := f.count("create"); n != 1 {
				t.Errorf("%d sessions asked for after %d files", n, i+1)
			}
		}
		mustUpload(t, c, Upload{Source: FromReader(bytes.NewReader(pattern(4999)), 4999), Name: "c", SimpleBelow: 1})
		if len(f.files) != 3 {
			t.Errorf("%d files", len(f.files))
		}
	})
}

func TestAPartThatFails(t *testing.T) {
	date := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	for _, c := range []struct {
		name  string
		bad   func() *fault
		puts  int           // of the part that fails
		waits time.Duration // at least
	}{
		{"500", func() *fault { return &fault{instead: refusal(500, "internal_server_error")} }, 2, 0},
		{"503 with seconds", func() *fault { return &fault{instead: refusal(503, "unavailable", "Retry-After", "7")} }, 2, 7 * time.Second},
		{"429 with seconds", func() *fault { return &fault{instead: refusal(429, "rate_limit_exceeded", "Retry-After", "9")} }, 2, 9 * time.Second},
		{"429 with a date", func() *fault {
			return &fault{instead: refusal(429, "rate_limit_exceeded", "Retry-After", date(11*time.Second))}
		}, 2, 10 * time.Second},
		{"429 with a date of another clock", func() *fault {
			return &fault{instead: refusal(429, "too_many_requests", "Date", date(-time.Hour), "Retry-After", date(-time.Hour+5*time.Second))}
		}, 2, 5 * time.Second},
		{"500 after it was stored", func() *fault { return &fault{replace: refusal(500, "internal_server_error"), cut: -1} }, 1, 0},
		{"answer lost after it was stored", func() *fault { return &fault{lose: true, cut: -1} }, 1, 0},
		{"cut in the middle", func() *fault { return &fault{cut: 500} }, 2, 0},
		{"stalled", func() *fault { return &fault{stall: true} }, 2, 2 * time.Minute},
		{"a byte changed", func() *fault { return &fault{flip: true, cut: -1} }, 2, 0},
		{"a page of a proxy", func() *fault {
			return &fault{instead: refusalText(200, "<html>busy</html>")}
		}, 2, 0},
	} {
		inBubble(t, c.name, func(t *testing.T) {
			f := newFakeBox()
			puts := 0
			f.fault = func(kind string, n int, r *http.Request) *fault {
				if kind == "part" && r.Header.Get("Content-Range") == "bytes 3000-3999/9500" {
					puts++
					if n == 0 {
						return c.bad()
					}
				}
				return nil
			}
			var m Meter
			start := time.Now()
			mustUpload(t, f.client(t), Upload{Source: FromReaderAt(patternReader{9500}, 9500), Name: "a", SimpleBelow: 1, Progress: m.Event})
			f.only(t, "a", pattern(9500))
			if puts != c.puts {
				t.Errorf("the part was sent %d times, want %d", puts, c.puts)
			}
			if took := time.Since(start); took < c.waits || took > c.waits+time.Minute {
				t.Errorf("took %v, want %v and not much more", took, c.waits)
			}
			r := m.Read()
			if r.Moved != 9500 && c.puts == 2 || r.PartsDone != 10 || r.Parts != 10 || r.Hashed != 9500 || r.Total != 9500 || r.Waits != 1 {
				t.Errorf("meter: %+v", r)
			}
		})
	}
}

func refusalText(status int, text string) *http.Response {
	r := refusal(status, "")
	r.Body = io.NopCloser(bytes.NewReader([]byte(text)))
	return r
}

// A server that takes no identical part again, as Box may, is believed only if it
// has the same bytes.
func TestAPartThatIsThere(t *testing.T) {
	for _, same := range []bool{true, false} {
		inBubble(t, strconv.FormatBool(same), func(t *testing.T) {
			f := newFakeBox()
			f.fault = func(kind string, n int, r *http.Request) *fault {
				if kind == "part" && r.Header.Get("Content-Range") == "bytes 0-999/2500" && n == 0 {
					f.mu.Lock()
					defer f.mu.Unlock()
					data := pattern(1000)
					if !same {
						data[5]++
					}
					for _, s := range f.sessions {
						s.parts[0] = &fakePart{id: "0000000A", sum: sha1.Sum(data), size: 1000, data: data}
					}
					return &fault{instead: refusal(416, "range_overlaps_existing_part")}
				}
				return nil
			}
			_, err := f.client(t).Upload(t.Context(), Upload{Source: FromReaderAt(patternReader{2500}, 2500), Name: "a", SimpleBelow: 1})
			if same {
				if err != nil {
					t.Fatal(err)
				}
				f.only(t, "a", pattern(2500))
			} else if !errors.Is(err, ErrSourceChanged) || len(f.files) != 0 {
				t.Errorf("%v, and %d files", err, len(f.files))
			}
		})
	}
}

func TestCommits(t *testing.T) {
	accepted := func(more ...string) *http.Response { return refusal(202, "", more...) }
	for _, c := range []struct {
		name  string
		reply func(n int) *http.Response // to the n-th commit, from 1; nil: as it should be
		lose  bool                       // the first answer
		least time.Duration
		fails bool
	}{
		{name: "202 with Retry-After", reply: func(n int) *http.Response {
			if n < 4 {
				return accepted("Retry-After", "30")
			}
			return nil
		}, least: 90 * time.Second},
		{name: "202 without", reply: func(n int) *http.Response {
			if n < 6 {
				return accepted()
			}
			return nil
		}},
		{name: "202 for longer than the budget for failures", reply: func(n int) *http.Response {
			if n < 30 {
				return accepted("Retry-After", "60")
			}
			return nil
		}, least: 25 * time.Minute},
		{name: "202 for ever", reply: func(int) *http.Response { return accepted("Retry-After", "60") }, fails: true},
		{name: "parts_mismatch right after the last part", reply: func(n int) *http.Response {
			if n < 3 {
				return refusal(400, "parts_mismatch")
			}
			return nil
		}},
		{name: "500", reply: func(n int) *http.Response {
			if n < 3 {
				return refusal(500, "internal_server_error")
			}
			return nil
		}},
		{name: "another commit is at work", reply: func(n int) *http.Response {
			if n < 3 {
				return refusal(409, "conflict")
			}
			return nil
		}},
		{name: "the name is being processed", reply: func(n int) *http.Response {
			if n < 3 {
				return refusal(409, "name_temporarily_reserved")
			}
			return nil
		}},
		{name: "answer lost", lose: true},
		{name: "answer lost, and the session is gone then", lose: true, reply: func(n int) *http.Response {
			if n > 1 {
				return refusal(404, "not_found")
			}
			return nil
		}},
		{name: "digest_mismatch", reply: func(int) *http.Response { return refusal(400, "digest_mismatch") }, fails: true},
	} {
		inBubble(t, c.name, func(t *testing.T) {
			f := newFakeBox()
			n := 0
			f.commit = func(*fakeSession) *http.Response {
				if n++; c.reply != nil {
					return c.reply(n)
				}
				return nil
			}
			f.fault = func(kind string, n int, _ *http.Request) *fault {
				if kind == "commit" && n == 0 && c.lose {
					return &fault{lose: true, cut: -1}
				}
				return nil
			}
			start := time.Now()
			_, err := f.client(t).Upload(t.Context(), Upload{Source: FromReaderAt(patternReader{9500}, 9500), Name: "a", SimpleBelow: 1})
			if took := time.Since(start); took < c.least {
				t.Errorf("took %v, want %v", took, c.least)
			}
			if c.fails {
				var u *UploadError
				useless := HasCode(err, "digest_mismatch")
				if !errors.As(err, &u) || u.PartsDone != 10 || u.Resumable == useless || len(f.files) != 0 || (f.count("abort") == 1) != useless {
					t.Errorf("%v, %d files", err, len(f.files))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			f.only(t, "a", pattern(9500))
		})
	}
}

// A part that the server had acknowledged and then lacks is sent again.
func TestAPartThatVanishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeBox()
		f.commit = func(s *fakeSession) *http.Response {
			if s.commits == 1 {
				delete(s.parts, 2000)
			}
			return nil
		}
		mustUpload(t, f.client(t), Upload{Source: FromReaderAt(patternReader{9500}, 9500), Name: "a", SimpleBelow: 1})
		f.only(t, "a", pattern(9500))
		if n := f.count("part"); n != 11 {
			t.Errorf("%d parts sent", n)
		}
	})
}

func TestASessionThatExpires(t *testing.T) {
	for _, c := range []struct {
		name   string
		src    func() *Source
		status int
		ok     bool
	}{
		{"410", func() *Source { return FromReaderAt(patternReader{9500}, 9500) }, 410, true},
		{"404", func() *Source { return FromReaderAt(patternReader{9500}, 9500) }, 404, true},
		{"a stream", func() *Source { return FromReader(bytes.NewReader(pattern(9500)), 9500) }, 410, false},
	} {
		inBubble(t, c.name, func(t *testing.T) {
			f := newFakeBox()
			f.fault = func(kind string, n int, r *http.Request) *fault {
				if kind == "part" && r.Header.Get("Content-Range") == "bytes 5000-5999/9500" && n == 0 {
					f.mu.Lock()
					defer f.mu.Unlock()
					if f.last < 100 {
						for _, s := range f.sessions {
							s.gone = c.status
						}
						f.last = 100
					}
				}
				return nil
			}
			var restarts []error
			_, err := f.client(t).Upload(t.Context(), Upload{Source: c.src(), Name: "a", SimpleBelow: 1, Progress: func(e Event) {
				if e.Kind == Restarted {
					restarts = append(restarts, e.Err)
				}
			}})
			if !c.ok {
				var u *UploadError
				if !errors.As(err, &u) || u.Resumable || len(f.files) != 0 {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			f.only(t, "a", pattern(9500))
			if len(restarts) != 1 || !hasStatus(restarts[0], c.status) {
				t.Errorf("restarts: %v", restarts)
			}
		})
	}
}

func TestConflicts(t *testing.T) {
	for _, arrays := range []bool{false, true} {
		for _, size := range []int64{1500, 100_000} { // without and with a session
			for _, c := range []struct {
				name   string
				policy ConflictPolicy
				late   bool // the name is taken while the upload goes on
				check  func(t *testing.T, f *fakeBox, old *fakeFile, err error)
			}{
				{"fail", FailOnConflict, false, func(t *testing.T, f *fakeBox, old *fakeFile, err error) {
					var e *Error
					if !errors.Is(err, ErrNameInUse) || !IsConflict(err) || !errors.As(err, &e) || IDOf(e.Conflict()) != old.id {
						t.Errorf("%v", err)
					}
				}},
				{"new version", NewVersion, false, func(t *testing.T, f *fakeBox, old *fakeFile, err error) {
					if err != nil || len(f.files) != 1 || len(old.versions) != 2 || !bytes.Equal(old.now().data, pattern(size)) {
						t.Errorf("%v, %d files, %d versions", err, len(f.files), len(old.versions))
					}
				}},
				{"keep both", KeepBoth, false, func(t *testing.T, f *fakeBox, old *fakeFile, err error) {
					if err != nil || len(f.files) != 2 || f.byName("0", "a (1).bin") == nil || len(old.versions) != 1 {
						t.Errorf("%v, %d files", err, len(f.files))
					}
				}},
				{"fail, late", FailOnConflict, true, func(t *testing.T, f *fakeBox, old *fakeFile, err error) {
					if !errors.Is(err, ErrNameInUse) || len(f.files) != 1 {
						t.Errorf("%v", err)
					}
				}},
				{"new version, late", NewVersion, true, func(t *testing.T, f *fakeBox, old *fakeFile, err error) {
					if err != nil || len(f.files) != 1 || len(old.versions) != 2 {
						t.Errorf("%v, %d files, %d versions", err, len(f.files), len(old.versions))
					}
				}},
				{"keep both, late", KeepBoth, true, func(t *testing.T, f *fakeBox, old *fakeFile, err error) {
					if err != nil || len(f.files) != 2 || f.byName("0", "a (1).bin") == nil {
						t.Errorf("%v, %d files", err, len(f.files))
					}
				}},
			} {
				inBubble(t, c.name+" "+strconv.FormatBool(arrays)+" "+strconv.FormatInt(size, 10), func(t *testing.T) {
					f := newFakeBox()
					f.arrays = arrays
					f.partSize = 10_000
					var old *fakeFile
					take := func() {
						if old == nil {
							old = f.add("0", "A.bin")
							old.put(f, sha1.Sum([]byte("old")), 3, []byte("old"))
						}
					}
					if !c.late {
						take()
					}
					f.fault = func(kind string, _ int, _ *http.Request) *fault {
						if kind == "commit" || kind == "simple" {
							f.mu.Lock()
							defer f.mu.Unlock()
							take()
						}
						return nil
					}
					_, err := f.client(t).Upload(t.Context(), Upload{Source: FromReaderAt(patternReader{size}, size), Name: "a.bin", OnConflict: c.policy, SimpleBelow: 2000})
					c.check(t, f, old, err)
				})
			}
		}
	}
}

func TestNewVersions(t *testing.T) {
	for _, size := range []int64{1500, 9500} {
		for _, c := range []struct {
			name string
			bad  func(kind string, n int) *fault
			etag string
			code int // of the error
		}{
			{name: "plain"},
			{name: "the etag is right", etag: "0"},
			{name: "the etag is wrong", etag: "7", code: 412},
			{name: "answer lost", bad: func(kind string, n int) *fault {
				if (kind == "simple" || kind == "commit") && n == 0 {
					return &fault{lose: true, cut: -1}
				}
				return nil
			}},
			{name: "answer lost, with an etag", etag: "0", bad: func(kind string, n int) *fault {
				if (kind == "simple" || kind == "commit") && n == 0 {
					return &fault{replace: refusal(502, ""), cut: -1}
				}
				return nil
			}},
			{name: "delivered twice", bad: func(kind string, n int) *fault {
				if kind == "simple" || kind == "commit" {
					return &fault{twice: true, cut: -1}
				}
				return nil
			}},
		} {
			inBubble(t, c.name+" "+strconv.FormatInt(size, 10), func(t *testing.T) {
				f := newFakeBox()
				old := f.add("0", "a")
				old.put(f, sha1.Sum([]byte("old")), 3, []byte("old"))
				f.fault = func(kind string, n int, _ *http.Request) *fault {
					if c.bad == nil {
						return nil
					}
					return c.bad(kind, n)
				}
				_, err := f.client(t).Upload(t.Context(), Upload{Source: FromReaderAt(patternReader{size}, size), FileID: old.id, IfMatch: c.etag, SimpleBelow: 2000})
				if c.code != 0 {
					if !hasStatus(err, c.code) || len(old.versions) != 1 {
						t.Errorf("%v", err)
					}
					return
				}
				if err != nil || len(old.versions) != 2 || !bytes.Equal(old.now().data, pattern(size)) {
					t.Errorf("%v, %d versions", err, len(old.versions))
				}
			})
		}
	}
}

// Whoever has seen that a name is free need not have the client ask again, and
// may have been wrong.
func TestNameFree(t *testing.T) {
	for _, c := range []struct {
		name     string
		bad      *fault
		late     bool // somebody takes the name meanwhile
		calls    string
		versions int
	}{
		{name: "it is", calls: "simple", versions: 1},
		{name: "delivered twice", bad: &fault{twice: true, cut: -1}, calls: "simple preflight file", versions: 1},
		{name: "answer lost", bad: &fault{lose: true, cut: -1}, calls: "simple simple preflight file", versions: 1},
		{name: "somebody was faster", late: true, calls: "simple preflight file file simple", versions: 2},
	} {
		inBubble(t, c.name, func(t *testing.T) {
			f := newFakeBox()
			begun := false
			f.fault = func(kind string, _ int, _ *http.Request) *fault {
				if kind != "simple" || begun {
					return nil
				}
				if begun = true; c.late {
					f.mu.Lock()
					defer f.mu.Unlock()
					f.add("0", "a").put(f, sha1.Sum([]byte("theirs")), 6, []byte("theirs"))
				}
				return c.bad
			}
			mustUpload(t, f.client(t), Upload{
				Source: FromReaderAt(patternReader{1500}, 1500), Name: "a", SimpleBelow: 2000, NameFree: true, OnConflict: NewVersion,
			})
			if got := strings.Join(f.calls, " "); got != c.calls {
				t.Errorf("called %s, want %s", got, c.calls)
			}
			for _, file := range f.files {
				if len(f.files) != 1 || len(file.versions) != c.versions || !bytes.Equal(file.now().data, pattern(1500)) {
					t.Errorf("%d files, %d versions", len(f.files), len(file.versions))
				}
			}
		})
	}
}

// The form around a file in one request is not counted, also when it has to go
// once more.
func TestAMeterCountsTheFileOnly(t *testing.T) {
	for _, size := range []int64{0, 1, 1500, 60_000} {
		for _, bad := range []*fault{nil, {cut: 30}, {cut: 200}, {lose: true, cut: -1}} {
			inBubble(t, fmt.Sprintf("%d bytes, %+v", size, bad), func(t *testing.T) {
				f := newFakeBox()
				f.fault = func(kind string, n int, _ *http.Request) *fault {
					if kind == "simple" && n == 0 {
						return bad
					}
					return nil
				}
				var m Meter
				mustUpload(t, f.client(t), Upload{
					Source: FromReaderAt(patternReader{size}, size), Name: "a", SimpleBelow: 100_000,
					Progress: func(e Event) {
						m.Event(e)
						if r := m.Read(); r.Moved < 0 || r.Moved > size {
							t.Errorf("%v: %d of %d bytes have moved", e.Kind, r.Moved, size)
						}
					},
				})
				if r := m.Read(); r.Moved != size && bad == nil || r.Total != size || bad != nil && r.Waits != 1 {
					t.Errorf("meter: %+v", r)
				}
			})
		}
	}
}

func TestSkipUnchanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeBox()
		c := f.client(t)
		u := Upload{Name: "a", SimpleBelow: 1, OnConflict: NewVersion, SkipUnchanged: true}
		for i, want := range []bool{false, true} {
			u.Source = FromReaderAt(patternReader{9500}, 9500)
			if res := mustUpload(t, c, u); res.Unchanged != want || res.File == nil || res.SHA1 != sha1.Sum(pattern(9500)) {
				t.Errorf("upload %d: unchanged %v", i, res.Unchanged)
			}
		}
		f.only(t, "a", pattern(9500))
		other := pattern(9500)
		other[9000]++
		u.Source = FromReaderAt(bytes.NewReader(other), 9500)
		if res := mustUpload(t, c, u); res.Unchanged {
			t.Error("other bytes of the same size were taken for unchanged")
		}
	})
}

// An expired token is replaced once, by one of all the parts that wait for it.
func TestATokenThatExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeBox()
		f.token = "t1"
		f.fault = func(kind string, n int, r *http.Request) *fault {
			if kind == "part" && r.Header.Get("Content-Range") == "bytes 4000-4999/20000" && n == 0 {
				f.mu.Lock()
				f.token = "t2"
				f.mu.Unlock()
			}
			return nil
		}
		made := 0
		tokens := newRenewed(func(_ context.Context, _ string) (string, time.Time, error) {
			made++
			time.Sleep(time.Second)
			return "t" + strconv.Itoa(made), time.Time{}, nil
		})
		c := f.client(t, func(cfg *Config) { cfg.Tokens = tokens })
		mustUpload(t, c, Upload{Source: FromReaderAt(patternReader{20000}, 20000), Name: "a", SimpleBelow: 1})
		f.only(t, "a", pattern(20000))
		if made != 2 {
			t.Errorf("%d tokens were made", made)
		}
	})
}

func TestATokenThatIsNoGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeBox()
		f.token = "other"
		_, err := f.client(t).Upload(t.Context(), Upload{Source: FromReaderAt(patternReader{9500}, 9500), Name: "a", SimpleBelow: 1})
		if !errors.Is(err, ErrUnauthorized) || len(f.calls) != 1 {
			t.Errorf("%v after %d calls", err, len(f.calls))
		}
	})
}

// A session that the server says is there already is taken, if what it has is the
// source's.
func TestSessionConflict(t *testing.T) {
	for _, same := range []bool{true, false} {
		inBubble(t, strconv.FormatBool(same), func(t *testing.T) {
			f := newFakeBox()
			data := pattern(9500)
			there := pattern(9500)
			if !same {
				there[100]++
			}
			old := &fakeSession{id: f.id(f.next()), folder: "0", name: "a", size: 9500, partSize: 1000, parts: map[int64]*fakePart{}}
			for at := int64(0); at < 5000; at += 1000 {
				old.parts[at] = &fakePart{id: "0000000" + strconv.Itoa(int(at/1000)), sum: sha1.Sum(there[at : at+1000]), size: 1000, data: there[at : at+1000]}
			}
			f.sessions[old.id] = old
			f.fault = func(kind string, n int, _ *http.Request) *fault {
				if kind == "create" && n == 0 {
					text, _ := json.Marshal(old.shape())
					return &fault{instead: refusalText(409, `{"type":"error","status":409,"code":"session_conflict","context_info":{"session":`+string(text)+`}}`)}
				}
				return nil
			}
			res := mustUpload(t, f.client(t), Upload{Source: FromReaderAt(bytes.NewReader(data), 9500), Name: "a", SimpleBelow: 1})
			f.only(t, "a", data)
			if taken := res.SessionID == old.id; taken != same {
				t.Errorf("the session that was there was taken: %v", taken)
			}
			if sent := f.count("part"); same && sent != 5 {
				t.Errorf("%d parts were sent", sent)
			}
		})
	}
}

// A server that knows no plan is sent everything.
func TestNoPlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeBox()
		warned := 0
		mustUpload(t, f.client(t), Upload{Source: FromReaderAt(patternReader{20_500}, 20_500), Name: "a", SimpleBelow: 1, Plan: true, Progress: func(e Event) {
			if e.Kind == Warning {
				warned++
			}
		}})
		f.only(t, "a", pattern(20_500))
		if f.count("plan") != 1 || warned != 1 {
			t.Errorf("asked for a plan %d times, %d warnings", f.count("plan"), warned)
		}
	})
}

// A state that can't be saved stops nothing.
func TestAStateThatCannotBeSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeBox()
		warned := 0
		mustUpload(t, f.client(t), Upload{Source: FromReaderAt(patternReader{9500}, 9500), Name: "a", SimpleBelow: 1, State: fullDisk{}, Progress: func(e Event) {
			if e.Kind == Warning && errors.Is(e.Err, io.ErrShortWrite) {
				warned++
			}
		}})
		f.only(t, "a", pattern(9500))
		if warned == 0 {
			t.Error("nobody was told")
		}
	})
}

type fullDisk struct{}

func (fullDisk) Load(string) (*State, error) { return nil, nil }
func (fullDisk) Save(string, *State) error   { return io.ErrShortWrite }
func (fullDisk) Delete(string) error         { return nil }

// What the caller got wrong is said before anything is asked.
func TestUploadsThatCannotBe(t *testing.T) {
	f := newFakeBox()
	c := f.client(t)
	src := FromReaderAt(patternReader{1}, 1)
	for _, u := range []Upload{
		{Name: "a"}, {Source: src}, {Source: src, FileID: "1", FolderID: "0"}, {Source: src, Name: "a", IfMatch: "1"},
		{Source: src, Name: "a", MinParallel: 5, MaxParallel: 4}, {Source: src, Name: "a", MinParallel: -1},
	} {
		if _, err := c.Upload(t.Context(), u); err == nil {
			t.Errorf("%+v: no error", u)
		}
	}
	for _, cfg := range []Config{{}, {Tokens: StaticToken("t"), URLs: At("example.org")}, {Tokens: StaticToken("t"), URLs: At("http://x?y")}} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%+v: no error", cfg)
		}
	}
	if len(f.calls) != 0 {
		t.Errorf("asked %v", f.calls)
	}
	if box := Box(); box.TokenURL() != "https://api.box.com/oauth2/token" || box.AuthorizeURL() != "https://account.box.com/api/oauth2/authorize" || box.Upload+"/2.0/files/content" != "https://upload.box.com/api/2.0/files/content" {
		t.Errorf("Box is at %+v", box)
	}
}

func TestSameContent(t *testing.T) {
	data := pattern(2500)
	src := FromReaderAt(bytes.NewReader(data), 2500)
	sum := hexSum(sha1.Sum(data))
	for _, c := range []struct {
		src  *Source
		size int64
		sum  string
		want bool
	}{
		{src, 2500, sum, true},
		{src, 2500, strings.ToUpper(sum), true},
		{src, 2500, hexSum([20]byte{}), false},
		{FromReaderAt(nil, 2500), 2501, sum, false}, // it is not read
		{FromReader(bytes.NewReader(data), 2500), 2500, sum, false},
	} {
		if got, err := c.src.SameContent(t.Context(), c.size, c.sum); got != c.want || err != nil {
			t.Errorf("%d bytes, %s: %v, %v", c.size, c.sum, got, err)
		}
	}
}
