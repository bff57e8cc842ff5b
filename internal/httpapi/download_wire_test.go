package httpapi_test

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestDownload(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	data := noise(3*partSize + 100)
	n := len(data)
	f := w.upload(t, "Data", data)
	path := "/2.0/files/" + f.ID + "/content"

	t.Run("9 GET /files/ID/content: 302 with an absolute Location and no bytes", func(t *testing.T) {
		for _, method := range []string{"GET", "HEAD"} {
			r := w.do(t, method, path, nil).empty(302)
			if to := r.header.Get("Location"); !strings.HasPrefix(to, w.URL+"/") {
				t.Errorf("Location is %q", to)
			}
		}
		w.do(t, "GET", path, nil, "Range", "bytes=0-9", "Content-Type", "application/json").empty(302)
	})
	url := w.contentURL(t, f.ID, "")
	t.Run("9 the target authorises itself, and tolerates any Authorization", func(t *testing.T) {
		for _, authorization := range []string{"", "Bearer " + w.token, "Bearer nonsense", "Basic eA=="} {
			r := w.do(t, "GET", url, nil, "Authorization", authorization).want(200)
			if !bytes.Equal(r.body, data) {
				t.Errorf("%d other bytes", len(r.body))
			}
		}
	})
	t.Run("9 Content-Length, Content-Disposition, nosniff", func(t *testing.T) {
		for _, method := range []string{"GET", "HEAD"} {
			r := w.do(t, method, url, nil).want(200)
			for name, want := range map[string]string{
				"Content-Length": fmt.Sprint(n), "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream", "X-Content-Type-Options": "nosniff",
			} {
				if got := r.header.Get(name); got != want {
					t.Errorf("%s: %s is %q, want %q", method, name, got, want)
				}
			}
			if method == "HEAD" && len(r.body) != 0 {
				t.Errorf("HEAD has %d bytes", len(r.body))
			}
		}
	})
	t.Run("9 If-Match and If-Unmodified-Since that do not hold: 412, with a body", func(t *testing.T) {
		for name, value := range map[string]string{"If-Match": `"other"`, "If-Unmodified-Since": "Sat, 29 Oct 1994 19:43:31 GMT"} {
			r := w.do(t, "GET", url, nil, name, value)
			r.refused(412, "precondition_failed")
			if got := r.header.Get("Content-Disposition"); got != "" {
				t.Errorf("%s: %v", name, r)
			}
			w.do(t, "HEAD", url, nil, name, value).want(412)
		}
		w.do(t, "GET", url, nil, "If-Match", `"`+f.SHA1+`"`).want(200)
	})
	for _, row := range []struct {
		name, header string
		first, last  int
	}{
		{"the first byte", "bytes=0-0", 0, 0},
		{"the first part", "bytes=0-1023", 0, 1023},
		{"over the end of a part", "bytes=1000-1100", 1000, 1100},
		{"over several parts", "bytes=1-3071", 1, 3071},
		{"from the middle on", "bytes=2048-", 2048, n - 1},
		{"beyond the end", "bytes=3000-999999", 3000, n - 1},
		{"the last byte", fmt.Sprintf("bytes=%d-", n-1), n - 1, n - 1},
		{"a suffix", "bytes=-200", n - 200, n - 1},
		{"a suffix longer than the file", "bytes=-999999", 0, n - 1},
		{"all of it", "bytes=0-", 0, n - 1},
	} {
		t.Run("9 Range, "+row.name+": 206 and Content-Range", func(t *testing.T) {
			for _, method := range []string{"GET", "HEAD"} {
				r := w.do(t, method, url, nil, "Range", row.header).want(206)
				if got, want := r.header.Get("Content-Range"), contentRange(int64(row.first), int64(row.last), int64(n)); got != want {
					t.Errorf("Content-Range is %q, want %q", got, want)
				}
				if got := r.header.Get("Content-Length"); got != fmt.Sprint(row.last-row.first+1) {
					t.Errorf("Content-Length is %q", got)
				}
				if method == "GET" && !bytes.Equal(r.body, data[row.first:row.last+1]) {
					t.Errorf("%d other bytes", len(r.body))
				}
			}
		})
	}
	t.Run("9 Range on the first request applies, sent again or not", func(t *testing.T) {
		to := w.do(t, "GET", path, nil, "Range", "bytes=5-9").empty(302).header.Get("Location")
		for _, row := range []struct {
			again       string
			first, last int
		}{{"", 5, 9}, {"bytes=5-9", 5, 9}, {"bytes=20-29", 20, 29}} {
			r := w.do(t, "GET", to, nil, "Range", row.again).want(206)
			if got, want := r.header.Get("Content-Range"), contentRange(int64(row.first), int64(row.last), int64(n)); got != want || !bytes.Equal(r.body, data[row.first:row.last+1]) {
				t.Errorf("%q: Content-Range is %q, want %q", row.again, got, want)
			}
		}
		beyond := w.do(t, "GET", path, nil, "Range", "bytes=999999-").empty(302).header.Get("Location")
		w.do(t, "GET", beyond, nil).refused(416, "range_not_satisfiable")
	})
	t.Run("9 Range, several: multipart/byteranges", func(t *testing.T) {
		r := w.do(t, "GET", url, nil, "Range", "bytes=0-9,1020-1030,-5").want(206)
		kind, params, err := mime.ParseMediaType(r.header.Get("Content-Type"))
		if err != nil || kind != "multipart/byteranges" {
			t.Fatalf("%v", r)
		}
		parts := multipart.NewReader(bytes.NewReader(r.body), params["boundary"])
		for _, want := range [][2]int{{0, 9}, {1020, 1030}, {n - 5, n - 1}} {
			p, err := parts.NextPart()
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(p)
			if got := p.Header.Get("Content-Range"); err != nil || got != contentRange(int64(want[0]), int64(want[1]), int64(n)) || !bytes.Equal(b, data[want[0]:want[1]+1]) {
				t.Errorf("part %q has %d bytes, %v", got, len(b), err)
			}
		}
	})
	t.Run("9 Range, not satisfiable: 416 with Content-Range", func(t *testing.T) {
		for _, header := range []string{fmt.Sprintf("bytes=%d-", n), "bytes=999999-", "bytes=-0"} {
			r := w.do(t, "GET", url, nil, "Range", header)
			r.refused(416, "range_not_satisfiable")
			if got := r.header.Get("Content-Range"); got != fmt.Sprint("bytes */", n) {
				t.Errorf("Content-Range is %q", got)
			}
		}
	})
	t.Run("9 a version that was replaced goes on, and ?version= asks for one", func(t *testing.T) {
		second := []byte("second")
		got := w.post(t, path, newForm().file(second)).file()
		if !bytes.Equal(w.do(t, "GET", url, nil).want(200).body, data) {
			t.Error("a content URL follows its file to another version")
		}
		for version, want := range map[string][]byte{"": second, got.FileVersion.ID: second, f.FileVersion.ID: data} {
			to := w.contentURL(t, f.ID, "?version="+version)
			if !bytes.Equal(w.do(t, "GET", to, nil, "Authorization", "").want(200).body, want) {
				t.Errorf("version %q has other bytes", version)
			}
		}
		other := w.simple(t, "other", "x").file()
		for _, version := range []string{"990017", "x", other.FileVersion.ID, f.ID} {
			w.do(t, "GET", path+"?version="+version, nil).refused(404, "not_found")
		}
	})
	t.Run("9 ?access_token= applies to content, and to nothing else", func(t *testing.T) {
		w.do(t, "GET", path+"?access_token="+w.token, nil, "Authorization", "").empty(302)
		w.do(t, "GET", path+"?access_token=nonsense", nil, "Authorization", "").empty(401)
		w.do(t, "GET", path+"?access_token=", nil, "Authorization", "").empty(401)
		for _, other := range []string{"/2.0/files/" + f.ID, "/2.0/users/me", "/2.0/folders/0"} {
			w.do(t, "GET", other+"?access_token="+w.token, nil, "Authorization", "").empty(401)
		}
		w.do(t, "POST", path+"?access_token="+w.token, nil, "Authorization", "").empty(401)
	})
	t.Run("4 somebody else's file, and what is no file: 404", func(t *testing.T) {
		w.user(t, "other@example.net", 0).do(t, "GET", path, nil).refused(404, "not_found")
		w.do(t, "GET", "/2.0/files/990017/content", nil).refused(404, "not_found")
		w.do(t, "GET", "/2.0/files/"+w.folder(t, "0", "folder")+"/content", nil).refused(404, "not_found")
	})
	t.Run("9 a tampered URL: 404, and no bytes", func(t *testing.T) {
		at := strings.LastIndexByte(url, '/') + 1
		for i := at; i < len(url); i += 3 {
			c := byte('A')
			if url[i] == c {
				c = 'B'
			}
			w.do(t, "GET", url[:i]+string(c)+url[i+1:], nil).refused(404, "not_found")
		}
		for _, bad := range []string{url + "A", url[:len(url)-1], url[:at] + strings.Repeat("A", len(url)-at), url[:at] + "x"} {
			w.do(t, "GET", bad, nil).refused(404, "not_found")
		}
		w.do(t, "POST", url, nil).refused(405, "method_not_allowed")
	})
	t.Run("9 a URL is good for 15 minutes", func(t *testing.T) {
		fresh := w.contentURL(t, f.ID, "")
		w.Clock.Add(14*time.Minute + 50*time.Second)
		w.do(t, "GET", fresh, nil).want(200)
		w.Clock.Add(11 * time.Second)
		w.do(t, "GET", fresh, nil).refused(404, "not_found")
	})
	t.Run("10 a file in the trash: neither a new URL nor an old one works", func(t *testing.T) {
		fresh := w.contentURL(t, f.ID, "")
		w.do(t, "DELETE", "/2.0/files/"+f.ID, nil).empty(204)
		w.do(t, "GET", path, nil).refused(404, "trashed")
		w.do(t, "GET", fresh, nil).refused(404, "trashed")
	})
}

