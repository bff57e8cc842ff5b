package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"boxcar/internal/daemon"
)

var asJSON = []string{"Content-Type", "application/json"}

// rcloneItem decodes as rclone's own type does, and as strictly.
type rcloneItem struct {
	Type              string
	ID                string
	SequenceID        int64 `json:"sequence_id,string"`
	Etag, Name        string
	SHA1              string
	Size              int64
	CreatedAt         rcloneTime `json:"created_at"`
	ModifiedAt        rcloneTime `json:"modified_at"`
	ContentCreatedAt  rcloneTime `json:"content_created_at"`
	ContentModifiedAt rcloneTime `json:"content_modified_at"`
	ItemStatus        string     `json:"item_status"`
}

type rcloneTime time.Time

func (t *rcloneTime) UnmarshalJSON(b []byte) error { // is called for null, too
	at, err := time.Parse(`"`+time.RFC3339+`"`, string(b))
	*t = rcloneTime(at)
	return err
}

func TestReplayRclone(t *testing.T) {
	t.Parallel()
	var d disk
	w := start(t, d.on)
	bob := w.user(t, "bob@example.net", 0)
	for name, paging := range map[string]string{"1.7x": "usemarker=true", "before 1.60, with --box-impersonate": "offset=0"} {
		t.Run(name, func(t *testing.T) {
			c := w.client(t, "User-Agent", "rclone/v1.68.2")
			if paging == "offset=0" {
				c.headers = append(c.headers, "As-User", bob.who.ID.String())
			}
			const fields = "type,id,sequence_id,etag,sha1,name,size,created_at,modified_at,content_created_at,content_modified_at,item_status,shared_link,owned_by"
			query := "?fields=" + url.QueryEscape(fields)
			decode := func(r *reply, into any) {
				t.Helper()
				if err := json.Unmarshal(r.body, into); err != nil {
					t.Errorf("%v: %v", r, err)
				}
			}
			find := func(folder, name string) (found rcloneItem) {
				t.Helper()
				r := c.ask("GET", apiHost+"/folders/"+folder+"/items"+query+"&limit=1000&"+paging, nil).needs(200, "entries array", "next_marker null")
				if paging == "offset=0" {
					r.needs(200, "total_count int", "offset = 0", "limit = 1000")
				}
				var list struct{ Entries []rcloneItem }
				decode(r, &list)
				for _, item := range list.Entries {
					if item.Name == name && item.ItemStatus == "active" {
						found = item
					}
				}
				return found
			}

			if got := find("0", "backups"); got.ID != "" {
				t.Fatalf("found %+v", got)
			}
			var dir rcloneItem
			decode(c.ask("POST", apiHost+"/folders"+query, `{"name":"backups","parent":{"id":"0"}}`, asJSON...).needs(201, "id digits"), &dir)
			if got := find("0", "backups"); got.ID != dir.ID || got.Type != "folder" {
				t.Errorf("found %+v, want %+v", got, dir)
			}
			free := func(body string) *reply { return c.ask("OPTIONS", apiHost+"/files/content/", body, asJSON...) }
			free(`{"name":"disk.img","parent":{"id":"` + dir.ID + `"}}`).want(200)

			put := func(s *session, i int) (string, string, any, []string) {
				return "PUT", uploadHost + "/files/upload_sessions/" + s.ID, s.slot(i), []string{"Content-Type", "application/octet-stream",
					"Content-Range", s.span(i), "Digest", digestOf(s.slot(i))}
			}
			send := func(s *session, i int) *reply {
				method, target, body, headers := put(s, i)
				return c.ask(method, target, body, headers...)
			}
			transfer := func(data []byte, create, body string) file {
				t.Helper()
				s := c.opens(data, create, body, asJSON...)
				d.fail(syscall.ENOSPC)
				send(s, 0).refused(503, "unavailable")
				d.fail(nil)
				method, target, bytes, headers := put(s, 1)
				c.lose(method, target, bytes, headers...)
				method, target, bytes, headers = put(s, 2)
				c.cut(method, target, bytes, headers...)
				var parts []json.RawMessage
				for i, r := range atOnce(s.TotalParts, func(i int) *reply { return send(s, i) }) {
					parts = append(parts, s.stored(i, r))
				}
				commit := fmt.Sprintf(`{"parts":%s,"attributes":{"content_created_at":"2029-11-05T08:00:01+01:00","content_modified_at":"2029-11-05T02:00:01-05:00"}}`,
					toJSON(t, known(parts)))
				headers = append([]string{"Digest", digestOf(data)}, asJSON...)
				c.lose("POST", target+"/commit", commit, headers...)
				r := c.ask("POST", target+"/commit", commit, headers...)
				f := c.committed(r, data)
				var list struct{ Entries []rcloneItem }
				decode(r, &list)
				item, want := list.Entries[0], time.Date(2029, 11, 5, 7, 0, 1, 0, time.UTC)
				if !time.Time(item.ContentCreatedAt).Equal(want) || !time.Time(item.ContentModifiedAt).Equal(want) || item.Size != int64(len(data)) {
					t.Errorf("committed %+v", item)
				}
				return f
			}
			data := noise(4*partSize + 100)
			free(fmt.Sprintf(`{"name":"disk.img","parent":{"id":%q},"size":%d}`, dir.ID, len(data))).want(200)
			f := transfer(data, uploadHost+"/files/upload_sessions", fmt.Sprintf(`{"folder_id":%q,"file_size":%d,"file_name":"disk.img"}`, dir.ID, len(data)))

			var taken struct {
				ContextInfo struct{ Conflicts rcloneItem } `json:"context_info"`
			}
			r := free(fmt.Sprintf(`{"name":"DISK.IMG","parent":{"id":%q},"size":100}`, dir.ID))
			r.refused(409, "item_name_in_use")
			if decode(r, &taken); taken.ContextInfo.Conflicts.ID != f.ID || taken.ContextInfo.Conflicts.Type != "file" {
				t.Errorf("%v: want the file %s", r, f.ID)
			}
			var found rcloneItem
			r = c.ask("GET", apiHost+"/files/"+f.ID+query, nil).want(200)
			if decode(r, &found); found.Size != int64(len(data)) || found.SHA1 != sha1Of(data) || found.ItemStatus != "active" {
				t.Errorf("got %+v", found)
			}
			checkKeys(t, "a file", r.object(), strings.ReplaceAll(fields, ",", " "))
			r = free(`{"name":"backups","parent":{"id":"0"}}`)
			r.refused(409, "item_name_in_use")
			if decode(r, &taken); taken.ContextInfo.Conflicts.ID != dir.ID || taken.ContextInfo.Conflicts.Type != "folder" {
				t.Errorf("%v: want the folder %s", r, dir.ID)
			}

			data = noise(3 * partSize)
			next := transfer(data, uploadHost+"/files/"+f.ID+"/upload_sessions", fmt.Sprintf(`{"file_size":%d}`, len(data)))
			if next.ID != f.ID || next.Etag != "1" || next.Name != "disk.img" {
				t.Errorf("%+v became %+v", f, next)
			}
			if got := find(dir.ID, "disk.img"); got.SequenceID != 1 || got.SHA1 != sha1Of(data) {
				t.Errorf("listed %+v", got)
			}

			failed := c.opens(data, uploadHost+"/files/upload_sessions", fmt.Sprintf(`{"folder_id":%q,"file_size":%d,"file_name":"failed"}`, dir.ID, len(data)), asJSON...)
			failed.stored(0, send(failed, 0))
			c.ask("DELETE", uploadHost+"/files/upload_sessions/"+failed.ID, nil).empty(204)
			if got := find(dir.ID, "failed"); got.ID != "" {
				t.Errorf("found %+v", got)
			}

			late := c.opens(data, uploadHost+"/files/upload_sessions", fmt.Sprintf(`{"folder_id":%q,"file_size":%d,"file_name":"late"}`, dir.ID, len(data)), asJSON...)
			expired := *w
			expired.token = must(w.Auth.Issue(t.Context(), bob.who.ID, time.Hour))
			w.Clock.Add(time.Hour)
			method, target, body, headers := put(late, 0)
			r = expired.client(t).ask(method, target, body, headers...).empty(401)
			if got := r.header["Www-Authenticate"]; len(got) != 1 || !strings.Contains(got[0], "expired_token") {
				t.Errorf("%v: rclone would not ask for another token", r)
			}
			late.stored(0, send(late, 0))
		})
	}
}

