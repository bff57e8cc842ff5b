package httpapi_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"boxcar/internal/daemon"
)

func TestCommitReply(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	data := noise(partSize + 1)
	lidar := w.folder(t, "0", "lidar")
	raw := w.folder(t, lidar, "raw")
	in := func(folder, name string) (*session, []part) {
		s := &session{w: w, data: data}
		w.do(t, "POST", "/2.0/files/upload_sessions", fields{"folder_id": folder, "file_name": name, "file_size": len(data)}).want(201).decode(s)
		return s, s.parts(t)
	}
	me := w.do(t, "GET", "/2.0/users/me?fields=name,login", nil).want(200).object()
	delete(me, "type")

	s, parts := in(raw, "survey-b.laz")
	first := s.commitWith(t, fields{"parts": parts, "attributes": fields{"description": "third pass"}}).entry()
	t.Run("7.3 the file in its Standard form", func(t *testing.T) {
		checkStandard(t, first)
		for key, want := range map[string]any{
			"sequence_id": "0", "etag": "0", "sha1": sha1Of(data), "name": "survey-b.laz", "description": "third pass",
			"size": json.Number(toText(len(data))), "trashed_at": nil, "purged_at": nil, "shared_link": nil, "item_status": "active",
		} {
			if first[key] != want {
				t.Errorf("%s is %v, want %v", key, first[key], want)
			}
		}
		for _, key := range []string{"created_by", "modified_by", "owned_by"} {
			u := first[key].(map[string]any)
			if u["type"] != "user" || u["id"] != me["id"] || u["name"] != me["name"] || u["login"] != me["login"] {
				t.Errorf("%s is %v, want %v", key, u, me)
			}
		}
		if p := first["parent"].(map[string]any); p["type"] != "folder" || p["id"] != raw || p["name"] != "raw" || p["etag"] != "0" || p["sequence_id"] != "0" {
			t.Errorf("parent is %v", p)
		}
		path := fmt.Sprint(first["path_collection"].(map[string]any)["entries"])
		want := fmt.Sprint([]any{
			map[string]any{"type": "folder", "id": "0", "sequence_id": nil, "etag": nil, "name": "All Files"},
			map[string]any{"type": "folder", "id": lidar, "sequence_id": "0", "etag": "0", "name": "lidar"},
			map[string]any{"type": "folder", "id": raw, "sequence_id": "0", "etag": "0", "name": "raw"},
		})
		if path != want {
			t.Errorf("path_collection is %s, want %s", path, want)
		}
	})
	t.Run("7.3 GET shows the same file", func(t *testing.T) {
		got := w.do(t, "GET", "/2.0/files/"+first["id"].(string), nil).want(200).object()
		if fmt.Sprint(got) != fmt.Sprint(first) {
			t.Errorf("got %v, want %v", got, first)
		}
	})
	t.Run("7.3 new version: same id, new file_version.id, etag+1, created_at unchanged", func(t *testing.T) {
		w.Clock.Add(time.Minute)
		s, parts := w.sentVersion(t, first["id"].(string), data[:10])
		e := s.commit(t, parts).entry()
		checkStandard(t, e)
		for key, same := range map[string]bool{
			"id": true, "name": true, "created_at": true, "created_by": true, "description": true, "parent": true,
			"file_version": false, "etag": false, "sha1": false, "size": false, "modified_at": false, "content_modified_at": false, "content_created_at": false,
		} {
			if (fmt.Sprint(e[key]) == fmt.Sprint(first[key])) != same {
				t.Errorf("%s was %v and is %v", key, first[key], e[key])
			}
		}
		if e["etag"] != "1" || e["content_modified_at"] != e["modified_at"] {
			t.Errorf("etag %v, content_modified_at %v, modified_at %v", e["etag"], e["content_modified_at"], e["modified_at"])
		}
	})

	for query, keys := range map[string]string{
		"":                              fileStandard,
		"?fields=":                      fileStandard,
		"?fields=size,parent":           fileMini + "size parent",
		"?fields=size&fields=parent":    fileMini + "size parent",
		"?fields=no_such,name":          fileMini,
		"?fields=version_number,tags":   fileMini + "version_number tags",
		"?fields=extension,permissions": fileMini + "extension permissions",
		"?fields=comment_count":         fileMini + "comment_count",
	} {
		t.Run("7.3 fields: "+query, func(t *testing.T) {
			s, parts := w.sent(t, "Fields"+query+".laz.GZ", data[:1])
			r := w.do(t, "POST", s.path("/commit"+query), fields{"parts": parts}, "Digest", digestOf(s.data))
			e := r.entry()
			checkKeys(t, "the file", e, keys)
			for key, want := range map[string]any{"version_number": "1", "extension": "GZ", "comment_count": json.Number("0")} {
				if got, ok := e[key]; ok && got != want {
					t.Errorf("%s is %#v, want %#v", key, got, want)
				}
			}
			if p, ok := e["permissions"].(map[string]any); ok {
				checkKeys(t, "permissions", p, filePermissions)
			}
			if tags, ok := e["tags"]; ok && fmt.Sprint(tags) != "[]" {
				t.Errorf("tags is %v", tags)
			}
		})
	}
}

