package boxapi

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Time is a moment in whole seconds, as items carry it. It is written with a
// numeric offset, "2031-03-02T04:05:40+00:00", and read as liberally as
// ParseTime reads. The zero Time is null, or absent.
type Time struct{ time.Time }

// TimeZ is a Time that is written with a "Z", as the expiry of upload sessions
// must be: some clients cut off the last character and put an offset there.
type TimeZ struct{ time.Time }

// FormatTime writes t in UTC and whole seconds with the offset "+00:00". The
// year is 1 to 9999.
func FormatTime(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05-07:00")
}

// FormatTimeZ writes t in UTC and whole seconds with a "Z". The year is 1 to
// 9999.
func FormatTimeZ(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// ParseTime reads an RFC 3339 date and time, or a bare date, which is its first
// second in UTC. The offset is "Z", or "+hh:mm", "+hhmm" or "+hh"; it may not be
// left out. A fraction of any length is dropped. The result is in UTC and whole
// seconds, and its year there is 1 to 9999.
func ParseTime(s string) (time.Time, error) {
	if t, ok := parseTime(strings.Trim(s, spaces)); ok && t.Year() >= 1 && t.Year() <= 9999 {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("a time is as 2012-12-12T10:53:43-08:00 or 2012-12-12, not %s", quoted(s))
}

func parseTime(s string) (time.Time, bool) {
	r := timeText{s, true}
	year, month, day := r.number(4), r.after("-", 2), r.after("-", 2)
	if r.text == "" {
		return date(year, month, day, 0, 0, 0, r.ok)
	}
	hour, minute, second := r.after("Tt ", 2), r.after(":", 2), r.after(":", 2)
	if r.skip(".") {
		r.ok = r.ok && digits(r.text[:min(1, len(r.text))])
		r.text = strings.TrimLeft(r.text, "0123456789")
	}

	sign := 1
	offset := 0 // minutes east of UTC
	switch {
	case r.skip("Zz"):
	case r.skip("-"):
		sign = -1
		fallthrough
	case r.skip("+"):
		h, m := r.number(2), 0
		if r.skip(":") || r.text != "" {
			m = r.number(2)
		}
		r.ok = r.ok && h <= 23 && m <= 59
		offset = sign * (h*60 + m)
	default:
		return time.Time{}, false
	}
	t, ok := date(year, month, day, hour, minute, second, r.ok && r.text == "")
	return t.Add(-time.Duration(offset) * time.Minute), ok
}

// date refuses what time.Date would carry over, such as 30 February.
func date(year, month, day, hour, minute, second int, ok bool) (time.Time, bool) {
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	same := t.Year() == year && int(t.Month()) == month && t.Day() == day &&
		t.Hour() == hour && t.Minute() == minute && t.Second() == second
	return t, ok && same
}

// timeText is what is left to read of a time; ok turns false at the first thing
// that does not belong there.
type timeText struct {
	text string
	ok   bool
}

// skip drops one character if it is one of those.
func (r *timeText) skip(those string) bool {
	if r.text == "" || !strings.Contains(those, r.text[:1]) {
		return false
	}
	r.text = r.text[1:]
	return true
}

// number reads exactly n digits.
func (r *timeText) number(n int) (value int) {
	if len(r.text) < n || !digits(r.text[:n]) {
		r.ok = false
		return 0
	}
	for _, c := range r.text[:n] {
		value = value*10 + int(c-'0')
	}
	r.text = r.text[n:]
	return value
}

// after is number behind one of those separators.
func (r *timeText) after(those string, n int) int {
	r.ok = r.skip(those) && r.ok
	return r.number(n)
}

// MarshalJSON writes FormatTime's text, or null for the zero Time.
func (t Time) MarshalJSON() ([]byte, error) { return marshalTime(t.Time, FormatTime) }

// MarshalJSON writes FormatTimeZ's text, or null for the zero TimeZ.
func (t TimeZ) MarshalJSON() ([]byte, error) { return marshalTime(t.Time, FormatTimeZ) }

// UnmarshalJSON accepts a string that ParseTime does, or null.
func (t *Time) UnmarshalJSON(data []byte) error { return unmarshalTime(&t.Time, data) }

// UnmarshalJSON accepts a string that ParseTime does, or null.
func (t *TimeZ) UnmarshalJSON(data []byte) error { return unmarshalTime(&t.Time, data) }

func marshalTime(t time.Time, format func(time.Time) string) ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	if year := t.UTC().Year(); year < 1 || year > 9999 {
		return nil, fmt.Errorf("boxapi: year %d cannot be written", year)
	}
	return []byte(`"` + format(t) + `"`), nil
}

func unmarshalTime(t *time.Time, data []byte) error {
	kind := kindOf(data)
	if kind == "null" {
		*t = time.Time{}
		return nil
	}
	var text string
	if kind == "string" && json.Unmarshal(data, &text) == nil {
		parsed, err := ParseTime(text)
		if err == nil {
			*t = parsed
			return nil
		}
		kind = quoted(text)
	}
	return &json.UnmarshalTypeError{Value: kind, Type: reflect.TypeFor[Time]()}
}
