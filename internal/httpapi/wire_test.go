package httpapi_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/daemon"
	"boxcar/internal/daemon/daemontest"
)

// wire is a client of one server, as one user. It knows nothing of the
// server's own types: what is compared is what went over the wire.
type wire struct {
	*daemontest.Server
	http  *http.Client
	token string
	who   content.User // zero for the administrator
}

// The part size of servers that start starts, in bytes.
const partSize = 1024

// start runs a server for small files: parts have partSize bytes, and any file
// may go up in parts. edit, if not nil, may change that. The client is its
// administrator.
func start(t testing.TB, edit func(*daemon.Config)) *wire {
	t.Helper()
	s := daemontest.Start(t, func(c *daemon.Config) {
		var none int64
		c.PartSize, c.MinChunkedSize = partSize, &none
		// As on a machine where that is faster for large parts.
		c.Uploads.FollowFrom, c.Uploads.FollowWait = 1, 20*time.Millisecond
		if edit != nil {
			edit(c)
		}
	})
	// The second is for requests that say Expect: 100-continue.
	transport := &http.Transport{MaxIdleConnsPerHost: 16, ExpectContinueTimeout: time.Minute}
	t.Cleanup(transport.CloseIdleConnections)
	return &wire{Server: s, token: s.Token, http: &http.Client{
		Transport:     transport,
		Timeout:       2 * time.Minute, // longer than a commit may take
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// user makes another user, with a quota in bytes or 0, and is that user's client.
func (w *wire) user(t testing.TB, login string, quota int64) *wire {
	t.Helper()
	u, err := w.Auth.CreateUser(t.Context(), "User "+login, login, quota)
	if err != nil {
		t.Fatal(err)
	}
	token, err := w.Auth.Issue(t.Context(), u.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	other := *w
	other.token, other.who = token, u
	return &other
}

// do sends a request and reads the reply, which has to have what all replies
// have. path is below the server's origin, or a whole URL. body is nil, a
// string, bytes, a reader, whose length is not announced, or something to be
// written as JSON. headers are names and values in turn; an empty value leaves
// out a header that would be sent otherwise.
func (w *wire) do(t testing.TB, method, path string, body any, headers ...string) *reply {
	t.Helper()
	resp, err := w.http.Do(w.request(t, method, path, body, headers...))
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return read(t, method+" "+path, resp)
}

// request is what do sends.
func (w *wire) request(t testing.TB, method, path string, body any, headers ...string) *http.Request {
	t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = w.URL + path
	}
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case io.Reader:
		r = struct{ io.Reader }{b} // hides what would tell its length
	case string:
		r = strings.NewReader(b)
	case []byte:
		r = bytes.NewReader(b)
	default:
		r = bytes.NewReader(toJSON(t, b))
	}
	req, err := http.NewRequestWithContext(t.Context(), method, path, r)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.token)
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	return req
}

// reply is a reply that was read whole.
type reply struct {
	t      testing.TB
	what   string // the request
	status int
	header http.Header
	body   []byte
	close  bool // the server ends the connection after it
}

func read(t testing.TB, what string, resp *http.Response) *reply {
	t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: reply of status %d broke off: %v", what, resp.StatusCode, err)
	}
	r := &reply{t: t, what: what, status: resp.StatusCode, header: resp.Header, body: b, close: resp.Close}
	r.checkHeaders()
	if r.status >= 400 && !strings.HasPrefix(what, "HEAD ") {
		r.checkError()
	}
	return r
}

func (r *reply) String() string {
	return fmt.Sprintf("%s: status %d, headers %v, body %.500q", r.what, r.status, r.header, r.body)
}

// checkHeaders is for what every reply has to have.
func (r *reply) checkHeaders() {
	r.t.Helper()
	if ids := r.header.Values("BOX-REQUEST-ID"); len(ids) != 1 || ids[0] == "" {
		r.t.Errorf("%v: want one BOX-REQUEST-ID", r)
	}
	if got := r.header.Get("Cache-Control"); got != "no-cache, no-store" {
		r.t.Errorf("%v: Cache-Control is %q", r, got)
	}
	if !slices.Contains(strings.Split(r.header.Get("Vary"), ", "), "Origin") {
		r.t.Errorf("%v: Vary does not have Origin", r)
	}
}

