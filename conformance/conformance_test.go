//go:build conformance

// Package conformance runs other people's clients, unmodified, against the
// boxcar binary. Each suite has a folder with its own program; what is here
// starts servers, installs what the suites pin, and reads their verdict.
package conformance

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	mrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

var boxcar string // the binary

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "boxcar-conformance")
	if err != nil {
		panic(err)
	}
	boxcar = filepath.Join(dir, "boxcar")
	build := exec.Command("go", "build", "-o", boxcar, "boxcar/cmd/boxcar")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build boxcar: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// server is a boxcar process.
type server struct {
	t     *testing.T
	data  string
	addr  string
	flags []string
	log   *os.File
	cmd   *exec.Cmd
	URL   string
}

func serve(t *testing.T, flags ...string) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") // a port that stays the same over restarts
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	dir := t.TempDir()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, data: filepath.Join(dir, "data"), addr: l.Addr().String(), flags: flags, log: log}
	s.start()
	t.Cleanup(func() {
		s.cmd.Process.Signal(os.Interrupt)
		s.cmd.Wait()
		if out, err := exec.Command(boxcar, "doctor", "--data", s.data).CombinedOutput(); err != nil {
			t.Errorf("doctor: %v\n%s", err, out)
		}
		if t.Failed() {
			b, _ := os.ReadFile(log.Name())
			t.Logf("the end of the server's log:\n%s", b[max(0, len(b)-8000):])
		}
		log.Close()
	})
	return s
}

func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command(boxcar, append([]string{"serve", "--data", s.data, "--listen", s.addr}, s.flags...)...)
	s.cmd.Stderr = s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		b, _ := os.ReadFile(s.log.Name())
		s.t.Fatalf("the server did not start:\n%s", b)
	}
	s.URL = regexp.MustCompile(`https?://[^ ]+`).FindString(lines.Text())
	go io.Copy(io.Discard, out)
}

// kill ends the process as a power cut would end it, but for the disk's cache.
func (s *server) kill() {
	s.t.Helper()
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// token is the one that the first start left in its file.
func (s *server) token() string {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.data, "credentials"))
	if err != nil {
		s.t.Fatal(err)
	}
	m := regexp.MustCompile(`BOXCAR_TOKEN=(\S+)`).FindSubmatch(b)
	if m == nil {
		s.t.Fatalf("no token in %q", b)
	}
	return string(m[1])
}

// env is what suites are told.
func (s *server) env(more ...string) []string {
	work := s.t.TempDir()
	return append(append(os.Environ(), "BOXCAR_URL="+s.URL, "BOXCAR_TOKEN="+s.token(), "BOXCAR_WORK="+work), more...)
}

// need fails a test that lacks a program: a suite that did not run has not passed.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Fatalf("%s is not installed, so this suite did not run: .ci/tools installs it", p)
		}
	}
}

// command runs a program in a suite's folder, to its end.
func command(t *testing.T, limit time.Duration, dir string, env []string, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Env = dir, env
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

var verdict = regexp.MustCompile(`(?m)^(\d+) passed, (\d+) failed$`)

// suite runs a suite's program and wants its closing line.
func suite(t *testing.T, dir string, env []string, name string, args ...string) {
	t.Helper()
	out := command(t, 10*time.Minute, dir, env, name, args...)
	m := verdict.FindStringSubmatch(out)
	if m == nil || m[1] == "0" || m[2] != "0" {
		t.Fatalf("the suite did not pass:\n%s", out)
	}
	t.Logf("%s", out)
}

// npm installs what a Node suite pins.
func npm(t *testing.T, dir string) {
	t.Helper()
	need(t, "node", "npm")
	command(t, 5*time.Minute, dir, os.Environ(), "npm", "ci", "--no-audit", "--no-fund")
}

func TestNode10(t *testing.T) {
	npm(t, "node10")
	t.Run("chunked", func(t *testing.T) { suite(t, "node10", serve(t).env(), "node", "run.mjs") })
	inAreas(t, "node10", ".mjs", nil, "node")
}

func TestNode3(t *testing.T) {
	npm(t, "node3")
	suite(t, "node3", serve(t).env(), "node", "run.mjs")
}

func TestPython10(t *testing.T) {
	python, path := venv(t, "python10")
	t.Run("chunked", func(t *testing.T) { suite(t, "python10", serve(t).env(path), python, "-B", "run.py") })
	inAreas(t, "python10", ".py", []string{path}, python, "-B")
}

func TestPython3(t *testing.T) {
	python, path := venv(t, "python3")
	suite(t, "python3", serve(t).env(path), python, "-B", "run.py")
}

// venv installs what a Python suite pins. It returns the interpreter to run it
// with, and the variable that lets it find what both Python suites are made of.
func venv(t *testing.T, dir string) (python, path string) {
	t.Helper()
	need(t, "python3")
	bin := filepath.Join(t.TempDir(), "venv", "bin")
	command(t, 5*time.Minute, dir, os.Environ(), "python3", "-m", "venv", filepath.Dir(bin))
	command(t, 5*time.Minute, dir, os.Environ(), filepath.Join(bin, "pip"), "install", "-q", "--disable-pip-version-check", "-r", "requirements.txt")
	shared, err := filepath.Abs("python")
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(bin, "python"), "PYTHONPATH=" + shared
}

func TestJava4(t *testing.T) {
	run := java(t, "java4")
	suite(t, "java4", serve(t).env(), "java", append(run, "conformance.Main")...)
}

// The newer SDK goes over TLS, as it would by default.
func TestJava10(t *testing.T) {
	run := java(t, "java10")
	cert, key := certificate(t)
	overTLS := func(t *testing.T, main string, more func(*server) []string) {
		s := serve(t, "--tls-cert", cert, "--tls-key", key)
		suite(t, "java10", s.env(append(more(s), "BOXCAR_CA="+cert)...), "java", append(run, "conformance."+main)...)
	}
	t.Run("chunked", func(t *testing.T) { overTLS(t, "Main", func(*server) []string { return nil }) })
	t.Run("areas", func(t *testing.T) { overTLS(t, "Areas", (*server).accounts) })
}

// java builds a suite, and returns what java needs to know to run one of its classes.
func java(t *testing.T, dir string) []string {
	t.Helper()
	need(t, "java", "mvn")
	build := t.TempDir()
	command(t, 10*time.Minute, dir, os.Environ(), "mvn", "-q", "-B", "-DbuildDir="+build, "compile")
	return []string{"-cp", filepath.Join(build, "classes") + ":" + filepath.Join(build, "lib", "*")}
}

// certificate is one for this machine that signs itself.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "boxcar"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, &c, &c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		name = filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", pkcs8)
}

