package httpapi_test

import (
	"bytes"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"image"
	"image/png"
	"maps"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"boxcar/internal/httpapi"
)

// openDoors are the routes that take callers without a token, and why.
var openDoors = map[string]string{
	"GET /healthz":                       "says nothing about anybody",
	"GET /readyz":                        "says nothing about anybody",
	"POST /html5":                        "browser components see whether the host answers",
	"POST /oauth2/token":                 "makes tokens, of other credentials",
	"POST /oauth2/revoke":                "takes the token that it revokes",
	"GET /oauth2/authorize":              "is where people log in",
	"POST /oauth2/authorize":             "is where people log in",
	"GET /content/:grant":                "the URL is signed",
	"HEAD /content/:grant":               "the URL is signed",
	"GET /content/:grant/:name":          "the URL is signed",
	"GET /placeholders/:image":           "the same picture for everybody",
	"GET /preview/expiring_embed/:grant": "the URL is signed",
	"GET /2.0/events/follow/:grant":      "the URL is signed",
	"GET /app_config/:token":             "the token was made for one person, and is good once",
	"GET /s/:token":                      "the link is what lets in",
	"POST /s/:token":                     "the link is what lets in",
	"GET /s/:token/folder/:folder":       "the link is what lets in",
	"POST /s/:token/folder/:folder":      "the link is what lets in",
	"GET /s/:token/file/:file":           "the link is what lets in",
	"POST /s/:token/file/:file":          "the link is what lets in",
	"GET /s/:token/download":             "the link is what lets in",
	"GET /s/:token/file/:file/download":  "the link is what lets in",
	"GET /s/:token/preview":              "the link is what lets in",
	"GET /s/:token/file/:file/preview":   "the link is what lets in",
	"GET /v/:vanity":                     "the link is what lets in",
	"GET /shared/static/:name":           "the link is what lets in",
}

// door is how a route is asked for by somebody who may, and what others get.
type door struct {
	query   string
	body    any // a func(house) any is asked
	headers []string
	owner   int // what the owner of everything gets, who is the administrator
	other   int // another user; 0 is 404
	narrow  int // the owner with a token that is good for nothing; 0 is 403, insufficient_scope
}

// house is what there is behind the doors, made anew for each.
type house struct {
	w       *wire
	shelf   string
	file    file   // in the shelf, with a past version
	past    string // the past version
	link    string // in the shelf
	session *session
	parts   []part
	shared  string // the link to the shelf
	params  map[string]string
}

func build(t *testing.T, w *wire, route string, n int) *house {
	t.Helper()
	h := &house{w: w, shelf: w.folder(t, "0", fmt.Sprint("shelf ", n))}
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 64, 64))); err != nil {
		t.Fatal(err)
	}
	h.file = w.formUpload(t, "/2.0/files/content", fields{"name": "a.png", "parent": fields{"id": h.shelf}}, picture.Bytes()).file()
	h.past = h.file.FileVersion.ID
	h.file = w.formUpload(t, "/2.0/files/"+h.file.ID+"/content", nil, picture.Bytes()).file()
	h.link = w.webLink(t, h.shelf, "site")
	h.session = w.create(t, fmt.Sprint("new ", n), noise(3*partSize))
	var shared struct {
		SharedLink struct{ URL string } `json:"shared_link"`
	}
	w.do(t, "PUT", "/2.0/folders/"+h.shelf+"?fields=shared_link", fields{"shared_link": fields{}}).want(200).decode(&shared)
	h.shared = shared.SharedLink.URL

	h.params = map[string]string{
		":file": h.file.ID, ":folder": h.shelf, ":web_link": h.link, ":version": h.past, ":session": h.session.ID,
		":representation": "png_thumb_32x32", ":asset": "1.png",
	}
	switch {
	case strings.HasSuffix(route, "/commit"):
		h.parts = h.session.parts(t)
	case strings.HasPrefix(route, "PUT /files/:file/versions/"):
		w.do(t, "DELETE", "/2.0/files/"+h.file.ID+"/versions/"+h.past, nil).want(204)
	case strings.HasSuffix(route, "/trash"), route == "POST /files/:file", route == "POST /folders/:folder", route == "POST /web_links/:web_link":
		kind := strings.Split(route, "/")[1]
		id := map[string]string{"files": h.file.ID, "folders": h.shelf, "web_links": h.link}[kind]
		w.do(t, "DELETE", "/2.0/"+kind+"/"+id+"?recursive=true", nil).want(204)
	case strings.Contains(route, ":collection"):
		var list struct{ Entries []struct{ ID string } }
		w.do(t, "GET", "/2.0/collections", nil).want(200).decode(&list)
		h.params[":collection"] = list.Entries[0].ID
	case strings.Contains(route, ":user"):
		var u struct{ ID string }
		w.do(t, "POST", "/2.0/users", fields{"name": "Somebody", "login": fmt.Sprintf("somebody%d@example.net", n)}).want(201).decode(&u)
		h.params[":user"] = u.ID
	}
	return h
}

