package httpapi_test

import (
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A body within its limit may be made of a million parts that say nothing. It
// must not cost many times its size.
func TestBodiesCostNoMoreThanAFewTimesTheirSize(t *testing.T) {
	w := start(t, nil)
	s := w.create(t, "a", noise(partSize))
	for _, c := range []struct{ path, parts string }{
		{"/commit", "{}"}, {"/commit", "null"}, {"/plan", "{}"}, {"/plan", "null"},
	} {
		t.Run(c.path+" "+c.parts, func(t *testing.T) {
			const frame = `{"parts":[]}`
			body := `{"parts":[` + strings.Repeat(c.parts+",", (8<<20-len(frame)-len(c.parts))/(len(c.parts)+1)) + c.parts + `]}`
			var before, m runtime.MemStats
			var peak atomic.Uint64
			done := make(chan struct{})
			runtime.GC()
			runtime.ReadMemStats(&before)
			go func() {
				for {
					select {
					case <-done:
						return
					case <-time.After(5 * time.Millisecond):
						runtime.ReadMemStats(&m)
						peak.Store(max(peak.Load(), m.HeapAlloc))
					}
				}
			}()
			began := time.Now()
			r := w.do(t, "POST", s.path(c.path), body, "Digest", digestOf(nil))
			close(done)
			t.Logf("%s: %d in %v, at most %d MiB", c.path, r.status, time.Since(began), (peak.Load()-before.HeapAlloc)>>20)
			r.refused(413, "request_entity_too_large")
			if grew := int64(peak.Load() - before.HeapAlloc); grew > 100<<20 {
				t.Errorf("a body of 8 MiB took %d MiB", grew>>20)
			}
		})
	}
}
