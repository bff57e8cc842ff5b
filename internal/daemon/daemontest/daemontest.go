// Package daemontest starts whole boxcar servers inside tests.
package daemontest

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"boxcar/internal/daemon"
)

// Clock is a clock to turn. It goes on with the real one from where it is set.
type Clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

// Add turns the clock on.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// Server is a running server.
type Server struct {
	*daemon.Daemon
	T      testing.TB
	Config daemon.Config
	Clock  *Clock
	URL    string
	Token  string // of the administrator

	stop context.CancelFunc
	done chan error
}

// Start runs a server on a free port with its data in a temporary directory.
// edit, if not nil, changes its configuration. When the test ends, the server
// is stopped and everything in its data directory has to prove whole.
func Start(t testing.TB, edit func(*daemon.Config)) *Server {
	t.Helper()
	s := &Server{T: t, Clock: &Clock{}}
	s.Config = daemon.Config{
		Data: t.TempDir(), Listen: "127.0.0.1:0", StopWait: 5 * time.Second,
		Now: s.Clock.Now,
		Log: slog.New(slog.NewTextHandler(testLog{t}, nil)),
	}
	if edit != nil {
		edit(&s.Config)
	}
	s.run()
	t.Cleanup(func() {
		s.Stop()
		s.Prove()
	})
	return s
}

func (s *Server) run() {
	s.T.Helper()
	d, err := daemon.New(context.Background(), s.Config)
	if err != nil {
		s.T.Fatalf("start server: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.Daemon, s.URL, s.stop, s.done = d, d.URL(), cancel, make(chan error, 1)
	if d.Credentials != nil {
		s.Token = d.Credentials.DeveloperToken
	}
	go func() { s.done <- d.Run(ctx) }()
}

// Stop stops the server, and waits until it has. It may be called more than once.
func (s *Server) Stop() {
	s.T.Helper()
	if s.stop == nil {
		return
	}
	s.stop()
	s.stop = nil
	if err := <-s.done; err != nil {
		s.T.Errorf("run server: %v", err)
	}
	if err := s.Close(); err != nil {
		s.T.Errorf("close server: %v", err)
	}
}

// Restart stops the server and starts it again on the same data, at another URL.
func (s *Server) Restart() {
	s.T.Helper()
	s.Stop()
	s.run()
}

// Prove has doctor walk the data of a server that has been stopped.
func (s *Server) Prove() {
	s.T.Helper()
	report, err := daemon.Doctor(context.Background(), s.Config.Data)
	if err != nil {
		s.T.Errorf("doctor: %v", err)
		return
	}
	for _, b := range report.Broken {
		s.T.Errorf("doctor: %s", b)
	}
}

// testLog shows what the server logs where the test fails.
type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(string(p[:max(0, len(p)-1)]))
	return len(p), nil
}

// Eventually waits until something is so.
func Eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}
