package httpapi_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// get is the object at a path.
func (w *wire) get(t testing.TB, path string) map[string]any {
	t.Helper()
	return w.do(t, "GET", path, nil).want(200).object()
}

// same fails the test unless a value is as wanted, in JSON's terms.
func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if g, w := toJSON(t, got), toJSON(t, want); string(g) != string(w) {
		t.Errorf("%s is %s, want %s", what, g, w)
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	u := w.user(t, "quota@example.net", 5000)
	u.simple(t, "x", "1234567").file()
	me := u.get(t, "/2.0/users/me")
	t.Run("6 user: the Standard form", func(t *testing.T) {
		checkKeys(t, "a user", me, "type id name login created_at modified_at language timezone space_amount space_used max_upload_size "+
			"status job_title phone address avatar_url notification_email")
		for key, want := range map[string]any{
			"type": "user", "id": u.who.ID.String(), "name": "User quota@example.net", "login": "quota@example.net",
			"space_amount": json.Number("5000"), "space_used": json.Number("7"), "status": "active",
		} {
			same(t, key, me[key], want)
		}
		for _, key := range []string{"created_at", "modified_at"} {
			if s, _ := me[key].(string); !wireTime.MatchString(s) {
				t.Errorf("%s is %v", key, me[key])
			}
		}
		for _, key := range []string{"space_amount", "max_upload_size"} {
			if n, ok := w.get(t, "/2.0/users/me")[key].(json.Number); !ok || !wireNumber.MatchString(n.String()) || n == "0" {
				t.Errorf("%s without a limit is %v", key, n)
			}
		}
	})
	t.Run("5 fields=enterprise", func(t *testing.T) {
		got := u.get(t, "/2.0/users/me?fields=enterprise")
		checkKeys(t, "the user", got, "type id enterprise")
		e, _ := got["enterprise"].(map[string]any)
		checkKeys(t, "the enterprise", e, "type id name")
		if id, _ := e["id"].(string); e["type"] != "enterprise" || !wireNumber.MatchString(id) {
			t.Errorf("enterprise is %v", e)
		}
	})
	t.Run("6 fields: Base and those named", func(t *testing.T) {
		checkKeys(t, "the user", u.get(t, "/2.0/users/me?fields=name,no_such"), "type id name")
		same(t, "role", w.get(t, "/2.0/users/me?fields=role")["role"], "admin")
		same(t, "role", u.get(t, "/2.0/users/me?fields=role")["role"], "user")
	})
	t.Run("users by id: oneself, and whom the administrator asks for", func(t *testing.T) {
		same(t, "the user", u.get(t, "/2.0/users/"+u.who.ID.String()), me)
		same(t, "the user", w.get(t, "/2.0/users/"+u.who.ID.String()), me)
		other := w.user(t, "other@example.net", 0)
		other.do(t, "GET", "/2.0/users/"+u.who.ID.String(), nil).refused(404, "not_found")
		for _, id := range []string{"990017", "you", "0"} {
			w.do(t, "GET", "/2.0/users/"+id, nil).refused(404, "not_found")
		}
	})
}

