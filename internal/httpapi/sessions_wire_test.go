package httpapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/daemon"
)

// open asks for a session, for a new version of a file or, without its id, for
// a new file.
func (w *wire) open(t testing.TB, fileID string, body any) *reply {
	t.Helper()
	if fileID == "" {
		return w.do(t, "POST", "/2.0/files/upload_sessions", body)
	}
	return w.do(t, "POST", "/2.0/files/"+fileID+"/upload_sessions", body)
}

func TestCreateRequest(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	folder := w.folder(t, "0", "lidar")
	data := noise(partSize + 1)
	// finish uploads all of what r has opened and returns the file.
	finish := func(t *testing.T, r *reply) file {
		t.Helper()
		s := &session{w: w, data: data}
		r.want(201).decode(s)
		return s.commit(t, s.parts(t)).file()
	}

	t.Run("3.1 new file: folder_id, file_name, file_size", func(t *testing.T) {
		f := finish(t, w.open(t, "", fields{"folder_id": folder, "file_name": "survey.laz", "file_size": len(data)}))
		if f.Name != "survey.laz" || f.Parent.ID != folder || f.Size != int64(len(data)) {
			t.Errorf("became %+v", f)
		}
	})
	t.Run("3.1 file_size: a decimal string", func(t *testing.T) {
		finish(t, w.open(t, "", fields{"folder_id": folder, "file_name": "string.laz", "file_size": fmt.Sprint(len(data))}))
	})
	t.Run("3.1 file_id: ignored", func(t *testing.T) {
		other := w.upload(t, "other.bin", data)
		old := w.upload(t, "repeats.bin", noise(1))
		for _, id := range []string{old.ID, other.ID, "4711", "junk"} {
			if f := finish(t, w.open(t, old.ID, fields{"file_id": id, "file_size": len(data)})); f.ID != old.ID {
				t.Errorf("file_id %s made a version of %s, want %s", id, f.ID, old.ID)
			}
		}
		if f := finish(t, w.open(t, "", fields{"file_id": old.ID, "folder_id": "0", "file_name": "own.bin", "file_size": len(data)})); f.ID == old.ID {
			t.Error("a new file became a version of the one in file_id")
		}
	})
	for _, c := range []struct {
		name         string
		body         fields
		wantName     string
		wantInFolder bool
	}{
		{name: "file_name omitted keeps the name", body: fields{}, wantName: "old.bin"},
		{name: "file_name null keeps the name", body: fields{"file_name": nil, "folder_id": nil}, wantName: "old.bin"},
		{name: "file_name unchanged does not conflict with the file itself", body: fields{"file_name": "old.bin"}, wantName: "old.bin"},
		{name: "file_name in other case does not either", body: fields{"file_name": "OLD.bin"}, wantName: "OLD.bin"},
		{name: "file_name renames the file at commit", body: fields{"file_name": "new.bin"}, wantName: "new.bin"},
		{name: "folder_id moves the file", body: fields{"folder_id": folder}, wantName: "old.bin", wantInFolder: true},
		{name: "folder_id and file_name do both", body: fields{"folder_id": folder, "file_name": "moved.bin"}, wantName: "moved.bin", wantInFolder: true},
		{name: "folder_id of where it is changes nothing", body: fields{"folder_id": "0"}, wantName: "old.bin"},
	} {
		t.Run("3.1 new version: "+c.name, func(t *testing.T) {
			old := w.upload(t, "old.bin", noise(1))
			body := maps.Clone(c.body)
			body["file_size"] = len(data)
			s := &session{w: w, data: data}
			w.open(t, old.ID, body).want(201).decode(s)
			var before file
			w.do(t, "GET", "/2.0/files/"+old.ID, nil).want(200).decode(&before)
			if before.Name != "old.bin" || before.Parent.ID != "0" {
				t.Errorf("opening a session made the file %+v", before)
			}
			f := s.commit(t, s.parts(t)).file()
			if f.ID != old.ID || f.Name != c.wantName || (f.Parent.ID == folder) != c.wantInFolder || f.FileVersion.ID == old.FileVersion.ID {
				t.Errorf("%+v became %+v", old, f)
			}
			w.do(t, "DELETE", "/2.0/files/"+f.ID, nil).empty(204)
		})
	}
	t.Run("3.1 the name is not reserved: the first commit wins", func(t *testing.T) {
		one, two := w.create(t, "contested", data), w.create(t, "contested", data)
		if one.ID == two.ID {
			t.Fatal("3.5: a repeated create makes another session")
		}
		lost := one.parts(t)
		won := two.commit(t, two.parts(t)).file()
		f := one.commit(t, lost).refused(409, "item_name_in_use")
		if f.ContextInfo.Conflicts["id"] != won.ID {
			t.Errorf("conflicts are %v, want file %s", f.ContextInfo.Conflicts, won.ID)
		}
		one.commitWith(t, fields{"parts": lost, "attributes": fields{"name": "not contested"}}).file() // the session is still open
	})
}

