package client

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"path"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"boxcar/boxapi"
)

// fakeBox is as much of Box as the client needs, in memory, as an
// http.RoundTripper: with testing/synctest its time is free. It follows the
// protocol's description, and where that is not sure of Box, the harder reading.
type fakeBox struct {
	mu       sync.Mutex
	partSize int64
	min      int64 // smallest file for a session
	files    map[string]*fakeFile
	sessions map[string]*fakeSession
	last     int

	noStore bool // parts are checked and dropped
	trusts  bool // digests are believed
	resent  int  // parts that came and were there
	arrays  bool // conflicts are arrays
	commit  func(*fakeSession) *http.Response

	// fault is asked before a request is handled; n counts those of the same
	// kind and place. A nil fault is none.
	fault func(kind string, n int, r *http.Request) *fault
	seen  map[string]int
	calls []string // kinds, in order
	token string   // the one that is good; "" takes any
}

// fault is how a request goes wrong.
type fault struct {
	instead *http.Response // the request is not handled
	lose    bool           // it is handled, and its answer lost
	replace *http.Response // it is handled, and this is answered
	cut     int64          // the body breaks off here, -1 for not at all
	stall   bool           // nothing happens until the client gives up
	twice   bool           // it is handled twice
	flip    bool           // a byte of the body changes
}

type fakeFile struct {
	id, name, folder string
	versions         []fakeVersion
	etag             int
}

type fakeVersion struct {
	id   string
	sum  [20]byte
	size int64
	data []byte
	at   time.Time
}

type fakeSession struct {
	id, folder, name, file string
	size, partSize         int64
	parts                  map[int64]*fakePart
	gone                   int // status: 404 or 410
	made                   *fakeFile
	commits                int
}

type fakePart struct {
	id   string
	sum  [20]byte
	size int64
	data []byte
}

func newFakeBox() *fakeBox {
	return &fakeBox{partSize: 1000, min: 2000, files: map[string]*fakeFile{}, sessions: map[string]*fakeSession{}, seen: map[string]int{}}
}

var errLostAnswer = errors.New("fake: connection reset")

