package httpapi_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// request is a request as its bytes, so that it can be as wrong as bytes can be.
type request struct {
	method, target, proto string
	headers               [][2]string // but for those that say how long the body is
	body                  []byte
	framing               string // header lines that say how long the body is; "" for those that are right
	sent                  []byte // what goes out for the body where that is not the body
	cut                   bool   // the connection is closed for writing behind it, or there need be no answer
	frames                frames // of HTTP/2
	broken                []string
}

func (q *request) breaks(how string, args ...any) {
	q.broken = append(q.broken, fmt.Sprintf(how, args...))
}

func (q *request) set(name, value string) {
	q.drop(name)
	q.headers = append(q.headers, [2]string{name, value})
}

func (q *request) drop(name string) {
	q.headers = slices.DeleteFunc(q.headers, func(h [2]string) bool { return strings.EqualFold(h[0], name) })
}

func (q *request) get(name string) string {
	for _, h := range q.headers {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

// bytes is what goes over the wire.
func (q *request) bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s %s\r\n", q.method, q.target, q.proto)
	for _, h := range q.headers {
		b.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	switch {
	case q.framing != "":
		b.WriteString(q.framing)
	case len(q.body) > 0:
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(q.body))
	}
	b.WriteString("\r\n")
	if q.sent != nil {
		b.Write(q.sent)
	} else {
		b.Write(q.body)
	}
	return b.Bytes()
}

// inStep says whether what follows on the connection is another request. Trailers may
// come when the answer has gone out, and net/http ends a connection for that.
func (q *request) inStep() bool {
	return q.framing == "" && q.sent == nil && !q.cut && q.frames.trailers == nil
}

// isHTTP says whether net/http will hand the request on. What it refuses by
// itself has answers that we cannot change.
func (q *request) isHTTP() bool {
	all := q.bytes()
	head, _, _ := bytes.Cut(all, []byte("\r\n\r\n"))
	if len(head) > 60<<10 { // 64 KiB, and what net/http adds
		return false
	}
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(all)))
	if err != nil || !httpguts.ValidHostHeader(r.Host) || r.Host == "" && q.get("Host") == "" || r.ProtoMajor != 1 || r.ProtoMinor > 1 {
		return false
	}
	for _, h := range q.headers {
		if !httpguts.ValidHeaderFieldName(h[0]) || !httpguts.ValidHeaderFieldValue(strings.Trim(h[1], " \t")) {
			return false
		}
	}
	expect := r.Header.Get("Expect")
	return expect == "" || strings.EqualFold(expect, "100-continue")
}

// plainly is over connections of HTTP/1.1, one for each request.
type plainly struct{ w *wire }

func (p plainly) breakages() []breakage {
	return slices.Concat(shared, []breakage{(*request).breakFraming})
}
func (p plainly) proper(q *request) bool { return q.isHTTP() }
func (p plainly) close()                 {}

func (p plainly) send(q *request) (resp *http.Response, body []byte, next *http.Response, err error) {
	c, err := net.Dial("tcp", p.w.Addr())
	if err != nil {
		return nil, nil, nil, err
	}
	defer c.Close()
	tcp := c.(*net.TCPConn)
	tcp.SetLinger(0) // thousands of these would use up the ports
	c.SetDeadline(time.Now().Add(answerWait))
	written := make(chan struct{})
	go func() { // the server may answer before it has read all
		defer close(written)
		if _, err := c.Write(q.bytes()); err == nil && q.cut {
			tcp.CloseWrite()
		}
	}()
	r := bufio.NewReader(c)
	if resp, body, err = answer(r, q.method); resp == nil || err != nil || !q.inStep() || resp.Close {
		return resp, body, nil, err
	}
	<-written
	if _, err = fmt.Fprintf(c, "GET /2.0/users/me HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", p.w.Addr(), p.w.token); err == nil {
		next, _, err = answer(r, "GET")
	}
	return resp, body, next, err
}

// answerWait is a generous time for any answer: what is slower hangs.
const answerWait = 30 * time.Second