func TestContentURLs(t *testing.T) {
	sharing(t, map[string]func(*testing.T, *wire){
		"DownloadOfNothing":  testDownloadOfNothing,
		"ContentDisposition": testContentDisposition,
	})
}

func testDownloadOfNothing(t *testing.T, w *wire) {
	f := w.simple(t, "empty", "").file()
	url := w.contentURL(t, f.ID, "")
	for _, method := range []string{"GET", "HEAD"} {
		r := w.do(t, method, url, nil).want(200)
		if len(r.body) != 0 || r.header.Get("Content-Length") != "0" {
			t.Errorf("%v: want an empty body", r)
		}
	}
	if r := w.do(t, "GET", url, nil, "Range", "bytes=0-"); r.status != http.StatusOK && r.status != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("%v: want 200, or 416", r)
	}
}

func testContentDisposition(t *testing.T, w *wire) {
	for name, kind := range map[string]string{
		"plain.txt":             "", // a matter of the system
		`"quoted" & 'single'`:   "application/octet-stream",
		"Größe €.pdf":           "application/pdf",
		"日本語.html":              "text/html; charset=utf-8",
		"emoji 👩‍👩‍👧":           "application/octet-stream",
		"a; filename=b.exe":     "",
		"100%41.PNG":            "image/png",
		" leading, and * (one)": "application/octet-stream",
		"e\u0301":               "application/octet-stream",
		"no:colon?":             "application/octet-stream",
	} {
		t.Run("9 Content-Disposition with the file name: "+name, func(t *testing.T) {
			f := w.simple(t, name, "x").file()
			r := w.do(t, "GET", w.contentURL(t, f.ID, ""), nil).want(200)
			disposition, params, err := mime.ParseMediaType(r.header.Get("Content-Disposition"))
			if err != nil || disposition != "attachment" || params["filename"] != name {
				t.Errorf("Content-Disposition %q names %q (%v)", r.header.Get("Content-Disposition"), params["filename"], err)
			}
			// Old clients read only this one; it must not break the header.
			if plain, _, _ := strings.Cut(r.header.Get("Content-Disposition"), "; filename*="); strings.Count(plain, `"`) != 2 {
				t.Errorf("plain name in %q", plain)
			}
			if got := r.header.Get("Content-Type"); got != kind && kind != "" {
				t.Errorf("Content-Type is %q, want %q", got, kind)
			}
			if r.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%v: want nosniff", r)
			}
		})
	}
}
