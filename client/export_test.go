package client

import (
	"io"
	"net/http"
	"net/http/httptest"
)

// FakeServer is a fakeBox for examples.
func FakeServer() (c *Client, stop func()) {
	f := newFakeBox()
	f.partSize = 1 << 20
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
