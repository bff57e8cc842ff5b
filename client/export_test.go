package client

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"time"
)

// FakeServer is a fakeBox for examples, which has what was uploaded at /bytes.
func FakeServer() (c *Client, stop func()) {
	f := newFakeBox()
	f.partSize = 1 << 20
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, ok := strings.CutPrefix(r.URL.Path, "/bytes/"); ok {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.files[id].now().data))
			return
		}
		if at, ok := strings.CutSuffix(r.URL.Path, "/content"); ok && r.Method == http.MethodGet {
			http.Redirect(w, r, "/bytes/"+path.Base(at), http.StatusFound)
			return
		}
		resp, err := f.RoundTrip(r)
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		for name, values := range resp.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
	}))
	c, err := New(Config{URLs: At(server.URL), Tokens: StaticToken("t")})
	if err != nil {
		panic(err)
	}
	return c, server.Close
}
