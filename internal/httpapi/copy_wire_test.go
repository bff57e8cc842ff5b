package httpapi_test

import (
	"fmt"
	"testing"
	"time"
)

func TestCopies(t *testing.T) {
	sharing(t, map[string]func(*testing.T, *wire){
		"CopyFile":   testCopyFile,
		"CopyFolder": testCopyFolder,
	})
}

// copyOf copies an item, which has to work.
func (w *wire) copyOf(t testing.TB, path string, body fields) map[string]any {
	t.Helper()
	return w.do(t, "POST", path+"/copy", body).want(201).object()
}

func testCopyFile(t *testing.T, w *wire) {
	from, to := w.folder(t, "0", "copy from"), w.folder(t, "0", "copy to")
	f := w.post(t, "/2.0/files/content", newForm().attributes(fields{"name": "doc", "parent": fields{"id": from},
		"content_created_at": "2019-01-02T03:04:05Z", "content_modified_at": "2020-01-02T03:04:05Z"}).file([]byte("first"))).file()
	first := f.FileVersion.ID
	w.post(t, "/2.0/files/"+f.ID+"/content", newForm().attributes(fields{"content_created_at": "2019-01-02T03:04:05Z", "content_modified_at": "2021-01-02T03:04:05Z"}).file([]byte("second"))).file()
	path := "/2.0/files/" + f.ID
	before := w.get(t, path)
	w.Clock.Add(time.Minute)

	t.Run("10 copy: 201, Standard; a new file at etag 0, with the name and the times of the content", func(t *testing.T) {
		used := w.used(t)
		got := w.copyOf(t, path, fields{"parent": fields{"id": to}})
		checkStandard(t, got)
		for _, key := range []string{"name", "sha1", "size", "content_created_at", "content_modified_at", "description", "owned_by"} {
			same(t, key, got[key], before[key])
		}
		for key, want := range map[string]any{"etag": "0", "sequence_id": "0", "item_status": "active", "shared_link": nil, "trashed_at": nil} {
			same(t, key, got[key], want)
		}
		same(t, "parent", got["parent"].(map[string]any)["id"], to)
		for _, key := range []string{"id", "created_at", "modified_at", "file_version"} {
			if fmt.Sprint(got[key]) == fmt.Sprint(before[key]) {
				t.Errorf("%s is that of the source: %v", key, got[key])
			}
		}
		same(t, "version_number", w.get(t, "/2.0/files/"+got["id"].(string)+"?fields=version_number")["version_number"], "1")
		same(t, "past versions", w.get(t, "/2.0/files/"+got["id"].(string)+"/versions")["total_count"], 0)
		same(t, "the source", w.get(t, path), before)
		if w.used(t) == used {
			t.Error("the copy does not count for the quota")
		}
		w.contentIs(t, got["id"].(string), "second")
	})
	t.Run("10 copy: another name, fields, and a past version", func(t *testing.T) {
		got := w.do(t, "POST", path+"/copy?fields=name,size", fields{"parent": fields{"id": "0"}, "name": "other", "version": first}).want(201).object()
		checkKeys(t, "the copy", got, fileBase+"name size")
		same(t, "name", got["name"], "other")
		same(t, "size", got["size"], 5)
		w.contentIs(t, got["id"].(string), "first")
	})
	t.Run("10 copy: a clash is 409 with an object; the name has to be one", func(t *testing.T) {
		clash := w.do(t, "POST", path+"/copy", fields{"parent": fields{"id": from}}).refused(409, "item_name_in_use")
		same(t, "conflicts", clash.ContextInfo.Conflicts["id"], f.ID)
		same(t, "conflicts", clash.ContextInfo.Conflicts["type"], "file")
		w.do(t, "POST", path+"/copy", fields{"parent": fields{"id": from}, "name": "DOC"}).refused(409, "item_name_in_use")
		w.do(t, "POST", path+"/copy", fields{"parent": fields{"id": from}, "name": "a/b"}).refused(400, "item_name_invalid")
		w.do(t, "POST", path+"/copy", fields{"parent": fields{"id": from}, "name": ""}).refused(400, "item_name_invalid")
	})
	t.Run("10 copy: what is not there", func(t *testing.T) {
		w.do(t, "POST", path+"/copy", fields{}).refused(400, "bad_request")
		w.do(t, "POST", path+"/copy", "not JSON").refused(400, "invalid_json")
		for _, id := range []string{"990017", "x"} {
			w.do(t, "POST", path+"/copy", fields{"parent": fields{"id": id}}).refused(404, "not_found")
			w.do(t, "POST", "/2.0/files/"+id+"/copy", fields{"parent": fields{"id": to}}).refused(404, "not_found")
			w.do(t, "POST", path+"/copy", fields{"parent": fields{"id": to}, "version": id}).refused(404, "not_found")
		}
		other := w.user(t, "files@example.net", 0)
		other.do(t, "POST", path+"/copy", fields{"parent": fields{"id": "0"}}).refused(404, "not_found")
		mine := other.folder(t, "0", "mine")
		w.do(t, "POST", path+"/copy", fields{"parent": fields{"id": mine}}).refused(404, "not_found")
		gone := w.put(t, from, "gone", 3)
		w.do(t, "DELETE", "/2.0/files/"+gone.ID, nil).empty(204)
		w.do(t, "POST", "/2.0/files/"+gone.ID+"/copy", fields{"parent": fields{"id": to}}).refused(404, "trashed")
		trash := w.folder(t, "0", "trash")
		w.do(t, "DELETE", "/2.0/folders/"+trash, nil).empty(204)
		w.do(t, "POST", path+"/copy", fields{"parent": fields{"id": trash}}).refused(404, "trashed")
	})
	t.Run("10 copy: quota", func(t *testing.T) {
		poor := w.user(t, "poor@example.net", 10)
		f := poor.simple(t, "six", "123456").file()
		poor.do(t, "POST", "/2.0/files/"+f.ID+"/copy", fields{"parent": fields{"id": "0"}, "name": "twelve"}).refused(403, "storage_limit_exceeded")
		in := poor.folder(t, "0", "in")
		poor.do(t, "POST", "/2.0/files/"+poor.put(t, in, "four", 4).ID+"/copy", fields{"parent": fields{"id": "0"}}).refused(403, "storage_limit_exceeded")
		poor.do(t, "POST", "/2.0/folders/"+in+"/copy", fields{"parent": fields{"id": "0"}, "name": "in2"}).refused(403, "storage_limit_exceeded")
		same(t, "space_used", poor.get(t, "/2.0/users/me")["space_used"], 10)
	})
}

