package boxapi

import (
	"encoding/json"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	for _, c := range []struct {
		in, want string // want is empty if in is refused
	}{
		{"2031-03-02T04:05:40Z", "2031-03-02T04:05:40+00:00"},
		{"2031-02-28T21:00:00-03:00", "2031-03-01T00:00:00+00:00"},         // across midnight, and a month
		{"2031-03-02T04:05:40+05:45", "2031-03-01T22:20:40+00:00"},         // not all offsets are whole hours
		{"2031-03-02T04:05:40-0000", "2031-03-02T04:05:40+00:00"},          // the colon left out
		{"2031-03-02T04:05:40+01", "2031-03-02T03:05:40+00:00"},            // the minutes too
		{"2031-03-02t04:05:40z", "2031-03-02T04:05:40+00:00"},              // RFC 3339 allows lower case
		{"2031-03-02 04:05:40Z", "2031-03-02T04:05:40+00:00"},              // and a space
		{" 2031-03-02T04:05:40Z\n", "2031-03-02T04:05:40+00:00"},           // trimmed
		{"2031-03-02T04:05:40.9Z", "2031-03-02T04:05:40+00:00"},            // cut, not rounded
		{"2031-03-02T04:05:40.123456789012Z", "2031-03-02T04:05:40+00:00"}, // more digits than nanoseconds
		{"1969-12-31T23:59:59.9Z", "1969-12-31T23:59:59+00:00"},            // cut downwards before 1970 as well
		{"2031-03-02", "2031-03-02T00:00:00+00:00"},                        // a bare date
		{"2028-02-29", "2028-02-29T00:00:00+00:00"},                        // a leap day
		{"0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"},              // the first second
		{"9999-12-31T23:59:59Z", "9999-12-31T23:59:59+00:00"},              // the last
		{"0001-01-01T00:00:00+00:01", ""},                                  // the year 0 in UTC
		{"9999-12-31T23:59:59-00:01", ""},                                  // the year 10000 in UTC
		{"0000-06-01", ""},
		{"2031-02-29", ""},                // no leap year
		{"2031-13-01", ""},                // no such month
		{"2031-03-02T24:00:00Z", ""},      // no such hour
		{"2031-03-02T04:05:60Z", ""},      // no leap seconds
		{"2031-03-02T04:05:40", ""},       // no offset: whose noon is it?
		{"2031-03-02T04:05Z", ""},         // no seconds
		{"2031-03-02T04:05:40.Z", ""},     // a fraction of nothing
		{"2031-03-02T04:05:40,5Z", ""},    // ISO 8601, not RFC 3339
		{"2031-03-02T04:05:40+24:00", ""}, // no such offset
		{"2031-03-02T04:05:40+01:", ""},   // cut short
		{"2031-03-02T04:05:40ZZ", ""},     // something after the end
		{"2031-3-2", ""},                  // digits left out
		{"+031-03-02", ""},                // a sign for a digit
		{"1930190400", ""},                // seconds since 1970
		{"", ""},
	} {
		got, err := ParseTime(c.in)
		if c.want == "" {
			if err == nil {
				t.Errorf("ParseTime(%q) = %v, want an error", c.in, got)
			}
			continue
		}
		if err != nil || FormatTime(got) != c.want {
			t.Errorf("ParseTime(%q) = %v, %v; want %s", c.in, got, err, c.want)
		}
	}
}

func TestFormatTime(t *testing.T) {
	// A fraction and another zone must both go.
	at := time.Date(2031, 3, 1, 20, 5, 40, 999999999, time.FixedZone("", -8*3600))
	if got, want := FormatTime(at), "2031-03-02T04:05:40+00:00"; got != want {
		t.Errorf("FormatTime = %s, want %s", got, want)
	}
	if got, want := FormatTimeZ(at), "2031-03-02T04:05:40Z"; got != want {
		t.Errorf("FormatTimeZ = %s, want %s", got, want)
	}
}

func TestTimeJSON(t *testing.T) {
	at := time.Date(2031, 3, 2, 4, 5, 40, 0, time.UTC)
	in := struct {
		A Time
		B TimeZ
		C Time
		D TimeZ
	}{Time{at}, TimeZ{at}, Time{}, TimeZ{}}
	text, err := json.Marshal(in)
	if want := `{"A":"2031-03-02T04:05:40+00:00","B":"2031-03-02T04:05:40Z","C":null,"D":null}`; err != nil || string(text) != want {
		t.Errorf("marshalled to %s, %v; want %s", text, err, want)
	}
	out := in
	if err := json.Unmarshal(text, &out); err != nil || out != in {
		t.Errorf("%s became %v, %v; want %v", text, out, err, in)
	}
	if text, err := json.Marshal(Time{at.AddDate(8000, 0, 0)}); err == nil {
		t.Errorf("a year of five digits was written: %s", text)
	}
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2031-03-02T04:05:40.5+05:45", "2031-03-02", "0001-01-01T00:00:00+00:01", "9999-12-31 23:59:59-2359"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, err := ParseTime(s)
		if err != nil {
			if !at.IsZero() {
				t.Fatalf("%q: %v beside %v", s, at, err)
			}
			return
		}
		if at.Location() != time.UTC || at.Nanosecond() != 0 || at.Year() < 1 || at.Year() > 9999 {
			t.Fatalf("%q: %v is out of bounds", s, at)
		}
		for _, text := range []string{FormatTime(at), FormatTimeZ(at)} {
			if again, err := ParseTime(text); err != nil || !again.Equal(at) {
				t.Fatalf("%q became %q, which became %v, %v", s, text, again, err)
			}
		}
		// What Go's own parser accepts, it must read alike.
		if std, err := time.Parse(time.RFC3339, s); err == nil && !std.Truncate(time.Second).Equal(at) {
			t.Fatalf("%q: %v here, %v there", s, at, std)
		}
	})
}
