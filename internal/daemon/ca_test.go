package daemon

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// handshake is a client's who trusts one CA and asks for a name.
func handshake(t *testing.T, roots *x509.CertPool, cert *tls.Certificate, name string) error {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if conn, err := l.Accept(); err == nil {
			tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*cert}}).Handshake()
			conn.Close()
		}
	}()
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", l.Addr().String(), &tls.Config{RootCAs: roots, ServerName: name})
	if err == nil {
		conn.Close()
	}
	return err
}

func rootsOf(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	b, err := os.ReadFile(CAFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(b) {
		t.Fatalf("no certificate in %s", b)
	}
	return roots
}

func TestCASpeaksForItsNamesAndNoOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca, err := OpenCA(dir, []string{"Files.example.org", "192.168.7.5"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	roots := rootsOf(t, dir)
	for _, name := range slices.Concat(BoxHosts, []string{"localhost", "127.0.0.1", "::1", "files.example.org", "192.168.7.5"}) {
		if err := handshake(t, roots, ca.shown, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	// Whoever steals the key gets no further with it.
	for _, name := range []string{"example.com", "example.org", "notbox.com", "box.com.example.com", "192.168.7.6", "10.0.0.1", "2001:db8::1"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		hosts, ips := apart([]string{name})
		der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
			DNSNames: hosts, IPAddresses: ips,
		}, ca.cert, key.Public(), ca.key)
		if err != nil {
			t.Fatal(err)
		}
		err = handshake(t, roots, &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, name)
		var invalid x509.CertificateInvalidError
		if !errors.As(err, &invalid) || invalid.Reason != x509.CANotAuthorizedForThisName {
			t.Errorf("a certificate for %s: %v", name, err)
		}
	}
}

func TestCAStaysAsItIs(t *testing.T) {
	t.Parallel()
	dir, now := filepath.Join(t.TempDir(), "data"), time.Now()
	var cas [8]*CA // at once
	var all sync.WaitGroup
	for i := range cas {
		all.Go(func() {
			var err error
			if cas[i], err = OpenCA(dir, []string{"files.example.org"}, now); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	made := 0
	for _, ca := range cas {
		if ca.Made {
			made++
		}
		if !ca.cert.Equal(cas[0].cert) || !ca.shown.Leaf.Equal(cas[0].shown.Leaf) {
			t.Error("not all have the same")
		}
	}
	if made != 1 {
		t.Errorf("it was made %d times", made)
	}
	for name, mode := range map[string]fs.FileMode{".": 0o700, caKey: 0o600, leafFile: 0o600} {
		fi, err := os.Stat(filepath.Join(dir, caDir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := fi.Mode().Perm(); got != mode && os.PathSeparator == '/' {
			t.Errorf("%s has mode %o", name, got)
		}
	}

	if ca, err := OpenCA(dir, nil, now); err != nil || ca.Made || !slices.Contains(ca.Names, "files.example.org") {
		t.Errorf("again, without names: %+v, %v", ca, err)
	}
	if _, err := OpenCA(dir, []string{"files.example.org", "10.0.0.1"}, now); !errors.Is(err, ErrOtherNames) {
		t.Errorf("with another name: %v", err)
	}
	if _, err := OpenCA(dir, nil, now.Add(caLife+time.Hour)); err == nil {
		t.Error("it is used beyond its end")
	}
	if err := os.Remove(filepath.Join(dir, caDir, caKey)); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenCA(dir, nil, now); err == nil {
		t.Error("a CA whose key is lost is used, or replaced")
	}
}

func TestLeafIsMadeAnewInTime(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), time.Now()
	start := now
	cfg := Config{Data: dir, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}
	k, err := boxCertificate(cfg)
	if err != nil {
		t.Fatal(err)
	}
	first := k.get()
	if until := first.Leaf.NotAfter; until.After(now.Add(leafLife)) || until.Before(now.Add(leafLife-time.Minute)) {
		t.Errorf("the first is good until %s", until)
	}
	now = now.Add(leafLife - leafLeft - time.Hour)
	if k.get() != first {
		t.Error("made anew too early")
	}
	now = now.Add(2 * time.Hour)
	second := k.get()
	if second.Leaf.Equal(first.Leaf) || second.Leaf.NotAfter.Sub(now) < leafLife-time.Minute {
		t.Fatalf("with %s left it is still shown", first.Leaf.NotAfter.Sub(now))
	}
	// A restart has the same, and so has whoever else uses the directory.
	if ca, err := OpenCA(dir, nil, now); err != nil || !ca.shown.Leaf.Equal(second.Leaf) {
		t.Errorf("opened again: %v", err)
	}

	// Near the CA's own end there is no longer one to be had, and that is no
	// reason to make one at each handshake.
	now = start.Add(caLife - leafLeft/2)
	last := k.get()
	if !last.Leaf.NotAfter.Before(now.Add(leafLeft)) {
		t.Fatalf("it outlives its CA: %s", last.Leaf.NotAfter)
	}
	now = now.Add(time.Hour)
	if !k.get().Leaf.Equal(last.Leaf) {
		t.Error("made anew for nothing")
	}

	// A server does not put a CA in the place of one that was taken away.
	now = start.Add(caLife / 2)
	before := k.get()
	if err := os.RemoveAll(filepath.Join(dir, caDir)); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	if !k.get().Leaf.Equal(before.Leaf) {
		t.Error("what it showed is gone")
	}
	if _, err := os.Stat(CAFile(dir)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a CA that nobody asked for: %v", err)
	}
}

func TestOwnCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	now := time.Now()
	made := func() []byte { // a pair in one file
		dir := t.TempDir()
		if _, err := OpenCA(dir, nil, now); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, caDir, leafFile))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	file := filepath.Join(t.TempDir(), "pair.pem")
	write := func(b []byte) {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		os.Chtimes(file, now, now) // coarse clocks
	}
	write(made())
	cfg := Config{TLSCert: file, TLSKey: file, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}
	k, err := ownCertificate(cfg)
	if err != nil {
		t.Fatal(err)
	}
	first := k.get()
	now = now.Add(time.Second)
	write([]byte("half a fi"))
	if k.get() != first {
		t.Error("looked at too soon")
	}
	now = now.Add(lookEvery)
	if k.get() != first {
		t.Error("what is no certificate took the place of one")
	}
	now = now.Add(lookEvery)
	write(made())
	second := k.get()
	if second == first {
		t.Error("another was not taken")
	}
	now = now.Add(lookEvery)
	if k.get() != second {
		t.Error("read again for nothing")
	}
	os.Remove(file)
	now = now.Add(lookEvery)
	if k.get() != second {
		t.Error("lost with its file")
	}
}

func TestCheckName(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"box.example.org": true, "localhost": true, "a-b_c": true, "10.0.0.1": true, "::1": true, "Box.Example.": true,
		"": false, ".": false, "a..b": false, "*.example.org": false, "a b": false, "https://a": false, "a:443": false, "[::1]": false, "bü": false,
	} {
		if err := CheckName(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}
