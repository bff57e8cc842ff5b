package scale

import (
	"bytes"
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"boxcar/internal/auth"
	"boxcar/internal/blob/disk"
	"boxcar/internal/content"
	"boxcar/internal/daemon"
	"boxcar/internal/httpapi"
	"boxcar/internal/meta/sqlite"
	"boxcar/internal/sweep"
	"boxcar/internal/tree"
	"boxcar/internal/upload"
	"boxcar/internal/vfs"
)

// house is the services over one database, and a server on them in the same process.
type house struct {
	ctx    context.Context
	rows   *sqlite.Store
	newID  func() content.ID
	who    content.Principal
	tree   *tree.Service
	upload *upload.Service
	sweep  *sweep.Service
	left   chan struct{}

	url    string
	server *http.Server
	client http.Client
}

const token = "scale"

func random(b []byte) { crand.Read(b) }

func open(ctx context.Context, dir string) (*house, error) {
	rows, err := sqlite.Open(filepath.Join(dir, "boxcar.db"), sqlite.Options{})
	if err != nil {
		return nil, err
	}
	blobs, err := disk.Open(vfs.Dir(dir))
	if err != nil {
		return nil, err
	}
	h := &house{ctx: ctx, rows: rows, newID: daemon.NewIDs(time.Now, random), left: make(chan struct{}, 1)}
	a := &auth.Service{Meta: rows, Now: time.Now, NewID: h.newID, Random: random}
	if _, err := a.Start(ctx, func(auth.Credentials) error { return nil }); err != nil {
		return nil, err
	}
	a.Fix(token)
	if h.who, err = a.Authenticate(ctx, token, ""); err != nil {
		return nil, err
	}
	quiet := slog.New(slog.DiscardHandler)
	h.tree = &tree.Service{Meta: rows, Blobs: blobs, Now: time.Now, NewID: h.newID, Random: random, Log: quiet, MaxFileSize: daemon.DefaultMaxFileSize,
		Left: func() {
			select {
			case h.left <- struct{}{}:
			default:
			}
		}}
	var none int64
	h.upload = upload.New(upload.Config{Meta: rows, Blobs: blobs, Tree: h.tree, Now: time.Now, NewID: h.newID, Random: random,
		Answer: httpapi.Answer, Log: quiet, Limits: upload.Limits{MinChunkedSize: &none}})
	h.sweep = &sweep.Service{Meta: rows, Blobs: blobs, Now: time.Now, Log: quiet, Growing: h.tree.Growing}
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h.url = "http://" + listen.Addr().String()
	h.server = &http.Server{Handler: httpapi.New(httpapi.Config{Upload: h.upload, Tree: h.tree, Auth: a, Now: time.Now, Random: random, Log: quiet})}
	go h.server.Serve(listen)
	return h, nil
}

func (h *house) close() error {
	err := h.server.Close()
	h.tree.Close()
	h.upload.Close()
	return errors.Join(err, h.rows.Close())
}

// build makes an account of a size in a new directory.
func build(ctx context.Context, dir string, s size) error {
	h, err := open(ctx, dir)
	if err != nil {
		return err
	}
	b := &builder{ctx: h.ctx, rows: h.rows, who: h.who, newID: h.newID, rand: rand.New(rand.NewPCG(1, 2)), now: time.Now()}
	if err := errors.Join(b.plant(s), h.close()); err != nil {
		return err
	}
	return b.multiply(dir)
}

// do sends a request and reads all of the answer.
func (h *house) do(method, path, body string, want int, headers ...string) ([]byte, error) {
	req, err := http.NewRequestWithContext(h.ctx, method, h.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != want {
		err = fmt.Errorf("%s %s: %d %.300s", method, path, resp.StatusCode, b)
	}
	return b, err
}
