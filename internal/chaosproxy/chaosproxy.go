// Package chaosproxy stands between a client and a server in tests, and spoils their
// requests by a seed.
package chaosproxy

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Kind is a way for a request to go wrong.
type Kind string

// The ways for a request to go wrong.
const (
	Refused     Kind = "refused"          // 500, 429, 503 and the like, and the server never sees it
	Replaced    Kind = "replaced"         // it is done, and the answer is a 500, or a gateway's page
	Reset       Kind = "reset"            // before the server sees anything of it
	Cut         Kind = "cut"              // the body breaks off at some byte
	Lost        Kind = "answer lost"      // it is done, and its answer never comes
	CutAnswer   Kind = "answer cut"       // the answer breaks off at some byte
	Stalled     Kind = "stalled"          // nothing moves any more, from some byte of the body on
	StallAnswer Kind = "answer stalled"   // likewise of the answer
	Twice       Kind = "delivered twice"  // one after the other, or at the same time
	Late        Kind = "delivered late"   // the connection is reset, and the server sees it some time later
	Flipped     Kind = "a bit flipped"    // of contents, on their way there or back
	Slow        Kind = "slow"             // in both directions
	Fine        Kind = "passed on"        // nothing is wrong
	Broken      Kind = "server not there" // by itself, not by the seed
)

// Kinds are all that a seed chooses from.
var Kinds = []Kind{Refused, Replaced, Reset, Cut, Lost, CutAnswer, Stalled, StallAnswer, Twice, Late, Flipped, Slow}

// Config says what a proxy does.
type Config struct {
	Target string // host:port of the server
	Seed   uint64
	Rate   float64 // of requests that go wrong, 0 to 1
	Kinds  []Kind  // how they do; nil for all

	// Most is how often the same request may go wrong; after that it gets
	// through. Default 6.
	Most int

	// Stall is how long a request stalls if the client does not give up
	// before. Default 2 s.
	Stall time.Duration
}

// Proxy is a proxy at work. What happens to a request depends on the seed, on what
// it is about and on how often it has come, not on what else is under way.
type Proxy struct {
	listen net.Listener
	server *http.Server
	pass   *http.Transport

	mu     sync.Mutex
	calm   *sync.Cond // late is 0
	late   int        // requests that the server is still to see
	cfg    Config
	seen   map[string]int
	counts map[Kind]int
}

// Start starts a proxy on a free port of this machine.
func Start(cfg Config) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if cfg.Kinds == nil {
		cfg.Kinds = Kinds
	}
	if cfg.Most == 0 {
		cfg.Most = 6
	}
	if cfg.Stall == 0 {
		cfg.Stall = 2 * time.Second
	}
	p := &Proxy{
		listen: l, cfg: cfg, seen: map[string]int{}, counts: map[Kind]int{},
		pass: &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	}
	p.calm = sync.NewCond(&p.mu)
	p.server = &http.Server{Handler: p}
	go p.server.Serve(l)
	return p, nil
}

// URL is where the proxy is.
func (p *Proxy) URL() string { return "http://" + p.listen.Addr().String() }

// Retarget sends what comes from now on to another host:port.
func (p *Proxy) Retarget(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cfg.Target = target
}

// Settle waits until what is delivered late has been.
func (p *Proxy) Settle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.late > 0 {
		p.calm.Wait()
	}
}

func (p *Proxy) addLate(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.late += n; p.late == 0 {
		p.calm.Broadcast()
	}
}

// Close ends the proxy and its connections, once what is late has been delivered.
func (p *Proxy) Close() {
	p.server.Close()
	p.Settle()
}

// Counts says how many requests went which way.
func (p *Proxy) Counts() map[Kind]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.counts)
}

var ids = regexp.MustCompile(`/(\d+|[0-9A-F]{32})\b`)

// choose decides about a request.
func (p *Proxy) choose(r *http.Request) (Kind, *rand.Rand) {
	p.mu.Lock()
	defer p.mu.Unlock()
	// Ids are others in each run.
	what := fmt.Sprint(r.Method, ids.ReplaceAllString(r.URL.Path, "/#"), r.Header.Get("Content-Range"), r.Header.Get("Range"), r.URL.Query().Get("offset"))
	n := p.seen[what]
	p.seen[what]++
	h := fnv.New64a()
	fmt.Fprint(h, what, n)
	rnd := rand.New(rand.NewPCG(p.cfg.Seed, h.Sum64()))
	kind := Fine
	if n < p.cfg.Most && rnd.Float64() < p.cfg.Rate {
		kind = p.cfg.Kinds[rnd.IntN(len(p.cfg.Kinds))]
	}
	return kind, rnd
}

func (p *Proxy) count(k Kind) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts[k]++
}

