package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"

	"boxcar/client"
)

func ExampleClient_Upload() {
	ctx := context.Background()
	c, stop := client.FakeServer()
	defer stop()

	data := strings.Repeat("point cloud ", 1000)
	res, err := c.Upload(ctx, client.Upload{
		Source: client.FromReaderAt(strings.NewReader(data), int64(len(data))),
		Name:   "survey.laz", OnConflict: client.NewVersion,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.File.Name, res.File.Size)
	fmt.Printf("%x\n", res.SHA1)
	// Output:
	// survey.laz 12000
	// 075aa4250b02034ba8faec41a1e984ba696f6de3
}

// An upload that is broken off goes on where it was, by its state.
func ExampleUpload_state() {
	c, stop := client.FakeServer()
	defer stop()
	states, err := os.MkdirTemp("", "boxcar-states-*")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(states)
	path := filepath.Join(states, "survey.laz")
	if err := os.WriteFile(path, bytes.Repeat([]byte("0123456789abcdef"), 1<<19), 0o644); err != nil {
		log.Fatal(err)
	}

	upload := func(ctx context.Context, progress client.Progress) (*client.Result, error) {
		src, err := client.OpenFile(path)
		if err != nil {
			return nil, err
		}
		defer src.Close()
		return c.Upload(ctx, client.Upload{
			Source: src, Name: "survey.laz", SimpleBelow: 1, MaxParallel: 1,
			State: client.StateDir(states), Progress: progress,
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	_, err = upload(ctx, func(e client.Event) {
		if e.Kind == client.PartDone && e.Part == 3 {
			cancel() // somebody pulls the plug
		}
	})
	var failed *client.UploadError
	fmt.Println(errors.As(err, &failed) && failed.Resumable)

	res, err := upload(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.Reused >= 4<<20, res.File.Size)
	// Output:
	// true
	// true 8388608
}

// A stream of unknown size is spooled to a temporary file first.
func ExampleFromReader() {
	c, stop := client.FakeServer()
	defer stop()

	r, w := io.Pipe()
	go func() {
		for i := range 1000 {
			fmt.Fprintln(w, "line", i)
		}
		w.Close()
	}()
	res, err := c.Upload(context.Background(), client.Upload{Source: client.FromReader(r, -1), Name: "lines.txt"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.File.Name, res.File.Size)
	// Output: lines.txt 8890
}

func ExampleError() {
	c, stop := client.FakeServer()
	defer stop()

	_, err := c.GetFile(context.Background(), "12")
	var refused *client.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Status, refused.Code, client.IsNotFound(err))
	}
	// Output: 404 not_found true
}
