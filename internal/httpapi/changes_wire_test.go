package httpapi_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// alter changes an item's row behind the server's back, to what no other user
// can do over the wire yet.
func (w *wire) alter(t testing.TB, id string, change func(*meta.Item)) {
	t.Helper()
	n, err := content.ParseID(id)
	if err != nil {
		t.Fatal(err)
	}
	err = w.Auth.Meta.Update(context.WithoutCancel(t.Context()), func(tx meta.Tx) error {
		row, err := tx.Item(n)
		if err != nil {
			return err
		}
		change(&row)
		return tx.UpdateItem(row)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// happened is what the events of an item say since the last call for it, in order.
func (w *wire) happened(t testing.TB, id string) (types []string) {
	t.Helper()
	err := w.Auth.Meta.View(t.Context(), func(tx meta.Tx) error {
		all, err := tx.AllEvents(0, meta.EventFilter{}, 10000)
		for _, e := range all {
			if e.Item.ID.String() == id && e.Type != content.ItemDownload && e.Type != content.ItemPreview { // those come when they come
				types = append(types, string(e.Type))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return types
}

// kind is one of the kinds of item: how one is made, and where it then is.
type itemKind struct {
	name string
	make func(t testing.TB, w *wire, parent, name string) (id, path string)
}

var itemKinds = []itemKind{
	{"file", func(t testing.TB, w *wire, parent, name string) (string, string) {
		id := w.put(t, parent, name, 5).ID
		return id, "/2.0/files/" + id
	}},
	{"folder", func(t testing.TB, w *wire, parent, name string) (string, string) {
		id := w.folder(t, parent, name)
		return id, "/2.0/folders/" + id
	}},
	{"web_link", func(t testing.TB, w *wire, parent, name string) (string, string) {
		id := w.webLink(t, parent, name)
		return id, "/2.0/web_links/" + id
	}},
}

// webLink makes a web link and returns its id.
func (w *wire) webLink(t testing.TB, parent, name string) string {
	t.Helper()
	body := fields{"name": name, "url": "https://example.net/", "parent": fields{"id": parent}}
	return w.do(t, "POST", "/2.0/web_links", body).want(201).object()["id"].(string)
}

// Each step changes an item of each kind. What it does to the etag, to the
// times and to the parent's is compared with the item before.
func TestUpdateMovesEtags(t *testing.T) {
	t.Parallel()
	for _, k := range itemKinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			w := start(t, nil)
			from, to := w.folder(t, "0", "from"), w.folder(t, "0", "to")
			id, path := k.make(t, w, from, "name.txt")
			me := w.get(t, "/2.0/users/me")["id"].(string)
			times := []string{"created_at", "modified_at"}
			if k.name != "web_link" {
				times = append(times, "content_created_at", "content_modified_at")
			}
			for _, step := range []struct {
				name    string
				body    any
				etag    int
				changes string
				parent  bool // the parent's content_modified_at moves
				events  string
				only    string
			}{
				{"an empty body is {}", nil, 0, "", false, "", ""},
				{"what is there already", fields{"name": "name.txt", "description": "", "tags": []string{}, "parent": fields{"id": from}}, 0, "", false, "", ""},
				{"null is absent", `{"name":null,"description":null,"parent":null,"tags":null,"url":null}`, 0, "", false, "", ""},
				{"unknown properties are ignored", fields{"disposition_at": "2031-01-01T00:00:00Z", "permissions": fields{"can_download": "open"}, "x": 1}, 0, "", false, "", ""},
				{"rename", fields{"name": "other.txt"}, 1, "modified_at", true, "ITEM_RENAME", ""},
				{"case-only rename of an item is fine", fields{"name": "OTHER.txt"}, 1, "modified_at", true, "ITEM_RENAME", ""},
				{"a leading space is allowed", fields{"name": "  x :*?\"<>|..."}, 1, "modified_at", true, "ITEM_RENAME", ""},
				{"description", fields{"description": "words"}, 1, "modified_at", true, "ITEM_MODIFY", ""},
				{"description taken away", fields{"description": ""}, 1, "modified_at", true, "ITEM_MODIFY", ""},
				{"tags", fields{"tags": []string{"a", "b"}}, 1, "modified_at", true, "ITEM_MODIFY", ""},
				{"tags and description", fields{"tags": nil, "description": "x"}, 1, "modified_at", true, "ITEM_MODIFY", ""},
				{"tags null takes them off", `{"tags":["z"]}`, 1, "modified_at", true, "ITEM_MODIFY", ""},
				{"move: modified_at does not change", fields{"parent": fields{"id": to}}, 1, "", true, "ITEM_MOVE", ""},
				{"move with a number for an id, to the root", `{"parent":{"id":0}}`, 1, "", true, "ITEM_MOVE", ""},
				{"rename and move", fields{"name": "both", "parent": fields{"id": from}}, 1, "modified_at", true, "ITEM_MOVE ITEM_RENAME", ""},
				{"collections", fields{"collections": []fields{{"id": me}}}, 0, "", false, "", ""},
				{"collections null", `{"collections":null}`, 0, "", false, "", ""},
				{"a lock", fields{"lock": fields{"type": "lock"}}, 0, "", false, "LOCK_CREATE", "file"},
				{"the same lock on other terms", fields{"lock": fields{"access": "lock", "is_download_prevented": true}}, 0, "", false, "LOCK_CREATE", "file"},
				{"the same lock", fields{"lock": fields{"is_download_prevented": true}}, 0, "", false, "", "file"},
				{"no lock", `{"lock":null}`, 0, "", false, "LOCK_DESTROY", "file"},
				{"no lock again", `{"lock":null}`, 0, "", false, "", "file"},
				{"a lock and a name", fields{"lock": fields{}, "name": "locked"}, 1, "modified_at", true, "LOCK_CREATE ITEM_RENAME", "file"},
				{"sync_state", fields{"sync_state": "synced"}, 1, "modified_at", true, "ITEM_MODIFY", "folder"},
				{"sync_state again", fields{"sync_state": "synced"}, 0, "", false, "", "folder"},
				{"folder_upload_email", fields{"folder_upload_email": fields{"access": "collaborators"}}, 1, "modified_at", true, "ITEM_MODIFY", "folder"},
				{"folder_upload_email null", fields{"folder_upload_email": nil}, 1, "modified_at", true, "ITEM_MODIFY", "folder"},
				{"content_modified_at, with an offset", fields{"content_modified_at": "2012-12-12T10:53:43-08:00"}, 1, "modified_at content_modified_at", true, "ITEM_MODIFY", "file"},
				{"content_modified_at again", fields{"content_modified_at": "2012-12-12T18:53:43Z"}, 0, "", false, "", "file"},
				{"content_created_at", fields{"content_created_at": "2011-11-11"}, 1, "modified_at content_created_at", true, "ITEM_MODIFY", "file"},
				{"content_modified_at, with an offset", fields{"content_modified_at": "2012-12-12T10:53:43-08:00"}, 1, "modified_at content_modified_at", true, "ITEM_MODIFY", "folder"},
				{"content_modified_at again", fields{"content_modified_at": "2012-12-12T18:53:43Z"}, 0, "", false, "", "folder"},
				{"content_created_at", fields{"content_created_at": "2011-11-11"}, 1, "modified_at content_created_at", true, "ITEM_MODIFY", "folder"},
				{"a web link has no contents to be of a time", fields{"content_modified_at": "2012-12-12T10:53:43-08:00"}, 0, "", false, "", "web_link"},
				{"url", fields{"url": "http://example.com/a?b#c"}, 1, "modified_at", true, "ITEM_MODIFY", "web_link"},
			} {
				if step.only != "" && step.only != k.name {
					continue
				}
				t.Run("10 "+step.name, func(t *testing.T) {
					now, folder, before := w.get(t, path), "", len(w.happened(t, id))
					w.Clock.Add(time.Minute)
					r := w.do(t, "PUT", path, step.body).want(200)
					got := w.get(t, path)
					same(t, "the reply", r.object(), got)
					var etag int
					fmt.Sscan(now["etag"].(string), &etag)
					same(t, "etag", got["etag"], fmt.Sprint(etag+step.etag))
					same(t, "sequence_id", got["sequence_id"], got["etag"])
					for _, key := range times {
						if changed := got[key] != now[key]; changed != slices.Contains(strings.Fields(step.changes), key) {
							t.Errorf("%s was %v and is %v", key, now[key], got[key])
						}
					}
					if folder = got["parent"].(map[string]any)["id"].(string); folder != "0" {
						parent := w.get(t, "/2.0/folders/"+folder)
						at := must(time.Parse(time.RFC3339, parent["content_modified_at"].(string)))
						if moved := w.Clock.Now().Sub(at) < 30*time.Second; moved != step.parent {
							t.Errorf("the parent's content_modified_at is %v at %v", at, w.Clock.Now())
						}
						same(t, "the parent's etag", parent["etag"], "0")
					}
					same(t, "events", strings.Join(w.happened(t, id)[before:], " "), step.events)
				})
			}
		})
	}
}

func TestUpdateRefused(t *testing.T) {
	t.Parallel()
	for _, k := range itemKinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			w := start(t, nil)
			in := w.folder(t, "0", "in")
			id, path := k.make(t, w, in, "name.txt")
			for _, row := range []struct {
				body   any
				status int
				code   string
			}{
				{"{", 400, "invalid_json"},
				{fields{"name": ""}, 400, "item_name_invalid"},
				{fields{"name": "a/b"}, 400, "item_name_invalid"},
				{fields{"name": `a\b`}, 400, "item_name_invalid"},
				{fields{"name": ".."}, 400, "item_name_invalid"},
				{fields{"name": "x "}, 400, "item_name_invalid"},
				{fields{"name": "x\n"}, 400, "item_name_invalid"},
				{"{\"name\":\"\xff\"}", 400, "item_name_invalid"},
				{fields{"name": strings.Repeat("é", 256)}, 400, "item_name_too_long"},
				{fields{"name": 7}, 400, "bad_request"},
				{fields{"description": fields{}}, 400, "bad_request"},
				{fields{"parent": fields{"id": "990017"}}, 404, "not_found"},
				{fields{"parent": fields{"id": "x"}}, 404, "not_found"},
				{fields{"parent": "0"}, 400, "bad_request"},
				{fields{"tags": "a"}, 400, "bad_request"},
				{fields{"tags": []int{1}}, 400, "bad_request"},
				{fields{"tags": []string{""}}, 400, "bad_request"},
				{fields{"tags": strings.Split(strings.Repeat("a,", 100)+"a", ",")}, 400, "bad_request"},
				{fields{"collections": []fields{{"id": "990017"}}}, 400, "bad_request"},
				{fields{"collections": fields{}}, 400, "bad_request"},
			} {
				w.do(t, "PUT", path, row.body).refused(row.status, row.code)
			}
			t.Run("10 If-Match: 412 if it differs, 404 if the item is not there; a move is not stopped by it", func(t *testing.T) {
				w.do(t, "PUT", path, fields{"name": "x"}, "If-Match", `"7"`).refused(412, "precondition_failed")
				missing := path[:strings.LastIndex(path, "/")+1] + "990017"
				w.do(t, "PUT", missing, fields{"name": "x"}, "If-Match", "0").refused(404, "not_found")
				w.do(t, "PUT", missing, nil).refused(404, "not_found")
				got := w.do(t, "PUT", path, fields{"parent": fields{"id": "0"}}, "If-Match", `"7"`).want(200).object()
				same(t, "parent", got["parent"].(map[string]any)["id"], "0")
				same(t, "name", w.do(t, "PUT", path, fields{"name": "y"}, "If-Match", `"1"`).want(200).object()["name"], "y")
			})
			t.Run("10 names are unique across kinds, ignoring case", func(t *testing.T) {
				for _, other := range itemKinds {
					name := "Taken " + other.name
					occupant, _ := other.make(t, w, "0", name)
					r := w.do(t, "PUT", path, fields{"name": strings.ToUpper(name)})
					r.want(409)
					conflicts := r.object()["context_info"].(map[string]any)["conflicts"]
					if k.name == "folder" {
						conflicts = conflicts.([]any)[0] // as when a folder is created
					}
					same(t, "type", conflicts.(map[string]any)["type"], other.name)
					same(t, "id", conflicts.(map[string]any)["id"], occupant)
					_, there := other.make(t, w, in, "MOVED "+other.name)
					w.do(t, "PUT", path, fields{"name": "moved " + other.name, "parent": fields{"id": in}}).refuses(409, "item_name_in_use")
					w.do(t, "DELETE", there, nil).empty(204)
				}
				same(t, "name", w.get(t, path)["name"], "y")
			})
			t.Run("4 somebody else's: 404, and nobody moves a thing into somebody else's folder", func(t *testing.T) {
				other := w.user(t, "other@example.net", 0)
				other.do(t, "PUT", path, fields{"name": "z"}).refused(404, "not_found")
				_, theirs := k.make(t, other, "0", "theirs")
				other.do(t, "PUT", theirs, fields{"parent": fields{"id": in}}).refused(404, "not_found")
			})
			t.Run("10 in the trash: 404 trashed", func(t *testing.T) {
				events := len(w.happened(t, id))
				gone := w.folder(t, "0", "gone")
				w.do(t, "DELETE", "/2.0/folders/"+gone, nil).empty(204)
				w.do(t, "PUT", path, fields{"parent": fields{"id": gone}}).refused(404, "trashed")
				w.do(t, "DELETE", path, nil).empty(204)
				w.do(t, "PUT", path, fields{"name": "z"}).refused(404, "trashed")
				same(t, "events", w.happened(t, id)[events:], []string{"ITEM_TRASH"})
			})
		})
	}
}

// refuses is refused for conflicts that may be in an array.
func (r *reply) refuses(status int, code string) {
	r.t.Helper()
	r.want(status)
	same(r.t, "code", r.object()["code"], code)
}

func TestUpdateFolder(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	a := w.folder(t, "0", "a")
	b := w.folder(t, a, "b")
	c := w.folder(t, b, "c")
	t.Run("10 a move into itself or a descendant: 400 cyclical_folder_structure", func(t *testing.T) {
		for _, to := range []string{a, b, c} {
			w.do(t, "PUT", "/2.0/folders/"+a, fields{"parent": fields{"id": to}}).refused(400, "cyclical_folder_structure")
		}
		got := w.do(t, "PUT", "/2.0/folders/"+c, fields{"parent": fields{"id": a}}).want(200).object()
		same(t, "parent", got["parent"].(map[string]any)["id"], a)
		checkKeys(t, "the folder", got, folderStandard)
	})
	t.Run("10 the root can't be moved or renamed", func(t *testing.T) {
		for _, body := range []fields{{"name": "x"}, {"parent": fields{"id": a}}, {"description": "x"}, {"tags": []string{"x"}}, {"sync_state": "synced"}} {
			w.do(t, "PUT", "/2.0/folders/0", body).refused(403, "access_denied_insufficient_permissions")
		}
		same(t, "id", w.do(t, "PUT", "/2.0/folders/0?fields=name", fields{}).want(200).object()["name"], "All Files")
	})
	t.Run("what a folder holds moves with it, and so does its size", func(t *testing.T) {
		w.put(t, c, "f", 700)
		w.do(t, "PUT", "/2.0/folders/"+c, fields{"parent": fields{"id": b}}).want(200)
		same(t, "size of b", w.get(t, "/2.0/folders/"+b)["size"], 700)
		w.do(t, "PUT", "/2.0/folders/"+c, fields{"parent": fields{"id": "0"}}).want(200)
		same(t, "size of a", w.get(t, "/2.0/folders/"+a)["size"], 0)
	})
	const options = "sync_state,can_non_owners_invite,can_non_owners_view_collaborators,is_collaboration_restricted_to_enterprise,folder_upload_email,tags"
	t.Run("6 the options of a folder, and their defaults", func(t *testing.T) {
		got := w.get(t, "/2.0/folders/"+a+"?fields="+options)
		for key, want := range map[string]any{"sync_state": "not_synced", "can_non_owners_invite": true, "can_non_owners_view_collaborators": true,
			"is_collaboration_restricted_to_enterprise": false, "folder_upload_email": nil, "tags": []string{}} {
			same(t, key, got[key], want)
		}
		got = w.do(t, "PUT", "/2.0/folders/"+a+"?fields="+options, fields{"sync_state": "partially_synced", "can_non_owners_invite": false,
			"can_non_owners_view_collaborators": false, "is_collaboration_restricted_to_enterprise": true, "folder_upload_email": fields{}, "tags": []string{"x", "y"}}).want(200).object()
		for key, want := range map[string]any{"sync_state": "partially_synced", "can_non_owners_invite": false, "can_non_owners_view_collaborators": false,
			"is_collaboration_restricted_to_enterprise": true, "tags": []string{"x", "y"}} {
			same(t, key, got[key], want)
		}
		email, _ := got["folder_upload_email"].(map[string]any)
		checkKeys(t, "folder_upload_email", email, "access email")
		same(t, "access", email["access"], "open")
		same(t, "the folder", w.get(t, "/2.0/folders/"+a+"?fields="+options), got)

		again := w.do(t, "PUT", "/2.0/folders/"+a, fields{"folder_upload_email": fields{"access": "collaborators"}}).want(200).object()
		same(t, "the address", again["folder_upload_email"], fields{"access": "collaborators", "email": email["email"]})
	})
	t.Run("6 a trashed folder has no folder_upload_email", func(t *testing.T) {
		w.do(t, "DELETE", "/2.0/folders/"+a+"?recursive=true", nil).empty(204)
		same(t, "folder_upload_email", w.get(t, "/2.0/folders/"+a+"/trash")["folder_upload_email"], nil)
	})
	t.Run("POST /folders takes options, too", func(t *testing.T) {
		got := w.do(t, "POST", "/2.0/folders?fields="+options, fields{"name": "n", "parent": fields{"id": "0"}, "sync_state": "synced",
			"folder_upload_email": fields{"access": "open"}}).want(201).object()
		same(t, "sync_state", got["sync_state"], "synced")
		same(t, "access", got["folder_upload_email"].(map[string]any)["access"], "open")
		w.do(t, "POST", "/2.0/folders", fields{"name": "m", "parent": fields{"id": "0"}, "sync_state": "x"}).refused(400, "bad_request")
	})
	t.Run("4 options refused", func(t *testing.T) {
		for _, body := range []fields{{"sync_state": "x"}, {"sync_state": ""}, {"folder_upload_email": fields{"access": "company"}}, {"folder_upload_email": "open"},
			{"can_non_owners_invite": "yes"}, {"can_non_owners_view_collaborators": false}} {
			w.do(t, "PUT", "/2.0/folders/"+c, body).refused(400, "bad_request")
		}
	})
	t.Run("10 description: the first 255 characters", func(t *testing.T) {
		got := w.do(t, "PUT", "/2.0/folders/"+c, fields{"description": strings.Repeat("é", 300)}).want(200).object()
		same(t, "description", got["description"], strings.Repeat("é", 255))
		// Cut, it is what is there already.
		same(t, "etag", w.do(t, "PUT", "/2.0/folders/"+c, fields{"description": strings.Repeat("é", 400)}).want(200).object()["etag"], got["etag"])
	})
	t.Run("6 fields, and the page of items", func(t *testing.T) {
		got := w.do(t, "PUT", "/2.0/folders/"+c+"?fields=name,item_collection&limit=1", fields{"name": "c2"}).want(200).object()
		checkKeys(t, "the folder", got, folderBase+"name item_collection")
		entries := got["item_collection"].(map[string]any)["entries"].([]any)
		checkKeys(t, "an entry", entries[0].(map[string]any), fileBase+"name")
	})
}
