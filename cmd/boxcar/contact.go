package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// contact tells a server that is away for a moment, which is waited for, from one
// that was never there: as long as nothing has been answered, a wrong name or a
// certificate ends the command at once, and a refused connection soon.
type contact struct {
	next     http.RoundTripper
	end      context.CancelCauseFunc
	patience time.Duration
	reached  atomic.Bool

	mu    sync.Mutex
	since time.Time // of the first failure
}

// noServer says that there is no server.
type noServer struct{ hinted }

func (n noServer) Unwrap() error { return n.hinted }

// patience is how long a server that has never answered may go on not answering.
const patience = 2 * time.Second

// firstContact watches a transport, whose requests may go on failing for so long. The
// context ends when there is no server.
func firstContact(ctx context.Context, next http.RoundTripper, retry time.Duration) (context.Context, *contact) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &contact{next: next, end: cancel, patience: min(patience, retry)}
}

func (c *contact) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(r)
	switch {
	case err == nil:
		c.reached.Store(true)
	case !c.reached.Load() && r.Context().Err() == nil:
		c.missed(r.URL.Scheme+"://"+r.URL.Host, err)
	}
	return resp, err
}

func (c *contact) missed(where string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.since.IsZero() {
		c.since = time.Now()
	}
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var dns *net.DNSError
	hint := ""
	switch {
	case errors.As(err, &cert):
		hint = "this machine does not trust its certificate: SSL_CERT_FILE names a file with the authority that signed it"
	case errors.As(err, &record):
		hint = "there is something else than TLS at this port; should the URL begin with http://?"
	case errors.As(err, &dns) && dns.IsNotFound:
		hint = "look at the URL for a typing error"
	case time.Since(c.since) >= c.patience:
		hint = "is it running? boxcar serve starts one; BOXCAR_URL, --url or --profile say where it is"
	default:
		return
	}
	c.end(noServer{hinted{fmt.Errorf("no answer from %s: %w", where, err), hint}})
}
