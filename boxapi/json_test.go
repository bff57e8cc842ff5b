package boxapi

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDecodeJSON(t *testing.T) {
	for _, c := range []struct {
		in    string
		field string // of the FieldError, if that is what comes
		json  bool   // a JSONError comes
	}{
		{in: ""},                    // an empty body is {}
		{in: " \r\n"},               // so is a blank one
		{in: "{}\n"},                // what some clients send with DELETE
		{in: `{"x":[{"y":1e999}]}`}, // keys we do not know may hold anything
		{in: `{"name":null,"parent":null,"size":null,"description":null}`}, // null is as absent
		{in: `{"parent":{"id":null,"name":7}}`},                            // inside too
		{in: `{"size":{}}`},                                                // a Count never fails
		{in: "null", json: true},
		{in: "[]", json: true}, // JSON, but no object
		{in: "7", json: true},
		{in: `{"name":"a"`, json: true},                  // cut short
		{in: `{"name":"a"}}`, json: true},                // something after the end
		{in: `{"name":"a"} {}`, json: true},              // a second value
		{in: `{'name':'a'}`, json: true},                 // not JSON
		{in: `{"name":7,`, json: true},                   // both wrong: it is not JSON first of all
		{in: "name=a", json: true},                       // a form
		{in: strings.Repeat(`{"x":`, 20000), json: true}, // too deep
		{in: `{"name":7}`, field: "name"},
		{in: `{"description":{}}`, field: "description"},
		{in: `{"parent":"0"}`, field: "parent"},
		{in: `{"parent":{"id":true}}`, field: "parent.id"}, // the whole way to the field
		{in: `{"parent":{"id":[0]}}`, field: "parent.id"},
	} {
		var into Preflight
		err := DecodeJSON([]byte(c.in), &into)
		var field *FieldError
		var notJSON *JSONError
		switch {
		case errors.As(err, &field):
			if field.Field != c.field || !strings.Contains(field.Message, "'"+c.field+"'") {
				t.Errorf("DecodeJSON(%.40q) = %q about %q, want %q", c.in, field.Message, field.Field, c.field)
			}
		case errors.As(err, &notJSON):
			if !c.json {
				t.Errorf("DecodeJSON(%.40q) = %v", c.in, err)
			}
		case err != nil || c.json || c.field != "":
			t.Errorf("DecodeJSON(%.40q) = %v, want json error %v, field error %q", c.in, err, c.json, c.field)
		}
	}
}

// The message goes to the client, so it is in the client's terms.
func TestFieldErrorMessage(t *testing.T) {
	for _, c := range []struct {
		in   string
		into any
		want string
	}{
		{`{"folder_id":false}`, new(CreateSession), "'folder_id' must be an id, a string of digits, not bool."},
		{`{"file_name":["a"]}`, new(CreateSession), "'file_name' must be a string, not array."},
		{`{"parts":{}}`, new(Commit), "'parts' must be an array, not object."},
		{`{"parts":[{"offset":1.5}]}`, new(Commit), "'parts.offset' must be an integer, not number 1.5."},
		{`{"parts":[7]}`, new(Commit), "'parts' must be an object, not number."},
		{`{"attributes":{"content_created_at":"soon"}}`, new(Commit), `'attributes.content_created_at' must be a time such as 2012-12-12T10:53:43-08:00, not "soon".`},
		{`{"attributes":{"content_created_at":12}}`, new(Commit), `'attributes.content_created_at' must be a time such as 2012-12-12T10:53:43-08:00, not number.`},
		{`{"event_info":{}}`, new(LogEvent), "'event_info' must be a string, not object."},
	} {
		err := DecodeJSON([]byte(c.in), c.into)
		if err == nil || err.Error() != c.want {
			t.Errorf("DecodeJSON(%q) = %v, want %v", c.in, err, c.want)
		}
	}
}

