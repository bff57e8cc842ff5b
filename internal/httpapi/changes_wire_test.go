package httpapi_test

import "testing"

func TestUpdateFile(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	f := w.simple(t, "Report.PDF", "12345").file()
	to := w.folder(t, "0", "to")
	path := "/2.0/files/" + f.ID
	etag := func(t *testing.T, got map[string]any, want string) {
		t.Helper()
		same(t, "etag", got["etag"], want)
		same(t, "sequence_id", got["sequence_id"], want)
	}
	got := w.do(t, "PUT", path, fields{"name": "Other.pdf", "parent": fields{"id": to}, "description": "new"}).want(200).object()
	same(t, "name", got["name"], "Other.pdf")
	same(t, "description", got["description"], "new")
	etag(t, got, "1")
	w.do(t, "PUT", path, fields{"name": "Late.pdf"}, "If-Match", "0").refused(412, "precondition_failed")
	etag(t, w.do(t, "PUT", path, fields{"lock": fields{"type": "lock"}, "collections": []fields{}}).want(200).object(), "1")
}
