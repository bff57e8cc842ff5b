package httpapi_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	_ "image/jpeg"
	"image/png"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"boxcar/internal/daemon"
)

// picture is a PNG of one colour.
func picture(t testing.TB, width, height int) string {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(img, img.Bounds(), image.NewUniform(color.RGBA{0x30, 0x90, 0xf0, 0xff}), image.Point{}, draw.Src)
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// bomb is a PNG whose head claims 60000 by 60000 pixels.
func bomb(t testing.TB) string {
	b := []byte(picture(t, 10, 10))
	binary.BigEndian.PutUint32(b[16:], 60000)
	binary.BigEndian.PutUint32(b[20:], 60000)
	// The head has a checksum of its own.
	binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29]))
	return string(b)
}

// image checks a reply that is a picture.
func (r *reply) image(format string, width, height int) {
	r.t.Helper()
	r.want(200)
	img, got, err := image.DecodeConfig(bytes.NewReader(r.body))
	if err != nil || got != format || img.Width != width || img.Height != height {
		r.t.Errorf("%s: %q of %d by %d (%v), want %q of %d by %d", r.what, got, img.Width, img.Height, err, format, width, height)
	}
	for name, want := range map[string]string{
		"Content-Type": "image/" + format, "Content-Length": fmt.Sprint(len(r.body)), "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "sandbox; default-src 'none'",
	} {
		if got := r.header.Get(name); got != want {
			r.t.Errorf("%s: %s is %q, want %q", r.what, name, got, want)
		}
	}
}

func TestPreviews(t *testing.T) {
	sharing(t, map[string]func(*testing.T, *wire){
		"Thumbnails":          testThumbnails,
		"Placeholders":        testPlaceholders,
		"Representations":     testRepresentations,
		"RepresentationHints": testRepresentationHints,
	})
}