func TestID(t *testing.T) {
	for _, c := range []struct {
		in      string
		want    ID
		numeric bool
	}{
		{`"770001234"`, "770001234", true},
		{`0`, "0", true},                                     // some clients send numbers
		{`9223372036854775807`, "9223372036854775807", true}, // which must not pass through a float
		{`null`, "", false},
		{`""`, "", false},
		{`1.0`, "1.0", false}, // kept, so that the service can say what is wrong
		{`-1`, "-1", false},
		{`1e3`, "1e3", false},
		{`"../0"`, "../0", false},
		{`"٣"`, "٣", false}, // a digit, but not ASCII
	} {
		id := ID("before")
		if err := json.Unmarshal([]byte(c.in), &id); err != nil || id != c.want || id.Numeric() != c.numeric {
			t.Errorf("%s became %q, %v, numeric %v; want %q, %v", c.in, id, err, id.Numeric(), c.want, c.numeric)
		}
	}
}

func TestParseSessionID(t *testing.T) {
	for _, c := range []struct {
		in, want string // want is empty if in is refused
	}{
		{"0123456789ABCDEF0123456789ABCDEF", "0123456789ABCDEF0123456789ABCDEF"},
		{"0123456789abcdef0123456789abcdeF", "0123456789ABCDEF0123456789ABCDEF"}, // ids have no case
		{"0123456789ABCDEF0123456789ABCDE", ""},                                  // 31
		{"0123456789ABCDEF0123456789ABCDEF0", ""},                                // 33
		{"0123456789ABCDEF-123456789ABCDEF", ""},                                 // a bad digit in the middle
		{"", ""},
	} {
		if got, ok := ParseSessionID(c.in); got != c.want || ok != (c.want != "") {
			t.Errorf("ParseSessionID(%q) = %q, %v; want %q", c.in, got, ok, c.want)
		}
	}
}

func TestCount(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Count
	}{
		{`{}`, Count{}},
		{`{"file_size":null}`, Count{}},
		{`{"file_size":0}`, CountOf(0)},
		{`{"file_size":25000000}`, CountOf(25000000)},
		{`{"file_size":"25000000"}`, CountOf(25000000)},               // as text
		{`{"file_size":9223372036854775807}`, CountOf(1<<63 - 1)},     // the largest, digit by digit
		{`{"file_size":9223372036854775808}`, Count{Given: true}},     // one more
		{`{"file_size":99999999999999999999999}`, Count{Given: true}}, // far more
		{`{"file_size":-1}`, Count{Given: true}},                      // negative
		{`{"file_size":-0}`, Count{Given: true}},                      // signs are not digits
		{`{"file_size":"+1"}`, Count{Given: true}},
		{`{"file_size":1.0}`, Count{Given: true}}, // fractions, even of nothing
		{`{"file_size":1e9}`, Count{Given: true}}, // exponents
		{`{"file_size":""}`, Count{Given: true}},
		{`{"file_size":" 1"}`, Count{Given: true}},
		{`{"file_size":true}`, Count{Given: true}},
		{`{"file_size":[1]}`, Count{Given: true}},
		{`{"file_size":{"n":1}}`, Count{Given: true}},
		{`{"file_size":7,"file_size":null}`, Count{}}, // the last of equal keys wins
	} {
		var body CreateSession
		if err := DecodeJSON([]byte(c.in), &body); err != nil || body.FileSize != c.want {
			t.Errorf("%s: file_size = %+v, %v; want %+v", c.in, body.FileSize, err, c.want)
		}
	}
}

