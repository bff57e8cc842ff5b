package httpapi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"boxcar/internal/meta"
)

// sent opens a session for a new file in the root, and sends all its parts.
func (w *wire) sent(t testing.TB, name string, data []byte) (*session, []part) {
	t.Helper()
	s := w.create(t, name, data)
	return s, s.parts(t)
}

// sentVersion is the same for a new version.
func (w *wire) sentVersion(t testing.TB, fileID string, data []byte) (*session, []part) {
	t.Helper()
	s := w.createVersion(t, fileID, data)
	return s, s.parts(t)
}

func TestCommit(t *testing.T) {
	sharing(t, map[string]func(*testing.T, *wire){
		"CommitRequest":       testCommitRequest,
		"CommitPreconditions": testCommitPreconditions,
		"CommitAttributes":    testCommitAttributes,
		"CommitChecksInOrder": testCommitChecksInOrder,
		"CommitPartsMismatch": testCommitPartsMismatch,
	})
}

func testCommitRequest(t *testing.T, w *wire) {
	data := noise(partSize + 5)

	s, parts := w.sent(t, "refused.bin", data)
	for what, digest := range map[string]string{
		"is missing":              "",
		"is of another algorithm": "md5=AAAAAAAAAAAAAAAAAAAAAA==",
		"has no algorithm":        strings.TrimPrefix(digestOf(data), "sha="),
		"is too short":            "sha=AAAA",
		"has 39 hex digits":       "sha=" + sha1Of(data)[1:],
	} {
		t.Run("7.1 Digest "+what+": 400 bad_request", func(t *testing.T) {
			f := s.commit(t, parts, "Digest", digest).refused(400, "bad_request")
			if !strings.Contains(f.Message, "Digest") {
				t.Errorf("message %q does not name the header", f.Message)
			}
		})
	}
	t.Run("7.1 parts is required: 400 bad_request", func(t *testing.T) {
		for _, body := range []any{"", "{}", `{"parts":null}`, fields{"attributes": fields{}}} {
			f := s.commitWith(t, body).refused(400, "bad_request")
			if !strings.Contains(f.Message, "parts") {
				t.Errorf("message %q does not name the key", f.Message)
			}
		}
		s.commitWith(t, fields{"parts": fields{}}).refused(400, "bad_request")
	})
	t.Run("7.1 a body that is not JSON: 400 invalid_json", func(t *testing.T) {
		for _, body := range []string{"{", "[]", "parts", `{"parts":[]}}`} {
			s.commitWith(t, body).refused(400, "invalid_json")
		}
	})
	t.Run("7.1 none of those has closed the session", func(t *testing.T) {
		s.commit(t, parts).file()
	})

	list := func(parts []part, edit func(fields)) (list []fields) {
		for _, p := range parts {
			f := fields{"part_id": p.PartID, "offset": p.Offset, "size": p.Size, "sha1": p.SHA1}
			edit(f)
			list = append(list, f)
		}
		return list
	}
	for name, edit := range map[string]func([]part) []fields{
		"7.1 parts in any order": func(p []part) []fields {
			slices.Reverse(p)
			return list(p, func(fields) {})
		},
		"7.1 sha1 left out": func(p []part) []fields { return list(p, func(f fields) { delete(f, "sha1") }) },
		"7.1 sha1 null":     func(p []part) []fields { return list(p, func(f fields) { f["sha1"] = nil }) },
		"7.1 unknown keys of a part": func(p []part) []fields {
			return list(p, func(f fields) { f["type"], f["etag"] = "part", []int{1} })
		},
		"7.2 a trailing empty part": func(p []part) []fields {
			return append(list(p, func(fields) {}), fields{"part_id": "00000000", "offset": len(data), "size": 0})
		},
		"7.2 empty parts elsewhere": func(p []part) []fields {
			return append(list(p, func(fields) {}), fields{"part_id": "00000000", "offset": 0, "size": 0},
				fields{"part_id": "FFFFFFFF", "offset": partSize, "size": 0, "sha1": sha1Of(nil)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, parts := w.sent(t, name, data)
			if f := s.commitWith(t, fields{"parts": edit(parts)}).file(); f.SHA1 != sha1Of(data) {
				t.Errorf("sha1 %s, want %s", f.SHA1, sha1Of(data))
			}
		})
	}
	for what, digest := range map[string]string{
		"40 hex digits":       "sha=" + sha1Of(data),
		"in capitals":         "SHA=" + digestOf(data)[4:],
		"with space":          "  sha = " + digestOf(data)[4:] + " ",
		"in a list of others": "md5=AAAAAAAAAAAAAAAAAAAAAA==, " + digestOf(data) + ", sha-256=x",
	} {
		t.Run("7.1 Digest "+what, func(t *testing.T) {
			s, parts := w.sent(t, "digest "+what, data)
			s.commit(t, parts, "Digest", digest).file()
		})
	}
	t.Run("7.1 an empty file has an empty list of parts", func(t *testing.T) {
		s := w.create(t, "nothing", nil)
		if f := s.commit(t, []part{}).file(); f.Size != 0 || f.SHA1 != sha1Of(nil) {
			t.Errorf("got %+v", f)
		}
	})
}

func testCommitPreconditions(t *testing.T, w *wire) {
	data := noise(100)
	f := w.upload(t, "versions.bin", data)

	t.Run("7.1 If-Match: any value fails for a new file: 412 precondition_failed", func(t *testing.T) {
		s, parts := w.sent(t, "new.bin", data)
		for _, tag := range []string{"0", `"0"`, "*", "77"} {
			s.commit(t, parts, "If-Match", tag).refused(412, "precondition_failed")
		}
		// Nothing is there, so If-None-Match can't match, not even "*".
		s.commit(t, parts, "If-None-Match", "*").file()
	})
	t.Run("7.1 If-Match and If-None-Match: 412 precondition_failed", func(t *testing.T) {
		s, parts := w.sentVersion(t, f.ID, data)
		for _, h := range [][2]string{
			{"If-Match", "1"}, {"If-Match", `"1"`}, {"If-Match", `W/"1"`}, {"If-Match", `"1", "2"`}, {"If-Match", `"*"`},
			{"If-None-Match", "0"}, {"If-None-Match", `"0"`}, {"If-None-Match", "*"}, {"If-None-Match", `"7", "0"`},
		} {
			s.commit(t, parts, h[0], h[1]).refused(412, "precondition_failed")
		}
		if n := w.pastVersions(t, f.ID); n != 0 {
			t.Errorf("a refused commit has made %d versions", n)
		}
		s.commit(t, parts, "If-Match", f.Etag).file()
	})
	// Each row commits a version, so the etag before row i is i+1.
	for i, row := range []struct{ name, header, value string }{
		{"7.1 If-Match: the current etag, bare", "If-Match", "1"},
		{"7.1 If-Match: the current etag, quoted", "If-Match", `"2"`},
		{"7.1 If-Match: *", "If-Match", "*"},
		{"7.1 If-Match: the current etag in a list", "If-Match", `"9", "4"`},
		{"7.1 If-None-Match: another etag", "If-None-Match", "4"},
		{"7.1 If-Non-Match is no header", "If-Non-Match", "6"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, parts := w.sentVersion(t, f.ID, data)
			if got := s.commit(t, parts, row.header, row.value).file(); got.Etag != fmt.Sprint(i+2) {
				t.Errorf("etag %s, want %d", got.Etag, i+2)
			}
		})
	}
	t.Run("an empty If-Match is an absent one", func(t *testing.T) {
		s, parts := w.sent(t, "empty header", data)
		req := w.request(t, "POST", s.path("/commit"), fields{"parts": parts}, "Digest", digestOf(data))
		req.Header["If-Match"], req.Header["If-None-Match"] = []string{""}, []string{""}
		w.send(t, req).file()
	})
}

