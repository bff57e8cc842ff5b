package client

import (
	"bytes"
	"context"
	"crypto/sha1"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"boxcar/boxapi"
)

const resumeSize = 30_500 // 31 parts

// writeSource makes a file of a time that stays.
func writeSource(t *testing.T, path string, data []byte, at time.Time) *Source {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
	src, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	return src
}

// broken starts an upload that dies when all parts below an offset are at the
// server, and no others.
func broken(t *testing.T, f *fakeBox, u Upload, below int64) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	f.fault = func(kind string, _ int, r *http.Request) *fault {
		if first, _, _, err := boxapi.ParseContentRange(r.Header.Get("Content-Range")); err != nil || first < below {
			return nil
		}
		time.AfterFunc(time.Second, func() { cancel(errors.New("killed")) })
		return &fault{stall: true}
	}
	_, err := f.client(t).Upload(ctx, u)
	f.fault = nil
	var failed *UploadError
	if !errors.As(err, &failed) || !failed.Resumable || failed.SessionID == "" {
		t.Fatalf("the upload ended with %v", err)
	}
}

func TestResume(t *testing.T) {
	at := time.Date(2031, 3, 2, 4, 5, 6, 789, time.UTC)
	data := pattern(resumeSize)
	other := pattern(resumeSize)
	other[5_500]++ // in a part that was sent
	for _, c := range []struct {
		name   string
		change func(path string, u *Upload)
		hashed int64 // at most, by the second run
		err    error
		check  func(t *testing.T, f *fakeBox)
	}{
		// Three parts are tried, and what was not hashed is.
		{name: "as it was", hashed: 3*1000 + 7_500},
		{name: "read anew", change: func(_ string, u *Upload) { u.Rehash = true }, hashed: resumeSize},
		{name: "touched", change: func(path string, u *Upload) {
			os.Chtimes(path, at, at.Add(time.Hour))
		}, hashed: resumeSize},
		{name: "changed", change: func(path string, _ *Upload) {
			os.WriteFile(path, other, 0o644)
		}, err: ErrSourceChanged},
		{name: "changed, and that is all right", change: func(path string, u *Upload) {
			os.WriteFile(path, other, 0o644)
			u.OnChange = RestartChanged
		}, check: func(t *testing.T, f *fakeBox) { f.only(t, "a", other) }},
		{name: "changed in the first part, with its old time", change: func(path string, _ *Upload) {
			first := pattern(resumeSize)
			first[7]++
			os.WriteFile(path, first, 0o644)
			os.Chtimes(path, at, at)
		}, err: ErrSourceChanged},
		{name: "shorter", change: func(path string, _ *Upload) { os.WriteFile(path, data[:29_000], 0o644) }, err: ErrSourceChanged},
		{name: "shorter, and that is all right", change: func(path string, u *Upload) {
			os.WriteFile(path, data[:29_000], 0o644)
			u.OnChange = RestartChanged
		}, check: func(t *testing.T, f *fakeBox) { f.only(t, "a", data[:29_000]) }},
	} {
		inBubble(t, c.name, func(t *testing.T) {
			f := newFakeBox()
			path := filepath.Join(t.TempDir(), "a")
			store := StateDir(t.TempDir())
			u := Upload{Source: writeSource(t, path, data, at), Name: "a", SimpleBelow: 1, State: store, MaxParallel: 3}
			broken(t, f, u, 22_000)
			if c.change != nil {
				c.change(path, &u)
			}
			var err error
			if u.Source, err = OpenFile(path); err != nil {
				t.Fatal(err)
			}
			defer u.Source.Close()
			var m Meter
			u.Progress = m.Event
			res, err := f.client(t).Upload(t.Context(), u)
			if c.err != nil {
				if !errors.Is(err, c.err) || len(f.files) != 0 {
					t.Errorf("%v, and %d files", err, len(f.files))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.check != nil {
				c.check(t, f)
			} else {
				f.only(t, "a", data)
				if m.Read().Hashed > c.hashed {
					t.Errorf("%d bytes were hashed again, want at most %d", m.Read().Hashed, c.hashed)
				}
				if res.Reused != 22_000 || m.Read().Reused != res.Reused {
					t.Errorf("%d bytes were there before, and the meter has %d", res.Reused, m.Read().Reused)
				}
				if n := f.count("part"); n > 31+4 {
					t.Errorf("%d parts were sent in all", n)
				}
			}
			if left, err := store.All(); len(left) != 0 || err != nil {
				t.Errorf("%d states are left, %v", len(left), err)
			}
		})
	}
}

// By the session alone, with another reader of the same bytes, as on another
// machine; and with a stream.
func TestResumeBySession(t *testing.T) {
	data := pattern(resumeSize)
	wrong := pattern(resumeSize)
	wrong[100]++
	for _, c := range []struct {
		name string
		src  func() *Source
		u    Upload
		err  error
	}{
		{name: "reader at", src: func() *Source { return FromReaderAt(bytes.NewReader(data), resumeSize) }},
		{name: "stream", src: func() *Source { return FromReader(bytes.NewReader(data), resumeSize) }},
		{name: "other bytes", src: func() *Source { return FromReaderAt(bytes.NewReader(wrong), resumeSize) }, err: ErrSourceChanged},
		{name: "another size", src: func() *Source { return FromReaderAt(bytes.NewReader(data), resumeSize-1000) }, err: ErrSourceChanged},
	} {
		inBubble(t, c.name, func(t *testing.T) {
			f := newFakeBox()
			broken(t, f, Upload{Source: FromReaderAt(patternReader{resumeSize}, resumeSize), Name: "a", SimpleBelow: 1}, 22_000)
			for id := range f.sessions {
				c.u.SessionID = id
			}
			c.u.Source = c.src()
			_, err := f.client(t).Upload(t.Context(), c.u)
			if !errors.Is(err, c.err) {
				t.Fatalf("%v, want %v", err, c.err)
			}
			if c.err == nil {
				f.only(t, "a", data)
				if n := f.count("part"); n > 31+8 {
					t.Errorf("%d parts were sent in all", n)
				}
			} else if len(f.files) != 0 {
				t.Error("there is a file")
			}
		})
	}
}

// A way that keeps damaging one part costs that part, and not what has arrived.
func TestAPartThatIsAlwaysDamaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeBox()
		f.fault = func(kind string, _ int, r *http.Request) *fault {
			if kind == "part" && strings.HasPrefix(r.Header.Get("Content-Range"), "bytes 30000-") {
				return &fault{flip: true, cut: -1}
			}
			return nil
		}
		u := Upload{Source: FromReaderAt(patternReader{resumeSize}, resumeSize), Name: "a", SimpleBelow: 1, State: &memoryState{}}
		_, err := f.client(t).Upload(t.Context(), u)
		var failed *UploadError
		if !errors.As(err, &failed) || !failed.Resumable || failed.PartsDone != 30 {
			t.Fatalf("%v", err)
		}
		f.fault = nil
		if res := mustUpload(t, f.client(t), u); res.Reused != 30_000 || res.SessionID != failed.SessionID {
			t.Errorf("%d bytes were reused of session %s", res.Reused, res.SessionID)
		}
		f.only(t, "a", pattern(resumeSize))
	})
}

