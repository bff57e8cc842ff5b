package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// link is a shared link as a client sees it.
type link struct {
	URL                 string
	DownloadURL         *string `json:"download_url"`
	VanityURL           *string `json:"vanity_url"`
	VanityName          *string `json:"vanity_name"`
	EffectiveAccess     string  `json:"effective_access"`
	EffectivePermission string  `json:"effective_permission"`
	IsPasswordEnabled   bool    `json:"is_password_enabled"`
	UnsharedAt          *string `json:"unshared_at"`
	DownloadCount       int     `json:"download_count"`
	PreviewCount        int     `json:"preview_count"`
	Access              string
	Permissions         struct {
		CanPreview  bool `json:"can_preview"`
		CanDownload bool `json:"can_download"`
		CanEdit     bool `json:"can_edit"`
	}
}

// linked is an item with its link.
type linked struct {
	ID, Etag   string
	SharedLink *link `json:"shared_link"`
}

// share changes the link of an item, whose path is files/1 or the like.
func (w *wire) share(t testing.TB, item string, settings any) link {
	t.Helper()
	var r linked
	w.do(t, "PUT", "/2.0/"+item+"?fields=shared_link", fields{"shared_link": settings}).want(200).decode(&r)
	if r.SharedLink == nil {
		t.Fatalf("%s has no link", item)
	}
	return *r.SharedLink
}

func (w *wire) linkOf(t testing.TB, item string) *link {
	t.Helper()
	var r linked
	w.do(t, "GET", "/2.0/"+item+"?fields=shared_link", nil).want(200).decode(&r)
	return r.SharedLink
}

// by is the BoxApi header of a link.
func by(l link, password ...string) []string {
	h := "shared_link=" + l.URL
	for _, p := range password {
		h += "&shared_link_password=" + p
	}
	return []string{"BoxApi", h}
}

func etag(t testing.TB, w *wire, item string) string {
	t.Helper()
	return w.get(t, "/2.0/"+item)["etag"].(string)
}

