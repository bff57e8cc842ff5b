package httpapi_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"boxcar/internal/auth"
)

// hostileNames would be a program for a browser, if one of our pages took them for its own.
var hostileNames = []string{
	`<script>document.title="ran"</script>`,
	`"><img src=x onerror=document.title="ran">.png`,
	`' onmouseover='document.title="ran"' autofocus onfocus='document.title="ran"`,
	`</title><svg onload=document.title="ran">`,
	"javascript:document.title='ran'",
	`{{.Title}}<iframe srcdoc="&lt;script&gt;parent.document.title='ran'&lt;/script&gt;">`,
}

// TestNamesDoNotRunInABrowser shows pages with such names, of items, their owner,
// users and applications, to a real browser, that says what it made of them. The
// policy of the pages would keep a program from running; so that what the
// templates do counts too, no element of a name's may be there either.
func TestNamesDoNotRunInABrowser(t *testing.T) {
	t.Parallel()
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		t.Skip("NOT TRIED: there is no Chromium to show pages to")
	}
	w := start(t, nil)
	anna, err := w.Auth.CreateUser(t.Context(), hostileNames[0], "anna@example.net", 0)
	if err != nil {
		t.Fatal(err)
	}
	u := w.as(must(w.Auth.Issue(t.Context(), anna.ID, 0)))
	pages := map[string]string{}
	top := u.folder(t, "0", "top")
	for i, name := range hostileNames {
		name = strings.ReplaceAll(name, "/", "⁄") // which no name has
		u.folder(t, top, name+" too")
		body := name
		if strings.HasSuffix(name, ".png") {
			body = pixel
		}
		f := u.simpleIn(t, top, name+[]string{".txt", ""}[i%2], body).file()
		if i < 2 {
			pages["the file "+name] = u.share(t, "files/"+f.ID, fields{}).URL
		}
	}
	pages["the folder"] = u.share(t, "folders/"+top, fields{}).URL
	for _, name := range hostileNames[:2] {
		id, _ := must2(w.Auth.AddApp(t.Context(), "", auth.AppChange{Name: &name, RedirectURIs: &[]string{redirectURI}}))
		query := w.authorizeQuery("client_id", id, "box_login", name, "state", name)
		pages["the login to "+name] = w.URL + "/oauth2/authorize?" + query.Encode()
		pages["the refusal of "+name] = w.URL + "/oauth2/authorize?" + w.authorizeQuery("client_id", name, "redirect_uri", name).Encode()
	}
	profile := t.TempDir()
	for what, url := range pages {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		out, err := exec.CommandContext(ctx, browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--user-data-dir="+profile, "--dump-dom", url).Output()
		cancel()
		page := string(out)
		if err != nil || !strings.Contains(page, "</html>") {
			t.Logf("NOT TRIED: %s does not show pages here: %v", browser, err)
			t.SkipNow()
		}
		for _, bad := range []string{"<title>ran", "<script", "onerror=", "onload=", "<iframe srcdoc", "onfocus="} {
			if strings.Contains(element(page), bad) {
				t.Errorf("%s has %s:\n%s", what, bad, page)
			}
		}
	}
	t.Logf("%d pages shown", len(pages))
}

// element is a page's tags without the text between them and without quoted values.
func element(page string) string {
	var b strings.Builder
	in, quoted := false, false
	for _, r := range page {
		switch {
		case !in && r == '<':
			in = true
		case in && r == '"':
			quoted = !quoted
		case in && !quoted && r == '>':
			in = false
			b.WriteRune(r)
			continue
		}
		if in && !quoted {
			b.WriteRune(r)
		}
	}
	if strings.Contains(page, "<title>ran") {
		b.WriteString("<title>ran")
	}
	return b.String()
}
