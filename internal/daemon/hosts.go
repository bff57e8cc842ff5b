package daemon

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// lookEvery is how often, at most, handshakes look at the files of a certificate.
const lookEvery = 2 * time.Second

// certificates are what the server shows in handshakes.
type certificates struct {
	own *kept // of --tls-cert; nil: none
	box *kept // of --box-hosts; nil: none
}

// config is for a listener.
func (c *certificates) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.pick}
}

// until is when the first of them is over.
func (c *certificates) until() time.Time {
	var first time.Time
	for _, k := range []*kept{c.own, c.box} {
		if k == nil {
			continue
		}
		if at := k.get().Leaf.NotAfter; first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}

// pick is the certificate for a handshake. If there are two, the one from
// --box-hosts is for the names that it has, and the other for all the rest.
func (c *certificates) pick(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c.own == nil {
		return c.box.get(), nil
	}
	if c.box != nil && hello.ServerName != "" {
		if cert := c.box.get(); cert.Leaf.VerifyHostname(hello.ServerName) == nil {
			return cert, nil
		}
	}
	return c.own.get(), nil
}

// kept is a certificate that follows its files, and stays as it is while they
// are no good.
type kept struct {
	what  string // for the log
	files []string
	load  func() (*tls.Certificate, error)
	due   func(*x509.Certificate) bool // asks for another load, whatever the files are
	now   func() time.Time
	log   *slog.Logger

	mu     sync.Mutex
	cert   *tls.Certificate
	looked time.Time
	seen   []stamp // of the files before they were read
}

// stamp is how a file that has changed is told.
type stamp struct {
	at   time.Time
	size int64
}

// start loads it for the first time.
func (k *kept) start() (*kept, error) {
	k.looked, k.seen = k.now(), k.stamps()
	var err error
	k.cert, err = k.load()
	return k, err
}

// get is the certificate as it is now. Of files that are being replaced, one
// may be there and the other not: they are looked at again.
func (k *kept) get() *tls.Certificate {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if now.Sub(k.looked).Abs() < lookEvery {
		return k.cert
	}
	k.looked = now
	seen := k.stamps()
	if slices.Equal(seen, k.seen) && !k.due(k.cert.Leaf) {
		return k.cert
	}
	cert, err := k.load()
	if err != nil {
		k.log.Warn(k.what+" can't be loaded again; the one from before stays", "error", err, "until", k.cert.Leaf.NotAfter)
		return k.cert
	}
	k.seen = seen
	if cert.Leaf.Equal(k.cert.Leaf) {
		return k.cert
	}
	k.cert = cert
	k.log.Info(k.what+" is another from now on", "until", cert.Leaf.NotAfter)
	return cert
}

func (k *kept) stamps() []stamp {
	s := make([]stamp, len(k.files))
	for i, name := range k.files {
		if fi, err := os.Stat(name); err == nil {
			s[i] = stamp{fi.ModTime(), fi.Size()}
		}
	}
	return s
}

// ownCertificate is that of two files, which somebody else may replace.
func ownCertificate(cfg Config) (*kept, error) {
	return (&kept{
		what: "the certificate in " + cfg.TLSCert, files: []string{cfg.TLSCert, cfg.TLSKey}, now: cfg.Now, log: cfg.Log,
		due: func(*x509.Certificate) bool { return false },
		load: func() (*tls.Certificate, error) {
			cert, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
			if err != nil {
				return nil, fmt.Errorf("TLS: %w", err)
			}
			return &cert, nil
		},
	}).start()
}

// boxCertificate is that for Box's names, from a CA that is made if need be,
// but not while the server runs.
func boxCertificate(cfg Config) (*kept, error) {
	if _, err := OpenCA(cfg.Data, nil, cfg.Now()); err != nil {
		return nil, err
	}
	return (&kept{
		what: "the certificate for Box's hosts", files: []string{filepath.Join(cfg.Data, caDir, leafFile)}, now: cfg.Now, log: cfg.Log,
		due: func(leaf *x509.Certificate) bool { return leaf.NotAfter.Sub(cfg.Now()) < leafLeft },
		load: func() (*tls.Certificate, error) {
			ca, err := openCA(cfg.Data, nil, cfg.Now(), false)
			if err != nil {
				return nil, err
			}
			return ca.shown, nil
		},
	}).start()
}
