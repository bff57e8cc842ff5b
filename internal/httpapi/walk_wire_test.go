package httpapi_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"boxcar/internal/daemon"
	"boxcar/internal/daemon/daemontest"
	"boxcar/internal/httpapi"
)

// pagePaths are where answers are pages for people, refusals too.
var pagePaths = []string{"/s/", "/v/", "/shared/static/", "/preview/expiring_embed/", "/oauth2/authorize"}

// tokenPaths are where refusals have the form of RFC 6749.
var tokenPaths = []string{"/oauth2/token", "/oauth2/revoke"}

// proper is a request for a route that nothing is wrong with, or as near to
// that as can be told of a route that nobody has said anything about.
func (h *house) proper(t *testing.T, route string) *request {
	t.Helper()
	w := h.w
	q := &request{proto: "HTTP/1.1"}
	if !httpapi.Routes()[route] {
		method, target, body, headers := h.asks(t, route, doors()[route])
		q.method, q.target = method, target
		switch b := body.(type) {
		case nil:
		case []byte:
			q.body = b
		default:
			q.body = toJSON(t, b)
		}
		for i := 0; i < len(headers); i += 2 {
			if headers[i+1] != "" {
				q.set(headers[i], headers[i+1])
			}
		}
		q.set("Authorization", "Bearer "+w.token)
	} else {
		q.method, q.target, _ = strings.Cut(route, " ")
		form := func(v url.Values) {
			q.body = []byte(v.Encode())
			q.set("Content-Type", "application/x-www-form-urlencoded")
		}
		signed := func(u string) {
			h.params[":grant"] = strings.Split(u, "/")[2+slices.Index(strings.Split(route, "/"), ":grant")]
		}
		h.params[":token"], h.params[":vanity"], h.params[":image"] = h.shared[strings.LastIndex(h.shared, "/")+1:], "No-Vanity-At-All", "image.png"
		h.params[":name"] = h.params[":token"] + ".png"
		switch _, path, _ := strings.Cut(route, " "); {
		case strings.HasPrefix(path, "/content/"):
			h.params[":name"] = "a.png"
			signed(w.do(t, "GET", "/2.0/files/"+h.file.ID+"/content", nil).want(302).header.Get("Location"))
		case strings.HasPrefix(path, "/preview/"):
			var f struct {
				Embed struct{ URL string } `json:"expiring_embed_link"`
			}
			w.do(t, "GET", "/2.0/files/"+h.file.ID+"?fields=expiring_embed_link", nil).want(200).decode(&f)
			signed(f.Embed.URL)
		case strings.HasPrefix(path, "/2.0/events/"):
			var l struct{ Entries []struct{ URL string } }
			w.do(t, "OPTIONS", "/2.0/events", nil).want(200).decode(&l)
			signed(l.Entries[0].URL)
		case strings.HasPrefix(path, "/app_config/"):
			h.params[":token"] = must(w.Auth.HandOut(t.Context(), []byte(`{}`)))
		case path == "/oauth2/token":
			form(url.Values{"grant_type": {"client_credentials"}, "client_id": {w.Credentials.ClientID}, "client_secret": {w.Credentials.ClientSecret},
				"box_subject_type": {"user"}, "box_subject_id": {w.Credentials.Admin.ID.String()}})
		case path == "/oauth2/revoke":
			form(url.Values{"client_id": {w.Credentials.ClientID}, "client_secret": {w.Credentials.ClientSecret},
				"token": {must(w.Auth.Issue(t.Context(), w.Credentials.Admin.ID, time.Hour))}})
		case route == "GET /oauth2/authorize":
			q.target += "?" + w.authorizeQuery().Encode()
		case route == "POST /oauth2/authorize":
			b := &person{w: w}
			form(b.get(t, w.authorizeQuery()).fields("login", w.Credentials.Admin.Login, "password", "wrong"))
			q.set("Cookie", b.cookie)
		case q.method == "POST":
			form(url.Values{"password": {"wrong"}})
		}
		path, query, asked := strings.Cut(q.target, "?")
		if q.target = h.fill(path); asked {
			q.target += "?" + query
		}
	}
	q.headers = append([][2]string{{"Host", w.Addr()}}, q.headers...)
	return q
}

