// Package metrics counts what one server does and shows it to Prometheus. It is
// told of everything in plain values, and keeps them in a registry of its own.
package metrics

import (
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are those of one server. Its methods may be called concurrently.
type Metrics struct {
	registry *prometheus.Registry

	requests     *prometheus.HistogramVec
	inFlight     prometheus.Gauge
	errors       *prometheus.CounterVec
	bodyIn       *prometheus.CounterVec
	bodyOut      *prometheus.CounterVec
	operations   *prometheus.CounterVec
	operation    *prometheus.HistogramVec
	syncs        *prometheus.HistogramVec
	syncErrors   *prometheus.CounterVec
	updates      prometheus.Histogram
	updateErrors prometheus.Counter
	batches      prometheus.Histogram
	commits      prometheus.Histogram
	copyErrors   prometheus.Counter
	swept        *prometheus.CounterVec
	sweeps       prometheus.Histogram
	sweepErrors  prometheus.Counter
	lastSweep    prometheus.Gauge
	found        prometheus.Counter
	removed      prometheus.Counter
	removedBytes prometheus.Counter
	scrubBlobs   prometheus.Counter
	scrubBytes   prometheus.Counter
	scrubErrors  prometheus.Counter
}

// Buckets are upper bounds, in seconds.
var (
	// A request may be a look at a row, or a part that takes a minute to come in.
	requestSeconds = []float64{.002, .01, .05, .25, 1, 5, 20, 60, 300}
	// A sync is a fraction of a millisecond on a good disk, and seconds on one in trouble.
	syncSeconds = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5}
)

// New makes the metrics of a server of that version.
func New(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	info := m.gauges("boxcar_build_info", "Which boxcar this is; always 1.", "version", "goversion")
	info.WithLabelValues(version, runtime.Version()).Set(1)

	m.requests = m.histograms("boxcar_http_request_duration_seconds",
		"Requests by route and class of their status, from the headers to the end of the reply.", requestSeconds, "method", "route", "class")
	m.inFlight = m.gauge("boxcar_http_requests_in_flight", "Requests at work.")
	m.errors = m.counters("boxcar_http_errors_total", "Replies that say that something went wrong, by their code.", "code")
	m.bodyIn = m.counters("boxcar_http_request_body_bytes_total", "Bytes of bodies received.", "route")
	m.bodyOut = m.counters("boxcar_http_response_body_bytes_total", "Bytes of bodies sent.", "route")

	m.operations = m.counters("boxcar_upload_operations_total",
		"What uploads did, by how it ended: ok, or the code of the error.", "operation", "outcome")
	m.operation = m.histograms("boxcar_upload_operation_duration_seconds",
		"How long that took, the body's time on the wire included.", requestSeconds, "operation")

	m.syncs = m.histograms("boxcar_fsync_duration_seconds", "Syncs of blobs and of their directories.", syncSeconds, "of")
	m.syncErrors = m.counters("boxcar_fsync_errors_total", "Such syncs that failed.", "of")
	for _, of := range []string{File, Directory} {
		m.syncs.WithLabelValues(of)
		m.syncErrors.WithLabelValues(of)
	}

	m.updates = m.histogram("boxcar_db_update_duration_seconds", "Updates of the database, from asking for the turn until they are durable.", syncSeconds)
	m.updateErrors = m.counter("boxcar_db_update_errors_total", "Updates that failed, other than by being refused.")
	m.batches = m.histogram("boxcar_db_batch_updates", "Updates that shared a transaction.", []float64{1, 2, 4, 8, 16, 32, 64, 128})
	m.commits = m.histogram("boxcar_db_commit_duration_seconds", "Commits of such transactions, with their sync.", syncSeconds)
	m.copyErrors = m.counter("boxcar_db_copy_errors_total", "Times that the write-ahead log could not be copied into the database.")

	m.swept = m.counters("boxcar_sweep_removed_total", "What the sweep took away.", "what")
	m.sweeps = m.histogram("boxcar_sweep_duration_seconds", "Rounds of the sweep.", []float64{.01, .1, 1, 10, 60, 600, 3600})
	m.sweepErrors = m.counter("boxcar_sweep_errors_total", "Rounds in which something failed.")
	m.lastSweep = m.gauge("boxcar_sweep_last_success_timestamp_seconds", "When the last round ended in which nothing failed.")
	m.found = m.counter("boxcar_sweep_garbage_found_total", "Blobs found that no row refers to.")
	m.removed = m.counter("boxcar_sweep_garbage_removed_total", "Of these, those that were removed.")
	m.removedBytes = m.counter("boxcar_sweep_garbage_removed_bytes_total", "Bytes of these.")

	m.scrubBlobs = m.counter("boxcar_scrub_blobs_total", "Blobs compared with their digest.")
	m.scrubBytes = m.counter("boxcar_scrub_bytes_total", "Bytes read for that.")
	m.scrubErrors = m.counter("boxcar_scrub_errors_total", "Times that scrubbing stopped over an error of the disk or the database.")
	return m
}

func (m *Metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) counter(name, help string) prometheus.Counter {
	return m.counters(name, help).WithLabelValues()
}

func (m *Metrics) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(g)
	return g
}

func (m *Metrics) gauge(name, help string) prometheus.Gauge {
	return m.gauges(name, help).WithLabelValues()
}

func (m *Metrics) histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	m.registry.MustRegister(h)
	return h
}

func (m *Metrics) histogram(name, help string, buckets []float64) prometheus.Histogram {
	return m.histograms(name, help, buckets).WithLabelValues().(prometheus.Histogram)
}

// Read adds a gauge that is asked for its value at each scrape, concurrently
// with anything. NaN says that nobody knows.
func (m *Metrics) Read(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// Count is Read for what only grows.
func (m *Metrics) Count(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, value))
}

// Handler answers scrapes.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, EnableOpenMetrics: true, MaxRequestsInFlight: 4})
}

func seconds(d time.Duration) float64 { return d.Seconds() }
