package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"boxcar/client"
)

func TestBandwidthText(t *testing.T) {
	for text, want := range map[string]bandwidth{"500k": 500_000, "10M": 10_000_000, "10MiB/s": 10 << 20, "20000": 20_000, "1.5M": 1_500_000} {
		var b bandwidth
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want {
			t.Errorf("%s: %v, %v", text, b, err)
		}
	}
	for _, text := range []string{"", "0", "fast", "-1M", "9k", "10M/h"} {
		var b bandwidth
		if err := b.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %v", text, b)
		}
	}
}

// The limit is one for all connections, in each direction.
func TestLimited(t *testing.T) {
	const each, rate = 200_000, 800_000
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, err := io.Copy(io.Discard, r.Body); err != nil || n != each {
			http.Error(w, fmt.Sprint(n, err), http.StatusBadRequest)
			return
		}
		io.WriteString(w, strings.Repeat("x", each))
	}))
	defer s.Close()
	hc := &http.Client{Transport: limited(client.Transport(), rate)}
	defer hc.CloseIdleConnections()
	begun := time.Now()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			resp, err := hc.Post(s.URL, "", strings.NewReader(strings.Repeat("x", each)))
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if n, err := io.Copy(io.Discard, resp.Body); n != each || err != nil || resp.StatusCode != http.StatusOK {
				t.Error(resp.Status, n, err)
			}
		})
	}
	wg.Wait()
	// One second each way; they may overlap, but for the first byte back.
	if took := time.Since(begun); took < 950*time.Millisecond {
		t.Errorf("4 times %d bytes each way at %d a second took %s", each, rate, took)
	}
}
