package httpapi_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// sharing runs tests side by side on one server, each as a user of its own. The
// clock is not theirs to turn.
func sharing(t *testing.T, tests map[string]func(*testing.T, *wire)) {
	t.Parallel()
	w := start(t, nil)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, w.user(t, name+"@example.net", 0))
		})
	}
}

// until waits for something that goes on by itself.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited too long: %s", what)
		}
	}
}

// send sends a request that was made by request and then changed.
func (w *wire) send(t testing.TB, req *http.Request) *reply {
	t.Helper()
	resp, err := w.http.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	return read(t, req.Method+" "+req.URL.String(), resp)
}

// entry is the one file of a reply to an upload, with all its keys.
func (r *reply) entry() map[string]any {
	r.t.Helper()
	r.file()
	return r.object()["entries"].([]any)[0].(map[string]any)
}

// pastVersions is how many versions a file has besides its current one.
func (w *wire) pastVersions(t testing.TB, fileID string) int {
	t.Helper()
	var list struct {
		TotalCount int `json:"total_count"`
	}
	w.do(t, "GET", "/2.0/files/"+fileID+"/versions", nil).want(200).decode(&list)
	return list.TotalCount
}

// names lists the root.
func (w *wire) names(t testing.TB) (names []string) {
	t.Helper()
	var list struct{ Entries []struct{ Name string } }
	w.do(t, "GET", "/2.0/folders/0/items?limit=1000", nil).want(200).decode(&list)
	for _, e := range list.Entries {
		names = append(names, e.Name)
	}
	return names
}

// download is the bytes of a file.
func (w *wire) download(t testing.TB, fileID string) []byte {
	t.Helper()
	return w.do(t, "GET", w.contentURL(t, fileID, ""), nil, "Authorization", "").want(200).body
}

// contentURL is where the bytes of a file are.
func (w *wire) contentURL(t testing.TB, fileID, query string) string {
	t.Helper()
	return w.do(t, "GET", "/2.0/files/"+fileID+"/content"+query, nil).empty(302).header.Get("Location")
}

// used is how much of the user's quota the files take.
func (w *wire) used(t testing.TB) string {
	t.Helper()
	return w.do(t, "GET", "/2.0/users/me", nil).want(200).object()["space_used"].(json.Number).String()
}

// checkKeys compares the keys of an object with those it should have, in words.
func checkKeys(t testing.TB, what string, o map[string]any, want string) {
	t.Helper()
	got, all := slices.Sorted(maps.Keys(o)), strings.Fields(want)
	if slices.Sort(all); !slices.Equal(got, all) {
		t.Errorf("%s has the keys\n%q, want\n%q", what, got, all)
	}
}

// The keys of a file, by how readily they are shown.
const (
	fileBase     = "type id etag "
	fileMini     = fileBase + "sequence_id name sha1 file_version "
	fileStandard = fileMini + "description size path_collection created_at modified_at trashed_at purged_at content_created_at content_modified_at " +
		"created_by modified_by owned_by shared_link parent item_status "

	folderBase     = "type id etag "
	folderMini     = folderBase + "sequence_id name "
	folderStandard = folderMini + "created_at modified_at description size path_collection created_by modified_by trashed_at purged_at " +
		"content_created_at content_modified_at owned_by shared_link folder_upload_email parent item_status item_collection "
)

var (
	wireTime   = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$`)
	wireNumber = regexp.MustCompile(`^\d+$`)
	wireSHA1   = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// checkStandard is for what every file in its Standard form has to have.
func checkStandard(t testing.TB, f map[string]any) {
	t.Helper()
	checkKeys(t, "a file", f, fileStandard)
	text := func(key string, like *regexp.Regexp) {
		t.Helper()
		if s, ok := f[key].(string); !ok || !like.MatchString(s) {
			t.Errorf("%s is %#v, want a string like %s", key, f[key], like)
		}
	}
	for _, key := range []string{"created_at", "modified_at", "content_created_at", "content_modified_at"} {
		text(key, wireTime)
	}
	for _, key := range []string{"id", "etag", "sequence_id"} {
		text(key, wireNumber)
	}
	text("sha1", wireSHA1)
	if n, ok := f["size"].(json.Number); !ok || !wireNumber.MatchString(n.String()) {
		t.Errorf("size is %#v, want a plain integer", f["size"])
	}
	if f["type"] != "file" || f["etag"] != f["sequence_id"] {
		t.Errorf("type %v, etag %v, sequence_id %v", f["type"], f["etag"], f["sequence_id"])
	}
	v, _ := f["file_version"].(map[string]any)
	checkKeys(t, "file_version", v, "type id sha1")
	if v["type"] != "file_version" || v["sha1"] != f["sha1"] || v["id"] == f["id"] {
		t.Errorf("file_version is %v", v)
	}
	for _, key := range []string{"created_by", "modified_by", "owned_by"} {
		u, _ := f[key].(map[string]any)
		checkKeys(t, key, u, "type id name login")
	}
	parent, _ := f["parent"].(map[string]any)
	checkKeys(t, "parent", parent, folderMini)
	path, _ := f["path_collection"].(map[string]any)
	checkKeys(t, "path_collection", path, "total_count entries")
	entries, _ := path["entries"].([]any)
	if n, ok := path["total_count"].(json.Number); !ok || n.String() != toText(len(entries)) || len(entries) == 0 {
		t.Errorf("path_collection is %v", path)
		return
	}
	for _, e := range entries {
		folder, _ := e.(map[string]any)
		checkKeys(t, "a folder of the path", folder, folderMini)
	}
}

// toText is n as JSON has it.
func toText(n int) string { return string(must(json.Marshal(n))) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