// The process dies before it hears of the commit, which may or may not have been
// done, and the session may be there or forgotten when it comes back.
func TestResumeACommit(t *testing.T) {
	data := pattern(resumeSize)
	for _, done := range []bool{false, true} {
		for _, gone := range []int{0, 404, 410} {
			for how := range 4 {
				version, stream := how&1 == 1, how&2 == 2
				name := map[bool]string{true: "done", false: "not done"}[done] + map[int]string{0: "", 404: ", forgotten", 410: ", expired"}[gone] + map[bool]string{true: ", version"}[version] + map[bool]string{true: ", stream"}[stream]
				inBubble(t, name, func(t *testing.T) {
					f := newFakeBox()
					path := filepath.Join(t.TempDir(), "a")
					u := Upload{Source: writeSource(t, path, data, time.Now()), Name: "a", SimpleBelow: 1, State: StateFile(path + ".state")}
					source := func() *Source { return u.Source }
					if stream {
						source = func() *Source { return FromReader(bytes.NewReader(data), resumeSize) }
					}
					want := 1
					if version {
						// With the same bytes, which are no proof then.
						old := f.add("0", "a")
						old.put(f, sha1.Sum(data), resumeSize, data)
						u.Name, u.FileID = "", old.id
						want = 2
					}
					ctx, cancel := context.WithCancel(t.Context())
					f.fault = func(kind string, _ int, _ *http.Request) *fault {
						if kind == "commit" {
							cancel()
							if done {
								return &fault{lose: true, cut: -1}
							}
							return &fault{stall: true}
						}
						return nil
					}
					// The answer of what is done must not depend on ctx.
					if done {
						f.fault = func(kind string, _ int, _ *http.Request) *fault {
							if kind == "commit" {
								return &fault{lose: true, cut: -1}
							}
							return nil
						}
						go func() {
							for f.count("commit") == 0 {
								time.Sleep(time.Millisecond)
							}
							cancel()
						}()
					}
					u.Source = source()
					if _, err := f.client(t).Upload(ctx, u); err == nil {
						t.Fatal("no error")
					}
					u.Source = source()
					f.fault = nil
					for _, s := range f.sessions {
						s.gone = gone
					}
					if _, err := f.client(t).Upload(t.Context(), u); err != nil {
						t.Fatal(err)
					}
					if len(f.files) != 1 {
						t.Fatalf("%d files", len(f.files))
					}
					for _, file := range f.files {
						if len(file.versions) != want || !bytes.Equal(file.now().data, data) {
							t.Errorf("%d versions, want %d", len(file.versions), want)
						}
					}
					if _, err := os.Stat(path + ".state"); !errors.Is(err, os.ErrNotExist) {
						t.Errorf("the state is left: %v", err)
					}
				})
			}
		}
	}
}