func answer(r *bufio.Reader, method string) (*http.Response, []byte, error) {
	for {
		if _, err := r.Peek(1); err != nil {
			if net, ok := err.(net.Error); ok && net.Timeout() {
				return nil, nil, fmt.Errorf("no answer within %s", answerWait)
			}
			return nil, nil, nil
		}
		resp, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			return nil, nil, fmt.Errorf("the answer is not HTTP: %w", err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, nil, fmt.Errorf("the answer, of status %d, does not end: %w", resp.StatusCode, err)
		}
		if resp.StatusCode >= 200 {
			return resp, body, nil
		}
	}
}

// canary is what must not come out as it is, in a page or as a header.
const canary = `"'><b>canary`

// odd are values that are seldom right anywhere.
var odd = []string{
	"", " ", "0", "00", "-0", "+1", "-1", "1", "2", "1.5", "1e9", "0x10", "1_000", "१२", "NaN", "Infinity", "null", "true", "undefined",
	"2147483648", "4294967296", "9007199254740993", "9223372036854775807", "9223372036854775808", "18446744073709551616", "-9223372036854775809",
	"99999999999999999999999999999999999", ".", "..", "../..", "/", "//", "\\", "%", "%0", "%zz", "%00", "%ff%fe", "%2f", "%2e%2e%2f", "%0d%0aX-Canary: 1", "%250a",
	"*", "**", ";", ",", ",,", ",,,,,,,,,,", "&", "=", "==", "?", "#", "'", "\"", "' OR 1=1 --", "\") OR (\"", "a b", canary, "${x}", "{{7*7}}", "[]", "{}",
	"é", "e\u0301", "日本語", "\u202e", "\ufeff", "😀", "\xff\xfe", "\xc0\xaf", "\xed\xa0\x80", "İ", "ß", "ſ", "\u0000", "\u0001", "\x7f", "\t",
	"0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "2012-02-30T00:00:00Z", "1969-12-31T23:59:59Z", "2012-12-12T10:53:43-99:99", "2012-12-12",
	"W/", "W/\"", "\"unclosed", "bytes=0-", "bytes=-0", "bytes=9-1", "bytes=0-0,2-2,4-4", "bytes 0-1023/3072", "bytes 0-99999999999999999999/3072", "bytes */3072",
	"sha=", "sha=AAAA", "sha=2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "md5=x", "current", "me", "now", "trash", "content", "upload_sessions",
}

func oddValue(rnd *rand.Rand) string {
	switch rnd.IntN(12) {
	case 0:
		return strings.Repeat(odd[rnd.IntN(len(odd))], 1+rnd.IntN(40))
	case 1:
		return strings.Repeat("a", []int{255, 256, 300, 1025, 4097, 20_000}[rnd.IntN(6)])
	case 2:
		return strings.Repeat("9", []int{18, 19, 20, 400}[rnd.IntN(4)])
	case 3:
		b := make([]byte, rnd.IntN(40))
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		return string(b)
	}
	return odd[rnd.IntN(len(odd))]
}

