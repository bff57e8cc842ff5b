package client

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// contentHost is an API that redirects to contents elsewhere.
type contentHost struct {
	data     []byte
	location string // of the redirect
	redirect func(n int) *http.Response
	serve    func(n int, r *http.Request) *http.Response // nil: as it should be
	asked    int
	served   int
	leaked   bool // a token came to the contents' host
}

func (h *contentHost) RoundTrip(r *http.Request) (*http.Response, error) {
	sum := sha1.Sum(h.data)
	switch {
	case r.URL.Host == "api.example" && strings.HasSuffix(r.URL.Path, "/content"):
		h.asked++
		if h.redirect != nil {
			if resp := h.redirect(h.asked); resp != nil {
				return resp, nil
			}
		}
		return refusal(302, "", "Location", fmt.Sprintf("%s?n=%d", h.location, h.asked)), nil
	case r.URL.Host == "api.example":
		return refusalText(200, fmt.Sprintf(`{"type":"file","id":"1","sha1":"%x","size":%d,"file_version":{"id":"2"}}`, sum, len(h.data))), nil
	}
	h.leaked = h.leaked || r.Header.Get("Authorization") != ""
	h.served++
	if h.serve != nil {
		if resp := h.serve(h.served, r); resp != nil {
			return resp, nil
		}
	}
	return h.whole(r), nil
}

// whole is what a good server answers.
func (h *contentHost) whole(r *http.Request) *http.Response {
	var first, last int
	if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &first, &last); n == 2 {
		resp := refusalText(206, string(h.data[first:last+1]))
		resp.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(h.data)))
		return resp
	}
	return refusalText(200, string(h.data))
}

// A redirect is followed without the token, and not from https to http.
func TestARedirect(t *testing.T) {
	for _, c := range []struct {
		location string
		ok       bool
	}{
		{"https://content.example/x", true},
		{"//content.example/x", true},
		{"http://content.example/x", false},
		{"ftp://content.example/x", false},
		{"", false},
	} {
		inBubble(t, c.location, func(t *testing.T) {
			h := &contentHost{data: pattern(5000), location: c.location}
			if c.location == "" {
				h.redirect = func(int) *http.Response { return refusal(302, "") }
			}
			var got bytes.Buffer
			_, err := hostClient(t, h).DownloadTo(t.Context(), "1", "", &got, nil)
			if (err == nil) != c.ok || c.ok && !bytes.Equal(got.Bytes(), h.data) || h.leaked {
				t.Errorf("%v, %d bytes, leaked %v", err, got.Len(), h.leaked)
			}
			if !c.ok && h.served != 0 {
				t.Error("it was followed")
			}
		})
	}
}

