package httpapi_test

import (
	"slices"
	"testing"
	"time"
)

func TestTrashedFile(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	folder := w.folder(t, "0", "folder")
	put := func(name string) file {
		return w.post(t, "/2.0/files/content", newForm().attributes(fields{"name": name, "parent": fields{"id": folder}}).file([]byte("bytes"))).file()
	}
	f := put("doc")
	path := "/2.0/files/" + f.ID
	before := w.get(t, path)

	t.Run("10 DELETE with If-Match: 412 if it differs, 404 if the file is not there", func(t *testing.T) {
		w.do(t, "DELETE", path, nil, "If-Match", `"1"`).refused(412, "precondition_failed")
		w.do(t, "DELETE", "/2.0/files/990017", nil, "If-Match", "0").refused(404, "not_found")
		w.do(t, "DELETE", path, "{}", "If-Match", `"0"`).empty(204)
	})
	t.Run("10 GET of a trashed file: 200 with item_status trashed", func(t *testing.T) {
		w.Clock.Add(time.Minute)
		got := w.get(t, path)
		checkStandard(t, got)
		same(t, "item_status", got["item_status"], "trashed")
		same(t, "path_collection", got["path_collection"], map[string]any{"total_count": 1, "entries": []any{
			map[string]any{"type": "folder", "id": "1", "sequence_id": nil, "etag": nil, "name": "Trash"}}})
		for _, key := range []string{"parent", "name", "sha1", "file_version", "size", "created_by", "owned_by", "modified_at", "content_modified_at"} {
			same(t, key, got[key], before[key])
		}
		same(t, "shared_link", got["shared_link"], nil)
		at, err := time.Parse(time.RFC3339, got["trashed_at"].(string))
		if err != nil || at.After(w.Clock.Now()) || w.Clock.Now().Sub(at) > 2*time.Minute {
			t.Errorf("trashed_at is %v", got["trashed_at"])
		}
		until, err := time.Parse(time.RFC3339, got["purged_at"].(string))
		if err != nil || until.Sub(at) != 30*24*time.Hour {
			t.Errorf("purged_at is %v, 30 days after %v", got["purged_at"], at)
		}
		same(t, "the file by GET .../trash", w.get(t, path+"/trash"), got)
		checkKeys(t, "the file", w.get(t, path+"/trash?fields=name"), fileBase+"name")
	})
	t.Run("10 what else a trashed file answers", func(t *testing.T) {
		w.do(t, "DELETE", path, nil).refused(404, "trashed")
		w.do(t, "GET", path+"/content", nil).refused(404, "trashed")
		var list struct{ Entries []file }
		w.do(t, "GET", "/2.0/folders/"+folder+"/items", nil).want(200).decode(&list)
		if len(list.Entries) != 0 {
			t.Errorf("the folder has %v", list.Entries)
		}
		w.do(t, "GET", path, nil, "If-None-Match", "1").empty(304)
	})
	t.Run("10 restore: 409 on a clash, 201 under another name; path and parent are back", func(t *testing.T) {
		second := put("DOC") // the name is free again
		clash := w.do(t, "POST", path, nil).refused(409, "item_name_in_use")
		same(t, "conflicts", clash.ContextInfo.Conflicts["id"], second.ID)
		got := w.do(t, "POST", path, fields{"name": "back", "parent": nil}).want(201).object()
		checkStandard(t, got)
		same(t, "name", got["name"], "back")
		for key, want := range map[string]any{"item_status": "active", "trashed_at": nil, "purged_at": nil, "parent": before["parent"],
			"path_collection": before["path_collection"], "modified_at": before["modified_at"], "etag": "2", "sequence_id": "2"} {
			same(t, key, got[key], want)
		}
		w.do(t, "POST", path, nil).refused(404, "not_trashed")
		w.do(t, "GET", path+"/trash", nil).refused(404, "not_trashed")
		w.do(t, "DELETE", path+"/trash", nil).refused(404, "not_trashed")
	})
	t.Run("10 restore: 403 if the old parent is gone, 201 with another", func(t *testing.T) {
		w.do(t, "DELETE", path, nil).empty(204)
		w.do(t, "DELETE", "/2.0/folders/"+folder+"?recursive=true", nil).empty(204)
		w.do(t, "POST", path, nil).refused(403, "access_denied_insufficient_permissions")
		got := w.do(t, "POST", path, fields{"parent": fields{"id": "0"}}).want(201).object()
		same(t, "parent", got["parent"].(map[string]any)["id"], "0")
	})
	t.Run("10 DELETE .../trash is final: 204, then 404, and the quota is free", func(t *testing.T) {
		used := w.used(t)
		w.do(t, "DELETE", path, nil).empty(204)
		if w.used(t) != used {
			t.Errorf("%s bytes used: what is in the trash counts", w.used(t))
		}
		w.do(t, "DELETE", path+"/trash", nil).empty(204)
		for _, ask := range [][2]string{{"GET", ""}, {"DELETE", ""}, {"POST", ""}, {"GET", "/trash"}, {"DELETE", "/trash"}, {"GET", "/content"}} {
			w.do(t, ask[0], path+ask[1], nil).refused(404, "not_found")
		}
		if w.used(t) == used {
			t.Errorf("still %s bytes used", used)
		}
	})
	t.Run("10 somebody else's trash: 404", func(t *testing.T) {
		f := w.simple(t, "mine", "x").file()
		w.do(t, "DELETE", "/2.0/files/"+f.ID, nil).empty(204)
		other := w.user(t, "other@example.net", 0)
		for _, method := range []string{"GET", "DELETE"} {
			other.do(t, method, "/2.0/files/"+f.ID+"/trash", nil).refused(404, "not_found")
		}
		other.do(t, "POST", "/2.0/files/"+f.ID, nil).refused(404, "not_found")
	})
	t.Run("10 purge after 30 days", func(t *testing.T) {
		f := w.simple(t, "old", "x").file()
		w.do(t, "DELETE", "/2.0/files/"+f.ID, nil).empty(204)
		w.Clock.Add(29 * 24 * time.Hour)
		w.Chores(t.Context())
		w.do(t, "GET", "/2.0/files/"+f.ID, nil).want(200)
		w.Clock.Add(25 * time.Hour)
		w.Chores(t.Context())
		w.do(t, "GET", "/2.0/files/"+f.ID, nil).refused(404, "not_found")
	})
}