// browser is a page with UI Elements. Before each request it asks whether it
// may send it, and what it can't read of a reply it does not know.
type browser struct{ *client }

func (b browser) fetch(method, target string, body any, headers ...string) *reply {
	b.t.Helper()
	b.allowed(method, target, headers)
	r := b.ask(method, target, body, headers...)
	r.readable(page)
	return r
}

func (b browser) allowed(method, target string, headers []string) {
	b.t.Helper()
	asked := []string{"authorization"}
	for i := 0; i < len(headers); i += 2 {
		if name := strings.ToLower(headers[i]); name != "accept" && name != "accept-language" {
			asked = append(asked, name)
		}
	}
	slices.Sort(asked)
	anonymous := *b.wire
	anonymous.token = ""
	r := anonymous.client(b.t, b.headers...).ask("OPTIONS", target, nil,
		"Access-Control-Request-Method", method, "Access-Control-Request-Headers", strings.Join(asked, ",")).want(200)
	r.readable(page)
	if may := words(r, "Access-Control-Allow-Methods"); !slices.Contains(may, method) {
		b.t.Errorf("%v: %s is not allowed", r, method)
	}
	may := words(r, "Access-Control-Allow-Headers")
	for _, name := range asked {
		if !slices.Contains(may, name) {
			b.t.Errorf("%v: %s is not allowed", r, name)
		}
	}
}

