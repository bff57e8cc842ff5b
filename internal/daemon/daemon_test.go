package daemon_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"boxcar/internal/daemon"
	"boxcar/internal/daemon/daemontest"
)

func digestOf(b []byte) string {
	sum := sha1.Sum(b)
	return "sha=" + base64.StdEncoding.EncodeToString(sum[:])
}

func do(t *testing.T, s *daemontest.Server, method, path string, body []byte, headers ...string) (int, []byte) {
	t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = s.URL + path
	}
	req, err := http.NewRequestWithContext(t.Context(), method, path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Token)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, b
}

func TestAFileGoesUpInPartsAndComesBack(t *testing.T) {
	small := int64(0)
	s := daemontest.Start(t, func(c *daemon.Config) { c.PartSize, c.MinChunkedSize = 64<<10, &small })
	data := make([]byte, 300_001)
	rand.Read(data)
	status, b := do(t, s, "POST", "/2.0/files/upload_sessions", fmt.Appendf(nil, `{"folder_id":"0","file_size":%d,"file_name":"a.bin"}`, len(data)))
	if status != 201 {
		t.Fatalf("create: %d %s", status, b)
	}
	var ses struct {
		ID       string
		PartSize int `json:"part_size"`
	}
	json.Unmarshal(b, &ses)
	var parts []json.RawMessage
	for at := 0; at < len(data); at += ses.PartSize {
		piece := data[at:min(at+ses.PartSize, len(data))]
		status, b := do(t, s, "PUT", "/2.0/files/upload_sessions/"+ses.ID, piece,
			"Digest", digestOf(piece), "Content-Range", fmt.Sprintf("bytes %d-%d/%d", at, at+len(piece)-1, len(data)))
		if status != 200 {
			t.Fatalf("part at %d: %d %s", at, status, b)
		}
		var part struct{ Part json.RawMessage }
		json.Unmarshal(b, &part)
		parts = append(parts, part.Part)
		if at == 2*ses.PartSize {
			s.Restart()
		}
	}
	list, _ := json.Marshal(map[string]any{"parts": parts})
	status, b = do(t, s, "POST", "/2.0/files/upload_sessions/"+ses.ID+"/commit", list, "Digest", digestOf(data))
	if status != 201 {
		t.Fatalf("commit: %d %s", status, b)
	}
	var files struct{ Entries []struct{ ID string } }
	json.Unmarshal(b, &files)
	status, b = do(t, s, "GET", "/2.0/files/"+files.Entries[0].ID+"/content", nil)
	if status != 200 || !bytes.Equal(b, data) {
		t.Fatalf("download: %d, %d bytes", status, len(b))
	}
}
