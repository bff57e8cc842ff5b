package boxapi

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestParseFields(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},     // some clients send the parameter empty
		{" , ,", ""}, // or nothing but commas
		{"size", "size"},
		{" size ,, name,", "size,name"}, // white space and empty elements
		{"size,name,size", "size,name"}, // repeated
		{"metadata.global.properties,metadata.enterprise_1.x", "metadata.global.properties,metadata.enterprise_1.x"}, // dots stay
		{"no_such_field", "no_such_field"}, // nobody's name still means that fields were asked for
	} {
		f := ParseFields(c.in)
		if f.String() != c.want || f.None() != (c.want == "") {
			t.Errorf("ParseFields(%q) = %q, none %v; want %q", c.in, f, f.None(), c.want)
		}
	}

	f := ParseFields("size,metadata.global.properties,metadata.enterprise_1.x,metadata2")
	if !f.Has("size") || !f.Has("metadata") || f.Has("name") || f.Has("metadata.global") || f.Has("") {
		t.Errorf("%q has the wrong keys", f)
	}
	if got, want := f.Under("metadata"), []string{"global.properties", "enterprise_1.x"}; !reflect.DeepEqual(got, want) {
		t.Errorf("under metadata: %q, want %q", got, want)
	}
}

func FuzzParseFields(f *testing.F) {
	f.Add("size, metadata.global.properties,,x")
	f.Fuzz(func(t *testing.T, s string) {
		fields := ParseFields(s)
		if again := ParseFields(fields.String()); !reflect.DeepEqual(again, fields) {
			t.Fatalf("%q became %q, then %q", s, fields, again)
		}
		for _, name := range fields.names {
			top, _, _ := strings.Cut(name, ".")
			if name == "" || !fields.Has(top) || !strings.Contains(s, name) {
				t.Fatalf("%q: %q was not asked for", s, name)
			}
		}
		text, err := View{Level: LevelStandard, Fields: fields}.Encode(aFile())
		var keys map[string]json.RawMessage
		if err != nil || json.Unmarshal(text, &keys) != nil {
			t.Fatalf("%q: %s, %v", s, text, err)
		}
		for _, base := range []string{"type", "id", "etag"} {
			if keys[base] == nil {
				t.Fatalf("%q: %s has no %s", s, text, base)
			}
		}
	})
}

// The keys of each form, in order, as the table of representations has them.
func TestViewOfFile(t *testing.T) {
	const (
		base     = "type id etag"
		mini     = "type id file_version sequence_id etag sha1 name"
		standard = mini + " description size path_collection created_at modified_at trashed_at purged_at content_created_at content_modified_at created_by modified_by owned_by shared_link parent item_status"
	)
	for _, c := range []struct {
		what string
		view View
		want string
	}{
		{"mini", View{Level: LevelMini}, mini},
		{"standard", View{Level: LevelStandard}, standard},
		{"base and what was named: name does not bring size", View{Level: LevelStandard, Fields: ParseFields("name")}, base + " name"},
		{"fields of all levels, base ones too", View{Level: LevelMini, Fields: ParseFields("id,size,lock")}, base + " size lock"},
		{"an upload: mini and what was named", View{Level: LevelStandard, Floor: LevelMini, Fields: ParseFields("size,parent")}, mini + " size parent"},
		{"an upload without fields", View{Level: LevelStandard, Floor: LevelMini}, standard},
		{"names nobody knows", View{Level: LevelStandard, Fields: ParseFields("x,y.z")}, base},
		{"a name below metadata", View{Level: LevelStandard, Fields: ParseFields("metadata.global.properties")}, base + " metadata"},
		{"asked for, but not worked out", View{Level: LevelStandard, Fields: ParseFields("permissions,extension,tags,collections")}, base + " tags collections"},
		{"box tags are not key names", View{Level: LevelStandard, Fields: ParseFields("FileMini,Name")}, base},
	} {
		f := aFile()
		f.Metadata = map[string]any{"global": map[string]any{}}
		if got := keysOf(t, must(c.view.Encode(f))); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.what, got, c.want)
		}
	}
}

func TestViewOfOthers(t *testing.T) {
	version := FileVersion{FileVersionMini: *aFile().FileVersion}
	for _, c := range []struct {
		v     any
		level Level
		want  string
	}{
		{Folder{}, LevelBase, "type id etag"},
		{Folder{}, LevelMini, "type id sequence_id etag name"},
		{Folder{ItemCollection: &ItemCollection{}}, LevelStandard, "type id sequence_id etag name created_at modified_at description size path_collection created_by modified_by trashed_at purged_at content_created_at content_modified_at owned_by shared_link folder_upload_email parent item_status item_collection"},
		{version, LevelBase, "type id"},
		{version, LevelMini, "type id sha1"},
		{version, LevelStandard, "type id sha1 name size created_at modified_at modified_by trashed_at restored_at purged_at uploader_display_name"},
		{User{}, LevelBase, "type id"},
		{User{}, LevelMini, "type id name login"},
		{User{}, LevelStandard, "type id name login created_at modified_at language timezone space_amount space_used max_upload_size status job_title phone address avatar_url notification_email"},
	} {
		if got := keysOf(t, must(View{Level: c.level}.Encode(c.v))); got != c.want {
			t.Errorf("%T at level %d:\n got %s\nwant %s", c.v, c.level, got, c.want)
		}
	}
}

