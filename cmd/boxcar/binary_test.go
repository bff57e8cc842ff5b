package main_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program is the path of what is tested, as it is released but for the version.
var program string

const testVersion = "v0.0.0-test"

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(func() int {
		if flag.Lookup("test.fuzz").Value.String() != "" { // which needs none, in several processes
			return m.Run()
		}
		dir, err := os.MkdirTemp("", "boxcar-test")
		if err != nil {
			log.Fatal(err)
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "boxcar")
		if runtime.GOOS == "windows" {
			program += ".exe"
		}
		build := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-X main.version="+testVersion, "-o", program, ".")
		if out, err := build.CombinedOutput(); err != nil {
			log.Fatalf("go build: %v\n%s", err, out)
		}
		return m.Run()
	}())
}

// process is a boxcar serve that runs.
type process struct {
	URL      string
	Token    string // of the administrator, as the file of credentials has it
	Out, Err output

	cmd   *exec.Cmd
	ended chan struct{}
}

// ready is how long a server may take until it listens. Much longer than it
// takes: the machine may be busy.
const ready = 20 * time.Second

var listens = regexp.MustCompile(`(?m)^boxcar \S+ listens at (\S+) and keeps its data in (.+)\n`)

// serve starts a server on a free port, or at the address that args give.
func serve(data string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(program, append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0"}, args...)...)}
	return p, p.start()
}

// start starts cmd, and returns once it listens. An error means that it is over.
func (p *process) start() error {
	p.ended = make(chan struct{})
	p.cmd.Stdout, p.cmd.Stderr = &p.Out, &p.Err
	if err := p.cmd.Start(); err != nil {
		close(p.ended)
		return err
	}
	go func() {
		p.cmd.Wait() // its outcome is in ProcessState
		close(p.ended)
	}()
	var data string
	for limit := time.Now().Add(ready); data == ""; time.Sleep(2 * time.Millisecond) {
		if m := listens.FindStringSubmatch(p.Out.String()); m != nil {
			p.URL, data = m[1], m[2]
			break
		}
		select {
		case <-p.ended:
			return fmt.Errorf("serve ended with %d before it listened:\n%s", p.code(), p.Err.String())
		default:
		}
		if time.Now().After(limit) {
			p.kill()
			return fmt.Errorf("serve did not listen within %s:\n%s", ready, p.Err.String())
		}
	}
	if !filepath.IsAbs(data) {
		data = filepath.Join(p.cmd.Dir, data)
	}
	text, err := os.ReadFile(filepath.Join(data, "credentials"))
	if err != nil {
		p.kill()
		return err
	}
	p.Token = credential(string(text), "BOXCAR_TOKEN")
	return nil
}

// credential is a value in the text of a file of credentials.
func credential(text, name string) string {
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, "export "+name+"="); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// mustServe starts a server that ends with the test.
func mustServe(t *testing.T, data string, args ...string) *process {
	t.Helper()
	p, err := serve(data, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.kill() })
	return p
}

func (p *process) signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// kill is kill -9. It returns when the process is gone.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

// stop ends the server the gentle way.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.wait(ready); err != nil {
		t.Fatal(err)
	}
	if c := p.code(); c != 0 {
		t.Fatalf("serve ended with %d after SIGTERM:\n%s", c, p.Err.String())
	}
}

func (p *process) wait(most time.Duration) error {
	select {
	case <-p.ended:
		return nil
	case <-time.After(most):
		return fmt.Errorf("the server still runs after %s", most)
	}
}

// code is the exit code of a process that has ended, as a shell tells it.
func (p *process) code() int { return shellCode(p.cmd.ProcessState) }

func shellCode(s *os.ProcessState) int {
	if s.Exited() {
		return s.ExitCode()
	}
	if ws, ok := s.Sys().(interface{ Signal() syscall.Signal }); ok {
		return 128 + int(ws.Signal())
	}
	return -1
}

// trouble is the log without the requests that went well.
func (p *process) trouble() string {
	var b strings.Builder
	for line := range strings.Lines(p.Err.String()) {
		if !strings.Contains(line, `"outcome":"ok"`) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// boxcar runs another command of the program to its end.
func boxcar(args ...string) (code int, stdout, stderr string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return -1, "", err.Error()
	}
	return shellCode(cmd.ProcessState), out.String(), errs.String()
}

// mustBeWhole has doctor prove a data directory.
func mustBeWhole(t *testing.T, data string) {
	t.Helper()
	if code, out, errs := boxcar("doctor", "--data", data); code != 0 {
		t.Fatalf("doctor exits with %d:\n%s%s", code, out, errs)
	}
}

// output is what a process has written so far. File, if set, gets it too.
type output struct {
	File io.Writer

	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.File != nil {
		if _, err := o.File.Write(p); err != nil {
			return 0, err
		}
	}
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
