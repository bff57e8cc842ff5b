package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

// client sends to one server, over connections that are kept, and is the same
// for all of them. It is made to be cheap: the kernel sends bodies from file
// to socket, and digests are known beforehand.
type client struct {
	url   string
	http  *http.Client
	allow func(*http.Request) // signs or adds a token; nil for servers that let everybody in
}

// newClient makes a client with up to conns connections. A nil config is for
// servers without TLS.
func newClient(url string, conns int, config *tls.Config, allow func(*http.Request)) *client {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &client{url: url, allow: allow, http: &http.Client{
		Transport: &http.Transport{
			Protocols: protocols, TLSClientConfig: config,
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				c, err := new(net.Dialer).DialContext(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				return conn{c.(*net.TCPConn)}, nil
			},
			MaxIdleConnsPerHost: conns, MaxConnsPerHost: conns,
			// This is for the head of a request and the first bytes of its body.
			WriteBufferSize: 16 << 10, ReadBufferSize: 64 << 10,
			DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// answer is what a server said, read to its end.
type answer struct {
	header http.Header
	body   []byte
}

// do sends a request and wants an answer with the status want. Headers come in
// pairs. The size of a body that is a file has to be told.
func (c *client) do(ctx context.Context, method, path string, body io.Reader, size int64, want int, headers ...string) (answer, error) {
	resp, err := c.send(ctx, method, path, body, size, headers...)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != want {
		err = fmt.Errorf("%s %s: %d, not %d: %s", method, path, resp.StatusCode, want, b)
	}
	return answer{resp.Header, b}, err
}

// send is do without a look at the answer, whose body the caller closes.
func (c *client) send(ctx context.Context, method, path string, body io.Reader, size int64, headers ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, body)
	if err != nil {
		return nil, err
	}
	req.ContentLength = size
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	if c.allow != nil {
		c.allow(req)
	}
	return c.http.Do(req)
}

// extent is some bytes of a file, from where it is read on, as a body.
type extent struct {
	file *os.File
	left int64
}

func (r *extent) Read(b []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n, err := r.file.Read(b[:min(int64(len(b)), r.left)])
	r.left -= int64(n)
	return n, err
}

func (r *extent) Close() error { return r.file.Close() }

// conn lets the kernel send the bodies that are extents. What net/http asks the
// connection to read from is a limited reader, and inside it a body that
// net.TCPConn does not know.
type conn struct{ tcpConn }

// tcpConn is net.TCPConn, which has the kernel send what it reads from files.
type tcpConn interface {
	net.Conn
	io.ReaderFrom
}

func (c conn) ReadFrom(from io.Reader) (int64, error) {
	limited, ok := from.(*io.LimitedReader)
	if ok {
		if r, ok := limited.R.(*extent); ok {
			n, err := c.tcpConn.ReadFrom(io.LimitReader(r.file, min(limited.N, r.left)))
			limited.N -= n
			r.left -= n
			return n, err
		}
	}
	return c.tcpConn.ReadFrom(from)
}
