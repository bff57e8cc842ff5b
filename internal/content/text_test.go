package content

import (
	"net/url"
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

// FuzzWhatIsWrittenOfItems: descriptions, tags, web links' URLs, and the names, passwords
// and addresses of shared links are within what is said of them.
func FuzzWhatIsWrittenOfItems(f *testing.F) {
	for _, s := range []string{
		"https://example.org/a?b#c", "http://h", "javascript:alert(1)", "http://u:p@h:99999/", "http:// h", "http://h\\evil", "https://" + strings.Repeat("a", 2048), "HTTP://H", "http://[::1", "http:///x",
		"The-Vanity_Name", "The Vanity Name", "passw0rd", "password", "пароль1", strings.Repeat("é", 300), "\xff\xfe", "", "a\x00b", "mfrggzdfmztwq2lknnwg23tpob.pdf", "x.tar.gz", "x.a/b", "x.",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if cut := CutDescription(text); utf8.RuneCountInString(cut) > maxDescriptionLen || utf8.ValidString(text) && (!strings.HasPrefix(text, cut) || !utf8.ValidString(cut)) || CutDescription(cut) != cut {
			t.Errorf("%q is cut to %q", text, cut)
		}
		if n := utf8.RuneCountInString(text); (CheckTags([]string{"x", text}) == nil) != (n >= 1 && n <= maxTagLen) {
			t.Errorf("tag %q: %v", text, CheckTags([]string{text}))
		}
		if CheckURL(text) == nil {
			u, err := url.Parse(text)
			if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || len(text) > maxURLLen || strings.ContainsAny(text, " \\\r\n\x00") {
				t.Errorf("a web link leads to %q: %v", text, err)
			}
			if name := WebLinkName(text); name == "" || utf8.RuneCountInString(name) > maxNameLen {
				t.Errorf("%q is called %q", text, name)
			}
		}
		if CheckVanity(text) == nil {
			if token, vanity, ok := ParseLinkURL("https://h/v/" + text); !ok || token != "" || vanity != text || VanityKey(VanityKey(text)) != VanityKey(text) {
				t.Errorf("%q is found as %q, %v", text, vanity, ok)
			}
		}
		if n := utf8.RuneCountInString(text); CheckLinkPassword(text) == nil && (n < minLinkPassword || len(text) > MaxLinkPassword) {
			t.Errorf("%q is a password", text)
		}
		const token = "mfrggzdfmztwq2lknnwg23tpob"
		name := StaticName(token, text)
		if got := StaticToken(name); got != token || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.") != "" {
			t.Errorf("a file %q is at %q, which is %q", text, name, got)
		}
		if got := StaticToken(text); got != "" && (!isLinkToken(got) || !strings.HasPrefix(text, got)) {
			t.Errorf("%q has token %q", text, got)
		}
	})
}
