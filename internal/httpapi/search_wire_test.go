package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// found are the names that a search gives, and its total_count.
func (w *wire) found(t testing.TB, query string, more ...string) (names []string, total int) {
	t.Helper()
	var r struct {
		Type       string
		TotalCount int `json:"total_count"`
		Entries    []struct{ Name string }
	}
	w.do(t, "GET", "/2.0/search?query="+url.QueryEscape(query)+strings.Join(more, ""), nil).want(200).decode(&r)
	if r.Type != "search_results_items" {
		t.Errorf("type is %q", r.Type)
	}
	for _, e := range r.Entries {
		names = append(names, e.Name)
	}
	return names, r.TotalCount
}

// finds fails the test unless a search gives these, in any order.
func (w *wire) finds(t testing.TB, query string, want ...string) {
	t.Helper()
	query, more, _ := strings.Cut(query, "&")
	if more != "" {
		more = "&" + more
	}
	names, total := w.found(t, query, more)
	slices.Sort(names)
	slices.Sort(want)
	if !slices.Equal(names, want) || total != len(want) {
		t.Errorf("%q%s finds %q, total_count %d; want %q", query, more, names, total, want)
	}
}

// simpleIn makes a file in a folder.
func (w *wire) simpleIn(t testing.TB, parent, name, data string) *reply {
	t.Helper()
	return w.post(t, "/2.0/files/content", newForm().attributes(fields{"name": name, "parent": fields{"id": parent}}).file([]byte(data)))
}

