package main

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
)

func serveFloor(addr, dir string, sums bool) error {
	return http.ListenAndServe(addr, floorHandler(dir, sums))
}

// floorHandler does what a server cannot do without: it reads each part, writes
// it to a file of its own, syncs that and answers how much it was. With sums it
// also computes two SHA-1s of each buffer by crypto/sha1, one for the part,
// which it answers, and one in place of the file's, whose order is not kept.
// Small files it puts in place under their names, and syncs the directory, too.
func floorHandler(dir string, sums bool) http.Handler {
	var n atomic.Int64
	buffers := sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}
	// keep copies a body to a new file, synced, and says what it was.
	keep := func(name string, r *http.Request) (reply string, err error) {
		f, err := os.Create(name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		buf := buffers.Get().(*[]byte)
		defer buffers.Put(buf)
		var both [2]hash.Hash
		var to io.Writer = struct{ io.Writer }{f}
		if sums {
			both = [2]hash.Hash{sha1.New(), sha1.New()}
			to = io.MultiWriter(both[0], both[1], f)
		}
		size, err := io.CopyBuffer(to, struct{ io.Reader }{r.Body}, *buf)
		if err != nil {
			return "", err
		}
		reply = strconv.FormatInt(size, 10)
		if sums {
			reply = hex.EncodeToString(both[0].Sum(nil)) + " " + hex.EncodeToString(both[1].Sum(nil))
		}
		return reply, datasync(f)
	}
	answer := func(w http.ResponseWriter, reply string, err error) {
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		io.WriteString(w, reply)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /part", func(w http.ResponseWriter, r *http.Request) {
		reply, err := keep(filepath.Join(dir, fmt.Sprint(n.Add(1))), r)
		answer(w, reply, err)
	})
	mux.HandleFunc("POST /file/{name}", func(w http.ResponseWriter, r *http.Request) {
		temp := filepath.Join(dir, fmt.Sprintf("temp-%d", n.Add(1)))
		reply, err := keep(temp, r)
		if err == nil {
			err = os.Rename(temp, filepath.Join(dir, "file-"+r.PathValue("name")))
		}
		if err == nil {
			err = syncDir(dir)
		}
		answer(w, reply, err)
	})
	return mux
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// floorTarget starts serveFloor in a process of its own.
func floorTarget(name string, sums bool) target {
	t := target{name: name}
	t.start = func(ctx context.Context, dir string, _ int64) (*server, error) {
		addr, err := freeAddr()
		if err != nil {
			return nil, err
		}
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		return launch(ctx, name, dir, "http://"+addr, exec.Command(self, "floor", addr, dir, strconv.FormatBool(sums)), listening(addr))
	}
	t.sender = func(s *server, conns int) (sender, error) {
		return newFloor(s.url, conns, sums), nil
	}
	return t
}

// floorSender sends parts that belong to nothing: there is nothing to begin
// and nothing to commit.
type floorSender struct {
	*client
	sums bool
}

func newFloor(url string, conns int, sums bool) floorSender {
	return floorSender{newClient(url, conns, nil, nil), sums}
}

func (c floorSender) begin(_ context.Context, f *file, _ string) (sending, error) {
	return floorSending{c, f}, nil
}

type floorSending struct {
	floorSender
	f *file
}

func (s floorSending) part(ctx context.Context, i int) error {
	body, err := s.f.open(i)
	if err != nil {
		return err
	}
	got, err := s.do(ctx, "PUT", "/part", body, s.f.length(i), 200)
	if err != nil {
		return err
	}
	return s.check(got.body, s.f.length(i), s.f.sum(i))
}

func (c floorSender) check(got []byte, size int64, of sum) error {
	want := strconv.FormatInt(size, 10)
	if c.sums {
		want = hex.EncodeToString(of[:]) + " " + hex.EncodeToString(of[:])
	}
	if string(got) != want {
		return fmt.Errorf("the floor answers %q, not %q", got, want)
	}
	return nil
}
