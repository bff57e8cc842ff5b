package client

import (
	"bytes"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// shelf is a server with one file, of which all versions can be had, and whose
// answers go wrong by a seed.
type shelf struct {
	mu       sync.Mutex
	versions [][]byte
	seed     uint64
	rate     float64
	most     int // times that one thing may go wrong
	seen     map[string]int
	tickets  int // URLs of contents that were given out; the older ones are over
}

func (s *shelf) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	place := strings.TrimRight(r.URL.Path, "0123456789") + r.Header.Get("Range")
	n := s.seen[place]
	s.seen[place]++
	h := fnv.New64a()
	fmt.Fprint(h, place, n)
	rnd := rand.New(rand.NewPCG(s.seed, h.Sum64()))
	bad := -1
	if n < s.most && rnd.Float64() < s.rate {
		bad = rnd.IntN(12)
	}
	switch bad {
	case 0:
		return refusal(500, "internal_server_error"), nil
	case 1:
		return refusal(503, "unavailable", "Retry-After", "2"), nil
	case 2:
		return refusal(429, "rate_limit_exceeded", "Retry-After", "3"), nil
	case 3:
		return refusalText(502, "<html>bad gateway</html>"), nil
	case 4:
		return nil, errLostAnswer
	case 5:
		s.mu.Unlock()
		<-r.Context().Done()
		s.mu.Lock()
		return nil, r.Context().Err()
	}
	resp := s.answer(r)
	if !strings.HasPrefix(r.URL.Path, "/bytes/") || resp.StatusCode >= 300 {
		if bad == 6 && strings.HasSuffix(r.URL.Path, "/content") {
			return refusal(202, "", "Retry-After", "1"), nil
		}
		return resp, nil
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	switch cut := rnd.IntN(len(text) + 1); bad {
	case 6: // ends early, as if that were all
		text = text[:cut]
	case 7: // breaks off
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(text[:cut]), brokenOff{}))
		return resp, nil
	case 8: // stops moving
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(text[:cut]), waitingFor{r.Context()}))
		return resp, nil
	case 9:
		text = bytes.Clone(text)
		text[max(0, cut-1)] ^= 4
	case 10: // whole, whatever range was asked for
		resp = refusalText(200, string(s.version(r)))
		return resp, nil
	case 11: // a page of a gateway
		return refusalText(200, "<html>busy</html>"), nil
	}
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return resp, nil
}

type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, errLostAnswer }

type waitingFor struct{ ctx context.Context }

func (w waitingFor) Read([]byte) (int, error) {
	<-w.ctx.Done()
	return 0, w.ctx.Err()
}

func (s *shelf) version(r *http.Request) []byte {
	var ticket, n int
	fmt.Sscanf(r.URL.Path, "/bytes/%d/%d", &n, &ticket)
	return s.versions[n]
}

func (s *shelf) answer(r *http.Request) *http.Response {
	last := len(s.versions) - 1
	switch {
	case strings.HasPrefix(r.URL.Path, "/bytes/"):
		var ticket, n int
		fmt.Sscanf(r.URL.Path, "/bytes/%d/%d", &n, &ticket)
		if ticket < s.tickets-3 {
			return refusal(403, "")
		}
		h := contentHost{data: s.versions[n]}
		return h.whole(r)
	case strings.HasSuffix(r.URL.Path, "/content"):
		fmt.Sscan(r.URL.Query().Get("version"), &last)
		s.tickets++
		return refusal(302, "", "Location", fmt.Sprintf("http://fake/bytes/%d/%d", last, s.tickets))
	}
	return refusalText(200, fmt.Sprintf(`{"type":"file","id":"1","sha1":"%x","size":%d,"file_version":{"id":"%d"}}`,
		sha1.Sum(s.versions[last]), len(s.versions[last]), last))
}