func testThumbnails(t *testing.T, w *wire) {
	f := w.simple(t, "wide.png", picture(t, 640, 480)).file()
	path := "/2.0/files/" + f.ID + "/thumbnail"

	t.Run("9 200 and the image, in the size that fits", func(t *testing.T) {
		for query, want := range map[string][2]int{
			".png": {256, 192}, ".png?max_width=100&max_height=100": {64, 48}, ".png?min_width=32&min_height=32": {32, 24},
			".png?min_height=": {256, 192},
		} {
			w.do(t, "GET", path+query, nil).image("png", want[0], want[1])
		}
		for query, want := range map[string][2]int{
			".jpg": {320, 240}, ".jpg?min_width=33": {94, 71}, ".jpg?min_height=160&max_height=319": {160, 120},
		} {
			w.do(t, "GET", path+query, nil).image("jpeg", want[0], want[1])
		}
	})
	t.Run("9 HEAD", func(t *testing.T) {
		r := w.do(t, "HEAD", path+".png", nil).want(200)
		if len(r.body) != 0 || r.header.Get("Content-Type") != "image/png" || r.header.Get("Content-Length") == "0" {
			t.Errorf("%v", r)
		}
	})
	t.Run("9 400 requested_preview_unavailable", func(t *testing.T) {
		for _, query := range []string{".png?min_width=257", ".jpg?max_width=31", ".jpg?min_height=321", ".png?min_width=40&max_height=50", ".png?min_width=99999999999999999999"} {
			w.do(t, "GET", path+query, nil).refused(400, "requested_preview_unavailable")
		}
	})
	t.Run("9 400 bad_request", func(t *testing.T) {
		for _, query := range []string{".png?min_width=x", ".jpg?max_width=0", ".png?min_height=-32", ".png?max_height=%2b64"} {
			w.do(t, "GET", path+query, nil).refused(400, "bad_request")
		}
	})
	t.Run("9 the bytes decide, not the name", func(t *testing.T) {
		misnamed := w.simple(t, "picture.txt", picture(t, 40, 80)).file()
		w.do(t, "GET", "/2.0/files/"+misnamed.ID+"/thumbnail.jpg", nil).image("jpeg", 40, 80)
		text := w.simple(t, "text.png", "a text").file()
		w.do(t, "GET", "/2.0/files/"+text.ID+"/thumbnail.jpg", nil).empty(302)
	})
	t.Run("9 404 preview_cannot_be_generated: a bomb, and what is damaged", func(t *testing.T) {
		for name, data := range map[string]string{"bomb.png": bomb(t), "cut.png": picture(t, 500, 500)[:200]} {
			bad := w.simple(t, name, data).file()
			for range 2 {
				w.do(t, "GET", "/2.0/files/"+bad.ID+"/thumbnail.png", nil).refused(404, "preview_cannot_be_generated")
			}
		}
	})
	t.Run("9 a picture that went up in parts, and its next version", func(t *testing.T) {
		data := []byte(picture(t, 1500, 1000))
		parted := w.upload(t, "parted.png", data)
		at := "/2.0/files/" + parted.ID + "/thumbnail.png?min_width=64"
		w.do(t, "GET", at, nil).image("png", 64, 43)
		w.post(t, "/2.0/files/"+parted.ID+"/content", newForm().file([]byte(picture(t, 100, 300)))).file()
		w.do(t, "GET", at, nil).image("png", 21, 64)
	})
	t.Run("4 not there, somebody else's, in the trash", func(t *testing.T) {
		w.do(t, "GET", "/2.0/files/990017/thumbnail.png", nil).refused(404, "not_found")
		w.do(t, "GET", "/2.0/files/x/thumbnail.png", nil).refused(404, "not_found")
		w.do(t, "GET", "/2.0/files/"+f.ID+"/thumbnail.gif", nil).refused(404, "not_found")
		w.user(t, "nosy@example.net", 0).do(t, "GET", path+".png", nil).refused(404, "not_found")
		w.do(t, "POST", path+".png", nil).refused(405, "method_not_allowed")
		trashed := w.simple(t, "trashed.png", picture(t, 40, 40)).file()
		w.do(t, "GET", "/2.0/files/"+trashed.ID+"/thumbnail.png", nil).want(200)
		w.do(t, "DELETE", "/2.0/files/"+trashed.ID, nil).empty(204)
		w.do(t, "GET", "/2.0/files/"+trashed.ID+"/thumbnail.png", nil).refused(404, "trashed")
	})
	t.Run("3 401, and ?access_token=", func(t *testing.T) {
		for _, ext := range []string{".png", ".jpg"} {
			w.do(t, "GET", path+ext, nil, "Authorization", "").empty(401)
			w.do(t, "GET", path+ext+"?access_token=nonsense", nil, "Authorization", "").empty(401)
			w.do(t, "GET", path+ext+"?access_token="+w.token, nil, "Authorization", "").want(200)
			w.do(t, "HEAD", path+ext+"?access_token="+w.token, nil, "Authorization", "").want(200)
		}
	})
}

func testPlaceholders(t *testing.T, w *wire) {
	for name, want := range map[string]string{
		"a.mp3": "audio", "b.pdf": "pdf", "c": "file", "d.zip": "archive", "e.TXT": "text", "f.mov": "video", "g.heic": "image",
	} {
		t.Run("9 302 to a placeholder that anyone may have: "+name, func(t *testing.T) {
			f := w.simple(t, name, "no picture").file()
			for _, method := range []string{"GET", "HEAD"} {
				r := w.do(t, method, "/2.0/files/"+f.ID+"/thumbnail.png", nil).empty(302)
				if got := r.header.Get("Location"); got != w.URL+"/placeholders/"+want+".png" {
					t.Fatalf("Location is %q", got)
				}
			}
			// Not through do: what is the same for everybody may be cached.
			resp, err := w.http.Do(w.request(t, "GET", "/placeholders/"+want+".png", nil, "Authorization", ""))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			if _, err2 := png.Decode(bytes.NewReader(b)); err != nil || err2 != nil || resp.StatusCode != 200 ||
				resp.Header.Get("Content-Type") != "image/png" || resp.Header.Get("Cache-Control") != "public, max-age=86400" || len(resp.Header.Values("BOX-REQUEST-ID")) != 1 {
				t.Errorf("%v %v: %d %v", err, err2, resp.StatusCode, resp.Header)
			}
		})
	}
	t.Run("9 no placeholder", func(t *testing.T) {
		for _, name := range []string{"x.png", "file", "file.jpg", ".png"} {
			w.do(t, "GET", "/placeholders/"+name, nil).refused(404, "not_found")
		}
	})
	t.Run("9 a placeholder is https where clients come by https", func(t *testing.T) {
		w := start(t, func(c *daemon.Config) { c.PublicURL = "https://box.example" })
		w.URL = "http://" + w.Addr()
		f := w.simple(t, "a", "no picture").file()
		if got := w.do(t, "GET", "/2.0/files/"+f.ID+"/thumbnail.png", nil).empty(302).header.Get("Location"); got != "https://box.example/placeholders/file.png" {
			t.Errorf("Location is %q", got)
		}
	})
}