func TestSharedLinkSettings(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	f := w.simple(t, "a.jpeg", "a").file()
	folder := w.folder(t, "0", "folder")
	web := w.webLink(t, "0", "web")
	items := []string{"files/" + f.ID, "folders/" + folder, "web_links/" + web}

	t.Run("6 shared_link: null without one, all keys with one", func(t *testing.T) {
		for _, item := range items {
			if o := w.get(t, "/2.0/"+item); o["shared_link"] != nil {
				t.Errorf("%s has %v", item, o["shared_link"])
			}
			l := w.share(t, item, fields{})
			want := link{URL: l.URL, EffectiveAccess: "open", EffectivePermission: "can_download", Access: "open"}
			want.Permissions.CanPreview, want.Permissions.CanDownload = true, true
			if strings.HasPrefix(item, "files") {
				to := strings.Replace(l.URL, "/s/", "/shared/static/", 1) + ".jpeg"
				want.DownloadURL = &to
			}
			if !strings.HasPrefix(l.URL, w.URL+"/s/") || len(l.URL) != len(w.URL)+3+26 {
				t.Errorf("url is %q", l.URL)
			}
			sameJSON(t, l, want)
			o := w.get(t, "/2.0/"+item)["shared_link"].(map[string]any)
			var keys []string
			for k := range o {
				keys = append(keys, k)
			}
			slices.Sort(keys)
			if got := strings.Join(keys, " "); got != "access download_count download_url effective_access effective_permission is_password_enabled permissions preview_count unshared_at url vanity_name vanity_url" {
				t.Errorf("keys are %s", got)
			}
		}
	})
	t.Run("6 shared_link in lists only if asked for, and with null where there is none", func(t *testing.T) {
		w.folder(t, "0", "unshared")
		for _, e := range w.get(t, "/2.0/folders/0/items")["entries"].([]any) {
			if _, there := e.(map[string]any)["shared_link"]; there {
				t.Errorf("%v", e)
			}
		}
		n := 0
		for _, e := range w.get(t, "/2.0/folders/0/items?fields=shared_link")["entries"].([]any) {
			v, there := e.(map[string]any)["shared_link"]
			if !there {
				t.Errorf("%v", e)
			}
			if v != nil {
				n++
			}
		}
		if n != 3 {
			t.Errorf("%d items have a link", n)
		}
	})
	t.Run("10 +1 of the etag for each change of a link, and none for no change", func(t *testing.T) {
		for _, item := range items {
			w.do(t, "PUT", "/2.0/"+item, fields{"shared_link": nil}).want(200)
			before := etag(t, w, item)
			for i, settings := range []any{
				fields{}, fields{"access": "company"}, fields{"access": "open", "password": "pass-word"}, fields{"password": "pass-word"},
				fields{"password": nil}, fields{"vanity_name": "the-vanity-name"}, fields{"vanity_name": nil},
				fields{"unshared_at": "2199-01-01T00:00:00Z"}, fields{"unshared_at": nil},
				fields{"permissions": fields{"can_download": false}}, fields{"permissions": fields{"can_download": true, "can_preview": true, "can_edit": false}}, nil,
			} {
				w.do(t, "PUT", "/2.0/"+item, fields{"shared_link": settings}).want(200)
				if got, want := etag(t, w, item), fmt.Sprint(number(t, before)+i+1); got != want {
					t.Fatalf("after change %d the etag of %s is %s, want %s", i, item, got, want)
				}
			}
			at := etag(t, w, item)
			w.do(t, "PUT", "/2.0/"+item, fields{"shared_link": nil}).want(200) // there is none
			w.share(t, item, fields{"access": "company"})
			again := etag(t, w, item)
			w.share(t, item, fields{})                    // leaves what is there
			w.share(t, item, fields{"access": "company"}) // is so already
			if got := etag(t, w, item); got != again || number(t, again) != number(t, at)+1 {
				t.Errorf("etag went %s, %s, %s", at, again, got)
			}
			w.do(t, "PUT", "/2.0/"+item, fields{"shared_link": fields{}}, "If-Match", at).refused(412, "precondition_failed")
		}
	})
	t.Run("10 changes keep the URL and what they do not name; null ends it, and the next is another", func(t *testing.T) {
		item := "files/" + f.ID
		w.do(t, "PUT", "/2.0/"+item, fields{"shared_link": nil}).want(200)
		a := w.share(t, item, fields{"password": "pass-word", "vanity_name": "My-Vanity-Name", "unshared_at": "2199-01-01T00:00:00+01:00", "permissions": fields{"can_edit": true}})
		if !a.IsPasswordEnabled || *a.VanityName != "My-Vanity-Name" || *a.VanityURL != w.URL+"/v/My-Vanity-Name" || !when(t, *a.UnsharedAt).Equal(time.Date(2198, 12, 31, 23, 0, 0, 0, time.UTC)) ||
			a.EffectivePermission != "can_edit" || !a.Permissions.CanEdit {
			t.Errorf("%+v", a)
		}
		sameJSON(t, w.share(t, item, fields{}), a)
		b := w.share(t, item, fields{"password": nil})
		if b.URL != a.URL || b.IsPasswordEnabled || b.VanityName == nil || b.UnsharedAt == nil || !b.Permissions.CanEdit {
			t.Errorf("%+v", b)
		}
		// No more download, no more edit.
		if c := w.share(t, item, fields{"permissions": fields{"can_download": false}}); c.Permissions.CanEdit || c.EffectivePermission != "can_preview" {
			t.Errorf("%+v", c)
		}
		w.do(t, "PUT", "/2.0/"+item, fields{"shared_link": nil}).want(200)
		if l := w.linkOf(t, item); l != nil {
			t.Errorf("%+v", l)
		}
		if c := w.share(t, item, fields{}); c.URL == a.URL || c.VanityName != nil || c.Permissions.CanEdit {
			t.Errorf("%+v", c)
		}
	})
	t.Run("10 a password is for open links: it goes with the access", func(t *testing.T) {
		item := "folders/" + folder
		w.share(t, item, fields{"access": "open", "password": "pass-word"})
		if l := w.share(t, item, fields{"access": "company"}); l.IsPasswordEnabled || l.EffectiveAccess != "company" {
			t.Errorf("%+v", l)
		}
		if l := w.share(t, item, fields{"access": "collaborators"}); l.EffectivePermission != "can_preview" || l.Permissions.CanDownload {
			t.Errorf("%+v", l)
		}
		if l := w.share(t, item, fields{"access": "open"}); l.IsPasswordEnabled || !l.Permissions.CanDownload {
			t.Errorf("%+v", l)
		}
	})
	for name, row := range map[string]struct {
		item     string
		settings any
	}{
		"an access that is none":             {"files/" + f.ID, fields{"access": "everybody"}},
		"a short password":                   {"files/" + f.ID, fields{"password": "Short1"}},
		"a password of small letters":        {"files/" + f.ID, fields{"password": "passwordpassword"}},
		"a password for a company link":      {"files/" + f.ID, fields{"access": "company", "password": "pass-word"}},
		"a time that is over":                {"files/" + f.ID, fields{"unshared_at": "2001-01-01T00:00:00Z"}},
		"a short vanity name":                {"files/" + f.ID, fields{"vanity_name": "short"}},
		"a vanity name with a slash":         {"files/" + f.ID, fields{"vanity_name": "the/vanity/name"}},
		"edit without download":              {"files/" + f.ID, fields{"permissions": fields{"can_download": false, "can_edit": true}}},
		"edit for a folder":                  {"folders/" + folder, fields{"permissions": fields{"can_edit": true}}},
		"edit for a web link":                {"web_links/" + web, fields{"permissions": fields{"can_edit": true}}},
		"permissions of a collaborator link": {"files/" + f.ID, fields{"access": "collaborators", "permissions": fields{"can_download": true}}},
		"no object":                          {"files/" + f.ID, true},
	} {
		t.Run("10 400 for "+name, func(t *testing.T) {
			before := etag(t, w, row.item)
			w.do(t, "PUT", "/2.0/"+row.item, fields{"shared_link": row.settings}).refused(400, "bad_request")
			if got := etag(t, w, row.item); got != before {
				t.Errorf("etag went from %s to %s", before, got)
			}
		})
	}
	t.Run("10 a vanity name is one link's, whatever its case: 409", func(t *testing.T) {
		w.share(t, "files/"+f.ID, fields{"vanity_name": "Taken-Vanity-Name"})
		w.do(t, "PUT", "/2.0/folders/"+folder, fields{"shared_link": fields{"vanity_name": "taken-vanity-NAME"}}).refused(409, "conflict")
		w.share(t, "files/"+f.ID, fields{"vanity_name": nil})
		w.share(t, "folders/"+folder, fields{"vanity_name": "taken-vanity-NAME"})
	})
	t.Run("10 the root can't be shared, nor what others own", func(t *testing.T) {
		w.do(t, "PUT", "/2.0/folders/0", fields{"shared_link": fields{}}).refused(403, "access_denied_insufficient_permissions")
		other := w.user(t, "other@example.net", 0)
		other.do(t, "PUT", "/2.0/files/"+f.ID, fields{"shared_link": fields{}}).refused(404, "not_found")
		other.do(t, "PUT", "/2.0/files/"+f.ID, fields{"shared_link": fields{}}, by(w.share(t, "files/"+f.ID, fields{}))...).refused(403, "access_denied_insufficient_permissions")
	})
	t.Run("6 fields about links", func(t *testing.T) {
		below := w.folder(t, folder, "below")
		for item, options := range map[string]any{
			"files/" + f.ID: []any{"can_preview", "can_download", "can_edit"}, "web_links/" + web: []any{"can_preview", "can_download"},
		} {
			o := w.get(t, "/2.0/"+item+"?fields=is_accessible_via_shared_link,allowed_shared_link_access_levels,shared_link_permission_options")
			sameJSON(t, o["allowed_shared_link_access_levels"], any([]any{"open", "company", "collaborators"}))
			sameJSON(t, o["shared_link_permission_options"], options)
			sameJSON(t, o["is_accessible_via_shared_link"], any(true))
		}
		for id, want := range map[string]bool{folder: true, below: true, "0": false} {
			o := w.get(t, "/2.0/folders/"+id+"?fields=is_accessible_via_shared_link,allowed_shared_link_access_levels")
			sameJSON(t, o["is_accessible_via_shared_link"], any(want))
			if n := len(o["allowed_shared_link_access_levels"].([]any)); n != 3 && id != "0" || n != 0 && id == "0" {
				t.Errorf("folder %s has %d levels", id, n)
			}
		}
	})
}

