package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// client is somebody else's client: conformance/REPLAYS.md has what each sends
// and needs. Its requests are written by hand, so that they go out as that
// program's do, headers spelled and ordered its way, blanks and empty values kept.
type client struct {
	*wire
	t       *testing.T
	headers []string // of each request
}

// Where clients look for Box. Here the names lead to the server, as they do
// where a name server says so.
const apiHost, uploadHost = "http://api.box.com/2.0", "http://upload.box.com/api/2.0"

func (w *wire) client(t *testing.T, headers ...string) *client {
	return &client{wire: w, t: t, headers: headers}
}

// run is a subtest, to which what the client finds wrong belongs.
func (c *client) run(name string, f func(*testing.T)) {
	outer := c.t
	outer.Run(name, func(t *testing.T) {
		c.t = t
		defer func() { c.t = outer }()
		f(t)
	})
}

// compose writes a request. body is nil, or a string or bytes, whose length is
// announced, or a reader, which goes out in chunks.
func (c *client) compose(method, target string, body any, headers []string) (head, rest []byte) {
	host, path, _ := strings.Cut(strings.TrimPrefix(target, "http://"), "/")
	all := slices.Concat(c.headers, headers)
	if c.token != "" {
		all = append([]string{"Authorization", "Bearer " + c.token}, all...)
	}
	switch b := body.(type) {
	case nil:
	case string:
		rest = []byte(b)
		all = append(all, "Content-Length", strconv.Itoa(len(rest)))
	case []byte:
		rest = b
		all = append(all, "Content-Length", strconv.Itoa(len(rest)))
	case io.Reader:
		all = append(all, "Transfer-Encoding", "chunked")
		for chunk := range slices.Chunk(must(io.ReadAll(b)), 300) {
			rest = fmt.Appendf(rest, "%x\r\n%s\r\n", len(chunk), chunk)
		}
		rest = append(rest, "0\r\n\r\n"...)
	default:
		c.t.Fatalf("a body can't be %T", body)
	}
	head = fmt.Appendf(nil, "%s /%s HTTP/1.1\r\nHost: %s\r\n", method, path, host)
	for i := 0; i < len(all); i += 2 {
		head = fmt.Appendf(head, "%s: %s\r\n", all[i], all[i+1])
	}
	return append(head, "\r\n"...), rest
}

// ask sends a request, and with Expect: 100-continue its body only when asked for it.
func (c *client) ask(method, target string, body any, headers ...string) *reply {
	c.t.Helper()
	head, rest := c.compose(method, target, body, headers)
	conn := dial(c.t, c.wire)
	defer conn.Close()
	next := func() *http.Response {
		resp, err := http.ReadResponse(conn.r, nil)
		if err != nil {
			c.t.Fatalf("%s %s: %v", method, target, err)
		}
		return resp
	}
	conn.Write(head)
	if slices.Contains(headers, "100-continue") {
		if resp := next(); resp.StatusCode != 100 {
			return read(c.t, method+" "+target, resp)
		}
	}
	conn.Write(rest)
	return read(c.t, method+" "+target, next())
}

// lose sends a request that the server carries out, and breaks the connection
// before the client can know.
func (c *client) lose(method, target string, body any, headers ...string) {
	c.t.Helper()
	head, rest := c.compose(method, target, body, headers)
	conn := dial(c.t, c.wire)
	conn.Write(append(head, rest...))
	if line, err := conn.r.ReadString('\n'); !strings.HasPrefix(line, "HTTP/1.1 20") {
		c.t.Fatalf("%s %s: %q, %v; want it done", method, target, line, err)
	}
	conn.Close()
}

// cut sends a request and breaks the connection shortly before the body's end.
func (c *client) cut(method, target string, body any, headers ...string) {
	c.t.Helper()
	head, rest := c.compose(method, target, body, headers)
	conn := dial(c.t, c.wire)
	conn.Write(append(head, rest[:len(rest)-7]...))
	conn.Close()
}

// kinds are what clients take a value for. nil is null, or nothing at all.
var kinds = map[string]func(v any) bool{
	"text":   func(v any) bool { s, ok := v.(string); return ok && s != "" },
	"digits": func(v any) bool { s, ok := v.(string); return ok && wireNumber.MatchString(s) },
	"int":    func(v any) bool { n, ok := v.(json.Number); return ok && wireNumber.MatchString(n.String()) },
	"time":   func(v any) bool { s, _ := v.(string); _, err := time.Parse(time.RFC3339, s); return err == nil },
	"Z": func(v any) bool {
		s, _ := v.(string)
		_, err := time.Parse("2006-01-02T15:04:05Z", s)
		return err == nil
	},
	"url": func(v any) bool {
		s, _ := v.(string)
		u, err := url.Parse(s)
		return err == nil && u.Scheme == "http" && u.Host != ""
	},
	"array": func(v any) bool { _, ok := v.([]any); return ok },
	"null":  func(v any) bool { return v == nil },
}

