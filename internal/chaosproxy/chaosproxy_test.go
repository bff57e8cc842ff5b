package chaosproxy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestKinds sends a request that goes wrong in each way.
func TestKinds(t *testing.T) {
	sent := bytes.Repeat([]byte("0123456789"), 5000)
	for _, c := range []struct {
		kind  Kind
		whole int  // times that the server has all of it
		okay  bool // the client has an answer, of a status below 300
		right bool // and all of it
	}{
		{Fine, 1, true, true},
		{Slow, 1, true, true},
		{Refused, 0, false, false},
		{Reset, 0, false, false},
		{Cut, 0, false, false},
		{Stalled, 0, false, false},
		{Lost, 1, false, false},
		{Replaced, 1, false, false},
		{Late, 1, false, false},
		{CutAnswer, 1, true, false},
		{StallAnswer, 1, true, false},
		{Twice, 2, true, true},
		{Flipped, 0, true, false},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			whole := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if mu.Lock(); err == nil && bytes.Equal(body, sent) {
					whole++
				}
				mu.Unlock()
				w.Header().Set("Content-Disposition", "attachment")
				w.Header().Set("Content-Length", fmt.Sprint(len(sent)))
				w.Write(sent)
			}))
			defer server.Close()
			p, err := Start(Config{Target: strings.TrimPrefix(server.URL, "http://"), Kinds: []Kind{c.kind}, Rate: 1, Most: 1, Stall: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			hc := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			send := func() (okay, right bool) {
				ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
				if c.kind == Slow || c.kind == Fine {
					ctx = t.Context()
				}
				defer cancel()
				r, err := http.NewRequestWithContext(ctx, "PUT", p.URL()+"/x/1", bytes.NewReader(sent))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Range", "bytes 0-9/10")
				resp, err := hc.Do(r)
				if err != nil {
					return false, false
				}
				defer resp.Body.Close()
				got, err := io.ReadAll(resp.Body)
				return resp.StatusCode < 300, err == nil && bytes.Equal(got, sent)
			}
			okay, right := send()
			p.Settle()
			mu.Lock()
			if whole != c.whole || okay != c.okay || right != c.right {
				t.Errorf("the server has %d, want %d; the client an answer %v, want %v; whole %v, want %v", whole, c.whole, okay, c.okay, right, c.right)
			}
			whole = 0
			mu.Unlock()
			// The second time it gets through.
			okay, right = send()
			mu.Lock()
			defer mu.Unlock()
			if !okay || !right || whole != 1 {
				t.Errorf("then: %v %v, %d", okay, right, whole)
			}
			if got := p.Counts(); got[c.kind] < 1 || got[Fine] < 1 {
				t.Errorf("counted %v", got)
			}
		})
	}
}

// TestSeeds has the same seed do the same, and another one something else.
func TestSeeds(t *testing.T) {
	plan := func(seed uint64) string {
		p := &Proxy{cfg: Config{Seed: seed, Rate: 0.5, Kinds: Kinds, Most: 3}, seen: map[string]int{}}
		var b strings.Builder
		for i := range 60 {
			r := httptest.NewRequest("PUT", fmt.Sprintf("/2.0/files/upload_sessions/%032X", seed), nil)
			r.Header.Set("Content-Range", fmt.Sprint(i%20))
			kind, _ := p.choose(r)
			b.WriteString(string(kind) + ";")
		}
		return b.String()
	}
	first, again, other := plan(1), plan(1), plan(2)
	if first != again || first == other {
		t.Errorf("%s\n%s\n%s", first, again, other)
	}
}
