package content

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

const maxNameLen = 255 // characters

// CheckName says whether an item may have the name. What is refused is what
// Box's clients were seen to encode, not the longer list of its documentation.
func CheckName(name string) error {
	switch {
	case name == "":
		return Errorf(NameInvalid, "a name can't be empty")
	case !utf8.ValidString(name):
		return Errorf(NameInvalid, "a name must be valid UTF-8")
	case name == "." || name == "..":
		return Errorf(NameInvalid, "%q can't be the name of an item", name)
	case strings.HasSuffix(name, " "):
		return Errorf(NameInvalid, "a name can't end in a space")
	}
	for _, r := range name {
		if r == '/' || r == '\\' || r < 0x20 || r == 0x7f {
			return Errorf(NameInvalid, "a name can't contain %q", r)
		}
	}
	if n := utf8.RuneCountInString(name); n > maxNameLen {
		return Errorf(NameTooLong, "a name can have %d characters, not %d", maxNameLen, n)
	}
	return nil
}

// NameKey is what two names of one folder are compared by: case folded, in
// normal form C. Names with the same key can't stand side by side.
func NameKey(name string) string {
	// Folding can undo normal form, so it is normalised again after it.
	return norm.NFC.String(cases.Fold().String(norm.NFC.String(name)))
}
