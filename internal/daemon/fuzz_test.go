package daemon

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http/httpguts"
)

// FuzzConfig: what passes leads to addresses and URLs that can be used, and does
// not open to others what is for this machine.
func FuzzConfig(f *testing.F) {
	f.Add("127.0.0.1:8080", "", "", "", "", "")
	f.Add(":8080", "127.0.0.1:81", "https://files.example.org/box", "[::1]:9090", "http://collector:4318/v1", "cert.pem")
	f.Add("localhost:0", "localhost.:0", "http://u:p@h", "", "https://h?x", "")
	f.Add("127.0.0.1.example.org:80", "", "http://h/a b", "::1:80", "http://\x7f", "x")
	f.Add("[::ffff:127.0.0.1]:80", "", "HTTPS://h/#", "", "", "")
	f.Add("[fe80::1%eth0]:80", "0:0", "http://h/%2e%2e", "", "", "c")
	f.Fuzz(func(t *testing.T, listen, plain, public, metrics, otlp, cert string) {
		c := Config{Data: "data", Listen: listen, PlainListen: plain, PublicURL: public, MetricsListen: metrics, OTLPEndpoint: otlp, TLSCert: cert, TLSKey: cert}
		if c.Check() != nil {
			return
		}
		c, _ = c.withDefaults()
		for _, addr := range []string{c.Listen, c.PlainListen, c.MetricsListen} {
			host, _, err := net.SplitHostPort(addr)
			if addr != "" && err != nil {
				t.Errorf("%q is listened on: %v", addr, err)
			}
			if ip, err := netip.ParseAddr(host); loopback(addr) && !strings.EqualFold(host, "localhost") && (err != nil || !ip.Unmap().IsLoopback()) {
				t.Errorf("%q is taken for this machine's", addr)
			}
		}
		secret := c
		secret.DeveloperToken = "token"
		clear := c.inClear()
		for _, addr := range []string{c.Listen, c.PlainListen} {
			if addr == "" || loopback(addr) {
				continue
			}
			if secret.Check() == nil {
				t.Errorf("a fixed token passes on %q", addr)
			}
			if public := strings.HasPrefix(strings.ToLower(c.PublicURL), "https:"); !public && (addr == c.PlainListen || !c.tls()) && !slices.Contains(clear, addr) {
				t.Errorf("%q is in clear, and nobody says so", addr)
			}
		}
		if c.PublicURL != "" {
			u, err := url.Parse(c.PublicURL + "/2.0/files/1")
			if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !strings.HasSuffix(u.Path, "/2.0/files/1") || !httpguts.ValidHeaderFieldValue(c.PublicURL) || strings.ContainsAny(c.PublicURL, " \"<>\\") {
				t.Errorf("URLs begin with %q: %v, %v", c.PublicURL, u, err)
			}
		}
	})
}

// FuzzCertificateNames: a CA that is made for a name makes certificates that clients
// take for that name, and for Box's.
func FuzzCertificateNames(f *testing.F) {
	for _, names := range [][2]string{
		{"files.example.org", "192.168.7.5"}, {"Files.Example.ORG.", "files.example.org"}, {"::1", "2001:db8::7"}, {"_x.a-b", "-"}, {"1.2.3.4.", "1"},
		{"*.example.org", "a..b"}, {"é.example", "xn--e1afmkfd"}, {"::ffff:192.0.2.7", "localhost"}, {strings.Repeat("a", 63) + ".b", "a%00"}, {"box.com", "x.box.com"},
	} {
		f.Add(names[0], names[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if CheckName(a) != nil || CheckName(b) != nil {
			return
		}
		dir, names, now := t.TempDir(), []string{a, b}, time.Now()
		ca, err := OpenCA(dir, names, now)
		if err != nil {
			t.Fatalf("%q: %v", names, err)
		}
		roots := x509.NewCertPool()
		roots.AddCert(ca.cert)
		for _, name := range append(slices.Clone(BoxHosts), names...) {
			name = strings.TrimSuffix(name, ".")
			if slices.Contains(boxDomains, strings.ToLower(name)) {
				continue // no host of Box's
			}
			if _, err := ca.shown.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err != nil {
				t.Errorf("made for %q: %v", names, err)
			}
		}
		again, err := OpenCA(dir, names, now)
		if err != nil || again.Made || !again.shown.Leaf.Equal(ca.shown.Leaf) {
			t.Errorf("made for %q, and then again: %v", names, err)
		}
	})
}

// FuzzCAFiles: whatever lies in the folder of a CA, it is refused, or the server
// shows a certificate of that CA.
func FuzzCAFiles(f *testing.F) {
	dir := f.TempDir()
	if _, err := OpenCA(dir, nil, time.Now()); err != nil {
		f.Fatal(err)
	}
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, caDir, name))
		if err != nil {
			f.Fatal(err)
		}
		return b
	}
	cert, key, leaf := read(caFile), read(caKey), read(leafFile)
	f.Add(cert, key, leaf)
	f.Add(cert, key, []byte{})
	f.Add(leaf, leaf, leaf)
	f.Add(append(slices.Clone(leaf), cert...), key, cert)
	f.Add(cert[:len(cert)/2], key, leaf)
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"), key, []byte("x"))
	f.Fuzz(func(t *testing.T, cert, key, leaf []byte) {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, caDir), 0o700); err != nil {
			t.Fatal(err)
		}
		for name, b := range map[string][]byte{caFile: cert, caKey: key, leafFile: leaf} {
			if err := os.WriteFile(filepath.Join(dir, caDir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		ca, err := openCA(dir, nil, time.Now(), false)
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) || len(err.Error()) > 1000 {
				t.Errorf("%q, %q: %v", cert, key, err)
			}
			return
		}
		if err := ca.shown.Leaf.CheckSignatureFrom(ca.cert); err != nil {
			t.Errorf("%q with %q shows what it did not sign: %v", cert, key, err)
		}
		if _, err := tls.X509KeyPair(leaf, leaf); err != nil { // then it was made anew
			if b, err := os.ReadFile(filepath.Join(dir, caDir, leafFile)); err != nil || bytes.Equal(b, leaf) {
				t.Errorf("%q is kept, and not shown", leaf)
			}
		}
	})
}

