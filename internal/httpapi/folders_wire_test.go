package httpapi_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

const folderPermissions = "can_download can_upload can_rename can_delete can_share can_invite_collaborator can_set_share_access can_apply_watermark"

// put makes a file of n bytes in a folder.
func (w *wire) put(t testing.TB, folder, name string, n int) file {
	t.Helper()
	return w.post(t, "/2.0/files/content", newForm().attributes(fields{"name": name, "parent": fields{"id": folder}}).file(make([]byte, n))).file()
}

func TestFolders(t *testing.T) {
	sharing(t, map[string]func(*testing.T, *wire){
		"RootFolder": testRootFolder,
		"Folders":    testFolders,
	})
}

func testRootFolder(t *testing.T, w *wire) {
	sub := w.folder(t, "0", "sub")
	w.put(t, sub, "a", 300)
	w.put(t, "0", "b", 20)
	w.do(t, "DELETE", "/2.0/files/"+w.put(t, sub, "trashed", 1000).ID, nil).empty(204)
	me := w.get(t, "/2.0/users/me?fields=name,login")

	t.Run("6 root folder", func(t *testing.T) {
		root := w.get(t, "/2.0/folders/0")
		checkKeys(t, "the root", root, folderStandard)
		for key, want := range map[string]any{
			"type": "folder", "id": "0", "name": "All Files", "etag": nil, "sequence_id": nil, "parent": nil, "size": 320, "item_status": "active",
			"created_at": nil, "modified_at": nil, "content_created_at": nil, "content_modified_at": nil, "trashed_at": nil, "purged_at": nil,
			"created_by":      map[string]any{"type": "user", "id": "", "name": "", "login": ""},
			"path_collection": map[string]any{"total_count": 0, "entries": []any{}},
			"shared_link":     nil, "folder_upload_email": nil, "description": "",
			"owned_by": map[string]any{"type": "user", "id": me["id"], "name": me["name"], "login": me["login"]},
		} {
			same(t, key, root[key], want)
		}
		items := root["item_collection"].(map[string]any)
		checkKeys(t, "item_collection", items, "total_count entries offset limit order")
		for key, want := range map[string]any{
			"total_count": 2, "offset": 0, "limit": 100,
			"order": []any{map[string]any{"by": "type", "direction": "ASC"}, map[string]any{"by": "name", "direction": "ASC"}},
		} {
			same(t, key, items[key], want)
		}
		entries := items["entries"].([]any)
		checkKeys(t, "a folder in it", entries[0].(map[string]any), folderMini)
		checkKeys(t, "a file in it", entries[1].(map[string]any), fileMini)
	})
	t.Run("6 root folder, what only fields shows", func(t *testing.T) {
		root := w.get(t, "/2.0/folders/0?fields=has_collaborations,tags,permissions")
		checkKeys(t, "the root", root, folderBase+"has_collaborations tags permissions")
		same(t, "has_collaborations", root["has_collaborations"], false)
		same(t, "tags", root["tags"], []any{})
		p, _ := root["permissions"].(map[string]any)
		checkKeys(t, "permissions", p, folderPermissions)
		for key, want := range map[string]bool{"can_upload": true, "can_download": true, "can_delete": false, "can_rename": false} {
			same(t, key, p[key], want)
		}
	})
	t.Run("every user has a root of their own", func(t *testing.T) {
		other := w.user(t, "other@example.net", 0)
		root := other.get(t, "/2.0/folders/0")
		same(t, "id", root["id"], "0")
		same(t, "owned_by", root["owned_by"].(map[string]any)["id"], other.who.ID.String())
		same(t, "total_count", root["item_collection"].(map[string]any)["total_count"], 0)
		other.do(t, "GET", "/2.0/folders/"+sub, nil).refused(404, "not_found")
		other.do(t, "GET", "/2.0/folders/"+sub+"/items", nil).refused(404, "not_found")
	})
}

