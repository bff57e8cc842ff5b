package boxapi

import (
	"encoding/json"
	"testing"
	"time"
)

func TestDecodeReply(t *testing.T) {
	for _, c := range []struct {
		in   string
		want int64
		ok   bool
	}{
		{`{"type":"file","size":12}`, 12, true},
		{`{"type":"file","size":1.2E10}`, 12_000_000_000, true},
		{`{"name":"1e3","size":5e0,"tags":["2E2"]}`, 5, true},
		{`{"size":4.294967296e+09}`, 4294967296, true},
		{`{"size":1.5}`, 0, false},
		{`{"size":1.5e0}`, 0, false},
		{`{"size":1e1000000}`, 0, false}, // and at once
		{`{"size":"12"}`, 0, false},
		{`{"size":1.2E10`, 0, false},
	} {
		var f File
		err := DecodeReply([]byte(c.in), &f)
		if (err == nil) != c.ok || c.ok && f.Size != c.want {
			t.Errorf("%s: size %d, %v", c.in, f.Size, err)
		}
	}
	var f File
	if err := DecodeReply([]byte(`{"name":"1e3","size":5e0,"tags":["2E2"]}`), &f); err != nil || f.Name != "1e3" || f.Tags[0] != "2E2" {
		t.Errorf("%+v, %v: texts are not numbers", f, err)
	}
}

func FuzzDecodeReply(f *testing.F) {
	for _, s := range []string{`{"size":1.2E10}`, `{"size":1e999}`, `{"entries":[{"type":"file","size":1E2}]}`, `[1.0]`, `{`, ``} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var plain, got File
		wantErr := json.Unmarshal(data, &plain)
		err := DecodeReply(data, &got)
		// What json reads, this reads alike.
		if wantErr == nil && (err != nil || got.Size != plain.Size || got.Name != plain.Name) {
			t.Errorf("%q: %+v, %v; json has %+v", data, got, err, plain)
		}
		_ = DecodeReply(data, &ItemsByMarker{})
	})
}

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(2031, 3, 2, 4, 5, 6, 0, time.UTC)
	const year = 365 * 24 * time.Hour
	for _, c := range []struct {
		in   string
		want time.Duration
		ok   bool
	}{
		{"", 0, false},
		{"0", 0, true},
		{" 120 ", 2 * time.Minute, true},
		{"99999999999", year, true},
		{"99999999999999999999999", year, true}, // overflows everything
		{"-1", 0, false},
		{"1.5", 0, false},
		{"soon", 0, false},
		{"Sun, 02 Mar 2031 04:06:06 GMT", time.Minute, true},
		{"Sun, 02 Mar 2031 04:05:05 GMT", 0, true}, // has passed
		{"Sunday, 02-Mar-31 04:06:06 GMT", time.Minute, true},
		{"Sun Mar  2 04:06:06 2031", time.Minute, true},
		{"Sun, 02 Mar 9031 04:06:06 GMT", year, true},
	} {
		if got, ok := ParseRetryAfter(c.in, now); got != c.want || ok != c.ok {
			t.Errorf("%q: %v %v, want %v %v", c.in, got, ok, c.want, c.ok)
		}
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	for _, s := range []string{"5", "Sun, 02 Mar 2031 04:06:06 GMT", "-5", "9223372036854775807", "Sun Mar  2 04:06:06 2031"} {
		f.Add(s)
	}
	now := time.Date(2031, 3, 2, 4, 5, 6, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		if d, ok := ParseRetryAfter(s, now); d < 0 || d > 365*24*time.Hour || !ok && d != 0 {
			t.Errorf("%q: %v %v", s, d, ok)
		}
	})
}