// A state holds no token, and nobody else may read it.
func TestStateIsPrivate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeBox()
		path := filepath.Join(t.TempDir(), "a")
		state := filepath.Join(t.TempDir(), "new", "a.state")
		const token = "a-secret-token"
		u := Upload{Source: writeSource(t, path, pattern(resumeSize), time.Now()), Name: "a", SimpleBelow: 1, State: StateFile(state)}
		ctx, cancel := context.WithCancel(t.Context())
		f.fault = func(kind string, n int, r *http.Request) *fault {
			if kind == "part" && strings.HasPrefix(r.Header.Get("Content-Range"), "bytes 9000-") {
				cancel()
			}
			return nil
		}
		f.client(t, func(c *Config) { c.Tokens = StaticToken(token) }).Upload(ctx, u)
		text, err := os.ReadFile(state)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), token) {
			t.Error("the state has the token")
		}
		if info, _ := os.Stat(state); info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v", info.Mode())
		}
		s, err := DecodeState(text)
		if err != nil || s.hashed() < 9 || s.Path != path {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

// A file that changes while it is uploaded is never committed.
func TestAFileThatChanges(t *testing.T) {
	for name, change := range map[string]func(path string){
		"behind the front": func(path string) {
			f, _ := os.OpenFile(path, os.O_WRONLY, 0)
			f.WriteAt([]byte("x"), 100)
			f.Close()
		},
		"shorter": func(path string) { os.Truncate(path, 20_000) },
		"longer": func(path string) {
			f, _ := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			f.Write([]byte("x"))
			f.Close()
		},
	} {
		inBubble(t, name, func(t *testing.T) {
			f := newFakeBox()
			path := filepath.Join(t.TempDir(), "a")
			src := writeSource(t, path, pattern(resumeSize), time.Now().Add(-time.Hour))
			f.fault = func(kind string, n int, r *http.Request) *fault {
				if kind == "part" && n == 0 && strings.HasPrefix(r.Header.Get("Content-Range"), "bytes 9000-") {
					change(path)
				}
				return nil
			}
			_, err := f.client(t).Upload(t.Context(), Upload{Source: src, Name: "a", SimpleBelow: 1})
			if !errors.Is(err, ErrSourceChanged) || len(f.files) != 0 {
				t.Errorf("%v, and %d files", err, len(f.files))
			}
		})
	}
}

// A byte that changes between hashing and sending is found by the server's digest.
func TestAByteThatChangesBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeBox()
		data := pattern(resumeSize)
		f.fault = func(kind string, n int, r *http.Request) *fault {
			if kind == "part" && n == 0 && strings.HasPrefix(r.Header.Get("Content-Range"), "bytes 1000-") {
				data[1500]++
			}
			return nil
		}
		_, err := f.client(t).Upload(t.Context(), Upload{Source: FromReaderAt(bytes.NewReader(data), resumeSize), Name: "a", SimpleBelow: 1, MaxParallel: 1})
		if !errors.Is(err, ErrSourceChanged) || len(f.files) != 0 {
			t.Errorf("%v, and %d files", err, len(f.files))
		}
	})
}

