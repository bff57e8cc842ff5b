package httpapi_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

const versionStandard = "type id sha1 name size created_at modified_at modified_by trashed_at restored_at purged_at uploader_display_name"

// versions are the ids of the past versions of a file.
func (w *wire) versions(t testing.TB, fileID string) (ids []string) {
	t.Helper()
	var l struct{ Entries []struct{ ID string } }
	w.do(t, "GET", "/2.0/files/"+fileID+"/versions", nil).want(200).decode(&l)
	for _, e := range l.Entries {
		ids = append(ids, e.ID)
	}
	return ids
}

func TestVersionByID(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	f := w.simple(t, "First.TXT", "1").file()
	first := f.FileVersion.ID
	w.Clock.Add(time.Minute)
	f = w.post(t, "/2.0/files/"+f.ID+"/content", newForm().attributes(fields{"name": "second"}).file([]byte("22"))).file()
	second := f.FileVersion.ID
	path := "/2.0/files/" + f.ID + "/versions/"

	t.Run("7 GET of a past version, and of the current one", func(t *testing.T) {
		got := w.get(t, path+first)
		checkKeys(t, "a version", got, versionStandard)
		for key, want := range map[string]any{"type": "file_version", "id": first, "name": "First.TXT", "size": 1, "sha1": sha1Of([]byte("1")), "trashed_at": nil, "restored_at": nil, "purged_at": nil} {
			same(t, key, got[key], want)
		}
		got = w.get(t, path+second+"?fields=name,version_number,sha1")
		checkKeys(t, "a version", got, "type id name version_number sha1")
		same(t, "version_number", got["version_number"], "2")
	})
	t.Run("6 every field of a version", func(t *testing.T) {
		const all = "version_number extension permissions authenticated_download_url is_download_available version_limit restored_from promoted_by retention"
		for _, got := range []map[string]any{
			w.get(t, path+first+"?fields="+strings.ReplaceAll(all, " ", ",")),
			w.do(t, "GET", strings.TrimSuffix(path, "/")+"?fields="+strings.ReplaceAll(all, " ", ","), nil).object()["entries"].([]any)[0].(map[string]any),
		} {
			checkKeys(t, "a version", got, "type id "+all)
			for key, want := range map[string]any{"version_number": "1", "extension": "TXT", "is_download_available": true, "restored_from": nil, "promoted_by": nil} {
				same(t, key, got[key], want)
			}
			checkKeys(t, "permissions", got["permissions"].(map[string]any), filePermissions)
			r := w.do(t, "GET", got["authenticated_download_url"].(string), nil).empty(302)
			same(t, "bytes", string(w.do(t, "GET", r.header.Get("Location"), nil).want(200).body), "1")
		}
	})
	t.Run("4 what is not there: 404", func(t *testing.T) {
		other := w.simple(t, "other", "x").file()
		for _, p := range []string{path + other.FileVersion.ID, path + "990017", path + "x", path + "0", "/2.0/files/990017/versions/" + first, "/2.0/files/" + other.ID + "/versions/" + first} {
			for _, method := range []string{"GET", "DELETE"} {
				w.do(t, method, p, nil, "If-Match", "0").refused(404, "not_found")
			}
			w.do(t, "PUT", p, `{"trashed_at":null}`).refused(404, "not_found")
		}
		stranger := w.user(t, "stranger@example.net", 0)
		for _, method := range []string{"GET", "DELETE"} {
			stranger.do(t, method, path+first, nil).refused(404, "not_found")
		}
		stranger.do(t, "PUT", path+first, `{"trashed_at":null}`).refused(404, "not_found")
		stranger.do(t, "POST", path+"current", fields{"id": first, "type": "file_version"}).refused(404, "not_found")
	})
	t.Run("10 DELETE sets trashed_at and trashed_by; the version is still readable", func(t *testing.T) {
		before, events := w.get(t, "/2.0/files/"+f.ID), len(w.happened(t, f.ID))
		w.do(t, "DELETE", path+first, nil, "If-Match", `"0"`).refused(412, "precondition_failed")
		w.Clock.Add(time.Minute)
		w.do(t, "DELETE", path+first, "{}", "If-Match", `"1"`).empty(204)
		w.Clock.Add(time.Minute)
		w.do(t, "DELETE", path+first, nil).empty(204) // again
		got := w.get(t, path+first)
		checkKeys(t, "a version", got, versionStandard+" trashed_by")
		at := must(time.Parse(time.RFC3339, got["trashed_at"].(string)))
		if ago := w.Clock.Now().Sub(at); ago < time.Minute || ago > 2*time.Minute {
			t.Errorf("trashed_at is %v", at)
		}
		if until := must(time.Parse(time.RFC3339, got["purged_at"].(string))); until.Sub(at) != 30*24*time.Hour {
			t.Errorf("purged_at is %v, trashed_at %v", until, at)
		}
		same(t, "trashed_by", got["trashed_by"], got["modified_by"])
		same(t, "in the list", w.do(t, "GET", strings.TrimSuffix(path, "/"), nil).object()["entries"].([]any)[0], got)
		same(t, "bytes", string(w.do(t, "GET", w.contentURL(t, f.ID, "?version="+first), nil).want(200).body), "1")
		same(t, "the file", w.get(t, "/2.0/files/"+f.ID), before)
		same(t, "events", w.happened(t, f.ID)[events:], []string{"ITEM_VERSION_DELETE"})
	})
	t.Run("10 the current version can't be deleted", func(t *testing.T) {
		w.do(t, "DELETE", path+second, nil).refused(400, "bad_request")
	})
	t.Run("10 a deleted version can't be made current", func(t *testing.T) {
		w.do(t, "POST", path+"current", fields{"id": first, "type": "file_version"}).refused(404, "trashed")
	})
	t.Run("10 PUT trashed_at null clears them, and sets restored_at and restored_by", func(t *testing.T) {
		for _, body := range []any{nil, "{}", `{"trashed_at":"2031-01-01T00:00:00Z"}`, `{"trashed_at":7}`} {
			w.do(t, "PUT", path+first, body).refused(400, "bad_request")
		}
		events := len(w.happened(t, f.ID))
		w.Clock.Add(time.Minute)
		got := w.do(t, "PUT", path+first, `{"trashed_at":null}`).want(200).object()
		checkKeys(t, "a version", got, versionStandard+" restored_by")
		same(t, "trashed_at", got["trashed_at"], nil)
		same(t, "restored_by", got["restored_by"], got["modified_by"])
		if at := must(time.Parse(time.RFC3339, got["restored_at"].(string))); w.Clock.Now().Sub(at) > time.Minute {
			t.Errorf("restored_at is %v", at)
		}
		w.Clock.Add(time.Minute)
		same(t, "restored again", w.do(t, "PUT", path+first, `{"trashed_at":null}`).want(200).object(), got)
		same(t, "the current one", w.do(t, "PUT", path+second+"?fields=name", `{"trashed_at":null}`).want(200).object()["name"], "second")
		same(t, "events", w.happened(t, f.ID)[events:], []string{"ITEM_VERSION_RESTORE"})
	})
	t.Run("10 of a file in the trash: 404 trashed", func(t *testing.T) {
		w.do(t, "DELETE", "/2.0/files/"+f.ID, nil).empty(204)
		for _, method := range []string{"GET", "DELETE"} {
			w.do(t, method, path+first, nil).refused(404, "trashed")
		}
		w.do(t, "PUT", path+first, `{"trashed_at":null}`).refused(404, "trashed")
		w.do(t, "POST", path+"current", fields{"id": first}).refused(404, "trashed")
		w.do(t, "DELETE", "/2.0/files/"+f.ID+"/trash", nil).empty(204)
		w.do(t, "GET", path+first, nil).refused(404, "not_found")
	})
}

