package httpapi_test

import (
	"slices"
	"testing"
)

// What was put in the trash by itself stays there when the folder that it was
// in is deleted for good: clients that empty the trash delete it one by one,
// and people may still restore it to somewhere else.
func TestTheTrashOutlivesFolders(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	top := w.folder(t, "0", "top")
	inner := w.folder(t, top, "inner")
	f := w.formUpload(t, "/2.0/files/content", fields{"name": "kept.txt", "parent": fields{"id": inner}}, []byte("kept")).file()
	lost := w.formUpload(t, "/2.0/files/content", fields{"name": "lost.txt", "parent": fields{"id": inner}}, []byte("lost")).file()
	sub := w.folder(t, inner, "sub")
	below := w.formUpload(t, "/2.0/files/content", fields{"name": "below.txt", "parent": fields{"id": sub}}, []byte("below")).file()
	web := w.webLink(t, inner, "site")
	for _, path := range []string{"files/" + f.ID, "folders/" + sub + "?recursive=true", "web_links/" + web, "folders/" + top + "?recursive=true"} {
		w.do(t, "DELETE", "/2.0/"+path, nil).empty(204)
	}
	w.do(t, "DELETE", "/2.0/folders/"+top+"/trash", nil).empty(204)

	inTrash := func() (ids []string) {
		var l struct {
			Entries []struct{ ID string }
		}
		w.do(t, "GET", "/2.0/folders/trash/items", nil).want(200).decode(&l)
		for _, e := range l.Entries {
			ids = append(ids, e.ID)
		}
		return ids
	}
	for range 2 { // at once, and when the sweep has been there
		if got, want := inTrash(), []string{sub, f.ID, web}; !slices.Equal(got, want) {
			t.Errorf("the trash holds %v, want %v", got, want)
		}
		for _, path := range []string{"files/" + f.ID, "folders/" + sub, "web_links/" + web} {
			if o := w.do(t, "GET", "/2.0/"+path+"/trash", nil).want(200).object(); o["item_status"] != "trashed" {
				t.Errorf("%s: %v", path, o)
			}
		}
		w.do(t, "GET", "/2.0/files/"+lost.ID, nil).refused(404, "not_found")
		w.Chores(t.Context())
	}
	w.do(t, "POST", "/2.0/files/"+f.ID, nil).refused(403, "access_denied_insufficient_permissions")
	w.do(t, "POST", "/2.0/files/"+f.ID, fields{"parent": fields{"id": "0"}}).want(201)
	w.do(t, "GET", "/2.0/files/"+f.ID+"/content", nil).want(302)
	w.do(t, "POST", "/2.0/folders/"+sub, fields{"parent": fields{"id": "0"}, "name": "sub again"}).want(201)
	if o := w.do(t, "GET", "/2.0/files/"+below.ID, nil).want(200).object(); o["item_status"] != "active" {
		t.Errorf("below a restored folder: %v", o)
	}
	w.do(t, "DELETE", "/2.0/web_links/"+web+"/trash", nil).empty(204)
	if got := inTrash(); len(got) != 0 {
		t.Errorf("the trash holds %v", got)
	}
}
