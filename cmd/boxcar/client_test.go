package main_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"testing"
	"time"
)

// client speaks the wire to a server, and knows nothing but the wire.
type client struct {
	URL, Token string
	HTTP       *http.Client
}

func newClient(p *process) *client {
	return &client{URL: p.URL, Token: p.Token, HTTP: &http.Client{
		Timeout:   time.Minute,
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
		// The tests look at the redirects themselves.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// reply is an answer that came whole.
type reply struct {
	Status int
	Header http.Header
	Body   []byte
}

func (r reply) decode(into any) error {
	if err := json.Unmarshal(r.Body, into); err != nil {
		return fmt.Errorf("%w in %q", err, r.Body)
	}
	return nil
}

func (r reply) String() string { return fmt.Sprintf("%d %s", r.Status, bytes.TrimSpace(r.Body)) }

// send makes one request. path may be a whole URL. header is names and values.
// An error means that nobody can know what became of it.
func (c *client) send(method, path string, body io.Reader, length int64, header ...string) (*http.Response, error) {
	if path[0] == '/' {
		path = c.URL + path
	}
	req, err := http.NewRequest(method, path, body)
	if err != nil {
		return nil, err
	}
	if length >= 0 {
		req.ContentLength = length
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	return c.HTTP.Do(req)
}

func (c *client) do(method, path string, body []byte, header ...string) (reply, error) {
	resp, err := c.send(method, path, bytes.NewReader(body), -1, header...)
	if err != nil {
		return reply{}, err
	}
	return whole(resp)
}

func whole(resp *http.Response) (reply, error) {
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, b}, err
}

// must makes a request that has to be answered with a status.
func (c *client) must(t *testing.T, status int, method, path string, body []byte, header ...string) reply {
	t.Helper()
	r, err := c.do(method, path, body, header...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if r.Status != status {
		t.Fatalf("%s %s: %s, want %d", method, path, r, status)
	}
	return r
}

func digestHeader(sum [sha1.Size]byte) string {
	return "sha=" + base64.StdEncoding.EncodeToString(sum[:])
}

func rangeHeader(first, length, total int64) string {
	return fmt.Sprintf("bytes %d-%d/%d", first, first+length-1, total)
}

// part is a part as the server tells it.
type part struct {
	ID     string `json:"part_id"`
	Offset int64  `json:"offset"` // bytes
	Size   int64  `json:"size"`   // bytes
	SHA1   string `json:"sha1"`
}

type session struct {
	ID       string
	PartSize int64 `json:"part_size"`
	Parts    int64 `json:"total_parts"`
	Stored   int64 `json:"num_parts_processed"`
}

// entry is a file as the server tells it.
type entry struct {
	ID, Name, SHA1 string
	Size           int64
	FileVersion    struct{ ID, SHA1 string } `json:"file_version"`
}

type entries struct {
	Total   int64 `json:"total_count"`
	Entries []entry
}

func createBody(folder, name string, size int64) []byte {
	b, err := json.Marshal(map[string]any{"folder_id": folder, "file_name": name, "file_size": size})
	if err != nil {
		panic(err)
	}
	return b
}

func commitBody(parts []part) []byte {
	b, err := json.Marshal(map[string]any{"parts": parts})
	if err != nil {
		panic(err)
	}
	return b
}

// form is the body of a simple upload, and its Content-Type.
func form(attributes map[string]any, name string, content []byte) (body []byte, contentType string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	text, err := json.Marshal(attributes)
	if err != nil {
		panic(err)
	}
	// A Buffer takes everything.
	w.WriteField("attributes", string(text))
	f, _ := w.CreateFormFile("file", name)
	f.Write(content)
	w.Close()
	return b.Bytes(), w.FormDataContentType()
}
