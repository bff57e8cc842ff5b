package boxapi

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestParseRepHints(t *testing.T) {
	jpg := func(dimensions string) RepHint { return RepHint{Representation: "jpg", Dimensions: dimensions} }
	for _, c := range []struct {
		in    string
		want  [][]RepHint
		asked bool
	}{
		{in: ""},                      // absent
		{in: " \t"},                   // some clients leave a space
		{in: "nonsense", asked: true}, // there, but asks for nothing: not for everything
		{in: "[]", asked: true},
		{in: "[pdf]", asked: true, want: [][]RepHint{{{Representation: "pdf"}}}},
		{in: "[PDF]", asked: true, want: [][]RepHint{{{Representation: "pdf"}}}},
		{in: "[extracted_text]", asked: true, want: [][]RepHint{{{Representation: "extracted_text"}}}},
		{in: "[jpg?dimensions=32x32][jpg?dimensions=64x64]", asked: true, want: [][]RepHint{{jpg("32x32")}, {jpg("64x64")}}},
		{in: " [ jpg?dimensions=32X32 ] , [pdf] ", asked: true, want: [][]RepHint{{jpg("32x32")}, {{Representation: "pdf"}}}},
		{in: "[jpg?dimensions=1024x1024&paged=false]", asked: true, want: [][]RepHint{{{Representation: "jpg", Dimensions: "1024x1024", Paged: "false"}}}},
		{in: "[jpg?thumb=TRUE&other=1]", asked: true, want: [][]RepHint{{{Representation: "jpg", Thumb: "true"}}}},
		{in: "[jpg?dimensions=2048x2048,png]", asked: true, want: [][]RepHint{{jpg("2048x2048"), {Representation: "png"}}}}, // either will do
		{in: "[,pdf,]", asked: true, want: [][]RepHint{{{Representation: "pdf"}}}},
		{in: "[jpg", asked: true},                // no end
		{in: "jpg]", asked: true},                // no start
		{in: "[jpg?dimensions=32]", asked: true}, // no dimensions
		{in: "[jpg?dimensions=-1x32]", asked: true},
		{in: "[jpg?dimensions=123456x123456]", asked: true},
		{in: "[jpg?a=%zz]", asked: true},
		{in: "[../../x][a b][ünicode]", asked: true}, // names become part of URLs
		{in: "[" + strings.Repeat("a", 41) + "]", asked: true},
	} {
		got, asked := ParseRepHints(c.in)
		if asked != c.asked || fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("ParseRepHints(%q) = %+v, %v; want %+v, %v", c.in, got, asked, c.want, c.asked)
		}
	}
	for _, many := range []string{strings.Repeat("[pdf]", 1000), "[" + strings.Repeat("pdf,", 1000) + "]"} {
		got, _ := ParseRepHints(many)
		if n := len(slices.Concat(got...)); n != MaxRepHints {
			t.Errorf("%.20q... has %d hints, want %d", many, n, MaxRepHints)
		}
	}
}

func FuzzParseRepHints(f *testing.F) {
	f.Add("[3d][pdf][jpg?dimensions=1024x1024&paged=false][jpg?dimensions=2048x2048,png?dimensions=2048x2048]")
	f.Add("[[a]],]")
	f.Fuzz(func(t *testing.T, header string) {
		groups, asked := ParseRepHints(header)
		if !asked && groups != nil {
			t.Fatalf("%q asks for nothing, and for %v", header, groups)
		}
		n := 0
		for _, group := range groups {
			if len(group) == 0 {
				t.Fatalf("%q has an empty group", header)
			}
			for _, hint := range group {
				n++
				if strings.ContainsAny(hint.Representation+hint.Dimensions, "/?#% {}.") || hint.Representation == "" {
					t.Fatalf("%q asks for %+v", header, hint)
				}
			}
		}
		if n > MaxRepHints {
			t.Fatalf("%q has %d hints", header, n)
		}
	})
}
