package daemon

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"boxcar/internal/auth"
	"boxcar/internal/blob"
	"boxcar/internal/httpapi"
	"boxcar/internal/meta"
	"boxcar/internal/meta/sqlite"
	"boxcar/internal/preview"
	"boxcar/internal/sweep"
	"boxcar/internal/tree"
	"boxcar/internal/upload"
)

// Daemon is a server with its data. It is made by New, serves while Run runs,
// and is let go of with Close.
type Daemon struct {
	// Credentials are what the first start made; nil on later ones.
	Credentials *auth.Credentials
	// Auth makes users and tokens.
	Auth *auth.Service

	cfg         Config
	release     func() error
	rows        *sqlite.Store
	files       *tree.Service
	upload      *upload.Service
	sweep       *sweep.Service
	server      *http.Server
	connections *connections
	listen      net.Listener
	plain       net.Listener // beside listen, without TLS; nil: none
	metrics     net.Listener // for metrics and profiles; nil: none
	watch       watch
	// requests is read-locked by each request, and locked for good at the end.
	requests     sync.RWMutex
	tls          *tls.Config // of listen; nil: none
	certificates certificates
	closed       sync.Once
	scrubbing    sync.Mutex    // held by who scrubs
	limbo        chan struct{} // has one if something waits there for the sweep
	complaints   complaints

	asked   sync.Mutex // guards what /readyz said last
	askedAt time.Time
	answer  error
}

// New opens the data directory as its one owner, puts right what the last stop
// left unfinished, and listens. ErrInUse says that another server has it.
func New(ctx context.Context, cfg Config) (_ *Daemon, err error) {
	if cfg, err = cfg.withDefaults(); err != nil {
		return nil, err
	}
	d := &Daemon{cfg: cfg, limbo: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	if d.release, err = own(cfg.Data); err != nil {
		return nil, err
	}
	if othersWrite(cfg.Data) {
		cfg.Log.Warn("others can write to the data directory, and so put files in the way: make it its owner's only", "data", cfg.Data)
	}
	// Before the first start makes credentials: they are told once, and an
	// address that is taken must not be the reason that nobody sees them.
	if err := d.open(); err != nil {
		return nil, err
	}
	d.watch = startWatch(cfg)
	database := d.watch.database()
	database.Copied = func(err error) {
		d.complain(context.Background(), "copying the database's log", err)
		d.watch.copied(err)
	}
	rows, bytes, err := storage(cfg, d.watch.fs(cfg.FS), database)
	if err != nil {
		return nil, err
	}
	d.rows = rows
	if err := d.watch.trace(ctx, cfg, rows); err != nil {
		return nil, err
	}
	kept := keeping{bytes, rows, cfg.Now}
	if t := d.watch.traces; t != nil {
		return d, d.services(ctx, tracedRows{rows, t}, tracedBlobs{kept, t})
	}
	return d, d.services(ctx, rows, kept)
}

// sharedBlocks, of 1 MiB, are what uploads may use beyond one for each body.
const sharedBlocks = 64

// services builds the rooms of the house, from the storage up.
func (d *Daemon) services(ctx context.Context, rows meta.Store, bytes blob.Store) (err error) {
	cfg := d.cfg
	d.Auth = &auth.Service{Meta: rows, Now: cfg.Now, NewID: cfg.NewID, Random: cfg.Random}
	d.Credentials, err = d.Auth.Start(ctx, func(c auth.Credentials) error { return writeCredentials(cfg.Data, c) })
	if err != nil {
		return fmt.Errorf("first start: %w", err)
	}
	if cfg.Quota != nil {
		if err := d.Auth.SetQuota(ctx, *cfg.Quota); err != nil {
			return err
		}
	}
	if cfg.DeveloperToken != "" {
		d.Auth.Fix(cfg.DeveloperToken)
	}
	files := &tree.Service{
		Meta: rows, Blobs: bytes, Now: cfg.Now, NewID: cfg.NewID, Random: cfg.Random, Log: cfg.Log, MaxFileSize: cfg.MaxFileSize,
		HashPassword: d.Auth.HashPassword, CheckPassword: d.Auth.VerifyPassword, Left: d.left,
	}
	d.files, d.Auth.ResolveLink = files, files.ResolveOpenLink
	d.upload = upload.New(upload.Config{
		Intake: blob.NewIntake(sharedBlocks),
		Meta:   rows, Blobs: bytes, Tree: files, Now: cfg.Now, NewID: cfg.NewID, Random: cfg.Random,
		Answer: httpapi.Answer, Watch: d.watch.uploads(), Log: cfg.Log, Limits: cfg.Uploads,
	})
	if err := d.upload.Recover(ctx); err != nil {
		return err
	}
	d.sweep = &sweep.Service{Meta: rows, Blobs: bytes, Now: cfg.Now, Log: cfg.Log, Arriving: d.upload.Arriving, Growing: files.Growing,
		ScrubRate: cfg.ScrubRate, Scrubbed: d.watch.scrubbed()}
	if err := d.sweep.Start(ctx); err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	handler := httpapi.New(httpapi.Config{
		Upload: d.upload, Tree: files, Auth: d.Auth, Preview: preview.New(cfg.Previews), Now: cfg.Now, Random: cfg.Random, Log: cfg.Log,
		Ready: d.ready, Watch: d.watch.requests(), PublicURL: cfg.PublicURL, TrustedProxies: cfg.TrustedProxies,
		BoxHosts: cfg.BoxHosts, StrictTransport: cfg.strictTransport(), AllowOrigins: cfg.AllowOrigins, Limits: cfg.HTTP,
	})
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true) // for proxies that speak it
	d.connections = newConnections(cfg)
	d.server = &http.Server{
		ConnState:         d.connections.state,
		Handler:           d.counted(handler),
		TLSConfig:         d.tls,
		Protocols:         protocols,
		ReadHeaderTimeout: cfg.HeaderWait,
		IdleTimeout:       cfg.IdleWait,
		MaxHeaderBytes:    headerBytes,
		// OPTIONS * is answered as any path that is not there.
		DisableGeneralOptionsHandler: true,
		HTTP2:                        &http2Config,
		ErrorLog:                     slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	}
	if m := d.watch.metrics; m != nil {
		d.gauges(m)
	}
	return nil
}