// formUpload uploads a file in a form.
func (w *wire) formUpload(t testing.TB, path string, attributes any, data []byte) *reply {
	t.Helper()
	body, contentType := formOf(t, attributes, data)
	return w.do(t, "POST", path, body, "Content-Type", contentType)
}

func formOf(t testing.TB, attributes any, data []byte) (body []byte, contentType string) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	if attributes != nil {
		part, err := m.CreateFormField("attributes")
		if err != nil {
			t.Fatal(err)
		}
		part.Write(toJSON(t, attributes))
	}
	part, err := m.CreateFormFile("file", "x")
	if err != nil {
		t.Fatal(err)
	}
	part.Write(data)
	m.Close()
	return b.Bytes(), m.FormDataContentType()
}

// A form's boundary is in its header, so both are made together.
type formBody struct {
	attributes func(*house) any
}

func doors() map[string]door {
	inShelf := func(name string) func(*house) any {
		return func(h *house) any { return fields{"name": name, "parent": fields{"id": h.shelf}} }
	}
	return map[string]door{
		"POST /files/upload_sessions": {owner: 201, body: func(h *house) any {
			return fields{"folder_id": h.shelf, "file_name": "b", "file_size": 3 * partSize}
		}},
		"GET /files/upload_sessions/:session":         {owner: 200, other: 403},
		"PUT /files/upload_sessions/:session":         {owner: 200, other: 403, body: func(h *house) any { return h.session.slot(0) }},
		"DELETE /files/upload_sessions/:session":      {owner: 204, other: 403},
		"GET /files/upload_sessions/:session/parts":   {owner: 200, other: 403},
		"POST /files/upload_sessions/:session/commit": {owner: 201, other: 403, body: func(h *house) any { return fields{"parts": h.parts} }},
		"POST /files/upload_sessions/:session/log":    {owner: 204, other: 403, body: func(h *house) any { return fields{"event_type": "part_failure"} }},
		"GET /files/upload_sessions/:session/log":     {owner: 200, other: 403},
		"POST /files/upload_sessions/:session/plan": {owner: 200, other: 403, body: func(h *house) any {
			sum := sha512.Sum512(h.session.slot(0))
			return fields{"parts": []fields{{"offset": 0, "size": partSize, "sha512": hex.EncodeToString(sum[:])}}}
		}},
		"POST /files/:file/upload_sessions": {owner: 201, body: func(h *house) any { return fields{"file_size": 3 * partSize} }},
		"OPTIONS /files/content":            {owner: 200, body: inShelf("b")},
		"OPTIONS /files/:file/content":      {owner: 200, body: func(h *house) any { return fields{"size": 5} }},
		"POST /files/content":               {owner: 201, body: formBody{inShelf("b")}},
		"POST /files/:file/content":         {owner: 201, body: formBody{func(h *house) any { return fields{} }}},

		"GET /files/:file":                      {owner: 200},
		"PUT /files/:file":                      {owner: 200, body: func(h *house) any { return fields{"name": "c.png"} }},
		"DELETE /files/:file":                   {owner: 204},
		"POST /files/:file":                     {owner: 201},
		"GET /files/:file/trash":                {owner: 200},
		"DELETE /files/:file/trash":             {owner: 204},
		"POST /files/:file/copy":                {owner: 201, body: func(h *house) any { return fields{"parent": fields{"id": "0"}, "name": "copy of " + h.file.ID} }},
		"GET /files/:file/content":              {owner: 302},
		"GET /files/:file/thumbnail.png":        {owner: 200},
		"GET /files/:file/thumbnail.jpg":        {owner: 200},
		"GET /files/:file/versions":             {owner: 200},
		"POST /files/:file/versions/current":    {owner: 201, body: func(h *house) any { return fields{"type": "file_version", "id": h.past} }},
		"GET /files/:file/versions/:version":    {owner: 200},
		"PUT /files/:file/versions/:version":    {owner: 200, body: func(h *house) any { return fields{"trashed_at": nil} }},
		"DELETE /files/:file/versions/:version": {owner: 204},
		"GET /internal_files/:file/versions/:version/representations/:representation":                {owner: 200},
		"GET /internal_files/:file/versions/:version/representations/:representation/content":        {owner: 200},
		"GET /internal_files/:file/versions/:version/representations/:representation/content/:asset": {owner: 200},

		"POST /folders":                 {owner: 201, body: inShelf("d")},
		"GET /folders/trash/items":      {owner: 200, other: 200}, // each their own
		"GET /folders/:folder":          {owner: 200},
		"PUT /folders/:folder":          {owner: 200, body: func(h *house) any { return fields{"name": "shelf of " + h.shelf} }},
		"DELETE /folders/:folder":       {owner: 204, query: "recursive=true"},
		"POST /folders/:folder":         {owner: 201},
		"GET /folders/:folder/trash":    {owner: 200},
		"DELETE /folders/:folder/trash": {owner: 204},
		"POST /folders/:folder/copy":    {owner: 201, body: func(h *house) any { return fields{"parent": fields{"id": "0"}, "name": "copy of " + h.shelf} }},
		"GET /folders/:folder/items":    {owner: 200},

		"POST /web_links":                   {owner: 201, body: func(h *house) any { return fields{"url": "https://example.net/", "parent": fields{"id": h.shelf}} }},
		"GET /web_links/:web_link":          {owner: 200},
		"PUT /web_links/:web_link":          {owner: 200, body: func(h *house) any { return fields{"name": "e"} }},
		"DELETE /web_links/:web_link":       {owner: 204},
		"POST /web_links/:web_link":         {owner: 201},
		"GET /web_links/:web_link/trash":    {owner: 200},
		"DELETE /web_links/:web_link/trash": {owner: 204},

		"GET /collections":                   {owner: 200, other: 200},
		"GET /collections/:collection":       {owner: 200},
		"GET /collections/:collection/items": {owner: 200},
		"GET /search":                        {owner: 200, other: 200, query: "query=shelf"},
		"GET /recent_items":                  {owner: 200, other: 200},
		"GET /events":                        {owner: 200, other: 200, query: "stream_position=0"},
		"OPTIONS /events":                    {owner: 200, other: 200},
		"GET /shared_items":                  {owner: 200, other: 200, headers: []string{"BoxApi", ""}}, // the link is open

		"GET /users/me":       {owner: 200, other: 200, narrow: 200}, // tells the token's own user
		"GET /users/:user":    {owner: 200, narrow: 404},
		"PUT /users/:user":    {owner: 200, other: 403, body: func(h *house) any { return fields{"name": "Else"} }},
		"DELETE /users/:user": {owner: 204, other: 403},
		"GET /users":          {owner: 200, other: 200, narrow: 200}, // which tells them of themselves
		"POST /users":         {owner: 201, other: 403, body: func(h *house) any { return fields{"name": "New", "login": "new@example.net"} }},
	}
}

