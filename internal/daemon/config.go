// Package daemon builds a boxcar server from a Config and runs it. It is the
// only place that names a backend.
package daemon

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"boxcar/internal/blob/inline"
	"boxcar/internal/content"
	"boxcar/internal/httpapi"
	"boxcar/internal/preview"
	"boxcar/internal/upload"
	"boxcar/internal/vfs"
)

// Config says what server to run. The zero value of a field that is not
// documented otherwise is a sensible default.
type Config struct {
	Data   string // the data directory; made if it is not there. Must be set.
	Listen string // host:port; default 127.0.0.1:8080
	// PlainListen is another host:port, without TLS, where Listen is with TLS.
	PlainListen string

	PublicURL       string // where clients reach the server; default: as each request says
	TLSCert, TLSKey string // PEM files; both or none
	// BoxHosts makes the server answer over TLS as Box's own hosts, with a
	// certificate from the CA of the data directory, and on other names too.
	BoxHosts       bool
	TrustedProxies []netip.Prefix
	AllowOrigins   []string

	// MetricsListen is a host:port of its own for metrics and profiles, which
	// ask for no token; empty: none are kept.
	MetricsListen string
	// OTLPEndpoint is the URL of a collector of traces; see tracing.Config. With
	// OTLPFromEnvironment the OTEL_* variables say where it is. Neither: no traces.
	OTLPEndpoint        string
	OTLPFromEnvironment bool
	Version             string // of the program, for metrics and traces

	// DeveloperToken, if set, acts as the administrator. It is refused on
	// addresses beyond loopback without AllowRemoteDeveloperToken.
	DeveloperToken            string
	AllowRemoteDeveloperToken bool

	PartSize       int64  // bytes; 0: by file size, as Box does
	MinChunkedSize *int64 // bytes; nil: Box's 20,000,000
	RowBlobs       *int64 // bytes of the largest blob that is kept in the database; nil: 16 KiB, which is the most; -1: none
	MaxFileSize    int64  // bytes; default 500 GB, the largest of Box's plans
	Quota          *int64 // of the administrator from now on, bytes; 0: none; nil: as it was

	// MaxConnections are those open at once; default 8192, or three quarters of
	// the files that may be open if that is less. AddressConnections are those from
	// one address, but for trusted proxies and this machine; default 1024.
	MaxConnections, AddressConnections int

	HeaderWait time.Duration // for the head of a request; default 10 s
	IdleWait   time.Duration // for the next request of a connection; default 5 min
	StopWait   time.Duration // for requests under way at a stop; default 30 s
	SweepEvery time.Duration // default 1 h
	ScrubRate  int64         // bytes a second that are read to look for damage; 0: none

	Uploads  upload.Limits // PartSize and MinChunkedSize above count
	Previews preview.Limits
	HTTP     httpapi.Limits

	Log *slog.Logger // default: none

	// For tests: the clock, ids, chance, and the disk that blobs are on.
	Now    func() time.Time
	NewID  func() content.ID
	Random func(b []byte)
	FS     vfs.FS
}

// DefaultMaxFileSize is 500 GB, in bytes.
const DefaultMaxFileSize = 500_000_000_000

// MinChunkedSize is the smallest file for an upload session where a Config says
// nothing else, in bytes.
const MinChunkedSize = upload.MinChunkedSize

// withDefaults fills in what is left out, and refuses what can't be.
func (c Config) withDefaults() (Config, error) {
	if c.Data == "" {
		return c, errors.New("no data directory is given")
	}
	if c.Listen == "" {
		c.Listen = "127.0.0.1:8080"
	}
	if c.RowBlobs == nil {
		most := int64(inline.Most)
		c.RowBlobs = &most
	}
	if c.MaxFileSize == 0 {
		c.MaxFileSize = DefaultMaxFileSize
	}
	if c.MaxConnections == 0 {
		c.MaxConnections = defaultConnections
		if files := openFiles(); files > 0 && files/4*3 < defaultConnections {
			c.MaxConnections = max(1, int(files/4*3))
		}
	}
	if c.AddressConnections == 0 {
		c.AddressConnections = defaultAddressConnections
	}
	if c.HeaderWait == 0 {
		c.HeaderWait = headerWait
	}
	if c.IdleWait == 0 {
		c.IdleWait = idleWait
	}
	if c.StopWait == 0 {
		c.StopWait = 30 * time.Second
	}
	if c.SweepEvery == 0 {
		c.SweepEvery = time.Hour
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = func(b []byte) { rand.Read(b) }
	}
	if c.NewID == nil {
		c.NewID = NewIDs(c.Now, c.Random)
	}
	if c.FS == nil {
		c.FS = vfs.Dir(c.Data)
	}
	c.Uploads.PartSize, c.Uploads.MinChunkedSize = c.PartSize, c.MinChunkedSize
	return c, c.check()
}

// Check says what is wrong with a Config, without a look at the machine.
func (c Config) Check() error {
	_, err := c.withDefaults()
	return err
}