func TestReplayUIElements(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *daemon.Config) { c.AllowOrigins = []string{page} })
	b := browser{w.client(t, "User-Agent", "Mozilla/5.0", "Accept-Encoding", "gzip, deflate, br", "Origin", page, "Referer", page+"/")}
	set1 := []string{"Accept", "application/json", "Content-Type", "application/json", "X-Box-Client-Name", "ContentUploader",
		"X-Box-Client-Version", "26.0.0", "Accept-Language", "en-US", "BoxApi", "shared_link=https://box.example.net/s/abc"}
	info := []string{"X-Box-Client-Event-Info", `{"bytesUploaded":0,"fileId":"1"}`}
	data := noise(4*partSize + 1)
	preflight := func(path, name string) *reply {
		return b.fetch("OPTIONS", apiHost+path+"?unreachable_hosts=", fmt.Sprintf(`{"name":%q,"parent":{"id":"0"},"description":null,"size":%d}`, name, len(data)), set1...)
	}
	origin := func(r *reply) string {
		t.Helper()
		pieces := strings.Split(r.needs(200, "upload_url url").object()["upload_url"].(string), "/")
		return pieces[0] + "//" + pieces[2] + "/api/2.0"
	}
	put := func(s *session, i int) (string, string, any, []string) {
		return "PUT", s.SessionEndpoints["upload_part"], s.slot(i), append([]string{"Accept", "application/json, text/plain, */*",
			"Content-Type", "application/octet-stream", "Digest", digestOf(s.slot(i)), "Content-Range", s.span(i)}, info...)
	}
	send := func(s *session, i int) *reply {
		method, target, body, headers := put(s, i)
		return b.fetch(method, target, body, headers...)
	}
	report := func(s *session, event string) {
		t.Helper()
		b.fetch("POST", s.SessionEndpoints["log_event"], fmt.Sprintf(`{"event_type":%q,"event_info":"{\"message\":\"Network Error\"}"}`, event), set1...).empty(204)
	}
	commit := func(s *session, parts []json.RawMessage, attributes string) file {
		t.Helper()
		body := fmt.Sprintf(`{"parts":%s,"attributes":%s}`, toJSON(t, parts), attributes)
		headers := slices.Concat(set1, []string{"Digest", digestOf(s.data)}, info)
		b.allowed("POST", s.SessionEndpoints["commit"], headers)
		b.lose("POST", s.SessionEndpoints["commit"], body, headers...)
		return b.committed(b.fetch("POST", s.SessionEndpoints["commit"], body, headers...), s.data)
	}

	host := origin(preflight("/files/content", "film.mov"))
	s := b.opens(data, host+"/files/upload_sessions", fmt.Sprintf(`{"file_size":%d,"file_name":"film.mov","folder_id":"0"}`, len(data)), set1...)
	parts := make([]json.RawMessage, s.TotalParts)
	// Part 1 arrives and its answer does not; part 2 does not arrive whole.
	method, target, body, headers := put(s, 1)
	b.allowed(method, target, headers)
	b.lose(method, target, body, headers...)
	method, target, body, headers = put(s, 2)
	b.cut(method, target, body, headers...)
	for i, r := range atOnce(s.TotalParts, func(i int) *reply {
		if i == 1 || i == 2 {
			return nil
		}
		return send(s, i)
	}) {
		if r != nil {
			parts[i] = s.stored(i, r)
		}
	}
	for i, want := range map[int]int{1: 1, 2: 0} {
		report(s, "part_failure")
		var list struct{ Entries []json.RawMessage }
		b.fetch("GET", fmt.Sprint(s.SessionEndpoints["list_parts"], "?offset=", i, "&limit=1"), nil, set1...).needs(200, "entries array").decode(&list)
		if len(list.Entries) != want {
			t.Fatalf("%d entries for slot %d, want %d", len(list.Entries), i, want)
		}
		if want == 0 {
			parts[i] = s.stored(i, send(s, i))
			continue
		}
		if p := known(list.Entries)[0]; p.PartID == "" || p.Offset != int64(i)*s.PartSize {
			t.Errorf("slot %d has %+v", i, p)
		}
		parts[i] = list.Entries[0]
	}
	b.fetch("GET", host+"/files/upload_sessions/"+s.ID, nil, set1...).needs(200, "session_endpoints.upload_part = "+s.SessionEndpoints["upload_part"], "num_parts_processed = 5")
	f := commit(s, parts, `{"content_modified_at":"2030-01-02T03:04:05Z","description":"a film"}`)
	if f.Description != "a film" {
		t.Errorf("committed %+v", f)
	}

	b.run("the name is taken: a version, with overwrite", func(t *testing.T) {
		conflict := preflight("/files/content", "film.mov").needs(409, "status = 409", "status int", "code = item_name_in_use",
			"context_info.conflicts.type = file").refused(409, "item_name_in_use").ContextInfo.Conflicts["id"].(string)
		host := origin(preflight("/files/"+conflict+"/content", "film.mov"))
		data := noise(2 * partSize)
		s := b.opens(data, host+"/files/"+conflict+"/upload_sessions", fmt.Sprintf(`{"file_size":%d,"file_name":"film.mov"}`, len(data)), set1...)
		next := commit(s, []json.RawMessage{s.stored(0, send(s, 0)), s.stored(1, send(s, 1))}, `{}`)
		if next.ID != f.ID || next.Etag != "1" {
			t.Errorf("%+v became %+v", f, next)
		}
	})
	b.run("the name is taken: another one, without overwrite", func(t *testing.T) {
		preflight("/files/content", "film.mov").refused(409, "item_name_in_use")
		const name = "film-1893553445123.mov"
		host := origin(preflight("/files/content", name))
		create := func(name string) (string, string) {
			return host + "/files/upload_sessions", fmt.Sprintf(`{"file_size":%d,"file_name":%q,"folder_id":"0"}`, partSize, name)
		}
		// A name that is taken between preflight and create is the same again.
		target, body := create("film.mov")
		b.fetch("POST", target, body, set1...).needs(409, "status = 409", "context_info.conflicts.id = "+f.ID)
		target, body = create(name)
		s := b.opens(noise(partSize), target, body, set1...)
		if got := commit(s, []json.RawMessage{s.stored(0, send(s, 0))}, `{}`); got.Name != name || got.ID == f.ID {
			t.Errorf("committed %+v", got)
		}
	})
	b.run("cancelled: reported, aborted, and then begun again", func(t *testing.T) {
		s := b.opens(data, host+"/files/upload_sessions", fmt.Sprintf(`{"file_size":%d,"file_name":"cancelled","folder_id":"0"}`, len(data)), set1...)
		s.stored(0, send(s, 0))
		report(s, "part_upload_retries_exceeded")
		b.fetch("DELETE", s.SessionEndpoints["abort"], `{}`, set1...).empty(204)
		b.fetch("GET", host+"/files/upload_sessions/"+s.ID, nil, set1...).needs(404, "status = 404")
		report(s, "part_failure")
		b.fetch("DELETE", s.SessionEndpoints["abort"], `{}`, set1...).empty(204)
	})
	b.run("early releases sent SHA-256 digests of parts, which are refused so that the page can read why", func(t *testing.T) {
		s := b.opens(data, host+"/files/upload_sessions", fmt.Sprintf(`{"file_size":%d,"file_name":"early","folder_id":"0"}`, len(data)), set1...)
		_, target, body, headers := put(s, 0)
		headers[slices.Index(headers, "Digest")+1] = "sha-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
		b.fetch("PUT", target, body, headers...).needs(400, "status = 400", "code = bad_request")
	})
}

