package main

import (
	"context"
	"crypto/sha1"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func testFile(t *testing.T, size, part int64) *file {
	t.Helper()
	m, err := newMaterial(t.TempDir(), part)
	if err != nil {
		t.Fatal(err)
	}
	f, err := m.file(size)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// canned is a server with one answer to everything.
func canned(t *testing.T, status int, header, value, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if header != "" {
			w.Header().Set(header, value)
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// A server that is fast because it is wrong must not look fast.
func TestWrongAnswersAreFound(t *testing.T) {
	f := testFile(t, 2*part4, part4)
	right, wrong := f.sum(0), f.sum(1)
	part := func(url string, make func(url string) sending) error { return make(url).part(t.Context(), 0) }
	finish := func(url string, make func(url string) sending) error {
		return make(url).(committer).commit(t.Context())
	}
	onFloor := func(url string) sending { return floorSending{newFloor(url, 1, false), f} }
	onSums := func(url string) sending { return floorSending{newFloor(url, 1, true), f} }
	onBoxcar := func(url string) sending {
		s, err := newBoxcarSending(newBoxcar(url, 1, nil), f, "/session", f.part)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	onS3 := func(url string) sending {
		return &s3Sending{s3: newS3(url, 1), f: f, key: "/b/k", id: "1", tags: []string{`"1"`, `"2"`}}
	}
	partReply := func(at, size int64, of sum) string {
		return fmt.Sprintf(`{"part":{"part_id":"1","offset":%d,"size":%d,"sha1":"%x"}}`, at, size, of)
	}
	fileReply := func(size int64, of sum) string {
		return fmt.Sprintf(`{"entries":[{"id":"1","size":%d,"sha1":"%x"}]}`, size, of)
	}
	both := sha1.Sum(append(right[:], wrong[:]...))
	completed := func(of string) string {
		return "<CompleteMultipartUploadResult><ChecksumSHA1>" + of + "</ChecksumSHA1></CompleteMultipartUploadResult>"
	}
	const checksum = "X-Amz-Checksum-Sha1"
	for _, test := range []struct {
		name string
		call func(url string, make func(url string) sending) error
		on   func(url string) sending
		url  string
		ok   bool
	}{
		{"floor", part, onFloor, canned(t, 200, "", "", "4096"), true},
		{"floor, short", part, onFloor, canned(t, 200, "", "", "4095"), false},
		{"sums", part, onSums, canned(t, 200, "", "", fmt.Sprintf("%x %x", right, right)), true},
		{"sums, only one", part, onSums, canned(t, 200, "", "", fmt.Sprintf("%x %x", right, wrong)), false},
		{"boxcar", part, onBoxcar, canned(t, 200, "", "", partReply(0, part4, right)), true},
		{"boxcar, other bytes", part, onBoxcar, canned(t, 200, "", "", partReply(0, part4, wrong)), false},
		{"boxcar, elsewhere", part, onBoxcar, canned(t, 200, "", "", partReply(part4, part4, right)), false},
		{"boxcar, refused", part, onBoxcar, canned(t, 503, "", "", partReply(0, part4, right)), false},
		{"boxcar, file", finish, onBoxcar, canned(t, 201, "", "", fileReply(f.size, f.whole)), true},
		{"boxcar, other file", finish, onBoxcar, canned(t, 201, "", "", fileReply(f.size, right)), false},
		{"boxcar, no file", finish, onBoxcar, canned(t, 201, "", "", `{"entries":[]}`), false},
		{"boxcar, later", finish, onBoxcar, canned(t, 202, "", "", ""), false},
		{"s3", part, onS3, canned(t, 200, checksum, inBase64(right), ""), true},
		{"s3, other bytes", part, onS3, canned(t, 200, checksum, inBase64(wrong), ""), false},
		{"s3, no sum", part, onS3, canned(t, 200, "", "", ""), false},
		{"s3, file", finish, onS3, canned(t, 200, "", "", completed(inBase64(both)+"-2")), true},
		{"s3, other file", finish, onS3, canned(t, 200, "", "", completed(inBase64(right)+"-2")), false},
		{"s3, failed behind a 200", finish, onS3, canned(t, 200, "", "", "<Error><Code>InternalError</Code></Error>"), false},
	} {
		if err := test.call(test.url, test.on); (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

const part4 = 4096

// What is sent has to be what is hashed, although the kernel reads it.
func TestBodiesArriveWhole(t *testing.T) {
	for _, sums := range []bool{false, true} {
		dir := t.TempDir()
		s := httptest.NewServer(floorHandler(dir, sums))
		defer s.Close()
		f := testFile(t, 2*mib+5, mib)
		c := newFloor(s.URL, 2, sums)
		defer c.close()
		to, err := c.begin(t.Context(), f, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := sendParts(t.Context(), to, []int{2, 0, 1}, 1); err != nil {
			t.Fatal(err)
		}
		for name, part := range map[string]int{"1": 2, "2": 0, "3": 1} {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil || sha1.Sum(b) != f.sum(part) {
				t.Errorf("sums %v: part %d has arrived as %d bytes, %v", sums, part, len(b), err)
			}
		}
		if err := c.put(t.Context(), "small", smallFile, sha1.Sum(smallFile)); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(filepath.Join(dir, "file-small")); err != nil || string(b) != string(smallFile) {
			t.Errorf("a small file has arrived as %d bytes, %v", len(b), err)
		}
	}
}

// net/http may change what it hands to the connection; then the client would
// copy again, and cost more, unseen.
func TestTheKernelSendsBodies(t *testing.T) {
	s := httptest.NewServer(floorHandler(t.TempDir(), false))
	defer s.Close()
	f := testFile(t, mib, mib)
	c := newFloor(s.URL, 1, false)
	defer c.close()
	var sent atomic.Int64
	transport := c.http.Transport.(*http.Transport)
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		got, err := dial(ctx, network, addr)
		return conn{counting{got.(conn).tcpConn, &sent}}, err
	}
	if err := (floorSending{c, f}).part(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if sent.Load() < mib-64<<10 {
		t.Errorf("of %d bytes the kernel has sent %d", mib, sent.Load())
	}
}

// counting counts the bytes it is asked to read from files.
type counting struct {
	tcpConn
	sent *atomic.Int64
}

func (c counting) ReadFrom(from io.Reader) (int64, error) {
	n, err := c.tcpConn.ReadFrom(from)
	if limited, ok := from.(*io.LimitedReader); ok {
		if _, ok := limited.R.(*os.File); ok {
			c.sent.Add(n)
		}
	}
	return n, err
}

func TestDownloadsAreCompared(t *testing.T) {
	const size = 3 * mib
	ctx := t.Context()
	serve := func(change func(b []byte) []byte) *client {
		whole := change([]byte(strings.Repeat("0123456789abcdef", size/16)))
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(whole)))
		}))
		t.Cleanup(s.Close)
		return newClient(s.URL, 1, nil, nil)
	}
	right := serve(func(b []byte) []byte { return b })
	short := serve(func(b []byte) []byte { return b[:size-1] })
	buf := make([]byte, 64<<10)
	for _, ranges := range []bool{false, true} {
		d := download{clients: 1, ranges: ranges}
		first, length := int64(0), int64(size)
		if ranges {
			first, length = 2*mib, mib
		}
		h := sha1.New()
		if err := d.fetch(ctx, right, "/", first, length, size, buf, h); err != nil {
			t.Errorf("%v: %v", d, err)
		}
		if want := sha1.Sum([]byte(strings.Repeat("0123456789abcdef", int(length)/16))); sum(h.Sum(nil)) != want {
			t.Errorf("%v: other bytes came", d)
		}
		if err := d.fetch(ctx, short, "/", first, length, size, buf, nil); err == nil {
			t.Errorf("%v: a byte is missing, and nobody sees it", d)
		}
	}
	// A server that does not know ranges sends all.
	if err := (download{ranges: true}).fetch(ctx, newClient(canned(t, 200, "", "", "0123"), 1, nil, nil), "/", 0, 2, 4, buf, nil); err == nil {
		t.Error("all is taken for a range")
	}
	if err := (download{ranges: true}).fetch(ctx, newClient(canned(t, 206, "Content-Range", "bytes 1-2/4", "12"), 1, nil, nil), "/", 0, 2, 4, buf, nil); err == nil {
		t.Error("another range is taken for the right one")
	}
}