func TestCreateReply(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	data := noise(3*partSize - 1)
	before := w.Clock.Now().Truncate(time.Second)
	r := w.open(t, "", fields{"folder_id": "0", "file_name": "a", "file_size": len(data)}).want(201)
	after := w.Clock.Now()
	o := r.object()

	t.Run("3.3 the fields, and no others", func(t *testing.T) {
		want := []string{"id", "num_parts_processed", "part_size", "session_endpoints", "session_expires_at", "total_parts", "type"}
		if got := slices.Sorted(maps.Keys(o)); !slices.Equal(got, want) {
			t.Errorf("fields are %v, want %v", got, want)
		}
		if o["type"] != "upload_session" || !regexp.MustCompile(`^[0-9A-F]{32}$`).MatchString(o["id"].(string)) {
			t.Errorf("%v: wrong type or id", r)
		}
	})
	t.Run("3.3 session_expires_at: UTC, whole seconds, literal Z, 3.2 7 days from creation", func(t *testing.T) {
		text := o["session_expires_at"].(string)
		at, err := time.Parse("2006-01-02T15:04:05Z", text)
		const life = 7 * 24 * time.Hour
		if err != nil || at.Before(before.Add(life)) || at.After(after.Add(life)) {
			t.Errorf("expires at %s (%v), want 7 days from %v", text, err, before)
		}
	})
	t.Run("3.3 part_size and total_parts: JSON integers; total_parts is ceil(file_size / part_size)", func(t *testing.T) {
		if o["part_size"] != json.Number("1024") || o["total_parts"] != json.Number("3") || o["num_parts_processed"] != json.Number("0") {
			t.Errorf("%v: wrong numbers", r)
		}
		for size, parts := range map[int]int{0: 0, 1: 1, partSize - 1: 1, partSize: 1, partSize + 1: 2, 7 * partSize: 7} {
			if s := w.create(t, fmt.Sprint("of ", size), make([]byte, size)); s.TotalParts != parts {
				t.Errorf("a file of %d bytes has %d parts, want %d", size, s.TotalParts, parts)
			}
		}
	})
	t.Run("3.3 session_endpoints: all seven keys, always", func(t *testing.T) {
		var s session
		r.decode(&s)
		checkEndpoints(t, &s, w.URL)
		f := w.upload(t, "b", data)
		w.open(t, f.ID, fields{"file_size": 1}).want(201).decode(&s)
		checkEndpoints(t, &s, w.URL)
	})

	t.Run("4 GET: the same object", func(t *testing.T) {
		got := w.do(t, "GET", "/2.0/files/upload_sessions/"+o["id"].(string), nil).want(200)
		if string(got.body) != string(r.body) {
			t.Errorf("got %s, want %s", got.body, r.body)
		}
	})
	t.Run("4 num_parts_processed: counts a part once its PUT succeeds", func(t *testing.T) {
		s := w.create(t, "counted", data)
		processed := func(want int) {
			t.Helper()
			var now session
			w.do(t, "GET", s.path(""), nil).want(200).decode(&now)
			if now.NumPartsProcessed != want || now.TotalParts != 3 {
				t.Errorf("%d of %d parts are processed, want %d of 3", now.NumPartsProcessed, now.TotalParts, want)
			}
		}
		processed(0)
		for n, slot := range []int{2, 0, 0, 1} { // again is not twice
			s.put(t, slot)
			processed([]int{1, 2, 2, 3}[n])
		}
		s.put(t, 0, "Digest", digestOf(nil)).refused(416, "range_overlaps_existing_part")
		processed(3)
	})
	t.Run("4 GET and activity: the original session_expires_at is repeated, not renewed", func(t *testing.T) {
		s := w.create(t, "expiring", data)
		w.Clock.Add(time.Hour)
		parts := s.parts(t)
		var now session
		w.do(t, "GET", s.path(""), nil).want(200).decode(&now)
		if now.SessionExpiresAt != s.SessionExpiresAt {
			t.Errorf("expiry moved from %s to %s", s.SessionExpiresAt, now.SessionExpiresAt)
		}
		s.commit(t, parts).file()
		w.do(t, "GET", s.path(""), nil).want(200).decode(&now)
		if now.SessionExpiresAt != s.SessionExpiresAt {
			t.Errorf("commit moved the expiry from %s to %s", s.SessionExpiresAt, now.SessionExpiresAt)
		}
	})
}