const filePermissions = "can_download can_preview can_upload can_comment can_rename can_delete can_share can_set_share_access " +
	"can_invite_collaborator can_annotate can_view_annotations_all can_view_annotations_self can_create_annotations can_view_annotations can_apply_watermark"

func TestCommitOfVersions(t *testing.T) {
	sharing(t, map[string]func(*testing.T, *wire){
		"CommitAgain":                    testCommitAgain,
		"CommitOfVersionRenamesAndMoves": testCommitOfVersionRenamesAndMoves,
	})
}

func testCommitAgain(t *testing.T, w *wire) {
	data := noise(partSize + 1)
	f := w.upload(t, "again.bin", noise(9))
	s, parts := w.sentVersion(t, f.ID, data)
	// The reply of this one is what the client never got to see.
	first := s.commit(t, parts, "If-Match", "0").entry()
	same := func(t *testing.T, r *reply) {
		t.Helper()
		e := r.entry()
		for _, key := range []string{"id", "etag", "sha1", "size", "file_version"} {
			if fmt.Sprint(e[key]) != fmt.Sprint(first[key]) {
				t.Errorf("%s is %v, and was %v", key, e[key], first[key])
			}
		}
		if n := w.pastVersions(t, f.ID); n != 1 {
			t.Errorf("%d past versions, want 1", n)
		}
	}
	t.Run("7.5 commit again: 201, the same file, no second version", func(t *testing.T) {
		for range 3 {
			same(t, s.commit(t, parts))
		}
	})
	t.Run("7.2 preconditions and attributes are not looked at again", func(t *testing.T) {
		same(t, s.commit(t, parts, "If-Match", "0"))
		same(t, s.commit(t, parts, "If-None-Match", "*"))
		same(t, s.commitWith(t, fields{"parts": parts, "attributes": fields{"name": "other", "description": "other"}}))
		if got := w.do(t, "GET", "/2.0/files/"+f.ID, nil).want(200).object(); got["name"] != "again.bin" || got["description"] != "" {
			t.Errorf("name %v, description %v", got["name"], got["description"])
		}
	})
	t.Run("7.5 other parts: 400 parts_mismatch", func(t *testing.T) {
		s.commit(t, parts[1:]).refused(400, "parts_mismatch")
	})
	t.Run("7.5 another Digest: 400 digest_mismatch", func(t *testing.T) {
		s.commit(t, parts, "Digest", digestOf(nil)).refused(400, "digest_mismatch")
	})
	t.Run("7.5 its state at first commit is enough: after a later version, and in the trash", func(t *testing.T) {
		later, p := w.sentVersion(t, f.ID, noise(3))
		later.commit(t, p).file()
		for range 2 {
			e := s.commit(t, parts).entry()
			if e["id"] != f.ID || e["etag"] != "1" || e["sha1"] != sha1Of(data) {
				t.Errorf("got %v", e)
			}
			w.do(t, "DELETE", "/2.0/files/"+f.ID, nil)
		}
	})
}