// others are ids of what there is besides what a request is about.
func (h *house) others() (ids []string) {
	for _, name := range slices.Sorted(maps.Keys(h.params)) {
		ids = append(ids, h.params[name])
	}
	return append(ids, h.shelf, h.past, h.link, h.session.ID, strings.ToLower(h.session.ID), "0")
}

var counts = regexp.MustCompile(`"(download|preview)_count":\d+`)

// census is all there is that a request may change, as the owner sees it.
func (h *house) census(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	const all = "?limit=1000&fields=name,size,etag,sha1,modified_at,description,shared_link,tags,lock,collections,content_created_at,content_modified_at,item_status,version_number,url,parent"
	for _, path := range []string{
		"/2.0/folders/0/items" + all, "/2.0/folders/" + h.shelf + "/items" + all, "/2.0/folders/trash/items" + all,
		"/2.0/files/" + h.file.ID + all, "/2.0/files/" + h.file.ID + "/trash" + all, "/2.0/files/" + h.file.ID + "/versions?fields=sha1,trashed_at,name",
		"/2.0/files/upload_sessions/" + h.session.ID, "/2.0/files/upload_sessions/" + h.session.ID + "/parts",
		"/2.0/users?fields=name,login,space_used,space_amount,status,modified_at",
	} {
		r := h.w.do(t, "GET", path, nil)
		body := r.body
		if r.status >= 400 {
			body = nil // has an id
		}
		fmt.Fprintf(&b, "%s: %d %s\n", path, r.status, counts.ReplaceAll(body, nil))
	}
	return b.String()
}

// alarms are what the server's log says of its own faults.
type alarms struct {
	mu  sync.Mutex
	all []string
}

func (a *alarms) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (a *alarms) WithAttrs([]slog.Attr) slog.Handler           { return a }
func (a *alarms) WithGroup(string) slog.Handler                { return a }
func (a *alarms) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Level.String() + " " + r.Message)
	r.Attrs(func(at slog.Attr) bool { fmt.Fprintf(&b, " %s=%.3000s", at.Key, at.Value); return true })
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, b.String())
	return nil
}

func (a *alarms) take() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := a.all
	a.all = nil
	return all
}

// judge says what is wrong with an answer. proper is whether net/http hands the
// request on: what it refuses by itself has answers that we cannot change.
func (q *request) judge(resp *http.Response, body []byte, proper bool) (wrong string) {
	if resp == nil {
		if q.cut || !proper {
			return ""
		}
		return "the connection was closed without an answer"
	}
	id := resp.Header.Get("BOX-REQUEST-ID")
	if id == "" {
		if proper {
			return "the answer is not ours"
		}
		if s := resp.StatusCode; resp.ProtoMajor == 1 && !resp.Close || s != 400 && s != 417 && s != 431 && s != 501 && s != 505 {
			return "the answer is neither ours nor a refusal of what is not HTTP"
		}
		return ""
	}
	switch {
	case resp.StatusCode >= 500:
		return "a fault of the server"
	case resp.Header.Get("X-Canary") != "":
		return "a header came out of a value"
	}
	kind := resp.Header.Get("Content-Type")
	if kind == "text/html; charset=utf-8" && bytes.Contains(body, []byte(canary)) {
		return "text came out as markup"
	}
	if kind == "application/json" && q.method != "HEAD" && (!json.Valid(body) || !utf8.Valid(body)) {
		return "the answer's JSON is none"
	}
	if resp.StatusCode < 400 || q.method == "HEAD" {
		return ""
	}
	at, _, _ := strings.Cut(q.target, "?")
	if plain, err := url.PathUnescape(at); err == nil {
		at = plain
	}
	at = path.Clean(at) + "/"
	under := func(all []string) bool {
		return slices.ContainsFunc(all, func(p string) bool { return strings.Contains(at, p) })
	}
	switch {
	case kind == "text/html; charset=utf-8" && under(pagePaths):
		return ""
	case bytes.HasPrefix(body, []byte(`{"error":"`)) && under(tokenPaths):
		var refusal struct {
			Error string `json:"error"`
			Text  string `json:"error_description"`
		}
		if kind != "application/json" || json.Unmarshal(body, &refusal) != nil || refusal.Error == "" || refusal.Text == "" {
			return "the refusal is not as RFC 6749 has it"
		}
		return ""
	}
	r := reply{t: &complaints{}, what: q.method, status: resp.StatusCode, header: resp.Header, body: body}
	r.checkHeaders()
	r.checkError()
	return strings.Join(r.t.(*complaints).all, "; ")
}