// RoundTrip handles a request as the fault for it wants.
func (f *fakeBox) RoundTrip(r *http.Request) (*http.Response, error) {
	defer func() {
		if r.Body != nil {
			r.Body.Close()
		}
	}()
	kind := kindOfCall(r)
	f.mu.Lock()
	place := kind + " " + r.URL.Path + " " + r.Header.Get("Content-Range") + r.URL.RawQuery
	n := f.seen[place]
	f.seen[place]++
	f.calls = append(f.calls, kind)
	f.mu.Unlock()
	var bad *fault
	if f.fault != nil {
		bad = f.fault(kind, n, r)
	}
	if bad == nil {
		bad = &fault{cut: -1}
	}
	if bad.stall {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if bad.instead != nil {
		return bad.instead, nil
	}
	var body []byte
	if r.Body != nil {
		reader := io.Reader(r.Body)
		if bad.cut >= 0 {
			reader = io.LimitReader(reader, bad.cut)
		}
		var err error
		if body, err = io.ReadAll(reader); err != nil {
			return nil, err
		}
		if bad.cut >= 0 && int64(len(body)) < r.ContentLength {
			return nil, errLostAnswer
		}
	}
	if bad.flip && len(body) > 0 {
		body[len(body)/2] ^= 1
	}
	var resp *http.Response
	for again := range 1 + bit(bad.twice) {
		if kind == "part" && again == 0 {
			f.countResent(r)
		}
		w := httptest.NewRecorder()
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		f.serve(w, r, body)
		resp = w.Result()
	}
	resp.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	if bad.lose {
		return nil, errLostAnswer
	}
	if bad.replace != nil {
		return bad.replace, nil
	}
	return resp, nil
}

// countResent counts a part that the session has already.
func (f *fakeBox) countResent(r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	first, _, _, _ := boxapi.ParseContentRange(r.Header.Get("Content-Range"))
	sum, _ := boxapi.ParseDigest(r.Header.Get("Digest"))
	if s := f.sessions[path.Base(r.URL.Path)]; s != nil && s.gone == 0 && s.parts[first] != nil && s.parts[first].sum == sum {
		f.resent++
	}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// kindOfCall names what a request is about.
func kindOfCall(r *http.Request) string {
	p := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/api"), "/2.0")
	switch {
	case strings.HasSuffix(p, "/commit"):
		return "commit"
	case strings.HasSuffix(p, "/parts"):
		return "list"
	case strings.HasSuffix(p, "/plan"):
		return "plan"
	case strings.HasPrefix(p, "/files/upload_sessions/"):
		return map[string]string{"PUT": "part", "GET": "status", "DELETE": "abort"}[r.Method]
	case strings.HasSuffix(p, "/upload_sessions"):
		return "create"
	case strings.HasSuffix(p, "/content") && r.Method == "OPTIONS":
		return "preflight"
	case strings.HasSuffix(p, "/content") && r.Method == "POST":
		return "simple"
	case strings.HasPrefix(p, "/files/"):
		return "file"
	default:
		return "other"
	}
}

// refusal is an error reply.
func refusal(status int, code string, more ...string) *http.Response {
	w := httptest.NewRecorder()
	for i := 0; i+1 < len(more); i += 2 {
		w.Header().Set(more[i], more[i+1])
	}
	w.WriteHeader(status)
	if code != "" {
		fmt.Fprintf(w, `{"type":"error","status":%d,"code":%q,"message":"fake","request_id":"r1"}`, status, code)
	}
	return w.Result()
}

func (f *fakeBox) id(n int) string { return fmt.Sprintf("%032X", n) }

func (f *fakeBox) next() int { f.last++; return f.last }

func (f *fakeBox) byName(folder, name string) *fakeFile {
	for _, file := range f.files {
		if file.folder == folder && strings.EqualFold(file.name, name) {
			return file
		}
	}
	return nil
}

func (f *fakeBox) serve(w *httptest.ResponseRecorder, r *http.Request, body []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	refuse := func(status int, code string, context any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]any{"type": "error", "status": status, "code": code, "message": "fake " + code, "request_id": "r1", "context_info": context})
	}
	answer := func(status int, v any) {
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(v)
	}
	if f.token != "" && r.Header.Get("Authorization") != "Bearer "+f.token {
		w.Header().Set("WWW-Authenticate", `Bearer realm="Service", error="invalid_token"`)
		w.WriteHeader(401)
		return
	}
	conflict := func(file *fakeFile) {
		var c any = file.shape()
		if f.arrays {
			c = []any{c}
		}
		refuse(409, "item_name_in_use", map[string]any{"conflicts": c})
	}
	steps := strings.Split(strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/api"), "/2.0"), "/files/"), "/")
	switch kindOfCall(r) {
	case "preflight":
		var p boxapi.Preflight
		json.Unmarshal(body, &p)
		if file := f.byName(string(p.Parent.ID), string(*p.Name)); file != nil {
			conflict(file)
			return
		}
		answer(200, map[string]any{"upload_url": "https://x/", "upload_token": nil})
	case "simple":
		f.simple(r, body, steps[0], answer, refuse, conflict)
	case "file":
		file := f.files[steps[0]]
		if file == nil {
			refuse(404, "not_found", nil)
			return
		}
		answer(200, file.shape())
	case "create":
		var c boxapi.CreateSession
		json.Unmarshal(body, &c)
		s := &fakeSession{id: f.id(f.next()), folder: string(c.FolderID), size: c.FileSize.N, partSize: f.partSize, parts: map[int64]*fakePart{}}
		if steps[0] != "upload_sessions" {
			s.file = steps[0]
		}
		if c.FileName != nil {
			s.name = string(*c.FileName)
		}
		if s.size < f.min {
			refuse(400, "file_size_too_small", nil)
			return
		}
		if file := f.byName(s.folder, s.name); file != nil && s.file == "" {
			conflict(file)
			return
		}
		f.sessions[s.id] = s
		answer(201, s.shape())
	case "other":
		answer(200, map[string]any{"entries": []any{}})
	default:
		s := f.sessions[steps[1]]
		if s == nil {
			refuse(404, "not_found", nil)
			return
		}
		if s.gone != 0 {
			refuse(s.gone, map[int]string{404: "not_found", 410: "session_expired"}[s.gone], nil)
			return
		}
		f.session(w, r, body, s, answer, refuse, conflict)
	}
}

func (f *fakeBox) session(w *httptest.ResponseRecorder, r *http.Request, body []byte, s *fakeSession, answer func(int, any), refuse func(int, string, any), conflict func(*fakeFile)) {
	switch kindOfCall(r) {
	case "status":
		answer(200, s.shape())
	case "abort":
		s.gone = 404
		w.WriteHeader(204)
	case "list":
		from, _ := strconv.ParseInt(r.URL.Query().Get("offset"), 10, 64)
		limit, _ := strconv.ParseInt(r.URL.Query().Get("limit"), 10, 64)
		limit = min(limit, 7) // a page is smaller than what was asked for
		list := boxapi.PartList{Offset: int(from), Limit: int(limit), TotalCount: s.slots()}
		for slot := from; slot < from+limit; slot++ {
			if p := s.parts[slot*s.partSize]; p != nil {
				list.Entries = append(list.Entries, p.shape(slot*s.partSize))
			}
		}
		answer(200, list)
	case "part":
		first, last, total, err := boxapi.ParseContentRange(r.Header.Get("Content-Range"))
		sum, err2 := boxapi.ParseDigest(r.Header.Get("Digest"))
		want := min(s.partSize, s.size-first)
		switch {
		case err != nil || err2 != nil:
			refuse(400, "bad_request", nil)
		case total != s.size || first%s.partSize != 0 || last-first+1 != want:
			refuse(416, "range_not_satisfiable", nil)
		case int64(len(body)) != want:
			refuse(400, "request_size_mismatch", nil)
		case s.parts[first] != nil && s.parts[first].sum == sum:
			answer(200, boxapi.PartReply{Part: s.parts[first].shape(first)})
		case s.parts[first] != nil:
			refuse(416, "range_overlaps_existing_part", map[string]any{"conflicting_part": s.parts[first].shape(first)})
		case sha1.Sum(body) != sum && !f.trusts:
			refuse(400, "digest_mismatch", nil)
		case s.made != nil:
			refuse(416, "range_overlaps_existing_part", nil)
		default:
			p := &fakePart{id: fmt.Sprintf("%08X", f.next()), sum: sum, size: want}
			if !f.noStore {
				p.data = bytes.Clone(body)
			}
			s.parts[first] = p
			answer(200, boxapi.PartReply{Part: p.shape(first)})
		}
	case "commit":
		s.commits++
		if f.commit != nil {
			if resp := f.commit(s); resp != nil {
				for k, v := range resp.Header {
					w.Header()[k] = v
				}
				w.WriteHeader(resp.StatusCode)
				io.Copy(w, resp.Body)
				return
			}
		}
		f.commitSession(r, body, s, answer, refuse, conflict)
	case "plan":
		refuse(404, "not_found", nil)
	}
}

func (f *fakeBox) commitSession(r *http.Request, body []byte, s *fakeSession, answer func(int, any), refuse func(int, string, any), conflict func(*fakeFile)) {
	var c boxapi.Commit
	json.Unmarshal(body, &c)
	digest, err := boxapi.ParseDigest(r.Header.Get("Digest"))
	if err != nil {
		refuse(400, "bad_request", nil)
		return
	}
	sort.Slice(c.Parts, func(i, j int) bool { return c.Parts[i].Offset < c.Parts[j].Offset })
	h := sha1.New()
	var data []byte
	at := int64(0)
	for _, p := range c.Parts {
		stored := s.parts[p.Offset]
		if p.Offset != at || stored == nil || stored.id != p.PartID || stored.size != p.Size {
			refuse(400, "parts_mismatch", nil)
			return
		}
		h.Write(stored.data)
		data = append(data, stored.data...)
		at += p.Size
	}
	if at != s.size {
		refuse(400, "parts_mismatch", nil)
		return
	}
	if !f.noStore && !f.trusts && [20]byte(h.Sum(nil)) != digest {
		refuse(400, "digest_mismatch", nil)
		return
	}
	if s.made != nil {
		answer(201, map[string]any{"total_count": 1, "entries": []any{s.made.shape()}})
		return
	}
	name := s.name
	if c.Attributes != nil && c.Attributes.Name != nil {
		name = string(*c.Attributes.Name)
	}
	if file := f.files[s.file]; file != nil {
		if tags, ok := boxapi.ParseEtags(r.Header.Get("If-Match")); ok && !tags.Match(strconv.Itoa(file.etag)) {
			refuse(412, "precondition_failed", nil)
			return
		}
		s.made = file
	} else if file := f.byName(s.folder, name); file != nil {
		conflict(file)
		return
	} else {
		s.made = f.add(s.folder, name)
	}
	s.made.put(f, digest, s.size, data)
	answer(201, map[string]any{"total_count": 1, "entries": []any{s.made.shape()}})
}

func (f *fakeBox) simple(r *http.Request, body []byte, id string, answer func(int, any), refuse func(int, string, any), conflict func(*fakeFile)) {
	_, params, _ := strings.Cut(r.Header.Get("Content-Type"), "boundary=")
	form := multipart.NewReader(bytes.NewReader(body), params)
	part, err := form.NextPart()
	if err != nil || part.FormName() != "attributes" {
		refuse(400, "metadata_after_file_contents", nil)
		return
	}
	var a boxapi.Attributes
	text, _ := io.ReadAll(part)
	json.Unmarshal(text, &a)
	part, err = form.NextPart()
	if err != nil {
		refuse(400, "bad_request", nil)
		return
	}
	data, err := io.ReadAll(part)
	if err != nil {
		refuse(400, "request_size_mismatch", nil)
		return
	}
	sum := sha1.Sum(data)
	if r.Header.Get("Content-MD5") != hex.EncodeToString(sum[:]) {
		refuse(400, "bad_digest", nil)
		return
	}
	var file *fakeFile
	if id == "content" {
		if file = f.byName(string(a.Parent.ID), string(*a.Name)); file != nil {
			conflict(file)
			return
		}
		file = f.add(string(a.Parent.ID), string(*a.Name))
	} else if file = f.files[id]; file == nil {
		refuse(404, "not_found", nil)
		return
	} else if tags, ok := boxapi.ParseEtags(r.Header.Get("If-Match")); ok && !tags.Match(strconv.Itoa(file.etag)) {
		refuse(412, "precondition_failed", nil)
		return
	}
	file.put(f, sum, int64(len(data)), data)
	answer(201, map[string]any{"total_count": 1, "entries": []any{file.shape()}})
}

func (f *fakeBox) add(folder, name string) *fakeFile {
	file := &fakeFile{id: strconv.Itoa(1000 + f.next()), name: name, folder: folder, etag: -1}
	f.files[file.id] = file
	return file
}

// put makes a version.
func (file *fakeFile) put(f *fakeBox, sum [20]byte, size int64, data []byte) {
	file.versions = append(file.versions, fakeVersion{id: strconv.Itoa(f.next()), sum: sum, size: size, data: data, at: time.Now()})
	file.etag++
}

func (file *fakeFile) now() fakeVersion { return file.versions[len(file.versions)-1] }

func (file *fakeFile) shape() *boxapi.File {
	v := file.now()
	sum := hex.EncodeToString(v.sum[:])
	etag := boxapi.NullString(strconv.Itoa(file.etag))
	return &boxapi.File{
		FileMini: boxapi.FileMini{
			Type: "file", ID: boxapi.ID(file.id), Etag: etag, SequenceID: etag, Name: file.name, SHA1: sum,
			FileVersion: &boxapi.FileVersionMini{Type: "file_version", ID: boxapi.ID(v.id), SHA1: sum},
		},
		Size: v.size,
	}
}

func (s *fakeSession) slots() int { return int((s.size + s.partSize - 1) / s.partSize) }

func (s *fakeSession) shape() boxapi.UploadSession {
	return boxapi.UploadSession{
		ID: s.id, Type: "upload_session", PartSize: s.partSize, TotalParts: s.slots(), NumPartsProcessed: len(s.parts),
		SessionExpiresAt: boxapi.TimeZ{Time: time.Now().Add(7 * 24 * time.Hour)},
	}
}

func (p *fakePart) shape(offset int64) boxapi.Part {
	return boxapi.Part{PartID: p.id, Offset: offset, Size: p.size, SHA1: hex.EncodeToString(p.sum[:])}
}

// count says how many calls of a kind there were.
func (f *fakeBox) count(kind string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		if c == kind {
			n++
		}
	}
	return n
}