// asks is the request at a door: body is nil, bytes, or something to be written as JSON.
func (h *house) asks(t *testing.T, route string, d door) (method, path string, body any, headers []string) {
	t.Helper()
	method, path, _ = strings.Cut(route, " ")
	path = "/2.0" + h.fill(path)
	if d.query != "" {
		path += "?" + d.query
	}
	headers = slices.Clone(d.headers)
	if route == "GET /shared_items" {
		headers = []string{"BoxApi", "shared_link=" + h.shared}
	}
	switch {
	case strings.HasSuffix(route, "/:session") && method == "PUT":
		headers = append(headers, h.session.says(0, h.session.slot(0))...)
	case strings.HasSuffix(route, "/commit"):
		headers = append(headers, "Digest", digestOf(h.session.data))
	}
	switch b := d.body.(type) {
	case formBody:
		data, contentType := formOf(t, b.attributes(h), []byte("bytes"))
		body, headers = data, append(headers, "Content-Type", contentType)
	case func(*house) any:
		body = b(h)
	}
	return method, path, body, headers
}

// fill puts what there is in the place of a pattern's parameters.
func (h *house) fill(pattern string) string {
	segments := strings.Split(pattern, "/")
	for i, s := range segments {
		if v, ok := h.params[s]; ok {
			segments[i] = v
		}
	}
	return strings.Join(segments, "/")
}

