package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"boxcar/internal/daemon"
)

// form is a multipart body, written by hand so that it can be odd.
type form struct {
	boundary string
	body     bytes.Buffer
}

func newForm() *form { return &form{boundary: "the-boundary"} }

// add adds a part; header is all its lines, each ending in \r\n.
func (f *form) add(header string, content []byte) *form {
	f.body.WriteString("--" + f.boundary + "\r\n" + header + "\r\n")
	f.body.Write(content)
	f.body.WriteString("\r\n")
	return f
}

// attributes adds the part of that name, as JSON.
func (f *form) attributes(v any) *form {
	text, ok := v.(string)
	if !ok {
		text = string(must(json.Marshal(v)))
	}
	return f.add("Content-Disposition: form-data; name=\"attributes\"\r\n", []byte(text))
}

// file adds a file part as most clients write it.
func (f *form) file(content []byte) *form {
	return f.add("Content-Disposition: form-data; name=\"file\"; filename=\"unused\"\r\nContent-Type: application/octet-stream\r\n", content)
}

// end is the whole body.
func (f *form) end() []byte {
	return append(bytes.Clone(f.body.Bytes()), "--"+f.boundary+"--\r\n"...)
}

// post sends a form.
func (w *wire) post(t testing.TB, path string, f *form, headers ...string) *reply {
	t.Helper()
	return w.do(t, "POST", path, f.end(), append([]string{"Content-Type", "multipart/form-data; boundary=" + f.boundary}, headers...)...)
}

// simple uploads a new file to the root in one request.
func (w *wire) simple(t testing.TB, name, content string) *reply {
	t.Helper()
	return w.post(t, "/2.0/files/content", newForm().attributes(fields{"name": name, "parent": fields{"id": "0"}}).file([]byte(content)))
}