func testCommitAttributes(t *testing.T, w *wire) {
	data := noise(10)
	commit := func(t *testing.T, name string, attributes any) map[string]any {
		t.Helper()
		s, parts := w.sent(t, name, data)
		return s.commitWith(t, fields{"parts": parts, "attributes": attributes}).entry()
	}

	for what, row := range map[string]struct{ in, out string }{
		"an offset west":       {"2031-02-28T21:00:00-03:00", "2031-03-01T00:00:00+00:00"},
		"an offset east":       {"2031-02-28T21:00:00+05:30", "2031-02-28T15:30:00+00:00"},
		"Z and a fraction":     {"1999-12-31T23:59:59.999Z", "1999-12-31T23:59:59+00:00"},
		"a day":                {"2020-02-29", "2020-02-29T00:00:00+00:00"},
		"before the Unix time": {"1965-05-06T07:08:09Z", "1965-05-06T07:08:09+00:00"},
	} {
		t.Run("7.1 content_created_at and content_modified_at: "+what, func(t *testing.T) {
			e := commit(t, "date "+what, fields{"content_created_at": row.in, "content_modified_at": row.in})
			if e["content_created_at"] != row.out || e["content_modified_at"] != row.out {
				t.Errorf("got %v and %v, want %s", e["content_created_at"], e["content_modified_at"], row.out)
			}
			if e["created_at"] == row.out || e["modified_at"] == row.out {
				t.Errorf("created_at %v and modified_at %v are the server's, not the content's", e["created_at"], e["modified_at"])
			}
		})
	}
	t.Run("7.1 content dates default to the commit time", func(t *testing.T) {
		before := w.Clock.Now().Truncate(time.Second)
		e := commit(t, "no dates", fields{"content_created_at": nil})
		at, err := time.Parse(time.RFC3339, fmt.Sprint(e["content_created_at"]))
		if err != nil || at.Before(before) || at.After(w.Clock.Now()) {
			t.Errorf("content_created_at %v, want the time of the commit (%v)", e["content_created_at"], err)
		}
		for _, key := range []string{"content_modified_at", "created_at", "modified_at"} {
			if e[key] != e["content_created_at"] {
				t.Errorf("%s is %v, want %v", key, e[key], e["content_created_at"])
			}
		}
	})
	t.Run("7.1 a bad date: 400 bad_request", func(t *testing.T) {
		s, parts := w.sent(t, "bad dates", data)
		for _, date := range []any{"yesterday", "2031-02-30T00:00:00Z", "2031-02-28T21:00:00", 1234567890, "", true} {
			for _, key := range []string{"content_created_at", "content_modified_at"} {
				s.commitWith(t, fields{"parts": parts, "attributes": fields{key: date}}).refused(400, "bad_request")
			}
		}
		s.commit(t, parts).file()
	})
	t.Run("7.1 description", func(t *testing.T) {
		e := commit(t, "described", fields{"description": "third \"pass\" & <more>\n"})
		if e["description"] != "third \"pass\" & <more>\n" {
			t.Errorf("description %q", e["description"])
		}
		f := w.do(t, "GET", "/2.0/files/"+e["id"].(string), nil).want(200).object()
		if f["description"] != e["description"] {
			t.Errorf("later the description is %q", f["description"])
		}
	})
	t.Run("7.1 a description of more than 255 characters is cut to 255", func(t *testing.T) {
		long := strings.Repeat("é€𝄞x", 80)
		want := string([]rune(long)[:255])
		if e := commit(t, "long description", fields{"description": long}); e["description"] != want {
			t.Errorf("description has %d characters", len([]rune(e["description"].(string))))
		}
		if e := commit(t, "longest description", fields{"description": want}); e["description"] != want {
			t.Errorf("a description of 255 characters became %q", e["description"])
		}
	})
	t.Run("7.1 name overrides file_name", func(t *testing.T) {
		if e := commit(t, "old name", fields{"name": "New Näme"}); e["name"] != "New Näme" {
			t.Errorf("name %q", e["name"])
		}
		if names := w.names(t); slices.Contains(names, "old name") || !slices.Contains(names, "New Näme") {
			t.Errorf("the folder has %q", names)
		}
		// Case counts for nothing but how the name is shown.
		if e := commit(t, "case", fields{"name": "CASE"}); e["name"] != "CASE" {
			t.Errorf("name %q", e["name"])
		}
	})
	t.Run("7.1 name: the rules for names and conflicts apply", func(t *testing.T) {
		s, parts := w.sent(t, "names", data)
		commit := func(name string) *reply {
			return s.commitWith(t, fields{"parts": parts, "attributes": fields{"name": name}})
		}
		for _, bad := range []string{"", ".", "a/b", "tail "} {
			commit(bad).refused(400, "item_name_invalid")
		}
		commit(strings.Repeat("n", 256)).refused(400, "item_name_too_long")
		f := commit("NEW NÄME").refused(409, "item_name_in_use")
		if f.ContextInfo.Conflicts["name"] != "New Näme" {
			t.Errorf("conflicts is %v", f.ContextInfo.Conflicts)
		}
		s.commitWith(t, fields{"parts": parts, "attributes": fields{"name": "nobody's"}}).file()
	})
	t.Run("7.1 tags, collections, shared_link, lock and others are ignored", func(t *testing.T) {
		commit(t, "others", fields{"tags": []string{"a"}, "collections": []any{fields{"id": "1"}}, "shared_link": fields{},
			"lock": fields{"type": "lock"}, "size": "many", "parent": fields{"id": "1"}, "no such": 1})
	})
	t.Run("7.1 null is as absent, and {} and null are no attributes", func(t *testing.T) {
		none := fields{"name": nil, "description": nil, "content_created_at": nil, "content_modified_at": nil, "tags": nil}
		for i, attributes := range []any{none, fields{}, nil} {
			name := fmt.Sprint("null ", i)
			if e := commit(t, name, attributes); e["name"] != name || e["description"] != "" {
				t.Errorf("%v: got %v", attributes, e)
			}
		}
	})
	t.Run("7.1 attributes that are no object: 400 bad_request", func(t *testing.T) {
		s, parts := w.sent(t, "no object", data)
		for _, attributes := range []any{"{}", 1, []any{}, fields{"description": 1}, fields{"name": fields{}}} {
			s.commitWith(t, fields{"parts": parts, "attributes": attributes}).refused(400, "bad_request")
		}
	})
}

