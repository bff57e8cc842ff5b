package httpapi_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"boxcar/internal/daemon"
)

func TestUsersAreMadeChangedAndDeleted(t *testing.T) {
	w := start(t, nil)
	made := w.do(t, "POST", "/2.0/users", fields{
		"name": "Ärla", "login": "Arla@example.net", "space_amount": 5000, "job_title": "Boss", "phone": "1", "address": "2", "timezone": "Europe/Berlin",
		"language": "de", "tracking_codes": []any{fields{"type": "tracking_code", "name": "a", "value": "b"}}, "can_see_managed_users": true,
		"is_sync_enabled": true, "is_external_collab_restricted": true, "is_exempt_from_device_limits": true, "is_exempt_from_login_verification": true,
		"external_app_user_id": "mine", "role": "user", "status": "active", "nonsense": 1, "notify": false,
	}).want(201).object()
	for name, want := range map[string]string{
		"type": "user", "name": "Ärla", "login": "Arla@example.net", "space_amount": "5000", "space_used": "0", "status": "active",
		"job_title": "Boss", "phone": "1", "address": "2", "timezone": "Europe/Berlin", "language": "de", "notification_email": "<nil>",
	} {
		if got := fmt.Sprint(made[name]); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if _, there := made["role"]; there {
		t.Error("a Full field came without being asked for")
	}
	path := "/2.0/users/" + made["id"].(string)
	full := w.do(t, "GET", path+"?fields=role,tracking_codes,can_see_managed_users,is_sync_enabled,is_external_collab_restricted,is_exempt_from_device_limits,is_exempt_from_login_verification,enterprise,my_tags,hostname,is_platform_access_only,external_app_user_id", nil).want(200).object()
	for name, want := range map[string]string{
		"role": "user", "tracking_codes": "[map[name:a type:tracking_code value:b]]", "can_see_managed_users": "true", "is_sync_enabled": "true",
		"is_external_collab_restricted": "true", "is_exempt_from_device_limits": "true", "is_exempt_from_login_verification": "true",
		"my_tags": "[]", "hostname": w.URL + "/", "is_platform_access_only": "false", "external_app_user_id": "mine",
	} {
		if got := fmt.Sprint(full[name]); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if full["name"] != nil {
		t.Error("fields brought what was not named")
	}

	// What is left out stays.
	changed := w.do(t, "PUT", path, fields{"name": "Berta", "space_amount": -1, "notification_email": fields{"email": "n@example.net"}}).want(200).object()
	if changed["name"] != "Berta" || changed["job_title"] != "Boss" || fmt.Sprint(changed["space_amount"]) != "999999999999999" ||
		fmt.Sprint(changed["notification_email"]) != "map[email:n@example.net is_confirmed:true]" {
		t.Errorf("changed to %v", changed)
	}
	if again := w.do(t, "PUT", path, fields{"notification_email": nil, "space_amount": 0}).want(200).object(); again["notification_email"] != nil || fmt.Sprint(again["space_amount"]) != "0" {
		t.Errorf("changed to %v", again)
	}

	// Logins are unique, whatever their case.
	w.do(t, "POST", "/2.0/users", fields{"name": "x", "login": "ARLA@example.NET"}).refused(409, "user_login_already_used")
	w.do(t, "PUT", path, fields{"login": w.Credentials.Admin.Login}).refused(409, "user_login_already_used")
	for _, bad := range []fields{{}, {"name": "x"}, {"login": "x@example.net"}, {"name": "x", "login": "x"}, {"name": "x", "login": "a b@c"},
		{"name": "x", "login": "y@z", "role": "king"}, {"name": "x", "login": "y@z", "status": "odd"}, {"name": "x", "login": "y@z", "space_amount": -2},
		{"name": strings.Repeat("x", 256), "login": "y@z"}} {
		w.do(t, "POST", "/2.0/users", bad).refused(400, "bad_request")
	}

	w.do(t, "DELETE", path+"?notify=false", nil).empty(204)
	w.do(t, "GET", path, nil).refused(404, "not_found")
	w.do(t, "DELETE", path, nil).refused(404, "not_found")
	w.do(t, "POST", "/2.0/users", fields{"name": "x", "login": "arla@example.net"}).want(201)

	// A user of an application needs no login.
	app := w.do(t, "POST", "/2.0/users", fields{"name": "App", "is_platform_access_only": true}).want(201).object()
	if !strings.HasPrefix(app["login"].(string), "AppUser_") {
		t.Errorf("made %v", app)
	}
}

func TestOnlyAdministratorsManageUsers(t *testing.T) {
	w := start(t, nil)
	bob, eve := w.user(t, "bob@example.net", 0), w.user(t, "eve@example.net", 0)
	other := "/2.0/users/" + bob.who.ID.String()
	eve.do(t, "GET", other, nil).refused(404, "not_found")
	eve.do(t, "PUT", other, fields{"name": "x"}).refused(403, "access_denied_insufficient_permissions")
	eve.do(t, "DELETE", other, nil).refused(403, "access_denied_insufficient_permissions")
	eve.do(t, "DELETE", "/2.0/users/"+eve.who.ID.String(), nil).refused(403, "access_denied_insufficient_permissions")
	eve.do(t, "POST", "/2.0/users", fields{"name": "x", "login": "x@example.net"}).refused(403, "access_denied_insufficient_permissions")
	eve.do(t, "GET", "/2.0/users/me", nil, "As-User", bob.who.ID.String()).empty(403)

	// Themselves they may change a little.
	me := "/2.0/users/" + eve.who.ID.String()
	if got := eve.do(t, "PUT", me, fields{"name": "Eva", "job_title": "x", "language": "fr"}).want(200).object(); got["name"] != "Eva" {
		t.Errorf("changed to %v", got)
	}
	for _, f := range []fields{{"role": "coadmin"}, {"space_amount": -1}, {"login": "x@example.net"}, {"status": "active"}, {"tracking_codes": []any{}}} {
		eve.do(t, "PUT", me, f).refused(403, "access_denied_insufficient_permissions")
	}
	var list struct {
		TotalCount int `json:"total_count"`
		Entries    []struct{ ID string }
	}
	eve.do(t, "GET", "/2.0/users", nil).want(200).decode(&list)
	if list.TotalCount != 1 || list.Entries[0].ID != eve.who.ID.String() {
		t.Errorf("a user sees %+v", list)
	}

	// The first administrator stays, and nobody locks themselves out.
	admin := "/2.0/users/" + w.Credentials.Admin.ID.String()
	w.do(t, "PUT", other, fields{"role": "coadmin"}).want(200)
	bob.do(t, "GET", me, nil).want(200)
	bob.do(t, "DELETE", admin+"?force=true", nil).refused(403, "access_denied_insufficient_permissions")
	bob.do(t, "PUT", admin, fields{"status": "inactive"}).refused(403, "access_denied_insufficient_permissions")
	bob.do(t, "PUT", other, fields{"status": "inactive"}).refused(403, "access_denied_insufficient_permissions")
	bob.do(t, "DELETE", other, nil).refused(403, "access_denied_insufficient_permissions")
}

func TestUsersAreListedByPage(t *testing.T) {
	w := start(t, nil)
	for i := range 5 {
		w.user(t, fmt.Sprintf("u%d@example.net", i), 0)
	}
	ids := func(query string) (ids []string, next string, total int) {
		var l struct {
			TotalCount int `json:"total_count"`
			Entries    []struct{ Type, ID, Login string }
			Next       *string `json:"next_marker"`
			Limit      int
		}
		w.do(t, "GET", "/2.0/users?"+query, nil).want(200).decode(&l)
		for _, e := range l.Entries {
			ids = append(ids, e.Login)
		}
		if l.Next != nil {
			if next = *l.Next; next == "" {
				t.Error("next_marker is empty")
			}
		}
		return ids, next, l.TotalCount
	}
	all, _, total := ids("")
	if len(all) != 6 || total != 6 {
		t.Fatalf("all are %v of %d", all, total)
	}
	if got, _, total := ids("offset=4&limit=10"); !slices.Equal(got, all[4:]) || total != 6 {
		t.Errorf("from 4: %v of %d", got, total)
	}
	var seen []string
	for marker := "0"; ; {
		page, next, _ := ids("usemarker=true&limit=4&marker=" + marker)
		seen = append(seen, page...)
		if next == "" {
			break
		}
		marker = next
	}
	if !slices.Equal(seen, all) {
		t.Errorf("by marker: %v, want %v", seen, all)
	}
	if got, _, _ := ids("filter_term=U3"); !slices.Equal(got, []string{"u3@example.net"}) {
		t.Errorf("by login: %v", got)
	}
	if got, _, _ := ids("filter_term=user%20u"); len(got) != 5 {
		t.Errorf("by name: %v", got)
	}
	if got, _, _ := ids("user_type=external"); len(got) != 0 {
		t.Errorf("external users: %v", got)
	}
	w.do(t, "GET", "/2.0/users?limit=100000", nil).want(200)
	w.do(t, "GET", "/2.0/users?offset=10000", nil).refused(400, "invalid_offset")
	w.do(t, "GET", "/2.0/users?usemarker=true&marker=x", nil).refused(400, "bad_request")
}

func TestInactiveUsersAreOut(t *testing.T) {
	w := start(t, nil)
	bob := w.user(t, "bob@example.net", 0)
	f := bob.upload(t, "f", noise(10))
	grant := bob.do(t, "GET", "/2.0/files/"+f.ID+"/content", nil).want(302).header.Get("Location")
	path := "/2.0/users/" + bob.who.ID.String()
	w.do(t, "PUT", path, fields{"status": "inactive"}).want(200)
	bob.me(t, 401)
	w.do(t, "GET", "/2.0/users/me", nil, "As-User", bob.who.ID.String()).empty(403)
	w.do(t, "GET", grant, nil, "Authorization", "").refused(404, "not_found")
	w.do(t, "PUT", path, fields{"status": "active"}).want(200)
	bob.me(t, 200)
	w.do(t, "GET", grant, nil, "Authorization", "").want(200)

	// Two more degrees.
	w.do(t, "PUT", path, fields{"status": "cannot_delete_edit"}).want(200)
	bob.do(t, "DELETE", "/2.0/files/"+f.ID, nil).want(403)
	bob.upload(t, "g", noise(10))
	w.do(t, "PUT", path, fields{"status": "cannot_delete_edit_upload"}).want(200)
	bob.do(t, "POST", "/2.0/files/upload_sessions", fields{"folder_id": "0", "file_name": "h", "file_size": 10}).want(403)
	bob.do(t, "GET", "/2.0/files/"+f.ID, nil).want(200)
}

func TestDeletingAUserWhoOwnsItems(t *testing.T) {
	w := start(t, nil)
	bob := w.user(t, "bob@example.net", 0)
	in := bob.folder(t, "0", "in")
	bob.upload(t, "f", noise(3000))
	bob.do(t, "DELETE", "/2.0/folders/"+in, nil).want(204)
	open := bob.create(t, "half", noise(3000))
	open.part(t, 0)
	path := "/2.0/users/" + bob.who.ID.String()
	w.do(t, "DELETE", path, nil).refused(409, "conflict")
	bob.me(t, 200)
	w.do(t, "DELETE", path+"?force=true", nil).empty(204)
	bob.me(t, 401)
	w.do(t, "GET", "/2.0/folders/0", nil, "As-User", bob.who.ID.String()).refused(404, "not_found")
	w.Chores(t.Context())
	w.do(t, "GET", path, nil).refused(404, "not_found")
	// Doctor's walk at the end finds that nothing is left over or missing.
}

// A thousand creations at once, by sessions and by simple uploads, of which a
// quota has room for some: so many are taken and no more, and all of it
// is there again when they are gone.
func TestAQuotaHoldsInARace(t *testing.T) {
	const many = 2000 // it is no other limit that refuses
	w := start(t, func(c *daemon.Config) {
		c.HTTP.UserRequests, c.HTTP.UserMemory, c.HTTP.Memory = many, 1<<30, 1<<30
		c.Uploads.Writers, c.Uploads.UserWriters = many, many
		c.Log = slog.New(slog.DiscardHandler)
	})
	bob := w.user(t, "bob@example.net", 0)
	const tries, each, fit = 1000, 2000, 23
	w.do(t, "PUT", "/2.0/users/"+bob.who.ID.String(), fields{"space_amount": fit*each + each/2}).want(200)
	type taken struct{ session, file string }
	for round := range 2 {
		var wg sync.WaitGroup
		got := make(chan taken, tries)
		for i := range tries {
			wg.Go(func() {
				name := fmt.Sprint(round, " ", i)
				if i%10 > 0 { // simple uploads have to wait for a place each
					r := bob.do(t, "POST", "/2.0/files/upload_sessions", fields{"folder_id": "0", "file_name": name, "file_size": each})
					if r.status == 201 {
						got <- taken{session: r.object()["id"].(string)}
						return
					}
					r.refused(403, "storage_limit_exceeded")
					return
				}
				r := bob.simple(t, name, strings.Repeat("a", each))
				if r.status == 201 {
					got <- taken{file: r.file().ID}
					return
				}
				r.refused(403, "storage_limit_exceeded")
			})
		}
		wg.Wait()
		close(got)
		if len(got) != fit {
			t.Fatalf("round %d: %d of %d creations were taken, and %d fit", round, len(got), tries, fit)
		}
		for one := range got {
			if one.session != "" {
				bob.do(t, "DELETE", "/2.0/files/upload_sessions/"+one.session, nil).empty(204)
				continue
			}
			bob.do(t, "DELETE", "/2.0/files/"+one.file, nil).empty(204)
			bob.do(t, "DELETE", "/2.0/files/"+one.file+"/trash", nil).empty(204)
		}
	}
	w.do(t, "PUT", "/2.0/users/"+bob.who.ID.String(), fields{"space_amount": 0}).want(200)
	bob.do(t, "POST", "/2.0/files/upload_sessions", fields{"folder_id": "0", "file_name": "x", "file_size": 1}).refused(403, "storage_limit_exceeded")
}
