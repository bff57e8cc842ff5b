package boxapi

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func TestParseContentRange(t *testing.T) {
	for _, c := range []struct {
		in                 string
		first, last, total int64
		ok                 bool
	}{
		{in: "bytes 8388608-16777215/25000000", first: 8388608, last: 16777215, total: 25000000, ok: true},
		{in: "bytes 0-0/1", total: 1, ok: true},                                    // the smallest range with a byte in it
		{in: "bytes 0-1/1", last: 1, total: 1, ok: true},                           // does not fit: the upload service says 416, not the parser
		{in: "bytes 9-3/20", first: 9, last: 3, total: 20, ok: true},               // backwards: likewise
		{in: "bytes 16-15/16", first: 16, last: 15, total: 16, ok: true},           // the empty part that some clients put at the end
		{in: "BYTES 0-0/1", total: 1, ok: true},                                    // range units have no case
		{in: " \tbytes  0-0/1\r\n", total: 1, ok: true},                            // white space around, and more than one space after the unit
		{in: "bytes 007-010/020", first: 7, last: 10, total: 20, ok: true},         // leading zeros are still decimal
		{in: "bytes 0-1/9223372036854775807", last: 1, total: 1<<63 - 1, ok: true}, // the largest
		{in: "bytes 0-1/9223372036854775808"},                                      // one more
		{in: "bytes 0-18446744073709551616/1"},                                     // would wrap round to 0
		{in: ""},                                                                   // absent
		{in: "bytes"},                                                              // nothing but a unit
		{in: "bytes 0-0"},                                                          // no total
		{in: "bytes 0-0/*"},                                                        // unknown total: the API requires one
		{in: "bytes */1"},                                                          // an answer to a bad range, not a request
		{in: "bytes +0-0/1"},                                                       // signs are not digits
		{in: "bytes 0--1/0"},                                                       // so an empty file has no empty part
		{in: "bytes 0 - 0 / 1"},                                                    // white space inside
		{in: "bytes=0-0/1"},                                                        // the syntax of Range, without s
		{in: "bytes 0-0/1, 2-3/4"},                                                 // one range only
		{in: "items 0-0/1"},                                                        // another unit
		{in: "bytes 0x0-0/1"},                                                      // hex
		{in: "bytes 0-0/١"},                                                        // digits, but not ASCII
	} {
		first, last, total, err := ParseContentRange(c.in)
		if (err == nil) != c.ok || first != c.first || last != c.last || total != c.total {
			t.Errorf("ParseContentRange(%q) = %d, %d, %d, %v; want %d, %d, %d, ok %v", c.in, first, last, total, err, c.first, c.last, c.total, c.ok)
		}
	}
}

func TestParseDigest(t *testing.T) {
	sum := [20]byte{0: 0xfb, 1: 0xff, 19: 0x3e} // has both "+" or "/" in base64
	const b64, hexed = "+/8AAAAAAAAAAAAAAAAAAAAAAD4=", "fbff00000000000000000000000000000000003e"
	for _, c := range []struct {
		in string
		ok bool
	}{
		{"sha=" + b64, true},
		{"SHA=" + b64, true},                                        // two SDKs shout
		{"\tsha=" + b64 + " \n", true},                              // one client leaves a line end
		{"sha = " + b64, true},                                      // white space around "="
		{"md5=abcd==,sha=" + b64, true},                             // a list: ours is picked
		{"sha=" + b64 + ", sha-256=zzzz", true},                     // on either side
		{",,sha=" + b64 + ",", true},                                // empty elements
		{"sha=" + b64 + ",sha=" + hexed, true},                      // twice the same
		{"sha=" + hexed, true},                                      // one client commits in hex
		{"sha=" + strings.ToUpper(hexed), true},                     // of any case
		{"", false},                                                 // absent
		{"sha=", false},                                             // no value
		{b64, false},                                                // no algorithm
		{"sha-1=" + b64, false},                                     // no such name in the registry
		{"sha-256=" + b64, false},                                   // another algorithm
		{"sha=" + b64[:27], false},                                  // unpadded
		{"sha=-_8AAAAAAAAAAAAAAAAAAAAAAD4=", false},                 // the URL alphabet
		{"sha=AAAAAAAAAAAAAAAAAAAAAAAAAAA=AAA=", false},             // too long
		{"sha=AAAAAAAAAAAAAAAAAAAAAAAAAA==", false},                 // 19 bytes
		{"sha=AAAAAAAAAAAAAAAAAAAAAAAAAAAA", false},                 // 21 bytes
		{"sha=+/8AAAAAAAAAAAAAAAAAAAAAAD5=", false},                 // bits set that belong to no byte
		{"sha=AAAAAAAAAAAAAA\nAAAAAAAAAAAAA=", false},               // the decoder would skip the line end
		{"sha=" + strings.Repeat("zz", 20), false},                  // 40, not hex
		{"sha=" + b64 + ",sha=AAAAAAAAAAAAAAAAAAAAAAAAAAA=", false}, // which of the two?
		{"sha=" + b64 + ",sha=x", false},                            // a bad one is not hidden by a good one
	} {
		got, err := ParseDigest(c.in)
		want := [20]byte{}
		if c.ok {
			want = sum
		}
		if (err == nil) != c.ok || got != want {
			t.Errorf("ParseDigest(%q) = %x, %v; want %x, ok %v", c.in, got, err, want, c.ok)
		}
	}
	if got := FormatDigest(sum); got != "sha="+b64 {
		t.Errorf("FormatDigest = %q, want %q", got, "sha="+b64)
	}
}

