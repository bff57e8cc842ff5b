package httpapi_test

import (
	"strings"
	"testing"
	"time"
)

const (
	webLinkMini     = "type id etag url sequence_id name "
	webLinkStandard = webLinkMini + "parent description path_collection created_at modified_at trashed_at purged_at created_by modified_by owned_by shared_link item_status "
)

func TestWebLinks(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	folder := w.folder(t, "0", "folder")
	got := w.do(t, "POST", "/2.0/web_links", fields{"url": "https://example.net/a?b=c&d", "parent": fields{"id": folder}, "name": "Example", "description": "words"}).want(201).object()
	id := got["id"].(string)
	path := "/2.0/web_links/" + id
	t.Run("6 POST /web_links: the Standard form", func(t *testing.T) {
		checkKeys(t, "a web link", got, webLinkStandard)
		for key, want := range map[string]any{"type": "web_link", "url": "https://example.net/a?b=c&d", "name": "Example", "description": "words", "etag": "0", "sequence_id": "0",
			"item_status": "active", "trashed_at": nil, "purged_at": nil, "shared_link": nil} {
			same(t, key, got[key], want)
		}
		for _, key := range []string{"created_at", "modified_at"} {
			if s, _ := got[key].(string); !wireTime.MatchString(s) {
				t.Errorf("%s is %v", key, got[key])
			}
		}
		same(t, "created_by", got["created_by"], got["owned_by"])
		same(t, "parent", got["parent"].(map[string]any)["id"], folder)
		same(t, "the web link later", w.get(t, path), got)
		same(t, "events", w.happened(t, id), []string{"ITEM_CREATE"})
	})
	t.Run("6 fields", func(t *testing.T) {
		checkKeys(t, "a web link", w.get(t, path+"?fields=url,no_such,size,sha1"), "type id etag url")
		full := w.get(t, path+"?fields=permissions,tags,collections")
		checkKeys(t, "a web link", full, "type id etag permissions tags collections")
		checkKeys(t, "permissions", full["permissions"].(map[string]any), "can_rename can_delete can_share can_set_share_access")
	})
	t.Run("10 the name is the URL if there is none", func(t *testing.T) {
		for _, url := range []string{"http://example.net", "https://example.net/" + strings.Repeat("é", 300)} {
			body := fields{"url": url, "parent": fields{"id": "0"}}
			r := w.do(t, "POST", "/2.0/web_links?fields=name", body).want(201).object()
			checkKeys(t, "a web link", r, "type id etag name")
			name := []rune(url)
			same(t, "name", r["name"], string(name[:min(255, len(name))]))
			w.do(t, "POST", "/2.0/web_links", body).refused(409, "item_name_in_use")
		}
	})
	t.Run("4 POST /web_links refused", func(t *testing.T) {
		to := fields{"id": "0"}
		for _, row := range []struct {
			body   any
			status int
			code   string
		}{
			{"{", 400, "invalid_json"},
			{fields{"parent": to}, 400, "bad_request"},
			{fields{"url": "https://example.net"}, 400, "bad_request"},
			{fields{"url": "https://example.net", "parent": fields{}}, 400, "bad_request"},
			{fields{"url": "https://example.net", "parent": fields{"id": "990017"}}, 404, "not_found"},
			{fields{"url": "https://example.net", "parent": to, "name": ""}, 400, "item_name_invalid"},
			{fields{"url": "https://example.net", "parent": to, "name": "a/b"}, 400, "item_name_invalid"},
			{fields{"url": "example.net", "parent": to}, 400, "bad_request"},
			{fields{"url": "ftp://example.net", "parent": to}, 400, "bad_request"},
			{fields{"url": "javascript:alert(1)", "parent": to}, 400, "bad_request"},
			{fields{"url": "https://", "parent": to}, 400, "bad_request"},
			{fields{"url": "https:///path", "parent": to}, 400, "bad_request"},
			{fields{"url": "https://a b/", "parent": to}, 400, "bad_request"},
			{fields{"url": "https://a/\n", "parent": to}, 400, "bad_request"},
			{fields{"url": "https://a/" + strings.Repeat("x", 2048), "parent": to}, 400, "bad_request"},
		} {
			w.do(t, "POST", "/2.0/web_links", row.body).refused(row.status, row.code)
		}
		clash := w.do(t, "POST", "/2.0/web_links", fields{"url": "https://example.net", "parent": to, "name": "FOLDER"}).refused(409, "item_name_in_use")
		same(t, "conflicts", clash.ContextInfo.Conflicts["id"], folder)
		w.do(t, "PUT", path, fields{"url": "gopher://example.net"}).refused(400, "bad_request")
	})
	t.Run("10 If-None-Match: equal: 304 with no body", func(t *testing.T) {
		w.do(t, "GET", path, nil, "If-None-Match", `"0"`).empty(304)
		w.do(t, "GET", path, nil, "If-None-Match", `"1"`).want(200)
	})
	t.Run("10 in listings, behind the files, with what applies to it", func(t *testing.T) {
		w.put(t, folder, "zzz", 1)
		l := w.get(t, "/2.0/folders/"+folder+"/items?sort=NAME&direction=desc")
		entries := l["entries"].([]any)
		e := entries[len(entries)-1].(map[string]any)
		checkKeys(t, "an entry", e, webLinkMini)
		same(t, "id", e["id"], id)
		same(t, "total_count", l["total_count"], 2)
		e = w.get(t, "/2.0/folders/"+folder+"/items?offset=1&fields=created_at,modified_at,content_created_at,content_modified_at,size")["entries"].([]any)[0].(map[string]any)
		checkKeys(t, "an entry", e, "type id etag created_at modified_at")
		mini := w.get(t, "/2.0/folders/"+folder)["item_collection"].(map[string]any)["entries"].([]any)[1].(map[string]any)
		checkKeys(t, "an entry", mini, webLinkMini)
	})
	t.Run("4 what is not there: 404", func(t *testing.T) {
		other := w.user(t, "other@example.net", 0)
		for _, method := range []string{"GET", "DELETE"} {
			other.do(t, method, path, nil).refused(404, "not_found")
			for _, missing := range []string{folder, "990017", "0", "x"} {
				w.do(t, method, "/2.0/web_links/"+missing, nil, "If-Match", "9").refused(404, "not_found")
			}
			w.do(t, method, "/2.0/files/"+id, nil).refused(404, "not_found")
			w.do(t, method, "/2.0/folders/"+id, nil).refused(404, "not_found")
		}
		w.do(t, "GET", path+"/trash", nil).refused(404, "not_trashed")
		w.do(t, "POST", path, nil).refused(404, "not_trashed")
		w.do(t, "DELETE", path+"/trash", nil).refused(404, "not_trashed")
	})
	t.Run("10 to the trash, back, and gone", func(t *testing.T) {
		w.do(t, "DELETE", path, nil, "If-Match", "7").refused(412, "precondition_failed")
		w.Clock.Add(time.Minute)
		w.do(t, "DELETE", path, nil, "If-Match", "0").empty(204)
		trashed := w.get(t, path)
		checkKeys(t, "a web link", trashed, webLinkStandard)
		same(t, "item_status", trashed["item_status"], "trashed")
		same(t, "etag", trashed["etag"], "1")
		same(t, "parent", trashed["parent"].(map[string]any)["id"], folder)
		same(t, "path_collection", trashed["path_collection"].(map[string]any)["entries"].([]any)[0].(map[string]any)["id"], "1")
		same(t, "by .../trash", w.get(t, path+"/trash"), trashed)
		w.do(t, "DELETE", path, nil).refused(404, "trashed")
		same(t, "the trash", w.get(t, "/2.0/folders/trash/items")["entries"].([]any)[0].(map[string]any)["id"], id)

		w.webLink(t, folder, "EXAMPLE")
		w.do(t, "POST", path, nil).refused(409, "item_name_in_use")
		back := w.do(t, "POST", path, fields{"name": "back", "parent": fields{"id": "0"}}).want(201).object()
		for key, want := range map[string]any{"name": "back", "etag": "2", "item_status": "active", "url": got["url"], "modified_at": got["modified_at"]} {
			same(t, key, back[key], want)
		}
		w.do(t, "DELETE", path, nil).empty(204)
		w.do(t, "DELETE", path+"/trash", nil).empty(204)
		for _, ask := range [][2]string{{"GET", ""}, {"DELETE", ""}, {"POST", ""}, {"GET", "/trash"}, {"DELETE", "/trash"}} {
			w.do(t, ask[0], path+ask[1], nil).refused(404, "not_found")
		}
	})
}