func when(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func number(t testing.TB, text string) (n int) {
	t.Helper()
	if _, err := fmt.Sscan(text, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func sameJSON(t testing.TB, got, want any) {
	t.Helper()
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	if !bytes.Equal(a, b) {
		t.Errorf("got\n%s, want\n%s", a, b)
	}
}

func TestSharedItems(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	outer := w.folder(t, "0", "outer")
	shared := w.folder(t, outer, "shared")
	below := w.folder(t, shared, "below")
	f := w.post(t, "/2.0/files/content", newForm().attributes(fields{"name": "a.txt", "parent": fields{"id": below}}).file([]byte("text"))).file()
	secret := w.post(t, "/2.0/files/content", newForm().attributes(fields{"name": "secret.txt", "parent": fields{"id": outer}}).file([]byte("secret"))).file()
	web := w.webLink(t, shared, "web")
	other := w.user(t, "other@example.net", 0)
	l := w.share(t, "folders/"+shared, fields{})

	t.Run("10 GET /shared_items resolves a link of any item type", func(t *testing.T) {
		for item, kind := range map[string]string{"files/" + f.ID: "file", "folders/" + shared: "folder", "web_links/" + web: "web_link"} {
			own := w.share(t, item, fields{})
			o := other.do(t, "GET", "/2.0/shared_items", nil, by(own)...).want(200).object()
			if o["type"] != kind || !strings.HasSuffix(item, o["id"].(string)) || o["parent"] != nil || o["path_collection"].(map[string]any)["total_count"].(json.Number) != "0" {
				t.Errorf("%s gave %v", item, o)
			}
			if o["shared_link"].(map[string]any)["url"] != own.URL {
				t.Errorf("%s has link %v", item, o["shared_link"])
			}
			tag := o["etag"].(string)
			if r := other.do(t, "GET", "/2.0/shared_items", nil, append(by(own), "If-None-Match", tag)...); r.status != 304 || len(r.body) != 0 {
				t.Errorf("%v", r)
			}
			if o := other.do(t, "GET", "/2.0/shared_items?fields=name", nil, by(own)...).want(200).object(); len(o) != 4 {
				t.Errorf("with fields=name it has %v", o)
			}
		}
		o := other.do(t, "GET", "/2.0/shared_items", nil, by(l)...).want(200).object()
		if n := o["item_collection"].(map[string]any)["total_count"].(json.Number); n != "2" {
			t.Errorf("the folder has %s items", n)
		}
	})
	for name, form := range map[string]func(string) string{
		"as it is":             func(u string) string { return u },
		"percent-encoded":      func(u string) string { return strings.NewReplacer(":", "%3A", "/", "%2F").Replace(u) },
		"of another host":      func(u string) string { return strings.Replace(u, w.URL, "https://app.box.com", 1) },
		"with a query":         func(u string) string { return u + "?sort=date" },
		"of a folder below it": func(u string) string { return u + "/folder/" + below },
	} {
		t.Run("2 BoxApi, a link "+name, func(t *testing.T) {
			other.do(t, "GET", "/2.0/shared_items", nil, "BoxApi", "shared_link="+form(l.URL)).want(200)
		})
	}
	t.Run("2 BoxApi, vanity and download URLs", func(t *testing.T) {
		v := w.share(t, "files/"+f.ID, fields{"vanity_name": "The-Vanity-Name"})
		for _, u := range []string{*v.VanityURL, strings.ToLower(*v.VanityURL), *v.DownloadURL} {
			if o := other.do(t, "GET", "/2.0/shared_items", nil, "BoxApi", "shared_link="+u).want(200).object(); o["id"] != f.ID {
				t.Errorf("%s gave %v", u, o)
			}
		}
	})
	t.Run("10 what is no link, or one that is not there", func(t *testing.T) {
		gone := strings.Replace(l.URL, "/s/", "/s/zzzz", 1)
		for _, user := range []*wire{w, other} {
			user.do(t, "GET", "/2.0/shared_items", nil).refused(400, "bad_request")
			user.do(t, "GET", "/2.0/shared_items", nil, "BoxApi", "shared_link_password=x").refused(400, "bad_request")
			user.do(t, "GET", "/2.0/shared_items", nil, "BoxApi", "shared_link=https://example.net/").refused(404, "not_found")
			user.do(t, "GET", "/2.0/shared_items", nil, "BoxApi", "shared_link="+gone).refused(404, "not_found")
			user.do(t, "GET", "/2.0/folders/0", nil, "BoxApi", "shared_link="+gone).refused(404, "not_found")
			user.do(t, "GET", "/2.0/users/me", nil, "BoxApi", "shared_link="+gone).want(200) // not about items
			user.do(t, "GET", "/2.0/folders/0", nil, "BoxApi", "shared_link=nonsense").want(200)
		}
		w.do(t, "GET", "/2.0/shared_items", nil, "Authorization", "", "BoxApi", "shared_link="+l.URL).empty(401)
	})
	t.Run("2 a link gives its item and all below it, and nothing else", func(t *testing.T) {
		for _, path := range []string{"/2.0/folders/" + shared, "/2.0/folders/" + below, "/2.0/folders/" + below + "/items", "/2.0/files/" + f.ID, "/2.0/web_links/" + web} {
			other.do(t, "GET", path, nil).refused(404, "not_found")
			other.do(t, "GET", path, nil, by(l)...).want(200)
		}
		for _, path := range []string{"/2.0/folders/" + outer, "/2.0/folders/" + outer + "/items", "/2.0/files/" + secret.ID, "/2.0/files/" + secret.ID + "/content"} {
			other.do(t, "GET", path, nil, by(l)...).refused(404, "not_found")
		}
		for _, change := range []struct{ method, path string }{
			{"PUT", "/2.0/files/" + f.ID}, {"DELETE", "/2.0/files/" + f.ID}, {"DELETE", "/2.0/folders/" + below}, {"PUT", "/2.0/folders/" + shared},
		} {
			other.do(t, change.method, change.path, fields{"name": "mine"}, by(l)...).refused(403, "access_denied_insufficient_permissions")
		}
		other.do(t, "POST", "/2.0/folders", fields{"name": "mine", "parent": fields{"id": shared}}, by(l)...).refused(403, "access_denied_insufficient_permissions")
	})
	t.Run("2 path and parent begin at the shared folder", func(t *testing.T) {
		o := other.do(t, "GET", "/2.0/files/"+f.ID, nil, by(l)...).want(200)
		var got struct {
			Parent         struct{ ID string }
			PathCollection struct{ Entries []struct{ ID string } } `json:"path_collection"`
			SharedLink     any                                     `json:"shared_link"`
		}
		o.decode(&got)
		if p := got.PathCollection.Entries; got.Parent.ID != below || len(p) != 2 || p[0].ID != shared || p[1].ID != below {
			t.Errorf("%+v", got)
		}
		if got.SharedLink != nil {
			t.Errorf("the file's own link was told: %v", got.SharedLink)
		}
		for _, path := range []string{"/2.0/folders/" + shared, "/2.0/folders/" + below, "/2.0/files/" + f.ID, "/2.0/folders/" + shared + "/items?fields=parent,path_collection"} {
			if b := string(other.do(t, "GET", path, nil, by(l)...).want(200).body); strings.Contains(b, "outer") || strings.Contains(b, outer) || strings.Contains(b, "All Files") {
				t.Errorf("%s tells of what is above: %s", path, b)
			}
		}
	})
	t.Run("9 download by a link, as long as it is there and lets", func(t *testing.T) {
		path := "/2.0/files/" + f.ID + "/content"
		other.do(t, "GET", path, nil).refused(404, "not_found")
		to := other.do(t, "GET", path, nil, by(l)...).empty(302).header.Get("Location")
		if b := other.do(t, "GET", to, nil, "Authorization", "").want(200).body; string(b) != "text" {
			t.Errorf("%q", b)
		}
		w.share(t, "folders/"+shared, fields{"permissions": fields{"can_download": false}})
		other.do(t, "GET", path, nil, by(l)...).refused(403, "access_denied_insufficient_permissions")
		other.do(t, "GET", to, nil, "Authorization", "").refused(403, "access_denied_insufficient_permissions")
		w.share(t, "folders/"+shared, fields{"permissions": fields{"can_download": true}})
		other.do(t, "GET", to, nil, "Authorization", "").want(200)
		w.share(t, "folders/"+shared, fields{"password": "pass-word"})
		other.do(t, "GET", to, nil, "Authorization", "").refused(404, "not_found")
		w.share(t, "folders/"+shared, fields{"password": nil})
		w.do(t, "PUT", "/2.0/folders/"+shared, fields{"shared_link": nil}).want(200)
		other.do(t, "GET", to, nil, "Authorization", "").refused(404, "not_found")
		other.do(t, "GET", path, nil, by(l)...).refused(404, "not_found")
		l = w.share(t, "folders/"+shared, fields{})
		other.do(t, "GET", to, nil, "Authorization", "").refused(404, "not_found") // another link
	})
	t.Run("10 a link with can_edit takes versions, of that file only", func(t *testing.T) {
		reads, edits := w.simple(t, "reads.txt", "1").file(), w.simple(t, "edits.txt", "1").file()
		r, e := w.share(t, "files/"+reads.ID, fields{}), w.share(t, "files/"+edits.ID, fields{"permissions": fields{"can_edit": true}})
		version := newForm().file([]byte("2"))
		other.post(t, "/2.0/files/"+reads.ID+"/content", version, by(r)...).refused(403, "access_denied_insufficient_permissions")
		other.post(t, "/2.0/files/"+reads.ID+"/content", version, by(e)...).refused(404, "not_found")
		if f := other.post(t, "/2.0/files/"+edits.ID+"/content", version, by(e)...).file(); f.Etag == edits.Etag || f.Parent.ID != "" {
			t.Errorf("%+v", f)
		}
		// With upload sessions, too.
		s := &session{w: other, data: noise(2 * partSize)}
		other.do(t, "POST", "/2.0/files/"+edits.ID+"/upload_sessions", fields{"file_size": len(s.data)}, by(e)...).want(201).decode(s)
		s.commit(t, s.parts(t), by(e)...).file()
		// The past of a file is for those who may change it.
		other.do(t, "GET", "/2.0/files/"+edits.ID+"/versions", nil, by(e)...).want(200)
		w.post(t, "/2.0/files/"+reads.ID+"/content", version).file()
		other.do(t, "GET", "/2.0/files/"+reads.ID+"/versions", nil, by(r)...).refused(403, "access_denied_insufficient_permissions")
		other.do(t, "GET", "/2.0/files/"+reads.ID+"/content?version="+reads.FileVersion.ID, nil, by(r)...).refused(403, "access_denied_insufficient_permissions")
	})
	t.Run("10 company links are for the company, others for who was invited", func(t *testing.T) {
		l := w.share(t, "files/"+f.ID, fields{"access": "company"})
		other.do(t, "GET", "/2.0/shared_items", nil, by(l)...).want(200) // of the same enterprise
		to := other.do(t, "GET", "/2.0/files/"+f.ID+"/content", nil, by(l)...).empty(302).header.Get("Location")
		other.do(t, "GET", to, nil, "Authorization", "").want(200)
		w.share(t, "files/"+f.ID, fields{"access": "collaborators"})
		other.do(t, "GET", "/2.0/shared_items", nil, by(l)...).refused(403, "access_denied_insufficient_permissions")
		other.do(t, "GET", to, nil, "Authorization", "").refused(404, "not_found")
		w.do(t, "GET", "/2.0/shared_items", nil, by(l)...).want(200) // the owner
		w.share(t, "files/"+f.ID, fields{"access": "open"})
	})
	t.Run("10 a trashed item has no link; restored, it has it again", func(t *testing.T) {
		f := w.simple(t, "trash.txt", "1").file()
		l := w.share(t, "files/"+f.ID, fields{})
		w.do(t, "DELETE", "/2.0/files/"+f.ID, nil).want(204)
		other.do(t, "GET", "/2.0/shared_items", nil, by(l)...).refused(404, "not_found")
		for _, path := range []string{"/2.0/files/" + f.ID, "/2.0/files/" + f.ID + "/trash"} {
			if o := w.get(t, path); o["shared_link"] != nil {
				t.Errorf("%s has %v", path, o["shared_link"])
			}
		}
		w.do(t, "PUT", "/2.0/files/"+f.ID, fields{"shared_link": fields{}}).refused(404, "trashed")
		// In this one reply it is null: SDKs take it for a string.
		if o := w.do(t, "POST", "/2.0/files/"+f.ID, nil).want(201).object(); o["shared_link"] != nil {
			t.Errorf("restored with %v", o["shared_link"])
		}
		other.do(t, "GET", "/2.0/shared_items", nil, by(l)...).want(200)
		w.do(t, "DELETE", "/2.0/files/"+f.ID, nil).want(204)
		w.do(t, "DELETE", "/2.0/files/"+f.ID+"/trash", nil).want(204)
		other.do(t, "GET", "/2.0/shared_items", nil, by(l)...).refused(404, "not_found")

		// By a link to a folder, what is in the trash is not there.
		inside := w.post(t, "/2.0/files/content", newForm().attributes(fields{"name": "b.txt", "parent": fields{"id": below}}).file([]byte("b"))).file()
		top := w.share(t, "folders/"+shared, fields{})
		other.do(t, "GET", "/2.0/files/"+inside.ID, nil, by(top)...).want(200)
		w.do(t, "DELETE", "/2.0/files/"+inside.ID, nil).want(204)
		other.do(t, "GET", "/2.0/files/"+inside.ID, nil, by(top)...).refused(404, "not_found")
	})
	t.Run("10 a link ends at its time", func(t *testing.T) {
		f := w.simple(t, "ends.txt", "1").file()
		l := w.share(t, "files/"+f.ID, fields{"unshared_at": w.Clock.Now().Add(time.Hour).Format(time.RFC3339), "vanity_name": "Ends-In-An-Hour"})
		other.do(t, "GET", "/2.0/shared_items", nil, by(l)...).want(200)
		to := other.do(t, "GET", "/2.0/files/"+f.ID+"/content", nil, by(l)...).empty(302).header.Get("Location")
		before := etag(t, w, "files/"+f.ID)
		w.Clock.Add(time.Hour + time.Second)
		other.do(t, "GET", "/2.0/shared_items", nil, by(l)...).refused(404, "not_found")
		other.do(t, "GET", to, nil).refused(404, "not_found")
		if l := w.linkOf(t, "files/"+f.ID); l != nil {
			t.Errorf("%+v", l)
		}
		w.Chores(t.Context())
		if got := etag(t, w, "files/"+f.ID); number(t, got) != number(t, before)+1 {
			t.Errorf("etag went from %s to %s", before, got)
		}
		if again := w.share(t, "files/"+f.ID, fields{"vanity_name": "ends-in-an-hour"}); again.URL == l.URL {
			t.Error("a link that was over came back")
		}
	})
}

func TestSharedLinkPasswords(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	f := w.simple(t, "a.txt", "a").file()
	other := w.user(t, "other@example.net", 0)
	l := w.share(t, "files/"+f.ID, fields{"password": "pass+word&1%"})

	t.Run("10 no password, or a wrong one: 403", func(t *testing.T) {
		other.do(t, "GET", "/2.0/shared_items", nil, by(l)...).refused(403, "incorrect_shared_item_password")
		other.do(t, "GET", "/2.0/shared_items", nil, by(l, "wrong-wrong")...).refused(403, "incorrect_shared_item_password")
		other.do(t, "GET", "/2.0/files/"+f.ID, nil, by(l, strings.Repeat("x", 5000))...).refused(403, "incorrect_shared_item_password")
	})
	t.Run("10 the right one, raw and encoded; the owner needs none", func(t *testing.T) {
		other.do(t, "GET", "/2.0/shared_items", nil, by(l, "pass+word&1%")...).want(200)
		other.do(t, "GET", "/2.0/shared_items", nil, "BoxApi", "shared_link="+strings.NewReplacer(":", "%3A", "/", "%2F").Replace(l.URL)+"&shared_link_password=pass%2Bword%261%25").want(200)
		w.do(t, "GET", "/2.0/shared_items", nil, by(l)...).want(200)
	})
	t.Run("10 who guesses waits, who knows it does not, and another link is another", func(t *testing.T) {
		for range 15 {
			other.do(t, "GET", "/2.0/shared_items", nil, by(l, "wrong-wrong")...)
		}
		r := other.do(t, "GET", "/2.0/shared_items", nil, by(l, "wrong-wrong")...)
		r.refused(429, "rate_limit_exceeded")
		if r.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		other.do(t, "GET", "/2.0/shared_items", nil, by(l, "pass+word&1%")...).want(200)
		w.do(t, "GET", "/2.0/shared_items", nil, by(l)...).want(200)
		second := w.simple(t, "b.txt", "b").file()
		other.do(t, "GET", "/2.0/shared_items", nil, by(w.share(t, "files/"+second.ID, fields{"password": "pass-word"}), "pass-word")...).want(200)
		w.Clock.Add(2 * time.Minute)
		other.do(t, "GET", "/2.0/shared_items", nil, by(l, "wrong-wrong")...).refused(403, "incorrect_shared_item_password")
	})
	t.Run("10 a new password ends the old one", func(t *testing.T) {
		w.share(t, "files/"+f.ID, fields{"password": "another-word"})
		w.Clock.Add(2 * time.Minute)
		other.do(t, "GET", "/2.0/shared_items", nil, by(l, "pass+word&1%")...).refused(403, "incorrect_shared_item_password")
		other.do(t, "GET", "/2.0/shared_items", nil, by(l, "another-word")...).want(200)
		w.share(t, "files/"+f.ID, fields{"password": nil})
		other.do(t, "GET", "/2.0/shared_items", nil, by(l)...).want(200)
	})
	t.Run("5 box_shared_link: a token for a link, which ends with it", func(t *testing.T) {
		exchange := func(link, password string) *reply {
			form := "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token_type=urn:ietf:params:oauth:token-type:access_token&scope=base_explorer item_download&subject_token=" +
				other.token + "&box_shared_link=" + link + "&box_shared_link_password=" + password
			resp, err := w.http.Do(w.request(t, "POST", "/oauth2/token", form, "Authorization", "", "Content-Type", "application/x-www-form-urlencoded"))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			b, _ := io.ReadAll(resp.Body)
			return &reply{t: t, what: "exchange", status: resp.StatusCode, header: resp.Header, body: b}
		}
		l := w.share(t, "files/"+f.ID, fields{"password": "another-word"})
		exchange(l.URL, "wrong-wrong").want(400)
		var token struct {
			AccessToken string `json:"access_token"`
		}
		exchange(l.URL, "another-word").want(200).decode(&token)
		narrow := *other
		narrow.token = token.AccessToken
		narrow.do(t, "GET", "/2.0/files/"+f.ID, nil).want(200)
		narrow.do(t, "GET", "/2.0/files/"+f.ID+"/content", nil).empty(302)
		w.do(t, "PUT", "/2.0/files/"+f.ID, fields{"shared_link": nil}).want(200)
		narrow.do(t, "GET", "/2.0/files/"+f.ID, nil).refused(404, "not_found")
	})
}

// visit gets a page as a browser with some cookies, and follows nothing.
func (w *wire) visit(t testing.TB, method, url, body string, headers ...string) *reply {
	t.Helper()
	if !strings.HasPrefix(url, "http") {
		url = w.URL + url
	}
	resp, err := w.http.Do(w.request(t, method, url, body, append([]string{"Authorization", "", "Content-Type", "application/x-www-form-urlencoded"}, headers...)...))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	r := &reply{t: t, what: method + " " + url, status: resp.StatusCode, header: resp.Header, body: b}
	r.checkHeaders()
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		r.isPage()
	}
	return r
}

// isPage is for what every page of a link has to have.
func (r *reply) isPage() {
	r.t.Helper()
	policy := r.header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "style-src 'sha256-", "base-uri 'none'", "form-action 'self'", "frame-ancestors "} {
		if !strings.Contains(policy, want) {
			r.t.Errorf("%s: policy %q has no %s", r.what, policy, want)
		}
	}
	if strings.Contains(policy, "script") || strings.Contains(policy, "unsafe") {
		r.t.Errorf("%s: policy is %q", r.what, policy)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-cache, no-store"} {
		if got := r.header.Get(name); got != want {
			r.t.Errorf("%s: %s is %q", r.what, name, got)
		}
	}
	if bytes.Contains(r.body, []byte("<script")) || bytes.Contains(r.body, []byte("style=")) || bytes.Contains(r.body, []byte("ZgotmplZ")) {
		r.t.Errorf("%s has a script, or a style that the policy forbids, or what the template did not like", r.what)
	}
}

func (r *reply) has(texts ...string) *reply {
	r.t.Helper()
	for _, text := range texts {
		if !strings.Contains(string(r.body), text) {
			r.t.Errorf("%s has no %q:\n%s", r.what, text, afterStyle(r.body))
		}
	}
	return r
}

func (r *reply) hasNot(texts ...string) *reply {
	r.t.Helper()
	for _, text := range texts {
		if strings.Contains(afterStyle(r.body), text) {
			r.t.Errorf("%s has %q:\n%s", r.what, text, afterStyle(r.body))
		}
	}
	return r
}

func afterStyle(b []byte) string {
	_, rest, _ := strings.Cut(string(b), "</style>")
	return rest
}

// pixel is a picture in PNG.
var pixel = func() string {
	var b bytes.Buffer
	png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1)))
	return b.String()
}()