func shown(resp *http.Response, body []byte) string {
	if resp == nil {
		return "none"
	}
	return fmt.Sprintf("%s, %v, %.1000q", resp.Status, resp.Header, body)
}

// complaints are what a check says.
type complaints struct {
	testing.TB
	all []string
}

func (c *complaints) Helper() {}
func (c *complaints) Errorf(format string, args ...any) {
	c.all = append(c.all, fmt.Sprintf(format, args...))
}

func fromEnvironment(t testing.TB, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// breakage is a way in which a request is broken. ids are those of other things
// that there are.
type breakage = func(q *request, rnd *rand.Rand, ids []string)

// way is how broken requests get to a server.
type way interface {
	breakages() []breakage
	// proper says whether net/http will hand a request on.
	proper(q *request) bool
	// send sends a request and waits for the answer, and then, if the connection
	// should go on in step, for that of a good request behind it. A nil response is
	// a request, or a connection, that was ended without a word.
	send(q *request) (resp *http.Response, body []byte, next *http.Response, err error)
	close()
}

// TestBrokenRequests sends broken requests to every route that there is: the
// answer is always one of ours, in Box's shape, never a 5xx, and comes; the
// connection goes on in step; what was refused has changed nothing.
// BOXCAR_WALK_REQUESTS is how many each route gets, BOXCAR_WALK_SEED which,
// BOXCAR_WALK_ROUTE the only route.
func TestBrokenRequests(t *testing.T) {
	walk(t, fromEnvironment(t, "BOXCAR_WALK_REQUESTS", 24), nil, func(w *wire) way { return plainly{w} })
}

// TestBrokenRequestsOverHTTP2 does the same over TLS, with a quarter as many.
func TestBrokenRequestsOverHTTP2(t *testing.T) {
	cert, key, roots := certificate(t)
	walk(t, (fromEnvironment(t, "BOXCAR_WALK_REQUESTS", 12)+3)/4, func(c *daemon.Config) { c.TLSCert, c.TLSKey = cert, key }, func(w *wire) way {
		w.http.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
		return &inFrames{w: w, roots: roots}
	})
}

func walk(t *testing.T, count int, edit func(*daemon.Config), by func(*wire) way) {
	first, only := fromEnvironment(t, "BOXCAR_WALK_SEED", 1), os.Getenv("BOXCAR_WALK_ROUTE")
	log := &alarms{}
	w := start(t, func(c *daemon.Config) {
		c.Log = slog.New(log)
		c.MetricsListen = "127.0.0.1:0"
		c.HTTP.BodyIdle, c.HTTP.OpenBody, c.HTTP.Drain, c.HTTP.EventWait = 3*time.Second, time.Second, 100*time.Millisecond, 20*time.Millisecond
		if edit != nil {
			edit(c)
		}
	})
	how := by(w)
	defer how.close()
	breakages := how.breakages()
	w.do(t, "GET", "/2.0/users/me", nil).want(200)
	w.http.CloseIdleConnections()
	goroutines := runtime.NumGoroutine()

	tally, failed := map[int]int{}, 0
	houses := 0
	routes := httpapi.Routes()
	routes["GET /"] = true // and where there is none
	for _, route := range slices.Sorted(maps.Keys(routes)) {
		if only != "" && route != only {
			continue
		}
		name := fnv.New64a()
		name.Write([]byte(route))
		var h *house
		var before string
		var refused []string // since then
		done := 0
		unchanged := func() {
			t.Helper()
			after := h.census(t)
			was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
			for i := range was {
				if was[i] != is[i] {
					t.Errorf("%s: what was refused has changed something: from\n%s\nto\n%s\nby one of these requests: %s", route, was[i], is[i], strings.Join(refused, "\n"))
				}
			}
			before, refused = after, nil
		}
		for seed := first; seed < first+count; seed++ {
			if h == nil {
				houses++
				owner := w // of users, all others have a place of their own
				if !strings.Contains(route, "/users") {
					owner = w.user(t, fmt.Sprintf("walker%d@example.net", houses), 0)
				}
				h, before = build(t, owner, route, houses), ""
			}
			q := h.proper(t, route)
			if before == "" {
				before = h.census(t)
			}
			rnd := rand.New(rand.NewPCG(uint64(seed), name.Sum64()))
			for range 1 + rnd.IntN(2)*rnd.IntN(3) {
				breakages[rnd.IntN(len(breakages))](q, rnd, h.others())
			}
			text := fmt.Sprintf("seed %d: %s\n%.3000q", seed, strings.Join(q.broken, "; "), q.bytes())
			resp, body, next, err := how.send(q)
			proper, wrong := how.proper(q), ""
			switch {
			case err != nil && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)) && !proper:
				resp = nil // net/http hangs up on what it can't read
			case err != nil:
				wrong = err.Error()
			case resp != nil && q.inStep() && !resp.Close && (next == nil || next.StatusCode != 200):
				wrong = fmt.Sprintf("the next answer on the connection is %+v", next)
			default:
				wrong = q.judge(resp, body, proper)
			}
			if said := log.take(); len(said) > 0 && wrong == "" {
				wrong = "the log complains"
				wrong += ": " + strings.Join(said, "\n")
			} else if len(said) > 0 {
				wrong += "\nthe log says: " + strings.Join(said, "\n")
			}
			if wrong != "" {
				t.Errorf("%s, %s\n%s\nthe answer is %s\nAgain: BOXCAR_WALK_ROUTE='%s' BOXCAR_WALK_SEED=%d BOXCAR_WALK_REQUESTS=1 go test -count=1 -run '%s$' ./internal/httpapi",
					route, text, wrong, shown(resp, body), route, seed, t.Name())
				if failed++; failed == 20 {
					t.Fatal("that is enough")
				}
			}
			status := 0
			if resp != nil {
				status = resp.StatusCode
			}
			tally[status]++
			if status < 400 && q.method != "GET" && q.method != "HEAD" {
				before, refused = "", nil // it may have changed anything
				if done++; done == 4 || q.method == "DELETE" {
					h, done = nil, 0
				}
				continue
			}
			if refused = append(refused, text); len(refused) == 8 {
				unchanged()
			}
		}
		if len(refused) > 0 {
			unchanged()
		}
	}

	how.close()
	w.http.CloseIdleConnections()
	daemontest.Eventually(t, "nothing is under way any more", func() bool {
		m := w.metrics(t)
		w.http.CloseIdleConnections()
		return strings.Contains(m, "\nboxcar_upload_bodies_in_flight 0\n") && strings.Contains(m, "\nboxcar_http_connections 0\n") &&
			strings.Contains(m, "\nboxcar_http_requests_in_flight 0\n") && runtime.NumGoroutine() <= goroutines+2
	})
	if left, err := filepath.Glob(filepath.Join(w.Config.Data, "tmp/*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	n := 0
	for _, m := range tally {
		n += m
	}
	t.Logf("%d broken requests to %d routes from seed %d; answers by status: %v", n, len(routes), first, tally)
	for _, status := range []int{200, 400, 401, 404, 405} {
		if only == "" && count >= 10 && tally[status] == 0 {
			t.Errorf("no request was answered with %d: the walk does not get far", status)
		}
	}
}
