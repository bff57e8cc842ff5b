package boxapi

import (
	"encoding/json"
	"reflect"
	"strings"
)

// Items with fixed ids.
const (
	RootID    = "0" // the folder that holds everything
	RootName  = "All Files"
	TrashID   = "1" // stands for the trash in the path of a trashed item
	TrashName = "Trash"
)

// ID is the id of a file, folder, version or user: decimal digits, in a JSON
// string. Some clients send a JSON number; its text is kept as sent, so an ID
// may hold anything until Numeric says otherwise. The empty ID is an absent or
// null one.
type ID string

// Numeric says whether id is made of decimal digits, as all ids are.
func (id ID) Numeric() bool { return digits(string(id)) }

// UnmarshalJSON accepts a string, a number or null.
func (id *ID) UnmarshalJSON(data []byte) error {
	switch kindOf(data) {
	case "null":
		*id = ""
	case "number":
		*id = ID(data)
	case "string":
		var s string
		if err := json.Unmarshal(data, &s); err != nil {
			return err
		}
		*id = ID(s)
	default:
		return &json.UnmarshalTypeError{Value: kindOf(data), Type: reflect.TypeFor[ID]()}
	}
	return nil
}

// ParseSessionID checks the id of an upload session, 32 hex digits of any case,
// and returns it in upper case, as the wire has it.
func ParseSessionID(s string) (id string, ok bool) {
	if len(s) != 32 || strings.Trim(s, "0123456789abcdefABCDEF") != "" {
		return "", false
	}
	return strings.ToUpper(s), true
}