func TestName(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`"survey-b.laz"`, "survey-b.laz"},
		{`"a\"\\\/\b\f\n\r\t\u00e9"`, "a\"\\/\b\f\n\r\té"},
		{`"\ud83d\ude00"`, "😀"},                          // a surrogate pair
		{`"\ufffd"`, "\uFFFD"},                           // the character itself is a fair name
		{"\"\uFFFD\"", "\uFFFD"},                         // however it is sent
		{`"a\udcffb"`, "a\xed\xb3\xbfb"},                 // how Python writes a name that is not UTF-8
		{`"\ud83d"`, "\xed\xa0\xbd"},                     // half a pair at the end
		{`"\ud83dx\ude00"`, "\xed\xa0\xbdx\xed\xb8\x80"}, // two halves apart
		{`"\ud83d\u0041"`, "\xed\xa0\xbdA"},              // half a pair, then a character
		{`"\ud83d\n\ufffd"`, "\xed\xa0\xbd\n\uFFFD"},     // escapes next to it still count
		{"\"caf\xe9\"", "caf\xe9"},                       // Latin-1
	} {
		var body Preflight
		if err := DecodeJSON([]byte(`{"name":`+c.in+`}`), &body); err != nil || string(*body.Name) != c.want {
			t.Errorf("%s became %+v, %v; want %q", c.in, body.Name, err, c.want)
		}
	}
}

// What was not Unicode is refused on its way out too, and not put under another name.
func TestNameIsWritten(t *testing.T) {
	for _, name := range []Name{"", "survey-b.laz", "<a&b>é", "\uFFFD", "\x1b"} {
		text, err := EncodeJSON(Preflight{Name: &name})
		var back Preflight
		if err != nil || DecodeJSON(text, &back) != nil || *back.Name != name {
			t.Errorf("%q became %s, %v", name, text, err)
		}
	}
	for _, name := range []Name{"caf\xe9", "a\xed\xb3\xbfb"} {
		if text, err := EncodeJSON(Preflight{Name: &name}); !errors.Is(err, ErrNotUnicode) {
			t.Errorf("%q became %s, %v", name, text, err)
		}
	}
}

func TestEncodeJSON(t *testing.T) {
	// A name is not changed on its way through any of our marshallers.
	in := Files{TotalCount: 1, Entries: []File{{FileMini: FileMini{Name: "<a&b>é", Etag: "<&>"}}}}
	for _, text := range [][]byte{must(EncodeJSON(in)), must(View{Level: LevelMini}.Encode(in))} {
		if !strings.Contains(string(text), `"name":"<a&b>é"`) || !strings.Contains(string(text), `"etag":"<&>"`) || strings.HasSuffix(string(text), "\n") {
			t.Errorf("encoded to %s", text)
		}
	}
}

// However a string is written, it reads as it was.
func FuzzViewStrings(f *testing.F) {
	for _, s := range []string{"", "plain name~", `a"b`, `a\b/c`, "\x00\x1f\x7f", "caf\u00e9 \u2028", "<&>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "\uFFFD")
		in := FolderMini{ID: ID(s), Etag: NullString(s), Name: s}
		text := must(View{Level: LevelMini}.Encode(in))
		var out FolderMini
		if err := json.Unmarshal(text, &out); err != nil || out != in {
			t.Fatalf("%q became %s, which became %+v, %v", s, text, out, err)
		}
		if s == "" && string(text) != `{"type":"","id":"","sequence_id":null,"etag":null,"name":""}` {
			t.Fatalf("empty strings became %s", text)
		}
	})
}