func TestSimpleUpload(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	data := noise(3000)
	const path = "/2.0/files/content"
	root := fields{"id": "0"}
	named := func(name string) fields { return fields{"name": name, "parent": root} }

	t.Run("12 new file: 201 with the Standard form", func(t *testing.T) {
		e := w.post(t, path, newForm().attributes(fields{
			"name": "new.bin", "parent": root, "description": strings.Repeat("é", 300), "size": 3000,
			"content_created_at": "2001-02-03T04:05:06-07:00", "content_modified_at": "2002-02-03T04:05:06.5Z",
		}).file(data)).entry()
		checkStandard(t, e)
		for key, want := range map[string]any{
			"name": "new.bin", "etag": "0", "sequence_id": "0", "sha1": sha1Of(data), "size": json.Number("3000"), "description": strings.Repeat("é", 255),
			"content_created_at": "2001-02-03T11:05:06+00:00", "content_modified_at": "2002-02-03T04:05:06+00:00",
		} {
			if e[key] != want {
				t.Errorf("%s is %v, want %v", key, e[key], want)
			}
		}
		if !bytes.Equal(w.download(t, e["id"].(string)), data) {
			t.Error("other bytes came back")
		}
	})
	t.Run("7.3 fields: the Mini form and those asked for", func(t *testing.T) {
		e := w.post(t, path+"?fields=size,version_number,no_such", newForm().attributes(named("fields.bin")).file(data)).entry()
		checkKeys(t, "the file", e, fileMini+"size version_number")
	})
	for _, header := range []string{
		`form-data; name="file"; filename="unused"`,
		`form-data; name="contents"; filename="unused"`, // rclone
		`form-data; name="content"; filename="unused"`,  // Node v3
		`form-data; name="filename"; filename="unused"`, // .NET v5, versions
		`form-data; name="file"; filename=""`,
		`form-data; name="file"`,
		`form-data; name="file"; filename="../../a/b\\c"; filename*=UTF-8''%e2%82%ac`,
		`form-data; name=file; filename=unquoted`,
		`attachment`,
	} {
		t.Run("12 the file part's name varies: "+header, func(t *testing.T) {
			name := fmt.Sprint("part ", strings.NewReplacer("/", "", "\\", "").Replace(header))
			f := w.post(t, path, newForm().attributes(named(name)).add("Content-Disposition: "+header+"\r\n", data)).file()
			if f.Name != name || f.SHA1 != sha1Of(data) {
				t.Errorf("got %+v", f)
			}
		})
	}
	for what, lines := range map[string]string{
		"as octet-stream": "Content-Disposition: form-data; name=\"attributes\"\r\nContent-Type: application/octet-stream\r\n", // Cyberduck
		"as JSON":         "Content-Disposition: form-data; name=\"attributes\"\r\nContent-Type: application/json; charset=UTF-8\r\n",
		"as a blob":       "Content-Type: text/plain\r\nContent-Disposition: form-data; name=\"attributes\"; filename=\"blob\"\r\n",
		"unquoted":        "content-disposition: form-data; name=attributes\r\ncontent-transfer-encoding: binary\r\n",
	} {
		t.Run("12 attributes "+what, func(t *testing.T) {
			f := w.post(t, path, newForm().add(lines, toJSON(t, named("attributes "+what))).file(data)).file()
			if f.Name != "attributes "+what {
				t.Errorf("got %+v", f)
			}
		})
	}
	t.Run("8 the boundary may be quoted, and there may be text around the form", func(t *testing.T) {
		f := newForm().attributes(named("quoted")).file(data)
		body := slices.Concat([]byte("a preamble\r\n"), f.end(), []byte("an epilogue\r\n"))
		got := w.do(t, "POST", path, body, "Content-Type", `multipart/form-data;charset=utf-8; Boundary="the-boundary"`).file()
		if got.SHA1 != sha1Of(data) {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("12 bytes like a boundary are bytes", func(t *testing.T) {
		tricky := []byte("\r\n--the-boundar\r\n--the-boundaryx\r\n\r\n--\r\n-")
		f := w.post(t, path, newForm().attributes(named("tricky")).file(tricky)).file()
		if !bytes.Equal(w.download(t, f.ID), tricky) {
			t.Error("other bytes came back")
		}
	})
	t.Run("2 chunked transfer encoding", func(t *testing.T) {
		f := newForm().attributes(named("chunked")).file(data)
		got := w.do(t, "POST", path, bytes.NewReader(f.end()), "Content-Type", "multipart/form-data; boundary=the-boundary").file()
		if got.SHA1 != sha1Of(data) {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("8 zero bytes", func(t *testing.T) {
		f := w.post(t, path, newForm().attributes(named("empty")).file(nil)).file()
		if f.Size != 0 || f.SHA1 != sha1Of(nil) || len(w.download(t, f.ID)) != 0 {
			t.Errorf("got %+v", f)
		}
		if f = w.post(t, "/2.0/files/"+f.ID+"/content", newForm().file(nil)).file(); f.Etag != "1" || f.SHA1 != sha1Of(nil) {
			t.Errorf("got %+v", f)
		}
	})
	t.Run("12 Content-MD5 is the SHA-1 in hex", func(t *testing.T) {
		w.post(t, path, newForm().attributes(named("md5")).file(data), "Content-MD5", sha1Of(data)).file()
		w.post(t, path, newForm().attributes(named("MD5 2")).file(data), "Content-MD5", strings.ToUpper(sha1Of(data))).file()
	})
	t.Run("12 parent id as a number, and nulls", func(t *testing.T) {
		w.post(t, path, newForm().attributes(`{"name":"number","parent":{"id":0},"description":null,"content_created_at":null,"content_modified_at":null,"size":null,"more":[]}`).file(data)).file()
	})
	t.Run("12 one name at once: one file, the others get 409", func(t *testing.T) {
		made := 0
		for _, r := range atOnce(6, func(int) *reply { return w.simple(t, "raced", "x") }) {
			if r.status == 201 {
				made++
				continue
			}
			r.refused(409, "item_name_in_use")
		}
		if made != 1 {
			t.Errorf("%d files", made)
		}
	})
}

func TestSimpleVersion(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	f := w.simple(t, "v.txt", "0").file()
	path := "/2.0/files/" + f.ID + "/content"
	sub := w.folder(t, "0", "sub")
	w.simple(t, "taken", "x").file()
	etag := 0
	// next is the reply to one more version, which has these contents.
	next := func(t *testing.T, contents string, r *reply) map[string]any {
		t.Helper()
		e := r.entry()
		checkStandard(t, e)
		etag++
		if e["id"] != f.ID || e["etag"] != fmt.Sprint(etag) || e["sha1"] != sha1Of([]byte(contents)) {
			t.Errorf("got %v, want etag %d", e, etag)
		}
		if n := w.pastVersions(t, f.ID); n != etag {
			t.Errorf("%d past versions, want %d", n, etag)
		}
		return e
	}
	t.Run("12 attributes may be missing: the first part is the file", func(t *testing.T) {
		e := next(t, "one", w.post(t, path, newForm().file([]byte("one"))))
		if e["name"] != "v.txt" {
			t.Errorf("name %v", e["name"])
		}
	})
	t.Run("12 attributes empty, or name null as Python v3 sends it", func(t *testing.T) {
		next(t, "two", w.post(t, path, newForm().attributes("{}").file([]byte("two"))))
		next(t, "three", w.post(t, path, newForm().attributes(`{"name":null,"parent":null}`).file([]byte("three"))))
	})
	t.Run("12 rclone: its own name and parent are no conflict", func(t *testing.T) {
		e := next(t, "four", w.post(t, path, newForm().attributes(fields{
			"name": "v.txt", "parent": fields{"id": "0"}, "content_created_at": "2020-01-02T03:04:05.678901234Z", "content_modified_at": "2020-01-02T03:04:05.678901234Z",
		}).add("Content-Disposition: form-data; name=\"contents\"; filename=\"v.txt\"\r\nContent-Type: application/octet-stream\r\n", []byte("four"))))
		if e["content_modified_at"] != "2020-01-02T03:04:05+00:00" || e["name"] != "v.txt" {
			t.Errorf("got %v", e)
		}
	})
	t.Run("8 a name renames the file", func(t *testing.T) {
		if e := next(t, "five", w.post(t, path, newForm().attributes(fields{"name": "V.TXT"}).file([]byte("five")))); e["name"] != "V.TXT" {
			t.Errorf("name %v", e["name"])
		}
		w.post(t, path, newForm().attributes(fields{"name": "Taken"}).file([]byte("x"))).refused(409, "item_name_in_use")
	})
	t.Run("12 a parent that differs moves the file", func(t *testing.T) {
		e := next(t, "six", w.post(t, path, newForm().attributes(fields{"parent": fields{"id": sub}}).file([]byte("six"))))
		if p := e["parent"].(map[string]any); p["id"] != sub {
			t.Errorf("parent %v", p)
		}
	})
	t.Run("12 If-Match: 412 on mismatch, and nothing changes", func(t *testing.T) {
		for _, tag := range []string{"0", `"0"`, "x"} {
			w.post(t, path, newForm().file([]byte("x")), "If-Match", tag).refused(412, "precondition_failed")
		}
		next(t, "seven", w.post(t, path, newForm().file([]byte("seven")), "If-Match", `"6"`))
		next(t, "eight", w.post(t, path, newForm().file([]byte("eight")), "If-Match", "7"))
	})
	t.Run("12 Content-MD5 of a version", func(t *testing.T) {
		w.post(t, path, newForm().file([]byte("x")), "Content-MD5", sha1Of(nil)).refused(400, "bad_digest")
		next(t, "nine", w.post(t, path, newForm().file([]byte("nine")), "Content-MD5", sha1Of([]byte("nine"))))
	})
	t.Run("12 attributes after the file: 400 metadata_after_file_contents", func(t *testing.T) {
		w.post(t, path, newForm().file([]byte("x")).attributes("{}")).refused(400, "metadata_after_file_contents")
		if n := w.pastVersions(t, f.ID); n != etag {
			t.Errorf("%d past versions, want %d", n, etag)
		}
	})
	t.Run("10 a missing file: 404, whatever If-Match says", func(t *testing.T) {
		w.post(t, "/2.0/files/990017/content", newForm().file([]byte("x")), "If-Match", "1").refused(404, "not_found")
		w.do(t, "DELETE", "/2.0/files/"+f.ID, nil).empty(204)
		w.post(t, path, newForm().file([]byte("x")), "If-Match", "1").refused(404, "trashed")
	})
}

// What is refused leaves nothing: no file, no bytes, no use of the quota.
func TestSimpleUploadRefused(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *daemon.Config) { c.MaxFileSize = 100_000; inFiles(c) })
	const path, kind = "/2.0/files/content", "multipart/form-data; boundary=the-boundary"
	good := fields{"name": "refused", "parent": fields{"id": "0"}}
	data := noise(20_000)
	nothing := func(t *testing.T) {
		t.Helper()
		until(t, "something is left behind", func() bool {
			var left []string
			for _, dir := range []string{"tmp/*", "blobs/*/*"} {
				left = append(left, must(filepath.Glob(filepath.Join(w.Config.Data, dir)))...)
			}
			return len(left)+len(w.names(t)) == 0 && w.used(t) == "0"
		})
	}
	if _, err := os.Stat(filepath.Join(w.Config.Data, "blobs")); err != nil {
		t.Fatal(err) // the test would look in the wrong place
	}

	whole := newForm().attributes(good).file(data).end()
	for _, row := range []struct {
		name   string
		body   any
		kind   string
		status int
		code   string
	}{
		{"12 attributes after the file", newForm().file(data).attributes(good).end(), kind, 400, "metadata_after_file_contents"},
		{"12 no attributes", newForm().file(data).end(), kind, 400, "metadata_after_file_contents"},
		{"12 attributes again after the file", newForm().attributes(good).file(data).attributes(good).end(), kind, 400, "metadata_after_file_contents"},
		{"12 attributes not JSON", newForm().attributes("name=x").file(data).end(), kind, 400, "invalid_json"},
		{"12 a bad date", newForm().attributes(fields{"name": "x", "parent": fields{"id": "0"}, "content_created_at": "then"}).file(data).end(), kind, 400, "bad_request"},
		{"12 no name", newForm().attributes(fields{"parent": fields{"id": "0"}}).file(data).end(), kind, 400, "missing_file_name"},
		{"12 no parent", newForm().attributes(fields{"name": "x"}).file(data).end(), kind, 400, "missing_destination"},
		{"12 no file", newForm().attributes(good).end(), kind, 400, "bad_request"},
		{"12 an empty form", newForm().end(), kind, 400, "bad_request"},
		{"12 an empty body", nil, kind, 400, "bad_request"},
		{"12 no boundary", whole, "multipart/form-data", 400, "bad_request"},
		{"12 another boundary", whole, "multipart/form-data; boundary=other", 400, "bad_request"},
		{"12 no form", data, "application/octet-stream", 400, "bad_request"},
		{"12 no Content-Type", whole, "", 400, "bad_request"},
		{"12 the last boundary cut off", whole[:len(whole)-len("--the-boundary--\r\n")], kind, 400, "request_size_mismatch"},
		{"12 the file cut off", whole[:len(whole)/2], kind, 400, "request_size_mismatch"},
		{"12 the attributes cut off", whole[:70], kind, 400, "bad_request"},
		{"10.5 attributes of more than 1 MiB", newForm().attributes(strings.Repeat(" ", 1<<20+1)).file(data).end(), kind, 413, "request_entity_too_large"},
		{"10.5 over the cap", newForm().attributes(good).file(noise(100_001)).end(), kind, 413, "request_entity_too_large"},
		{"10.5 over the cap, chunked", bytes.NewReader(newForm().attributes(good).file(noise(100_001)).end()), kind, 413, "request_entity_too_large"},
		{"10.5 far over the cap: the reply comes through", newForm().attributes(good).file(noise(3 << 20)).end(), kind, 413, "request_entity_too_large"},
		{"10.5 over the cap by its own word", newForm().attributes(fields{"name": "x", "parent": fields{"id": "0"}, "size": 100_001}).file(data).end(), kind, 403, "file_size_limit_exceeded"},
	} {
		t.Run(fmt.Sprintf("%s: %d %s", row.name, row.status, row.code), func(t *testing.T) {
			w.do(t, "POST", path, row.body, "Content-Type", row.kind).refused(row.status, row.code)
			nothing(t)
		})
	}
	t.Run("12 Content-MD5 differs: 400 bad_digest", func(t *testing.T) {
		w.do(t, "POST", path, whole, "Content-Type", kind, "Content-MD5", sha1Of(nil)).refused(400, "bad_digest")
		nothing(t)
	})
	t.Run("10.5 Content-MD5 that is none: 400 bad_request", func(t *testing.T) {
		for _, v := range []string{"x", sha1Of(nil)[1:], "2jmj7l5rSw0yVb/vlWAYkK/YBwk="} {
			w.do(t, "POST", path, whole, "Content-Type", kind, "Content-MD5", v).refused(400, "bad_request")
		}
		nothing(t)
	})
	for what, head := range map[string]string{
		"declared": fmt.Sprintf("Content-Length: %d\r\n\r\n", len(whole)),
		"chunked":  fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", len(whole)),
	} {
		t.Run("12 the connection ends in the middle of the file, length "+what, func(t *testing.T) {
			conn := must(net.Dial("tcp", strings.TrimPrefix(w.URL, "http://")))
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\n%s", path, w.token, kind, head)
			conn.Write(whole[:len(whole)/2])
			// Once its temporary file is there, the upload is under way.
			until(t, "the upload does not begin", func() bool {
				return len(must(filepath.Glob(filepath.Join(w.Config.Data, "tmp/*")))) > 0
			})
			conn.Close()
			nothing(t)
		})
	}
	t.Run("10.5 a body that is too much already is not awaited to its end", func(t *testing.T) {
		u := w.user(t, "poorer@example.net", 10_000)
		for what, row := range map[string]struct {
			w      *wire
			size   int
			status int
		}{"over the cap": {w, 110_000, 413}, "over quota": {u, 20_000, 403}} {
			more, body := io.Pipe()
			go body.Write(newForm().attributes(good).file(noise(row.size)).end()[:row.size])
			// Without an end, the reply has to come by itself.
			if r := row.w.do(t, "POST", path, more, "Content-Type", kind); r.status != row.status {
				t.Errorf("%s: %v", what, r)
			}
			body.Close()
		}
		nothing(t)
	})
	t.Run("10.5 over quota: 403 storage_limit_exceeded, and what fits is taken", func(t *testing.T) {
		u := w.user(t, "poor@example.net", 10_000)
		for range 2 {
			u.simple(t, "a", string(noise(10_001))).refused(403, "storage_limit_exceeded")
		}
		if u.used(t) != "0" {
			t.Errorf("%s bytes used", u.used(t))
		}
		nothing(t)
		f := u.simple(t, "a", string(noise(9_999))).file()
		u.post(t, "/2.0/files/"+f.ID+"/content", newForm().file([]byte("12"))).refused(403, "storage_limit_exceeded")
		u.post(t, "/2.0/files/"+f.ID+"/content", newForm().file([]byte("1"))).file()
		if u.used(t) != "10000" {
			t.Errorf("%s bytes used, want those of both versions", u.used(t))
		}
	})
	t.Run("12 all of that was refused for what it was", func(t *testing.T) {
		w.do(t, "POST", path, whole, "Content-Type", kind).file()
	})
}