func TestPartSizes(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *daemon.Config) {
		c.PartSize, c.MinChunkedSize, c.MaxFileSize = 0, nil, content.MaxFileSize
	})
	const mib, gib = 1 << 20, 1 << 30
	for _, c := range []struct{ size, partSize, parts int64 }{
		// What was observed at Box.
		{20_000_000, 8 * mib, 3},
		{50 * mib, 8 * mib, 7},
		{1_000_000_000, 32 * mib, 30},
		{5_138_928_369, 64 * mib, 77}, // 4.786 GiB
		// Where the rule changes.
		{512 * mib, 8 * mib, 64},
		{512*mib + 1, 32 * mib, 17},
		{4 * gib, 32 * mib, 128},
		{4*gib + 1, 64 * mib, 65},
		{10_000 * 64 * mib, 64 * mib, 10_000},
		{10_000*64*mib + 1, 128 * mib, 5_001},
		{10_000 * 128 * mib, 128 * mib, 10_000},
		{10_000*128*mib + 1, 256 * mib, 5_001},
		{10_000 * 1024 * mib, 1024 * mib, 10_000}, // the largest: part_size is below 2^31
	} {
		t.Run(fmt.Sprintf("3.4 part size of a file of %d bytes", c.size), func(t *testing.T) {
			var s, now session
			w.open(t, "", fields{"folder_id": "0", "file_name": "a", "file_size": c.size}).want(201).decode(&s)
			s.w = w
			if int64(s.PartSize) != c.partSize || int64(s.TotalParts) != c.parts {
				t.Errorf("%d parts of %d, want %d of %d", s.TotalParts, s.PartSize, c.parts, c.partSize)
			}
			w.do(t, "GET", s.path(""), nil).want(200).decode(&now)
			if now.PartSize != s.PartSize || now.TotalParts != s.TotalParts {
				t.Errorf("GET says %d parts of %d", now.TotalParts, now.PartSize)
			}
		})
	}
	t.Run("3.4 stored in the session, never recomputed", func(t *testing.T) {
		w.Config.PartSize = 1024
		var one, two, now session
		w.open(t, "", fields{"folder_id": "0", "file_name": "a", "file_size": 20_000_001}).want(201).decode(&one)
		one.w = w
		w.Restart()
		w.token = w.Token
		w.do(t, "GET", one.path(""), nil).want(200).decode(&now)
		if now.PartSize != 8*mib || now.TotalParts != 3 {
			t.Errorf("after a restart the session has %d parts of %d", now.TotalParts, now.PartSize)
		}
		w.open(t, "", fields{"folder_id": "0", "file_name": "a", "file_size": 20_000_001}).want(201).decode(&two)
		if two.PartSize >= 8*mib {
			t.Fatalf("the new part size does not count: %d", two.PartSize)
		}
		if two.TotalParts > 10_000 {
			t.Errorf("3.2 Parts: %d, want 10,000 at the most", two.TotalParts)
		}
	})
}

func TestCreateLimits(t *testing.T) {
	t.Parallel()
	const quota = 30_000_000
	w := start(t, func(c *daemon.Config) {
		c.MinChunkedSize, c.PartSize, c.MaxFileSize, c.Quota = nil, 0, 25_000_000, new(int64(quota))
	})
	ask := func(t *testing.T, size int64, name string) *reply {
		t.Helper()
		return w.open(t, "", fields{"folder_id": "0", "file_name": name, "file_size": size})
	}
	// open sessions count for the quota, so each that opens has to go
	opens := func(t *testing.T, r *reply) {
		t.Helper()
		s := session{w: w}
		r.want(201).decode(&s)
		w.do(t, "DELETE", s.path(""), nil).empty(204)
	}

	t.Run("3.2 minimum file size: 20,000,000 bytes inclusive; 3.5 #3 file_size_too_small states both sizes", func(t *testing.T) {
		f := ask(t, 19_999_999, "a").refused(400, "file_size_too_small")
		if !strings.Contains(f.Message, "19999999") || !strings.Contains(f.Message, "20000000") {
			t.Errorf("message is %q, want both sizes", f.Message)
		}
		ask(t, 0, "a").refused(400, "file_size_too_small")
		opens(t, ask(t, 20_000_000, "a"))
	})
	t.Run("3.2 maximum file size; 3.5 #9 over the size cap: 403 file_size_limit_exceeded", func(t *testing.T) {
		opens(t, ask(t, 25_000_000, "a"))
		ask(t, 25_000_001, "a").refused(403, "file_size_limit_exceeded")
		ask(t, 1<<63-1, "a").refused(403, "file_size_limit_exceeded")
	})
	t.Run("3.2 name length: 255 characters; 3.5 #5 item_name_too_long", func(t *testing.T) {
		for _, letter := range []string{"x", "é", "語", "😀"} {
			opens(t, ask(t, 20_000_000, strings.Repeat(letter, 255)))
			ask(t, 20_000_000, strings.Repeat(letter, 256)).refused(400, "item_name_too_long")
		}
	})
	t.Run("3.5 #10 over quota: 403 storage_limit_exceeded", func(t *testing.T) {
		var s session
		ask(t, 20_000_000, "a").want(201).decode(&s)
		s.w = w
		ask(t, 20_000_000, "b").refused(403, "storage_limit_exceeded") // 20 of 30 MB are promised
		w.do(t, "DELETE", s.path(""), nil).empty(204)
		opens(t, ask(t, 20_000_000, "b"))
	})
}