// FuzzFormats: a number of a layout is ours, or is refused in a line that can be shown.
func FuzzFormats(f *testing.F) {
	for _, s := range []string{"1\n", "1", "", "2", "01", "+1", " 1\r\n", "1\n2", "\x1b[2J", "१", strings.Repeat("9", 5000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		dir := t.TempDir()
		for _, name := range []string{formatFile, backupFile} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for name, err := range map[string]error{formatFile: checkFormat(dir, true), backupFile: checkBackup(dir)} {
			if (err == nil) != (strings.TrimSpace(text) == "1") {
				t.Errorf("%s with %q: %v", name, text, err)
			}
			if err != nil && (len(err.Error()) > 500 || strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' })) {
				t.Errorf("%s with %q is told as %q", name, text, err)
			}
			if now, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(now) != text {
				t.Errorf("%s was %q, and is %q (%v)", name, text, now, err)
			}
		}
	})
}

// FuzzSnapshots: what is said of a snapshot is read as it was written, or the backup
// is refused.
func FuzzSnapshots(f *testing.F) {
	good, err := json.Marshal(Snapshot{MadeAt: time.Unix(1e9, 0).UTC(), Boxcar: "1.0", Blobs: 3, Lost: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(good), "20310102T030405.000Z")
	f.Add("", "x")
	f.Add("null", "x.part")
	f.Add(`{"made_at":"x"}`, "x")
	f.Add(`{"Name":"../../x","blobs":1e3}`, "x")
	f.Add(`{"blobs":-1,"boxcar":"\u001b[2J"} {}`, "é")
	f.Fuzz(func(t *testing.T, text, name string) {
		dir := t.TempDir()
		at := filepath.Join(dir, snapshotsDir, name)
		if !filepath.IsLocal(name) || filepath.Dir(at) != filepath.Join(dir, snapshotsDir) || os.MkdirAll(at, 0o700) != nil {
			return
		}
		for name, text := range map[string]string{filepath.Join(dir, backupFile): backupLayout, filepath.Join(at, snapshotFile): text} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		all, err := Snapshots(dir)
		switch {
		case err != nil:
			if json.Valid([]byte(text)) && text == string(good) {
				t.Errorf("%q of %q: %v", text, name, err)
			}
			return
		case strings.HasSuffix(name, partial):
			if len(all) > 0 {
				t.Errorf("%q is a snapshot", name)
			}
			return
		case len(all) != 1 || all[0].Name != filepath.Base(at):
			t.Fatalf("%q of %q is %+v", text, name, all)
		}
		s, err := chosen(dir, "")
		if err != nil || s != all[0] {
			t.Errorf("the newest is %+v, %v", s, err)
		}
		if _, err := chosen(dir, "../"+snapshotsDir+"/"+name); err == nil && !strings.HasPrefix(name, "../") {
			t.Errorf("%q is found by a path", name)
		}
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatalf("%q is %+v: %v", text, s, err)
		}
		again := Snapshot{Name: s.Name}
		if err := json.Unmarshal(b, &again); err != nil || again.Blobs != s.Blobs || again.Lost != s.Lost || !again.MadeAt.Equal(s.MadeAt) {
			t.Errorf("%q is %+v, and again %+v, %v", text, s, again, err)
		}
	})
}

// FuzzCredentials: another token is put into the file, and nothing else of it changes.
func FuzzCredentials(f *testing.F) {
	for _, s := range []string{"", "export BOXCAR_TOKEN=old\nexport BOXCAR_LOGIN=x\n", "export BOXCAR_TOKEN=", "# x\r\nexport BOXCAR_TOKEN=a\r\n", "export BOXCAR_TOKEN=a\nexport BOXCAR_TOKEN=b", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, old string) {
		const key = "export BOXCAR_TOKEN="
		dir := t.TempDir()
		name := filepath.Join(dir, CredentialsFile)
		if err := os.WriteFile(name, []byte(old), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := replaceToken(dir, "new"); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		rest := func(text string) (lines, tokens []string) {
			for line := range strings.Lines(text) {
				line = strings.TrimSuffix(line, "\n")
				if token, ok := strings.CutPrefix(line, key); ok {
					tokens = append(tokens, token)
				} else {
					lines = append(lines, line)
				}
			}
			return lines, tokens
		}
		was, had := rest(old)
		is, has := rest(string(b))
		if !slices.Equal(was, is) || len(has) != max(len(had), 1) || slices.ContainsFunc(has, func(token string) bool { return token != "new" }) {
			t.Errorf("%q became %q", old, b)
		}
	})
}
