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
	"path/filepath"
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

// upload makes a file in parts, or a version of one, and gives its id. between is
// called behind each part.
func upload(t *testing.T, s *daemontest.Server, file, name string, data []byte, between ...func(part int)) string {
	t.Helper()
	path, body := "/2.0/files/upload_sessions", fmt.Sprintf(`{"folder_id":"0","file_size":%d,"file_name":%q}`, len(data), name)
	if file != "" {
		path, body = "/2.0/files/"+file+"/upload_sessions", fmt.Sprintf(`{"file_size":%d}`, len(data))
	}
	status, b := do(t, s, "POST", path, []byte(body))
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
		for _, call := range between {
			call(at / ses.PartSize)
		}
	}
	list, _ := json.Marshal(map[string]any{"parts": parts})
	status, b = do(t, s, "POST", "/2.0/files/upload_sessions/"+ses.ID+"/commit", list, "Digest", digestOf(data))
	if status != 201 {
		t.Fatalf("commit: %d %s", status, b)
	}
	var made struct{ Entries []struct{ ID string } }
	json.Unmarshal(b, &made)
	return made.Entries[0].ID
}

// blobsOf are the blobs in a data directory.
func blobsOf(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "blobs", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func inParts(c *daemon.Config) {
	none := int64(0)
	c.PartSize, c.MinChunkedSize = 64<<10, &none
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func holds(t *testing.T, s *daemontest.Server, file string, want []byte) {
	t.Helper()
	if status, b := do(t, s, "GET", "/2.0/files/"+file+"/content", nil); status != 200 || !bytes.Equal(b, want) {
		t.Errorf("file %s: %d, %d bytes, want %d", file, status, len(b), len(want))
	}
}

func TestAFileGoesUpInPartsAndComesBack(t *testing.T) {
	s := daemontest.Start(t, inParts)
	data := random(300_001)
	file := upload(t, s, "", "a.bin", data, func(part int) {
		if part == 2 {
			s.Restart()
		}
	})
	holds(t, s, file, data)
}
