package content

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzName: a name that an item may have is fit for any listing, and names that
// count as the same do so however often they are folded, and only with their like.
func FuzzName(f *testing.F) {
	for _, s := range []string{"a.txt", "Straße İ ſ", "e\u0301", "ﬁ", "\u0345\u0313", "a ", "..", "a/b", "\xff", "\u0000", strings.Repeat("é", 256), "K\u212a", "\u1e9e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if CheckName(name) != nil {
			return
		}
		if n := utf8.RuneCountInString(name); n == 0 || n > maxNameLen || !utf8.ValidString(name) || strings.ContainsAny(name, "/\\\x00\n") {
			t.Errorf("%q is a name", name)
		}
		key := NameKey(name)
		if key == "" || !utf8.ValidString(key) || NameKey(key) != key {
			t.Errorf("%q has key %q, which has key %q", name, key, NameKey(key))
		}
	})
}

// FuzzIDs: ids have one form, and are read as what they are.
func FuzzIDs(f *testing.F) {
	for _, s := range []string{"0", "00", "1", "9223372036854775807", "9223372036854775808", "-1", "+1", "1_0", "0x1", " 1", strings.Repeat("aF", 16), strings.Repeat("0", 32)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := ParseID(text); err == nil {
			if again, err := ParseID(id.String()); err != nil || again != id || id < 0 || strings.Trim(text, "0123456789") != "" {
				t.Errorf("%q is %d, and again %d, %v", text, id, again, err)
			}
		}
		if id, err := ParseSessionID(text); err == nil {
			if again, err := ParseSessionID(strings.ToLower(string(id))); err != nil || again != id || !strings.EqualFold(text, string(id)) {
				t.Errorf("%q is %q, and again %q, %v", text, id, again, err)
			}
		}
	})
}

// FuzzGrid: whatever the size, the parts tile the file and are few enough.
func FuzzGrid(f *testing.F) {
	f.Add(int64(1), int64(0), int64(0))
	f.Add(int64(MaxFileSize), int64(64), int64(9999))
	f.Add(int64(512*mib+1), int64(0), int64(64))
	f.Fuzz(func(t *testing.T, size, first, at int64) {
		if size < 0 || size > MaxFileSize || first < 0 || first > MaxPartSize || first%64 != 0 {
			return
		}
		g := GridFor(size, first)
		n := g.Parts()
		if n > MaxParts || g.PartSize%64 != 0 || n*g.PartSize < size || n > 0 && (n-1)*g.PartSize >= size {
			t.Fatalf("%d bytes are %d parts of %d", size, n, g.PartSize)
		}
		if at >= 0 && at < n {
			if s := g.Slot(at); !g.Holds(s) || s.Len() < 1 || g.Holds(Span{s.Start, s.End + 1}) || g.Holds(Span{s.Start + 1, s.End}) {
				t.Errorf("part %d of %+v is %+v", at, g, s)
			}
		}
		if n > 0 && (g.Slot(0).Start != 0 || g.Slot(n-1).End != size) {
			t.Errorf("%+v goes from %+v to %+v", g, g.Slot(0), g.Slot(n-1))
		}
	})
}