// What a connection may cost before and between its requests.
const (
	headerWait  = 10 * time.Second
	headerBytes = 64 << 10
	// Some clients never try an upload again that met a connection just
	// closed, so idle ones are kept for longer than clients keep them.
	idleWait = 5 * time.Minute
)

// http2Config bounds what clients may send before it is read. A connection may
// cost as much memory as its window, whatever the number of its streams, and only for
// bytes that came and that nobody has read yet. So all that HTTP/2 can cost is
// the connection's window for each connection, and only to those who have a
// token: of others nothing is read beyond the headers, and what came is let go.
//
// A stream can't be faster than its window for each round trip: 4 MiB are
// 200 MiB/s over 20 ms, where 1 MiB were 50 (bench/README.md).
//
// A frame counts as received only once all of it came. OkHttp, and so Box's SDK
// for Java, flushes in blocks of 8 KiB, and not before it waits for the window:
// if one frame may be the whole window, as with net/http's defaults of 1 MiB
// for both, it waits for the answer to a frame whose end it holds back itself.
// So a window is always more than a frame, those 8 KiB, and the 4 KiB that
// net/http may keep of an update.
//
// The connection's window is more than a stream's, so that a body that waits
// for its turn leaves room for the others.
var http2Config = http.HTTP2Config{
	MaxReadFrameSize:              64 << 10, // each connection keeps a buffer of that size, too
	MaxReceiveBufferPerStream:     4 << 20,
	MaxReceiveBufferPerConnection: 8 << 20,
}

// open listens. Who connects waits until Run.
func (d *Daemon) open() (err error) {
	c := &d.certificates
	if d.cfg.TLSCert != "" {
		if c.own, err = ownCertificate(d.cfg); err != nil {
			return err
		}
	}
	if d.cfg.BoxHosts {
		if c.box, err = boxCertificate(d.cfg); err != nil {
			return err
		}
	}
	if d.cfg.tls() {
		d.tls = c.config()
	}
	if d.cfg.PlainListen != "" {
		if d.plain, err = listen(d.cfg.PlainListen); err != nil {
			return err
		}
	}
	if err := d.listenForMetrics(); err != nil {
		return err
	}
	for _, addr := range d.cfg.inClear() {
		d.cfg.Log.Warn("tokens, passwords and files go in clear over the network to this address: use --tls-cert and --tls-key, or a proxy with TLS, named with --trusted-proxy", "listen", addr)
	}
	d.listen, err = listen(d.cfg.Listen)
	return err
}