// Each refusal of this test would be another one if the checks before it had
// not passed: all that come later fail as well.
func testCommitChecksInOrder(t *testing.T, w *wire) {
	data := noise(partSize + 1)
	u := w.user(t, "order@example.net", 100_000)
	s, parts := u.sent(t, "order.bin", data)
	occupant := u.simple(t, "order.bin", "in the way").file()
	aborted := u.create(t, "aborted", data)
	u.do(t, "DELETE", aborted.path(""), nil).empty(204)
	u.quota(t, int64(len(data))) // enough for the session, and not for the file besides
	wrong := slices.Clone(parts)
	wrong[1].PartID = "00000000"
	bad := digestOf(noise(7))

	for name, id := range map[string]string{"unknown": nobody, "aborted": aborted.ID} {
		t.Run("7.2 1. session lookup, before the body: "+name, func(t *testing.T) {
			for _, body := range []string{"not JSON", "{}"} {
				u.do(t, "POST", "/2.0/files/upload_sessions/"+id+"/commit", body, "Digest", bad).refused(404, "not_found")
			}
		})
	}
	t.Run("7.2 1. owner, before the body", func(t *testing.T) {
		for _, body := range []any{"not JSON", fields{"parts": parts}} {
			w.do(t, "POST", s.path("/commit"), body, "Digest", bad).refused(403, "forbidden")
		}
	})
	t.Run("7.2 2. body JSON, before the header", func(t *testing.T) {
		s.commitWith(t, "not JSON", "Digest", "").refused(400, "invalid_json")
	})
	t.Run("7.2 2. Digest, before the parts", func(t *testing.T) {
		s.commit(t, wrong, "Digest", "", "If-Match", "9").refused(400, "bad_request")
	})
	t.Run("7.2 3. parts, before preconditions", func(t *testing.T) {
		s.commit(t, wrong, "Digest", bad, "If-Match", "9").refused(400, "parts_mismatch")
	})
	t.Run("7.2 4. preconditions, before the quota", func(t *testing.T) {
		s.commit(t, parts, "Digest", bad, "If-Match", "9").refused(412, "precondition_failed")
	})
	t.Run("7.2 4. quota lowered since create, before the name: 403 storage_limit_exceeded", func(t *testing.T) {
		s.commit(t, parts, "Digest", bad).refused(403, "storage_limit_exceeded")
	})
	u.quota(t, 0)
	t.Run("7.2 5. name conflict, before the digest; the session stays open", func(t *testing.T) {
		f := s.commit(t, parts, "Digest", bad).refused(409, "item_name_in_use")
		if f.ContextInfo.Conflicts["id"] != occupant.ID {
			t.Errorf("conflicts is %v, want file %s", f.ContextInfo.Conflicts, occupant.ID)
		}
	})
	u.do(t, "DELETE", "/2.0/files/"+occupant.ID, nil).empty(204)
	t.Run("7.2 6. whole-file SHA-1: 400 digest_mismatch, again and again", func(t *testing.T) {
		want := fmt.Sprintf("File digest was incorrect. Actual: %s Expected: %s", digestOf(data)[4:], bad[4:])
		for range 3 {
			if f := s.commit(t, parts, "Digest", bad).refused(400, "digest_mismatch"); f.Message != want {
				t.Errorf("message %q, want %q", f.Message, want)
			}
		}
		if slices.Contains(u.names(t), "order.bin") {
			t.Error("a refused commit made a file")
		}
	})
	t.Run("7.2 7. publish: the session stayed open through all of that", func(t *testing.T) {
		if f := s.commit(t, parts).file(); f.SHA1 != sha1Of(data) || f.Etag != "0" {
			t.Errorf("got %+v", f)
		}
	})
	t.Run("7.2 already committed: body, then parts, then Digest", func(t *testing.T) {
		s.commitWith(t, "not JSON").refused(400, "invalid_json")
		s.commit(t, wrong, "Digest", "").refused(400, "bad_request")
		s.commit(t, wrong, "Digest", bad).refused(400, "parts_mismatch")
		s.commit(t, parts[:1], "Digest", bad).refused(400, "parts_mismatch")
		s.commit(t, parts, "Digest", bad).refused(400, "digest_mismatch")
	})
}