// bigFile makes a file of random bytes.
func bigFile(t *testing.T, size int64) string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "big file.bin"))
	if err != nil {
		t.Fatal(err)
	}
	seed := [32]byte{byte(size)}
	if _, err := io.CopyN(f, mrand.NewChaCha8(seed), size); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// An upload by the official SDK that is cut by kill -9 in the middle goes on
// from the parts that the server lists.
func TestNode10ResumesAfterAKill(t *testing.T) {
	npm(t, "node10")
	file := bigFile(t, resumeBytes)
	s := serve(t)

	start := exec.Command("node", "start.mjs")
	start.Dir, start.Env = "node10", s.env("BOXCAR_FILE="+file, "BOXCAR_RETRIES=no")
	out, err := start.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaint bytes.Buffer
	start.Stderr = &complaint
	if err := start.Start(); err != nil {
		t.Fatal(err)
	}
	var session string
	var acked []string
	lines := bufio.NewScanner(out)
	var kill sync.Once
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "session":
			session = rest
		case "part":
			acked = append(acked, rest)
			if len(acked) == 6 {
				kill.Do(s.kill)
			}
		case "done":
			t.Fatal("the upload was over before the server was killed")
		}
	}
	if start.Wait() == nil || len(acked) < 6 {
		t.Fatalf("the upload was not cut: %d parts; %s", len(acked), &complaint)
	}

	s.start()
	said := command(t, 5*time.Minute, "node10", s.env("BOXCAR_FILE="+file, "BOXCAR_SESSION="+session, "BOXCAR_ACKED="+strings.Join(acked, ",")), "node", "resume.mjs")
	if !strings.Contains(said, "ok resume") {
		t.Fatal(said)
	}
	t.Logf("%d parts acknowledged before the kill\n%s", len(acked), said)
}

// resumeBytes makes 24 parts of 8 MiB and a short one.
const resumeBytes = 24*(8<<20) + 12345

// The script that serve prints, run as printed, over a kill -9.
func TestUploadScriptResumesAfterAKill(t *testing.T) {
	need(t, "curl", "openssl", "dd", "sh")
	file := bigFile(t, 96<<20)
	s := serve(t)
	script := filepath.Join(s.data, "upload.sh")

	first := exec.Command("sh", script, file)
	out, err := first.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	var session string
	sent := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if m := regexp.MustCompile(`^session ([0-9A-F]{32})`).FindStringSubmatch(lines.Text()); m != nil {
			session = m[1]
		}
		if strings.HasSuffix(lines.Text(), " sent") {
			if sent++; sent == 4 {
				s.kill()
			}
		}
	}
	if first.Wait() == nil {
		t.Fatal("the script did not notice that the server was gone")
	}
	s.start()
	said := command(t, 5*time.Minute, ".", os.Environ(), "sh", script, file, session)
	if n := strings.Count(said, "is there already"); n < sent {
		t.Errorf("%d parts were acknowledged, and %d found again:\n%s", sent, n, said)
	}
	if !strings.Contains(said, "downloaded, and the same") {
		t.Error(said)
	}
}

// A server that is up says so.
func TestHealth(t *testing.T) {
	s := serve(t)
	for _, path := range []string{"/healthz", "/readyz"} {
		resp, err := http.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
}