// failure is the body of an error.
type failure struct {
	Type        string
	Status      int
	Code        string
	ContextInfo struct {
		Conflicts       map[string]any
		ConflictingPart *part `json:"conflicting_part"`
		Errors          []struct{ Reason, Name, Message string }
		Origin          string
	} `json:"context_info"`
	HelpURL   string `json:"help_url"`
	Message   string
	RequestID string `json:"request_id"`
}

// checkError is for what every error has to have: the whole body, or none with
// a challenge.
func (r *reply) checkError() {
	r.t.Helper()
	challenge := r.header.Get("WWW-Authenticate")
	if r.status == 401 || len(r.body) == 0 {
		if len(r.body) != 0 || r.header.Get("Content-Type") != "" || !strings.HasPrefix(challenge, `Bearer realm="Service"`) {
			r.t.Errorf("%v: want an empty body and a challenge", r)
		}
		if r.status != 401 && r.status != 403 {
			r.t.Errorf("%v: only 401 and 403 may have an empty body", r)
		}
		return
	}
	if r.header.Get("Content-Type") != "application/json" {
		r.t.Errorf("%v: an error is JSON", r)
		return
	}
	var raw map[string]json.RawMessage
	var f failure
	if err := json.Unmarshal(r.body, &raw); err != nil {
		r.t.Errorf("%v: %v", r, err)
		return
	}
	if info := string(raw["context_info"]); strings.Contains(info, `"conflicts":[`) {
		delete(raw, "context_info") // folder creation: an array, for its own test to read
	}
	rest, _ := json.Marshal(raw)
	if err := json.Unmarshal(rest, &f); err != nil {
		r.t.Errorf("%v: %v", r, err)
		return
	}
	if string(raw["type"]) != `"error"` || string(raw["status"]) != fmt.Sprint(r.status) || f.Code == "" || f.Message == "" || f.HelpURL == "" ||
		f.RequestID == "" || f.RequestID != r.header.Get("BOX-REQUEST-ID") {
		r.t.Errorf("%v: want type, status, code, message, help_url and a request_id like BOX-REQUEST-ID", r)
	}
	for name := range raw {
		if !slices.Contains([]string{"type", "status", "code", "context_info", "help_url", "message", "request_id"}, name) {
			r.t.Errorf("%v: an error has no %s", r, name)
		}
	}
	if challenge != "" {
		r.t.Errorf("%v: a challenge comes with an empty body only", r)
	}
}

// want ends the test unless the status is this one.
func (r *reply) want(status int) *reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%v: want status %d", r, status)
	}
	return r
}

// refused ends the test unless this error came, and returns it.
func (r *reply) refused(status int, code string) (f failure) {
	r.t.Helper()
	r.want(status)
	if err := json.Unmarshal(r.body, &f); err != nil || f.Code != code {
		r.t.Fatalf("%v: want code %s (%v)", r, code, err)
	}
	return f
}

// empty ends the test unless the status is this one and there is no body.
func (r *reply) empty(status int) *reply {
	r.t.Helper()
	r.want(status)
	if len(r.body) != 0 || r.header.Get("Content-Type") != "" {
		r.t.Fatalf("%v: want an empty body", r)
	}
	return r
}

// decode reads a JSON body.
func (r *reply) decode(into any) {
	r.t.Helper()
	if got := r.header.Get("Content-Type"); got != "application/json" {
		r.t.Errorf("%v: want JSON", r)
	}
	if err := json.Unmarshal(r.body, into); err != nil {
		r.t.Fatalf("%v: %v", r, err)
	}
}

// object is a body that is a JSON object, as it came: numbers are json.Number.
func (r *reply) object() (o map[string]any) {
	r.t.Helper()
	d := json.NewDecoder(bytes.NewReader(r.body))
	d.UseNumber()
	if err := d.Decode(&o); err != nil {
		r.t.Fatalf("%v: %v", r, err)
	}
	return o
}