func TestThumbnailsWhenMakersAreBusy(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *daemon.Config) { c.Previews.Wait = time.Nanosecond })
	f := w.simple(t, "a.png", picture(t, 40, 40)).file()
	t.Run("9 202 with Retry-After and a placeholder for the time being", func(t *testing.T) {
		r := w.do(t, "GET", "/2.0/files/"+f.ID+"/thumbnail.png", nil).empty(202)
		if r.header.Get("Location") != w.URL+"/placeholders/image.png" || !wireNumber.MatchString(r.header.Get("Retry-After")) {
			t.Errorf("%v", r)
		}
	})
}

func TestPreviewsFromPages(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *daemon.Config) { c.AllowOrigins = []string{page} })
	f, text := w.simple(t, "a.png", picture(t, 40, 40)).file(), w.simple(t, "a.txt", "a text").file()
	url := w.representations(t, "/2.0/files/"+f.ID+"?fields=representations")[0].Info.URL
	t.Run("13 thumbnails, placeholders and representations", func(t *testing.T) {
		for path, status := range map[string]int{
			"/2.0/files/" + f.ID + "/thumbnail.png": 200, "/2.0/files/" + text.ID + "/thumbnail.png": 302, "/2.0/files/990017/thumbnail.jpg": 404,
			url: 200, url + "/content/1.jpg": 200, "/placeholders/none.png": 404,
		} {
			w.do(t, "GET", path, nil, "Origin", page).want(status).readable(page)
			w.do(t, "GET", path, nil, "Origin", evil).want(status).noCORS()
		}
	})
}

// representation is what a client knows of one.
type representation struct {
	Representation string
	Properties     map[string]string
	Info           struct{ URL string }
	Status         struct{ State string }
	Content        struct {
		URLTemplate string `json:"url_template"`
	}
}

// is is a short form to compare.
func (r representation) is() string {
	return strings.Join([]string{r.Representation, r.Properties["dimensions"], r.Status.State}, " ")
}

func (w *wire) representations(t *testing.T, path string, headers ...string) []representation {
	t.Helper()
	var f struct {
		Representations *struct{ Entries []representation }
	}
	w.do(t, "GET", path, nil, headers...).want(200).decode(&f)
	if f.Representations == nil {
		t.Fatal("no representations")
	}
	return f.Representations.Entries
}

