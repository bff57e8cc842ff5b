package httpapi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"boxcar/internal/daemon"
)

func TestPreflight(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *daemon.Config) {
		c.MaxFileSize, c.PublicURL = 10_000, "https://up.example.net/box/"
	})
	w.URL = "http://" + w.Addr() // PublicURL leads nowhere
	ask := func(t *testing.T, path string, body any) *reply {
		t.Helper()
		return w.do(t, "OPTIONS", path, body)
	}
	allowed := func(t *testing.T, r *reply, url string) {
		t.Helper()
		o := r.want(200).object()
		checkKeys(t, "a preflight", o, "upload_url upload_token")
		if o["upload_url"] != url || o["upload_token"] != nil {
			t.Errorf("%v: want %s and null", r, url)
		}
	}
	const path, url = "/2.0/files/content", "https://up.example.net/box/api/2.0/files/content"
	parent := fields{"id": "0"}

	for what, body := range map[string]any{
		"as documented":          fields{"name": "survey-b.laz", "parent": fields{"id": "0"}, "size": 9000},
		"size absent":            fields{"name": "a", "parent": parent},
		"size null":              fields{"name": "a", "parent": parent, "size": nil},
		"size 0":                 fields{"name": "a", "parent": parent, "size": 0},
		"size below the minimum": fields{"name": "a", "parent": parent, "size": 1},
		"size as a string":       fields{"name": "a", "parent": parent, "size": "9000"},
		"description":            fields{"name": "a", "parent": parent, "description": "d", "content_created_at": 1, "other": nil},
		"id as a number":         `{"name":"a","parent":{"id":0,"type":"folder"}}`,
	} {
		t.Run("11 new file, "+what+": 200", func(t *testing.T) { allowed(t, ask(t, path, body), url) })
	}
	t.Run("11 on either path, with a slash at the end and any query", func(t *testing.T) {
		body := fields{"name": "a", "parent": parent}
		for _, p := range []string{"/2.0/files/content/", "/api/2.0/files/content", "/2.0/files/content?unreachable_hosts=a.example,b.example&fields=id"} {
			allowed(t, ask(t, p, body), url)
		}
	})
	t.Run("11 never reserves the name", func(t *testing.T) {
		for range 2 {
			allowed(t, ask(t, path, fields{"name": "twice", "parent": parent}), url)
		}
		if names := w.names(t); slices.Contains(names, "twice") {
			t.Errorf("the root has %q", names)
		}
	})

	f := w.simple(t, "There.txt", "x").file()
	sub := w.folder(t, "0", "sub")
	theirs, own := "/2.0/files/"+f.ID+"/content", "https://up.example.net/box/api/2.0/files/"+f.ID+"/content"
	for what, body := range map[string]any{
		"nothing":          nil,
		"{}":               "{}",
		"size":             fields{"size": 10},
		"its own name":     fields{"name": "There.txt", "size": 10},
		"its name in caps": fields{"name": "THERE.TXT", "parent": parent},
		"a new name":       fields{"name": "new"},
		"another folder":   fields{"parent": fields{"id": sub}},
		"nulls":            fields{"name": nil, "parent": nil, "size": nil},
		"parent id null":   fields{"parent": fields{"id": nil}},
	} {
		t.Run("11 version, "+what+": 200", func(t *testing.T) { allowed(t, ask(t, theirs, body), own) })
	}

	trashed := w.simple(t, "trashed", "x").file()
	w.do(t, "DELETE", "/2.0/files/"+trashed.ID, nil).empty(204)
	poor := w.user(t, "poor@example.net", 500)
	for _, row := range []struct {
		what   string
		path   string
		body   any
		status int
		code   string
	}{
		{"body not JSON", path, "name", 400, "invalid_json"},
		{"body not an object", path, "[]", 400, "invalid_json"},
		{"negative size", path, fields{"name": "a", "parent": parent, "size": -1}, 400, "invalid_file_size"},
		{"size with a fraction", path, fields{"name": "a", "parent": parent, "size": 1.5}, 400, "invalid_file_size"},
		{"no name", path, fields{"parent": parent}, 400, "missing_file_name"},
		{"name null", path, fields{"name": nil, "parent": parent}, 400, "missing_file_name"},
		{"no parent", path, fields{"name": "a"}, 400, "missing_destination"},
		{"parent without id", path, fields{"name": "a", "parent": fields{}}, 400, "missing_destination"},
		{"folder id not numeric", path, fields{"name": "a", "parent": fields{"id": "root"}}, 400, "invalid_folder_id"},
		{"bad name", path, fields{"name": "a/b", "parent": parent}, 400, "item_name_invalid"},
		{"name too long", path, fields{"name": strings.Repeat("n", 256), "parent": parent}, 400, "item_name_too_long"},
		{"folder unknown", path, fields{"name": "a", "parent": fields{"id": "990017"}}, 404, "not_found"},
		{"a file as folder", path, fields{"name": "a", "parent": fields{"id": f.ID}}, 404, "not_found"},
		{"target file unknown", "/2.0/files/990017/content", fields{}, 404, "not_found"},
		{"a folder as file", "/2.0/files/" + sub + "/content", fields{}, 404, "not_found"},
		{"target file no id", "/2.0/files/x/content", fields{}, 404, "not_found"},
		{"target file in trash", "/2.0/files/" + trashed.ID + "/content", fields{}, 404, "trashed"},
		{"over the size cap", path, fields{"name": "a", "parent": parent, "size": 10_001}, 403, "file_size_limit_exceeded"},
		{"a version over the size cap", theirs, fields{"size": 10_001}, 403, "file_size_limit_exceeded"},
		{"name taken", path, fields{"name": "there.TXT", "parent": parent}, 409, "item_name_in_use"},
		{"name taken by a folder", path, fields{"name": "Sub", "parent": parent}, 409, "item_name_in_use"},
		{"a version's new name taken", theirs, fields{"name": "sub"}, 409, "item_name_in_use"},
		{"a version's bad name", theirs, fields{"name": ""}, 400, "item_name_invalid"},
	} {
		t.Run(fmt.Sprintf("11 %s: %d %s", row.what, row.status, row.code), func(t *testing.T) {
			ask(t, row.path, row.body).refused(row.status, row.code)
		})
	}
	t.Run("11 over quota: 403 storage_limit_exceeded", func(t *testing.T) {
		body := fields{"name": "a", "parent": parent, "size": 501}
		poor.do(t, "OPTIONS", path, body).refused(403, "storage_limit_exceeded")
		body["size"] = 500
		poor.do(t, "OPTIONS", path, body).want(200)
	})
	t.Run("11 somebody else's file: 404 not_found", func(t *testing.T) {
		poor.do(t, "OPTIONS", theirs, fields{}).refused(404, "not_found")
	})
	t.Run("3.5 checks in order", func(t *testing.T) {
		poor.simple(t, "taken", "x").file()
		body := fields{"name": "taken", "parent": fields{"id": "990017"}, "size": 10_001}
		body["size"], body["name"] = -1, nil
		poor.do(t, "OPTIONS", path, body).refused(400, "invalid_file_size")
		body["size"] = 10_001
		poor.do(t, "OPTIONS", path, body).refused(400, "missing_file_name")
		body["name"], body["parent"] = "a/b", nil
		poor.do(t, "OPTIONS", path, body).refused(400, "missing_destination")
		body["parent"] = fields{"id": "990017"}
		poor.do(t, "OPTIONS", path, body).refused(400, "item_name_invalid")
		body["name"] = "taken"
		poor.do(t, "OPTIONS", path, body).refused(404, "not_found")
		body["parent"] = parent
		poor.do(t, "OPTIONS", path, body).refused(403, "file_size_limit_exceeded")
		body["size"] = 9000
		poor.do(t, "OPTIONS", path, body).refused(403, "storage_limit_exceeded")
		body["size"] = nil
		poor.do(t, "OPTIONS", path, body).refused(409, "item_name_in_use")
	})
	t.Run("10.2 without a token: 401", func(t *testing.T) {
		w.do(t, "OPTIONS", path, fields{"name": "a", "parent": parent}, "Authorization", "").empty(401)
	})
	t.Run("11 a browser's own preflight is told apart by Access-Control-Request-Method", func(t *testing.T) {
		w.do(t, "OPTIONS", path, nil, "Authorization", "", "Origin", "https://app.example", "Access-Control-Request-Method", "OPTIONS").refused(403, "cors_origin_not_whitelisted")
		// Not by Origin, which the browser sends with Box's preflight too.
		allowed(t, w.do(t, "OPTIONS", path, fields{"name": "a", "parent": parent}, "Origin", "https://app.example"), url)
	})
	t.Run("11 POST /html5?reachability_test=run: 200, without a token", func(t *testing.T) {
		w.do(t, "POST", "/html5?reachability_test=run", "x", "Authorization", "").want(200)
	})
}

func TestUploadURLAcceptsSimpleUploads(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	preflight := func(path string, body any) string {
		return w.do(t, "OPTIONS", path, body).want(200).object()["upload_url"].(string)
	}
	attributes := fields{"name": "preflighted", "parent": fields{"id": "0"}}
	url := preflight("/2.0/files/content", attributes)
	f := w.post(t, url+"?fields=size", newForm().attributes(attributes).file([]byte("first"))).file()
	t.Run("11 of a new file", func(t *testing.T) {
		if f.Name != "preflighted" || f.Size != 5 {
			t.Errorf("got %+v", f)
		}
	})
	t.Run("11 of a version", func(t *testing.T) {
		w.Clock.Add(time.Second)
		url := preflight("/2.0/files/"+f.ID+"/content", nil)
		got := w.post(t, url, newForm().attributes("{}").file([]byte("second one"))).file()
		if got.ID != f.ID || got.Size != 10 {
			t.Errorf("got %+v", got)
		}
	})
}
