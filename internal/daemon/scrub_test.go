package daemon_test

import (
	"crypto/rand"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"boxcar/internal/daemon"
	"boxcar/internal/daemon/daemontest"
)

// TestADamagedBlobIsNotServed alters one blob of a file of three.
func TestADamagedBlobIsNotServed(t *testing.T) {
	s := daemontest.Start(t, func(c *daemon.Config) { inParts(c); c.ScrubRate = 1 << 30 })
	data := make([]byte, 150_000)
	rand.Read(data)
	file := upload(t, s, "", "a.bin", data)
	status, b := do(t, s, "POST", "/2.0/files/"+file+"/copy", []byte(`{"parent":{"id":"0"},"name":"b.bin"}`))
	if status != 201 {
		t.Fatalf("copy: %d %s", status, b)
	}
	var copied struct{ ID string }
	json.Unmarshal(b, &copied)

	var at string // of the middle part
	var good []byte
	for _, name := range blobsOf(t, s.Config.Data) {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if string(content) == string(data[64<<10:128<<10]) {
			at, good = name, content
		}
	}
	bad := append([]byte{good[0] ^ 0x40}, good[1:]...)
	if err := os.WriteFile(at, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	if status, b := do(t, s, "GET", "/2.0/files/"+file+"/content", nil); status != 200 || string(b) == string(data) {
		t.Fatalf("before it is found: %d and %d bytes", status, len(b))
	}
	s.Clock.Add(25 * 60 * 60 * 1e9)
	s.Scrub(t.Context())

	refused := func(file, what string, headers ...string) {
		t.Helper()
		status, b := do(t, s, "GET", "/2.0/files/"+file+"/content", nil, headers...)
		var e struct {
			Type      string
			Status    int
			Code      string
			RequestID string `json:"request_id"`
		}
		if err := json.Unmarshal(b, &e); err != nil || status != 500 || e.Type != "error" || e.Status != 500 || e.Code != "internal_server_error" || e.RequestID == "" {
			t.Errorf("%s: %d %.300s", what, status, b)
		}
		if strings.Contains(string(b), filepath.Base(at)) {
			t.Errorf("%s: the reply names the blob: %s", what, b)
		}
	}
	refused(file, "all of it")
	refused(file, "a range of the damaged part", "Range", "bytes=70000-70010")
	refused(file, "a range over its edge", "Range", "bytes=65000-66000")
	refused(file, "several ranges", "Range", "bytes=0-1,70000-70001")
	refused(copied.ID, "the copy")

	// Plan does not hit it, but for the other parts.
	offers := []map[string]any{}
	for n := 0; n < len(data); n += 64 << 10 {
		piece := data[n:min(n+64<<10, len(data))]
		sum := sha512.Sum512(piece)
		offers = append(offers, map[string]any{"offset": n, "size": len(piece), "sha512": hex.EncodeToString(sum[:])})
	}
	_, b = do(t, s, "POST", "/2.0/files/"+file+"/upload_sessions", fmt.Appendf(nil, `{"file_size":%d}`, len(data)))
	var ses struct{ ID string }
	json.Unmarshal(b, &ses)
	list, _ := json.Marshal(map[string]any{"parts": offers})
	status, b = do(t, s, "POST", "/2.0/files/upload_sessions/"+ses.ID+"/plan", list)
	if status != 200 {
		t.Fatalf("plan: %d %s", status, b)
	}
	var plan struct {
		Hits []struct{ Offset int64 }
	}
	if err := json.Unmarshal(b, &plan); err != nil || len(plan.Hits) == 0 {
		t.Fatalf("plan: %v %s", err, b)
	}
	for _, h := range plan.Hits {
		if h.Offset == 64<<10 {
			t.Errorf("plan hit the damaged blob: %s", b)
		}
	}

	report, err := daemon.Doctor(t.Context(), s.Config.Data)
	if err != nil {
		t.Fatal(err)
	}
	var lost []string
	for _, l := range report.Lost {
		lost = append(lost, l.Path)
	}
	if strings.Join(lost, " ") != "/a.bin /b.bin" {
		t.Errorf("doctor lists %v as lost", report.Lost)
	}

	// A new version is whole; the old one stays lost.
	if got := upload(t, s, file, "", data); got != file {
		t.Fatalf("the new version is of file %s", got)
	}
	if status, b := do(t, s, "GET", "/2.0/files/"+file+"/content", nil); status != 200 || string(b) != string(data) {
		t.Errorf("the new version: %d, %d bytes", status, len(b))
	}
	refused(copied.ID, "the copy, still")
	s.Restart()
	refused(copied.ID, "the copy, after a restart")

	// Put right, it is served again.
	if err := os.WriteFile(at, good, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Clock.Add(2 * 60 * 60 * 1e9)
	s.Scrub(t.Context())
	if status, b := do(t, s, "GET", "/2.0/files/"+copied.ID+"/content", nil); status != http.StatusOK || string(b) != string(data) {
		t.Errorf("the copy, put right: %d, %d bytes", status, len(b))
	}
}

// TestAMissingBlobIsRecordedByWhoMissesIt: a download finds out before the scrub.
func TestAMissingBlobIsRecordedByWhoMissesIt(t *testing.T) {
	s := daemontest.Start(t, inParts)
	data := make([]byte, 40_000)
	rand.Read(data)
	file := upload(t, s, "", "a.bin", data)
	at := blobsOf(t, s.Config.Data)[0]
	if err := os.Rename(at, at+".aside"); err != nil {
		t.Fatal(err)
	}
	if status, b := do(t, s, "GET", "/2.0/files/"+file+"/content?x", nil); status == 200 && len(b) == len(data) {
		t.Errorf("a file without its bytes: %d, %d bytes", status, len(b))
	}
	if status, b := do(t, s, "GET", "/2.0/files/"+file+"/content", nil); status != 500 || !strings.Contains(string(b), "internal_server_error") {
		t.Errorf("asked again: %d %s", status, b)
	}
	os.Rename(at+".aside", at)
	if status, _ := do(t, s, "GET", "/2.0/files/"+file+"/content", nil); status != 500 {
		t.Errorf("the blob is back, and nobody has looked at it: %d", status)
	}
	if _, b := do(t, s, "DELETE", "/2.0/files/"+file, nil); len(b) != 0 {
		t.Error(string(b))
	}
	do(t, s, "DELETE", "/2.0/files/"+file+"/trash", nil)
}

// TestNoFileBeginsWithoutItsBytes: a part is damaged before its session is committed.
func TestNoFileBeginsWithoutItsBytes(t *testing.T) {
	s := daemontest.Start(t, func(c *daemon.Config) { inParts(c); c.ScrubRate = 1 << 30 })
	data := random(40_000)
	_, b := do(t, s, "POST", "/2.0/files/upload_sessions", []byte(`{"folder_id":"0","file_size":40000,"file_name":"a.bin"}`))
	var ses struct{ ID string }
	json.Unmarshal(b, &ses)
	_, b = do(t, s, "PUT", "/2.0/files/upload_sessions/"+ses.ID, data, "Digest", digestOf(data), "Content-Range", "bytes 0-39999/40000")
	var sent struct{ Part json.RawMessage }
	json.Unmarshal(b, &sent)
	if err := os.WriteFile(blobsOf(t, s.Config.Data)[0], data[1:], 0o600); err != nil {
		t.Fatal(err)
	}
	s.Clock.Add(25 * 60 * 60 * 1e9)
	s.Scrub(t.Context())
	list, _ := json.Marshal(map[string]any{"parts": []json.RawMessage{sent.Part}})
	if status, b := do(t, s, "POST", "/2.0/files/upload_sessions/"+ses.ID+"/commit", list, "Digest", digestOf(data)); status != 500 {
		t.Errorf("commit: %d %s", status, b)
	}
	if status, b := do(t, s, "DELETE", "/2.0/files/upload_sessions/"+ses.ID, nil); status != 204 {
		t.Errorf("abort: %d %s", status, b)
	}
	holds(t, s, upload(t, s, "", "a.bin", data), data)
	s.Clock.Add(2 * 60 * 60 * 1e9)
	s.Scrub(t.Context())
}
