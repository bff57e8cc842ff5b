package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"boxcar/internal/daemon"
)

func TestReplays(t *testing.T) {
	sharing(t, map[string]func(*testing.T, *wire){
		"DotNet5":     replayDotNet5,
		"DotNet10":    replayDotNet10,
		"Swift10":     replaySwift10,
		"IOS5":        replayIOS5,
		"Waterbutler": replayWaterbutler,
	})
}

// The same for clients that are to be told 202 by a commit that has bytes to
// hash. One at a time, as they hold up the disk.
func TestReplaysWithSlowCommits(t *testing.T) {
	t.Parallel()
	var d disk
	w := start(t, func(c *daemon.Config) {
		d.on(c)
		c.Uploads.Commit = 30 * time.Millisecond
	})
	t.Run("Boxr", func(t *testing.T) { replayBoxr(t, w, &d) })
	t.Run("Android", func(t *testing.T) { replayAndroid(t, w.user(t, "android@example.net", 0), &d) })
	t.Run("Cyberduck", func(t *testing.T) { replayCyberduck(t, w.user(t, "cyberduck@example.net", 0), &d) })
}

// accepted repeats a commit for as long as it is accepted only, and needs a
// Retry-After of whole seconds each time. between is what the client does
// meanwhile, and has to have its turn; nil is nothing.
func (c *client) accepted(commit func() *reply, between func()) *reply {
	c.t.Helper()
	for end, n := time.Now().Add(10*time.Second), 0; ; n++ {
		r := commit()
		if r.status != 202 || time.Now().After(end) {
			if n == 0 && between != nil {
				c.t.Fatalf("%v: want 202, as there is something to hash", r)
			}
			return r
		}
		r.empty(202)
		if after, err := strconv.Atoi(r.header.Get("Retry-After")); err != nil || after < 0 {
			c.t.Fatalf("%v: want Retry-After in seconds", r)
		}
		if between != nil {
			between()
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func replayDotNet5(t *testing.T, w *wire) {
	c := w.client(t, "User-Agent", "Box Windows SDK v5.8.0", "Accept-Encoding", "gzip, deflate")
	asJSON := []string{"Content-Type", "application/json; charset=utf-8"}
	for name, expect := range map[string][]string{"on .NET": nil, "on .NET Framework": {"Expect", "100-continue"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := w.client(t, c.headers...)
			put := func(s *session, i int, b []byte) *reply {
				return c.ask("PUT", s.SessionEndpoints["upload_part"], b, slices.Concat([]string{"Digest", digestOf(b), "Content-Range", s.span(i)}, expect)...)
			}
			transfer := func(data []byte, create, body string) file {
				t.Helper()
				s := c.opens(data, create, body, asJSON...)
				var parts []json.RawMessage
				for i, r := range atOnce(s.TotalParts, func(i int) *reply { return put(s, i, s.slot(i)) }) {
					parts = append(parts, s.stored(i, r))
				}
				// What is refused is tried five times. With Expect the body of a
				// doomed part never leaves the client.
				for range 5 {
					put(s, 1, noise(partSize + 1)[1:]).refused(416, "range_overlaps_existing_part")
				}
				c.lose("PUT", s.SessionEndpoints["upload_part"], s.slot(0), "Digest", digestOf(s.slot(0)), "Content-Range", s.span(0))
				if p := s.stored(0, put(s, 0, s.slot(0))); string(p) != string(parts[0]) {
					t.Errorf("part %s, and again %s", parts[0], p)
				}
				// A page that is shorter than its limit is the last.
				var list struct{ Entries []part }
				c.ask("GET", s.SessionEndpoints["list_parts"]+"?offset=0&limit=100", nil).needs(200, "offset = 0", "limit = 100", "total_count int").decode(&list)
				if !slices.Equal(list.Entries, known(parts)) {
					t.Errorf("listed %+v, want %s", list.Entries, parts)
				}
				commit := fmt.Sprintf(`{"parts":%s}`, toJSON(t, known(parts)))
				headers := append([]string{"Digest", digestOf(data)}, asJSON...)
				c.lose("POST", s.SessionEndpoints["commit"], commit, headers...)
				f := c.committed(c.ask("POST", s.SessionEndpoints["commit"], commit, headers...), data)
				c.ask("DELETE", s.SessionEndpoints["abort"], "", "Content-Type", "application/x-www-form-urlencoded").empty(204)
				return f
			}

			data := noise(3*partSize + 7)
			f := transfer(data, uploadHost+"/files/upload_sessions", fmt.Sprintf(`{"folder_id":"0","file_size":%d,"file_name":%q}`, len(data), name))
			for _, body := range []string{`{"file_size":%d}`, fmt.Sprintf(`{"file_size":%%d,"file_name":%q}`, name)} {
				data = append(data, noise(partSize)...)
				if next := transfer(data, uploadHost+"/files/"+f.ID+"/upload_sessions", fmt.Sprintf(body, len(data))); next.ID != f.ID || next.Name != f.Name {
					t.Errorf("%+v became %+v", f, next)
				}
			}

			simple := newForm().add("Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=\"attributes\"\r\n", []byte(`{"name":"`+name+`"}`)).
				add("Content-Disposition: form-data; name=\"filename\"; filename=\"\"\r\n", data)
			r := c.ask("POST", uploadHost+"/files/"+f.ID+"/content", simple.end(), "Content-Type", `multipart/form-data; boundary="the-boundary"`)
			if next := c.committed(r, data); next.ID != f.ID || next.Etag != "3" {
				t.Errorf("%+v became %+v", f, next)
			}

			aborted := c.opens(data, uploadHost+"/files/upload_sessions", fmt.Sprintf(`{"folder_id":"0","file_size":%d,"file_name":"aborted"}`, len(data)), asJSON...)
			c.ask("DELETE", aborted.SessionEndpoints["abort"], "", "Content-Type", "application/x-www-form-urlencoded").empty(204)
		})
	}
}

// generated replays one of the SDKs that are generated from the API's description.
func generated(t *testing.T, w *wire, userAgent string, body func([]byte) any) {
	c := w.client(t, "User-Agent", userAgent, "X-Box-UA", "agent="+userAgent+"; env=x")
	const base = "http://upload.box.com/api/2.0/files" // uploadUrl with /2.0 behind it
	asJSON := []string{"content-type", "application/json"}
	create := func(data []byte, target, body string) *session {
		t.Helper()
		s := c.opens(data, target, body, asJSON...)
		// None of the values may be null.
		for key, v := range c.ask("GET", s.SessionEndpoints["status"], nil).needs(200, "session_expires_at Z", "num_parts_processed = 0").object() {
			if v == nil {
				t.Errorf("%s is null", key)
			}
		}
		return s
	}
	put := func(s *session, i int, target string) (string, string, any, []string) {
		return "PUT", target, body(s.slot(i)), []string{"digest", digestOf(s.slot(i)), "content-range", s.span(i), "content-type", "application/octet-stream"}
	}
	send := func(s *session, i int, target string) json.RawMessage {
		t.Helper()
		method, target, b, headers := put(s, i, target)
		return s.stored(i, c.ask(method, target, b, headers...))
	}
	listed := func(s *session, target string, want []json.RawMessage) {
		t.Helper()
		r := c.ask("GET", target, nil, "Content-Type", "application/json").needs(200, fmt.Sprint("total_count = ", s.TotalParts), "offset int", "limit int")
		var list struct{ Entries []json.RawMessage }
		if r.decode(&list); !slices.Equal(known(list.Entries), known(want)) {
			t.Errorf("%v: want %s", r, want)
		}
	}
	commit := func(s *session, target string, parts []json.RawMessage, headers ...string) (string, string, any, []string) {
		return "POST", target, fmt.Sprintf(`{"parts":%s}`, toJSON(t, parts)), slices.Concat([]string{"digest", digestOf(s.data)}, asJSON, headers)
	}
	ask := func(method, target string, body any, headers []string) *reply {
		return c.ask(method, target, body, headers...)
	}

	data := noise(4*partSize + 3)
	s := create(data, base+"/upload_sessions", fmt.Sprintf(`{"file_name":"generated","file_size":%d,"folder_id":"0"}`, len(data)))
	endpoint := s.SessionEndpoints
	method, target, b, headers := put(s, 0, endpoint["upload_part"])
	c.lose(method, target, b, headers...)
	var parts []json.RawMessage
	for i := range s.TotalParts {
		parts = append(parts, send(s, i, endpoint["upload_part"]))
	}
	listed(s, endpoint["list_parts"], parts)
	method, target, b, headers = commit(s, endpoint["commit"], parts)
	c.lose(method, target, b, headers...)
	f := c.committed(ask(commit(s, endpoint["commit"], parts)), data)

	c.run("version: each part is planned, and a hit is not sent", func(t *testing.T) {
		data := slices.Clone(data)
		data[2*partSize]++
		s := create(data, base+"/"+f.ID+"/upload_sessions", fmt.Sprintf(`{"file_size":%d}`, len(data)))
		var parts []json.RawMessage
		for i := range s.TotalParts {
			b := s.slot(i)
			offer := fmt.Sprintf(`{"parts":[{"offset":%d,"size":%d,"sha512":%q}]}`, i*partSize, len(b), sha512Of(b))
			plan := c.ask("POST", s.SessionEndpoints["plan"], offer, asJSON...).needs(200, "hits array", "misses array", "upload_session_id = "+s.ID)
			if i == 2 {
				plan.needs(200, "misses.0.offset = 2048", "misses.0.size = 1024", "misses.0.sha512 = "+sha512Of(b), "hits.0 null")
				parts = append(parts, send(s, i, s.SessionEndpoints["upload_part"]))
				continue
			}
			id := plan.needs(200, "hits.0.part_id text", "misses.0 null").object()["hits"].([]any)[0].(map[string]any)["part_id"]
			parts = append(parts, fmt.Appendf(nil, `{"part_id":%q,"offset":%d,"size":%d}`, id, i*partSize, len(b)))
		}
		next := c.committed(ask(commit(s, s.SessionEndpoints["commit"], parts, "if-match", f.Etag)), data)
		if next.ID != f.ID || next.Etag != "1" || next.Name != f.Name {
			t.Errorf("%+v became %+v", f, next)
		}
		// The file as it was is what the header asks for.
		again := create(data, base+"/"+f.ID+"/upload_sessions", fmt.Sprintf(`{"file_size":%d,"file_name":"generated"}`, len(data)))
		parts = parts[:0]
		for i := range again.TotalParts {
			parts = append(parts, send(again, i, again.SessionEndpoints["upload_part"]))
		}
		ask(commit(again, again.SessionEndpoints["commit"], parts, "if-match", f.Etag)).refused(412, "precondition_failed")
		ask(commit(again, again.SessionEndpoints["commit"], parts, "if-none-match", next.Etag)).refused(412, "precondition_failed")
	})
	c.run("their own tests: by id, and deleted when it is committed", func(t *testing.T) {
		data := noise(2 * partSize)
		s := create(data, base+"/upload_sessions", fmt.Sprintf(`{"file_name":"by id","file_size":%d,"folder_id":"0"}`, len(data)))
		byID := base + "/upload_sessions/" + s.ID
		parts := []json.RawMessage{send(s, 0, byID), send(s, 1, byID)}
		listed(s, byID+"/parts", parts)
		c.ask("GET", byID, nil).needs(200, "id = "+s.ID, "num_parts_processed = 2")
		committed := c.committed(ask(commit(s, byID+"/commit", parts)), data)
		c.ask("DELETE", byID, nil).empty(204)
		c.ask("GET", apiHost+"/files/"+committed.ID, nil).needs(200, "item_status = active", "sha1 = "+sha1Of(data))
	})
}

func replayDotNet10(t *testing.T, w *wire) {
	generated(t, w, "box-dotnet-generated-sdk-10.9.0", func(b []byte) any { return b })
}

// Swift streams: no length is announced.
func replaySwift10(t *testing.T, w *wire) {
	generated(t, w, "box-swift-generated-sdk-10.9.0", func(b []byte) any { return bytes.NewReader(b) })
}

func replayIOS5(t *testing.T, w *wire) {
	c := w.client(t, "User-Agent", "box-swift-sdk/5.6.0", "X-Box-UA", "agent=box-swift-sdk/5.6.0; env=iOS/17.0")
	transfer := func(data []byte, create, body, attributes string) file {
		t.Helper()
		s := c.opens(data, create, body, asJSON...)
		at := uploadHost + "/files/upload_sessions/" + s.ID
		parts := make([]json.RawMessage, s.TotalParts)
		for _, i := range []int{2, 0, 1} { // the caller decides
			parts[i] = s.stored(i, c.ask("PUT", at, s.slot(i), "digest", digestOf(s.slot(i)), "content-range", s.span(i)))
			c.ask("GET", at, nil).needs(200, "num_parts_processed int", "id = "+s.ID)
		}
		for query, want := range map[string][]json.RawMessage{"": parts, "?limit=2": parts[:2], "?offset=1": parts[1:], "?offset=1&limit=1": parts[1:2]} {
			r := c.ask("GET", at+"/parts"+query, nil).needs(200, "limit int", "offset int", "total_count = 3")
			var list struct{ Entries []json.RawMessage }
			if r.decode(&list); !slices.Equal(known(list.Entries), known(want)) {
				t.Errorf("%v: want %s", r, want)
			}
		}
		commit := fmt.Sprintf(`{"parts":%s,"attributes":%s}`, toJSON(t, known(parts)), attributes)
		f := c.committed(c.ask("POST", at+"/commit", commit, append([]string{"digest", digestOf(data)}, asJSON...)...), data)
		c.ask("DELETE", at, nil).empty(204)
		return f
	}
	data := noise(2*partSize + 1)
	f := transfer(data, uploadHost+"/files/upload_sessions", fmt.Sprintf(`{"folder_id":"0","file_name":"photo.heic","file_size":%d}`, len(data)), `{}`)
	next := transfer(data, uploadHost+"/files/"+f.ID+"/upload_sessions", fmt.Sprintf(`{"file_size":%d}`, len(data)), `{"description":"a photo",
		"shared_link":{"access":"open","permissions":{"can_download":true}},"tags":["a","b"],"collections":[{"id":"405151"}],
		"lock":{"type":"lock","expires_at":"2030-01-01T00:00:00Z","is_download_prevented":false},
		"content_created_at":"2029-11-05T08:00:01Z","content_modified_at":"2029-11-05T08:00:01+01:00"}`)
	if next.ID != f.ID || next.Etag != "1" || next.Description != "a photo" {
		t.Errorf("%+v became %+v", f, next)
	}
	aborted := c.opens(data, uploadHost+"/files/"+f.ID+"/upload_sessions", fmt.Sprintf(`{"file_name":"renamed","file_size":%d}`, len(data)), asJSON...)
	c.ask("DELETE", uploadHost+"/files/upload_sessions/"+aborted.ID, nil).empty(204)
	c.ask("GET", uploadHost+"/files/upload_sessions/"+aborted.ID, nil).refused(404, "not_found")
	c.ask("GET", apiHost+"/files/"+f.ID, nil).needs(200, "name = photo.heic")
}

func replayBoxr(t *testing.T, w *wire, d *disk) {
	bob := w.user(t, "bob@example.net", 0)
	c := w.client(t, "User-Agent", "Boxr/1.26.0", "As-User", bob.who.ID.String())
	at := func(s *session, below string) string { return uploadHost + "/files/upload_sessions/" + s.ID + below }
	put := func(s *session, i int) *reply {
		return c.ask("PUT", at(s, ""), s.slot(i), "Digest", digestOf(s.slot(i)), "Content-Range", s.span(i), "Content-Type", "application/octet-stream")
	}
	commit := func(s *session, parts []json.RawMessage, between func(), attributes string, headers ...string) *reply {
		body := fmt.Sprintf(`{"parts":%s,"attributes":%s}`, toJSON(t, parts), attributes)
		return c.accepted(func() *reply {
			return c.ask("POST", at(s, "/commit"), body, slices.Concat([]string{"Digest", digestOf(s.data)}, asJSON, headers)...)
		}, between)
	}
	data := noise(3*partSize + 1)
	// The root folder is Boxr::ROOT, a number.
	s := c.opens(data, uploadHost+"/files/upload_sessions", fmt.Sprintf(`{"folder_id":0,"file_size":%d,"file_name":"book.epub"}`, len(data)), asJSON...)
	var parts []json.RawMessage
	for i := range s.TotalParts { // n_threads: 1
		parts = append(parts, s.stored(i, put(s, i)))
	}
	c.ask("GET", at(s, "/parts?limit=2&offset=1"), nil).needs(200, "entries.0.offset = 1024", "entries.1.offset = 2048", "entries.2 null")
	f := c.committed(commit(s, parts, nil, `{"content_created_at":"2029-11-05T08:00:01+01:00","content_modified_at":"2029-11-05T08:00:01+01:00"}`), data)

	data = noise(5 * partSize)
	s = c.opens(data, uploadHost+"/files/"+f.ID+"/upload_sessions", fmt.Sprintf(`{"file_size":%d,"file_name":"book.epub"}`, len(data)), asJSON...)
	resume := d.stop()
	t.Cleanup(resume)
	put(s, 4) // what comes before its turn is hashed later
	parts = parts[:0]
	for i, r := range atOnce(s.TotalParts, func(i int) *reply { return put(s, i) }) {
		parts = append(parts, s.stored(i, r))
	}
	// If-Non-Match is not a header that means anything.
	next := c.committed(commit(s, parts, resume, `{}`, "If-Match", f.Etag, "If-Non-Match", f.Etag), data)
	if next.ID != f.ID || next.Etag != "1" {
		t.Errorf("%+v became %+v", f, next)
	}

	failed := c.opens(data, uploadHost+"/files/upload_sessions", fmt.Sprintf(`{"folder_id":"0","file_size":%d,"file_name":"failed"}`, len(data)), asJSON...)
	c.ask("PUT", at(failed, ""), data[:partSize], "Digest", digestOf(data), "Content-Range", failed.span(0), "Content-Type", "application/octet-stream").refused(400, "digest_mismatch")
	c.ask("DELETE", at(failed, ""), nil).empty(204)
	c.ask("DELETE", at(&session{ID: nobody}, ""), nil).refused(404, "not_found") // and is ignored

	stranger := *w
	stranger.token = "old"
	r := stranger.client(t, "As-User", bob.who.ID.String()).ask("GET", at(s, ""), nil).empty(401)
	if !strings.Contains(r.header.Get("WWW-Authenticate"), "invalid_token") {
		t.Errorf("%v: boxr would not ask for another token", r)
	}
}

func replayAndroid(t *testing.T, w *wire, d *disk) {
	c := w.client(t, "User-Agent", "box-content-sdk/4.2.3 (Android 14)")
	// The digests end as android.util.Base64 ends them. What gets a line end
	// into a header at all makes a folded line of it, or leaves a blank.
	for name, end := range map[string]string{"blank": " ", "folded": "\r\n "} {
		t.Run("digests with their ends "+name, func(t *testing.T) {
			c := w.client(t, c.headers...)
			transfer := func(data []byte, create, body string, match ...string) file {
				t.Helper()
				s := c.opens(data, create, body, asJSON...)
				put := func(i int, b []byte, body any) *reply {
					return c.ask("PUT", s.SessionEndpoints["upload_part"], body, "content-range", s.span(i),
						"digest", digestOf(b)+end, "Content-Type", "application/octet-stream")
				}
				resume := d.stop()
				t.Cleanup(resume)
				var parts []json.RawMessage
				for i := s.TotalParts - 1; i >= 0; i-- { // the caller decides
					var body any = s.slot(i)
					if i == 1 {
						body = bytes.NewReader(s.slot(i))
					}
					parts = append(parts, s.stored(i, put(i, s.slot(i), body)))
				}
				slices.Reverse(parts)
				b := noise(len(s.slot(1)))
				conflict := put(1, b, b).refused(416, "range_overlaps_existing_part").ContextInfo.ConflictingPart
				if conflict == nil || *conflict != known(parts)[1] {
					t.Errorf("conflicting_part is %+v, want %s", conflict, parts[1])
				}
				c.ask("GET", s.SessionEndpoints["list_parts"]+"?limit=2&offset=1", nil).needs(200, "entries.0.offset = 1024", "entries.2 null")
				var list []string
				for _, p := range known(parts) {
					list = append(list, fmt.Sprintf(`{"part_id":%q,"offset":%d,"size":%d}`, p.PartID, p.Offset, p.Size))
				}
				commit := fmt.Sprintf(`{"parts":[%s],"attributes":{"description":"from a phone"}}`, strings.Join(list, ","))
				ask := func() *reply {
					return c.ask("POST", s.SessionEndpoints["commit"], commit, slices.Concat(asJSON, []string{"digest", digestOf(data) + end}, match, []string{"If-Non-Match", ""})...)
				}
				return c.committed(c.accepted(ask, resume), data)
			}
			data := noise(3*partSize + 9)
			f := transfer(data, uploadHost+"/files/upload_sessions", fmt.Sprintf(`{"file_name":%q,"folder_id":"0","file_size":%d}`, name, len(data)))
			data = noise(4 * partSize)
			next := transfer(data, uploadHost+"/files/"+f.ID+"/upload_sessions", fmt.Sprintf(`{"file_size":%d,"file_name":%q}`, len(data), name), "If-Match", f.Etag)
			if next.ID != f.ID || next.Etag != "1" || next.Description != "from a phone" {
				t.Errorf("%+v became %+v", f, next)
			}
			aborted := c.opens(data, uploadHost+"/files/"+f.ID+"/upload_sessions", fmt.Sprintf(`{"file_size":%d}`, len(data)), asJSON...)
			c.ask("DELETE", aborted.SessionEndpoints["abort"], nil).empty(204)
		})
	}
}