func TestPromoteVersion(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	u := w.user(t, "u@example.net", 100)
	old := noise(40)
	f := u.upload(t, "old.txt", old)
	first := f.FileVersion.ID
	w.Clock.Add(time.Minute)
	u.post(t, "/2.0/files/"+f.ID+"/content", newForm().attributes(fields{"name": "new.txt"}).file([]byte("new"))).file()
	path := "/2.0/files/" + f.ID
	current := path + "/versions/current"

	t.Run("10 promote copies a version to a new current one, 201", func(t *testing.T) {
		before, events := u.get(t, path), len(w.happened(t, f.ID))
		w.Clock.Add(time.Minute)
		v := u.do(t, "POST", current, fields{"type": "file_version", "id": first}).want(201).object()
		checkKeys(t, "a version", v, versionStandard)
		if v["id"] == first || v["id"] == before["file_version"].(map[string]any)["id"] {
			t.Errorf("its id is %v", v["id"])
		}
		for key, want := range map[string]any{"type": "file_version", "name": "old.txt", "size": 40, "sha1": sha1Of(old)} {
			same(t, key, v[key], want)
		}
		got := u.get(t, path)
		checkStandard(t, got)
		for key, want := range map[string]any{"etag": "2", "name": "old.txt", "size": 40, "sha1": sha1Of(old), "created_at": before["created_at"],
			"file_version": map[string]any{"type": "file_version", "id": v["id"], "sha1": sha1Of(old)}} {
			same(t, key, got[key], want)
		}
		for _, key := range []string{"modified_at", "content_modified_at"} {
			if got[key] == before[key] {
				t.Errorf("%s is still %v", key, got[key])
			}
		}
		same(t, "past versions", u.versions(t, f.ID), []string{before["file_version"].(map[string]any)["id"].(string), first})
		same(t, "events", w.happened(t, f.ID)[events:], []string{"ITEM_MAKE_CURRENT_VERSION"})
		if b := u.download(t, f.ID); string(b) != string(old) {
			t.Errorf("downloaded %q", b)
		}
		full := u.get(t, path+"?fields=version_number,restored_from,promoted_by")
		same(t, "version_number", full["version_number"], "3")
		same(t, "restored_from", full["restored_from"], map[string]any{"type": "file_version", "id": first})
		same(t, "promoted_by", full["promoted_by"], got["modified_by"])
		same(t, "space_used", u.used(t), "83")
	})
	t.Run("10 it counts for the quota", func(t *testing.T) {
		u.do(t, "POST", current, fields{"type": "file_version", "id": first}).refused(403, "storage_limit_exceeded")
		same(t, "space_used", u.used(t), "83")
	})
	t.Run("10 under its old name, which may be taken: 409", func(t *testing.T) {
		other := u.simple(t, "NEW.txt", "1").file()
		second := u.versions(t, f.ID)[0]
		clash := u.do(t, "POST", current, fields{"type": "file_version", "id": second}).refused(409, "item_name_in_use")
		same(t, "conflicts", clash.ContextInfo.Conflicts["id"], other.ID)
		same(t, "etag", u.get(t, path)["etag"], "2")
		u.do(t, "DELETE", "/2.0/files/"+other.ID, nil).empty(204)
		v := u.do(t, "POST", current+"?fields=name,version_number", fields{"type": "file_version", "id": json.Number(second)}).want(201)
		checkKeys(t, "a version", v.object(), "type id name version_number")
		same(t, "version_number", v.object()["version_number"], "4")
		same(t, "name", u.get(t, path)["name"], "new.txt")
	})
	t.Run("4 refused", func(t *testing.T) {
		for _, row := range []struct {
			body   any
			status int
			code   string
		}{
			{nil, 400, "bad_request"},
			{fields{"type": "file_version"}, 400, "bad_request"},
			{fields{"type": "file", "id": first}, 400, "bad_request"},
			{fields{"type": "file_version", "id": "x"}, 404, "not_found"},
			{fields{"type": "file_version", "id": "990017"}, 404, "not_found"},
			{fields{"type": "file_version", "id": u.get(t, path)["file_version"].(map[string]any)["id"]}, 400, "bad_request"},
		} {
			u.do(t, "POST", current, row.body).refused(row.status, row.code)
		}
	})
	t.Run("what shares bytes goes by itself", func(t *testing.T) {
		for _, v := range u.versions(t, f.ID) {
			u.do(t, "DELETE", path+"/versions/"+v, nil).empty(204)
		}
		same(t, "bytes", string(u.download(t, f.ID)), "new")
		u.do(t, "DELETE", path, nil).empty(204)
		u.do(t, "DELETE", path+"/trash", nil).empty(204)
		w.Chores(t.Context())                 // what the delete had no time for goes behind its answer
		same(t, "space_used", u.used(t), "1") // NEW.txt
	})
}