// InClear are the addresses that other machines reach without TLS, as far as the
// server knows.
func (d *Daemon) InClear() []string { return d.cfg.inClear() }

// Addr is where the server listens.
func (d *Daemon) Addr() string { return d.listen.Addr().String() }

// PlainURL is where the server listens without TLS, if it does so beside Addr;
// otherwise empty.
func (d *Daemon) PlainURL() string {
	if d.plain == nil {
		return ""
	}
	return origin("http", d.plain.Addr())
}

// URL is where clients reach the server, as far as it knows.
func (d *Daemon) URL() string {
	if d.cfg.PublicURL != "" {
		return strings.TrimSuffix(d.cfg.PublicURL, "/")
	}
	scheme := "http"
	if d.tls != nil {
		scheme = "https"
	}
	return origin(scheme, d.listen.Addr())
}

func origin(scheme string, addr net.Addr) string {
	host, port, _ := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// Run serves until ctx is done. Then it takes no more connections, lets the
// requests under way finish within the configured time, breaks off the others, and returns nil.
func (d *Daemon) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 2) // both listeners end together
	go func() {
		if d.tls != nil {
			served <- d.server.ServeTLS(d.listen, "", "")
			return
		}
		served <- d.server.Serve(d.listen)
	}()
	if d.plain != nil {
		go func() { served <- d.server.Serve(d.plain) }()
	}
	if d.metrics != nil {
		s := d.metricsServer()
		go s.Serve(d.metrics)
		defer s.Close()
	}
	var chores sync.WaitGroup
	chores.Go(func() { d.chores(ctx) })
	chores.Go(func() { d.smallChores(ctx) })
	chores.Go(func() { d.emptyLimbo(ctx) })
	chores.Go(func() { d.scrub(ctx) })
	defer d.linkUses(context.Background())
	defer chores.Wait()
	defer d.requests.Lock() // those broken off are soon over, and then nobody uses the data

	select {
	case err := <-served:
		cancel()
		d.server.Close()
		return err
	case <-ctx.Done():
	}
	d.cfg.Log.Info("stopping", "wait", d.cfg.StopWait)
	d.files.EndWaits()
	wait, done := context.WithTimeout(context.Background(), d.cfg.StopWait)
	defer done()
	if err := d.server.Shutdown(wait); err != nil {
		d.cfg.Log.Warn("requests were broken off", "error", err)
		d.server.Close()
	}
	<-served
	return nil
}

// counted lets requests in until Run ends.
func (d *Daemon) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !d.requests.TryRLock() {
			panic(http.ErrAbortHandler)
		}
		defer d.requests.RUnlock()
		h.ServeHTTP(w, r)
	})
}

// chores sweeps from time to time, and hashes for plan when nothing else goes on.
func (d *Daemon) chores(ctx context.Context) {
	const idleEvery = 20 * time.Second
	sweep, idle := time.NewTicker(d.cfg.SweepEvery), time.NewTicker(idleEvery)
	defer sweep.Stop()
	defer idle.Stop()
	d.Chores(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-sweep.C:
			d.Chores(ctx)
		case <-idle.C:
			d.complain(ctx, "hashing for plan", d.upload.HashIdle(ctx))
		}
	}
}

// smallChores are soon done, and do not wait for those that are not.
func (d *Daemon) smallChores(ctx context.Context) {
	const every, endEvery = time.Second, 60
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		d.linkUses(ctx)
		if n%endEvery == 0 {
			d.endLinks(ctx)
		}
	}
}

// left is told that something waits in limbo.
func (d *Daemon) left() {
	select {
	case d.limbo <- struct{}{}:
	default:
	}
}

// emptyLimbo takes away what large deletes leave, as soon as they do.
func (d *Daemon) emptyLimbo(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.limbo:
		}
		_, err := d.sweep.Limbo(ctx)
		d.complain(ctx, "sweep of limbo", err)
	}
}

