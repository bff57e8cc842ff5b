// Command resume uploads a file in such a way that it can be stopped at any moment,
// also by kill -9 or a power cut, and goes on when it is run again.
//
//	resume FILE
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"

	"boxcar/client"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: resume FILE")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := upload(ctx, os.Args[1])
	var failed *client.UploadError
	switch {
	case errors.Is(err, client.ErrSourceChanged):
		log.Fatalf("%v\nwhat was sent of it is no good any more: delete %s to begin again", err, statePath(os.Args[1]))
	case errors.As(err, &failed) && failed.Resumable:
		log.Fatalf("%v\nrun the same command again to go on", err)
	case err != nil:
		log.Fatal(err)
	}
}

// statePath is beside the file. A client.StateDir would keep the states of many
// uploads in one place.
func statePath(file string) string { return file + ".upload-state" }

func upload(ctx context.Context, path string) error {
	cfg := client.Config{Tokens: client.StaticToken(os.Getenv("BOXCAR_TOKEN"))}
	if server := os.Getenv("BOXCAR_URL"); server != "" {
		cfg.URLs = client.At(server)
	}
	c, err := client.New(cfg)
	if err != nil {
		return err
	}
	src, err := client.OpenFile(path)
	if err != nil {
		return err
	}
	defer src.Close()
	res, err := c.Upload(ctx, client.Upload{
		Source: src, Name: filepath.Base(path),
		State: client.StateFile(statePath(path)),
		Progress: func(e client.Event) {
			switch e.Kind {
			case client.Waiting:
				log.Printf("again in %v: %v", e.Wait, e.Err)
			case client.Restarted:
				log.Printf("from the start again: %v", e.Err)
			}
		},
	})
	if err != nil {
		return err
	}
	fmt.Printf("%s is file %s; %d of its %d bytes were there before\n", res.File.Name, res.File.ID, res.Reused, res.File.Size)
	return nil
}
