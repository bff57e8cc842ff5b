package boxapi

import (
	"encoding/json"
	"strconv"
)

// Count is a number of bytes in a request. Its decoding never fails, so that
// the service can name the field that is wrong; the zero Count is an absent one.
type Count struct {
	N     int64 // at least 0; 0 unless Valid
	Given bool  // the key was there, and not null
	Valid bool  // it was a whole number of bytes that fits
}

// CountOf is the valid Count of n bytes; n is at least 0.
func CountOf(n int64) Count { return Count{N: n, Given: true, Valid: true} }

// UnmarshalJSON accepts an integer, or a string of decimal digits. Signs,
// fractions, exponents, what overflows and other types leave c given, but not
// valid. It never returns an error.
func (c *Count) UnmarshalJSON(data []byte) error {
	*c = Count{}
	text := string(data)
	switch kindOf(data) {
	case "null":
		return nil
	case "string":
		if json.Unmarshal(data, &text) != nil {
			text = ""
		}
	}
	c.Given = true
	c.N, c.Valid = parseCount(text)
	if !c.Valid {
		c.N = 0
	}
	return nil
}

// MarshalJSON writes a number, or null if c is not valid.
func (c Count) MarshalJSON() ([]byte, error) {
	if !c.Valid {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, c.N, 10), nil
}