func TestStreamsThatLie(t *testing.T) {
	for _, c := range []struct {
		name    string
		size    int64 // announced
		is      int64
		err     error
		simple  int64
		created bool
	}{
		{"too short", 9500, 9499, ErrSourceChanged, 1, true},
		{"too long", 9500, 9501, ErrSourceChanged, 1, true},
		{"small and too short", 1500, 1499, ErrSourceChanged, 2000, false},
		{"small and too long", 1500, 1501, ErrSourceChanged, 2000, false},
		{"larger than the spool", -1, 50_001, ErrTooLarge, 1, false},
	} {
		inBubble(t, c.name, func(t *testing.T) {
			f := newFakeBox()
			dir := t.TempDir()
			u := Upload{
				Source: FromReader(bytes.NewReader(pattern(c.is)), c.size), Name: "a", SimpleBelow: c.simple,
				Spool: Spool{Dir: dir, Max: 50_000}, AbortOnFailure: true,
			}
			_, err := f.client(t).Upload(t.Context(), u)
			if !errors.Is(err, c.err) || len(f.files) != 0 {
				t.Errorf("%v, and %d files", err, len(f.files))
			}
			for _, s := range f.sessions {
				if s.gone == 0 {
					t.Error("the session was left")
				}
			}
			if left, _ := os.ReadDir(dir); len(left) != 0 {
				t.Errorf("%d temporary files are left", len(left))
			}
			if _, err := f.client(t).Upload(t.Context(), u); !errors.Is(err, ErrStreamUsed) {
				t.Errorf("the stream was taken again: %v", err)
			}
		})
	}
}

// A stream that waits for ever does not keep an upload from ending.
func TestAStreamThatWaits(t *testing.T) {
	for _, size := range []int64{-1, 9500} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakeBox()
			wait := make(chan struct{})
			defer close(wait)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := f.client(t).Upload(ctx, Upload{Source: FromReader(waitingReader{wait}, size), Name: "a", SimpleBelow: 1, Spool: Spool{Dir: t.TempDir()}})
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
		})
	}
}

type waitingReader struct{ wait chan struct{} }

func (r waitingReader) Read([]byte) (int, error) {
	<-r.wait
	return 0, errors.New("over")
}

// An upload that ends in the middle of hashing a part keeps the digest of what is
// in front of it, not of half a part.
func TestResumeAfterHalfAPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeBox()
		f.partSize = 4 * blockSize
		const size = 6*4*blockSize + 5
		path := filepath.Join(t.TempDir(), "a")
		u := Upload{Source: writeSource(t, path, pattern(size), time.Now()), Name: "a", SimpleBelow: 1, State: StateFile(path + ".state")}
		ctx, cancel := context.WithCancel(t.Context())
		blocks := 0
		u.Progress = func(e Event) {
			if e.Kind == Hashing {
				if blocks++; blocks == 2*4+2 {
					cancel()
				}
			}
		}
		if _, err := f.client(t).Upload(ctx, u); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		s, err := StateFile(path + ".state").Load("")
		if err != nil || s.hashed() != 2 {
			t.Fatalf("%+v, %v", s, err)
		}
		u.Progress = nil
		mustUpload(t, f.client(t), u)
		f.only(t, "a", pattern(size))
	})
}

// A file that changes once while it is uploaded, and whose caller wants it sent
// anew then.
func TestAFileThatChangesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeBox()
		path := filepath.Join(t.TempDir(), "a")
		src := writeSource(t, path, pattern(resumeSize), time.Now().Add(-time.Hour))
		changed := append(pattern(resumeSize), "more"...)
		changed[100] = 'x'
		done := false
		f.fault = func(kind string, n int, r *http.Request) *fault {
			if kind == "part" && strings.HasPrefix(r.Header.Get("Content-Range"), "bytes 9000-") && !done {
				done = true
				if err := os.WriteFile(path, changed, 0o644); err != nil {
					t.Error(err)
				}
			}
			return nil
		}
		mustUpload(t, f.client(t), Upload{Source: src, Name: "a", SimpleBelow: 1, OnChange: RestartChanged})
		f.only(t, "a", changed)
		if n := f.count("create"); n != 2 {
			t.Errorf("%d sessions", n)
		}
	})
}

// A pipe is a stream, by whatever name it comes.
func TestAPipeIsAStream(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data := pattern(resumeSize)
	go func() {
		w.Write(data)
		w.Close()
	}()
	src, err := FromFile(r)
	if err != nil {
		t.Fatal(err)
	}
	if src.Size() != -1 {
		t.Errorf("size %d", src.Size())
	}
	f := newFakeBox()
	mustUpload(t, f.client(t), Upload{Source: src, Name: "a", SimpleBelow: 1, Spool: Spool{Dir: t.TempDir()}})
	f.only(t, "a", data)
	if _, err := OpenFile(t.TempDir()); err == nil {
		t.Error("a folder was opened")
	}
}

