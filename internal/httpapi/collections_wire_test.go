package httpapi_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestCollections(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	u := w.user(t, "u@example.net", 0)
	list := u.get(t, "/2.0/collections")
	favourites := list["entries"].([]any)[0].(map[string]any)
	id := favourites["id"].(string)
	path := "/2.0/collections/" + id
	t.Run("10 GET /collections: one entry Favorites", func(t *testing.T) {
		checkKeys(t, "collections", list, "total_count entries limit offset")
		for key, want := range map[string]any{"total_count": 1, "limit": 100, "offset": 0} {
			same(t, key, list[key], want)
		}
		same(t, "entries", list["entries"], []any{map[string]any{"type": "collection", "id": id, "name": "Favorites", "collection_type": "favorites"}})
		if !wireNumber.MatchString(id) {
			t.Errorf("its id is %v", id)
		}
		same(t, "the collection", u.get(t, path), favourites)
		same(t, "again", u.get(t, "/2.0/collections"), list)
		checkKeys(t, "fields", u.get(t, path+"?fields=name"), "type id name")
		same(t, "behind the end", u.get(t, "/2.0/collections?offset=1&limit=5000"), map[string]any{"total_count": 1, "entries": []any{}, "limit": 1000, "offset": 1})
		u.do(t, "GET", "/2.0/collections?offset=10000", nil).refused(400, "invalid_offset")
	})
	t.Run("4 somebody else's: 404", func(t *testing.T) {
		for _, p := range []string{path, path + "/items", "/2.0/collections/x", "/2.0/collections/0/items"} {
			w.do(t, "GET", p, nil).refused(404, "not_found")
		}
	})
	items := func(query string) (names []string) {
		t.Helper()
		got := u.get(t, path+"/items"+query)
		checkKeys(t, "the items", got, "total_count entries limit offset")
		for _, e := range got["entries"].([]any) {
			names = append(names, e.(map[string]any)["name"].(string))
		}
		return names
	}
	in := u.folder(t, "0", "in")
	paths := map[string]string{}
	for _, k := range itemKinds {
		_, paths[k.name] = k.make(t, u, in, k.name)
	}
	t.Run("10 PUT collections sets", func(t *testing.T) {
		same(t, "items before any", items(""), nil)
		for _, k := range itemKinds {
			w.Clock.Add(time.Minute)
			before := u.get(t, paths[k.name])
			got := u.do(t, "PUT", paths[k.name]+"?fields=collections", fields{"collections": []fields{{"id": id}}}).want(200).object()
			checkKeys(t, "the item", got, fileBase+"collections")
			same(t, "collections", got["collections"], []any{favourites})
			same(t, "the item", u.get(t, paths[k.name]), before) // no etag, no time
		}
		same(t, "items, the latest first", items(""), []string{"web_link", "folder", "file"})
		u.do(t, "PUT", paths["file"], fields{"collections": []fields{{"id": id, "type": "collection"}, {"id": id}}}).want(200)
		same(t, "items", items(""), []string{"web_link", "folder", "file"})
	})
	t.Run("10 what is not a favourite says so", func(t *testing.T) {
		same(t, "collections", u.get(t, "/2.0/folders/"+in+"?fields=collections")["collections"], []any{})
		for _, e := range u.get(t, "/2.0/folders/"+in+"/items?fields=collections")["entries"].([]any) {
			same(t, "collections of an entry", e.(map[string]any)["collections"], []any{favourites})
		}
	})
	t.Run("10 offset and limit, fields", func(t *testing.T) {
		same(t, "a page", items("?offset=1&limit=1"), []string{"folder"})
		same(t, "behind the end", items("?offset=3"), nil)
		same(t, "total_count", u.get(t, path+"/items?limit=1")["total_count"], 3)
		for _, e := range u.get(t, path+"/items?fields=name,parent")["entries"].([]any) {
			checkKeys(t, "an entry", e.(map[string]any), fileBase+"name parent")
		}
		checkKeys(t, "an entry", u.get(t, path+"/items?offset=2")["entries"].([]any)[0].(map[string]any), fileMini)
		u.do(t, "GET", path+"/items?offset=10000", nil).refused(400, "invalid_offset")
		u.do(t, "GET", path+"/items?limit=x", nil).refused(400, "invalid_limit")
	})
	t.Run("what is in the trash is left out, and comes back with it", func(t *testing.T) {
		u.do(t, "DELETE", paths["web_link"], nil).empty(204)
		same(t, "items", items(""), []string{"folder", "file"})
		u.do(t, "DELETE", "/2.0/folders/"+in+"?recursive=true", nil).empty(204)
		same(t, "items", items(""), nil)
		same(t, "total_count", u.get(t, path+"/items")["total_count"], 0)
		u.do(t, "POST", "/2.0/folders/"+in, nil).want(201)
		same(t, "items", items(""), []string{"folder", "file"})
		u.do(t, "DELETE", paths["web_link"]+"/trash", nil).empty(204)
		same(t, "items", items(""), []string{"folder", "file"})
	})
	t.Run("10 [] and null clear", func(t *testing.T) {
		u.do(t, "PUT", paths["file"], `{"collections":[]}`).want(200)
		u.do(t, "PUT", paths["folder"], `{"collections":null}`).want(200)
		same(t, "items", items(""), nil)
	})
	t.Run("the root is nobody's favourite", func(t *testing.T) {
		u.do(t, "PUT", "/2.0/folders/0", fields{"collections": []fields{{"id": id}}}).refused(403, "access_denied_insufficient_permissions")
	})
	t.Run("10 pages are full unless last, whatever is left out between", func(t *testing.T) {
		for i := range 12 {
			f := u.put(t, in, fmt.Sprint("f", i), 1)
			w.Clock.Add(time.Second)
			u.do(t, "PUT", "/2.0/files/"+f.ID, fields{"collections": []fields{{"id": id}}}).want(200)
			if i%3 == 1 {
				u.do(t, "DELETE", "/2.0/files/"+f.ID, nil).empty(204)
			}
		}
		same(t, "items", strings.Join(append(items("?limit=5"), items("?limit=5&offset=5")...), " "), "f11 f9 f8 f6 f5 f3 f2 f0")
	})
}