func TestSearch(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	june := w.folder(t, "0", "june")
	deep := w.folder(t, june, "deep")
	ids := map[string]string{}
	put := func(parent, name, data string) {
		ids[name] = w.simpleIn(t, parent, name, data).file().ID
	}
	put("0", "Report 1.pdf", "12345")
	put(june, "report 2.txt", "1")
	put(deep, "Reports of all.pdf", "123456789")
	put(deep, "年度报告.docx", "x")
	put("0", "Résumé (final).doc", "x")
	put("0", "trashed report.pdf", "x")
	gone := w.folder(t, "0", "gone reports")
	put(gone, "report inside.pdf", "x")
	w.do(t, "DELETE", "/2.0/files/"+ids["trashed report.pdf"], nil).want(204)
	w.do(t, "DELETE", "/2.0/folders/"+gone+"?recursive=true", nil).want(204)
	other := w.user(t, "other@example.net", 0)
	other.simple(t, "report of another.pdf", "x").file()

	w.finds(t, "report", "Report 1.pdf", "report 2.txt", "Reports of all.pdf")
	w.finds(t, "REP", "Report 1.pdf", "report 2.txt", "Reports of all.pdf")
	w.finds(t, "report.pdf", "Report 1.pdf")
	w.finds(t, "reports pdf", "Reports of all.pdf")
	w.finds(t, "report NOT txt", "Report 1.pdf")
	w.finds(t, `"report 2"`, "report 2.txt")
	w.finds(t, "resume", "Résumé (final).doc")
	w.finds(t, "报告", "年度报告.docx")
	w.finds(t, "nothing")
	w.finds(t, "txt OR docx", "report 2.txt", "年度报告.docx")
	w.finds(t, "report&trash_content=trashed_only", "trashed report.pdf", "gone reports", "report inside.pdf")
	w.finds(t, "report&trash_content=all_items&type=folder", "gone reports")
	w.finds(t, "report&file_extensions=TXT,doc", "report 2.txt")
	w.finds(t, "report&file_extensions=pdf", "Report 1.pdf", "Reports of all.pdf")
	w.finds(t, "report&ancestor_folder_ids="+june, "report 2.txt", "Reports of all.pdf")
	w.finds(t, "report&ancestor_folder_ids="+deep+",", "Reports of all.pdf")
	w.finds(t, "report&ancestor_folder_ids=0", "Report 1.pdf", "report 2.txt", "Reports of all.pdf")
	w.finds(t, "report&size_range=2,8", "Report 1.pdf")
	w.finds(t, "report&size_range=,1", "report 2.txt")
	w.finds(t, "report&size_range=", "Report 1.pdf", "report 2.txt", "Reports of all.pdf")
	w.finds(t, "report&created_at_range=2001-01-01,2002-01-01T00:00:00Z")
	w.finds(t, "report&updated_at_range=2001-01-01T00:00:00%2B01:00,&type=file", "Report 1.pdf", "report 2.txt", "Reports of all.pdf")
	w.finds(t, "report&content_types=description,comments")
	w.finds(t, "report&content_types=name", "Report 1.pdf", "report 2.txt", "Reports of all.pdf")
	w.finds(t, "report&owner_user_ids="+other.who.ID.String())
	w.finds(t, "june&type=folder&sort=&direction=", "june")
	other.finds(t, "report", "report of another.pdf")
	w.finds(t, "report&scope=enterprise_content", "Report 1.pdf", "report 2.txt", "Reports of all.pdf", "report of another.pdf")
	w.finds(t, "report&scope=enterprise_content&owner_user_ids="+other.who.ID.String(), "report of another.pdf")

	t.Run("better matches come first", func(t *testing.T) {
		names, _ := w.found(t, "report 2")
		same(t, "the first", names[0], "report 2.txt")
	})
	t.Run("entries are Standard, or as fields say", func(t *testing.T) {
		r := w.get(t, "/2.0/search?query=deep")
		checkKeys(t, "a page", r, "type total_count limit offset entries")
		same(t, "limit", r["limit"], 30)
		e := r["entries"].([]any)[0].(map[string]any)
		same(t, "path", e["path_collection"].(map[string]any)["total_count"], 2)
		same(t, "size", e["size"], 10)
		r = w.get(t, "/2.0/search?query=deep&fields=name&limit=1000")
		same(t, "limit", r["limit"], 200)
		checkKeys(t, "an entry", r["entries"].([]any)[0].(map[string]any), "type id etag name")
		r = w.get(t, "/2.0/search?query=deep&fields=name&include_recent_shared_links=true")
		same(t, "the page", r, map[string]any{"type": "search_results_with_shared_links", "total_count": 1, "limit": 30, "offset": 0, "entries": []any{
			map[string]any{"accessible_via_shared_link": nil, "type": "search_result", "item": map[string]any{"type": "folder", "id": deep, "etag": "0", "name": "deep"}}}})
	})
	t.Run("pages are full unless last", func(t *testing.T) {
		for i := range 25 {
			put(deep, fmt.Sprintf("many %02d", i), "x")
			if i%3 == 0 {
				w.do(t, "DELETE", "/2.0/files/"+ids[fmt.Sprintf("many %02d", i)], nil).want(204)
			}
		}
		for _, sort := range []string{"", "&sort=modified_at", "&sort=modified_at&direction=asc"} {
			var all []string
			for offset := 0; ; offset += 7 {
				names, total := w.found(t, "many", fmt.Sprintf("&limit=7&offset=%d%s", offset, sort))
				same(t, "total_count", total, 16)
				all = append(all, names...)
				if len(names) < 7 {
					break
				}
			}
			slices.Sort(all)
			if all = slices.Compact(all); len(all) != 16 {
				t.Errorf("the pages have %q", all)
			}
		}
	})
	t.Run("the index follows", func(t *testing.T) {
		w.do(t, "POST", "/2.0/files/"+ids["trashed report.pdf"], fields{"name": "brought back.pdf"}).want(201)
		w.finds(t, "brought", "brought back.pdf")
		w.finds(t, "trashed")
		w.do(t, "DELETE", "/2.0/files/"+ids["brought back.pdf"], nil)
	})
	t.Run("refused", func(t *testing.T) {
		for _, q := range []string{"", "query=", "query=%20", "query=a&type=x", "query=a&sort=x", "query=a&scope=x", "query=a&trash_content=x",
			"query=a&direction=x", "query=a&size_range=1", "query=a&size_range=a,b", "query=a&created_at_range=x,", "query=a&owner_user_ids=x",
			"query=a&content_types=x", "mdfilters=[]", "query=" + strings.Repeat("a+", 50)} {
			w.do(t, "GET", "/2.0/search?"+q, nil).refused(400, "bad_request")
		}
		w.do(t, "GET", "/2.0/search?query=a&offset=10000", nil).refused(400, "invalid_offset")
		w.do(t, "GET", "/2.0/search?query=a&limit=0", nil).refused(400, "invalid_limit")
		w.do(t, "GET", "/2.0/search?query=a&ancestor_folder_ids=999999", nil).refused(404, "not_found")
		other.do(t, "GET", "/2.0/search?query=a&ancestor_folder_ids="+june, nil).refused(404, "not_found")
		other.do(t, "GET", "/2.0/search?query=a&scope=enterprise_content", nil).refused(403, "access_denied_insufficient_permissions")
	})
	t.Run("no query is a fault of the server", func(t *testing.T) {
		for _, q := range []string{`"`, `""`, `"""`, "*", "a*", "NOT", "OR OR", "AND", "( ) a", "NEAR(a b)", "a:b", "-a", "^a", "{a b}", "'", "';--", "\x00", "\xff\xfe",
			"%", "_", "a\\", "\u202e", "name:report", strings.Repeat("(", 2000), strings.Repeat("é", 5000), "🎉", "\U0010ffff", "ﷺ"} {
			w.do(t, "GET", "/2.0/search?query="+url.QueryEscape(q)+"&limit=1", nil).want(200)
		}
	})
	var page map[string]json.RawMessage
	w.do(t, "GET", "/2.0/search/?query=nothing", nil).want(200).decode(&page)
	same(t, "no entries", page["entries"], json.RawMessage("[]"))
}
