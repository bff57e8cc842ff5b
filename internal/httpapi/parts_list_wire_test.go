package httpapi_test

import (
	"fmt"
	"slices"
	"testing"
)

// partList is a page of parts.
type partList struct {
	Entries    []part
	Offset     int
	Limit      int
	TotalCount int `json:"total_count"`
}

func TestListParts(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	s := w.create(t, "a", noise(5*partSize+1))
	stored := map[int]part{}
	for _, i := range []int{5, 2, 0} {
		stored[i] = s.part(t, i)
	}
	list := func(t *testing.T, query string) (l partList) {
		t.Helper()
		w.do(t, "GET", s.path("/parts"+query), nil).want(200).decode(&l)
		return l
	}

	t.Run("6 the fields, and no others; order is an array of one", func(t *testing.T) {
		o := w.do(t, "GET", s.path("/parts?limit=1"), nil).want(200).object()
		p := stored[0]
		want := fmt.Sprint(map[string]any{
			"entries": []any{map[string]any{"part_id": p.PartID, "offset": 0, "size": partSize, "sha1": p.SHA1}},
			"offset":  0, "limit": 1, "total_count": 6, "order": []any{map[string]any{"by": "type", "direction": "ASC"}},
		})
		if fmt.Sprint(o) != want {
			t.Errorf("got %v, want %v", o, want)
		}
	})
	t.Run("6 Entries: none is an array too, and the numbers are there", func(t *testing.T) {
		empty := w.create(t, "empty", noise(partSize))
		r := w.do(t, "GET", empty.path("/parts"), nil).want(200)
		if want := `{"entries":[],"offset":0,"limit":1000,"total_count":1,"order":[{"by":"type","direction":"ASC"}]}`; string(r.body) != want {
			t.Errorf("got %s, want %s", r.body, want)
		}
	})
	for _, c := range []struct {
		name, query   string
		offset, limit int
		slots         []int
	}{
		{"Entries: ascending offset, only uploaded parts, as their PUT gave them", "", 0, 1000, []int{0, 2, 5}},
		{"offset: a zero-based part index", "?offset=2", 2, 1000, []int{2, 5}},
		{"offset=INDEX&limit=1: that very part", "?offset=2&limit=1", 2, 1, []int{2}},
		{"offset=INDEX&limit=1: or nothing", "?offset=1&limit=1", 1, 1, nil},
		{"missing slots: omitted, and later ones don't move up", "?offset=0&limit=2", 0, 2, []int{0}},
		{"missing slots: omitted, never placeholders", "?offset=1&limit=2", 1, 2, []int{2}},
		{"the last slot", "?offset=5&limit=1", 5, 1, []int{5}},
		{"offset behind the last slot", "?offset=6", 6, 1000, nil},
		{"offset 10000", "?offset=10000", 10000, 1000, nil},
		{"limit: maximum 1000, the value applied is echoed", "?limit=1001", 0, 1000, []int{0, 2, 5}},
		{"limit: maximum 1000, however much is asked for", "?limit=99999999999999999999", 0, 1000, []int{0, 2, 5}},
		{"limit 1000", "?limit=1000", 0, 1000, []int{0, 2, 5}},
	} {
		t.Run("6 "+c.name, func(t *testing.T) {
			l := list(t, c.query)
			want := partList{Offset: c.offset, Limit: c.limit, TotalCount: 6}
			for _, i := range c.slots {
				want.Entries = append(want.Entries, stored[i])
			}
			if fmt.Sprint(l) != fmt.Sprint(want) {
				t.Errorf("got %+v, want %+v", l, want)
			}
		})
	}
	for _, c := range []struct{ query, code string }{
		{"?offset=10001", "invalid_offset"},
		{"?offset=99999999999999999999", "invalid_offset"},
		{"?offset=x", "invalid_offset"},
		{"?offset=-1", "invalid_offset"},
		{"?offset=1.0", "invalid_offset"},
		{"?offset=%2B1", "invalid_offset"},
		{"?limit=x", "invalid_limit"},
		{"?limit=-1", "invalid_limit"},
		{"?limit=0", "invalid_limit"},
		{"?limit=1e3", "invalid_limit"},
	} {
		t.Run("6 offset above 10000, not a number, negative, limit=0: 400 "+c.code+": "+c.query, func(t *testing.T) {
			w.do(t, "GET", s.path("/parts"+c.query), nil).refused(400, c.code)
		})
	}
	t.Run("6 total_count is total_parts after all parts, and after the commit", func(t *testing.T) {
		parts := s.parts(t)
		for range 2 {
			if l := list(t, ""); l.TotalCount != s.TotalParts || !slices.Equal(l.Entries, parts) {
				t.Errorf("got %+v, want %+v", l, parts)
			}
			s.commit(t, parts).file()
		}
	})
	t.Run("6 paging by limit reaches all", func(t *testing.T) {
		s := w.create(t, "paged", noise(7*partSize))
		parts := s.parts(t)
		var got []part
		for offset := 0; ; offset += 3 { // as Node v3 does
			var l partList
			w.do(t, "GET", s.path(fmt.Sprintf("/parts?limit=3&offset=%d", offset)), nil).want(200).decode(&l)
			got = append(got, l.Entries...)
			if l.Offset+len(l.Entries) >= l.TotalCount {
				break
			}
		}
		if !slices.Equal(got, parts) {
			t.Errorf("got %+v, want %+v", got, parts)
		}
	})
}