func TestTrashedFolder(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	folder := w.folder(t, "0", "folder")
	sub := w.folder(t, folder, "sub")
	f := w.post(t, "/2.0/files/content", newForm().attributes(fields{"name": "deep", "parent": fields{"id": sub}}).file([]byte("bytes"))).file()
	path := "/2.0/folders/" + folder
	t.Run("10 delete: non-empty without recursive=true: 400 folder_not_empty", func(t *testing.T) {
		for _, query := range []string{"", "?recursive=false", "?recursive="} {
			w.do(t, "DELETE", path+query, nil).refused(400, "folder_not_empty")
		}
		w.do(t, "DELETE", path+"?recursive=true", nil, "If-Match", "7").refused(412, "precondition_failed")
	})
	t.Run("10 delete: with it the whole subtree goes to the trash: 204", func(t *testing.T) {
		w.do(t, "DELETE", path+"?recursive=true", nil, "If-Match", "0").empty(204)
		for _, id := range []string{folder, sub} {
			w.do(t, "GET", "/2.0/folders/"+id, nil).refused(404, "trashed")
			w.do(t, "GET", "/2.0/folders/"+id+"/items", nil).refused(404, "trashed")
			w.do(t, "DELETE", "/2.0/folders/"+id, nil).refused(404, "trashed")
		}
		same(t, "item_status", w.get(t, "/2.0/files/"+f.ID)["item_status"], "trashed")
		w.do(t, "GET", "/2.0/files/"+f.ID+"/content", nil).refused(404, "trashed")
		if names := w.names(t); len(names) != 0 {
			t.Errorf("the root has %q", names)
		}
		w.folder(t, "0", "Folder") // the name is free again
	})
	t.Run("10 GET .../trash works for the directly trashed item only", func(t *testing.T) {
		w.do(t, "GET", "/2.0/files/"+f.ID+"/trash", nil).refused(404, "not_found")
		w.do(t, "POST", "/2.0/files/"+f.ID, nil).refused(404, "not_found")
	})
	t.Run("10 nothing can be put there", func(t *testing.T) {
		w.do(t, "POST", "/2.0/folders", fields{"name": "x", "parent": fields{"id": sub}}).refused(404, "trashed")
		w.do(t, "OPTIONS", "/2.0/files/content", fields{"name": "x", "parent": fields{"id": folder}}).refused(404, "trashed")
		w.do(t, "POST", "/2.0/files/upload_sessions", fields{"folder_id": sub, "file_name": "x", "file_size": 1}).refused(404, "trashed")
	})
	t.Run("10 restore of a tree, with a clash and another name", func(t *testing.T) {
		listed := w.get(t, "/2.0/folders/trash/items?fields=size")["entries"].([]any)
		same(t, "size in the list", listed[0].(map[string]any)["size"], 5.0)
		trashed := w.get(t, path+"/trash")
		same(t, "item_status", trashed["item_status"], "trashed")
		same(t, "size", trashed["size"], 5.0)
		w.do(t, "GET", "/2.0/folders/"+sub+"/trash", nil).refused(404, "not_found")
		w.do(t, "POST", path, nil).refused(409, "item_name_in_use") // by "Folder"
		w.do(t, "POST", path, fields{"parent": fields{"id": sub}}).refused(404, "trashed")
		r := w.do(t, "POST", path, fields{"name": "back"}).want(201)
		var back map[string]any
		r.decode(&back)
		same(t, "name", back["name"], "back")
		same(t, "item_status", back["item_status"], "active")
		same(t, "size", back["size"], 5.0)
		w.do(t, "POST", path, nil).refused(404, "not_trashed")
		w.do(t, "DELETE", path+"/trash", nil).refused(404, "not_trashed")
	})
	t.Run("10 a tree is deleted for good, by its owner and after 30 days", func(t *testing.T) {
		used := func() any { return w.get(t, "/2.0/users/me")["space_used"] }
		same(t, "space_used before", used(), 5.0)
		w.do(t, "DELETE", path+"?recursive=true", nil).empty(204)
		same(t, "space_used in the trash", used(), 5.0)
		w.do(t, "DELETE", path+"/trash", nil).empty(204)
		for _, gone := range []string{path, path + "/trash", "/2.0/folders/" + sub, "/2.0/files/" + f.ID} {
			w.do(t, "GET", gone, nil).refused(404, "not_found")
		}
		// What takes longer than a moment is deleted behind the answer.
		until(t, "space_used after", func() bool { return string(toJSON(t, used())) == "0" })

		old := w.folder(t, "0", "old")
		in := w.post(t, "/2.0/files/content", newForm().attributes(fields{"name": "in", "parent": fields{"id": w.folder(t, old, "deeper")}}).file([]byte("1234567"))).file()
		w.do(t, "DELETE", "/2.0/folders/"+old+"?recursive=true", nil).empty(204)
		w.Clock.Add(30*24*time.Hour + time.Minute)
		w.Chores(t.Context())
		w.do(t, "GET", "/2.0/files/"+in.ID, nil).refused(404, "not_found")
		same(t, "space_used after 30 days", used(), 0.0)
	})
	t.Run("10 an empty folder needs no recursive; the root can't be deleted", func(t *testing.T) {
		w.do(t, "DELETE", "/2.0/folders/"+w.folder(t, "0", "empty"), nil).empty(204)
		if r := w.do(t, "DELETE", "/2.0/folders/0?recursive=true", nil); r.status < 400 || r.status >= 500 {
			t.Errorf("%v: want a refusal", r)
		}
		w.do(t, "DELETE", "/2.0/folders/990017", nil).refused(404, "not_found")
	})
}

