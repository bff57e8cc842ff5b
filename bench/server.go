package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	startWait = 30 * time.Second
	stopWait  = 3 * time.Second
)

// server is a process under measurement.
type server struct {
	name string
	url  string
	dir  string // all that it keeps
	cmd  *exec.Cmd
	log  string
	gone chan error
}

// launch starts a server on data of its own and waits until ready is content.
// What it writes goes to a file: a pipe would be work for the client.
func launch(ctx context.Context, name, dir, url string, cmd *exec.Cmd, ready func(context.Context) error) (*server, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s := &server{name: name, url: url, dir: dir, cmd: cmd, log: filepath.Join(dir, "log"), gone: make(chan error, 1)}
	log, err := os.Create(s.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { s.gone <- cmd.Wait() }()
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return s, nil
		}
		select {
		case died := <-s.gone:
			s.gone <- died
			err = s.explain(fmt.Errorf("ended at once: %w", died))
		case <-ctx.Done():
			err = s.explain(fmt.Errorf("not ready after %v: %w", startWait, err))
		case <-time.After(10 * time.Millisecond):
			continue
		}
		s.stop()
		return nil, err
	}
}

// explain adds to an error what the server has written last.
func (s *server) explain(err error) error {
	b, _ := os.ReadFile(s.log)
	return fmt.Errorf("%s: %w\n%s", s.name, err, b[max(0, len(b)-2000):])
}

func (s *server) addr() string {
	_, addr, _ := strings.Cut(s.url, "://")
	return addr
}

func (s *server) usage() (usage, error) { return usageOf(s.cmd.Process.Pid) }

// stop ends the server and removes its data.
func (s *server) stop() {
	s.cmd.Process.Signal(os.Interrupt)
	select {
	case <-s.gone:
	case <-time.After(stopWait):
		s.cmd.Process.Kill()
		<-s.gone
	}
	os.RemoveAll(s.dir)
	settle()
}

// freeAddr is an address nobody listens at now.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// listening is content when somebody listens at addr.
func listening(addr string) func(context.Context) error {
	return func(ctx context.Context) error {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		return c.Close()
	}
}
