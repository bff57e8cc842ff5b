package httpapi_test

import (
	"bytes"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"boxcar/internal/daemon"
)

// offer is a part as plan speaks of it.
type offer struct {
	Offset int64  `json:"offset"`
	Size   int64  `json:"size"`
	SHA512 string `json:"sha512"`
	PartID string `json:"part_id,omitempty"`
}

func sha512Of(b []byte) string {
	sum := sha512.Sum512(b)
	return hex.EncodeToString(sum[:])
}

// offers is all parts of the file.
func (s *session) offers() (offers []offer) {
	for i := range s.TotalParts {
		b := s.slot(i)
		offers = append(offers, offer{Offset: int64(i) * s.PartSize, Size: int64(len(b)), SHA512: sha512Of(b)})
	}
	return offers
}

// plan offers parts, and checks that each came back as a hit or a miss.
func (s *session) plan(t testing.TB, offers []offer) (hits, misses []offer) {
	t.Helper()
	r := s.w.do(t, "POST", s.path("/plan"), fields{"parts": offers}).want(200)
	checkKeys(t, "a plan", r.object(), "upload_session_id hits misses")
	var plan struct {
		UploadSessionID string `json:"upload_session_id"`
		Hits, Misses    []offer
	}
	r.decode(&plan)
	if plan.UploadSessionID != s.ID || plan.Hits == nil || plan.Misses == nil {
		t.Errorf("%v: want the session's id, hits and misses", r)
	}
	seen := slices.Clone(plan.Misses)
	for _, h := range plan.Hits {
		if !regexp.MustCompile(`^[0-9A-F]{8}$`).MatchString(h.PartID) {
			t.Errorf("part_id of the hit at %d is %q", h.Offset, h.PartID)
		}
		h.PartID = ""
		seen = append(seen, h)
	}
	for _, o := range offers {
		if i := slices.Index(seen, o); i >= 0 {
			seen = slices.Delete(seen, i, i+1)
			continue
		}
		t.Errorf("%v: the part at %d is neither a hit nor a miss", r, o.Offset)
	}
	if len(seen) > 0 {
		t.Errorf("%v: %v was not offered", r, seen)
	}
	return plan.Hits, plan.Misses
}

// planned is the parts that a commit lists after the plan.
func (s *session) planned(hits []offer) (parts []part) {
	for _, h := range hits {
		parts = append(parts, part{PartID: h.PartID, Offset: h.Offset, Size: h.Size, SHA1: sha1Of(s.data[h.Offset : h.Offset+h.Size])})
	}
	return parts
}

// count is how many parts the session has, by its status and by its list.
func (s *session) count(t testing.TB, want int) {
	t.Helper()
	var now session
	s.w.do(t, "GET", s.path(""), nil).want(200).decode(&now)
	var list struct{ Entries []part }
	s.w.do(t, "GET", s.path("/parts"), nil).want(200).decode(&list)
	if now.NumPartsProcessed != want || len(list.Entries) != want {
		t.Errorf("%d parts processed, and %d listed, want %d", now.NumPartsProcessed, len(list.Entries), want)
	}
}

// idle lets the server hash what it hashes when nobody sends parts.
func (w *wire) idle(t testing.TB) {
	t.Helper()
	w.Clock.Add(2 * time.Minute)
	w.Chores(t.Context())
}

