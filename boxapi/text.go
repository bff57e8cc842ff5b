package boxapi

import (
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// NullString is a string that is null on the wire when it is empty, and the
// other way round: an etag, a sequence_id, a marker, a token.
type NullString string

// MarshalJSON writes null for the empty string.
func (s NullString) MarshalJSON() ([]byte, error) {
	if s == "" {
		return []byte("null"), nil
	}
	return EncodeJSON(string(s))
}

// Name is the name of a file or folder as a client sent it. Where that was not
// Unicode, as ill-formed UTF-8 or half a surrogate pair, Name is not valid
// UTF-8, so that the rules for names can refuse it; encoding/json alone would
// put U+FFFD in its place, and two different files under one name.
type Name string

// ErrNotUnicode says that a name can't be written, since it is not UTF-8.
var ErrNotUnicode = errors.New("the name is not UTF-8")

// MarshalJSON writes a string. A name that is not UTF-8 is ErrNotUnicode.
func (n Name) MarshalJSON() ([]byte, error) {
	if !utf8.ValidString(string(n)) {
		return nil, ErrNotUnicode
	}
	return EncodeJSON(string(n))
}

// UnmarshalJSON accepts a string or null, which leaves n as it is.
func (n *Name) UnmarshalJSON(data []byte) error {
	switch kind := kindOf(data); kind {
	case "null":
		return nil
	case "string":
	default:
		return &json.UnmarshalTypeError{Value: kind, Type: reflect.TypeFor[Name]()}
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	if strings.ContainsRune(s, utf8.RuneError) {
		s = unquote(string(data[1 : len(data)-1]))
	}
	*n = Name(s)
	return nil
}

// unquote resolves the escapes of s, the inside of a well-formed JSON string,
// and keeps what is no Unicode as ill-formed UTF-8.
func unquote(s string) string {
	var b []byte
	for s != "" {
		if s[0] != '\\' {
			b, s = append(b, s[0]), s[1:]
			continue
		}
		escape := s[1]
		s = s[2:]
		switch escape {
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			r := hex4(s)
			s = s[4:]
			if !utf16.IsSurrogate(r) {
				b = utf8.AppendRune(b, r)
				continue
			}
			if strings.HasPrefix(s, `\u`) {
				if pair := utf16.DecodeRune(r, hex4(s[2:])); pair != utf8.RuneError {
					b, s = utf8.AppendRune(b, pair), s[6:]
					continue
				}
			}
			// What UTF-8 would be for half a pair, if it had one.
			b = append(b, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F)
		default: // quote, slash, backslash
			b = append(b, escape)
		}
	}
	return string(b)
}

func hex4(s string) rune {
	n, _ := strconv.ParseUint(s[:4], 16, 32)
	return rune(n)
}
