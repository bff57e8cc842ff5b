package daemon

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"boxcar/internal/httpapi"
	"boxcar/internal/vfs"
)

// In the folder ca of a data directory:
//
//	ca.pem       the certificate to trust
//	ca-key.pem   its key
//	leaf.pem     what the server shows: a certificate and its key
//	lock         held while any of them is made
const (
	caDir    = "ca"
	caFile   = "ca.pem"
	caKey    = "ca-key.pem"
	leafFile = "leaf.pem"

	caLife = 10 * 365 * 24 * time.Hour
	// Apple's systems take no leaf of more than 825 days, whoever signed it.
	leafLife = 90 * 24 * time.Hour
	// A leaf that has less left is made anew.
	leafLeft = 30 * 24 * time.Hour
	// Clocks differ.
	backdate = time.Hour
)

// CA is a certificate authority of one data directory, which can speak for
// Box's hosts, this machine and the names that it was made for, and for nobody
// else: that is written into its certificate, and clients hold it to that.
type CA struct {
	File  string // the certificate, PEM
	Until time.Time
	Names []string // of the leaf: hosts first, then addresses
	Made  bool     // just now

	dir   string
	cert  *x509.Certificate
	key   crypto.Signer
	shown *tls.Certificate // the leaf
}

// BoxHosts are Box's own host names.
var BoxHosts = httpapi.BoxHosts

// CAFile is where the certificate of a data directory's CA is.
func CAFile(dir string) string { return filepath.Join(dir, caDir, caFile) }

// What every CA may speak for.
var (
	boxDomains = []string{"box.com", "boxcloud.com"}
	localNames = []string{"localhost"}
	localIPs   = []net.IP{net.IPv4(127, 0, 0, 1).To4(), net.IPv6loopback}
	localNets  = []*net.IPNet{
		{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)},
		{IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
	}
)

// ErrOtherNames says that a CA was made for other names than those asked for.
var ErrOtherNames = errors.New("was not made for")

// OpenCA reads the CA of a data directory, or makes it if there is none, and
// sees that its leaf is good for a while. names are host names and addresses
// that it is to be made for, besides Box's and this machine's; of one that is
// there it is an error, ErrOtherNames, if it was made without.
func OpenCA(dir string, names []string, now time.Time) (*CA, error) {
	return openCA(dir, names, now, true)
}

func openCA(dir string, names []string, now time.Time, make bool) (_ *CA, err error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(abs, formatFile)); err == nil {
		if err := checkFormat(abs, false); err != nil {
			return nil, err
		}
	}
	ca := &CA{dir: filepath.Join(abs, caDir)}
	ca.File = CAFile(abs)
	if err := os.MkdirAll(ca.dir, 0o700); err != nil {
		return nil, err
	}
	release, err := ca.lock()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()

	if err = ca.read(); errors.Is(err, fs.ErrNotExist) && make {
		err = ca.create(names, now)
	}
	if err != nil {
		return nil, err
	}
	if now.After(ca.cert.NotAfter) {
		return nil, fmt.Errorf("the CA in %s came to its end on %s: remove that folder, and have the next one trusted", ca.dir, ca.cert.NotAfter.Format(time.DateOnly))
	}
	if err := ca.covers(names); err != nil {
		return nil, err
	}
	ca.Until, ca.Names = ca.cert.NotAfter, ca.leafNames()
	ca.shown, err = ca.leaf(now)
	return ca, err
}

// lock keeps others out who would make the same at the same time.
func (ca *CA) lock() (release func() error, err error) {
	l := flock.New(filepath.Join(ca.dir, lockFile), flock.SetPermissions(0o600))
	return l.Unlock, l.Lock()
}

// read reads the CA. An error that is fs.ErrNotExist means that there is none.
func (ca *CA) read() error {
	certPEM, err := os.ReadFile(ca.File)
	if err != nil {
		return err
	}
	keyPEM, err := os.ReadFile(filepath.Join(ca.dir, caKey))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s has a certificate and no key: remove that folder, and have the next one trusted", ca.dir)
	}
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return fmt.Errorf("CA in %s: %w", ca.dir, err)
	}
	signer, ok := pair.PrivateKey.(crypto.Signer)
	if !ok || !pair.Leaf.IsCA {
		return fmt.Errorf("%s holds no CA", ca.File)
	}
	ca.cert, ca.key = pair.Leaf, signer
	return nil
}