func (c Config) check() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("address to listen on %q: it must be host:port", c.Listen)
	}
	if c.PartSize < 0 || c.PartSize > content.MaxPartSize || c.PartSize%64 != 0 {
		return fmt.Errorf("part size %d: it must be a multiple of 64 bytes, up to %d", c.PartSize, content.MaxPartSize)
	}
	if c.MinChunkedSize != nil && *c.MinChunkedSize < 0 {
		return fmt.Errorf("minimum chunked size %d is negative", *c.MinChunkedSize)
	}
	if c.MaxFileSize < 1 || c.MaxFileSize > content.MaxFileSize {
		return fmt.Errorf("maximum file size %d: it must be 1 to %d bytes", c.MaxFileSize, int64(content.MaxFileSize))
	}
	if c.Quota != nil && *c.Quota < 0 {
		return fmt.Errorf("quota %d is negative", *c.Quota)
	}
	if c.MaxConnections < 1 || c.AddressConnections < 1 {
		return fmt.Errorf("%d connections, and %d from one address: at least one has to be let in", c.MaxConnections, c.AddressConnections)
	}
	if r := c.HTTP.UserRate; r != 0 && !(r >= 0.001 && r <= 1e6) {
		return fmt.Errorf("rate limit %g: it must be 0.001 to 1000000 requests a second, or 0 for none", r)
	}
	if c.ScrubRate < 0 {
		return fmt.Errorf("scrub rate %d is negative", c.ScrubRate)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("TLS needs both a certificate and a key")
	}
	if c.PlainListen != "" {
		if _, _, err := net.SplitHostPort(c.PlainListen); err != nil {
			return fmt.Errorf("address to listen on without TLS %q: it must be host:port", c.PlainListen)
		}
		if !c.tls() {
			return errors.New("an address to listen on without TLS is for beside TLS, and there is none")
		}
	}
	if c.MetricsListen != "" {
		if _, _, err := net.SplitHostPort(c.MetricsListen); err != nil {
			return fmt.Errorf("address to listen on for metrics %q: it must be host:port", c.MetricsListen)
		}
	}
	if c.OTLPEndpoint != "" {
		if u, err := url.Parse(c.OTLPEndpoint); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return fmt.Errorf("OTLP endpoint %q: it must be http:// or https:// with a host", c.OTLPEndpoint)
		}
	}
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		if err != nil || !strings.HasPrefix(c.PublicURL, "http://") && !strings.HasPrefix(c.PublicURL, "https://") || u.Host == "" || u.User != nil || strings.ContainsAny(c.PublicURL, "?# \"<>\\") {
			return fmt.Errorf("public URL %q: it must be http:// or https:// with a host, and no user or query", c.PublicURL)
		}
	}
	for _, addr := range []string{c.Listen, c.PlainListen} {
		if addr != "" && c.DeveloperToken != "" && !c.AllowRemoteDeveloperToken && !loopback(addr) {
			return fmt.Errorf("a fixed developer token makes anyone who knows it the administrator, and %s can be reached from other machines: leave it out, or say --allow-remote-developer-token", addr)
		}
	}
	return nil
}

// tls says whether Listen is with TLS.
func (c Config) tls() bool { return c.TLSCert != "" || c.BoxHosts }

// inClear are the addresses at which other machines can send tokens in clear:
// those beyond this machine, without TLS, unless a proxy is said to stand before them.
func (c Config) inClear() (all []string) {
	if len(c.TrustedProxies) > 0 || strings.HasPrefix(c.PublicURL, "https:") {
		return nil
	}
	if !c.tls() && !loopback(c.Listen) {
		all = append(all, c.Listen)
	}
	if c.PlainListen != "" && !loopback(c.PlainListen) {
		all = append(all, c.PlainListen)
	}
	return all
}

// strictTransport says whether browsers may be told to use TLS only: it must be
// the operator's own, and nothing may be meant to be reached without.
func (c Config) strictTransport() bool {
	return c.TLSCert != "" && c.PlainListen == "" && !c.BoxHosts
}

// loopback says whether an address to listen on can be reached from this
// machine only. A name counts only if it is localhost: others may change.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// NewIDs makes ids that grow with time: 41 bits of milliseconds since 2020, and
// 22 that count within one, from a random number below 2^21 on. So a clock that
// was put back before a restart does not bring old ids again.
func NewIDs(now func() time.Time, random func(b []byte)) func() content.ID {
	const countBits = 22
	epoch := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	var last int64
	return func() content.ID {
		mu.Lock()
		defer mu.Unlock()
		next := max(now().Sub(epoch).Milliseconds(), 1) << countBits
		last++ // also when the clock stands still or goes back
		if next >= last {
			var b [4]byte
			random(b[:])
			last = next | int64(binary.BigEndian.Uint32(b[:])>>(32-countBits+1))
		}
		return content.ID(last)
	}
}