// TestChaosDownloads holds downloads to their promises: each ends with a version that
// is whole and right under its name and nothing beside it, or with an error after
// which the same download, made again, ends so.
func TestChaosDownloads(t *testing.T) {
	tally, count := eachSeed(t, 200, func(t *testing.T, seed uint64) (string, breaches) {
		return downloadOnce(t, seed, nil)
	})
	if count >= 200 && (tally["at once"] < count/10 || tally["gone on with"] < count/10) {
		t.Errorf("the outcomes are too much alike: %v", tally)
	}
}

// TestChaosDownloadsFinds is TestChaosFinds for downloads.
func TestChaosDownloadsFinds(t *testing.T) {
	for _, c := range []struct {
		name    string
		after   func(dir string, err error) // what a worse download would do
		promise string
	}{
		{"a name before the end", func(dir string, err error) {
			if err != nil {
				os.Rename(filepath.Join(dir, ".a.boxcar-part"), filepath.Join(dir, "a"))
			}
		}, wholeOrNot},
		{"notes that stay", func(dir string, err error) { os.WriteFile(filepath.Join(dir, ".a.boxcar-part.json"), nil, 0o600) }, tidy},
		{"bytes that nobody compares", func(dir string, err error) {
			if text, _ := os.ReadFile(filepath.Join(dir, "a")); len(text) > 0 {
				text[len(text)-1]++
				os.WriteFile(filepath.Join(dir, "a"), text, 0o600)
			}
		}, rightBytes},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(200) {
				var broken breaches
				synctest.Test(t, func(t *testing.T) { _, broken = downloadOnce(t, seed, c.after) })
				if broken[c.promise] != "" {
					return
				}
			}
			t.Errorf("200 seeds keep the promise that %s", c.promise)
		})
	}
}

func downloadOnce(t *testing.T, seed uint64, after func(dir string, err error)) (outcome string, broken breaches) {
	broken = breaches{}
	rnd := rand.New(rand.NewPCG(seed, 5))
	s := &shelf{
		versions: [][]byte{pattern(rnd.Int64N(9000))}, seed: seed, seen: map[string]int{},
		rate: []float64{0.05, 0.2, 0.5, 0.9}[rnd.IntN(4)], most: 6,
	}
	// Another version comes in the middle, now and then.
	if rnd.IntN(4) == 0 {
		time.AfterFunc(time.Duration(rnd.IntN(30))*time.Second, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.versions = append(s.versions, append([]byte("new"), s.versions[0]...))
		})
	}
	var dead atomic.Bool
	c, err := New(Config{
		URLs: At("http://fake"), Tokens: StaticToken("t"), Idle: 20 * time.Second,
		HTTP:  &http.Client{Transport: mortal{s, &dead}},
		Retry: Retry{Budget: []time.Duration{2 * time.Second, 30 * time.Second, 10 * time.Minute}[rnd.IntN(3)]},
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	d := Download{FileID: "1", Path: filepath.Join(dir, "a"), MaxParallel: 1 + rnd.IntN(5), piece: 1000}
	outcome = "at once"
	for try := 0; ; try++ {
		ctx, cancel := context.WithCancel(t.Context())
		if rnd.IntN(3) == 0 {
			time.AfterFunc(time.Duration(rnd.IntN(40))*time.Second, cancel)
		}
		file, err := c.Download(ctx, d)
		cancel()
		if after != nil {
			after(dir, err)
		}
		got, readErr := os.ReadFile(d.Path)
		if err == nil {
			if sum := sha1.Sum(got); readErr != nil || hexSum(sum) != file.SHA1 || !s.has(got) {
				broken.add(rightBytes, "%d bytes of SHA-1 %x, and the file has %s: %v", len(got), sum, file.SHA1, readErr)
			}
			if left, _ := os.ReadDir(dir); len(left) != 1 {
				broken.add(tidy, "%v", left)
			}
			return outcome, broken
		}
		outcome = "gone on with"
		if !errors.Is(readErr, os.ErrNotExist) {
			broken.add(wholeOrNot, "%d bytes after %v", len(got), err)
		}
		if try == 200 {
			broken.add(itEnds, "%v", err)
			return outcome, broken
		}
	}
}

func (s *shelf) has(data []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.versions {
		if bytes.Equal(v, data) {
			return true
		}
	}
	return false
}
