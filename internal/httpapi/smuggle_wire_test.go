package httpapi_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// What is no HTTP, or could be two requests where somebody in between sees one,
// is refused and the connection ends, with nothing of what is behind it answered.
func TestWhatIsNotHTTPIsRefused(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	behind := fmt.Sprintf("GET /2.0/users/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", w.token)
	post := "POST /2.0/folders HTTP/1.1\r\nHost: x\r\n"
	for name, text := range map[string]string{
		"no request line":                     "\r\n\r\n\r\n",
		"no version":                          "GET /healthz\r\nHost: x\r\n\r\n",
		"no target":                           "GET  HTTP/1.1\r\nHost: x\r\n\r\n",
		"another protocol":                    "GET /healthz ICY/1.1\r\nHost: x\r\n\r\n",
		"a later version":                     "GET /healthz HTTP/3.7\r\nHost: x\r\n\r\n",
		"TLS":                                 "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
		"SOCKS":                               "\x05\x01\x00\r\n\r\n",
		"a bad method":                        "G(T /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
		"no host":                             "GET /healthz HTTP/1.1\r\n\r\n",
		"two hosts":                           "GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
		"a header without colon":              "GET /healthz HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n",
		"a space before the colon":            post + "Content-Length : 5\r\n\r\nhello",
		"a header on two lines at once":       "GET /healthz HTTP/1.1\r\n Host: x\r\n\r\n",
		"NUL in a header":                     "GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
		"two lengths":                         post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
		"a length with a sign":                post + "Content-Length: +2\r\n\r\n{}",
		"a negative length":                   post + "Content-Length: -2\r\n\r\n{}",
		"a length that no number can be":      post + "Content-Length: 99999999999999999999999\r\n\r\n{}",
		"two transfer encodings":              post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"a transfer encoding that is unknown": post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"chunked behind another":              post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"a long line":                         "GET /" + strings.Repeat("a", 200<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"many headers":                        "GET /healthz HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: y\r\n", 30_000) + "\r\n",
		"a long header":                       "GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", 200<<10) + "\r\n\r\n",
		"a bad chunk":                         post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
		"a chunk that is longer than said":    post + "Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
		"a length and chunks":                 post + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", w.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(time.Minute))
			go func() { io.WriteString(c, text+behind) }() // the server may hang up first
			said, err := io.ReadAll(c)
			if ne, ok := err.(net.Error); ok && ne.Timeout() {
				t.Fatalf("it hangs, after %q", said)
			}
			if strings.Contains(string(said), w.Credentials.Admin.Login) || strings.Contains(string(said), "HTTP/1.1 200") {
				t.Errorf("what is behind it was answered: %q", said)
			}
			if len(said) > 0 && !strings.HasPrefix(string(said), "HTTP/1.1 4") && !strings.HasPrefix(string(said), "HTTP/1.1 501") && !strings.HasPrefix(string(said), "HTTP/1.1 505") {
				t.Errorf("the answer is %q", said)
			}
		})
	}
}