func testCommitOfVersionRenamesAndMoves(t *testing.T, w *wire) {
	data := noise(4)
	f := w.upload(t, "Before.txt", noise(3))
	to := w.folder(t, "0", "elsewhere")
	session := func(body fields) (*session, []part) {
		s := &session{w: w, data: data}
		body["file_size"] = len(data)
		w.do(t, "POST", "/2.0/files/"+f.ID+"/upload_sessions", body).want(201).decode(s)
		return s, s.parts(t)
	}
	t.Run("3.1 file_name of a version renames the file at commit", func(t *testing.T) {
		s, parts := session(fields{"file_name": "after.txt"})
		if names := w.names(t); !slices.Contains(names, "Before.txt") {
			t.Errorf("renamed before the commit: %q", names)
		}
		if got := s.commit(t, parts).file(); got.Name != "after.txt" || got.ID != f.ID || got.Etag != "1" {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("3.1 the unchanged name does not conflict with the file itself, whatever its case", func(t *testing.T) {
		for i, name := range []string{"after.txt", "AFTER.txt"} {
			s, parts := session(fields{"file_name": name})
			if got := s.commit(t, parts).file(); got.Name != name || got.Etag != fmt.Sprint(i+2) {
				t.Errorf("got %+v", got)
			}
		}
	})
	t.Run("7.1 attributes.name of a version renames the file", func(t *testing.T) {
		s, parts := session(fields{"file_name": "not this"})
		if got := s.commitWith(t, fields{"parts": parts, "attributes": fields{"name": "this"}}).file(); got.Name != "this" {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("3.1 folder_id of a version moves the file at commit", func(t *testing.T) {
		s, parts := session(fields{"folder_id": to, "file_name": "moved"})
		if got := s.commit(t, parts).file(); got.Name != "moved" || got.Parent.ID != to || got.ID != f.ID || got.Etag != "5" {
			t.Errorf("got %+v", got)
		}
		if names := w.names(t); !slices.Equal(names, []string{"elsewhere"}) {
			t.Errorf("the root has %q", names)
		}
		s, parts = session(fields{"folder_id": "0"})
		if got := s.commit(t, parts).file(); got.Name != "moved" || got.Parent.ID != "0" {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("7.6 a name of the other folder: 409 item_name_in_use, and the file stays as it is", func(t *testing.T) {
		s, parts := session(fields{"folder_id": to, "file_name": "taken"})
		w.folder(t, to, "Taken")
		s.commit(t, parts).refused(409, "item_name_in_use")
		if names := w.names(t); !slices.Contains(names, "moved") {
			t.Errorf("the root has %q", names)
		}
		if n := w.pastVersions(t, f.ID); n != 6 {
			t.Errorf("%d past versions, want 6", n)
		}
	})
}

// atOnce runs n requests side by side.
func atOnce(n int, one func(i int) *reply) []*reply {
	replies := make([]*reply, n)
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-begin
			replies[i] = one(i)
		})
	}
	close(begin)
	all.Wait()
	return replies
}

func TestCommitsRace(t *testing.T) {
	t.Parallel()
	var d disk
	w := start(t, d.on)
	const racers = 16
	data := noise(2*partSize + 1)
	one := func(t *testing.T, fileID string, past int, replies []*reply) {
		t.Helper()
		first := replies[0].entry()
		for _, r := range replies {
			if got := r.entry(); fmt.Sprint(got) != fmt.Sprint(first) {
				t.Errorf("got %v, and %v", got, first)
			}
		}
		if first["id"] != fileID && fileID != "" {
			t.Errorf("file %v, want %s", first["id"], fileID)
		}
		if n := w.pastVersions(t, first["id"].(string)); n != past {
			t.Errorf("%d past versions, want %d", n, past)
		}
	}
	f := w.upload(t, "raced.bin", noise(1))
	t.Run("7.5 16 commits at once: the same file and exactly one version", func(t *testing.T) {
		s, parts := w.sentVersion(t, f.ID, data)
		one(t, f.ID, 1, atOnce(racers, func(int) *reply { return s.commit(t, parts) }))
	})
	t.Run("7.5 16 commits at once of a file not hashed yet", func(t *testing.T) {
		s := w.createVersion(t, f.ID, data)
		resume := d.stop()
		defer resume()
		parts := []part{s.part(t, 1), s.part(t, 2), s.part(t, 0)} // so that the server has to read back
		until(t, "nobody reads back", func() bool { return d.waiting.Load() > 0 })
		time.AfterFunc(50*time.Millisecond, resume)
		one(t, f.ID, 2, atOnce(racers, func(int) *reply { return s.commit(t, parts) }))
	})
	t.Run("3.1 the first commit wins a name, the others get 409", func(t *testing.T) {
		type ready struct {
			s     *session
			parts []part
		}
		var all []ready
		for i := range 4 {
			s, parts := w.sent(t, []string{"Prize", "PRIZE", "prize", "prizE"}[i], noise(1))
			all = append(all, ready{s, parts})
		}
		won := 0
		for _, r := range atOnce(len(all), func(i int) *reply { return all[i].s.commit(t, all[i].parts) }) {
			if r.status == 201 {
				won++
				continue
			}
			r.refused(409, "item_name_in_use")
		}
		if won != 1 {
			t.Errorf("%d commits won", won)
		}
	})
}

func TestCommitTakesLong(t *testing.T) {
	t.Parallel()
	var d disk
	w := start(t, func(c *daemon.Config) {
		d.on(c)
		c.Uploads.Commit = 30 * time.Millisecond
	})
	data := noise(partSize + 1)
	// slow makes a session whose last part can't be hashed before resume.
	slow := func(t *testing.T, name string) (s *session, parts []part, resume func()) {
		t.Helper()
		s = w.create(t, name, data)
		resume = d.stop()
		t.Cleanup(resume)
		last := s.part(t, 1)
		return s, []part{s.part(t, 0), last}, resume
	}
	accepted := func(t *testing.T, r *reply) {
		t.Helper()
		r.empty(202)
		if r.header.Get("Retry-After") != "1" || r.header.Get("Content-Length") != "0" {
			t.Errorf("%v: want Retry-After 1 and Content-Length 0", r)
		}
		if _, ok := r.header["Content-Type"]; ok {
			t.Errorf("%v: want no Content-Type", r)
		}
	}
	// ended repeats a commit as clients do until it is no more 202.
	ended := func(t *testing.T, again func() *reply) *reply {
		t.Helper()
		var r *reply
		until(t, "202 without an end", func() bool {
			r = again()
			return r.status != 202
		})
		return r
	}
	t.Run("7.4 202 with an empty body, then 201", func(t *testing.T) {
		s, parts, resume := slow(t, "slow")
		began := time.Now()
		accepted(t, s.commit(t, parts))
		if took := time.Since(began); took < 30*time.Millisecond {
			t.Errorf("202 came after %s, before the limit", took)
		}
		accepted(t, s.commit(t, parts)) // of a commit that is not the one at work
		var now session
		w.do(t, "GET", s.path(""), nil).want(200).decode(&now)
		if now.NumPartsProcessed != 2 {
			t.Errorf("%d parts processed: clients would wait for 2 before they ask again", now.NumPartsProcessed)
		}
		if slices.Contains(w.names(t), "slow") {
			t.Error("the file is there before its digest is known to be right")
		}
		resume()
		if f := ended(t, func() *reply { return s.commit(t, parts) }).file(); f.SHA1 != sha1Of(data) {
			t.Errorf("got %+v", f)
		}
		if string(w.download(t, s.commit(t, parts).file().ID)) != string(data) {
			t.Error("other bytes came back")
		}
	})
	t.Run("7.4 the hashing and the commit go on without the request", func(t *testing.T) {
		s, parts, resume := slow(t, "alone")
		accepted(t, s.commit(t, parts))
		resume()
		until(t, "the file does not appear", func() bool { return slices.Contains(w.names(t), "alone") })
		if f := s.commit(t, parts).file(); f.Etag != "0" {
			t.Errorf("got %+v", f)
		}
	})
	t.Run("7.4 a failing digest surfaces after a 202: 400 digest_mismatch", func(t *testing.T) {
		s, parts, resume := slow(t, "wrong")
		bad := digestOf(noise(5))
		accepted(t, s.commit(t, parts, "Digest", bad))
		resume()
		ended(t, func() *reply { return s.commit(t, parts, "Digest", bad) }).refused(400, "digest_mismatch")
		ended(t, func() *reply { return s.commit(t, parts) }).file()
	})
	t.Run("7.2 what needs no hash is refused at once", func(t *testing.T) {
		s, parts, _ := slow(t, "refused")
		s.commit(t, parts[:1]).refused(400, "parts_mismatch")
		s.commit(t, parts, "If-Match", "1").refused(412, "precondition_failed")
		s.commitWith(t, fields{"parts": parts, "attributes": fields{"name": "slow"}}).refused(409, "item_name_in_use")
	})
}