// ServeHTTP handles a request as the seed wants.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, rnd := p.choose(r)
	p.count(kind)
	somewhere := rnd.Int64N(max(r.ContentLength, 0) + 1)
	switch kind {
	case Refused:
		refuse(w, rnd)
	case Reset:
		reset(w)
	case Cut:
		p.forward(r.Context(), r, io.MultiReader(io.LimitReader(r.Body, somewhere), brokenOff{}))
		reset(w)
	case Stalled:
		io.CopyN(io.Discard, r.Body, somewhere)
		p.stall(r)
		reset(w)
	case Late:
		if body, err := io.ReadAll(r.Body); err == nil {
			r, wait := r.Clone(context.WithoutCancel(r.Context())), time.Duration(rnd.IntN(200))*time.Millisecond
			p.addLate(1)
			go func() {
				defer p.addLate(-1)
				time.Sleep(wait)
				p.finish(r, body)
			}()
		}
		reset(w)
	case Lost, Replaced:
		body, err := io.ReadAll(r.Body)
		if err == nil {
			_, err = p.finish(r, body)
		}
		if err != nil || kind == Lost {
			reset(w)
			return
		}
		fail(w, []int{500, 502, 504}[rnd.IntN(3)])
	case Twice:
		p.twice(w, r, rnd)
	default:
		p.passOn(w, r, kind, rnd)
	}
}

// passOn has the server answer, with what is wrong on the way.
func (p *Proxy) passOn(w http.ResponseWriter, r *http.Request, kind Kind, rnd *rand.Rand) {
	var body io.Reader = r.Body
	contents := r.Header.Get("Content-Range") != "" || strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/")
	if kind == Flipped && contents && r.ContentLength > 0 {
		body = &flip{body, rnd.Int64N(r.ContentLength)}
	}
	if kind == Slow {
		body = slow{body}
	}
	resp, err := p.forward(r.Context(), r, body)
	if err != nil {
		p.count(Broken)
		reset(w)
		return
	}
	defer resp.Body.Close()
	maps.Copy(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
	var answer io.Reader = resp.Body
	somewhere := rnd.Int64N(max(resp.ContentLength, 0) + 1)
	switch kind {
	case Slow:
		answer = slow{answer}
	case Flipped:
		if resp.Header.Get("Content-Disposition") != "" && resp.ContentLength > 0 {
			answer = &flip{answer, rnd.Int64N(resp.ContentLength)}
		}
	case CutAnswer, StallAnswer:
		io.CopyN(w, answer, somewhere)
		http.NewResponseController(w).Flush()
		if kind == StallAnswer {
			p.stall(r)
		}
		reset(w)
		return
	}
	if _, err := io.Copy(w, answer); err != nil {
		reset(w)
	}
}

// twice delivers a request twice.
func (p *Proxy) twice(w http.ResponseWriter, r *http.Request, rnd *rand.Rand) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		reset(w)
		return
	}
	first := make(chan struct{})
	go func() {
		defer close(first)
		p.finish(r, body)
	}()
	if rnd.IntN(2) == 0 {
		<-first
	}
	defer func() { <-first }()
	resp, err := p.finish(r, body)
	if err != nil {
		reset(w)
		return
	}
	maps.Copy(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
	io.Copy(w, resp.Body)
}

// finish delivers a request, whatever has become of who sent it. The answer's body
// is in memory.
func (p *Proxy) finish(r *http.Request, body []byte) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 20*time.Second)
	defer cancel()
	resp, err := p.forward(ctx, r, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return resp, err
}

func (p *Proxy) forward(ctx context.Context, r *http.Request, body io.Reader) (*http.Response, error) {
	out := r.Clone(ctx)
	p.mu.Lock()
	out.URL.Scheme, out.URL.Host = "http", p.cfg.Target
	p.mu.Unlock()
	out.RequestURI = ""
	if out.Body = io.NopCloser(body); r.ContentLength == 0 {
		out.Body = http.NoBody
	}
	return p.pass.RoundTrip(out)
}

// stall waits until the client gives up.
func (p *Proxy) stall(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-time.After(p.cfg.Stall):
	}
}

// refuse answers in place of a server that is busy or out of order.
func refuse(w http.ResponseWriter, rnd *rand.Rand) {
	switch status := []int{500, 502, 503, 429, 429, 408}[rnd.IntN(6)]; status {
	case 429, 503:
		after := "0"
		switch rnd.IntN(20) {
		case 0:
			after = "1"
		case 1, 2, 3, 4, 5:
			after = time.Now().UTC().Format(http.TimeFormat)
		}
		w.Header().Set("Retry-After", after)
		fail(w, status)
	default:
		fail(w, status)
	}
}

// fail answers as servers do, or as the gateways in front of them.
func fail(w http.ResponseWriter, status int) {
	if status == 502 || status == 504 {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		io.WriteString(w, "<html><h1>Bad gateway</h1></html>")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"type":"error","status":%d,"code":"chaos","message":"by the proxy","request_id":"chaos"}`, status)
}

// reset ends a connection without a word.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// flip changes a bit at some byte.
type flip struct {
	io.Reader
	left int64
}

func (f *flip) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if f.left >= 0 && f.left < int64(n) {
		p[f.left] ^= 1
	}
	f.left -= int64(n)
	return n, err
}

type slow struct{ io.Reader }

func (s slow) Read(p []byte) (int, error) {
	time.Sleep(2 * time.Millisecond)
	return s.Reader.Read(p[:min(len(p), 16<<10)])
}
