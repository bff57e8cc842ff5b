package daemon_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/daemon"
	"boxcar/internal/daemon/daemontest"
	"boxcar/internal/vfs"
)

// stuck is a disk on which the sync of a blob takes until it is let go on.
type stuck struct {
	vfs.FS
	began, goOn chan struct{}
}

func (s stuck) Create(name string) (vfs.File, error) {
	f, err := s.FS.Create(name)
	if err == nil && strings.HasPrefix(name, "tmp/") {
		f = stuckFile{f, s}
	}
	return f, err
}

type stuckFile struct {
	vfs.File
	s stuck
}

func (f stuckFile) Sync() error {
	f.s.began <- struct{}{}
	<-f.s.goOn
	return f.File.Sync()
}

// The directory belongs to the server until the last request is over, also to
// one whose connection was broken off: another server would sweep what it is
// writing.
func TestCloseWaitsForRequestsThatWereBrokenOff(t *testing.T) {
	disk := stuck{began: make(chan struct{}), goOn: make(chan struct{})}
	s := daemontest.Start(t, func(c *daemon.Config) {
		disk.FS = vfs.Dir(c.Data)
		c.FS, c.StopWait = disk, 50*time.Millisecond
		var none int64
		c.MinChunkedSize = &none
		files := int64(-1)
		c.RowBlobs = &files
	})
	body := []byte("some bytes")
	status, b := do(t, s, "POST", "/2.0/files/upload_sessions", fmt.Appendf(nil, `{"folder_id":"0","file_size":%d,"file_name":"a"}`, len(body)))
	if status != 201 {
		t.Fatalf("create: %d %s", status, b)
	}
	id := string(b[bytes.Index(b, []byte(`"id":"`))+6:][:32])
	req, err := http.NewRequestWithContext(t.Context(), "PUT", s.URL+"/2.0/files/upload_sessions/"+id, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Token)
	req.Header.Set("Digest", digestOf(body))
	req.Header.Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", len(body)-1, len(body)))
	go func() {
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	<-disk.began
	stopped := make(chan struct{})
	go func() {
		s.Stop()
		close(stopped)
	}()
	select {
	case <-stopped:
		t.Error("the server let go of its directory while a part was on its way to the disk")
	case <-time.After(500 * time.Millisecond):
	}
	close(disk.goOn)
	<-stopped
}

// A machine without a clock of its own starts at the same time again, and
// another one is put back by an hour: ids must not come again, since a new
// session would have the parts of an old one.
func TestIDsDoNotComeAgainAfterARestart(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }
	random := rand.NewChaCha8([32]byte{1})
	ids := func() func() content.ID { return daemon.NewIDs(now, func(b []byte) { random.Read(b) }) }
	before, after := ids(), ids()
	given := map[content.ID]bool{}
	var last content.ID
	for range 100 {
		id := before()
		if given[id] = true; id <= last {
			t.Errorf("%v comes behind %v", id, last)
		}
		last = id
	}
	for range 100 {
		if id := after(); given[id] {
			t.Errorf("%v was given out twice", id)
		}
	}
}
