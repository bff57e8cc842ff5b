// Package httpapi is the Box content API over HTTP: routes, decoding and
// encoding, the one table from errors to replies, and the limits on what a
// connection may cost.
package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"boxcar/internal/auth"
	"boxcar/internal/content"
	"boxcar/internal/preview"
	"boxcar/internal/tree"
	"boxcar/internal/upload"
)

// Config is what a Server needs.
type Config struct {
	Upload  *upload.Service
	Tree    *tree.Service
	Auth    *auth.Service
	Preview *preview.Service
	Now     func() time.Time
	Random  func(b []byte)
	Log     *slog.Logger
	// Ready says whether uploads can be taken now; nil is yes.
	Ready func(*http.Request) error
	// Watch, if not nil, is told that a request begins, which goes on with the
	// context it returns, and what became of it, once.
	Watch func(*http.Request) (context.Context, func(Outcome))

	// PublicURL is where clients reach the server, without a slash at its end;
	// empty means that each request tells.
	PublicURL string
	// BoxHosts makes the server answer as Box where a request comes to one of
	// the names in BoxHosts: URLs in replies have Box's hosts.
	BoxHosts bool
	// StrictTransport tells browsers that come over TLS to come that way only.
	StrictTransport bool
	// TrustedProxies are whose X-Forwarded-Proto and X-Forwarded-Host count.
	TrustedProxies []netip.Prefix
	// AllowOrigins are the origins whose pages may use the API; "*" is any.
	AllowOrigins []string

	Limits Limits
}

// Limits bound what a request may cost. A zero field gets its default.
type Limits struct {
	JSONBody    int64         // bytes; default 1 MiB
	PartsBody   int64         // of a commit or plan, bytes; default 8 MiB
	LogBody     int64         // of a log event, bytes; default 64 KiB
	BodyIdle    time.Duration // between two reads of a body; default 60 s
	BodyRate    int64         // bytes a second, on average, after BodyIdle; default 1 KiB
	OpenBody    time.Duration // for all of a body that needs no token; default 15 s
	Drain       time.Duration // for the rest of a body after an early answer; default 2 s
	SlowRead    time.Duration // that a client lets a download wait before it is a slow one; default 250 ms
	ContentLife time.Duration // of a content URL; default 15 min
	EventWait   time.Duration // that a request waits for an event; default 610 s

	UserRequests int     // of one user at once; default 256
	UserRate     float64 // requests of one user, a second; 0: any
	Memory       int64   // for bodies that are kept in memory, bytes; default 128 MiB
	UserMemory   int64   // of one user, of that; default 32 MiB
}

func (l Limits) withDefaults() Limits {
	orDefault(&l.JSONBody, 1<<20)
	orDefault(&l.PartsBody, 8<<20)
	orDefault(&l.LogBody, 64<<10)
	orDefault(&l.BodyIdle, time.Minute)
	orDefault(&l.BodyRate, 1<<10)
	orDefault(&l.OpenBody, 15*time.Second)
	orDefault(&l.Drain, 2*time.Second)
	orDefault(&l.SlowRead, 250*time.Millisecond)
	orDefault(&l.ContentLife, 15*time.Minute)
	orDefault(&l.EventWait, retryTimeout*time.Second)
	orDefault(&l.UserRequests, 256)
	orDefault(&l.Memory, 128<<20)
	orDefault(&l.UserMemory, 32<<20)
	return l
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Server answers requests. It may be used concurrently.
type Server struct {
	Config
	routes []route
	shares shares
}

// New makes a Server.
func New(cfg Config) *Server {
	cfg.Limits = cfg.Limits.withDefaults()
	cfg.PublicURL = strings.TrimSuffix(cfg.PublicURL, "/")
	s := &Server{Config: cfg}
	s.routes = s.table()
	s.shares = shares{requests: cfg.Limits.UserRequests, rate: cfg.Limits.UserRate, memory: cfg.Limits.Memory, own: cfg.Limits.UserMemory}
	return s
}

// Outcome is what became of a request.
type Outcome struct {
	Route    string // its pattern; "none" if nothing is there
	Status   int
	Cut      bool   // the reply did not get to its end
	Code     string // of the error in the reply; "" for none
	ID       string // which the reply has
	User     content.ID
	In, Out  int64 // bytes of bodies
	Duration time.Duration
}

// call is one request on its way through a handler.
type call struct {
	*http.Request
	w      *writer
	who    content.Principal
	link   *content.LinkGrant // that a BoxApi header named
	params map[string]string  // by the names in the route
	body   *body
	shares *shares
	kept   int64      // memory for the body, beyond smallBody
	keeper content.ID // whose share that is
	leave  func()     // when the request is over; nil: nobody
	// conflictsInArray: clients that create a folder want the item in the way
	// in an array, all others as an object.
	conflictsInArray bool
	// broken is what went wrong while a reply was made: it is answered instead.
	broken  error
	watched func(Outcome) // nil: nobody watches
	log     []slog.Attr   // what the handler wants in the request's line
}

// note adds to the request's line in the log.
func (c *call) note(attrs ...slog.Attr) { c.log = append(c.log, attrs...) }

// param is a part of the path.
func (c *call) param(name string) string { return c.params[name] }

// query is a parameter of the query; one that is empty is as absent.
func (c *call) query(name string) string { return c.URL.Query().Get(name) }