func testRepresentations(t *testing.T, w *wire) {
	f := w.simple(t, "wide.png", picture(t, 640, 480)).file()
	path := "/2.0/files/" + f.ID
	t.Run("6 representations only where they are asked for", func(t *testing.T) {
		if _, ok := w.do(t, "GET", path, nil, "X-Rep-Hints", "[jpg?dimensions=32x32]").want(200).object()["representations"]; ok {
			t.Error("a standard file has representations")
		}
	})
	t.Run("7 without hints: whatever there is, and each of them is there", func(t *testing.T) {
		list := w.representations(t, path+"?fields=representations")
		if len(list) != 18 {
			t.Errorf("%d representations", len(list))
		}
		for _, r := range list {
			var width, height int
			fmt.Sscanf(r.Properties["dimensions"], "%dx%d", &width, &height)
			if r.Status.State != "success" || r.Properties["paged"] != "false" || r.Properties["thumb"] != fmt.Sprint(width <= 320) || width != height {
				t.Errorf("%+v", r)
			}
			width = min(width, 640)
			kind := map[string]string{"jpg": "jpeg", "png": "png"}[r.Representation]
			base, ok := strings.CutSuffix(r.Content.URLTemplate, "{+asset_path}")
			if !ok || !strings.HasPrefix(base, w.URL+"/") {
				t.Fatalf("template %q", r.Content.URLTemplate)
			}
			for _, asset := range []string{"", "1." + r.Representation} {
				w.do(t, "GET", base+asset, nil).image(kind, width, (width*480+320)/640)
				w.do(t, "GET", base+asset+"?access_token="+w.token, nil, "Authorization", "").want(200)
				w.do(t, "GET", base+asset, nil, "Authorization", "").empty(401)
			}
			w.do(t, "GET", base+"2."+r.Representation, nil).refused(404, "not_found")
			var info representation
			w.do(t, "GET", r.Info.URL, nil).want(200).decode(&info)
			if fmt.Sprint(info) != fmt.Sprint(r) {
				t.Errorf("info is %+v, entry %+v", info, r)
			}
			w.do(t, "GET", r.Info.URL, nil, "Authorization", "").empty(401)
			w.do(t, "GET", r.Info.URL+"?access_token="+w.token, nil, "Authorization", "").empty(401)
		}
	})
	t.Run("7 set_content_disposition_type and _filename", func(t *testing.T) {
		base := w.representations(t, path+"?fields=representations")[0].Info.URL + "/content/"
		for query, want := range map[string]string{
			"": "", "?set_content_disposition_type=inline": `inline; filename="wide.jpg"; filename*=UTF-8''wide.jpg`,
			"?set_content_disposition_type=attachment&set_content_disposition_filename=a%22b": `attachment; filename="a_b"; filename*=UTF-8''a%22b`,
		} {
			if got := w.do(t, "GET", base+query, nil).want(200).header.Get("Content-Disposition"); got != want {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
		}
		w.do(t, "GET", base+"?set_content_disposition_type=evil", nil).refused(400, "bad_request")
	})
	t.Run("7 a past version has its own", func(t *testing.T) {
		g := w.simple(t, "grows.png", picture(t, 100, 50)).file()
		old := w.representations(t, "/2.0/files/"+g.ID+"?fields=representations", "X-Rep-Hints", "[png?dimensions=64x64]")[0]
		w.post(t, "/2.0/files/"+g.ID+"/content", newForm().file([]byte(picture(t, 50, 100)))).file()
		fresh := w.representations(t, "/2.0/files/"+g.ID+"?fields=representations", "X-Rep-Hints", "[png?dimensions=64x64]")[0]
		w.do(t, "GET", strings.TrimSuffix(old.Content.URLTemplate, "{+asset_path}"), nil).image("png", 64, 32)
		w.do(t, "GET", strings.TrimSuffix(fresh.Content.URLTemplate, "{+asset_path}"), nil).image("png", 32, 64)
		w.do(t, "GET", strings.Replace(old.Info.URL, g.ID, f.ID, 1), nil).refused(404, "not_found")
	})
	t.Run("4 somebody else, and the trash", func(t *testing.T) {
		g := w.simple(t, "going.png", picture(t, 100, 50)).file()
		r := w.representations(t, "/2.0/files/"+g.ID+"?fields=representations")[0]
		other := w.user(t, "reps@example.net", 0)
		for _, url := range []string{r.Info.URL, r.Info.URL + "/content"} {
			other.do(t, "GET", url, nil).refused(404, "not_found")
		}
		w.do(t, "DELETE", "/2.0/files/"+g.ID, nil).empty(204)
		for _, url := range []string{r.Info.URL, r.Info.URL + "/content"} {
			w.do(t, "GET", url, nil).refused(404, "trashed")
		}
		if list := w.representations(t, "/2.0/files/"+g.ID+"?fields=representations"); len(list) != 0 {
			t.Errorf("in the trash: %v", list)
		}
	})
	t.Run("6 in lists", func(t *testing.T) {
		folder := w.folder(t, "0", "pictures")
		w.post(t, "/2.0/files/content", newForm().attributes(fields{"name": "a.png", "parent": fields{"id": folder}}).file([]byte(picture(t, 9, 9)))).file()
		var list struct {
			Entries []struct {
				Representations struct{ Entries []representation }
			}
		}
		w.do(t, "GET", "/2.0/folders/"+folder+"/items?fields=representations", nil, "X-Rep-Hints", "[jpg?dimensions=320x320&paged=false]").want(200).decode(&list)
		if len(list.Entries) != 1 || len(list.Entries[0].Representations.Entries) != 1 || list.Entries[0].Representations.Entries[0].is() != "jpg 320x320 success" {
			t.Errorf("%+v", list)
		}
	})
}

func testRepresentationHints(t *testing.T, w *wire) {
	f := w.simple(t, "hints.png", picture(t, 64, 64)).file()
	text := w.simple(t, "hints.txt", "a text").file()
	for _, row := range []struct {
		name, hints string
		id          string
		want        []string
	}{
		{"one size", "[jpg?dimensions=320x320]", f.ID, []string{"jpg 320x320 success"}},
		{"two sizes, and the same again", "[png?dimensions=32x32][png?dimensions=64x64][png?dimensions=32x32]", f.ID, []string{"png 32x32 success", "png 64x64 success"}},
		{"Box's own example", "[jpg?dimensions=32x32][jpg?dimensions=64x64]", f.ID, []string{"jpg 32x32 success", "jpg 64x64 success"}},
		{"another form", "[pdf]", f.ID, []string{"pdf  none"}},
		{"what previewers ask for", "[3d][pdf][text][mp3][json][jpg?dimensions=1024x1024&paged=false][jpg?dimensions=2048x2048,png?dimensions=2048x2048][dash,mp4][filmstrip]", f.ID,
			[]string{"3d  none", "pdf  none", "text  none", "mp3  none", "json  none", "jpg 1024x1024 success", "jpg 2048x2048 success", "dash  none", "filmstrip  none"}},
		{"the second of a group", "[dash,png?dimensions=32x32]", f.ID, []string{"png 32x32 success"}},
		{"another size", "[jpg?dimensions=33x33]", f.ID, []string{"jpg 33x33 none"}},
		{"pages", "[jpg?dimensions=320x320&paged=true]", f.ID, []string{"jpg 320x320 none"}},
		{"a file that is no picture", "[jpg?dimensions=320x320][extracted_text]", text.ID, []string{"jpg 320x320 none", "extracted_text  none"}},
		{"no hint in it", "nonsense", f.ID, nil},
	} {
		t.Run("7 "+row.name, func(t *testing.T) {
			var got []string
			for _, r := range w.representations(t, "/2.0/files/"+row.id+"?fields=representations", "X-Rep-Hints", row.hints) {
				got = append(got, r.is())
				if r.Status.State == "none" {
					// Nobody is to wait for it.
					var info representation
					w.do(t, "GET", r.Info.URL, nil).want(200).decode(&info)
					if info.Status.State != "error" {
						t.Errorf("%+v", info)
					}
					if r := w.do(t, "GET", r.Info.URL+"/content/", nil); r.status != 404 {
						t.Errorf("%v, want 404", r)
					}
				}
			}
			if !slices.Equal(got, row.want) {
				t.Errorf("got  %q\nwant %q", got, row.want)
			}
		})
	}
	t.Run("7 a file that is no picture, without hints", func(t *testing.T) {
		if list := w.representations(t, "/2.0/files/"+text.ID+"?fields=representations"); len(list) != 0 {
			t.Errorf("%v", list)
		}
	})
}