func TestGetFile(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	f := w.simple(t, "Report.PDF", "12345").file()
	path := "/2.0/files/" + f.ID

	t.Run("6 file: the Standard form", func(t *testing.T) {
		got := w.get(t, path)
		checkStandard(t, got)
		same(t, "size", got["size"], 5)
		same(t, "item_status", got["item_status"], "active")
	})
	for query, keys := range map[string]string{
		"fields=name":                           fileBase + "name",
		"fields=no_such":                        fileBase,
		"fields=size,size,%20sha1%20":           fileBase + "size sha1",
		"fields=":                               fileStandard,
		"fields=metadata.global.properties,id":  fileBase + "metadata",
		"fields=owned_by,parent,file_version":   fileBase + "owned_by parent file_version",
		"fields=permissions,lock,tags":          fileBase + "permissions lock tags",
		"fields=version_number,comment_count":   fileBase + "version_number comment_count",
		"fields=extension,collections":          fileBase + "extension collections",
		"fields=expires_at,classification":      fileBase + "expires_at classification",
		"fields=watermark_info,representations": fileBase + "watermark_info representations",
	} {
		t.Run("6 exactly Base and the named fields: "+query, func(t *testing.T) {
			got := w.get(t, path+"?"+query)
			if strings.Contains(query, "metadata") || strings.Contains(query, "watermark") {
				// Nothing to say of these yet: they may be left out, and nothing else may be there.
				for key := range got {
					if !slices.Contains(strings.Fields(keys), key) {
						t.Errorf("there is %s", key)
					}
				}
				return
			}
			checkKeys(t, "the file", got, keys)
		})
	}
	t.Run("6 what only fields shows", func(t *testing.T) {
		got := w.get(t, path+"?fields=version_number,comment_count,tags,lock,extension,permissions")
		same(t, "version_number", got["version_number"], "1")
		same(t, "comment_count", got["comment_count"], 0)
		same(t, "tags", got["tags"], []string{})
		same(t, "lock", got["lock"], nil)
		same(t, "extension", got["extension"], "PDF")
		p, _ := got["permissions"].(map[string]any)
		checkKeys(t, "permissions", p, filePermissions)
		for _, key := range []string{"can_download", "can_preview", "can_upload", "can_rename", "can_delete"} {
			same(t, key, p[key], true)
		}
	})
	t.Run("6 fields that browser components ask for", func(t *testing.T) {
		const extra = "authenticated_download_url is_download_available allowed_shared_link_access_levels version_limit restored_from promoted_by retention"
		got := w.get(t, path+"?fields="+strings.ReplaceAll(extra, " ", ","))
		checkKeys(t, "the file", got, fileBase+extra)
		same(t, "is_download_available", got["is_download_available"], true)
		url, _ := got["authenticated_download_url"].(string)
		if !strings.HasPrefix(url, "http") {
			t.Fatalf("authenticated_download_url is %v", got["authenticated_download_url"])
		}
		w.do(t, "GET", url+"?access_token="+w.token, nil, "Authorization", "").empty(302)
	})
	t.Run("10 If-None-Match: equal: 304 with no body", func(t *testing.T) {
		for _, tag := range []string{"0", `"0"`, `W/"0"`, `"7", "0"`, "*"} {
			w.do(t, "GET", path, nil, "If-None-Match", tag).empty(304)
		}
		for _, tag := range []string{"1", `"00"`, " "} {
			w.do(t, "GET", path, nil, "If-None-Match", tag).want(200)
		}
		req := w.request(t, "GET", path, nil)
		req.Header["If-None-Match"] = []string{""}
		w.send(t, req).want(200)
	})
	t.Run("1 on both paths, with a slash at the end, and with a Content-Type", func(t *testing.T) {
		for _, p := range []string{path + "/", "/api" + path, "/api" + path + "/"} {
			w.do(t, "GET", p, nil, "Content-Type", "application/json").want(200)
		}
	})
	t.Run("4 what is not there, or not the caller's: 404 not_found", func(t *testing.T) {
		other := w.user(t, "other@example.net", 0)
		folder := w.folder(t, "0", "folder")
		for _, method := range []string{"GET", "DELETE"} {
			other.do(t, method, path, nil).refused(404, "not_found")
			for _, id := range []string{"990017", "0", "x", folder, "-1", "99999999999999999999"} {
				w.do(t, method, "/2.0/files/"+id, nil).refused(404, "not_found")
			}
		}
	})
}

