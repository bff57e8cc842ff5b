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

// connect makes a client of a server that is there for the examples. Others do so:
//
//	client.New(client.Config{URLs: client.At("http://127.0.0.1:8080"), Tokens: client.StaticToken(token)})
func connect() (*client.Client, func()) { return client.FakeServer() }

func ExampleClient_Upload() {
	ctx := context.Background()
	c, stop := connect()
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
	c, stop := connect()
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
	c, stop := connect()
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

// A version is made only of what the caller has seen.
func ExampleUpload_version() {
	ctx := context.Background()
	c, stop := connect()
	defer stop()
	upload := func(text string, u client.Upload) (*client.Result, error) {
		u.Source = client.FromReaderAt(strings.NewReader(text), int64(len(text)))
		return c.Upload(ctx, u)
	}
	first, err := upload("one", client.Upload{Name: "survey.laz"})
	if err != nil {
		log.Fatal(err)
	}
	seen := client.Upload{FileID: string(first.File.ID), IfMatch: string(first.File.Etag)}
	second, err := upload("second", seen)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(second.File.ID == first.File.ID, second.File.Size)

	_, err = upload("third", seen)
	fmt.Println(client.IsPreconditionFailed(err))
	// Output:
	// true 6
	// true
}

// A meter adds up what happens, for who looks now and then.
func ExampleMeter() {
	c, stop := connect()
	defer stop()
	var meter client.Meter
	data := make([]byte, 5<<20)
	_, err := c.Upload(context.Background(), client.Upload{
		Source: client.FromReaderAt(bytes.NewReader(data), int64(len(data))), Name: "zeros", SimpleBelow: 1,
		Progress: meter.Event,
	})
	if err != nil {
		log.Fatal(err)
	}
	now := meter.Read()
	fmt.Println(now.Moved, "of", now.Total, "bytes, part", now.PartsDone, "of", now.Parts)
	// Output: 5242880 of 5242880 bytes, part 5 of 5
}

func ExampleClient_Download() {
	ctx := context.Background()
	c, stop := connect()
	defer stop()
	res, err := c.Upload(ctx, client.Upload{Source: client.FromReader(strings.NewReader("point cloud"), -1), Name: "survey.laz"})
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "boxcar-example-*")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	path := filepath.Join(dir, res.File.Name)
	if _, err := c.Download(ctx, client.Download{FileID: string(res.File.ID), Path: path}); err != nil {
		log.Fatal(err)
	}
	text, err := os.ReadFile(path)
	fmt.Printf("%s %v\n", text, err)
	// Output: point cloud <nil>
}

// Several servers are kept under names, with what each wants for its tokens.
func ExampleProfiles() {
	dir, err := os.MkdirTemp("", "boxcar-example-*")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	profiles := client.Profiles{Dir: dir}
	for name, p := range map[string]client.Profile{
		"here": {Server: "http://127.0.0.1:8080", Auth: client.AuthToken, Token: "secret"},
		"work": {Auth: client.AuthClientCredentials, ClientID: "id", ClientSecret: "secret", Subject: &client.Subject{Type: "enterprise", ID: "7"}},
	} {
		if err := profiles.Put(name, p, name == "here"); err != nil {
			log.Fatal(err)
		}
	}
	cfg, err := profiles.Config("work", nil)
	if err != nil {
		log.Fatal(err)
	}
	c, err := client.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.URLs().API)
	// Output: https://api.box.com
}

func ExampleError() {
	c, stop := connect()
	defer stop()

	_, err := c.GetFile(context.Background(), "12")
	var refused *client.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Status, refused.Code, client.IsNotFound(err))
	}
	// Output: 404 not_found true
}