// spoil changes a text here and there.
func spoil(rnd *rand.Rand, s string) string {
	b := []byte(s)
	for range 1 + rnd.IntN(3) {
		at := rnd.IntN(len(b) + 1)
		switch rnd.IntN(5) {
		case 0:
			b = b[:at]
		case 1:
			b = slices.Insert(b, at, []byte(odd[rnd.IntN(len(odd))])...)
		case 2:
			b = append(b, b[at:]...)
		case 3:
			if at < len(b) {
				b[at] ^= 1 << rnd.IntN(8)
			}
		case 4:
			if at < len(b) {
				b = slices.Delete(b, at, min(len(b), at+1+rnd.IntN(8)))
			}
		}
	}
	return string(b)
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", "BREW", "PROPFIND", "PRI", "G\x00T", "", strings.Repeat("M", 9000)}

// params are those that any route knows.
var params = []string{
	"access_token", "after", "ancestor_folder_ids", "box_login", "client_id", "content_types", "created_after", "created_at_range", "created_before", "direction",
	"event_type", "external", "external_app_user_id", "fields", "file_extensions", "filter_term", "force", "include_recent_shared_links", "limit", "marker",
	"max_height", "max_width", "min_height", "min_width", "notify", "offset", "owner_user_ids", "parent_id", "query", "range", "recent_updater_user_ids", "recursive",
	"redirect_uri", "response_type", "scope", "set_content_disposition_filename", "set_content_disposition_type", "size_range", "sort", "state", "stream_position",
	"stream_type", "trash_content", "type", "updated_at_range", "usemarker", "user_type", "version", "watermark",
}

// knownHeaders are headers that the server, or net/http below it, looks at.
var knownHeaders = []string{
	"Accept", "Accept-Encoding", "Access-Control-Request-Headers", "Access-Control-Request-Method", "As-User", "Authorization", "BoxApi", "Connection",
	"Content-Disposition", "Content-Encoding", "Content-MD5", "Content-Range", "Content-Type", "Cookie", "Digest", "Expect", "Forwarded", "Host",
	"HTTP2-Settings", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Origin", "Range", "Referer", "Sec-Fetch-Site",
	"TE", "Trailer", "Upgrade", "User-Agent", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-HTTP-Method-Override", "X-Rep-Hints",
}

// likely are values of headers that are nearly right.
var likely = map[string][]string{
	"Accept-Encoding":   {"gzip", "br;q=9", "identity;q=0, *;q=0"},
	"Authorization":     {"Bearer", "Bearer ", "Basic Og==", "Basic !!!", "Bearer a b", "Digest x", "bearer \x00"},
	"BoxApi":            {"shared_link=", "shared_link=http://x/s/abcdefghijklmnopqrstuvwxyz", "shared_link=%zz&shared_link_password=%zz", "shared_link_password=x"},
	"Connection":        {"close", "keep-alive, Authorization", "Upgrade", "upgrade, HTTP2-Settings"},
	"Content-Encoding":  {"gzip", "deflate", "br", "gzip, gzip", "identity", "aws-chunked"},
	"Content-Type":      {"application/json", "text/plain", "application/xml", "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"", "multipart/mixed; boundary=x", "application/x-www-form-urlencoded; charset=utf-16", "a/b/c;;"},
	"Cookie":            {"boxcar-link=x", "boxcar-browser=" + strings.Repeat("x", 32), "a=b; a=c; =; boxcar-link=\x01", strings.Repeat("boxcar-link=x; ", 2000)},
	"Expect":            {"100-continue", "100-Continue", "200-ok"},
	"Forwarded":         {"for=evil;proto=https;host=evil", "for=\"[::1]\""},
	"Host":              {"", "evil.example", "a b", "[::1", "localhost:99999", "api.box.com", "xn--\xff", strings.Repeat("h", 2000)},
	"If-Match":          {"*", "\"0\"", "0", "W/\"0\"", "\"da39a3ee5e6b4b0d3255bfef95601890afd80709\"", "\"a\",\"b\", ,\""},
	"If-Modified-Since": {"Sat, 29 Oct 2094 19:43:31 GMT", "Sat, 29 Oct 1994", "0"},
	"If-None-Match":     {"*", "\"0\"", "0", "\"", strings.Repeat("\"x\",", 3000)},
	"If-Range":          {"\"x\"", "Sat, 29 Oct 1994 19:43:31 GMT", "W/\"x\""},
	"Origin":            {"null", "http://evil.example", "file://"},
	"Range":             {"bytes=0-0", "bytes=-1", "bytes=0-0,1-1,2-2", "bytes=5-2", "bytes=0-99999999999999999999", "lines=1-2", "bytes=" + strings.Repeat("0-,", 5000), "bytes=-0", "bytes=100000000-"},
	"TE":                {"trailers", "chunked"},
	"Upgrade":           {"h2c", "websocket"},
	"X-Forwarded-For":   {"127.0.0.1", "::1, evil"},
	"X-Forwarded-Host":  {"evil.example", "a\"b"},
	"X-Forwarded-Proto": {"https", "javascript"},
	"X-Rep-Hints":       {"[jpg?dimensions=32x32][]", "[png?dimensions=99999x99999]", strings.Repeat("[jpg]", 3000), "[[[", "[jpg?%zz]"},
}

// shared are the breakages that are the same however requests are sent.
var shared = []breakage{
	(*request).breakMethod, (*request).breakPath, (*request).breakPath, (*request).breakQuery, (*request).breakQuery,
	(*request).breakHeader, (*request).breakHeader, (*request).breakBody, (*request).breakBody, (*request).breakBody,
}

func (q *request) breakMethod(rnd *rand.Rand, _ []string) {
	q.method = methods[rnd.IntN(len(methods))]
	q.breaks("method %.10q", q.method)
}

func (q *request) breakPath(rnd *rand.Rand, ids []string) {
	path, query, asked := strings.Cut(q.target, "?")
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	at := rnd.IntN(len(segments))
	switch rnd.IntN(10) {
	case 0, 1, 2, 3:
		if len(ids) > 0 && rnd.IntN(2) == 0 {
			segments[at] = ids[rnd.IntN(len(ids))]
			q.breaks("another id in the path")
			break
		}
		v := oddValue(rnd)
		if rnd.IntN(3) > 0 {
			v = url.PathEscape(v)
		}
		segments[at] = v
		q.breaks("segment %d of the path is %.40q", at, v)
	case 4:
		v := []string{"..", ".", "", "%2e%2e", "%2f", "%5c", "..;", "%c0%ae", "%00"}[rnd.IntN(9)]
		segments = slices.Insert(segments, at, v)
		q.breaks("%q in the path", v)
	case 5:
		segments[at] = spoil(rnd, segments[at])
		q.breaks("segment %d of the path is %.40q", at, segments[at])
	case 6:
		segments = slices.Delete(segments, at, at+1)
		q.breaks("no segment %d in the path", at)
	case 7:
		segments = slices.Concat(segments, slices.Repeat([]string{"a"}, 1+rnd.IntN(3000)))
		q.breaks("a long path")
	case 8:
		segments[at] = fmt.Sprintf("%%%02x", append([]byte(segments[at]), 'x')[0]) + segments[at][min(1, len(segments[at])):]
		q.breaks("an escape where none is needed")
	case 9:
		prefix := []string{"api", "http://evil.example/2.0", "http:", "//evil.example", "*", "2.0", "\\"}[rnd.IntN(7)]
		segments = slices.Insert(segments, 0, prefix)
		if strings.HasPrefix(prefix, "http") {
			q.target = strings.Join(segments, "/")
			q.breaks("target %.30q", q.target)
			return
		}
		q.breaks("%q before the path", prefix)
	}
	q.target = "/" + strings.Join(segments, "/")
	if asked {
		q.target += "?" + query
	}
}

func (q *request) breakQuery(rnd *rand.Rand, ids []string) {
	sep := "?"
	if strings.Contains(q.target, "?") {
		sep = "&"
	}
	for range 1 + rnd.IntN(4) {
		name, v := params[rnd.IntN(len(params))], oddValue(rnd)
		switch rnd.IntN(8) {
		case 0:
			if len(ids) > 0 {
				v = ids[rnd.IntN(len(ids))]
			}
		case 1:
			v = v + "," + oddValue(rnd)
		case 2:
			name = oddValue(rnd)
		case 3:
			v = strings.Repeat(name+",", 1+rnd.IntN(1500))
		}
		if rnd.IntN(4) > 0 {
			name, v = url.QueryEscape(name), url.QueryEscape(v)
		}
		one := name + "=" + v
		if rnd.IntN(12) == 0 {
			one = strings.TrimSuffix(strings.Repeat(one[:min(len(one), 40)]+"&", 1+rnd.IntN(1000)), "&")
		}
		q.target += sep + one
		sep = "&"
		q.breaks("query %.60q", one)
	}
	if rnd.IntN(20) == 0 {
		q.target += "#x"
		q.breaks("a fragment")
	}
}

func (q *request) breakHeader(rnd *rand.Rand, _ []string) {
	name := knownHeaders[rnd.IntN(len(knownHeaders))]
	if len(q.headers) > 0 && rnd.IntN(2) == 0 {
		name = q.headers[rnd.IntN(len(q.headers))][0] // one that counts
	}
	had := q.get(name)
	v := oddValue(rnd)
	if l := likely[name]; len(l) > 0 && rnd.IntN(3) > 0 {
		v = l[rnd.IntN(len(l))]
	} else if had != "" && rnd.IntN(2) == 0 {
		v = spoil(rnd, had)
	}
	if strings.ContainsAny(v, "\r\n") || rnd.IntN(4) > 0 && !httpguts.ValidHeaderFieldValue(v) {
		v = strings.Map(func(r rune) rune {
			if r < 0x20 || r == 0x7f {
				return '?'
			}
			return r
		}, v)
	}
	switch rnd.IntN(8) {
	case 0:
		q.drop(name)
		q.breaks("no %s", name)
		return
	case 1:
		q.headers = append(q.headers, [2]string{name, had}, [2]string{name, v})
		q.breaks("%s more than once: %.40q", name, v)
		return
	case 2:
		if rnd.IntN(4) == 0 {
			name = []string{"", " ", name + " ", "\x00", "X-" + strings.Repeat("y", 3000), ":path", name + "\t"}[rnd.IntN(7)]
			q.headers = append(q.headers, [2]string{name, v})
			q.breaks("header %.30q", name)
			return
		}
	case 3:
		if rnd.IntN(6) == 0 {
			q.headers = append(q.headers, [2]string{name, strings.Repeat("x", 10_000+rnd.IntN(120_000))})
			q.breaks("a long %s", name)
			return
		}
	}
	q.set(name, v)
	q.breaks("%s: %.40q", name, v)
}

func (q *request) breakBody(rnd *rand.Rand, ids []string) {
	if mime := q.get("Content-Type"); strings.HasPrefix(mime, "multipart/") && rnd.IntN(3) > 0 {
		q.breakForm(rnd, ids)
		return
	}
	var tree any
	if json.Unmarshal(q.body, &tree) == nil && rnd.IntN(3) > 0 {
		where := "the body"
		tree = mutate(rnd, tree, ids, &where)
		if b, err := json.Marshal(tree); err == nil {
			q.body = b
			if bytes.Contains(b, []byte(`"raw`)) { // what Marshal would have made good
				q.body = []byte(rawJSON.Replace(string(b)))
			}
			q.breaks("%s", where)
			return
		}
	}
	switch rnd.IntN(14) {
	case 0:
		q.body = []byte(spoil(rnd, string(q.body)))
		q.breaks("a spoilt body")
	case 1:
		q.body = nil
		q.breaks("no body")
	case 2:
		n := []int{100, 9_999, 10_001, 200_000}[rnd.IntN(4)]
		open := []string{"[", `{"a":`, `{"parent":`, `{"parts":[`}[rnd.IntN(4)]
		q.body = []byte(strings.Repeat(open, n))
		if rnd.IntN(2) == 0 {
			q.body = append(q.body, "1"+strings.Repeat(map[string]string{"[": "]"}[open]+"}", n)...)
		}
		q.breaks("%d times %q", n, open)
	case 3:
		q.body = []byte([]string{"null", "[]", "1", `"x"`, "true", "{", "}", "{]", "{}{}", "{} x", `{"a"}`, `{"a":}`, "\ufeff{}", "\x00", "{\"a\":\"\x00\"}", "nul", "<xml/>", "{\"\xff\":1}", "-", "1e999"}[rnd.IntN(20)])
		q.breaks("the body is %q", q.body)
	case 4:
		q.body = []byte(`{"name":"` + strings.Repeat("x", []int{1 << 10, 100 << 10, 1<<20 + 1, 9 << 20}[rnd.IntN(4)]) + `"}`)
		q.breaks("a body of %d bytes", len(q.body))
	case 5:
		q.body = bytes.Repeat([]byte(" "), 1+rnd.IntN(70<<10))
		q.breaks("a body of %d spaces", len(q.body))
	case 6:
		q.body = []byte("{" + strings.TrimSuffix(strings.Repeat(fmt.Sprintf(`"name":%q,`, oddValue(rnd)), 1+rnd.IntN(2000)), ",") + "}")
		q.breaks("the same key again and again")
	case 7:
		q.body = []byte(`{"parts":[` + strings.TrimSuffix(strings.Repeat(`{},`, 1+rnd.IntN(120_000)), ",") + `]}`)
		q.breaks("a list of %d", bytes.Count(q.body, []byte(",")))
	case 8:
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(q.body)
		z.Close()
		q.body = b.Bytes()
		q.breaks("a body in gzip")
		if rnd.IntN(3) > 0 {
			q.set("Content-Encoding", "gzip")
		}
	case 9:
		form := url.Values{}
		for range rnd.IntN(20) {
			name := []string{"grant_type", "client_id", "client_secret", "code", "refresh_token", "assertion", "subject_token", "scope", "resource", "token", "password", "login", "request", "form", "ticket", "answer", "box_subject_type", "box_subject_id"}[rnd.IntN(18)]
			form.Add(name, oddValue(rnd))
		}
		q.body = []byte(form.Encode())
		q.set("Content-Type", "application/x-www-form-urlencoded")
		q.breaks("the body is a form")
	case 10:
		b := make([]byte, rnd.IntN(5000))
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		q.body = b
		q.breaks("%d bytes by chance", len(b))
	case 11:
		values, err := url.ParseQuery(string(q.body))
		if err != nil || len(values) == 0 {
			values = url.Values{"x": {"y"}}
		}
		for name := range values {
			values.Set(name, oddValue(rnd))
			if rnd.IntN(2) == 0 {
				break
			}
		}
		q.body = []byte(values.Encode())
		q.breaks("other values in the form")
	default:
		q.body = append(slices.Clone(q.body), oddValue(rnd)...)
		q.breaks("more behind the body")
	}
}

// rawJSON puts into a JSON text what no JSON encoder would.
var rawJSON = strings.NewReplacer(`"raw1"`, "\"\xff\xfe\"", `"raw2"`, `"\ud800"`, `"raw3"`, "1e400", `"raw4"`, "-0", `"raw5"`, "123456789012345678901234567890", `"raw6"`, "1.0", `"raw7"`, `"\u0000"`)

// mutate puts something else in the place of a value somewhere in a JSON tree.
func mutate(rnd *rand.Rand, v any, ids []string, where *string) any {
	switch in := v.(type) {
	case map[string]any:
		if len(in) == 0 || rnd.IntN(6) == 0 {
			break
		}
		names := make([]string, 0, len(in))
		for name := range in {
			names = append(names, name)
		}
		slices.Sort(names)
		name := names[rnd.IntN(len(names))]
		*where += "." + name
		if rnd.IntN(10) == 0 {
			delete(in, name)
			*where += " is not there"
			return in
		}
		in[name] = mutate(rnd, in[name], ids, where)
		return in
	case []any:
		if len(in) == 0 || rnd.IntN(6) == 0 {
			break
		}
		at := rnd.IntN(len(in))
		*where += fmt.Sprintf("[%d]", at)
		if rnd.IntN(6) == 0 {
			*where += " twice"
			return append(in, in[at])
		}
		in[at] = mutate(rnd, in[at], ids, where)
		return in
	}
	var now any
	switch rnd.IntN(12) {
	case 0:
		now = nil
	case 1:
		now = []any{}
	case 2:
		now = map[string]any{}
	case 3:
		now = rnd.Int64() - rnd.Int64()
	case 4:
		now = []any{v, v}
	case 5:
		now = map[string]any{"id": v}
	case 6:
		now = fmt.Sprintf("raw%d", 1+rnd.IntN(7))
	case 7:
		now = rnd.IntN(2) == 0
	case 8:
		now = rnd.NormFloat64() * 1e10
	case 9:
		now = oddValue(rnd)
		if len(ids) > 0 {
			now = ids[rnd.IntN(len(ids))]
		}
	case 10:
		now = map[string]any{"name": "x", "url": "javascript:1", "parent": map[string]any{"id": "0"}, "shared_link": map[string]any{"password": oddValue(rnd)}, "lock": map[string]any{"expires_at": oddValue(rnd)}, "tags": []any{oddValue(rnd)}}
	default:
		now = oddValue(rnd)
	}
	*where += fmt.Sprintf(" is %.60q", fmt.Sprint(now))
	return now
}

func (q *request) breakForm(rnd *rand.Rand, ids []string) {
	_, boundary, _ := strings.Cut(q.get("Content-Type"), "boundary=")
	line := "--" + boundary
	pieces := strings.Split(string(q.body), line)
	at := rnd.IntN(len(pieces))
	head := "\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n"
	switch rnd.IntN(14) {
	case 0:
		slices.Reverse(pieces)
		q.breaks("parts of the form in another order")
	case 1:
		pieces = slices.Insert(pieces, at, pieces[rnd.IntN(len(pieces))])
		q.breaks("a part of the form twice")
	case 2:
		pieces = slices.Delete(pieces, at, at+1)
		q.breaks("a part of the form less")
	case 3:
		pieces = pieces[:len(pieces)-1]
		q.breaks("the form does not end")
	case 4:
		pieces[at] = strings.ReplaceAll(pieces[at], "\r\n", "\n")
		q.breaks("other line ends in the form")
	case 5:
		pieces[at] = spoil(rnd, pieces[at])
		q.breaks("a spoilt part of the form")
	case 6:
		q.set("Content-Type", []string{"multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + strings.Repeat("x", 200), "multipart/form-data; boundary=other", "multipart/form-data; boundary=\"a b\"; boundary=c", "multipart/mixed; boundary=" + boundary, "multipart/form-data; boundary=\x01"}[rnd.IntN(7)])
		q.breaks("another boundary")
	case 7:
		pieces = slices.Insert(pieces, 1, fmt.Sprintf(head, "attributes", oddValue(rnd)))
		q.breaks("attributes that are no JSON")
	case 8:
		pieces = slices.Insert(pieces, min(1+rnd.IntN(2), len(pieces)), strings.Repeat(fmt.Sprintf(head, "x", "y")+line, 1+rnd.IntN(3000))+fmt.Sprintf(head, "x", "y"))
		q.breaks("a form of many parts")
	case 9:
		pieces = slices.Insert(pieces, 1, "\r\n"+strings.Repeat("X: "+strings.Repeat("y", 100)+"\r\n", 1+rnd.IntN(20_000))+"\r\n\r\n")
		q.breaks("a part with a long head")
	case 10:
		pieces = slices.Insert(pieces, 1, "\r\nno colon\r\n\r\nx\r\n")
		q.breaks("a part with a head that is none")
	case 11:
		pieces = slices.Insert(pieces, 1, fmt.Sprintf(head, "attributes", `{"name":"`+strings.Repeat("x", 1<<20)+`"}`))
		q.breaks("long attributes")
	case 12:
		for i, p := range pieces {
			if before, after, ok := strings.Cut(p, "\r\n\r\n"); ok && strings.Contains(before, `"attributes"`) {
				var tree any
				where := "attributes"
				if json.Unmarshal([]byte(after), &tree) == nil {
					b, _ := json.Marshal(mutate(rnd, tree, ids, &where))
					pieces[i] = before + "\r\n\r\n" + rawJSON.Replace(string(b)) + "\r\n"
					q.breaks("%s", where)
				}
			}
		}
	case 13:
		q.body = q.body[:rnd.IntN(len(q.body))]
		q.breaks("a form that is cut short")
		return
	}
	q.body = []byte(strings.Join(pieces, line))
}

func (q *request) breakFraming(rnd *rand.Rand, _ []string) {
	body := q.body
	n := len(body)
	switch rnd.IntN(15) {
	case 0: // cut short
		q.framing = fmt.Sprintf("Content-Length: %d\r\n", n+1+rnd.IntN(1000))
		q.cut = true
	case 1: // and not even that: the server has to lose patience
		if rnd.IntN(30) > 0 { // this takes its time
			q.framing, q.cut = fmt.Sprintf("Content-Length: %d\r\n", n+1<<40), true
			break
		}
		q.framing = fmt.Sprintf("Content-Length: %d\r\n", n+1)
	case 2:
		q.framing = fmt.Sprintf("Content-Length: %d\r\n", max(0, n-1-rnd.IntN(20)))
	case 3:
		v := []string{"-1", "+5", "0x5", "5, 5", "5,6", "99999999999999999999", "9223372036854775807", "", "five", "5 5", "00"}[rnd.IntN(11)]
		q.framing, q.cut = "Content-Length: "+v+"\r\n", true
	case 4:
		q.framing = fmt.Sprintf("Content-Length: %d\r\nContent-Length: %d\r\n", n, n+1)
	case 5: // which of them a proxy believes is anybody's guess
		q.framing = fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n", n)
		q.sent = chunks(rnd, body)
	case 6:
		q.framing, q.sent = "Transfer-Encoding: chunked\r\n", chunks(rnd, body)
	case 7:
		q.framing, q.cut = "Transfer-Encoding: chunked\r\n", true
		q.sent = []byte(spoil(rnd, string(chunks(rnd, body))))
	case 8:
		v := []string{"gzip", "chunked, chunked", "identity", "chunked, gzip", "xchunked", "chunked;x", " chunked", "CHUNKED", "\x0bchunked"}[rnd.IntN(9)]
		q.framing, q.sent, q.cut = "Transfer-Encoding: "+v+"\r\n", chunks(rnd, body), true
	case 9:
		v := []string{"zz\r\n", "-1\r\nx\r\n", "FFFFFFFFFFFFFFFFF\r\n", "7fffffffffffffff\r\nx", "5\r\nabc", "1;" + strings.Repeat("e", 30_000) + "\r\nx\r\n0\r\n\r\n", "0\r\nTrailer: x\r\n\r\n", strings.Repeat("1\r\nx\r\n", 3000), "1\nx\n0\n\n", "0\r\n" + strings.Repeat("T: x\r\n", 3000) + "\r\n"}[rnd.IntN(10)]
		q.framing, q.sent, q.cut = "Transfer-Encoding: chunked\r\n", []byte(v), true
	case 10:
		q.framing = "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"
		q.sent, q.cut = chunks(rnd, body), true
	case 11:
		q.sent = append(slices.Clone(body), "GET /2.0/users/me HTTP/1.1\r\nX: "...)
		q.framing, q.cut = fmt.Sprintf("Content-Length: %d\r\n", n), true
	case 12:
		q.set("Expect", "100-continue")
	case 13:
		if n > 0 {
			q.framing = fmt.Sprintf("Content-Length: %d\r\n", n)
			q.sent, q.cut = body[:rnd.IntN(n)], true
		}
	case 14:
		q.proto = []string{"HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "http/1.1", "HTTP/1.1 x", "HTTP/9", "", "ICY"}[rnd.IntN(9)]
		q.cut = q.proto != "HTTP/1.0"
	}
	q.breaks("framing %.40q, %d of %d bytes, %s", q.framing, len(q.sent), n, q.proto)
}

// chunks is a body in chunks.
func chunks(rnd *rand.Rand, body []byte) []byte {
	var b bytes.Buffer
	for len(body) > 0 {
		n := 1 + rnd.IntN(len(body))
		b.WriteString(strconv.FormatInt(int64(n), 16) + "\r\n")
		b.Write(body[:n])
		b.WriteString("\r\n")
		body = body[n:]
	}
	b.WriteString("0\r\n\r\n")
	return b.Bytes()
}