func TestPlanHits(t *testing.T) {
	t.Parallel()
	var d disk
	w := start(t, func(c *daemon.Config) { d.on(c); c.ScrubRate = 1 << 30 })
	data := noise(3*partSize + 10)
	f := w.upload(t, "planned.bin", data)

	t.Run("9.2 identical content of an earlier version: every part a hit, and in the session", func(t *testing.T) {
		s := w.createVersion(t, f.ID, data)
		hits, misses := s.plan(t, s.offers())
		if len(hits) != 4 || len(misses) != 0 {
			t.Fatalf("%d hits, %d misses", len(hits), len(misses))
		}
		s.count(t, 4)
		var list struct{ Entries []part }
		w.do(t, "GET", s.path("/parts"), nil).want(200).decode(&list)
		if want := s.planned(hits); !slices.Equal(list.Entries, want) {
			t.Errorf("listed %v, want %v", list.Entries, want)
		}
		got := s.commit(t, s.planned(hits)).file()
		if got.ID != f.ID || got.SHA1 != sha1Of(data) || got.FileVersion.ID == f.FileVersion.ID {
			t.Errorf("committed %+v", got)
		}
		if !bytes.Equal(w.download(t, f.ID), data) {
			t.Error("other bytes came back")
		}
	})
	t.Run("9.2 once the SHA-512s are known, a version of nothing but hits is made without reading", func(t *testing.T) {
		before := d.opened.Load()
		s := w.createVersion(t, f.ID, data)
		hits, _ := s.plan(t, s.offers())
		s.commit(t, s.planned(hits)).file()
		if n := d.opened.Load() - before; n != 0 {
			t.Errorf("%d blobs were read", n)
		}
	})
	t.Run("9.2 only the parts that changed have to be sent", func(t *testing.T) {
		changed := slices.Clone(data)
		changed[partSize]++
		s := w.createVersion(t, f.ID, changed)
		hits, misses := s.plan(t, s.offers())
		if len(hits) != 3 || len(misses) != 1 || misses[0].Offset != partSize {
			t.Fatalf("hits %v, misses %v", hits, misses)
		}
		s.count(t, 3)
		parts := append(s.planned(hits), s.part(t, 1))
		if got := s.commit(t, parts).file(); got.SHA1 != sha1Of(changed) {
			t.Errorf("committed %+v", got)
		}
		if !bytes.Equal(w.download(t, f.ID), changed) {
			t.Error("other bytes came back")
		}
	})
	t.Run("9.2 a part of a version that is not current any more, at another place of the file", func(t *testing.T) {
		turned := append(slices.Clone(data[partSize:2*partSize]), data[:partSize]...)
		s := w.createVersion(t, f.ID, turned)
		hits, misses := s.plan(t, s.offers())
		if len(hits) != 2 {
			t.Fatalf("hits %v, misses %v", hits, misses)
		}
		if got := s.commit(t, s.planned(hits)).file(); got.SHA1 != sha1Of(turned) {
			t.Errorf("committed %+v", got)
		}
		if !bytes.Equal(w.download(t, f.ID), turned) {
			t.Error("other bytes came back")
		}
	})
	t.Run("9.2 SHA-512 in capitals", func(t *testing.T) {
		s := w.createVersion(t, f.ID, data)
		o := s.offers()[:1]
		w.do(t, "POST", s.path("/plan"), fields{"parts": []fields{{"offset": 0, "size": partSize, "sha512": strings.ToUpper(o[0].SHA512), "part_id": "ignored", "more": 1}}}).want(200)
		s.count(t, 1)
		w.do(t, "DELETE", s.path(""), nil).empty(204)
	})
	t.Run("9.2 identical content of the caller's own other files", func(t *testing.T) {
		other := noise(2 * partSize)
		w.upload(t, "source.bin", other)
		w.idle(t)
		s := w.create(t, "copy.bin", other)
		hits, misses := s.plan(t, s.offers())
		if len(hits) != 2 {
			t.Fatalf("hits %v, misses %v", hits, misses)
		}
		if got := s.commit(t, s.planned(hits)).file(); got.SHA1 != sha1Of(other) || got.Name != "copy.bin" {
			t.Errorf("committed %+v", got)
		}
	})
	t.Run("9.2 a part of a simple upload", func(t *testing.T) {
		small := noise(partSize - 1)
		w.simple(t, "simple.bin", string(small)).want(201)
		w.idle(t)
		s := w.create(t, "from simple.bin", small)
		if hits, _ := s.plan(t, s.offers()); len(hits) != 1 {
			t.Fatalf("hits %v", hits)
		}
	})
	t.Run("9.2 bytes that are gone are no hit", func(t *testing.T) {
		s := w.createVersion(t, f.ID, data)
		d.hidden.Store(true)
		hits, _ := s.plan(t, s.offers())
		d.hidden.Store(false)
		if len(hits) != 0 {
			t.Errorf("hits %v", hits)
		}
		s.commit(t, s.parts(t)).file()
		// They are back, but not to be read before somebody has looked.
		w.Clock.Add(2 * time.Hour)
		w.Scrub(t.Context())
	})
}

func TestPlanTellsNothingOfOthers(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	secret := noise(partSize + 3)
	other := w.user(t, "secret@example.net", 0)
	f := other.upload(t, "secret.bin", secret)
	other.idle(t)
	t.Run("9.2 content of another user is a miss, though the server has it", func(t *testing.T) {
		own := other.create(t, "own.bin", secret)
		if hits, _ := own.plan(t, own.offers()); len(hits) != 2 {
			t.Fatalf("its owner gets hits %v: the test would prove nothing", hits)
		}
		s := w.create(t, "guess.bin", secret)
		if hits, _ := s.plan(t, s.offers()); len(hits) != 0 {
			t.Errorf("hits %v", hits)
		}
		s.count(t, 0)
	})
	t.Run("9.2 the same content of one's own is a hit nevertheless", func(t *testing.T) {
		w.upload(t, "mine too.bin", secret)
		w.idle(t)
		s := w.create(t, "mine three.bin", secret)
		if hits, _ := s.plan(t, s.offers()); len(hits) != 2 {
			t.Errorf("hits %v", hits)
		}
	})
	t.Run("9.2 content in the trash, which its owner can't read either, is a miss", func(t *testing.T) {
		other.do(t, "DELETE", "/2.0/files/"+f.ID, nil).empty(204)
		s := other.create(t, "again.bin", secret)
		if hits, _ := s.plan(t, s.offers()); len(hits) != 0 {
			t.Errorf("hits %v", hits)
		}
	})
}

