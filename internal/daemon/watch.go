package daemon

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/httpapi"
	"boxcar/internal/meta"
	"boxcar/internal/meta/sqlite"
	"boxcar/internal/metrics"
	"boxcar/internal/sweep"
	"boxcar/internal/tracing"
	"boxcar/internal/upload"
	"boxcar/internal/vfs"
)

// watch is how a server is watched. What is not asked for is nil, and costs nothing.
type watch struct {
	metrics *metrics.Metrics
	traces  *tracing.Tracer
}

// startWatch makes what the configuration asks for, but for what needs the data.
func startWatch(cfg Config) (w watch) {
	if cfg.MetricsListen != "" {
		w.metrics = metrics.New(cfg.Version)
	}
	return w
}

// trace begins to make traces, if it is asked for.
func (w *watch) trace(ctx context.Context, cfg Config, rows meta.Store) error {
	if cfg.OTLPEndpoint == "" && !cfg.OTLPFromEnvironment {
		return nil
	}
	key, err := traceKey(ctx, cfg, rows)
	if err != nil {
		return err
	}
	w.traces, err = tracing.New(ctx, tracing.Config{Endpoint: cfg.OTLPEndpoint, Version: cfg.Version, UserKey: key, Log: cfg.Log})
	return err
}

// traceKey is what users' names in traces are made with. It is kept, so that
// somebody has the same one after a restart.
func traceKey(ctx context.Context, cfg Config, rows meta.Store) (key []byte, err error) {
	const setting = "trace-user-key"
	err = rows.Update(ctx, func(tx meta.Tx) error {
		if key, err = tx.Setting(setting); !content.Is(err, content.NotFound) {
			return err
		}
		key = make([]byte, 32)
		cfg.Random(key)
		return tx.PutSetting(setting, key)
	})
	return key, err
}

// end sends what is left of traces.
func (w *watch) end() error {
	if w.traces == nil {
		return nil
	}
	ctx, done := context.WithTimeout(context.Background(), 3*time.Second)
	defer done()
	return w.traces.Close(ctx)
}

func (w *watch) fs(fsys vfs.FS) vfs.FS {
	if w.metrics == nil {
		return fsys
	}
	return observed{fsys, w.metrics.Sync}
}

func (w *watch) database() (o sqlite.Options) {
	if w.metrics == nil {
		return o
	}
	o.Updated = func(took time.Duration, err error) {
		// What a transaction refuses is an answer, and a client that goes away no failure.
		failed := err != nil && (content.KindOf(err) == content.Internal || content.Is(err, content.Unavailable)) && !errors.Is(err, context.Canceled)
		w.metrics.Update(took, failed)
	}
	o.Committed = w.metrics.Batch
	return o
}

// copied counts copies of the database's log that failed, but for want of room.
func (w *watch) copied(err error) {
	if w.metrics != nil && err != nil && !content.Is(err, content.Unavailable) {
		w.metrics.CopyFailed()
	}
}

// requests is httpapi.Config.Watch.
func (w *watch) requests() func(*http.Request) (context.Context, func(httpapi.Outcome)) {
	if w.metrics == nil && w.traces == nil {
		return nil
	}
	return func(r *http.Request) (context.Context, func(httpapi.Outcome)) {
		ctx := r.Context()
		var traced func(tracing.Request)
		if w.traces != nil {
			ctx, traced = w.traces.Begin(r)
		}
		if w.metrics != nil {
			w.metrics.RequestBegins()
		}
		return ctx, func(o httpapi.Outcome) {
			if w.metrics != nil {
				w.metrics.Request(metrics.Request{Method: r.Method, Route: o.Route, Status: o.Status, Cut: o.Cut, Code: o.Code, In: o.In, Out: o.Out, Duration: o.Duration})
			}
			if traced == nil {
				return
			}
			done := tracing.Request{Route: o.Route, Status: o.Status, Cut: o.Cut, Code: o.Code, ID: o.ID, In: o.In, Out: o.Out}
			if o.User != 0 {
				done.User = o.User.String()
			}
			traced(done)
		}
	}
}

// uploads is upload.Config.Watch.
func (w *watch) uploads() func(context.Context, upload.Operation) (context.Context, func(error)) {
	if w.metrics == nil && w.traces == nil {
		return nil
	}
	return func(ctx context.Context, what upload.Operation) (context.Context, func(error)) {
		began, span := time.Now(), func(error) {}
		asked := ctx
		if w.traces != nil {
			ctx, span = w.traces.Span(ctx, "upload."+string(what))
		}
		return ctx, func(err error) {
			span(err)
			if w.metrics != nil {
				w.metrics.Operation(string(what), outcome(asked, err), time.Since(began))
			}
		}
	}
}

// outcome is one word for how something ended.
func outcome(ctx context.Context, err error) string {
	if err == nil {
		return "ok"
	}
	if ctx.Err() != nil {
		return "client_gone"
	}
	switch status, code, _ := httpapi.Answer(err); {
	case code != "":
		return code
	case status == http.StatusAccepted:
		return "pending"
	}
	return "unauthorized"
}

func (w *watch) swept(done sweep.Swept, began, ended time.Time, err error) {
	if w.metrics == nil {
		return
	}
	w.metrics.Sweep(metrics.Sweep{
		Removed: map[string]int{
			"scraps": done.Scraps, "sessions_expired": done.Expired, "sessions_forgotten": done.Forgotten, "trash": done.Purged,
			"users": done.Deleted, "tokens": done.Tokens, "versions": done.Versions, "trees": done.Trees, "events": done.Events,
		},
		Found: done.Found, Garbage: done.Garbage, GarbageBytes: done.Freed,
		Began: began, Ended: ended, Failed: err != nil,
	})
}

// scrubbed is sweep.Service.Scrubbed.
func (w *watch) scrubbed() func(int64) {
	if w.metrics == nil {
		return nil
	}
	return w.metrics.Scrubbed
}

func (w *watch) scrubFailed() {
	if w.metrics != nil {
		w.metrics.ScrubFailed()
	}
}

// metricsServer answers on the listener for metrics. It has profiles too, which
// the one for clients never has, and not the command line, which may have a token.
func (d *Daemon) metricsServer() *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", d.watch.metrics.Handler())
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return &http.Server{Handler: mux, ReadHeaderTimeout: headerWait, IdleTimeout: idleWait, MaxHeaderBytes: headerBytes}
}

// MetricsURL is where metrics are; "" if there are none.
func (d *Daemon) MetricsURL() string {
	if d.metrics == nil {
		return ""
	}
	return origin("http", d.metrics.Addr()) + "/metrics"
}

// listenForMetrics opens the listener of its own.
func (d *Daemon) listenForMetrics() (err error) {
	if d.cfg.MetricsListen == "" {
		return nil
	}
	if d.metrics, err = net.Listen("tcp", d.cfg.MetricsListen); err != nil {
		return err
	}
	if !loopback(d.cfg.MetricsListen) {
		d.cfg.Log.Warn("metrics and profiles ask for no token, and other machines can reach them", "listen", d.cfg.MetricsListen)
	}
	return nil
}
