package boxapi

import (
	"slices"
	"strings"
)

// Fields is what a request named in its fields parameter. The zero Fields
// names nothing.
type Fields struct {
	names []string        // as asked, without repetition
	top   map[string]bool // the first step of each name
}

// ParseFields reads the value of a fields parameter, a comma list, decoded from
// its query. An empty list is an absent one. Names nobody knows are kept and
// show nothing. Repeated parameters are joined with a comma first.
func ParseFields(query string) Fields {
	var f Fields
	for name := range strings.SplitSeq(query, ",") {
		name = strings.Trim(name, spaces)
		if name == "" || slices.Contains(f.names, name) {
			continue
		}
		if f.top == nil {
			f.top = make(map[string]bool)
		}
		top, _, _ := strings.Cut(name, ".")
		f.names = append(f.names, name)
		f.top[top] = true
	}
	return f
}

// None says that nothing was asked for in particular.
func (f Fields) None() bool { return len(f.names) == 0 }

// Has says whether a top-level key was asked for, by its own name or by one
// below it: "metadata" by "metadata.global.properties".
func (f Fields) Has(key string) bool { return f.top[key] }

// Under returns what was asked for below a top-level key, in the order asked:
// "global.properties" for "metadata".
func (f Fields) Under(key string) []string {
	var under []string
	for _, name := range f.names {
		if rest, ok := strings.CutPrefix(name, key+"."); ok {
			under = append(under, rest)
		}
	}
	return under
}

// String is the list as a client would send it.
func (f Fields) String() string { return strings.Join(f.names, ",") }