// The fields of a folder go for its items too.
func TestViewOfEntries(t *testing.T) {
	file := aFile()
	folder := &Folder{FolderMini: Root(), ItemCollection: &ItemCollection{TotalCount: 2, Limit: 100,
		Entries: Items{&file, &Folder{FolderMini: FolderMini{Type: TypeFolder, ID: "5", Name: "e"}, Size: 9}}}}
	for _, c := range []struct{ fields, want string }{
		{"item_collection,size", `{"type":"folder","id":"0","etag":null,"size":0,"item_collection":{"total_count":2,"entries":[` +
			`{"type":"file","id":"770001234","etag":"3","size":25000000},` +
			`{"type":"folder","id":"5","etag":null,"size":9}],"offset":0,"limit":100,"order":[]}}`},
		{"size", `{"type":"folder","id":"0","etag":null,"size":0}`},
	} {
		if got := string(must(View{Level: LevelStandard, Fields: ParseFields(c.fields)}.Encode(folder))); got != c.want {
			t.Errorf("fields=%s:\n got %s\nwant %s", c.fields, got, c.want)
		}
	}

	// Without fields the folder is Standard, and its items are Mini.
	var whole struct {
		ItemCollection struct{ Entries []json.RawMessage } `json:"item_collection"`
	}
	if err := json.Unmarshal(must(View{Level: LevelStandard}.Encode(folder)), &whole); err != nil || len(whole.ItemCollection.Entries) != 2 {
		t.Fatalf("%+v, %v", whole, err)
	}
	if got, want := keysOf(t, whole.ItemCollection.Entries[0]), "type id file_version sequence_id etag sha1 name"; got != want {
		t.Errorf("an item inside a folder has %s; want %s", got, want)
	}

	// A list has no form of its own: the view is that of its entries.
	for level, want := range map[Level]string{LevelMini: "type id file_version sequence_id etag sha1 name", LevelBase: "type id etag"} {
		var page ItemsByMarker
		page.Entries = Items{&file}
		text := must(View{Level: level}.Encode(page))
		var got struct{ Entries []json.RawMessage }
		if err := json.Unmarshal(text, &got); err != nil || keysOf(t, got.Entries[0]) != want {
			t.Errorf("level %d: %s, %v; want %s", level, text, err, want)
		}
	}
}

func TestViewEdges(t *testing.T) {
	for _, c := range []struct {
		v    any
		want string
	}{
		{nil, "null"},
		{(*File)(nil), "null"},
		{[]Item{}, "[]"},
		{[]Item{nil}, "[null]"},
		{Items(nil), "[]"},
		{json.RawMessage(`{"a": 1}`), `{"a":1}`}, // bytes are no list
		{PartReply{}, `{"part":{"part_id":"","offset":0,"size":0,"sha1":""}}`}, // knows no levels
	} {
		if got, err := (View{}).Encode(c.v); err != nil || string(got) != c.want {
			t.Errorf("%#v became %s, %v; want %s", c.v, got, err, c.want)
		}
	}
	if _, err := (View{Level: LevelFull}).Encode(File{Metadata: func() {}}); err == nil {
		t.Error("what cannot be written was")
	}
	shown := must(json.Marshal(map[string]any{"item": View{Level: LevelBase}.Show(aFile())}))
	if want := `{"item":{"type":"file","id":"770001234","etag":"3"}}`; string(shown) != want {
		t.Errorf("shown as %s, want %s", shown, want)
	}
}

// A tag that nobody understands would show a key to everybody, or to nobody.
func TestBoxTags(t *testing.T) {
	for _, v := range []any{File{}, FileVersion{}, Folder{}, User{}, OtherItem{}, ItemCollection{}, ItemsByMarker{}, Files{}, FileVersions{}} {
		typ := reflect.TypeOf(v)
		seen := map[string]bool{}
		objects := shapeOf(typ).levelled
		for _, f := range reflect.VisibleFields(typ) {
			if f.Anonymous {
				continue
			}
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" || seen[name] || options != "" && options != "omitzero" {
				t.Errorf("%v.%s has the json tag %q", typ, f.Name, f.Tag.Get("json"))
			}
			seen[name] = true
			level, option, _ := strings.Cut(f.Tag.Get("box"), ",")
			if _, ok := levels[level]; ok != objects || option != "" && option != "items" {
				t.Errorf("%v.%s has the box tag %q", typ, f.Name, f.Tag.Get("box"))
			}
		}
	}
}

// keysOf returns the keys of an object in their order, and fails if one of them
// is there twice.
func keysOf(t *testing.T, data []byte) string {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(data))
	var keys []string
	seen := map[string]bool{}
	if _, err := dec.Token(); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	for dec.More() {
		name := must(dec.Token()).(string)
		if seen[name] {
			t.Fatalf("%s: %s is there twice", data, name)
		}
		seen[name] = true
		keys = append(keys, name)
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
	}
	return strings.Join(keys, " ")
}

func BenchmarkListing(b *testing.B) {
	page := ItemsByMarker{Limit: 1000}
	for range 1000 {
		f := aFile()
		page.Entries = append(page.Entries, &f)
	}
	view := View{Level: LevelMini, Fields: ParseFields("name,size,modified_at,sha1,parent")}
	for b.Loop() {
		if _, err := view.Encode(page); err != nil {
			b.Fatal(err)
		}
	}
}
