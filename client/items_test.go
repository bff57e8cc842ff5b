package client

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

// script answers requests in turn; a nil answer is a lost one.
type script struct {
	replies []*http.Response
	sent    []string
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.sent = append(s.sent, r.Method+" "+strings.TrimPrefix(r.URL.RequestURI(), "/2.0"))
	if len(s.replies) == 0 {
		return nil, errors.New("nothing more was expected")
	}
	next := s.replies[0]
	s.replies = s.replies[1:]
	if next == nil {
		return nil, errLostAnswer
	}
	return next, nil
}

// Calls whose answers are lost are repeated where that does no harm, and what the
// second answer means then depends on the call.
func TestLostAnswersOfCalls(t *testing.T) {
	folder := `{"type":"folder","id":"7","name":"n"}`
	taken := `{"code":"item_name_in_use","context_info":{"conflicts":[` + folder + `]}}`
	ok := func(text string) *http.Response { return refusalText(200, text) }
	for _, c := range []struct {
		name    string
		replies []*http.Response
		call    func(t *testing.T, c *Client) error
		sent    int
		fails   bool
	}{
		{"read", []*http.Response{nil, refusal(500, ""), ok(folder)}, func(t *testing.T, c *Client) error {
			f, err := c.GetFolder(t.Context(), "7")
			if err == nil && f.ID != "7" {
				t.Errorf("%+v", f)
			}
			return err
		}, 3, false},
		{"copy", []*http.Response{nil}, func(t *testing.T, c *Client) error {
			_, err := c.CopyFile(t.Context(), "1", "0", "")
			return err
		}, 1, true},
		{"copy that was not begun", []*http.Response{refusal(429, "", "Retry-After", "1"), refusal(503, ""), ok(`{"type":"file","id":"2"}`)}, func(t *testing.T, c *Client) error {
			_, err := c.CopyFile(t.Context(), "1", "0", "")
			return err
		}, 3, false},
		{"delete", []*http.Response{nil, refusal(404, "trashed")}, func(t *testing.T, c *Client) error { return c.DeleteFile(t.Context(), "1", "") }, 2, false},
		{"delete of nothing", []*http.Response{refusal(404, "not_found")}, func(t *testing.T, c *Client) error { return c.DeleteFile(t.Context(), "1", "") }, 1, true},
		{"folder", []*http.Response{nil, refusalText(409, taken), ok(folder)}, func(t *testing.T, c *Client) error {
			f, err := c.CreateFolder(t.Context(), "0", "n")
			if err == nil && f.ID != "7" {
				t.Errorf("%+v", f)
			}
			return err
		}, 3, false},
		{"folder of a name in use", []*http.Response{refusalText(409, taken)}, func(t *testing.T, c *Client) error {
			_, err := c.CreateFolder(t.Context(), "0", "n")
			return err
		}, 1, true},
		{"folder to ensure", []*http.Response{refusalText(409, taken)}, func(t *testing.T, c *Client) error {
			_, err := c.EnsureFolder(t.Context(), "/n")
			return err
		}, 1, false},
		{"folder to ensure, and no word of who has the name", []*http.Response{
			refusal(409, "item_name_in_use"), ok(`{"entries":[{"type":"file","id":"6","name":"m"}],"next_marker":"x"}`), ok(`{"entries":[` + folder + `]}`),
		}, func(t *testing.T, c *Client) error {
			f, err := c.EnsureFolder(t.Context(), "/n")
			if err == nil && f.ID != "7" {
				t.Errorf("%+v", f)
			}
			return err
		}, 3, false},
		{"a redirect of the API", []*http.Response{refusal(302, "", "Location", "http://evil.example/")}, func(t *testing.T, c *Client) error {
			_, err := c.Me(t.Context())
			return err
		}, 1, true},
	} {
		inBubble(t, c.name, func(t *testing.T) {
			s := &script{replies: c.replies}
			cl, err := New(Config{URLs: At("http://fake"), Tokens: StaticToken("t"), HTTP: &http.Client{Transport: s}})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.call(t, cl); (err != nil) != c.fails {
				t.Errorf("%v", err)
			}
			if len(s.sent) != c.sent {
				t.Errorf("sent %v, want %d", s.sent, c.sent)
			}
		})
	}
}

// Pages end with the last marker, with a marker that comes again, and with the
// reader who has enough; ids are never more than a step of a path.
func TestPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := func(marker string) *http.Response {
			return refusalText(200, `{"entries":[{"type":"file","id":"1","name":"a"},{"type":"web_link","id":"2","name":"b"},{"type":"hologram","id":"3","name":"c"}],"next_marker":`+marker+`}`)
		}
		for _, c := range []struct {
			markers []string
			stop    int
			items   int
			pages   int
		}{
			{[]string{`"m1"`, `"m2"`, `null`}, 0, 9, 3},
			{[]string{`""`}, 0, 3, 1},
			{[]string{`"m1"`, `"m1"`}, 0, 6, 2},
			{[]string{`"m1"`, `"m2"`}, 4, 4, 2},
		} {
			s := &script{}
			for _, m := range c.markers {
				s.replies = append(s.replies, page(m))
			}
			cl, err := New(Config{URLs: At("http://fake"), Tokens: StaticToken("t"), HTTP: &http.Client{Transport: s}})
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for item, err := range cl.Items(t.Context(), "../users/me?x", "name") {
				if err != nil || NameOf(item) == "" || IDOf(item) == "" {
					t.Fatal(item, err)
				}
				if n++; n == c.stop {
					break
				}
			}
			if n != c.items || len(s.sent) != c.pages {
				t.Errorf("%v: %d items in %d pages", c.markers, n, len(s.sent))
			}
			if !strings.HasPrefix(s.sent[0], "GET /folders/..%2Fusers%2Fme%3Fx/items?fields=name&limit=1000&usemarker=true") {
				t.Errorf("asked %s", s.sent[0])
			}
		}
	})
}
