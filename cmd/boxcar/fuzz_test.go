package main

import (
	"math"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/mattn/go-runewidth"
)

// Amounts, rates and ends are what they can be, or refused.
func FuzzFlags(f *testing.F) {
	for _, s := range []string{
		"12h", "30d", "never", "2031-12-24", "2031-12-24T18:00:00Z", "0d", "99999d", "9999999h", "1e3d", "+3d", "-1h", "0001-01-01", "9999-12-31T23:59:59Z",
		"500k", "10M", "10MiB/s", "20GiB", "1e9", "-1", "0x10M", "99999999999999999999", "10EiB", "NaN", "Inf", "1.5.5", "10 k", "/s", "",
	} {
		f.Add(s)
	}
	now := time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		var rate bandwidth
		if err := rate.UnmarshalText([]byte(text)); err == nil && !(rate >= slowest && rate <= math.MaxUint64) {
			t.Errorf("%q is %v bytes a second", text, rate)
		}
		var size amount
		if err := size.UnmarshalText([]byte(text)); err == nil && size < 1 {
			t.Errorf("%q is %d bytes", text, size)
		}
		var e expiry
		if err := e.UnmarshalText([]byte(text)); err != nil {
			return
		}
		at := e.from(now)
		switch {
		case e.never != (text == "never") || e.never == e.given():
			t.Errorf("%q is %+v", text, e)
		case e.after > 0 && !at.After(now):
			t.Errorf("%q is over at %s", text, at)
		}
	})
}

// What patterns leave out stays out, and those that were taken are understood.
func FuzzPatterns(f *testing.F) {
	for _, c := range [][3]string{
		{"*.laz", "*.tmp", "a/b.laz"}, {"scans/**/*.tif", "sub/", "scans/x/y.tif"}, {"", "[", "a"}, {"{a,b}", "\\/", "a"},
		{"[a-", "**", "a"}, {"**/**/**/**/a", "*a*a*a*a*a*a*a*b", strings.Repeat("a", 60)}, {"/", "///", "a"}, {"[^]", "[]a]", "]"},
		{"日本/*", "{", "日本/語"}, {"\xff", "?", "\xff"},
	} {
		f.Add(c[0], c[1], c[2])
	}
	f.Fuzz(func(t *testing.T, include, exclude, rel string) {
		p := patterns{Include: []string{include}, Exclude: []string{exclude}}
		if p.Validate() != nil {
			return
		}
		for _, pattern := range []string{include, exclude} {
			if _, err := doublestar.Match(strings.Trim(pattern, "/"), path.Base(rel)); err != nil {
				t.Errorf("the pattern %q was taken: %v", pattern, err)
			}
		}
		if out := matches(p.Exclude, rel); out && (p.file(rel) || p.folder(rel)) {
			t.Errorf("%q is not left out by %q", rel, exclude)
		}
		if p.file(rel) && !matches(p.Include, rel) {
			t.Errorf("%q is chosen, and not by %q", rel, include)
		}
	})
}

// Names of the server become files in the folder that was said, lines that are one
// line, and words of a shell that are one word.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"a", "..", "../x", "a/b", "/etc/passwd", "a\x00b", `C:\x`, "NUL", "it's", "日本語の長い名前です.laz", "\x1b[2J", "two\nlines", "gpj.\u202eexe", "\xff", "e\u0301", "👩‍👩‍👧", "id:12", "-rf", ""} {
		f.Add(s, uint8(20))
	}
	f.Fuzz(func(t *testing.T, name string, width uint8) {
		if local, err := localName(name); err == nil {
			if rel, err := filepath.Rel("dir", filepath.Join("dir", local)); err != nil || rel != name || filepath.Dir(rel) != "." {
				t.Errorf("%q becomes a file at %q", name, rel)
			}
		}
		clean := printable(name)
		if strings.ContainsAny(clean, "\n\r\x1b\u0085\u202e") || printable(clean) != clean {
			t.Errorf("%q is printed as %q", name, clean)
		}
		if columns := int(width%100) + 2; runewidth.StringWidth(fit(clean, columns)) != columns {
			t.Errorf("%q is fit into %d columns of %d", name, runewidth.StringWidth(fit(clean, columns)), columns)
		}
		if _, isID := remoteID(name); !isID {
			if at := cleanPath(name); !strings.HasPrefix(at, "/") || strings.Contains(at+"/", "/../") || cleanPath(at) != at {
				t.Errorf("%q is the path %q", name, at)
			}
		}
		if word := quoteShell(name); unquoted(word) != name {
			t.Errorf("%q is %s for a shell, that is %q", name, word, unquoted(word))
		}
	})
}

// unquoted is a word as a shell would read it.
func unquoted(word string) string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(word); i++ {
		switch c := word[i]; {
		case c == '\'':
			quoted = !quoted
		case c == '\\' && !quoted && i+1 < len(word):
			i++
			b.WriteByte(word[i])
		case !quoted && strings.IndexByte(" \t\n$`\"|&;<>()*?[]{}~#!", c) >= 0:
			return "more than a word"
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
