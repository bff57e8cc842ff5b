package boxapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// JSONError says that a body is not a JSON object at all. A server answers
// CodeInvalidJSON.
type JSONError struct {
	Offset  int64 // bytes read until it was clear
	Message string
}

func (e *JSONError) Error() string { return e.Message }

// FieldError says that a body is JSON, but that one of the keys we know holds
// the wrong sort of value. A server answers CodeBadRequest.
type FieldError struct {
	Field   string // "attributes.name"; no index inside arrays
	Message string // a whole sentence that names the field
}

func (e *FieldError) Error() string { return e.Message }

// DecodeJSON reads a request body into a zero struct that into points to. An
// empty body is an empty object, keys we do not know are ignored, null is as
// absent, and nothing may follow the object. The error is a *JSONError or a
// *FieldError; into is then of no use.
//
// Keys match in any case, and the last of equal keys wins.
func DecodeJSON(data []byte, into any) error {
	data = bytes.Trim(data, spaces)
	if len(data) == 0 {
		return nil
	}
	err := json.Unmarshal(data, into)
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return &JSONError{syntax.Offset, fmt.Sprintf("The body is not JSON: %v, after %d bytes.", syntax, syntax.Offset)}
	case data[0] != '{':
		return &JSONError{1, "The body must be a JSON object."}
	case errors.As(err, &mismatch):
		field := keys(mismatch.Field)
		return &FieldError{field, fmt.Sprintf("'%s' must be %s, not %s.", field, wanted(mismatch.Type), mismatch.Value)}
	case err != nil:
		// What is left is an into that cannot be decoded into.
		return fmt.Errorf("boxapi: decoding into %T: %w", into, err)
	}
	return nil
}

// keys leaves the names of embedded structs out of the way to a field: those
// begin with a capital, and no key of ours does.
func keys(way string) string {
	steps := strings.Split(way, ".")
	return strings.Join(slices.DeleteFunc(steps, func(s string) bool { return s != "" && s[0] >= 'A' && s[0] <= 'Z' }), ".")
}

// wanted names, in the words of the wire, what decodes into t.
func wanted(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[ID]():
		return "an id, a string of digits"
	case reflect.TypeFor[Time]():
		return "a time such as 2012-12-12T10:53:43-08:00"
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "an array"
	case reflect.Int, reflect.Int64:
		return "an integer"
	default:
		return "an object"
	}
}

// kindOf names the type of a well-formed JSON value.
func kindOf(data []byte) string {
	switch data = bytes.TrimLeft(data, spaces); {
	case len(data) == 0 || data[0] == 'n':
		return "null"
	case data[0] == '"':
		return "string"
	case data[0] == '{':
		return "object"
	case data[0] == '[':
		return "array"
	case data[0] == 't' || data[0] == 'f':
		return "bool"
	default:
		return "number"
	}
}

// EncodeJSON is json.Marshal without the escapes that are meant for HTML: "&"
// in a name stays "&".
func EncodeJSON(v any) ([]byte, error) {
	if s, ok := v.(shown); ok { // which json would go over once more
		return s.view.Encode(s.v)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// List is a slice that is [] on the wire when it is nil: clients do not expect
// null where a list should be.
type List[T any] []T

func (List[T]) isList() {}

// MarshalJSON writes an array, always.
func (l List[T]) MarshalJSON() ([]byte, error) {
	if l == nil {
		return []byte("[]"), nil
	}
	return EncodeJSON([]T(l))
}

// jsonKey takes apart the json tag of a struct field.
func jsonKey(f reflect.StructField) (name string, omitZero bool) {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name, options == "omitzero"
}