func TestParseHex(t *testing.T) {
	for _, c := range []struct {
		in string
		ok bool
	}{
		{"da39a3ee5e6b4b0d3255bfef95601890afd80709", true},
		{" DA39A3EE5E6B4B0D3255BFEF95601890AFD80709\n", true}, // any case, trimmed
		{"da39a3ee5e6b4b0d3255bfef95601890afd8070", false},    // 39
		{"da39a3ee5e6b4b0d3255bfef95601890afd8070g", false},   // a bad digit, after 19 good bytes
		{"", false},
	} {
		sum, err := ParseHexSHA1(c.in)
		if (err == nil) != c.ok || (sum != [20]byte{}) != c.ok {
			t.Errorf("ParseHexSHA1(%q) = %x, %v; want ok %v", c.in, sum, err, c.ok)
		}
	}
	long := strings.Repeat("0F", 64)
	if sum, err := ParseSHA512(long); err != nil || sum[63] != 15 {
		t.Errorf("ParseSHA512(%q) = %x, %v", long, sum, err)
	}
	if _, err := ParseSHA512(long[2:]); err == nil {
		t.Error("ParseSHA512 accepts 126 digits")
	}
}

func TestParseEtags(t *testing.T) {
	for _, c := range []struct {
		in    string
		ok    bool
		match string // etags it matches, of 0, 3, 4 and the empty one
	}{
		{"", false, ""},               // some clients send the header empty
		{" \t", false, ""},            // or with white space
		{",,", false, ""},             // names nothing
		{"4", true, "4"},              // bare, as Box documents it
		{`"4"`, true, "4"},            // as HTTP wants it
		{`W/"4"`, true, "4"},          // weak: our etags count changes, so weak is strong
		{"W/4", true, "4"},            // weak and bare
		{` 3 , "4" `, true, "3 4"},    // a list, with white space
		{`"3","0"`, true, "0 3"},      // without
		{`"3,4"`, true, ""},           // a comma inside quotes does not divide
		{"*", true, "0 3 4 empty"},    // anything that exists, the root too
		{"9, *", true, "0 3 4 empty"}, // in a list
		{`"*"`, true, ""},             // quoted, it is a tag
		{`""`, true, ""},              // an empty tag is no tag of ours, not even the root's
		{`"4`, true, ""},              // a quote that never closes
		{"04", true, ""},              // tags are text
	} {
		tags, ok := ParseEtags(c.in)
		var match []string
		for _, etag := range []string{"0", "3", "4"} {
			if tags.Match(etag) {
				match = append(match, etag)
			}
		}
		if tags.Match("") {
			match = append(match, "empty")
		}
		if got := strings.Join(match, " "); ok != c.ok || got != c.match {
			t.Errorf("ParseEtags(%q) is ok %v and matches %q; want %v and %q", c.in, ok, got, c.ok, c.match)
		}
	}
}

func TestParseBoxAPI(t *testing.T) {
	const link = "https://box.example.net/s/ab"
	for _, c := range []struct{ in, link, password string }{
		{"", "", ""}, // some clients send the header empty
		{"shared_link=" + link, link, ""},
		{" shared_link=" + link + "\n", link, ""}, // trimmed
		{"shared_link=" + link + "&shared_link_password=pw", link, "pw"},                               // as it is
		{"shared_link=https%3A%2F%2Fbox.example.net%2Fs%2Fab&shared_link_password=p%26w", link, "p&w"}, // encoded
		{"shared_link=https%3a%2f%2fbox.example.net%2fs%2fab&shared_link_password=a+b", link, "a b"},   // as a form encodes
		{"shared_link=" + link + "&shared_link_password=50%25+a&b=c", link, "50%25+a&b=c"},             // a raw password is left alone
		{"shared_link=" + link + "?a=1&b=2&shared_link_password=pw", link + "?a=1&b=2", "pw"},          // a raw link has a query
		{"shared_link_password=pw&shared_link=" + link, link, "pw"},                                    // the other way round
		{"x=1&shared_link=" + link, link, ""},                                                          // a key nobody knows
		{"shared_link=&shared_link_password=", "", ""},                                                 // empty values
		{"shared_link=abc&shared_link_password=%41", "abc", "%41"},                                     // no link at all: nothing says that it is encoded
		{"shared_link=https%3A%2F%2Fx%zz", "https%3A%2F%2Fx%zz", ""},                                   // not well encoded
		{"nonsense", "", ""},
	} {
		link, password := ParseBoxAPI(c.in)
		if link != c.link || password != c.password {
			t.Errorf("ParseBoxAPI(%q) = %q, %q; want %q, %q", c.in, link, password, c.link, c.password)
		}
	}
}

func FuzzParseContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-0/1", "bytes 16-15/16", "bytes */1", "bytes 0-18446744073709551616/1", " Bytes  1-2/3 "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		first, last, total, err := ParseContentRange(s)
		if err != nil {
			if first != 0 || last != 0 || total != 0 {
				t.Fatalf("%q: %d, %d, %d beside %v", s, first, last, total, err)
			}
			return
		}
		if first < 0 || last < 0 || total < 0 {
			t.Fatalf("%q: %d, %d, %d: negative", s, first, last, total)
		}
		text := FormatContentRange(first, last, total)
		a, b, c, err := ParseContentRange(text)
		if err != nil || a != first || b != last || c != total {
			t.Fatalf("%q became %q, which became %d, %d, %d, %v", s, text, a, b, c, err)
		}
	})
}

func FuzzParseDigest(f *testing.F) {
	for _, s := range []string{"sha=+/8AAAAAAAAAAAAAAAAAAAAAAD4=", "md5=x,SHA=fbff00000000000000000000000000000000003e", "sha==", ",="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		sum, err := ParseDigest(s)
		if err != nil {
			if sum != [20]byte{} {
				t.Fatalf("%q: %x beside %v", s, sum, err)
			}
			return
		}
		if again, err := ParseDigest(FormatDigest(sum)); err != nil || again != sum {
			t.Fatalf("%q: %x became %x, %v", s, sum, again, err)
		}
	})
}

func FuzzParseHex(f *testing.F) {
	f.Add("da39a3ee5e6b4b0d3255bfef95601890afd80709")
	f.Add(strings.Repeat("0F", 64))
	f.Fuzz(func(t *testing.T, s string) {
		if sum, err := ParseHexSHA1(s); err == nil {
			if got := fmt.Sprintf("%x", sum); got != strings.ToLower(strings.TrimSpace(s)) {
				t.Fatalf("%q became %s", s, got)
			}
		}
		if sum, err := ParseSHA512(s); err == nil {
			if got := fmt.Sprintf("%x", sum); got != strings.ToLower(strings.TrimSpace(s)) {
				t.Fatalf("%q became %s", s, got)
			}
		}
	})
}

func FuzzParseEtags(f *testing.F) {
	for _, s := range []string{"4", `W/"4", "5"`, "*", `"a,b`, ",,"} {
		f.Add(s, "4")
	}
	f.Fuzz(func(t *testing.T, header, etag string) {
		tags, ok := ParseEtags(header)
		if !ok && (tags.Match(etag) || tags.Match("4")) {
			t.Fatalf("%q names nothing, but matches", header)
		}
		if strings.Contains(etag, `"`) || etag == "" {
			return
		}
		quoted, ok := ParseEtags(`"` + etag + `"`)
		if !ok || !quoted.Match(etag) || quoted.Match(etag+"x") {
			t.Fatalf("the quoted etag %q does not match itself, or more", etag)
		}
		if both, _ := ParseEtags(`"` + etag + `",` + header); !both.Match(etag) {
			t.Fatalf("%q at the head of %q does not match", etag, header)
		}
	})
}

func FuzzParseBoxAPI(f *testing.F) {
	f.Add("shared_link=https://x/s/a?b=1&shared_link_password=p&q", "https://x/s/a", "p%41&w+")
	f.Add("shared_link_password=&shared_link=%68%3A%2F%2F&", "x://", "")
	f.Fuzz(func(t *testing.T, header, link, password string) {
		a, b := ParseBoxAPI(header)
		if len(a)+len(b) > len(header) {
			t.Fatalf("%q grew to %q, %q", header, a, b)
		}
		if !strings.Contains(link, "://") {
			return
		}
		encoded := "shared_link=" + url.QueryEscape(link) + "&shared_link_password=" + url.QueryEscape(password)
		if a, b = ParseBoxAPI(encoded); a != link || b != password {
			t.Fatalf("%q became %q, %q", encoded, a, b)
		}
		raw := []byte("shared_link=" + link + "&shared_link_password=" + password)
		if bytes.Count(raw, []byte("shared_link")) > 2 || strings.Trim(link, spaces) != link || strings.Trim(password, spaces) != password {
			return // keys inside a value: nobody could tell
		}
		if a, b = ParseBoxAPI(string(raw)); a != link || b != password {
			t.Fatalf("%q became %q, %q", raw, a, b)
		}
	})
}