// attribute is the first value of an attribute in a page, as an address.
func (r *reply) attribute(name string) string {
	r.t.Helper()
	_, rest, ok := strings.Cut(afterStyle(r.body), " "+name+`="`)
	value, _, _ := strings.Cut(rest, `"`)
	if !ok {
		r.t.Fatalf("%s has no %s", r.what, name)
	}
	at, err := http.NewRequest("GET", strings.TrimPrefix(r.what, "GET "), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	u, err := at.URL.Parse(strings.NewReplacer("&amp;", "&", "&#43;", "+").Replace(value))
	if err != nil {
		r.t.Fatal(err)
	}
	return u.String()
}

func TestSharedLinkPages(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	outer := w.folder(t, "0", "outer")
	shared := w.folder(t, outer, "shared <b>&amp; b")
	below := w.folder(t, shared, "below")
	in := func(folder, name, body string) file {
		t.Helper()
		return w.post(t, "/2.0/files/content", newForm().attributes(fields{"name": name, "parent": fields{"id": folder}}).file([]byte(body))).file()
	}
	text := in(below, "notes.txt", "one <i>two</i>\nthree\n")
	picture := in(shared, "picture.png", "\x89PNG")
	w.webLink(t, shared, "web")
	l := w.share(t, "folders/"+shared, fields{})

	t.Run("a folder, the folder in it, and a file there", func(t *testing.T) {
		page := w.visit(t, "GET", l.URL, "").want(200).has("shared &lt;b&gt;&amp;amp; b", "below", "picture.png", "4 bytes", "https://example.net/", "3 items").hasNot("outer", "All Files", "Download")
		w.visit(t, "HEAD", l.URL, "").want(200)
		if at := page.attribute("href"); at != l.URL+"/folder/"+below {
			t.Errorf("the first row leads to %s", at)
		}
		inner := w.visit(t, "GET", l.URL+"/folder/"+below, "").want(200).has("notes.txt", "shared &lt;b&gt;").hasNot("outer", "All Files")
		if at := inner.attribute("href"); at != l.URL {
			t.Errorf("the first crumb leads to %s", at)
		}
		w.visit(t, "GET", l.URL+"/", "").want(200)
		if at := w.visit(t, "GET", l.URL+"/file/"+text.ID, "").want(200).has("one &lt;i&gt;two&lt;/i&gt;", "below", "Download").attribute("href"); at != l.URL {
			t.Errorf("the first crumb leads to %s", at)
		}
		to := w.visit(t, "GET", l.URL+"/file/"+text.ID+"/download", "").empty(302).header.Get("Location")
		if b := w.do(t, "GET", to, nil, "Authorization", "").want(200); string(b.body) != "one <i>two</i>\nthree\n" || !strings.HasPrefix(b.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%v", b)
		}
	})
	t.Run("a picture is shown, in a sandbox", func(t *testing.T) {
		src := w.visit(t, "GET", l.URL+"/file/"+picture.ID, "").want(200).attribute("src")
		r := w.do(t, "GET", src, nil, "Authorization", "").want(200)
		for name, want := range map[string]string{
			"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'",
			"Content-Disposition": `inline; filename="picture.png"; filename*=UTF-8''picture.png`,
		} {
			if got := r.header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	})
	t.Run("nothing above the share, beside it, or in another's", func(t *testing.T) {
		outside := in(outer, "outside.txt", "x")
		for _, path := range []string{"/folder/" + outer, "/folder/0", "/folder/x", "/file/" + outside.ID, "/file/" + outside.ID + "/download", "/file/" + below, "/folder/" + text.ID, "/download"} {
			w.visit(t, "GET", l.URL+path, "").want(404).has("This link does not work").hasNot("outside.txt", "outer")
		}
		w.do(t, "DELETE", "/2.0/files/"+text.ID, nil).want(204)
		w.visit(t, "GET", l.URL+"/file/"+text.ID, "").want(404)
		w.do(t, "POST", "/2.0/files/"+text.ID, nil).want(201)
	})
	t.Run("unknown, over, and taken back: one page", func(t *testing.T) {
		w.visit(t, "GET", "/s/zzzzzzzzzzzzzzzzzzzzzzzzzz", "").want(404).has("This link does not work")
		w.visit(t, "GET", "/s/x", "").want(404)
		w.visit(t, "GET", "/v/nobodys-vanity", "").want(404)
		w.visit(t, "GET", "/shared/static/x.png", "").want(404)
		w.visit(t, "GET", "/shared/static/", "").want(404)
	})
	t.Run("vanity and static URLs", func(t *testing.T) {
		own := w.share(t, "files/"+text.ID, fields{"vanity_name": "Notes-For-All"})
		if to := w.visit(t, "GET", "/v/notes-for-all", "").empty(302).header.Get("Location"); to != own.URL {
			t.Errorf("a vanity URL leads to %s", to)
		}
		to := w.visit(t, "GET", *own.DownloadURL, "").empty(302).header.Get("Location")
		w.do(t, "GET", to, nil, "Authorization", "").want(200)
		w.visit(t, "HEAD", *own.DownloadURL, "").empty(302)
		w.visit(t, "GET", strings.TrimSuffix(*own.DownloadURL, ".txt"), "").empty(302)
		w.visit(t, "GET", strings.Replace(l.URL, "/s/", "/shared/static/", 1), "").want(404) // a folder
	})
	t.Run("without download: no button and no content URL", func(t *testing.T) {
		own := w.share(t, "files/"+picture.ID, fields{"permissions": fields{"can_download": false}})
		w.visit(t, "GET", own.URL, "").want(200).has("picture.png", "<img").hasNot("/content/", "Download")
		w.visit(t, "GET", own.URL+"/preview", "").want(404) // it is no picture in truth
		whole := w.simple(t, "true.png", pixel).file()
		seen := w.share(t, "files/"+whole.ID, fields{"permissions": fields{"can_download": false}})
		src := w.visit(t, "GET", seen.URL, "").want(200).attribute("src")
		if r := w.visit(t, "GET", src, "").want(200); r.header.Get("Content-Type") != "image/jpeg" || r.header.Get("Content-Security-Policy") != "sandbox; default-src 'none'" {
			t.Errorf("%v", r)
		}
		w.visit(t, "GET", seen.URL+"/download", "").want(403)
		w.visit(t, "GET", own.URL+"/download", "").want(403)
		w.visit(t, "GET", *own.DownloadURL, "").want(403)
		w.share(t, "folders/"+shared, fields{"permissions": fields{"can_download": false}})
		w.visit(t, "GET", l.URL+"/file/"+text.ID, "").want(200).has("notes.txt", "does not let this file be downloaded").hasNot("/content/", "Download", "three")
		w.visit(t, "GET", l.URL+"/file/"+text.ID+"/download", "").want(403)
		w.share(t, "folders/"+shared, fields{"permissions": fields{"can_download": true}})
	})
	t.Run("for the company, or who was invited: a page that says so", func(t *testing.T) {
		own := w.share(t, "files/"+picture.ID, fields{"access": "company"})
		w.visit(t, "GET", own.URL, "").want(403).has("in the company of its owner").hasNot("picture.png")
		w.visit(t, "GET", own.URL+"/download", "").want(403)
		w.share(t, "files/"+picture.ID, fields{"access": "collaborators"})
		w.visit(t, "GET", own.URL, "").want(403).has("invited")
		w.do(t, "PUT", "/2.0/files/"+picture.ID, fields{"shared_link": nil}).want(200)
		w.visit(t, "GET", own.URL, "").want(404)
	})
	t.Run("a password, and the cookie it brings", func(t *testing.T) {
		own := w.share(t, "folders/"+below, fields{"password": "pass-word"})
		page := w.visit(t, "GET", own.URL, "").want(200).has(`type="password"`).hasNot("below", "notes.txt")
		if strings.Contains(page.what, "pass-word") {
			t.Error("the password is in the URL")
		}
		w.visit(t, "GET", own.URL+"/file/"+text.ID, "").want(200).has(`type="password"`).hasNot("notes.txt")
		w.visit(t, "GET", own.URL+"/file/"+text.ID+"/download", "").empty(302)
		w.visit(t, "POST", own.URL, "password=wrong-wrong").want(403).has("That is not the password", `type="password"`)
		w.visit(t, "POST", own.URL, "").want(403)
		w.visit(t, "POST", own.URL, "password=pass-word", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example").want(403).hasNot("boxcar-link")
		in := w.visit(t, "POST", own.URL+"/file/"+text.ID, "password=pass-word", "Sec-Fetch-Site", "same-origin", "Origin", w.URL).empty(303)
		cookie := in.header.Get("Set-Cookie")
		for _, want := range []string{"; HttpOnly", "; SameSite=Lax", "; Path=" + strings.TrimPrefix(own.URL, w.URL), "; Max-Age=3600"} {
			if !strings.Contains(cookie, want) {
				t.Errorf("cookie %q has no %s", cookie, want)
			}
		}
		value, _, _ := strings.Cut(cookie, ";")
		if strings.Contains(cookie, "pass-word") || strings.Contains(cookie, "Secure") {
			t.Errorf("cookie is %q", cookie)
		}
		w.visit(t, "GET", own.URL, "", "Cookie", value).want(200).has("notes.txt")
		w.visit(t, "GET", own.URL+"/file/"+text.ID, "", "Cookie", value).want(200).has("three")
		to := w.visit(t, "GET", own.URL+"/file/"+text.ID+"/download", "", "Cookie", value).empty(302).header.Get("Location")
		w.do(t, "GET", to, nil, "Authorization", "").want(200)

		other := w.share(t, "folders/"+shared, fields{"password": "pass-word"})
		w.visit(t, "GET", other.URL, "", "Cookie", value).want(200).has(`type="password"`)
		w.share(t, "folders/"+shared, fields{"password": nil})
		for _, bad := range []string{"boxcar-link=", "boxcar-link=x", value + "A", strings.Replace(value, "=", "=A", 1)} {
			w.visit(t, "GET", own.URL, "", "Cookie", bad).want(200).has(`type="password"`)
		}
		w.share(t, "folders/"+below, fields{"password": "another-word"})
		w.visit(t, "GET", own.URL, "", "Cookie", value).want(200).has(`type="password"`)
		w.do(t, "GET", to, nil, "Authorization", "").refused(404, "not_found")
		w.Clock.Add(time.Hour + time.Second)
		w.share(t, "folders/"+below, fields{"password": nil})
	})
	t.Run("pages of a long folder", func(t *testing.T) {
		long := w.folder(t, "0", "long")
		for i := range 205 {
			w.folder(t, long, fmt.Sprintf("n%03d", i))
		}
		own := w.share(t, "folders/"+long, fields{})
		url, seen := own.URL, 0
		for {
			page := w.visit(t, "GET", url, "").want(200)
			seen += strings.Count(string(page.body), "<li>")
			if !strings.Contains(string(page.body), `rel="next"`) {
				page.has("n204", "First page")
				break
			}
			_, rest, _ := strings.Cut(string(page.body), `<nav class="pages"`)
			rest = rest[strings.LastIndex(rest, `href="`)+len(`href="`):]
			next, _, _ := strings.Cut(rest, `"`)
			at, _ := http.NewRequest("GET", url, nil)
			u, err := at.URL.Parse(strings.ReplaceAll(next, "&amp;", "&"))
			if err != nil {
				t.Fatal(err)
			}
			url = u.String()
		}
		if seen != 205 {
			t.Errorf("saw %d folders", seen)
		}
		w.visit(t, "GET", own.URL+"?after=nonsense", "").want(400)
	})
	t.Run("uses are counted, and written soon", func(t *testing.T) {
		f := in(below, "counted.txt", "1")
		own := w.share(t, "files/"+f.ID, fields{})
		before := etag(t, w, "files/"+f.ID)
		for range 3 {
			w.visit(t, "GET", own.URL, "").want(200)
		}
		w.visit(t, "HEAD", own.URL, "").want(200)
		to := w.visit(t, "GET", own.URL+"/download", "").empty(302).header.Get("Location")
		w.do(t, "HEAD", to, nil).want(200)
		w.do(t, "GET", to, nil).want(200)
		w.do(t, "GET", to, nil, "Range", "bytes=0-0").want(206)
		w.Chores(t.Context())
		got := w.linkOf(t, "files/"+f.ID)
		if got.PreviewCount != 3 || got.DownloadCount != 2 || etag(t, w, "files/"+f.ID) != before {
			t.Errorf("%+v", got)
		}
		w.visit(t, "GET", own.URL, "").want(200)
		w.Restart()
		if got := w.linkOf(t, "files/"+f.ID); got.PreviewCount != 4 {
			t.Errorf("after a stop: %+v", got)
		}
	})
}

// What people upload may be a program for a browser. None of it runs in the
// origin of the server, whichever way it is looked at.
func TestUploadedPagesDoNotRun(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	for name, body := range map[string]string{
		"a.html": "<script>alert(1)</script>", "a.svg": `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`,
		"a.xhtml": "<html xmlns='http://www.w3.org/1999/xhtml'><script>alert(1)</script></html>", "a.xml": "<?xml version='1.0'?><?xml-stylesheet href='x'?><a/>",
		"a.js": "alert(1)", "a.png": "<script>alert(1)</script>", "a.pdf": "<script>alert(1)</script>", "a": "<script>alert(1)</script>", "a.mp4": "<html><script>alert(1)</script>",
	} {
		t.Run(name, func(t *testing.T) {
			f := w.simple(t, name, body).file()
			l := w.share(t, "files/"+f.ID, fields{})
			page := w.visit(t, "GET", l.URL, "").want(200).hasNot("<script")
			urls := []string{w.contentURL(t, f.ID, ""), w.visit(t, "GET", l.URL+"/download", "").empty(302).header.Get("Location"),
				w.visit(t, "GET", *l.DownloadURL, "").empty(302).header.Get("Location")}
			shown := ""
			if strings.Contains(string(page.body), ` src="`) {
				shown = page.attribute("src")
				urls = append(urls, shown)
			}
			for _, url := range urls {
				r := w.do(t, "GET", url, nil, "Authorization", "").want(200)
				policy, kind := r.header.Get("Content-Security-Policy"), r.header.Get("Content-Type")
				if r.header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "allow-") || strings.Contains(policy, "script-src") {
					t.Errorf("%s: %v", url, r.header)
				}
				if url != shown && (!strings.HasPrefix(r.header.Get("Content-Disposition"), "attachment") || !strings.Contains(policy, "sandbox")) {
					t.Errorf("%s: %v", url, r.header)
				}
				if url == shown && kind != "application/pdf" && (!strings.Contains(policy, "sandbox") || !strings.HasPrefix(kind, "image/") && !strings.HasPrefix(kind, "video/") || strings.Contains(kind, "svg")) {
					t.Errorf("%s: %v", url, r.header)
				}
			}
		})
	}
}

func TestExpiringEmbedLink(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	f := w.simple(t, "a.txt", "some text").file()
	get := func(t *testing.T, user *wire, headers ...string) (e struct {
		Token struct {
			AccessToken  string `json:"access_token"`
			ExpiresIn    int    `json:"expires_in"`
			TokenType    string `json:"token_type"`
			RestrictedTo []struct {
				Scope  string
				Object struct{ ID, Type string }
			} `json:"restricted_to"`
		}
		URL string
	}) {
		t.Helper()
		var r struct {
			Embed json.RawMessage `json:"expiring_embed_link"`
		}
		user.do(t, "GET", "/2.0/files/"+f.ID+"?fields=expiring_embed_link", nil, headers...).want(200).decode(&r)
		if err := json.Unmarshal(r.Embed, &e); err != nil {
			t.Fatal(err)
		}
		return e
	}
	t.Run("6 a token for the file, and a page that shows it", func(t *testing.T) {
		e := get(t, w)
		if e.Token.ExpiresIn != 3600 || e.Token.TokenType != "bearer" || len(e.Token.RestrictedTo) == 0 || e.Token.RestrictedTo[0].Object.ID != f.ID {
			t.Errorf("%+v", e)
		}
		narrow := *w
		narrow.token = e.Token.AccessToken
		narrow.do(t, "GET", "/2.0/files/"+f.ID+"/content", nil).empty(302)
		narrow.do(t, "PUT", "/2.0/files/"+f.ID, fields{"name": "b"}).refused(403, "insufficient_scope")
		narrow.do(t, "GET", "/2.0/folders/0/items", nil).refused(403, "insufficient_scope")
		page := w.visit(t, "GET", e.URL, "").want(200).has("some text", "a.txt")
		if p := page.header.Get("Content-Security-Policy"); !strings.HasSuffix(p, "frame-ancestors *") || page.header.Get("X-Frame-Options") != "" {
			t.Errorf("%v", page.header)
		}
		// It is good for that page, and for nothing else; and not for long.
		w.do(t, "GET", strings.Replace(e.URL, "/preview/expiring_embed/", "/content/", 1), nil, "Authorization", "").refused(404, "not_found")
		content := w.contentURL(t, f.ID, "")
		w.visit(t, "GET", strings.Replace(content, "/content/", "/preview/expiring_embed/", 1), "").want(404)
		w.Clock.Add(61 * time.Second)
		w.visit(t, "GET", e.URL, "").want(404)
	})
	t.Run("6 by a link, as long as that is there", func(t *testing.T) {
		other := w.user(t, "other@example.net", 0)
		l := w.share(t, "files/"+f.ID, fields{})
		e := get(t, other, by(l)...)
		w.visit(t, "GET", e.URL, "").want(200).has("some text")
		narrow := *other
		narrow.token = e.Token.AccessToken
		narrow.do(t, "GET", "/2.0/files/"+f.ID+"/content", nil).empty(302)
		w.do(t, "PUT", "/2.0/files/"+f.ID, fields{"shared_link": nil}).want(200)
		w.visit(t, "GET", e.URL, "").want(404)
		narrow.do(t, "GET", "/2.0/files/"+f.ID+"/content", nil).refused(404, "not_found")
	})
}
