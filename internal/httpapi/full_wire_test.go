package httpapi_test

import (
	"strings"
	"testing"
)

// Full fields appear only through fields; those that nothing here fills in yet
// have their fixed values.
func TestFullFields(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	folder := w.folder(t, "0", "folder")
	f := w.put(t, folder, "Deck.Key", 3)
	w.do(t, "PUT", "/2.0/files/"+f.ID, fields{"tags": []string{"b", "a"}}).want(200)
	me := w.get(t, "/2.0/users/me")
	watermark := map[string]any{"is_watermarked": false, "is_watermark_inherited": false, "is_watermarked_by_access_policy": false}
	file := map[string]any{
		"version_number": "1", "comment_count": 0, "tags": []string{"b", "a"}, "lock": nil, "extension": "Key", "is_package": true,
		"watermark_info": watermark, "allowed_invitee_roles": []string{}, "is_externally_owned": false, "has_collaborations": false,
		"expires_at": nil, "classification": nil, "uploader_display_name": me["name"], "disposition_at": nil,
		"is_associated_with_app_item": false, "collections": []string{}, "is_download_available": true,
		"version_limit": nil, "restored_from": nil, "promoted_by": nil, "retention": nil,
	}
	dir := map[string]any{
		"sync_state": "not_synced", "has_collaborations": false, "tags": []string{}, "can_non_owners_invite": true, "is_externally_owned": false,
		"is_collaboration_restricted_to_enterprise": false, "allowed_invitee_roles": []string{}, "watermark_info": watermark,
		"can_non_owners_view_collaborators": true, "classification": nil, "is_associated_with_app_item": false, "collections": []string{},
	}
	join := func(m map[string]any) string {
		var names []string
		for name := range m {
			names = append(names, name)
		}
		return strings.Join(names, ",")
	}
	check := func(t *testing.T, got map[string]any, want map[string]any) {
		t.Helper()
		checkKeys(t, "the item", got, fileBase+strings.ReplaceAll(join(want), ",", " "))
		for key, value := range want {
			same(t, key, got[key], value)
		}
	}
	t.Run("6 file, + Full", func(t *testing.T) {
		check(t, w.get(t, "/2.0/files/"+f.ID+"?fields="+join(file)), file)
		check(t, w.get(t, "/2.0/folders/"+folder+"/items?fields="+join(file))["entries"].([]any)[0].(map[string]any), file)
	})
	t.Run("6 folder, + Full", func(t *testing.T) {
		check(t, w.get(t, "/2.0/folders/"+folder+"?fields="+join(dir)), dir)
		check(t, w.get(t, "/2.0/folders/0/items?fields="+join(dir))["entries"].([]any)[0].(map[string]any), dir)
		check(t, w.get(t, "/2.0/folders/0?fields="+join(dir)), dir)
	})
	t.Run("6 a key that another type has is left out, not null", func(t *testing.T) {
		e := w.get(t, "/2.0/folders/0/items?fields=sha1,extension,lock,version_number,file_version,name")["entries"].([]any)[0].(map[string]any)
		checkKeys(t, "a folder", e, folderBase+"name")
		e = w.get(t, "/2.0/folders/"+folder+"/items?fields=sync_state,folder_upload_email,item_collection,can_non_owners_invite,name")["entries"].([]any)[0].(map[string]any)
		checkKeys(t, "a file", e, fileBase+"name")
	})
	t.Run("6 replies to uploads: Mini and the named fields", func(t *testing.T) {
		r := w.post(t, "/2.0/files/content?fields=tags,is_package,owned_by", newForm().attributes(fields{"name": "plain.txt", "parent": fields{"id": "0"}}).file([]byte("x"))).want(201).object()
		got := r["entries"].([]any)[0].(map[string]any)
		checkKeys(t, "the file", got, fileMini+"tags is_package owned_by")
		same(t, "is_package", got["is_package"], false)
	})
	t.Run("6 permissions are complete, and true only of what can be done", func(t *testing.T) {
		p := func(path string) map[string]any {
			return w.get(t, path+"?fields=permissions")["permissions"].(map[string]any)
		}
		may := func(what string, p map[string]any, keys, yes string) {
			t.Helper()
			checkKeys(t, what, p, keys)
			for _, key := range strings.Fields(keys) {
				if is := strings.Contains(" "+yes+" ", " "+key+" "); p[key] != is {
					t.Errorf("%s: %s is %v", what, key, p[key])
				}
			}
		}
		may("a file", p("/2.0/files/"+f.ID), filePermissions, "can_download can_preview can_upload can_rename can_delete can_share can_set_share_access")
		may("a folder", p("/2.0/folders/"+folder), folderPermissions, "can_download can_upload can_rename can_delete can_share can_set_share_access")
		may("the root", p("/2.0/folders/0"), folderPermissions, "can_download can_upload")
		link := w.webLink(t, "0", "link")
		may("a web link", p("/2.0/web_links/"+link), "can_rename can_delete can_share can_set_share_access", "can_rename can_delete can_share can_set_share_access")
		w.do(t, "DELETE", "/2.0/web_links/"+link, nil).empty(204)
		may("a trashed web link", p("/2.0/web_links/"+link), "can_rename can_delete can_share can_set_share_access", "can_delete")
		w.do(t, "DELETE", "/2.0/files/"+f.ID, nil).empty(204)
		may("a trashed file", p("/2.0/files/"+f.ID), filePermissions, "can_delete")
		same(t, "is_download_available", w.get(t, "/2.0/files/"+f.ID+"?fields=is_download_available")["is_download_available"], false)
	})
	t.Run("a token that may only look", func(t *testing.T) {
		g := w.put(t, folder, "g", 3)
		scoped := *w
		var token struct {
			AccessToken string `json:"access_token"`
		}
		form := "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=" + w.token +
			"&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&scope=base_explorer"
		w.do(t, "POST", "/oauth2/token", form, "Content-Type", "application/x-www-form-urlencoded", "Authorization", "").want(200).decode(&token)
		scoped.token = token.AccessToken
		p := scoped.get(t, "/2.0/files/"+g.ID+"?fields=permissions")["permissions"].(map[string]any)
		for key, value := range p {
			if value != false {
				t.Errorf("%s is %v", key, value)
			}
		}
		for _, body := range []any{fields{"name": "x"}, fields{"parent": fields{"id": "0"}}, fields{"tags": []string{"x"}}, fields{"lock": fields{}}, fields{"collections": []fields{}}} {
			scoped.do(t, "PUT", "/2.0/files/"+g.ID, body).refused(403, "insufficient_scope")
		}
		scoped.do(t, "PUT", "/2.0/folders/"+folder, fields{"sync_state": "synced"}).refused(403, "insufficient_scope")
		scoped.do(t, "PUT", "/2.0/files/"+g.ID, nil).want(200)
		scoped.do(t, "POST", "/2.0/web_links", fields{"url": "https://example.net", "parent": fields{"id": "0"}}).refused(403, "insufficient_scope")
		version := "/2.0/files/" + g.ID + "/versions/"
		scoped.do(t, "DELETE", version+g.FileVersion.ID, nil).refused(403, "insufficient_scope")
		scoped.do(t, "PUT", version+g.FileVersion.ID, `{"trashed_at":null}`).refused(403, "insufficient_scope")
		w.post(t, "/2.0/files/"+g.ID+"/content", newForm().file([]byte("new"))).file()
		scoped.do(t, "POST", version+"current", fields{"type": "file_version", "id": g.FileVersion.ID}).refused(403, "insufficient_scope")
		collection := w.get(t, "/2.0/collections")["entries"].([]any)[0].(map[string]any)["id"].(string)
		scoped.do(t, "GET", "/2.0/collections/"+collection+"/items", nil).refused(403, "insufficient_scope")
	})
}