func TestCommitBody(t *testing.T) {
	for _, c := range []struct {
		in    string
		parts int // -1 if absent
	}{
		{`{}`, -1},
		{`{"parts":null}`, -1},
		{`{"parts":[]}`, 0}, // empty is not absent
		{`{"parts":[{"part_id":"36A23E23","offset":0,"size":8}],"attributes":{}}`, 1},
	} {
		var body Commit
		if err := DecodeJSON([]byte(c.in), &body); err != nil || len(body.Parts) != max(c.parts, 0) || (body.Parts == nil) != (c.parts < 0) {
			t.Errorf("%s became %+v, %v; want %d parts", c.in, body, err, c.parts)
		}
	}

	var body Commit
	err := DecodeJSON([]byte(`{"parts":[{"part_id":"A"},null],
		"attributes":{"name":"b.laz","description":null,"content_modified_at":"2031-02-28T21:00:00-03:00",
		"size":"7","parent":{"id":0},"tags":["x"],"lock":7}}`), &body)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range body.Parts {
		if p.Offset >= 0 || p.Size >= 0 {
			t.Errorf("%v: an offset or size that was not sent passes for one", p)
		}
	}
	a := body.Attributes
	if *a.Name != "b.laz" || a.Description != nil || !a.ContentCreatedAt.IsZero() || FormatTime(a.ContentModifiedAt.Time) != "2031-03-01T00:00:00+00:00" ||
		a.Size != CountOf(7) || a.Parent.ID != RootID {
		t.Errorf("attributes became %+v", a)
	}
}

func TestPlanBody(t *testing.T) {
	var body Plan
	err := DecodeJSON([]byte(`{"parts":[{"offset":0,"size":8,"sha512":"ab","part_id":null},{"sha512":"cd"}]}`), &body)
	if err != nil || len(body.Parts) != 2 || body.Parts[0] != (PlanPart{Size: 8, SHA512: "ab"}) {
		t.Fatalf("read as %+v, %v", body, err)
	}
	if p := body.Parts[1]; p.Offset >= 0 || p.Size >= 0 {
		t.Errorf("%+v: an offset or size that was not sent passes for one", p)
	}
}

func TestCommitPartString(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		// The form that Box is known to quote.
		{`{"part_id":"8E3B1C77","offset":8388608,"size":8388608}`, `{"part_id":"8E3B1C77","offset":8388608,"size":8388608,"sha1":null}`},
		{`{"size":1,"sha1":"ab","offset":0,"x":1,"part_id":"<&>"}`, `{"part_id":"<&>","offset":0,"size":1,"sha1":"ab"}`},
		{`{}`, `{"part_id":"","offset":null,"size":null,"sha1":null}`},
		{`{"offset":-1}`, `{"part_id":"","offset":-1,"size":null,"sha1":null}`}, // negative is not absent
	} {
		var p CommitPart
		if err := json.Unmarshal([]byte(c.in), &p); err != nil || p.String() != c.want {
			t.Errorf("%s is quoted as %v, %v; want %s", c.in, p, err, c.want)
		}
	}
}

// bodies are all the request bodies there are.
var bodies = []func() any{
	func() any { return new(CreateSession) },
	func() any { return new(Commit) },
	func() any { return new(Plan) },
	func() any { return new(LogEvent) },
	func() any { return new(Preflight) },
	func() any { return new(Attributes) },
	func() any { return new(CreateFolder) },
	func() any { return new(UpdateFile) },
	func() any { return new(UpdateFolder) },
	func() any { return new(UpdateWebLink) },
	func() any { return new(CreateWebLink) },
	func() any { return new(UpdateVersion) },
	func() any { return new(PromoteVersion) },
}

