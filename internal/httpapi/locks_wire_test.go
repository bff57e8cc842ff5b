package httpapi_test

import (
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

func TestLocks(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	f := w.simple(t, "locked", "12345").file()
	path := "/2.0/files/" + f.ID
	lock := func() any { t.Helper(); return w.get(t, path+"?fields=lock")["lock"] }
	t.Run("7 PUT lock, and fields=lock shows it", func(t *testing.T) {
		same(t, "lock", lock(), nil)
		until := w.Clock.Now().Add(time.Hour).UTC().Truncate(time.Second)
		got := w.do(t, "PUT", path+"?fields=lock", fields{"lock": fields{"type": "lock", "expires_at": until.Format(time.RFC3339), "is_download_prevented": true}}).want(200).object()
		checkKeys(t, "the file", got, fileBase+"lock")
		l, _ := got["lock"].(map[string]any)
		checkKeys(t, "lock", l, "id type created_by created_at expired_at is_download_prevented app_type")
		for key, want := range map[string]any{"type": "lock", "is_download_prevented": true, "app_type": nil, "expired_at": until.Format("2006-01-02T15:04:05+00:00")} {
			same(t, key, l[key], want)
		}
		checkKeys(t, "created_by", l["created_by"].(map[string]any), "type id name login")
		if s, _ := l["created_at"].(string); !wireTime.MatchString(s) {
			t.Errorf("created_at is %v", l["created_at"])
		}
		if id, _ := l["id"].(string); !wireNumber.MatchString(id) {
			t.Errorf("id is %v", l["id"])
		}
		same(t, "the lock later", lock(), l)
		checkStandard(t, w.get(t, path))

		again := w.do(t, "PUT", path+"?fields=lock", fields{"lock": fields{}}).want(200).object()["lock"].(map[string]any)
		same(t, "id on other terms", again["id"], l["id"])
		same(t, "expired_at", again["expired_at"], nil)
	})
	t.Run("the holder goes on", func(t *testing.T) {
		w.post(t, path+"/content", newForm().file([]byte("second"))).file()
		w.do(t, "PUT", path, fields{"name": "by the holder"}).want(200)
		w.contentURL(t, f.ID, "")
	})
	t.Run("4 refused", func(t *testing.T) {
		for _, body := range []fields{{"lock": "lock"}, {"lock": fields{"expires_at": "soon"}}, {"lock": fields{"expires_at": "2012-12-12"}}, {"lock": fields{"is_download_prevented": "x"}}} {
			w.do(t, "PUT", path, body).refused(400, "bad_request")
		}
	})
	t.Run("a lock that is over is none", func(t *testing.T) {
		w.do(t, "PUT", path, fields{"lock": fields{"expires_at": w.Clock.Now().Add(time.Minute).UTC().Format(time.RFC3339)}}).want(200)
		w.Clock.Add(2 * time.Minute)
		same(t, "lock", lock(), nil)
		before := len(w.happened(t, f.ID))
		w.do(t, "PUT", path, `{"lock":null}`).want(200)
		same(t, "events", len(w.happened(t, f.ID))-before, 0)
	})

	other := w.user(t, "other@example.net", 0)
	// Nobody else can lock a file before there are shared links.
	take := func(prevent bool, life time.Duration) {
		t.Helper()
		w.alter(t, f.ID, func(row *meta.Item) {
			row.Lock = &meta.Lock{ID: 1, By: other.who.ID, CreatedAt: w.Clock.Now(), ExpiresAt: w.Clock.Now().Add(life), NoDownload: prevent}
		})
	}
	to := w.folder(t, "0", "to")
	open := w.createVersion(t, f.ID, noise(2*partSize))
	parts := open.parts(t)
	url := w.contentURL(t, f.ID, "")
	const code = "access_denied_item_locked"
	t.Run("4 locked by somebody else: 403 access_denied_item_locked", func(t *testing.T) {
		take(false, time.Hour)
		before := w.get(t, path)
		w.post(t, path+"/content", newForm().file([]byte("third"))).refused(403, code)
		w.do(t, "OPTIONS", path+"/content", fields{"size": 5}).refused(403, code)
		w.open(t, f.ID, fields{"file_size": 2 * partSize}).refused(403, code)
		open.commit(t, parts).refused(403, code)
		for _, body := range []fields{{"name": "x"}, {"description": "x"}, {"tags": []string{"x"}}, {"parent": fields{"id": to}}} {
			w.do(t, "PUT", path, body).refused(403, code)
		}
		w.do(t, "DELETE", path, nil).refused(403, code)
		past := w.do(t, "GET", path+"/versions", nil).want(200).object()["entries"].([]any)[0].(map[string]any)["id"].(string)
		w.do(t, "DELETE", path+"/versions/"+past, nil).refused(403, code)
		w.do(t, "POST", path+"/versions/current", fields{"type": "file_version", "id": past}).refused(403, code)
		same(t, "the file", w.get(t, path), before)
		same(t, "holder", lock().(map[string]any)["created_by"].(map[string]any)["id"], other.who.ID.String())
		if got := w.do(t, "GET", url, nil, "Authorization", "").want(200).body; string(got) != "second" {
			t.Errorf("downloaded %q", got)
		}
		p := w.get(t, path+"?fields=permissions,is_download_available")["permissions"].(map[string]any)
		for key, want := range map[string]bool{"can_download": true, "can_preview": true, "can_upload": false, "can_rename": false, "can_delete": false} {
			same(t, key, p[key], want)
		}
	})
	t.Run("a favourite is nobody else's matter", func(t *testing.T) {
		w.do(t, "PUT", path, fields{"collections": []fields{}}).want(200)
	})
	t.Run("is_download_prevented", func(t *testing.T) {
		take(true, time.Hour)
		w.do(t, "GET", path+"/content", nil).refused(403, code)
		w.do(t, "GET", url, nil, "Authorization", "").refused(403, code)
		got := w.get(t, path+"?fields=permissions,is_download_available")
		same(t, "can_download", got["permissions"].(map[string]any)["can_download"], false)
		same(t, "is_download_available", got["is_download_available"], false)
	})
	t.Run("the owner takes it off, and goes on in the same request", func(t *testing.T) {
		take(false, time.Hour)
		same(t, "name", w.do(t, "PUT", path, `{"lock":null,"name":"unlocked"}`).want(200).object()["name"], "unlocked")
		same(t, "lock", lock(), nil)
		take(false, time.Hour)
		same(t, "name", w.do(t, "PUT", path, `{"lock":{},"name":"relocked"}`).want(200).object()["name"], "relocked")
		if lock().(map[string]any)["created_by"].(map[string]any)["id"] == other.who.ID.String() {
			t.Error("it is still somebody else's")
		}
	})
	t.Run("locks of others go by the clock", func(t *testing.T) {
		take(true, time.Minute)
		w.do(t, "PUT", path, fields{"name": "x"}).refused(403, code)
		w.Clock.Add(2 * time.Minute)
		w.do(t, "PUT", path, fields{"name": "x"}).want(200)
		open.commit(t, parts).file()
		w.do(t, "DELETE", path, nil).empty(204)
	})
}

func TestOnlyHolderAndOwnerUnlock(t *testing.T) {
	file := &content.File{Node: content.Node{OwnedBy: content.Person{ID: 1}}, Lock: &content.FileLock{By: content.Person{ID: 2}}}
	link := []content.LinkGrant{{Edit: true, Download: true}}
	for _, row := range []struct {
		who  content.Principal
		do   content.Action
		want content.Kind // Internal: yes
	}{
		{content.Principal{User: 1}, content.Lock, content.Internal},
		{content.Principal{User: 1}, content.Upload, content.ItemLocked},
		{content.Principal{User: 2, Links: link}, content.Lock, content.Internal},
		{content.Principal{User: 2, Links: link}, content.Upload, content.Internal},
		{content.Principal{User: 3, Links: link}, content.Lock, content.ItemLocked},
		{content.Principal{User: 3, Links: link}, content.Upload, content.ItemLocked},
		{content.Principal{User: 3, Links: link}, content.Download, content.Internal},
		{content.Principal{User: 3}, content.Lock, content.NotFound},
	} {
		err := content.Allow(row.who, row.do, file)
		if got := content.KindOf(err); (err == nil) != (row.want == content.Internal) || got != row.want {
			t.Errorf("user %d may %s: %v, want kind %d", row.who.User, row.do, err, row.want)
		}
	}
}

// Who comes with a link that lets its holder edit may lock a file, and the owner
// may take that lock off.
func TestLocksThroughLinks(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	f := w.simple(t, "shared", "12345").file()
	path := "/2.0/files/" + f.ID
	through := by(w.share(t, "files/"+f.ID, fields{"access": "open", "permissions": fields{"can_download": true, "can_edit": true}}))
	one, two := w.user(t, "one@example.net", 0), w.user(t, "two@example.net", 0)
	const denied, locked = "access_denied_insufficient_permissions", "access_denied_item_locked"

	t.Run("a link is no right to rename, move or delete", func(t *testing.T) {
		one.do(t, "PUT", path, fields{"name": "x"}, through...).refused(403, denied)
		one.do(t, "PUT", path, fields{"parent": fields{"id": "0"}}, through...).refused(403, denied)
		one.do(t, "PUT", path, fields{"tags": []string{"x"}}, through...).refused(403, denied)
		one.do(t, "DELETE", path, nil, through...).refused(403, denied)
		one.do(t, "PUT", path, fields{"lock": fields{}}).refused(404, "not_found") // without it, there is nothing
	})
	t.Run("the lock of one keeps out the other, and the owner", func(t *testing.T) {
		got := one.do(t, "PUT", path+"?fields=lock", fields{"lock": fields{"type": "lock", "is_download_prevented": true}}, through...).want(200).object()
		same(t, "created_by", got["lock"].(map[string]any)["created_by"].(map[string]any)["id"], one.who.ID.String())
		for _, body := range []string{`{"lock":null}`, `{"lock":{}}`} {
			two.do(t, "PUT", path, body, through...).refused(403, locked)
		}
		for _, u := range []*wire{two, w} {
			u.post(t, path+"/content", newForm().file([]byte("x")), through...).refused(403, locked)
			u.do(t, "GET", path+"/content", nil, through...).refused(403, locked)
		}
		w.do(t, "PUT", path, fields{"name": "x"}).refused(403, locked)
		w.do(t, "DELETE", path, nil).refused(403, locked)
		one.post(t, path+"/content", newForm().file([]byte("by the holder")), through...).file()
	})
	t.Run("the owner takes it off", func(t *testing.T) {
		w.do(t, "PUT", path, `{"lock":null}`).want(200)
		two.post(t, path+"/content", newForm().file([]byte("x")), through...).file()
		events := w.happened(t, f.ID)
		same(t, "events", events[len(events)-4:], []string{"LOCK_CREATE", "ITEM_UPLOAD", "LOCK_DESTROY", "ITEM_UPLOAD"})
	})
	t.Run("a favourite is each user's own, and listed if it can be seen without the link", func(t *testing.T) {
		id := one.get(t, "/2.0/collections")["entries"].([]any)[0].(map[string]any)["id"].(string)
		got := one.do(t, "PUT", path+"?fields=collections", fields{"collections": []fields{{"id": id}}}, through...).want(200).object()
		same(t, "collections", len(got["collections"].([]any)), 1)
		same(t, "total_count", one.get(t, "/2.0/collections/"+id+"/items")["total_count"], 0)
		same(t, "the owner's", w.get(t, path+"?fields=collections")["collections"], []any{})
		two.do(t, "PUT", path, fields{"collections": []fields{{"id": id}}}, through...).refused(400, "bad_request")
	})
}
