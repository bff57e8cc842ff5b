package main_test

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

var hidden = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)">`)

// browser keeps cookies, and does not follow redirects.
type browser struct{ *http.Client }

func newBrowser(transport http.RoundTripper) browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // only options can be wrong
	}
	return browser{&http.Client{Jar: jar, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// page reads the hidden fields of a page.
func (browser) page(resp *http.Response, err error) (url.Values, error) {
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	fields := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(string(text), -1) {
		fields.Set(m[1], html.UnescapeString(m[2]))
	}
	return fields, err
}

func cmdLogin(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 3, "login CLIENT LOGIN PASSWORD")
	c := of(ts).client
	b := newBrowser(c.HTTP.Transport)
	to := c.URL + "/oauth2/authorize"
	query := url.Values{"response_type": {"code"}, "client_id": {args[0]}, "redirect_uri": {"http://localhost:1/"}, "state": {"state-of-the-request"}}
	form, err := b.page(b.Get(to + "?" + query.Encode()))
	ts.Check(err)
	form.Set("login", args[1])
	form.Set("password", args[2])
	form, err = b.page(b.PostForm(to, form))
	ts.Check(err)
	if !form.Has("ticket") {
		fmt.Fprintln(ts.Stdout(), "refused")
		return
	}
	form.Set("answer", "allow")
	resp, err := b.PostForm(to, form)
	ts.Check(err)
	resp.Body.Close()
	back, err := resp.Location()
	ts.Check(err)
	if !strings.HasPrefix(back.String(), "http://localhost:1/?") {
		ts.Fatalf("sent to %s", back)
	}
	fmt.Fprintln(ts.Stdout(), back.Query().Get("code"))
}
