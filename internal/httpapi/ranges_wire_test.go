package httpapi_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"

	"boxcar/internal/daemon"
)

// FuzzRanges: whatever a Range and the conditions beside it say, what comes is the
// file, or pieces of it that are where they are said to be, and not more than the
// file in all; or a refusal.
func FuzzRanges(f *testing.F) {
	w := start(f, func(c *daemon.Config) { c.Log = slog.New(slog.DiscardHandler) })
	body := noise(3*partSize + 17)
	file := w.upload(f, "a", body)
	link := w.do(f, "GET", "/2.0/files/"+file.ID+"/content", nil).want(302).header.Get("Location")
	etag := `"` + file.SHA1 + `"`
	for _, r := range []string{
		"", "bytes=0-", "bytes=1023-1024", "bytes=-1", "bytes=-0", "bytes=0-0,-1", "bytes=3088-", "bytes=3089-", "bytes=2-1", "bytes=0-9,5-14,1000-2100", "bytes=0-99999999999999999999", "bytes= 1 - 2 ",
		"lines=1-2", "bytes=", "bytes=,", "bytes=0-0,0-0,0-0,0-0", "bytes=" + strings.Repeat("0-,", 50), "BYTES=0-1", "bytes=-9999", "bytes=1-1,9999-", "bytes=0x1-2", "bytes=+1-2",
	} {
		f.Add(r, "", "", false)
		f.Add(r, etag, "Sat, 29 Oct 2094 19:43:31 GMT", true)
	}
	f.Add("bytes=0-1", "W/"+etag, "Sat, 29 Oct 1994 19:43:31 GMT", false)
	f.Add("bytes=0-1", `"other"`, "0", false)
	f.Fuzz(func(t *testing.T, ranges, ifRange, since string, inQuery bool) {
		for _, v := range []string{ranges, ifRange, since} {
			if !httpguts.ValidHeaderFieldValue(v) {
				return // refused by net/http
			}
		}
		req := w.request(t, "GET", link, nil, "If-Range", ifRange, "If-Modified-Since", since, "Accept-Encoding", "identity")
		if inQuery {
			q := req.URL.Query()
			q.Set("range", ranges)
			req.URL.RawQuery = q.Encode()
		} else if ranges != "" {
			req.Header.Set("Range", ranges)
		}
		resp, err := w.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got := read(t, fmt.Sprintf("range %q, if %q since %q", ranges, ifRange, since), resp)
		pieces := 0
		piece := func(h http.Header, b []byte) {
			t.Helper()
			var from, to, size int
			if n, err := fmt.Sscanf(h.Get("Content-Range"), "bytes %d-%d/%d", &from, &to, &size); n != 3 || err != nil || size != len(body) || from < 0 || to < from || to >= size || !bytes.Equal(b, body[from:to+1]) {
				t.Errorf("%s: %d bytes are said to be %q", got, len(b), h.Get("Content-Range"))
			}
			pieces += len(b)
		}
		switch got.status {
		case 200:
			if !bytes.Equal(got.body, body) {
				t.Errorf("%s: the file is %d bytes", got, len(got.body))
			}
		case 206:
			kind, params, err := mime.ParseMediaType(got.header.Get("Content-Type"))
			if err != nil || kind != "multipart/byteranges" {
				piece(got.header, got.body)
				break
			}
			for form := multipart.NewReader(bytes.NewReader(got.body), params["boundary"]); ; {
				p, err := form.NextPart()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("%s: %v", got, err)
				}
				piece(http.Header(p.Header), must(io.ReadAll(p)))
			}
		case 304:
			if len(got.body) > 0 {
				t.Errorf("%s: a body", got)
			}
		case 416:
			got.checkError()
		default:
			t.Errorf("%s", got)
		}
		if pieces > len(body) {
			t.Errorf("%s: %d bytes of %d", got, pieces, len(body))
		}
	})
}
