package metrics

import (
	"fmt"
	"math"
	"time"
)

// What is synced.
const (
	File      = "file"
	Directory = "directory"
)

// Request is one that is over.
type Request struct {
	Method   string
	Route    string // its pattern: there are as many as there are routes
	Status   int
	Cut      bool   // the reply did not get to its end
	Code     string // of the error; "" for none
	In, Out  int64  // bytes of bodies
	Duration time.Duration
}

// methods are those that get a label: a client may make up others.
var methods = map[string]bool{"GET": true, "HEAD": true, "POST": true, "PUT": true, "DELETE": true, "OPTIONS": true, "PATCH": true}

// RequestBegins counts a request that is at work until Request is called.
func (m *Metrics) RequestBegins() { m.inFlight.Inc() }

// Request counts one that RequestBegins has counted.
func (m *Metrics) Request(r Request) {
	m.inFlight.Dec()
	method := r.Method
	if !methods[method] {
		method = "other"
	}
	class := "cut"
	if !r.Cut {
		class = fmt.Sprintf("%dxx", r.Status/100)
	}
	m.requests.WithLabelValues(method, r.Route, class).Observe(seconds(r.Duration))
	if r.Code != "" {
		m.errors.WithLabelValues(r.Code).Inc()
	}
	if r.In > 0 {
		m.bodyIn.WithLabelValues(r.Route).Add(float64(r.In))
	}
	if r.Out > 0 {
		m.bodyOut.WithLabelValues(r.Route).Add(float64(r.Out))
	}
}

// Operation counts one of uploads, with how it ended: a word out of few.
func (m *Metrics) Operation(operation, outcome string, d time.Duration) {
	m.operations.WithLabelValues(operation, outcome).Inc()
	m.operation.WithLabelValues(operation).Observe(seconds(d))
}

// Sync counts one of a File or a Directory.
func (m *Metrics) Sync(of string, d time.Duration, err error) {
	m.syncs.WithLabelValues(of).Observe(seconds(d))
	if err != nil {
		m.syncErrors.WithLabelValues(of).Inc()
	}
}

// Update counts one of the database.
func (m *Metrics) Update(d time.Duration, failed bool) {
	m.updates.Observe(seconds(d))
	if failed {
		m.updateErrors.Inc()
	}
}

// Batch counts a transaction that so many updates shared, and its commit.
func (m *Metrics) Batch(updates int, commit time.Duration) {
	m.batches.Observe(float64(updates))
	m.commits.Observe(seconds(commit))
}

// CopyFailed counts a copy of the database's log that failed.
func (m *Metrics) CopyFailed() { m.copyErrors.Inc() }

// Sweep is what one round of it did.
type Sweep struct {
	Removed      map[string]int // by what it was
	Found        int            // blobs without a row
	Garbage      int            // of these, those removed
	GarbageBytes int64
	Began, Ended time.Time
	Failed       bool
}

// Sweep counts a round.
func (m *Metrics) Sweep(s Sweep) {
	for what, n := range s.Removed {
		m.swept.WithLabelValues(what).Add(float64(n))
	}
	m.found.Add(float64(s.Found))
	m.removed.Add(float64(s.Garbage))
	m.removedBytes.Add(float64(s.GarbageBytes))
	m.sweeps.Observe(seconds(s.Ended.Sub(s.Began)))
	if s.Failed {
		m.sweepErrors.Inc()
		return
	}
	m.lastSweep.Set(Timestamp(s.Ended))
}

// Scrubbed counts a blob that was compared with its digest.
func (m *Metrics) Scrubbed(bytes int64) {
	m.scrubBlobs.Inc()
	m.scrubBytes.Add(float64(bytes))
}

// ScrubFailed counts a stop over an error.
func (m *Metrics) ScrubFailed() { m.scrubErrors.Inc() }

// Timestamp is a time as a gauge has it; NaN for the zero time.
func Timestamp(t time.Time) float64 {
	if t.IsZero() {
		return math.NaN()
	}
	return float64(t.UnixMilli()) / 1000
}