// needs ends the test unless the reply has this status and is JSON with these
// values: "PATH KIND" or "PATH = VALUE", where 0 in a path is the first item.
func (r *reply) needs(status int, lines ...string) *reply {
	r.t.Helper()
	r.want(status)
	var body any = r.object()
	if r.header.Get("Content-Type") != "application/json" {
		r.t.Fatalf("%v: want JSON", r)
	}
	for _, line := range lines {
		path, want, _ := strings.Cut(line, " ")
		v := body
		for key := range strings.SplitSeq(path, ".") {
			switch in := v.(type) {
			case map[string]any:
				v = in[key]
			case []any:
				v = nil
				if i, err := strconv.Atoi(key); err == nil && i < len(in) {
					v = in[i]
				}
			default:
				v = nil
			}
		}
		value, exact := strings.CutPrefix(want, "= ")
		if exact && fmt.Sprint(v) != value || !exact && !kinds[want](v) {
			r.t.Fatalf("%v: %s is %#v, want %s", r, path, v, want)
		}
	}
	return r
}

// opens creates a session, of which it needs what all clients do.
func (c *client) opens(data []byte, target, body string, headers ...string) *session {
	c.t.Helper()
	r := c.ask("POST", target, body, headers...).needs(201, "id text", "type = upload_session", "session_expires_at Z", "num_parts_processed = 0",
		"part_size int", fmt.Sprint("part_size = ", partSize), "total_parts int", fmt.Sprint("total_parts = ", (len(data)+partSize-1)/partSize))
	s := &session{w: c.wire, data: data}
	r.decode(s)
	origin, _, _ := strings.Cut(target, "/api/2.0/")
	for name, below := range map[string]string{"upload_part": "", "status": "", "abort": "", "list_parts": "/parts", "commit": "/commit", "log_event": "/log", "plan": "/plan"} {
		if got, want := s.SessionEndpoints[name], origin+"/api/2.0/files/upload_sessions/"+s.ID+below; got != want {
			c.t.Errorf("%s is at %q, want %q, where the client found the server", name, got, want)
		}
	}
	return s
}

// span is the Content-Range of part i.
func (s *session) span(i int) string {
	first := int64(i) * s.PartSize
	return contentRange(first, first+int64(len(s.slot(i)))-1, int64(len(s.data)))
}

// stored is part i as the reply to its PUT has it, for clients that keep the object.
func (s *session) stored(i int, r *reply) json.RawMessage {
	r.t.Helper()
	b := s.slot(i)
	r.needs(200, "part.part_id text", fmt.Sprint("part.offset = ", int64(i)*s.PartSize), "part.offset int",
		fmt.Sprint("part.size = ", len(b)), "part.size int", "part.sha1 = "+sha1Of(b))
	var body struct{ Part json.RawMessage }
	r.decode(&body)
	return body.Part
}

// known are the parts for clients that keep only what they know of.
func known(parts []json.RawMessage) (list []part) {
	for _, raw := range parts {
		var p part
		if err := json.Unmarshal(raw, &p); err != nil {
			panic(err)
		}
		list = append(list, p)
	}
	return list
}

// committed is the file of a commit's reply. Its bytes have to come back.
func (c *client) committed(r *reply, data []byte) file {
	c.t.Helper()
	r.needs(201, "total_count = 1", "entries.0.type = file", "entries.0.id digits", "entries.0.etag digits", "entries.0.sequence_id digits",
		"entries.0.created_at time", "entries.0.modified_at time", "entries.0.content_created_at time", "entries.0.content_modified_at time",
		"entries.0.size int", "entries.0.sha1 = "+sha1Of(data), "entries.0.file_version.sha1 = "+sha1Of(data))
	f := r.file()
	where := c.ask("GET", apiHost+"/files/"+f.ID+"/content", nil).empty(302).header.Get("Location")
	if got := c.ask("GET", where, nil).want(200).body; !bytes.Equal(got, data) {
		c.t.Errorf("%d other bytes came back for %d", len(got), len(data))
	}
	return f
}
