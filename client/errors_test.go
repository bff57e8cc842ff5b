package client

import (
	"crypto/sha1"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"boxcar/boxapi"
)

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		header string // Name: value
		body   string
		want   Error
		item   string // id of the conflict
		is     error
	}{
		{name: "whole", status: 404, body: `{"type":"error","status":404,"code":"not_found","message":"Not Found","request_id":"r9"}`,
			want: Error{Code: "not_found", Message: "Not Found", RequestID: "r9"}},
		{name: "of an upload host", status: 400, body: `{"code":"request_size_mismatch","message":"Request body size","request_id":"r8"}`,
			want: Error{Code: "request_size_mismatch", Message: "Request body size", RequestID: "r8"}},
		{name: "empty 401", status: 401, header: `Www-Authenticate: Bearer realm="Service", error="invalid_token"`,
			want: Error{Message: `Bearer realm="Service", error="invalid_token"`}, is: ErrUnauthorized},
		{name: "a page", status: 502, header: "Box-Request-Id: r7", body: "<html><h1>Bad gateway</h1></html>",
			want: Error{Message: "bad gateway", RequestID: "r7"}},
		{name: "a conflict as an object", status: 409, body: `{"code":"item_name_in_use","context_info":{"conflicts":{"type":"file","id":"77","sha1":"ab"}}}`,
			want: Error{Code: "item_name_in_use", Message: "conflict"}, item: "77", is: ErrNameInUse},
		{name: "a conflict as an array", status: 409, body: `{"code":"item_name_in_use","context_info":{"conflicts":[{"type":"folder","id":"78"}]}}`,
			want: Error{Code: "item_name_in_use", Message: "conflict"}, item: "78", is: ErrNameInUse},
		{name: "no conflicts", status: 409, body: `{"code":"item_name_in_use","context_info":{"conflicts":[]}}`,
			want: Error{Code: "item_name_in_use", Message: "conflict"}, is: ErrNameInUse},
		{name: "a context of another shape", status: 409, body: `{"code":"conflict","message":"m","context_info":[1]}`,
			want: Error{Code: "conflict", Message: "m"}},
		{name: "a message that is no text", status: 400, body: `{"code":"bad_request","message":{"a":1},"request_id":"r"}`,
			want: Error{Code: "bad_request", Message: "bad request", RequestID: "r"}},
		{name: "of a token endpoint", status: 400, body: `{"error":"invalid_grant","error_description":"why"}`,
			want: Error{Code: "invalid_grant", Message: "why"}},
		{name: "Retry-After", status: 429, header: "Retry-After: 7", want: Error{Message: "too many requests", RetryAfter: 7 * time.Second, HasRetryAfter: true}},
	} {
		h := http.Header{}
		if name, value, ok := strings.Cut(c.header, ": "); ok {
			h.Set(name, value)
		}
		c.want.Op, c.want.Status = "GET /x", c.status
		got := parseError("GET /x", c.status, h, []byte(c.body))
		info := got.Context
		got.Context = nil
		if *got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, *got, c.want)
		}
		got.Context = info
		if IDOf(got.Conflict()) != c.item {
			t.Errorf("%s: conflict with %v", c.name, got.Conflict())
		}
		wrapped := fmt.Errorf("upload: %w", got)
		for _, e := range []error{ErrUnauthorized, ErrNameInUse} {
			if errors.Is(wrapped, e) != (e == c.is) {
				t.Errorf("%s: is %v: %v", c.name, e, e != c.is)
			}
		}
		if c.want.Code != "" && !HasCode(wrapped, "other", c.want.Code) || HasCode(wrapped, "other") {
			t.Errorf("%s: HasCode is wrong", c.name)
		}
		if IsNotFound(wrapped) != (c.status == 404) || IsConflict(wrapped) != (c.status == 409) || IsRateLimited(wrapped) != (c.status == 429) {
			t.Errorf("%s: one of Is… is wrong", c.name)
		}
		if text := wrapped.Error(); !strings.HasPrefix(text, fmt.Sprintf("upload: GET /x: %d", c.status)) {
			t.Errorf("%s: %s", c.name, text)
		}
	}
}