// scrub looks for damage, all the time but for pauses between passes.
func (d *Daemon) scrub(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		d.Scrub(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Scrub goes on looking for damage, if it is time; see sweep.Service.Scrub.
func (d *Daemon) Scrub(ctx context.Context) {
	d.scrubbing.Lock()
	defer d.scrubbing.Unlock()
	if err := d.sweep.Scrub(ctx); err != nil && ctx.Err() == nil {
		d.watch.scrubFailed()
		d.cfg.Log.Error("scrub", "error", err)
	}
}

// endLinks takes away the shared links whose time is over.
func (d *Daemon) endLinks(ctx context.Context) {
	_, err := d.files.EndLinks(ctx)
	d.complain(ctx, "ending shared links", err)
}

// linkUses writes how often shared links were used, and what was looked at.
func (d *Daemon) linkUses(ctx context.Context) {
	d.complain(ctx, "counting uses of shared links", d.files.FlushLinkUses(ctx))
	d.complain(ctx, "noting what was looked at", d.files.FlushSeen(ctx))
}

// Chores does at once what Run does from time to time.
func (d *Daemon) Chores(ctx context.Context) {
	d.linkUses(ctx)
	d.endLinks(ctx)
	began := d.cfg.Now()
	done, err := d.sweep.Sweep(ctx)
	if err != nil && ctx.Err() == nil {
		d.cfg.Log.Error("sweep", "error", err)
	}
	if ctx.Err() == nil {
		d.watch.swept(done, began, d.cfg.Now(), err)
	}
	d.complain(ctx, "hashing for plan", d.upload.HashIdle(ctx))
}

// ready says whether a row can be made durable now. Anyone may ask, so the
// answer is kept for a second.
func (d *Daemon) ready(r *http.Request) error {
	d.asked.Lock()
	defer d.asked.Unlock()
	if time.Since(d.askedAt) < time.Second {
		return d.answer
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 5*time.Second)
	defer cancel()
	d.answer = d.rows.Update(ctx, func(tx meta.Tx) error {
		return tx.PutSetting("last-ready", []byte(d.cfg.Now().UTC().Format(time.RFC3339)))
	})
	if d.answer == nil {
		d.answer = d.rows.Ping(ctx)
	}
	d.askedAt = time.Now()
	return d.answer
}

// Close lets go of everything. It may be called more than once, and not while
// Run runs.
func (d *Daemon) Close() (err error) {
	d.closed.Do(func() {
		if d.listen != nil {
			d.listen.Close() // an error if Run has closed it
		}
		if d.files != nil {
			d.files.Close()
		}
		if d.plain != nil {
			d.plain.Close()
		}
		if d.metrics != nil {
			d.metrics.Close()
		}
		if d.upload != nil {
			d.upload.Close()
		}
		if d.rows != nil {
			err = d.rows.Close()
		}
		err = errors.Join(err, d.watch.end())
		if d.release != nil {
			err = errors.Join(err, d.release())
		}
	})
	return err
}

// Run is New, Run and Close. started is called once the server listens.
func Run(ctx context.Context, cfg Config, started func(*Daemon)) error {
	d, err := New(ctx, cfg)
	if err != nil {
		return err
	}
	started(d)
	return errors.Join(d.Run(ctx), d.Close())
}

// beside opens a data directory that a server may own.
func beside(dir string, o sqlite.Options) (Config, *sqlite.Store, blob.Store, error) {
	cfg, err := Config{Data: dir}.withDefaults()
	if err != nil {
		return cfg, nil, nil, err
	}
	if err := checkFormat(dir, false); err != nil {
		return cfg, nil, nil, err
	}
	rows, bytes, err := storage(cfg, cfg.FS, o)
	return cfg, rows, bytes, err
}

// Doctor proves a data directory, which a server may be using; see
// sweep.Service.Check.
func Doctor(ctx context.Context, dir string) (*sweep.Report, error) {
	cfg, rows, bytes, err := beside(dir, sqlite.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return (&sweep.Service{Meta: rows, Blobs: bytes, Now: cfg.Now, Log: cfg.Log}).Check(ctx)
}
