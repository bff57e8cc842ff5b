package boxapi

import (
	"net/url"
	"strings"
)

// RepHint is one representation that an X-Rep-Hints header asks for. What it
// leaves open is empty.
type RepHint struct {
	Representation string // such as "jpg", "pdf" or "extracted_text"
	Dimensions     string // "WIDTHxHEIGHT", as asked
	Paged          string // "true" or "false", as asked
	Thumb          string // likewise
}

// MaxRepHints is how many hints are read of a header.
const MaxRepHints = 32

// ParseRepHints reads an X-Rep-Hints header: groups in brackets, and in each,
// separated by commas, what the client can use in place of one another, best
// first:
//
//	[pdf][jpg?dimensions=2048x2048&paged=false,png?dimensions=2048x2048]
//
// asked is false for a header that is absent or blank, which asks for whatever
// there is. What is no hint asks for nothing, and so does what comes after
// MaxRepHints of them.
func ParseRepHints(header string) (groups [][]RepHint, asked bool) {
	rest := strings.Trim(header, spaces)
	if rest == "" {
		return nil, false
	}
	for n := 0; n < MaxRepHints; {
		var text string
		var ok bool
		if _, rest, ok = strings.Cut(rest, "["); !ok {
			break
		}
		if text, rest, ok = strings.Cut(rest, "]"); !ok {
			break
		}
		var group []RepHint
		for one := range strings.SplitSeq(text, ",") {
			if hint, ok := parseRepHint(one); ok && n < MaxRepHints {
				group = append(group, hint)
				n++
			}
		}
		if group != nil {
			groups = append(groups, group)
		}
	}
	return groups, true
}

// parseRepHint reads "NAME?KEY=VALUE&KEY=VALUE".
func parseRepHint(text string) (hint RepHint, ok bool) {
	name, query, _ := strings.Cut(strings.Trim(text, spaces), "?")
	if !repName(name) {
		return hint, false
	}
	hint.Representation = strings.ToLower(name)
	values, err := url.ParseQuery(query)
	if err != nil {
		return hint, false
	}
	hint.Dimensions = strings.ToLower(values.Get("dimensions"))
	hint.Paged = strings.ToLower(values.Get("paged"))
	hint.Thumb = strings.ToLower(values.Get("thumb"))
	return hint, hint.Dimensions == "" || dimensions(hint.Dimensions)
}

// repName says whether s may name a representation: it becomes part of URLs.
func repName(s string) bool {
	const most = 40
	return s != "" && len(s) <= most && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
}

// dimensions says whether s is "WIDTHxHEIGHT".
func dimensions(s string) bool {
	w, h, ok := strings.Cut(s, "x")
	return ok && digits(w) && digits(h) && len(s) <= len("99999x99999")
}