func testFolders(t *testing.T, w *wire) {
	a := w.do(t, "POST", "/2.0/folders", `{"name":"A","parent":{"id":0}}`).want(201).object()
	id := a["id"].(string)
	t.Run("6 POST /folders: the Standard form", func(t *testing.T) {
		checkKeys(t, "a folder", a, folderStandard)
		for _, key := range []string{"created_at", "modified_at", "content_created_at", "content_modified_at"} {
			if s, _ := a[key].(string); !wireTime.MatchString(s) {
				t.Errorf("%s is %v", key, a[key])
			}
		}
		for key, want := range map[string]any{
			"type": "folder", "name": "A", "etag": "0", "sequence_id": "0", "size": 0, "item_status": "active", "trashed_at": nil, "purged_at": nil,
			"parent": map[string]any{"type": "folder", "id": "0", "sequence_id": nil, "etag": nil, "name": "All Files"}, "shared_link": nil, "folder_upload_email": nil,
		} {
			same(t, key, a[key], want)
		}
		same(t, "created_by", a["created_by"], a["owned_by"])
		same(t, "the folder later", w.get(t, "/2.0/folders/"+id), a)
	})
	t.Run("6 POST /folders with fields", func(t *testing.T) {
		b := w.do(t, "POST", "/2.0/folders?fields=name,parent", fields{"name": "B", "parent": fields{"id": id}, "description": "ignored"}).want(201).object()
		checkKeys(t, "a folder", b, folderBase+"name parent")
		same(t, "parent", b["parent"].(map[string]any)["id"], id)
		c := w.get(t, "/2.0/folders/"+w.folder(t, b["id"].(string), "C"))
		var path []string
		for _, e := range c["path_collection"].(map[string]any)["entries"].([]any) {
			path = append(path, e.(map[string]any)["name"].(string))
		}
		if !slices.Equal(path, []string{"All Files", "A", "B"}) {
			t.Errorf("path_collection is %q", path)
		}
	})
	t.Run("4 POST /folders refused", func(t *testing.T) {
		for _, row := range []struct {
			body   any
			status int
			code   string
		}{
			{"{", 400, "invalid_json"},
			{fields{"parent": fields{"id": "0"}}, 400, "bad_request"},
			{fields{"name": "x"}, 400, "bad_request"},
			{fields{"name": "x", "parent": fields{}}, 400, "bad_request"},
			{fields{"name": "x", "parent": fields{"id": "990017"}}, 404, "not_found"},
			{fields{"name": "x", "parent": fields{"id": "x"}}, 404, "not_found"},
			{fields{"name": "x/y", "parent": fields{"id": "0"}}, 400, "item_name_invalid"},
		} {
			w.do(t, "POST", "/2.0/folders", row.body).refused(row.status, row.code)
		}
		r := w.do(t, "POST", "/2.0/folders", fields{"name": "a", "parent": fields{"id": "0"}})
		r.want(409)
		same(t, "conflicts", r.object()["context_info"].(map[string]any)["conflicts"], []any{
			map[string]any{"type": "folder", "id": id, "sequence_id": "0", "etag": "0", "name": "A"}})
	})
	t.Run("6 GET /folders/:id: fields apply to the entries as well", func(t *testing.T) {
		w.put(t, id, "file", 7)
		f := w.get(t, "/2.0/folders/"+id+"?fields=name,size,item_collection,permissions")
		checkKeys(t, "the folder", f, folderBase+"name size item_collection permissions")
		same(t, "size", f["size"], 7)
		entries := f["item_collection"].(map[string]any)["entries"].([]any)
		checkKeys(t, "a folder in it", entries[0].(map[string]any), folderBase+"name size permissions")
		checkKeys(t, "a file in it", entries[1].(map[string]any), fileBase+"name size permissions")
		checkKeys(t, "the folder", w.get(t, "/2.0/folders/"+id+"?fields=no_such"), folderBase)
	})
	t.Run("6 item_collection honours limit, offset, sort and direction", func(t *testing.T) {
		w.put(t, id, "bigger", 8)
		c := w.get(t, "/2.0/folders/"+id+"?limit=1&offset=1&sort=size&direction=DESC")["item_collection"].(map[string]any)
		for key, want := range map[string]any{"total_count": 3, "offset": 1, "limit": 1, "order": []any{
			map[string]any{"by": "type", "direction": "ASC"}, map[string]any{"by": "size", "direction": "DESC"}}} {
			same(t, key, c[key], want)
		}
		entries := c["entries"].([]any)
		if len(entries) != 1 || entries[0].(map[string]any)["name"] != "bigger" {
			t.Errorf("entries %v", entries)
		}
	})
	t.Run("10 If-None-Match: equal: 304 with no body", func(t *testing.T) {
		w.do(t, "GET", "/2.0/folders/"+id, nil, "If-None-Match", `"0"`).empty(304)
		w.do(t, "GET", "/2.0/folders/"+id, nil, "If-None-Match", "1").want(200)
	})
	t.Run("4 what is not there: 404 not_found", func(t *testing.T) {
		f := w.put(t, "0", "no folder", 1)
		for _, id := range []string{"990017", "x", f.ID, "-1"} {
			w.do(t, "GET", "/2.0/folders/"+id, nil).refused(404, "not_found")
			w.do(t, "GET", "/2.0/folders/"+id+"/items", nil).refused(404, "not_found")
		}
	})
}

// listing is a page of a folder, by offset or by marker.
type listing struct {
	TotalCount *int `json:"total_count"`
	Limit      int
	Offset     *int
	NextMarker *string `json:"next_marker"`
	Order      []struct{ By, Direction string }
	Entries    []struct{ Type, ID, Name string }
}

