package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// floor serves parts without looking at them: read, write, sync, answer.
func floor(dir string) error {
	var n atomic.Int64
	buffers := sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}
	http.HandleFunc("PUT /part", func(w http.ResponseWriter, r *http.Request) {
		err := func() error {
			f, err := os.Create(filepath.Join(dir, fmt.Sprint(n.Add(1))))
			if err != nil {
				return err
			}
			defer f.Close()
			buf := buffers.Get().(*[]byte)
			defer buffers.Put(buf)
			if _, err := io.CopyBuffer(struct{ io.Writer }{f}, struct{ io.Reader }{r.Body}, *buf); err != nil {
				return err
			}
			return datasync(f)
		}()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("listening at http://%s \n", l.Addr())
	return http.Serve(l, nil)
}
