package httpapi_test

import (
	"net/url"
	"testing"
)

// narrowed is the same user with a token that is good for one scope only, on
// one folder or, with "", on all.
func (w *wire) narrowed(t testing.TB, scope, folder string) *wire {
	t.Helper()
	v := url.Values{"grant_type": {exchange}, "subject_token": {w.token}, "subject_token_type": {accessType}, "scope": {scope}}
	if folder != "" {
		v.Set("resource", "folders/"+folder)
	}
	return w.as(w.form(t, "/oauth2/token", v).granted().AccessToken)
}

// What is found, followed and remembered is what the caller may see, and no
// more than the token is good for.
func TestSearchAndEventsKnowTheirCaller(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	u := w.user(t, "user@example.net", 0)
	shared, private := u.folder(t, "0", "shared words"), u.folder(t, "0", "private")
	u.simpleIn(t, shared, "words in shared.txt", "x").file()
	u.simpleIn(t, private, "words in private.txt", "x").file()
	all := []string{"shared words", "words in shared.txt", "words in private.txt"}
	u.finds(t, "words", all...)

	t.Run("restricted tokens", func(t *testing.T) {
		in := u.narrowed(t, "base_explorer", shared)
		in.finds(t, "words", "shared words", "words in shared.txt")
		in.finds(t, "words&ancestor_folder_ids="+shared, "words in shared.txt")
		in.do(t, "GET", "/2.0/search?query=words&ancestor_folder_ids="+private, nil).refused(403, "insufficient_scope")
		for _, scope := range []string{"item_upload", "base_explorer"} {
			in := u.narrowed(t, scope, shared)
			for _, path := range []string{"/2.0/events", "/2.0/events?stream_position=now", "/2.0/recent_items"} {
				in.do(t, "GET", path, nil).refused(403, "insufficient_scope")
			}
			in.do(t, "OPTIONS", "/2.0/events", nil).refused(403, "insufficient_scope")
		}
		u.narrowed(t, "item_upload", shared).do(t, "GET", "/2.0/search?query=words", nil).refused(403, "insufficient_scope")
		everything := u.narrowed(t, "root_readonly", "")
		everything.finds(t, "words", all...)
		everything.do(t, "GET", "/2.0/events", nil).want(200)
		everything.do(t, "GET", "/2.0/recent_items", nil).want(200)
		narrow := w.narrowed(t, "root_readwrite", "")
		narrow.do(t, "GET", "/2.0/events?stream_type=admin_logs", nil).refused(403, "insufficient_scope")
		narrow.do(t, "GET", "/2.0/search?query=words&scope=enterprise_content", nil).refused(403, "insufficient_scope")
	})
	t.Run("shared links", func(t *testing.T) {
		l := u.share(t, "folders/"+shared, fields{})
		other := w.user(t, "other@example.net", 0)
		other.simple(t, "words of another.txt", "x").file()
		other.finds(t, "words", "words of another.txt")
		var r struct {
			Entries []struct{ Name string }
		}
		other.do(t, "GET", "/2.0/search?query=words&sort=modified_at", nil, by(l)...).want(200).decode(&r)
		same(t, "what the link opens", len(r.Entries), 3)
		for _, e := range r.Entries {
			if e.Name == "words in private.txt" {
				t.Errorf("the link does not open %s", e.Name)
			}
		}
		var via struct {
			Entries []struct {
				Link *string `json:"accessible_via_shared_link"`
				Item struct{ Name string }
			}
		}
		other.do(t, "GET", "/2.0/search?query=words&include_recent_shared_links=true", nil, by(l)...).want(200).decode(&via)
		for _, e := range via.Entries {
			if own := e.Item.Name == "words of another.txt"; own != (e.Link == nil) || !own && *e.Link != l.URL {
				t.Errorf("%s is found through %v", e.Item.Name, e.Link)
			}
		}
		other.do(t, "GET", "/2.0/search?query=words&ancestor_folder_ids="+private, nil, by(l)...).refused(404, "not_found")
		// What others do in one's folders is in one's stream, and the folders above in nobody else's.
		for _, p := range []eventPage{other.events(t, ""), u.events(t, "")} {
			for _, e := range p.Entries {
				if owner := e.Source["owned_by"].(map[string]any)["id"]; owner != other.who.ID.String() && owner != u.who.ID.String() {
					t.Errorf("an event of %v", e.Source)
				}
			}
		}
	})
	t.Run("hidden and deleted trees", func(t *testing.T) {
		u.do(t, "DELETE", "/2.0/folders/"+private+"?recursive=true", nil).want(204)
		u.finds(t, "words", "shared words", "words in shared.txt")
		u.do(t, "DELETE", "/2.0/folders/"+private+"/trash", nil).want(204)
		u.finds(t, "words&trash_content=all_items", "shared words", "words in shared.txt")
		w.Chores(t.Context())
		u.finds(t, "words&trash_content=all_items", "shared words", "words in shared.txt")
		u.finds(t, "private&trash_content=trashed_only")
		for _, e := range u.get(t, "/2.0/recent_items?fields=name")["entries"].([]any) {
			if name := e.(map[string]any)["item"].(map[string]any)["name"]; name == "words in private.txt" || name == "private" {
				t.Errorf("%v is still recent", name)
			}
		}
	})
	t.Run("copies are found", func(t *testing.T) {
		u.do(t, "POST", "/2.0/folders/"+shared+"/copy", fields{"parent": fields{"id": "0"}, "name": "words again"}).want(201)
		u.finds(t, "words", "shared words", "words in shared.txt", "words again", "words in shared.txt")
		u.finds(t, "again", "words again")
	})
}