func hostClient(t *testing.T, h *contentHost) *Client {
	t.Helper()
	c, err := New(Config{URLs: At("https://api.example"), Tokens: StaticToken("t"), HTTP: &http.Client{Transport: h}, Retry: Retry{Budget: time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestContentsThatFail(t *testing.T) {
	half := func(r *http.Response) *http.Response {
		b, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(b[:len(b)/2]))
		return r
	}
	for _, c := range []struct {
		name     string
		redirect func(n int) *http.Response
		serve    func(h *contentHost, n int, r *http.Request) *http.Response
		asked    int // for a URL
		least    time.Duration
		err      error
	}{
		{name: "not ready", redirect: func(n int) *http.Response {
			if n < 3 {
				return refusal(202, "", "Retry-After", "10")
			}
			return nil
		}, asked: 3, least: 20 * time.Second},
		{name: "a URL that is over", serve: func(h *contentHost, n int, r *http.Request) *http.Response {
			if r.URL.Query().Get("n") == "1" && n > 1 {
				return refusal(403, "")
			}
			if n == 1 {
				return half(h.whole(r))
			}
			return nil
		}, asked: 2},
		{name: "breaks off", serve: func(h *contentHost, n int, r *http.Request) *http.Response {
			if n < 6 {
				return half(h.whole(r))
			}
			return nil
		}, asked: 1},
		{name: "503", serve: func(_ *contentHost, n int, _ *http.Request) *http.Response {
			if n < 3 {
				return refusal(503, "", "Retry-After", "5")
			}
			return nil
		}, asked: 1, least: 10 * time.Second},
		{name: "knows no ranges", serve: func(h *contentHost, n int, r *http.Request) *http.Response {
			if n == 1 {
				return half(h.whole(r))
			}
			return refusalText(200, string(h.data))
		}, asked: 1},
		{name: "other bytes", serve: func(h *contentHost, _ int, _ *http.Request) *http.Response {
			b := bytes.Clone(h.data)
			b[77]++
			return refusalText(200, string(b))
		}, asked: 1, err: ErrCorrupt},
	} {
		inBubble(t, c.name, func(t *testing.T) {
			h := &contentHost{data: pattern(5000), location: "https://content.example/x", redirect: c.redirect}
			if c.serve != nil {
				h.serve = func(n int, r *http.Request) *http.Response { return c.serve(h, n, r) }
			}
			start := time.Now()
			var got bytes.Buffer
			_, err := hostClient(t, h).DownloadTo(t.Context(), "1", "", &got, nil)
			if !errors.Is(err, c.err) {
				t.Fatalf("%v, want %v", err, c.err)
			}
			if c.err == nil && !bytes.Equal(got.Bytes(), h.data) {
				t.Errorf("%d bytes came, not all right", got.Len())
			}
			if took := time.Since(start); h.asked != c.asked || took < c.least {
				t.Errorf("asked for %d URLs in %v, want %d in %v", h.asked, took, c.asked, c.least)
			}
		})
	}
}

// Another range than was asked for is never written where the other belongs.
func TestAnotherRange(t *testing.T) {
	const piece = 1000
	synctest.Test(t, func(t *testing.T) {
		h := &contentHost{data: pattern(2*piece + 100), location: "https://content.example/x"}
		h.serve = func(_ int, r *http.Request) *http.Response {
			resp := refusalText(206, string(h.data[:piece]))
			resp.Header.Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", piece-1, len(h.data)))
			return resp
		}
		path := filepath.Join(t.TempDir(), "a")
		if _, err := hostClient(t, h).Download(t.Context(), Download{FileID: "1", Path: path, MaxParallel: 1, piece: piece}); err == nil {
			t.Error("no error")
		}
		if _, err := os.Stat(path); err == nil {
			t.Error("there is a file")
		}
	})
}

// A full disk ends a download at once.
func TestADiskThatIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &contentHost{data: pattern(5000), location: "https://content.example/x"}
		_, err := hostClient(t, h).DownloadTo(t.Context(), "1", "", fullWriter{}, nil)
		if !errors.Is(err, io.ErrShortWrite) || h.served != 1 {
			t.Errorf("%v after %d attempts", err, h.served)
		}
	})
}

type fullWriter struct{}

func (fullWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// A server that says what cannot be gets no memory and no disk for it.
func TestSizesThatCannotBe(t *testing.T) {
	for _, size := range []string{"4611686018427387904", "-1"} {
		wire := roundTrip(func(*http.Request) (*http.Response, error) {
			return refusalText(200, `{"type":"file","id":"1","sha1":"`+strings.Repeat("a", 40)+`","size":`+size+`,"file_version":{"id":"2"}}`), nil
		})
		c, err := New(Config{URLs: At("https://api.example"), Tokens: StaticToken("t"), HTTP: &http.Client{Transport: wire}})
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		_, err = c.Download(t.Context(), Download{FileID: "1", Path: filepath.Join(dir, "a")})
		left, _ := os.ReadDir(dir)
		if err == nil || !strings.Contains(err.Error(), size+" bytes") || len(left) > 0 {
			t.Errorf("%s bytes: %v, and %v is left", size, err, left)
		}
	}
}