// knock asks at a door.
func (h *house) knock(t *testing.T, w *wire, route string, d door, token string) *reply {
	t.Helper()
	method, path, body, headers := h.asks(t, route, d)
	as := *w
	as.token = token
	if token == "" {
		headers = append(headers, "Authorization", "")
	}
	return as.do(t, method, path, body, headers...)
}

// Every route is walked as nobody, with an expired and a revoked token, as
// another user, with tokens of the wrong scope, and then, since none of these
// may have changed anything, as the owner. None of the tokens is told to anybody.
func TestEveryDoor(t *testing.T) {
	t.Parallel()
	w, told := startTold(t, nil)
	stranger := w.user(t, "stranger@example.net", 0)
	mine := w.Credentials.Admin.ID
	expired, err := w.Auth.Issue(t.Context(), mine, time.Nanosecond)
	if err != nil {
		t.Fatal(err)
	}
	revoked, err := w.Auth.Issue(t.Context(), mine, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	w.do(t, "POST", "/oauth2/revoke", url.Values{"token": {revoked}}.Encode(), "Content-Type", "application/x-www-form-urlencoded").empty(200)
	narrowed := func(scope, resource string) string {
		form := url.Values{
			"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {w.token},
			"subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"}, "scope": {scope},
		}
		if resource != "" {
			form.Set("resource", w.URL+"/2.0/"+resource)
		}
		var r struct {
			AccessToken string `json:"access_token"`
		}
		w.do(t, "POST", "/oauth2/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded").want(200).decode(&r)
		return r.AccessToken
	}
	elsewhere := w.folder(t, "0", "elsewhere")
	narrow := map[string]string{
		"a token for nothing here":   narrowed("annotation_view_all", ""),
		"a token for another folder": narrowed("item_readwrite item_share", "folders/"+elsewhere),
	}

	for what, token := range map[string]string{"a revoked token": revoked, "an expired token": expired, "another user's token": stranger.token} {
		told.know(what, token, 0)
	}
	for what, token := range narrow {
		told.know(what, token, inGrants)
	}

	routes, all := httpapi.Routes(), doors()
	n := 0
	for _, route := range slices.Sorted(maps.Keys(routes)) {
		if routes[route] {
			if openDoors[route] == "" {
				t.Errorf("%s takes callers without a token, and the list of those does not say why", route)
			}
			continue
		}
		d, ok := all[route]
		if !ok {
			t.Errorf("%s: nobody says who may", route)
			continue
		}
		n++
		h := build(t, w, route, n)
		for who, token := range map[string]string{"nobody": "", "an unknown token": "nonsense", "a revoked token": revoked, "an expired token": expired} {
			r := h.knock(t, w, route, d, token)
			if r.status != 401 || len(r.body) != 0 {
				t.Errorf("%s, %s: %v", route, who, r)
			}
			challenge := r.header.Get("WWW-Authenticate")
			if strings.Contains(challenge, "expired_token") != (token == expired) || strings.Contains(challenge, "error=") != (token != "") {
				t.Errorf("%s, %s: the challenge is %s", route, who, challenge)
			}
		}
		want := d.other
		if want == 0 {
			want = 404
		}
		if r := h.knock(t, w, route, d, stranger.token); r.status != want {
			t.Errorf("%s, another user: want status %d, got %v", route, want, r)
		} else if r.status < 300 && route != "GET /shared_items" && bytes.Contains(r.body, []byte(h.file.ID)) {
			t.Errorf("%s, another user, is told of what is not theirs: %v", route, r)
		}
		want = d.narrow
		if want == 0 {
			want = 403
		}
		for who, token := range narrow {
			r := h.knock(t, w, route, d, token)
			if r.status != want || r.status == 403 && !bytes.Contains(r.body, []byte(`"insufficient_scope"`)) {
				t.Errorf("%s, %s: want status %d, got %v", route, who, want, r)
			}
		}
		if r := h.knock(t, w, route, d, w.token); r.status != d.owner {
			t.Errorf("%s, the owner: want status %d, got %v", route, d.owner, r)
		}
	}
	for route := range all {
		if _, ok := routes[route]; !ok {
			t.Errorf("%s is no route", route)
		}
	}
	for route := range openDoors {
		if !routes[route] {
			t.Errorf("%s is no open route", route)
		}
	}
	told.check(t, w)
	t.Logf("%d doors", n)
}
