package httpapi_test

import (
	"bytes"
	"encoding/json"
	"testing"
)

// form is a multipart body, written by hand so that it can be odd.
type form struct {
	boundary string
	body     bytes.Buffer
}

func newForm() *form { return &form{boundary: "the-boundary"} }

// add adds a part; header is all its lines, each ending in \r\n.
func (f *form) add(header string, content []byte) *form {
	f.body.WriteString("--" + f.boundary + "\r\n" + header + "\r\n")
	f.body.Write(content)
	f.body.WriteString("\r\n")
	return f
}

// attributes adds the part of that name, as JSON.
func (f *form) attributes(v any) *form {
	text, ok := v.(string)
	if !ok {
		text = string(must(json.Marshal(v)))
	}
	return f.add("Content-Disposition: form-data; name=\"attributes\"\r\n", []byte(text))
}

// file adds a file part as most clients write it.
func (f *form) file(content []byte) *form {
	return f.add("Content-Disposition: form-data; name=\"file\"; filename=\"unused\"\r\nContent-Type: application/octet-stream\r\n", content)
}

// end is the whole body.
func (f *form) end() []byte {
	return append(bytes.Clone(f.body.Bytes()), "--"+f.boundary+"--\r\n"...)
}

// post sends a form.
func (w *wire) post(t testing.TB, path string, f *form, headers ...string) *reply {
	t.Helper()
	return w.do(t, "POST", path, f.end(), append([]string{"Content-Type", "multipart/form-data; boundary=" + f.boundary}, headers...)...)
}

// simple uploads a new file to the root in one request.
func (w *wire) simple(t testing.TB, name, content string) *reply {
	t.Helper()
	return w.post(t, "/2.0/files/content", newForm().attributes(fields{"name": name, "parent": fields{"id": "0"}}).file([]byte(content)))
}
