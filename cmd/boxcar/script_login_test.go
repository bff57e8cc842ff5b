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

func cmdLogin(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 3, "login CLIENT LOGIN PASSWORD")
	c := of(ts).client
	jar, err := cookiejar.New(nil)
	ts.Check(err)
	browser := &http.Client{Jar: jar, Transport: c.HTTP.Transport, CheckRedirect: c.HTTP.CheckRedirect}
	page := func(resp *http.Response, err error) url.Values {
		ts.Check(err)
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		ts.Check(err)
		fields := url.Values{}
		for _, m := range hidden.FindAllStringSubmatch(string(text), -1) {
			fields.Set(m[1], html.UnescapeString(m[2]))
		}
		return fields
	}
	to := c.URL + "/oauth2/authorize"
	query := url.Values{"response_type": {"code"}, "client_id": {args[0]}, "redirect_uri": {"http://localhost:1/"}, "state": {"state-of-the-request"}}
	form := page(browser.Get(to + "?" + query.Encode()))
	form.Set("login", args[1])
	form.Set("password", args[2])
	form = page(browser.PostForm(to, form))
	if !form.Has("ticket") {
		fmt.Fprintln(ts.Stdout(), "refused")
		return
	}
	form.Set("answer", "allow")
	resp, err := browser.PostForm(to, form)
	ts.Check(err)
	resp.Body.Close()
	back, err := resp.Location()
	ts.Check(err)
	if !strings.HasPrefix(back.String(), "http://localhost:1/?") {
		ts.Fatalf("sent to %s", back)
	}
	fmt.Fprintln(ts.Stdout(), back.Query().Get("code"))
}