func (l listing) names() (names []string) {
	for _, e := range l.Entries {
		names = append(names, e.Name)
	}
	return names
}

func TestListing(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	// Made so that the orders by name, id, date and size all differ.
	folder := w.folder(t, "0", "listed")
	for _, name := range []string{"Zoo", "ant", "Bee"} {
		w.folder(t, folder, name)
		w.Clock.Add(time.Minute)
	}
	ids := map[string]string{}
	for i, name := range []string{"b.txt", "C.txt", "a.txt", "e.txt", "D.txt"} {
		ids[name] = w.put(t, folder, name, (i*3)%5*100).ID
		w.Clock.Add(time.Minute)
	}
	w.post(t, "/2.0/files/"+ids["C.txt"]+"/content", newForm().file(make([]byte, 300))).file() // now the youngest
	path := "/2.0/folders/" + folder + "/items"
	get := func(t *testing.T, query string) (l listing) {
		t.Helper()
		w.do(t, "GET", path+query, nil).want(200).decode(&l)
		return l
	}
	byName := strings.Fields("ant Bee Zoo a.txt b.txt C.txt D.txt e.txt")

	for query, want := range map[string]string{
		"":                           "ant Bee Zoo a.txt b.txt C.txt D.txt e.txt",
		"sort=name":                  "ant Bee Zoo a.txt b.txt C.txt D.txt e.txt",
		"sort=&direction=":           "ant Bee Zoo a.txt b.txt C.txt D.txt e.txt",
		"sort=name&direction=DESC":   "Zoo Bee ant e.txt D.txt C.txt b.txt a.txt",
		"sort=NAME&direction=desc":   "Zoo Bee ant e.txt D.txt C.txt b.txt a.txt",
		"sort=id":                    "Zoo ant Bee b.txt C.txt a.txt e.txt D.txt",
		"sort=ID&direction=Desc":     "Bee ant Zoo D.txt e.txt a.txt C.txt b.txt",
		"sort=date":                  "Zoo ant Bee b.txt a.txt e.txt D.txt C.txt",
		"sort=date&direction=DESC":   "Bee ant Zoo C.txt D.txt e.txt a.txt b.txt",
		"sort=size":                  "* * * b.txt a.txt D.txt C.txt e.txt",
		"sort=SIZE&direction=DESC":   "* * * e.txt C.txt D.txt a.txt b.txt",
		"offset=2&limit=3":           "Zoo a.txt b.txt",
		"offset=7&limit=3":           "e.txt",
		"offset=8":                   "",
		"offset=9999":                "",
		"limit=8":                    "ant Bee Zoo a.txt b.txt C.txt D.txt e.txt",
		"limit=&offset=&usemarker=":  "ant Bee Zoo a.txt b.txt C.txt D.txt e.txt",
		"usemarker=false&fields=":    "ant Bee Zoo a.txt b.txt C.txt D.txt e.txt",
		"sort=name&offset=1&limit=1": "Bee",
	} {
		t.Run("10 sorted by type, then by what is asked for: "+query, func(t *testing.T) {
			l := get(t, "?"+query)
			got, want := l.names(), strings.Fields(want)
			for i := range min(len(got), len(want)) {
				if want[i] == "*" { // folders of one size, in any order
					want[i] = got[i]
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if l.TotalCount == nil || *l.TotalCount != 8 || l.Offset == nil || l.NextMarker != nil {
				t.Errorf("got %+v, want a total_count of 8, an offset and no marker", l)
			}
		})
	}
	t.Run("7 lists: total_count, entries, limit, offset, order as applied", func(t *testing.T) {
		r := w.do(t, "GET", path+"?sort=date&direction=desc&offset=3&limit=5000", nil).want(200)
		checkKeys(t, "a list", r.object(), "total_count entries limit offset order")
		for key, want := range map[string]any{"limit": 1000, "offset": 3, "order": []any{
			map[string]any{"by": "type", "direction": "ASC"}, map[string]any{"by": "date", "direction": "DESC"}}} {
			same(t, key, r.object()[key], want)
		}
		same(t, "the default limit", get(t, "").Limit, 100)
	})
	t.Run("10 offset above 9999: 400 invalid_offset", func(t *testing.T) {
		for _, bad := range []string{"10000", "-1", "x", "99999999999999999999", "1.5"} {
			w.do(t, "GET", path+"?offset="+bad, nil).refused(400, "invalid_offset")
		}
		for _, bad := range []string{"-1", "x", "1e3"} {
			w.do(t, "GET", path+"?limit="+bad, nil).refused(400, "invalid_limit")
		}
	})
	t.Run("6 entries are Mini, or Base and the fields named", func(t *testing.T) {
		for query, keys := range map[string][2]string{
			"":                          {folderMini, fileMini},
			"?fields=name":              {folderBase + "name", fileBase + "name"},
			"?fields=no_such":           {folderBase, fileBase},
			"?fields=sha1,name":         {folderBase + "name", fileBase + "name sha1"},
			"?usemarker=true&fields=id": {folderBase, fileBase},
		} {
			entries := w.get(t, path+query)["entries"].([]any)
			checkKeys(t, query+": a folder", entries[0].(map[string]any), keys[0])
			checkKeys(t, query+": a file", entries[7].(map[string]any), keys[1])
		}
	})
	t.Run("11 rclone: its fields, by marker, non-null times and quoted sequence_id", func(t *testing.T) {
		const want = "type id sequence_id etag sha1 name size created_at modified_at content_created_at content_modified_at item_status shared_link owned_by"
		q := "?usemarker=true&limit=1000&marker=&fields=" + url.QueryEscape(strings.ReplaceAll(want, " ", ","))
		for _, e := range w.get(t, path+q)["entries"].([]any) {
			o := e.(map[string]any)
			keys := want
			if o["type"] == "folder" {
				keys = strings.Replace(want, "sha1 ", "", 1)
			}
			checkKeys(t, "an entry", o, keys)
			for _, key := range []string{"created_at", "modified_at", "content_created_at", "content_modified_at"} {
				if s, _ := o[key].(string); !wireTime.MatchString(s) {
					t.Errorf("%s is %v", key, o[key])
				}
			}
			if s, _ := o["sequence_id"].(string); !wireNumber.MatchString(s) {
				t.Errorf("sequence_id is %v", o["sequence_id"])
			}
		}
	})
	t.Run("6 the size of a folder in a list is that of what is in it", func(t *testing.T) {
		for _, e := range w.get(t, "/2.0/folders/0/items?fields=size,name")["entries"].([]any) {
			same(t, "size", e.(map[string]any)["size"], w.get(t, "/2.0/folders/"+folder)["size"])
		}
	})

	for limit := 1; limit <= 9; limit++ {
		t.Run(fmt.Sprint("10 marker paging: every page is full but the last, next_marker is null or absent at the end: limit ", limit), func(t *testing.T) {
			var got []string
			for marker := []string{"", "&marker=", "&marker=0"}[limit%3]; ; {
				r := w.do(t, "GET", fmt.Sprint(path, "?usemarker=true&limit=", limit, marker), nil).want(200)
				var l listing
				r.decode(&l)
				if l.TotalCount != nil || l.Offset != nil || l.Order != nil {
					t.Errorf("%v: want entries, limit and next_marker", r)
				}
				got = append(got, l.names()...)
				if l.Limit != limit {
					t.Errorf("limit %d, want %d", l.Limit, limit)
				}
				if l.NextMarker == nil {
					break
				}
				if *l.NextMarker == "" || len(l.Entries) != limit || len(got) >= len(byName) {
					t.Fatalf("next_marker %q after %q", *l.NextMarker, got)
				}
				marker = "&marker=" + url.QueryEscape(*l.NextMarker)
			}
			if !slices.Equal(got, byName) {
				t.Errorf("got %q, want %q", got, byName)
			}
		})
	}
	t.Run("10 a marker that is none: 400", func(t *testing.T) {
		for _, marker := range []string{"x", "17", "%00", "ZmlsZSAx", "ZmlsZSB4IHk"} {
			w.do(t, "GET", path+"?usemarker=true&marker="+marker, nil).refused(400, "bad_request")
		}
	})
	t.Run("10 a marker goes on behind an item that is gone, and sees later ones that are new", func(t *testing.T) {
		l := get(t, "?usemarker=true&limit=5") // up to b.txt
		w.do(t, "DELETE", "/2.0/files/"+ids["b.txt"], nil).empty(204)
		w.put(t, folder, "cc.txt", 1)
		w.put(t, folder, "aa.txt", 1)
		rest := get(t, "?usemarker=true&marker="+url.QueryEscape(*l.NextMarker))
		if want := strings.Fields("C.txt cc.txt D.txt e.txt"); !slices.Equal(rest.names(), want) || rest.NextMarker != nil {
			t.Errorf("got %q, want %q", rest.names(), want)
		}
	})
	t.Run("an empty folder", func(t *testing.T) {
		empty := "/2.0/folders/" + w.folder(t, folder, "empty") + "/items"
		for _, query := range []string{"", "?usemarker=true"} {
			same(t, "entries", w.get(t, empty+query)["entries"], []any{})
		}
		same(t, "next_marker", w.get(t, empty+"?usemarker=true")["next_marker"], nil)
	})
}