// create makes the CA. The key comes first: a certificate is there only whole.
func (ca *CA) create(names []string, now time.Time) error {
	hosts, ips := apart(names)
	nets := slices.Clone(localNets)
	for _, ip := range ips {
		nets = append(nets, &net.IPNet{IP: ip, Mask: net.CIDRMask(8*len(ip), 8*len(ip))})
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		// The date tells two of them apart where they are trusted.
		Subject:   pkix.Name{Organization: []string{"boxcar"}, CommonName: "boxcar local CA " + now.UTC().Format(time.DateTime)},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(caLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, // signs leaves only
		KeyUsage:                    x509.KeyUsageCertSign,
		ExtKeyUsage:                 []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         slices.Concat(boxDomains, localNames, hosts),
		PermittedIPRanges:           nets,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	if ca.cert, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	ca.key, ca.Made = key, true
	keyPEM, err := encodeKey(key)
	if err != nil {
		return err
	}
	if err := replace(vfs.Dir(ca.dir), caKey, keyPEM); err != nil {
		return err
	}
	if err := replace(vfs.Dir(ca.dir), caFile, encodeCert(der)); err != nil {
		return err
	}
	return vfs.Dir(filepath.Dir(ca.dir)).SyncDir(".")
}

// leafNames are Box's hosts, then what the CA may speak for besides.
func (ca *CA) leafNames() []string {
	hosts := slices.Concat(BoxHosts, localNames)
	for _, d := range ca.cert.PermittedDNSDomains {
		if !slices.Contains(boxDomains, d) && !slices.Contains(hosts, d) {
			hosts = append(hosts, d)
		}
	}
	ips := slices.Clone(localIPs)
	for _, n := range ca.cert.PermittedIPRanges {
		if ones, bits := n.Mask.Size(); ones == bits && !slices.ContainsFunc(ips, n.IP.Equal) {
			ips = append(ips, n.IP)
		}
	}
	for _, ip := range ips {
		hosts = append(hosts, ip.String())
	}
	return hosts
}

// covers says whether the CA may speak for names. It can't be changed once it
// is trusted.
func (ca *CA) covers(names []string) error {
	have := ca.leafNames()
	hosts, ips := apart(names)
	for _, ip := range ips {
		hosts = append(hosts, ip.String())
	}
	for _, name := range hosts {
		if !slices.Contains(have, name) && !slices.Contains(boxDomains, name) {
			return fmt.Errorf("the CA in %s %w %s", ca.dir, ErrOtherNames, name)
		}
	}
	return nil
}

// leaf is the server's certificate, made anew if it is near its end, is not
// for the CA's names, or not the CA's. The lock must be held.
func (ca *CA) leaf(now time.Time) (*tls.Certificate, error) {
	b, err := os.ReadFile(filepath.Join(ca.dir, leafFile))
	if err == nil {
		if pair, err := tls.X509KeyPair(b, b); err == nil && ca.good(pair.Leaf, now) {
			return &pair, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	hosts, ips := apart(ca.leafNames())
	until := now.Add(leafLife)
	if until.After(ca.cert.NotAfter) {
		until = ca.cert.NotAfter
	}
	template := &x509.Certificate{
		Subject:   pkix.Name{Organization: []string{"boxcar"}, CommonName: BoxHosts[0]},
		NotBefore: now.Add(-backdate), NotAfter: until,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:              hosts, IPAddresses: ips,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
	if err != nil {
		return nil, err
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	b = append(encodeCert(der), keyPEM...)
	pair, err := tls.X509KeyPair(b, b)
	if err != nil {
		return nil, err
	}
	return &pair, replace(vfs.Dir(ca.dir), leafFile, b)
}

// good says whether a leaf can be shown for some time yet.
func (ca *CA) good(leaf *x509.Certificate, now time.Time) bool {
	var names []string
	names = append(names, leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	near := leaf.NotAfter.Sub(now) < leafLeft && leaf.NotAfter.Before(ca.cert.NotAfter)
	return !near && now.After(leaf.NotBefore) && leaf.CheckSignatureFrom(ca.cert) == nil && slices.Equal(names, ca.leafNames())
}

// apart divides names into host names, in lower case, and addresses.
func apart(names []string) (hosts []string, ips []net.IP) {
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			if v4 := ip.To4(); v4 != nil {
				ip = v4
			}
			ips = append(ips, ip)
		} else {
			hosts = append(hosts, strings.ToLower(strings.TrimSuffix(name, ".")))
		}
	}
	return hosts, ips
}

// CheckName says what is wrong with a host name or address for a certificate.
func CheckName(name string) error {
	if net.ParseIP(name) != nil {
		return nil
	}
	host := strings.TrimSuffix(name, ".")
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || strings.Trim(strings.ToLower(label), "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return fmt.Errorf("%q is neither a host name nor an address", name)
		}
	}
	// Who reads 1.2.3.4. takes it for an address, or not.
	if top := host[strings.LastIndex(host, ".")+1:]; strings.Trim(top, "0123456789") == "" {
		return fmt.Errorf("%q ends with a number, and is no address", name)
	}
	return nil
}

func encodeCert(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
}