// quota sets the user's quota, in bytes; 0 is none.
func (w *wire) quota(t testing.TB, n int64) {
	t.Helper()
	err := w.Auth.Meta.Update(t.Context(), func(tx meta.Tx) error { return tx.SetQuota(w.who.ID, n) })
	if err != nil {
		t.Fatal(err)
	}
}

func testCommitPartsMismatch(t *testing.T, w *wire) {
	data := noise(2*partSize + 1)
	s := w.create(t, "parts.bin", data)
	p0, p1 := s.part(t, 0), s.part(t, 1)
	p2 := part{PartID: "0BADCAFE", Offset: 2 * partSize, Size: 1, SHA1: sha1Of(data[2*partSize:])}
	t.Run("7.6 set incomplete on the server: 400 parts_mismatch", func(t *testing.T) {
		s.commit(t, []part{p0, p1}).refused(400, "parts_mismatch")
		s.commit(t, []part{p0, p1, p2}).refused(400, "parts_mismatch")
	})
	p2 = s.part(t, 2)

	change := func(edit func(*part)) []part {
		p := p1
		edit(&p)
		return []part{p0, p, p2}
	}
	for what, list := range map[string][]part{
		"part_id differs":          change(func(p *part) { p.PartID = "0BADCAFE" }),
		"part_id of another part":  change(func(p *part) { p.PartID = p0.PartID }),
		"part_id empty":            change(func(p *part) { p.PartID = "" }),
		"offset differs":           change(func(p *part) { p.Offset++ }),
		"offset negative":          change(func(p *part) { p.Offset = -partSize }),
		"offset behind the file":   change(func(p *part) { p.Offset = 3 * partSize }),
		"offset of another part":   change(func(p *part) { p.Offset = 0 }),
		"size differs":             change(func(p *part) { p.Size-- }),
		"size negative":            change(func(p *part) { p.Size = -1 }),
		"sha1 differs":             change(func(p *part) { p.SHA1 = sha1Of(nil) }),
		"sha1 is not one":          change(func(p *part) { p.SHA1 = "sha1" }),
		"a part listed twice":      {p0, p1, p1, p2},
		"the first part left out":  {p1, p2},
		"the middle part left out": {p0, p2},
		"the last part left out":   {p0, p1},
		"no part listed":           {},
	} {
		t.Run("7.6 "+what+": 400 parts_mismatch", func(t *testing.T) {
			f := s.commit(t, list).refused(400, "parts_mismatch")
			if len(list) == 3 && !strings.HasPrefix(f.Message, "No matching part found on server for {") {
				t.Errorf("message %q", f.Message)
			}
		})
	}
	t.Run("7.2 the message quotes the client's part", func(t *testing.T) {
		f := s.commitWith(t, fields{"parts": []any{fields{"part_id": "8E3B1C77", "offset": 0, "size": 8388608, "sha1": nil}}}).refused(400, "parts_mismatch")
		want := `No matching part found on server for {"part_id":"8E3B1C77","offset":0,"size":8388608,"sha1":null}`
		if f.Message != want {
			t.Errorf("message %s, want %s", f.Message, want)
		}
	})
	t.Run("7.6 offset or size left out: 400 parts_mismatch", func(t *testing.T) {
		for _, key := range []string{"offset", "size", "part_id"} {
			p := fields{"part_id": p0.PartID, "offset": 0, "size": partSize}
			delete(p, key)
			s.commitWith(t, fields{"parts": []any{p, p1, p2}}).refused(400, "parts_mismatch")
		}
	})
	s.commit(t, []part{p0, p1, p2}).file()
	if got := w.download(t, s.commit(t, []part{p0, p1, p2}).file().ID); string(got) != string(data) {
		t.Error("other bytes came back")
	}
}