func TestPlanOfStoredSlots(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	data := noise(2*partSize + 5)
	f := w.upload(t, "slots.bin", data)
	changed := slices.Clone(data)
	changed[0]++
	s := w.createVersion(t, f.ID, changed)
	stored := s.part(t, 0)
	t.Run("9.2 a slot already stored is a hit if it has the same SHA-512", func(t *testing.T) {
		hits, _ := s.plan(t, s.offers()[:1])
		if len(hits) != 1 || hits[0].PartID != stored.PartID {
			t.Errorf("hits %v, want %s", hits, stored.PartID)
		}
	})
	t.Run("9.2 else a miss, and what is stored stays", func(t *testing.T) {
		_, misses := s.plan(t, []offer{{Offset: 0, Size: partSize, SHA512: sha512Of(data[:partSize])}})
		if len(misses) != 1 {
			t.Error("not a miss")
		}
		if again := s.part(t, 0); again != stored {
			t.Errorf("stored %v, and was %v", again, stored)
		}
	})
	t.Run("9.2 a slot offered twice, and planned again, keeps its part_id", func(t *testing.T) {
		o := s.offers()
		hits, _ := s.plan(t, []offer{o[1], o[1], o[2]})
		again, _ := s.plan(t, o)
		if len(hits) != 3 || hits[0].PartID != hits[1].PartID || len(again) != 3 || again[1].PartID != hits[0].PartID || again[2].PartID != hits[2].PartID {
			t.Errorf("hits %v, then %v", hits, again)
		}
		s.count(t, 3)
	})
	t.Run("9.2 a hit may be sent all the same", func(t *testing.T) {
		var r struct{ Part part }
		s.put(t, 1).want(200).decode(&r)
		s.put(t, 1, "Digest", digestOf(nil)).refused(416, "range_overlaps_existing_part")
		parts := s.parts(t)
		if parts[1] != r.Part {
			t.Errorf("part %v, then %v", r.Part, parts[1])
		}
		s.commit(t, parts).file()
	})
}

func TestPlanRefused(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	data := noise(partSize + 7)
	s := w.create(t, "refused.bin", data)
	good := s.offers()
	plan := func(s *session, body any) *reply { return w.do(t, "POST", s.path("/plan"), body) }

	t.Run("9.2 parts has at least one item: 400 bad_request", func(t *testing.T) {
		for _, body := range []any{"", "{}", `{"parts":null}`, `{"parts":[]}`, `{"parts":{}}`, `{"parts":[1]}`} {
			plan(s, body).refused(400, "bad_request")
		}
		plan(s, "parts").refused(400, "invalid_json")
	})
	for what, sha512 := range map[string]any{
		"is missing": nil, "is empty": "", "is no hex": strings.Repeat("x", 128), "has 127 digits": good[0].SHA512[1:],
		"is a SHA-1": sha1Of(data), "is a number": 1,
	} {
		t.Run("9.2 sha512 "+what+": 400 bad_request", func(t *testing.T) {
			plan(s, fields{"parts": []any{good[1], fields{"offset": 0, "size": partSize, "sha512": sha512}}}).refused(400, "bad_request")
		})
	}
	for what, o := range map[string]fields{
		"off the grid":     {"offset": 1, "size": partSize},
		"too short":        {"offset": 0, "size": partSize - 1},
		"two parts long":   {"offset": 0, "size": 2 * partSize},
		"behind the file":  {"offset": 2 * partSize, "size": partSize},
		"beyond the end":   {"offset": partSize, "size": partSize},
		"empty":            {"offset": 0, "size": 0},
		"negative":         {"offset": -partSize, "size": partSize},
		"of negative size": {"offset": 0, "size": -1},
		"that overflows":   {"offset": int64(1<<63 - 1), "size": int64(1<<63 - 1)},
		"without offset":   {"size": partSize},
		"without size":     {"offset": 0},
	} {
		t.Run("9.2 a span "+what+": 416 range_not_satisfiable", func(t *testing.T) {
			o["sha512"] = good[0].SHA512
			plan(s, fields{"parts": []any{good[1], o}}).refused(416, "range_not_satisfiable")
		})
	}
	t.Run("9.2 none of those has put a part into the session", func(t *testing.T) { s.count(t, 0) })

	t.Run("8.2 plan by another user: 403 forbidden", func(t *testing.T) {
		other := w.user(t, "other@example.net", 0)
		other.do(t, "POST", s.path("/plan"), fields{"parts": good}).refused(403, "forbidden")
	})
	t.Run("8.2 plan of a committed session: 409 conflict", func(t *testing.T) {
		s, parts := w.sent(t, "committed.bin", data)
		s.commit(t, parts).file()
		plan(s, fields{"parts": good}).refused(409, "conflict")
	})
	t.Run("8.2 plan of an aborted session: 404 not_found", func(t *testing.T) {
		s := w.create(t, "aborted.bin", data)
		w.do(t, "DELETE", s.path(""), nil).empty(204)
		plan(s, fields{"parts": good}).refused(404, "not_found")
	})
	t.Run("8.2 plan of an expired session: 410 session_expired", func(t *testing.T) {
		w.Clock.Add(8 * 24 * time.Hour)
		plan(s, fields{"parts": good}).refused(410, "session_expired")
	})
}