func FuzzDecodeJSON(f *testing.F) {
	for _, s := range []string{
		"", "[]", "{}x",
		`{"folder_id":0,"file_id":"1","file_name":"a\ud800","file_size":"12"}`,
		`{"parts":[{"part_id":"A","offset":0,"size":1,"sha1":null},null],"attributes":{"content_created_at":"2031-03-02","size":1e9}}`,
		`{"parts":[{"offset":0,"size":8,"sha512":"ab"}]}`,
		`{"event_type":"part_failure","event_info":"{}"}`,
		`{"name":"b","lock":null,"tags":["a"],"collections":[{"id":7}],"shared_link":{"password":null},"folder_upload_email":null,"trashed_at":null}`,
		`{"name":"b","parent":{"id":4410029},"size":null,"description":"\u0000"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, body := range bodies {
			into := body()
			err := DecodeJSON(data, into)
			var field *FieldError
			var notJSON *JSONError
			object := strings.HasPrefix(strings.Trim(string(data), spaces), "{")
			switch {
			case errors.As(err, &notJSON):
				if json.Valid(data) && object {
					t.Fatalf("%T: %q is a JSON object, but %v", into, data, err)
				}
				continue
			case errors.As(err, &field):
				if field.Field == "" || !json.Valid(data) {
					t.Fatalf("%T: %q: %v", into, data, err)
				}
				continue
			case err != nil:
				t.Fatalf("%T: %q: an error of another type, %T: %v", into, data, err, err)
			}
			checkBounds(t, into)
			if strings.Contains(string(data), `\u`) || !utf8.Valid(data) {
				continue // a Name that is no Unicode cannot be written again
			}
			text := must(EncodeJSON(into))
			again := body()
			if err := DecodeJSON(text, again); err != nil || !reflect.DeepEqual(into, again) {
				t.Fatalf("%q became %s, which became %+v, %v; want %+v", data, text, again, err, into)
			}
		}
	})
}

func checkBounds(t *testing.T, body any) {
	t.Helper()
	counts := []*Count{}
	switch b := body.(type) {
	case *Commit:
		if b.Attributes != nil {
			checkBounds(t, b.Attributes)
		}
	case *CreateSession:
		counts = append(counts, &b.FileSize)
	case *Preflight:
		counts = append(counts, &b.Size)
	case *Attributes:
		counts = append(counts, &b.Size)
		for _, at := range []Time{b.ContentCreatedAt, b.ContentModifiedAt} {
			if at.Nanosecond() != 0 || at.Year() < 1 || at.Year() > 9999 {
				t.Fatalf("%v is out of bounds", at)
			}
		}
	}
	for _, c := range counts {
		if c.N < 0 || c.Valid && !c.Given || !c.Valid && c.N != 0 {
			t.Fatalf("%+v is out of bounds", c)
		}
		if !c.Valid {
			*c = Count{} // is written as null
		}
	}
}

func FuzzParseSessionID(f *testing.F) {
	f.Add("0123456789abcdef0123456789ABCDEF")
	f.Fuzz(func(t *testing.T, s string) {
		id, ok := ParseSessionID(s)
		if !ok {
			return
		}
		if again, ok := ParseSessionID(id); !ok || again != id || len(id) != 32 || !strings.EqualFold(id, s) {
			t.Fatalf("%q became %q, then %q", s, id, again)
		}
	})
}

func FuzzID(f *testing.F) {
	for _, s := range []string{`0`, `"12"`, `1e3`, `null`, `{}`, `"\ud800"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var id ID
		var c Count
		var n Name
		if json.Unmarshal(data, &c) == nil && c.Valid && (c.N < 0 || json.Unmarshal(data, &id) != nil || !id.Numeric()) {
			t.Fatalf("%q is %+v, but the id %q", data, c, id)
		}
		if json.Unmarshal(data, &n) == nil && utf8.ValidString(string(n)) && kindOf(data) == "string" {
			var s string
			if err := json.Unmarshal(data, &s); err != nil || s != string(n) {
				t.Fatalf("%q is the name %q, but the string %q, %v", data, n, s, err)
			}
		}
		if kindOf(data) == "string" && json.Unmarshal(data, &n) == nil {
			text, err := EncodeJSON(n)
			var again Name
			if err == nil && (json.Unmarshal(text, &again) != nil || again != n) || (err == nil) != utf8.ValidString(string(n)) {
				t.Fatalf("%q is the name %q, which becomes %s, %v", data, n, text, err)
			}
		}
		if err := json.Unmarshal(data, &id); err != nil {
			return
		}
		var again ID
		if err := json.Unmarshal(must(EncodeJSON(id)), &again); err != nil || again != id {
			t.Fatalf("%q became %q, then %q, %v", data, id, again, err)
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