// Two files whose names differ only in what is no Unicode would be the same one on
// the wire.
func TestNamesThatAreNotUnicode(t *testing.T) {
	f := newFakeBox()
	c := f.client(t)
	const bad = "caf\xe9.txt"
	for what, do := range map[string]func() error{
		"small file": func() error {
			_, err := c.Upload(t.Context(), Upload{Source: FromReaderAt(patternReader{10}, 10), Name: bad})
			return err
		},
		"large file": func() error {
			_, err := c.Upload(t.Context(), Upload{Source: FromReaderAt(patternReader{2500}, 2500), Name: bad, SimpleBelow: 1})
			return err
		},
		"folder": func() error {
			_, err := c.CreateFolder(t.Context(), "0", bad)
			return err
		},
		"move": func() error {
			_, err := c.MoveFile(t.Context(), "1", "0", bad)
			return err
		},
	} {
		err := do()
		if !HasCode(err, boxapi.CodeItemNameInvalid) || !strings.HasSuffix(err.Error(), ": item_name_invalid: the name is not UTF-8") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if len(f.calls) != 0 {
		t.Errorf("asked %v", f.calls)
	}
}

func TestWhatIsTriedAgain(t *testing.T) {
	for _, c := range []struct {
		err           error
		passing, lost bool
	}{
		{&Error{Status: 500}, true, true},
		{&Error{Status: 502}, true, true},
		{&Error{Status: 503}, true, false},
		{&Error{Status: 504}, true, true},
		{&Error{Status: 501}, false, true},
		{&Error{Status: 507}, false, true},
		{&Error{Status: 429}, true, false},
		{&Error{Status: 408}, true, false},
		{&Error{Status: 400}, false, false},
		{&Error{Status: 409, Code: boxapi.CodeItemNameInUse}, false, false},
		{&Error{Status: 409, Code: boxapi.CodeOperationBlockedTemporary}, true, false},
		{io.ErrUnexpectedEOF, true, true},
		{&AuthError{Code: "invalid_grant"}, false, true},
		{fmt.Errorf("GET /x: %w", &tls.CertificateVerificationError{Err: errors.New("signed by nobody")}), false, true},
		{fmt.Errorf("%w: %w", errSource, os.ErrPermission), false, true},
	} {
		if got := passing(c.err); got != c.passing {
			t.Errorf("%v: passing %v", c.err, got)
		}
		if got := lost(c.err); got != c.lost && c.passing {
			t.Errorf("%v: lost %v", c.err, got)
		}
	}
}

// A server that nobody vouches for is not asked twice.
func TestACertificateOfNobody(t *testing.T) {
	var connections atomic.Int64
	ts := httptest.NewUnstartedServer(http.NotFoundHandler())
	ts.Config.ErrorLog = log.New(io.Discard, "", 0)
	ts.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	ts.StartTLS()
	defer ts.Close()
	c, err := New(Config{URLs: At(ts.URL), Tokens: StaticToken("t"), Retry: Retry{MinWait: time.Millisecond, MaxWait: time.Millisecond, Budget: time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Me(t.Context())
	var cert *tls.CertificateVerificationError
	if n := connections.Load(); !errors.As(err, &cert) || n != 1 {
		t.Errorf("after %d connections: %v", n, err)
	}
}

func TestPatience(t *testing.T) {
	r := Retry{Budget: time.Minute, MinWait: time.Second, MaxWait: 8 * time.Second}.withDefaults()
	for n, most := range []time.Duration{1, 2, 4, 8, 8, 8} {
		var longest time.Duration
		for range 200 {
			p := r.start()
			p.tries = n
			d, again := p.next(0, false)
			if !again || d > most*time.Second {
				t.Fatalf("wait %d is %v", n, d)
			}
			longest = max(longest, d)
		}
		if longest < most*time.Second/2 {
			t.Errorf("wait %d is at most %v, want up to %ds", n, longest, most)
		}
	}
	p := r.start()
	if d, again := p.next(30*time.Second, true); d != 30*time.Second || !again {
		t.Errorf("%v %v", d, again)
	}
	if _, again := p.next(2*time.Minute, true); again {
		t.Error("a Retry-After beyond the budget is waited for")
	}
	p.since = time.Now().Add(-2 * time.Minute)
	if _, again := p.next(0, true); again {
		t.Error("the budget has no end")
	}
}

func TestOtherNames(t *testing.T) {
	for _, c := range []struct {
		name string
		n    int
		want string
	}{
		{"survey.laz", 1, "survey (1).laz"},
		{"a.tar.gz", 2, "a.tar (2).gz"},
		{"Makefile", 3, "Makefile (3)"},
		{".profile", 1, ".profile (1)"},
		{"ü", 1, "ü (1)"},
		{strings.Repeat("é", 255), 1, strings.Repeat("é", 251) + " (1)"},
		{strings.Repeat("x", 251) + ".bin", 12, strings.Repeat("x", 246) + " (12).bin"},
	} {
		if got := otherName(c.name, c.n); got != c.want {
			t.Errorf("%q: %q, want %q", c.name, got, c.want)
		}
	}
	if a, b := otherName("a.b", 20), otherName("a.b", 20); a == b || len(a) != len("a (0123456789).b") {
		t.Errorf("%q and %q", a, b)
	}
}

func FuzzErrorBody(f *testing.F) {
	for _, s := range []string{
		`{"code":"item_name_in_use","context_info":{"conflicts":[{"type":"folder","id":"78"}]}}`,
		`{"code":"session_conflict","context_info":{"session":{"id":"A","part_size":1}}}`,
		`{"code":1,"message":[],"context_info":{"conflicting_part":{"offset":-1}}}`, `<html>`, ``,
	} {
		f.Add(409, s)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		e := parseError("GET /x", status, http.Header{}, []byte(body))
		if len(e.Error()) > 5000 {
			t.Errorf("a message of %d bytes", len(e.Error()))
		}
		_ = NameOf(e.Conflict())
	})
}

func FuzzState(f *testing.F) {
	h := sha1.New()
	h.Write([]byte("x"))
	running, _ := freeze(h)
	sum := sha1.Sum([]byte("x"))
	good, err := (&State{Session: "A", Size: 2000, PartSize: 1000, Digests: sum[:], Running: running}).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"version":1,"session":"A","size":-1}`))
	f.Add([]byte(`{"version":1,"session":"A","size":9223372036854775807,"part_size":9223372036854775807,"digests":"AAAAAAAAAAAAAAAAAAAAAAAAAAA="}`))
	f.Add([]byte(`{"version":2}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := DecodeState(text)
		if err != nil {
			return
		}
		again, err := s.Encode()
		if err != nil {
			return // years that JSON has no form for
		}
		if _, err := DecodeState(again); err != nil {
			t.Errorf("%q was read, and %q is not: %v", text, again, err)
		}
		if s.hashed() > 0 {
			if _, err := s.running(); err != nil {
				t.Error(err)
			}
		}
	})
}

func FuzzAppConfig(f *testing.F) {
	for _, name := range []string{"rsa-plain.pem", "rsa-aes128-sha1.pem", "rsa-des3-sha1.pem"} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), "open-sesame")
	}
	f.Add("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n", "")
	f.Fuzz(func(t *testing.T, pem, passphrase string) {
		key, err := parsePrivateKey([]byte(pem), passphrase)
		if err == nil && key.Validate() != nil {
			t.Errorf("%q is a key that is none", pem)
		}
	})
}