func toJSON(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fields is a JSON object to send.
type fields map[string]any

// part is what a client knows of a part.
type part struct {
	PartID string `json:"part_id"`
	Offset int64  `json:"offset"`
	Size   int64  `json:"size"`
	SHA1   string `json:"sha1"`
}

// file is what a client knows of a file.
type file struct {
	Type        string
	ID          string
	SequenceID  string `json:"sequence_id"`
	Etag        string
	Name        string
	Size        int64
	SHA1        string
	Description string
	FileVersion struct{ Type, ID, SHA1 string } `json:"file_version"`
	Parent      struct{ ID string }
}

// session is an upload session and the file that is to go up in it.
type session struct {
	w    *wire
	data []byte

	ID                string
	Type              string
	TotalParts        int               `json:"total_parts"`
	PartSize          int64             `json:"part_size"`
	SessionEndpoints  map[string]string `json:"session_endpoints"`
	SessionExpiresAt  string            `json:"session_expires_at"`
	NumPartsProcessed int               `json:"num_parts_processed"`
}

// create opens a session for a new file in the root.
func (w *wire) create(t testing.TB, name string, data []byte) *session {
	t.Helper()
	s := &session{w: w, data: data}
	w.do(t, "POST", "/2.0/files/upload_sessions", fields{"folder_id": "0", "file_name": name, "file_size": len(data)}).want(201).decode(s)
	return s
}

// createVersion opens a session for a new version.
func (w *wire) createVersion(t testing.TB, fileID string, data []byte) *session {
	t.Helper()
	s := &session{w: w, data: data}
	w.do(t, "POST", "/2.0/files/"+fileID+"/upload_sessions", fields{"file_size": len(data)}).want(201).decode(s)
	return s
}

// path is the session's, and what is below it.
func (s *session) path(below string) string { return "/2.0/files/upload_sessions/" + s.ID + below }

// slot is the bytes of part i.
func (s *session) slot(i int) []byte {
	at := int64(i) * s.PartSize
	return s.data[at:min(at+s.PartSize, int64(len(s.data)))]
}

// put sends part i; headers may change what is said of it.
func (s *session) put(t testing.TB, i int, headers ...string) *reply {
	t.Helper()
	b := s.slot(i)
	return s.w.do(t, "PUT", s.path(""), b, append(s.says(i, b), headers...)...)
}

// says is the headers of part i, if it has these bytes.
func (s *session) says(i int, b []byte) []string {
	first := int64(i) * s.PartSize
	return []string{"Digest", digestOf(b), "Content-Range", contentRange(first, first+int64(len(b))-1, int64(len(s.data)))}
}

// part sends part i, which has to be taken, and returns it.
func (s *session) part(t testing.TB, i int) part {
	t.Helper()
	var r struct{ Part part }
	s.put(t, i).want(200).decode(&r)
	return r.Part
}

// parts sends all parts.
func (s *session) parts(t testing.TB) (parts []part) {
	t.Helper()
	for i := range s.TotalParts {
		parts = append(parts, s.part(t, i))
	}
	return parts
}

// commit commits with the file's own digest; headers may change it.
func (s *session) commit(t testing.TB, parts []part, headers ...string) *reply {
	t.Helper()
	return s.commitWith(t, fields{"parts": parts}, headers...)
}

// commitWith commits with a body of one's own.
func (s *session) commitWith(t testing.TB, body any, headers ...string) *reply {
	t.Helper()
	return s.w.do(t, "POST", s.path("/commit"), body, append([]string{"Digest", digestOf(s.data)}, headers...)...)
}

// file is the one file of a reply to an upload.
func (r *reply) file() file {
	r.t.Helper()
	var list struct {
		TotalCount int `json:"total_count"`
		Entries    []file
	}
	r.want(201).decode(&list)
	if list.TotalCount != 1 || len(list.Entries) != 1 {
		r.t.Fatalf("%v: want one file", r)
	}
	return list.Entries[0]
}

// upload makes a file in the root, in parts.
func (w *wire) upload(t testing.TB, name string, data []byte) file {
	t.Helper()
	s := w.create(t, name, data)
	return s.commit(t, s.parts(t)).file()
}

// folder makes a folder and returns its id.
func (w *wire) folder(t testing.TB, parent, name string) string {
	t.Helper()
	var f struct{ ID string }
	w.do(t, "POST", "/2.0/folders", fields{"name": name, "parent": fields{"id": parent}}).want(201).decode(&f)
	return f.ID
}

// digestOf is the Digest header of b.
func digestOf(b []byte) string {
	sum := sha1.Sum(b)
	return "sha=" + base64.StdEncoding.EncodeToString(sum[:])
}

// sha1Of is the SHA-1 of b as the wire has it in bodies.
func sha1Of(b []byte) string {
	sum := sha1.Sum(b)
	return hex.EncodeToString(sum[:])
}

// contentRange is the header of the bytes first to last, of total.
func contentRange(first, last, total int64) string {
	return fmt.Sprintf("bytes %d-%d/%d", first, last, total)
}

// noise is n bytes that are the same in each run.
func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{7, byte(n), byte(n >> 8)}).Read(b)
	return b
}
