package httpapi_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// Ids of what is somebody else's are of no use in one's own requests, wherever
// they stand: they are answered as ids of nothing are, and nothing of theirs is told.
func TestIDsOfOthersOpenNothing(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	anna, bob := w.user(t, "anna@example.net", 0), w.user(t, "bob@example.net", 0)
	theirs := anna.upload(t, "plans of anna.txt", noise(3*partSize))
	past := theirs.FileVersion.ID
	next := anna.createVersion(t, theirs.ID, noise(2*partSize))
	next.commit(t, next.parts(t)).file()
	folder := anna.folder(t, "0", "folder of anna")
	foreign := anna.create(t, "open", noise(3*partSize)).part(t, 0)
	link := anna.webLink(t, folder, "link of anna")
	var collections struct{ Entries []struct{ ID string } }
	anna.do(t, "GET", "/2.0/collections", nil).want(200).decode(&collections)
	favourites := collections.Entries[0].ID

	mine, own := bob.upload(t, "mine.txt", noise(3*partSize+1)).ID, bob.folder(t, "0", "own")
	session := bob.create(t, "session", noise(3*partSize))
	parts := session.parts(t)

	for _, c := range []struct{ what, id, method, path, body string }{
		{"a version, of one's own file", past, "GET", "files/MINE/versions/ID", ""},
		{"its bytes", past, "GET", "files/MINE/content?version=ID", ""},
		{"its picture", past, "GET", "internal_files/MINE/versions/ID/representations/png_thumb_32x32/content", ""},
		{"its end", past, "DELETE", "files/MINE/versions/ID", ""},
		{"its return", past, "PUT", "files/MINE/versions/ID", `{"trashed_at":null}`},
		{"promoted", past, "POST", "files/MINE/versions/current", `{"type":"file_version","id":"ID"}`},
		{"copied", past, "POST", "files/MINE/copy", `{"parent":{"id":"OWN"},"version":"ID"}`},
		{"a folder to copy to", folder, "POST", "files/MINE/copy", `{"parent":{"id":"ID"}}`},
		{"to move to", folder, "PUT", "files/MINE", `{"parent":{"id":"ID"}}`},
		{"to move a folder to", folder, "PUT", "folders/OWN", `{"parent":{"id":"ID"}}`},
		{"to make a folder in", folder, "POST", "folders", `{"name":"x","parent":{"id":"ID"}}`},
		{"to make a web link in", folder, "POST", "web_links", `{"url":"https://x.example/","parent":{"id":"ID"}}`},
		{"to upload to", folder, "POST", "files/upload_sessions", `{"folder_id":"ID","file_name":"x","file_size":1024}`},
		{"to ask about", folder, "OPTIONS", "files/content", `{"name":"open","parent":{"id":"ID"}}`},
		{"to search in", folder, "GET", "search?query=anna&ancestor_folder_ids=ID", ""},
		{"a collection", favourites, "GET", "collections/ID/items", ""},
		{"to put something in", favourites, "PUT", "files/MINE", `{"collections":[{"id":"ID"}]}`},
		{"a file as a folder", theirs.ID, "GET", "folders/ID", ""},
		{"a folder as a file", folder, "GET", "files/ID", ""},
		{"a web link as a file", link, "GET", "files/ID", ""},
		{"a user", anna.who.ID.String(), "GET", "users/ID", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			ask := func(id string) *reply {
				fill := strings.NewReplacer("ID", id, "MINE", mine, "OWN", own)
				return bob.do(t, c.method, "/2.0/"+fill.Replace(c.path), fill.Replace(c.body))
			}
			of, none := ask(c.id), ask("4")
			var a, b failure
			of.decode(&a)
			none.decode(&b)
			if of.status < 400 || of.status != none.status || a.Code != b.Code || bytes.Contains(of.body, []byte("anna")) {
				t.Errorf("%v, and of nothing: %v", of, none)
			}
		})
	}
	t.Run("a part of another session", func(t *testing.T) {
		mixed := slices.Clone(parts)
		mixed[0].PartID = foreign.PartID
		session.commit(t, mixed).refused(400, "parts_mismatch")
		session.commit(t, parts).file()
	})
	same(t, "past versions", len(anna.get(t, "/2.0/files/"+theirs.ID+"/versions")["entries"].([]any)), 1)
}