// Blobs that several versions and sessions share have to stay until the last
// of them lets go. What the doctor finds when the test ends counts as well.
func TestPlanSharesBytes(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	data := noise(2 * partSize)
	f := w.upload(t, "shared.bin", data)
	intact := func(t *testing.T, versions ...string) {
		t.Helper()
		w.Clock.Add(2 * time.Hour) // long enough for a sweep to take what nobody refers to
		w.Chores(t.Context())
		for _, v := range versions {
			url := w.contentURL(t, f.ID, "?version="+v)
			if got := w.do(t, "GET", url, nil).want(200).body; !bytes.Equal(got, data) {
				t.Errorf("version %s has other bytes", v)
			}
		}
	}
	t.Run("9.2 a session with hits is aborted: the old version keeps its bytes", func(t *testing.T) {
		s := w.createVersion(t, f.ID, data)
		s.plan(t, s.offers())
		w.do(t, "DELETE", s.path(""), nil).empty(204)
		intact(t, f.FileVersion.ID)
	})
	t.Run("9.2 a session with hits expires: the old version keeps its bytes", func(t *testing.T) {
		s := w.createVersion(t, f.ID, data)
		s.plan(t, s.offers())
		w.Clock.Add(8 * 24 * time.Hour)
		intact(t, f.FileVersion.ID)
		w.do(t, "GET", s.path(""), nil).refused(410, "session_expired")
	})
	t.Run("9.2 two sessions share the hits: one is aborted, the other commits", func(t *testing.T) {
		one, two := w.createVersion(t, f.ID, data), w.createVersion(t, f.ID, data)
		one.plan(t, one.offers())
		hits, _ := two.plan(t, two.offers())
		w.do(t, "DELETE", one.path(""), nil).empty(204)
		got := two.commit(t, two.planned(hits)).file()
		intact(t, f.FileVersion.ID, got.FileVersion.ID)
	})
	t.Run("9.2 the file that the hits came from is deleted for good: its copy keeps the bytes", func(t *testing.T) {
		bytesOf := noise(2*partSize + 1)
		source := w.upload(t, "source", bytesOf)
		w.idle(t)
		s := w.create(t, "copy", bytesOf)
		hits, _ := s.plan(t, s.offers())
		w.do(t, "DELETE", "/2.0/files/"+source.ID, nil).empty(204)
		w.do(t, "DELETE", "/2.0/files/"+source.ID+"/trash", nil).empty(204)
		got := s.commit(t, s.planned(hits)).file()
		w.Clock.Add(2 * time.Hour)
		w.Chores(t.Context())
		if !bytes.Equal(w.download(t, got.ID), bytesOf) {
			t.Error("other bytes came back")
		}
	})
	t.Run("9.2 a hit counts for the quota like a part that was sent", func(t *testing.T) {
		u := w.user(t, "quota@example.net", int64(len(data))*3/2)
		mine := u.upload(t, "a", data)
		u.do(t, "POST", "/2.0/files/"+mine.ID+"/upload_sessions", fields{"file_size": len(data)}).refused(403, "storage_limit_exceeded")
		if got := u.used(t); got != fmt.Sprint(len(data)) {
			t.Errorf("%s bytes used", got)
		}
	})
}
