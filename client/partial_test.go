package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// Names of all lengths are downloaded to, and gone on with.
func TestDownloadsOfLongNames(t *testing.T) {
	const piece = 1000
	for _, name := range []string{
		"a", strings.Repeat("a", 228), strings.Repeat("a", 229), strings.Repeat("a", 255), strings.Repeat("日", 85), strings.Repeat("é", 120) + ".laz",
	} {
		h := &contentHost{data: pattern(3*piece + 100), location: "https://content.example/x"}
		path := filepath.Join(t.TempDir(), name)
		d := Download{FileID: "1", Path: path, MaxParallel: 1, piece: piece}
		ctx, cancel := context.WithCancel(t.Context())
		d.Progress = func(e Event) {
			if e.Kind == PartDone && e.Part == 1 {
				cancel()
			}
		}
		if _, err := hostClient(t, h).Download(ctx, d); !errors.Is(err, context.Canceled) {
			t.Fatalf("a name of %d bytes: %v", len(name), err)
		}
		var m Meter
		d.Progress = m.Event
		if _, err := hostClient(t, h).Download(t.Context(), d); err != nil {
			t.Fatalf("a name of %d bytes: %v", len(name), err)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, h.data) || m.Read().Reused < 2*piece {
			t.Errorf("a name of %d bytes: %v, %+v", len(name), err, m.Read())
		}
		if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
			t.Errorf("a name of %d bytes: %v is left", len(name), left)
		}
	}
}

func TestPartialPath(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range []string{"a", "a.boxcar-part", strings.Repeat("日", 84) + "abc", strings.Repeat("日", 84) + "abd", strings.Repeat("x", 255)} {
		p := filepath.Base(partialPath(filepath.Join("dir", name)))
		if len(p+notesEnding+newEnding) > 255 || !utf8.ValidString(p) || !strings.HasPrefix(p, ".") || seen[p] {
			t.Errorf("%s is kept in %s", name, p)
		}
		seen[p] = true
	}
	if got, want := partialPath(filepath.Join("dir", "a")), filepath.Join("dir", ".a.boxcar-part"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Of two downloads to one path, here of two versions, the second fails, and spoils
// nothing.
func TestTwoDownloadsToOnePath(t *testing.T) {
	const piece = 1000
	path := filepath.Join(t.TempDir(), "a")
	h := &contentHost{data: pattern(3 * piece), location: "https://content.example/x"}
	other := &contentHost{data: bytes.Repeat([]byte("x"), 3*piece), location: "https://content.example/x"}
	h.serve = func(n int, _ *http.Request) *http.Response {
		if n == 2 {
			_, err := hostClient(t, other).Download(t.Context(), Download{FileID: "1", Path: path, piece: piece})
			if err == nil || !strings.Contains(err.Error(), "another download") {
				t.Errorf("the second one ends with %v", err)
			}
		}
		return nil
	}
	if _, err := hostClient(t, h).Download(t.Context(), Download{FileID: "1", Path: path, MaxParallel: 1, piece: piece}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, h.data) {
		t.Errorf("the first one has other bytes, %v", err)
	}
	if other.served != 0 {
		t.Errorf("the second one fetched %d pieces", other.served)
	}
	if _, err := hostClient(t, other).Download(t.Context(), Download{FileID: "1", Path: path, piece: piece}); err != nil {
		t.Errorf("after the first: %v", err)
	}
}

// A link where the bytes are gathered leads them nowhere.
func TestALinkInTheWay(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("A LINK IN THE WAY IS NOT TRIED: on Windows links are for administrators")
	}
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, filepath.Join(dir, ".a.boxcar-part")); err != nil {
		t.Fatal(err)
	}
	h := &contentHost{data: pattern(3000), location: "https://content.example/x"}
	if _, err := hostClient(t, h).Download(t.Context(), Download{FileID: "1", Path: filepath.Join(dir, "a")}); err == nil {
		t.Error("it was followed")
	}
	if got, _ := os.ReadFile(victim); string(got) != "precious" {
		t.Errorf("the file behind it has %d other bytes", len(got))
	}
}

// Notes of an earlier download are believed about the same bytes in the same pieces,
// and change nothing else.
func FuzzNotes(f *testing.F) {
	want := contents{File: "1", Version: "2", SHA1: strings.Repeat("a", 40), Size: 2500}
	good, err := json.Marshal(fetched{contents: want, Piece: 1000, Have: []bool{true, false, true}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(bytes.Replace(good, []byte("2500"), []byte("2501"), 1))
	f.Add(bytes.Replace(good, []byte("1000"), []byte("0"), 1))
	f.Add(bytes.Replace(good, []byte("[true,"), []byte("[true,true,"), 1))
	f.Add(good[:len(good)/2])
	f.Add([]byte(`{"have":[1,2,3]}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := fetched{contents: want, Piece: 1000, Have: make([]bool, 3)}
		s.take(text)
		if s.contents != want || s.Piece != 1000 || len(s.Have) != 3 {
			t.Fatalf("%q makes %+v", text, s)
		}
		if !slices.Contains(s.Have, true) {
			return
		}
		var told fetched
		if err := json.Unmarshal(text, &told); err != nil || told.contents != want || told.Piece != 1000 || !slices.Equal(told.Have, s.Have) {
			t.Errorf("%q, which tells of something else, was believed: %v", text, s.Have)
		}
	})
}