func TestEtagsMove(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	folder := w.folder(t, "0", "parent")
	in := fields{"id": folder}
	f := w.post(t, "/2.0/files/content", newForm().attributes(fields{"name": "child", "parent": in}).file([]byte("x"))).file()
	now := w.get(t, "/2.0/files/"+f.ID)
	parent := w.get(t, "/2.0/folders/"+folder)
	for _, step := range []struct {
		name    string
		do      func()
		changes string // of the four times of the file, and the folder's
	}{
		{"new content: both times as uploaded", func() {
			w.post(t, "/2.0/files/"+f.ID+"/content", newForm().file([]byte("xx"))).file()
		}, "modified_at content_created_at content_modified_at"},
		{"new content and a name: one step", func() {
			s := w.createVersion(t, f.ID, []byte("xxx"))
			s.commitWith(t, fields{"parts": s.parts(t), "attributes": fields{"name": "renamed"}}).file()
		}, "modified_at content_created_at content_modified_at"},
		{"trash: modified_at does not change", func() {
			w.do(t, "DELETE", "/2.0/files/"+f.ID, nil).empty(204)
		}, ""},
		{"restore: modified_at does not change", func() {
			w.do(t, "POST", "/2.0/files/"+f.ID, nil).want(201)
		}, ""},
	} {
		t.Run("10 etag and sequence_id, "+step.name, func(t *testing.T) {
			w.Clock.Add(time.Minute)
			step.do()
			got, folderNow := w.get(t, "/2.0/files/"+f.ID), w.get(t, "/2.0/folders/"+folder)
			var etag int
			fmt.Sscan(now["etag"].(string), &etag)
			same(t, "etag", got["etag"], fmt.Sprint(etag+1))
			same(t, "sequence_id", got["sequence_id"], got["etag"])
			for _, key := range []string{"created_at", "modified_at", "content_created_at", "content_modified_at"} {
				if changed := got[key] != now[key]; changed != slices.Contains(strings.Fields(step.changes), key) {
					t.Errorf("%s was %v and is %v", key, now[key], got[key])
				}
			}
			same(t, "the parent's etag", folderNow["etag"], "0")
			same(t, "the parent's modified_at", folderNow["modified_at"], parent["modified_at"])
			if folderNow["content_modified_at"] == parent["content_modified_at"] {
				t.Error("the parent's content_modified_at does not move")
			}
			now, parent = got, folderNow
		})
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	f := w.simple(t, "first", "1").file()
	path := "/2.0/files/" + f.ID + "/versions"
	type list struct {
		TotalCount, Offset, Limit int
		Entries                   []map[string]any
	}
	get := func(t *testing.T, query string) (l list) {
		t.Helper()
		r := w.do(t, "GET", path+query, nil).want(200)
		checkKeys(t, "a list of versions", r.object(), "total_count entries limit offset")
		for key, into := range map[string]*int{"total_count": &l.TotalCount, "offset": &l.Offset, "limit": &l.Limit} {
			n, _ := r.object()[key].(json.Number)
			fmt.Sscan(n.String(), into)
		}
		for _, e := range r.object()["entries"].([]any) {
			l.Entries = append(l.Entries, e.(map[string]any))
		}
		return l
	}
	t.Run("10 a file with one version has no past ones", func(t *testing.T) {
		if l := get(t, ""); l.TotalCount != 0 || len(l.Entries) != 0 || l.Limit != 100 {
			t.Errorf("got %+v", l)
		}
	})
	ids := []string{f.FileVersion.ID}
	for i, name := range []string{"second", "second", "last"} {
		w.Clock.Add(time.Minute)
		got := w.post(t, "/2.0/files/"+f.ID+"/content", newForm().attributes(fields{"name": name}).file([]byte(strings.Repeat("x", i+2)))).file()
		ids = append(ids, got.FileVersion.ID)
		if n := w.pastVersions(t, f.ID); n != i+1 {
			t.Errorf("%d past versions after %d more", n, i+1)
		}
	}
	t.Run("10 past versions only, newest first, with the old name and size", func(t *testing.T) {
		l := get(t, "")
		var got []string
		for _, e := range l.Entries {
			got = append(got, fmt.Sprint(e["id"], " ", e["name"], " ", e["size"]))
		}
		want := []string{ids[2] + " second 3", ids[1] + " second 2", ids[0] + " first 1"}
		if !slices.Equal(got, want) || l.TotalCount != 3 {
			t.Errorf("%d versions %q, want %q", l.TotalCount, got, want)
		}
	})
	t.Run("6 file_version", func(t *testing.T) {
		e := get(t, "").Entries[2]
		for key, want := range map[string]any{"type": "file_version", "sha1": sha1Of([]byte("1")), "trashed_at": nil} {
			same(t, key, e[key], want)
		}
		for _, key := range []string{"created_at", "modified_at"} {
			if s, _ := e[key].(string); !wireTime.MatchString(s) {
				t.Errorf("%s is %v", key, e[key])
			}
		}
		by, _ := e["modified_by"].(map[string]any)
		checkKeys(t, "modified_by", by, "type id name login")
		same(t, "modified_by", by["id"], w.get(t, "/2.0/users/me")["id"])
		for _, key := range []string{"id", "name", "uploader_display_name"} {
			if s, _ := e[key].(string); s == "" {
				t.Errorf("%s is %v", key, e[key])
			}
		}
	})
	t.Run("6 fields: Base and those named", func(t *testing.T) {
		for i, e := range get(t, "?fields=name,version_number").Entries {
			checkKeys(t, "a version", e, "type id name version_number")
			same(t, "version_number", e["version_number"], fmt.Sprint(3-i))
		}
	})
	t.Run("10 offset and limit", func(t *testing.T) {
		l := get(t, "?offset=1&limit=1")
		if l.TotalCount != 3 || l.Offset != 1 || l.Limit != 1 || len(l.Entries) != 1 || l.Entries[0]["id"] != ids[1] {
			t.Errorf("got %+v", l)
		}
		if l = get(t, "?limit=5000&offset="); l.Limit != 1000 || len(l.Entries) != 3 {
			t.Errorf("got %+v", l)
		}
		if l = get(t, "?offset=9999"); len(l.Entries) != 0 || l.TotalCount != 3 {
			t.Errorf("got %+v", l)
		}
		w.do(t, "GET", path+"?offset=10000", nil).refused(400, "invalid_offset")
		w.do(t, "GET", path+"?limit=x", nil).refused(400, "invalid_limit")
	})
	t.Run("4 somebody else's file: 404", func(t *testing.T) {
		w.user(t, "other@example.net", 0).do(t, "GET", path, nil).refused(404, "not_found")
		w.do(t, "GET", "/2.0/files/990017/versions", nil).refused(404, "not_found")
	})
}