func TestStateDir(t *testing.T) {
	dir := StateDir(filepath.Join(t.TempDir(), "states"))
	if all, err := dir.All(); len(all) != 0 || err != nil {
		t.Errorf("%v, %v", all, err)
	}
	for _, id := range []string{"A", "B", "C"} {
		if err := dir.Save("key of "+id, &State{Session: id, Size: 10, PartSize: 5}); err != nil {
			t.Fatal(err)
		}
	}
	os.WriteFile(filepath.Join(string(dir), "broken"+stateEnding), []byte("{"), 0o600)
	os.WriteFile(filepath.Join(string(dir), "other"), nil, 0o600)
	if s, err := dir.Load("key of B"); err != nil || s.Session != "B" {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := dir.Load("none"); s != nil || err != nil {
		t.Errorf("%+v, %v", s, err)
	}
	if err := errors.Join(dir.Delete("key of A"), dir.Delete("key of A"), dir.DeleteSession("B"), dir.DeleteSession("B")); err != nil {
		t.Error(err)
	}
	all, err := dir.All()
	if err != nil || len(all) != 1 || all[0].Session != "C" {
		t.Errorf("%v, %v", all, err)
	}
}

// What can't be gone on with goes; what may be, or may be somebody's work, stays.
func TestPrune(t *testing.T) {
	dir := StateDir(t.TempDir())
	now := time.Now()
	for id, expires := range map[string]time.Time{
		"long over": now.Add(-25 * time.Hour), "over": now.Add(-23 * time.Hour), "open": now.Add(time.Hour), "not known": {},
	} {
		if err := dir.Save(id, &State{Session: id, Size: 10, PartSize: 5, Expires: expires, Saved: now.Add(-9999 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	old := now.Add(-25 * time.Hour)
	for name, at := range map[string]time.Time{
		".1" + stateEnding + ".77": old, ".2" + stateEnding + ".78": now, "3" + stateEnding: old, "other": old, ".other": old,
	} {
		path := filepath.Join(string(dir), name)
		if err := errors.Join(os.WriteFile(path, []byte("{"), 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(dir.Prune(now), StateDir(filepath.Join(string(dir), "none")).Prune(now)); err != nil {
		t.Fatal(err)
	}
	for id, stays := range map[string]bool{"long over": false, "over": true, "open": true, "not known": true} {
		if s, err := dir.Load(id); err != nil || (s != nil) != stays {
			t.Errorf("%s: %v, %v", id, s, err)
		}
	}
	for name, stays := range map[string]bool{".1" + stateEnding + ".77": false, ".2" + stateEnding + ".78": true, "3" + stateEnding: true, "other": true, ".other": true} {
		if _, err := os.Stat(filepath.Join(string(dir), name)); (err == nil) != stays {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A state says when its session ends.
func TestTheStateHasAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeBox()
		ctx, cancel := context.WithCancel(t.Context())
		var m memoryState
		u := Upload{Source: FromReaderAt(patternReader{9500}, 9500), Name: "a", SimpleBelow: 1, State: &m, StateKey: "k", Progress: func(e Event) {
			if e.Kind == PartDone {
				cancel()
			}
		}}
		began := time.Now()
		if _, err := f.client(t).Upload(ctx, u); err == nil {
			t.Fatal("no error")
		}
		s, err := m.Load("k")
		if want := began.Add(7 * 24 * time.Hour); err != nil || s.Expires.Before(want.Add(-time.Minute)) || s.Expires.After(want.Add(time.Minute)) {
			t.Errorf("%v, %v, want about %v", s, err, want)
		}
	})
}

func TestDecodeState(t *testing.T) {
	h := sha1.New()
	running, err := freeze(h)
	if err != nil {
		t.Fatal(err)
	}
	sums := func(n int) []byte { return make([]byte, n*sha1.Size) }
	for _, c := range []struct {
		name string
		s    State
		ok   bool
	}{
		{"fresh", State{Session: "A", Size: 10, PartSize: 5}, true},
		{"in the middle", State{Session: "A", Size: 10, PartSize: 5, Digests: sums(2), Running: running}, true},
		{"no session", State{Size: 10, PartSize: 5}, false},
		{"a negative size", State{Session: "A", Size: -1, PartSize: 5}, false},
		{"no part size", State{Session: "A", Size: 10}, false},
		{"half a digest", State{Session: "A", Size: 10, PartSize: 5, Digests: sums(1)[:7], Running: running}, false},
		{"more parts than the file has", State{Session: "A", Size: 10, PartSize: 5, Digests: sums(3), Running: running}, false},
		{"no running digest", State{Session: "A", Size: 10, PartSize: 5, Digests: sums(1)}, false},
		{"a running digest of something else", State{Session: "A", Size: 10, PartSize: 5, Digests: sums(1), Running: []byte("x")}, false},
	} {
		text, err := c.s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeState(text); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := DecodeState([]byte(`{"version":2,"session":"A","size":10,"part_size":5}`)); err == nil {
		t.Error("a state of the future was read")
	}
}