func replayCyberduck(t *testing.T, w *wire, d *disk) {
	c := w.client(t, "User-Agent", "Cyberduck/8.8.0.40000 (Mac OS X/14.0) (aarch64)", "Accept-Encoding", "gzip,deflate")
	dir, empty := w.folder(t, "0", "archive"), w.folder(t, "0", "empty")
	for i := range 3 {
		w.put(t, dir, fmt.Sprint("file ", i), 10)
	}
	// It takes a page that is not full for the last, whatever total_count says.
	list := func(folder string, offset, limit int) (names []string) {
		t.Helper()
		r := c.ask("GET", fmt.Sprint(apiHost, "/folders/", folder, "/items?fields=id,etag,name,size,sha1,created_at,modified_at,content_created_at,content_modified_at,shared_link,owned_by",
			"&usemarker=false&offset=", offset, "&limit=", limit, "&sort=&direction="), nil).needs(200, "entries array")
		for _, e := range r.object()["entries"].([]any) {
			e := e.(map[string]any)
			if !kinds["int"](e["size"]) || !kinds["text"](e["type"]) || !kinds["digits"](e["id"]) {
				t.Errorf("%v: %v lacks type, id or size", r, e)
			}
			names = append(names, e["name"].(string))
		}
		return names
	}
	if got := list("0", 0, 1000); !slices.Equal(got, []string{"archive", "empty"}) {
		t.Errorf("listed %q", got)
	}
	if got := [][]string{list(dir, 0, 2), list(dir, 2, 2), list(empty, 0, 2)}; len(got[0]) != 2 || len(got[1]) != 1 || len(got[2]) != 0 {
		t.Errorf("listed %q", got)
	}

	digests := map[string]func([]byte) string{"hex": func(b []byte) string { return "sha=" + sha1Of(b) }, "base64": digestOf}
	for form, digest := range digests {
		t.Run("commit with a digest in "+form, func(t *testing.T) {
			c := w.client(t, c.headers...)
			name := "movie " + form
			transfer := func(data []byte, create, body, attributes string, match ...string) file {
				t.Helper()
				s := c.opens(data, create, body)
				at := uploadHost + "/files/upload_sessions/" + s.ID
				resume := d.stop()
				t.Cleanup(resume)
				put := func(i int) *reply {
					return c.ask("PUT", at, bytes.NewReader(s.slot(i)), "Content-Range", s.span(i), "Digest", digestOf(s.slot(i)))
				}
				put(s.TotalParts - 1) // what comes before its turn is hashed later
				var parts []json.RawMessage
				for i, r := range atOnce(s.TotalParts, put) {
					parts = append(parts, s.stored(i, r))
				}
				commit := fmt.Sprintf(`{"parts":%s%s}`, toJSON(t, known(parts)), attributes)
				c.ask("POST", at+"/commit", commit, match...).needs(400, "code = bad_request", "message text") // no digest at all
				r := c.accepted(func() *reply {
					return c.ask("POST", at+"/commit", commit, append([]string{"Digest", digest(data)}, match...)...)
				}, func() {
					// It asks without a pause until all parts count as processed, which has to come to an end.
					c.ask("GET", at, nil).needs(200, fmt.Sprint("num_parts_processed = ", s.TotalParts), fmt.Sprint("total_parts = ", s.TotalParts))
					resume()
				})
				return c.committed(r, data)
			}
			data := noise(4*partSize - 1)
			f := transfer(data, uploadHost+"/files/upload_sessions", fmt.Sprintf(`{"folder_id":%q,"file_size":%d,"file_name":%q}`, dir, len(data), name), "")
			data = noise(5 * partSize)
			next := transfer(data, uploadHost+"/files/"+f.ID+"/upload_sessions", fmt.Sprintf(`{"file_size":%d,"file_name":%q}`, len(data), name), `,"attributes":null`, "If-Match", f.Etag)
			if next.ID != f.ID || next.Etag != "1" || next.Name != name {
				t.Errorf("%+v became %+v", f, next)
			}
			// What is refused has a message to show.
			c.ask("POST", uploadHost+"/files/upload_sessions", fmt.Sprintf(`{"folder_id":%q,"file_size":%d,"file_name":%q}`, dir, len(data), name)).needs(409, "message text")
			c.ask("GET", uploadHost+"/files/upload_sessions/"+nobody, nil).needs(404, "message text")
		})
	}
}