// client is a client of the fake.
func (f *fakeBox) client(t testing.TB, edit ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{URLs: At("http://fake"), Tokens: StaticToken("t"), HTTP: &http.Client{Transport: f}}
	for _, e := range edit {
		e(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// only is the only file there may be, with one version of data.
func (f *fakeBox) only(t testing.TB, name string, data []byte) *fakeFile {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.files) != 1 {
		t.Fatalf("%d files, want 1", len(f.files))
	}
	for _, file := range f.files {
		if file.name != name || len(file.versions) != 1 || !bytes.Equal(file.now().data, data) {
			t.Fatalf("file %q with %d versions, the last of %d bytes; want %q with one of %d, whole", file.name, len(file.versions), len(file.now().data), name, len(data))
		}
		return file
	}
	return nil
}

// pattern is content that differs everywhere.
func pattern(n int64) []byte {
	b := make([]byte, n)
	patternReader{n}.ReadAt(b, 0)
	return b
}

// patternReader has size bytes, none of which are stored.
type patternReader struct{ size int64 }

func (p patternReader) ReadAt(b []byte, off int64) (int, error) {
	n := int(min(int64(len(b)), max(0, p.size-off)))
	for i := range b[:n] {
		x := uint64(off+int64(i)) * 0x9E3779B97F4A7C15
		b[i] = byte(x>>56) ^ byte(x>>40)
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func mustUpload(t testing.TB, c *Client, u Upload) *Result {
	t.Helper()
	res, err := c.Upload(context.WithoutCancel(t.Context()), u)
	if err != nil {
		t.Fatalf("upload: %v", err)
	}
	return res
}