func TestCommitOfOthersAndOfTheGone(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	data := noise(10)
	t.Run("7.6 other user: 403 forbidden", func(t *testing.T) {
		s, parts := w.sent(t, "mine", data)
		other := w.user(t, "other@example.net", 0)
		other.do(t, "POST", s.path("/commit"), fields{"parts": parts}, "Digest", digestOf(data)).refused(403, "forbidden")
		s.commit(t, parts).file()
	})
	t.Run("7.6 target gone: 404 trashed", func(t *testing.T) {
		f := w.upload(t, "trashed", data)
		s, parts := w.sentVersion(t, f.ID, data)
		w.do(t, "DELETE", "/2.0/files/"+f.ID, nil).empty(204)
		s.commit(t, parts).refused(404, "trashed")
		s.commit(t, parts, "If-Match", "99").refused(404, "trashed")
		s.w.do(t, "GET", s.path(""), nil).want(200)
	})
	t.Run("7.6 target gone for good: 404 not_found", func(t *testing.T) {
		f := w.upload(t, "purged", data)
		s, parts := w.sentVersion(t, f.ID, data)
		w.do(t, "DELETE", "/2.0/files/"+f.ID, nil).empty(204)
		w.do(t, "DELETE", "/2.0/files/"+f.ID+"/trash", nil).empty(204)
		s.commit(t, parts).refused(404, "not_found")
	})
	t.Run("7.6 folder of a new file gone: 404 trashed", func(t *testing.T) {
		folder := w.folder(t, "0", "gone")
		s := &session{w: w, data: data}
		w.do(t, "POST", "/2.0/files/upload_sessions", fields{"folder_id": folder, "file_name": "x", "file_size": len(data)}).want(201).decode(s)
		parts := s.parts(t)
		w.do(t, "DELETE", "/2.0/folders/"+folder, nil).empty(204)
		s.commit(t, parts).refused(404, "trashed")
	})
	t.Run("7.6 name taken since create: 409 item_name_in_use, and the session stays open", func(t *testing.T) {
		s, parts := w.sent(t, "Wanted", data)
		first := w.upload(t, "wanted", data)
		f := s.commit(t, parts).refused(409, "item_name_in_use")
		if f.ContextInfo.Conflicts["id"] != first.ID || f.ContextInfo.Conflicts["type"] != "file" {
			t.Errorf("conflicts is %v, want file %s", f.ContextInfo.Conflicts, first.ID)
		}
		if got := s.commitWith(t, fields{"parts": parts, "attributes": fields{"name": "wanted too"}}).file(); got.Name != "wanted too" {
			t.Errorf("name %q", got.Name)
		}
	})
	t.Run("7.6 name taken by a folder: 409 with the folder", func(t *testing.T) {
		s, parts := w.sent(t, "box", data)
		folder := w.folder(t, "0", "BOX")
		f := s.commit(t, parts).refused(409, "item_name_in_use")
		if c := f.ContextInfo.Conflicts; c["id"] != folder || c["type"] != "folder" || c["sha1"] != nil {
			t.Errorf("conflicts is %v, want folder %s", c, folder)
		}
	})
	t.Run("7.6 session aborted: 404 not_found", func(t *testing.T) {
		s, parts := w.sent(t, "aborted", data)
		w.do(t, "DELETE", s.path(""), nil).empty(204)
		s.commit(t, parts).refused(404, "not_found")
	})
	t.Run("7.6 session expired: 410 session_expired", func(t *testing.T) {
		s, parts := w.sent(t, "expired", data)
		w.Clock.Add(7*24*time.Hour + time.Second)
		s.commit(t, parts).refused(410, "session_expired")
		if slices.Contains(w.names(t), "expired") {
			t.Error("the file is there all the same")
		}
	})
}