func replayWaterbutler(t *testing.T, w *wire) {
	c := w.client(t, "Accept", "*/*", "Accept-Encoding", "gzip, deflate", "User-Agent", "Python/3.6 aiohttp/3.6.2")
	project := w.folder(t, "0", "project")
	// A colon too many in the program makes one on the wire; the second
	// Content-Type is what its HTTP library adds when it does not find one.
	sloppy := func(meant, added string) []string {
		return []string{"Content-Type:", meant, "Content-Type", added}
	}
	find := func(name string) (id string) {
		t.Helper()
		var list struct {
			Entries []struct{ Type, ID, Name string }
		}
		c.ask("GET", apiHost+"/folders/"+project+"/items?fields=id,name,type&limit=1000", nil).needs(200, "entries array", "total_count int").decode(&list)
		for _, e := range list.Entries {
			if e.Type == "file" && strings.EqualFold(e.Name, name) {
				id = e.ID
			}
		}
		return id
	}
	put := func(s *session, i int, b []byte) *reply {
		return c.ask("PUT", uploadHost+"/files/upload_sessions/"+s.ID, b, slices.Concat([]string{"Content-Range", s.span(i)},
			sloppy("application/octet-stream", "application/octet-stream"), []string{"Digest", digestOf(s.slot(i))})...)
	}
	transfer := func(data []byte, create, body string) file {
		t.Helper()
		s := c.opens(data, create, body, asJSON...)
		var parts []json.RawMessage
		for i := range s.TotalParts {
			parts = append(parts, s.stored(i, put(s, i, s.slot(i))))
		}
		r := c.ask("POST", uploadHost+"/files/upload_sessions/"+s.ID+"/commit", fmt.Sprintf(`{"parts":%s}`, toJSON(t, parts)),
			append(sloppy("application/json", "text/plain; charset=utf-8"), "Digest", digestOf(data))...)
		r.needs(201, "entries.0.name = Survey.csv", "entries.0.modified_at time", "entries.0.etag digits", fmt.Sprint("entries.0.size = ", len(data)))
		return c.committed(r, data)
	}

	c.ask("GET", apiHost+"/folders/"+project+"?fields=id,name,path_collection", nil).needs(200, "name = project", "path_collection.entries.0.id = 0", "path_collection.entries.1 null")
	c.ask("GET", apiHost+"/files/"+project+"?fields=id,name,path_collection", nil).needs(404, "message text")
	if id := find("Survey.csv"); id != "" {
		t.Errorf("found %s", id)
	}
	data := noise(2 * partSize)
	f := transfer(data, uploadHost+"/files/upload_sessions", fmt.Sprintf(`{"file_name":"Survey.csv","file_size":%d,"folder_id":%q}`, len(data), project))
	if id := find("survey.CSV"); id != f.ID {
		t.Errorf("found %s, want %s", id, f.ID)
	}
	c.ask("GET", apiHost+"/files/"+f.ID+"?fields=id,name,path_collection", nil).needs(200, "path_collection.entries.1.id = "+project)
	data = noise(2*partSize + 1)
	next := transfer(data, uploadHost+"/files/"+f.ID+"/upload_sessions", fmt.Sprintf(`{"file_name":"Survey.csv","file_size":%d}`, len(data)))
	if next.ID != f.ID || next.Etag != "1" {
		t.Errorf("%+v became %+v", f, next)
	}
	where := c.ask("GET", apiHost+"/files/"+f.ID+"/content", nil, "Accept-Encoding", "", "Range", "bytes=1000-1099").empty(302).header.Get("Location")
	if r := c.ask("GET", where, nil, "Accept-Encoding", "", "Range", "bytes=1000-1099").want(206); !bytes.Equal(r.body, data[1000:1100]) {
		t.Errorf("%v: other bytes", r)
	}

	failed := c.opens(data, uploadHost+"/files/upload_sessions", fmt.Sprintf(`{"file_name":"failed","file_size":%d,"folder_id":%q}`, len(data), project), asJSON...)
	failed.stored(0, put(failed, 0, failed.slot(0)))
	put(failed, 1, noise(partSize)).refused(400, "digest_mismatch")
	c.ask("DELETE", uploadHost+"/files/upload_sessions/"+failed.ID, nil, append(sloppy("application/json", "application/octet-stream"), "Digest", digestOf(data))...).empty(204)
}