// contentIs reads a file.
func (w *wire) contentIs(t testing.TB, id, want string) {
	t.Helper()
	at := w.do(t, "GET", "/2.0/files/"+id+"/content", nil).want(302).header.Get("Location")
	if got := string(w.do(t, "GET", at, nil).want(200).body); got != want {
		t.Errorf("file %s is %q, want %q", id, got, want)
	}
}

func testCopyFolder(t *testing.T, w *wire) {
	from := w.folder(t, "0", "tree")
	sub := w.folder(t, from, "sub")
	deep := w.folder(t, sub, "deep")
	w.put(t, deep, "file", 30)
	w.put(t, from, "top", 4)
	w.do(t, "DELETE", "/2.0/files/"+w.put(t, sub, "trashed", 500).ID, nil).empty(204)
	path := "/2.0/folders/" + from
	before := w.get(t, path)
	w.Clock.Add(time.Minute)

	t.Run("10 copy of a tree: 201, Standard, and all of it is there", func(t *testing.T) {
		got := w.copyOf(t, path, fields{"parent": fields{"id": "0"}, "name": "tree 2"})
		checkKeys(t, "the copy", got, folderStandard)
		for _, key := range []string{"size", "content_created_at", "description", "owned_by", "path_collection", "parent"} {
			same(t, key, got[key], before[key])
		}
		for key, want := range map[string]any{"name": "tree 2", "etag": "0", "sequence_id": "0", "item_status": "active", "shared_link": nil} {
			same(t, key, got[key], want)
		}
		same(t, "items", got["item_collection"].(map[string]any)["total_count"], 2)
		id := got["id"].(string)
		for _, name := range []string{"sub", "deep", "file"} {
			entries := w.get(t, "/2.0/folders/"+id+"/items?fields=name,path_collection,etag,size")["entries"].([]any)
			e := entries[0].(map[string]any)
			same(t, "name", e["name"], name)
			same(t, "etag", e["etag"], "0")
			same(t, "size", e["size"], 30)
			id = e["id"].(string)
		}
		same(t, "the path of the file", w.get(t, "/2.0/files/"+id)["path_collection"].(map[string]any)["total_count"], 4)
		w.contentIs(t, id, string(make([]byte, 30)))
		same(t, "the source", w.get(t, path)["size"], before["size"])
		same(t, "fields", len(w.do(t, "POST", path+"/copy?fields=name", fields{"parent": fields{"id": "0"}, "name": "tree 3"}).want(201).object()), 4)
	})
	t.Run("10 copy of a tree: into itself or below: 400; a clash: 409 with an array", func(t *testing.T) {
		for _, to := range []string{from, sub, deep} {
			w.do(t, "POST", path+"/copy", fields{"parent": fields{"id": to}}).refused(400, "cyclical_folder_structure")
		}
		w.copyOf(t, "/2.0/folders/"+deep, fields{"parent": fields{"id": from}}) // up is no cycle
		r := w.do(t, "POST", path+"/copy", fields{"parent": fields{"id": "0"}}).want(409).object()
		same(t, "code", r["code"], "item_name_in_use")
		conflicts := r["context_info"].(map[string]any)["conflicts"].([]any)
		same(t, "conflicts", conflicts[0].(map[string]any)["id"], from)
	})
	t.Run("10 copy of a tree: not the root, not somebody else's", func(t *testing.T) {
		w.do(t, "POST", "/2.0/folders/0/copy", fields{"parent": fields{"id": from}}).refused(403, "access_denied_insufficient_permissions")
		w.do(t, "POST", path+"/copy", fields{"name": "x"}).refused(400, "bad_request")
		w.do(t, "POST", path+"/copy", fields{"parent": fields{"id": "990017"}}).refused(404, "not_found")
		w.do(t, "POST", "/2.0/folders/990017/copy", fields{"parent": fields{"id": "0"}}).refused(404, "not_found")
		other := w.user(t, "trees@example.net", 0)
		other.do(t, "POST", path+"/copy", fields{"parent": fields{"id": "0"}}).refused(404, "not_found")
		w.do(t, "GET", path+"/copy", nil).refused(405, "method_not_allowed")
	})
	t.Run("10 a tree of more than a bite: copied, deleted for good, and its room is free again", func(t *testing.T) {
		big := w.folder(t, "0", "big")
		for i := range 15 {
			in := w.folder(t, big, fmt.Sprint("f", i))
			for j := range 20 {
				w.put(t, in, fmt.Sprint(j), 1)
			}
		}
		used := w.used(t)
		c := w.copyOf(t, "/2.0/folders/"+big, fields{"parent": fields{"id": "0"}, "name": "big 2"})
		same(t, "size", c["size"], 300)
		id := c["id"].(string)
		w.do(t, "DELETE", "/2.0/folders/"+id+"?recursive=true", nil).empty(204)
		w.do(t, "DELETE", "/2.0/folders/"+id+"/trash", nil).empty(204)
		for _, gone := range []string{"/2.0/folders/" + id, "/2.0/folders/" + id + "/trash", "/2.0/folders/" + id + "/items"} {
			w.do(t, "GET", gone, nil).refused(404, "not_found")
		}
		for deadline := time.Now().Add(20 * time.Second); w.used(t) != used; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s bytes used, and %s before the copy", w.used(t), used)
			}
		}
	})
}