func TestTrashListing(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	for _, name := range []string{"c", "a", "b"} {
		w.do(t, "DELETE", "/2.0/files/"+w.simple(t, name, "x").file().ID, nil).empty(204)
	}
	w.do(t, "DELETE", "/2.0/folders/"+w.folder(t, "0", "z"), nil).empty(204)
	w.simple(t, "alive", "x").file()
	other := w.user(t, "other@example.net", 0)
	type list struct {
		TotalCount *int `json:"total_count"`
		Entries    []struct{ Type, Name string }
		NextMarker *string `json:"next_marker"`
	}
	get := func(t *testing.T, w *wire, query string) (names []string, l list) {
		t.Helper()
		w.do(t, "GET", "/2.0/folders/trash/items"+query, nil).want(200).decode(&l)
		for _, e := range l.Entries {
			names = append(names, e.Type+" "+e.Name)
		}
		return names, l
	}
	all := []string{"folder z", "file a", "file b", "file c"}
	t.Run("10 the trash pages likewise: by offset", func(t *testing.T) {
		if names, l := get(t, w, ""); !slices.Equal(names, all) || l.TotalCount == nil || *l.TotalCount != 4 {
			t.Errorf("got %q", names)
		}
		if names, l := get(t, w, "?offset=1&limit=2"); !slices.Equal(names, all[1:3]) || *l.TotalCount != 4 {
			t.Errorf("got %q", names)
		}
		if names, _ := get(t, other, ""); len(names) != 0 {
			t.Errorf("another user gets %q", names)
		}
	})
	t.Run("10 the trash pages likewise: sorted", func(t *testing.T) {
		for query, want := range map[string][]string{
			"?sort=name&direction=DESC":         {"folder z", "file c", "file b", "file a"},
			"?sort=id&direction=ASC":            {"folder z", "file c", "file a", "file b"},
			"?sort=ID&direction=desc&limit=3":   {"folder z", "file b", "file a"},
			"?sort=size&direction=ASC&offset=1": {"file c", "file a", "file b"},
		} {
			if names, _ := get(t, w, query); !slices.Equal(names, want) {
				t.Errorf("%s: got %q, want %q", query, names, want)
			}
		}
	})
	t.Run("10 the trash pages likewise: by marker", func(t *testing.T) {
		var got []string
		for marker := ""; ; {
			names, l := get(t, w, "?usemarker=true&limit=2&marker="+marker)
			if got = append(got, names...); l.NextMarker == nil {
				break
			}
			if marker = *l.NextMarker; marker == "" || len(names) != 2 {
				t.Fatalf("marker %q after %q", marker, names)
			}
		}
		if !slices.Equal(got, all) {
			t.Errorf("got %q, want %q", got, all)
		}
	})
	t.Run("10 the entries are in the trash", func(t *testing.T) {
		for _, e := range w.get(t, "/2.0/folders/trash/items?fields=item_status,path_collection,trashed_at,name")["entries"].([]any) {
			o := e.(map[string]any)
			same(t, "item_status", o["item_status"], "trashed")
			if o["trashed_at"] == nil {
				t.Errorf("trashed_at of %v is null", o["name"])
			}
		}
	})
}
