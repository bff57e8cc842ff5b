// Command version makes a new version of a file at the server, and sends only what
// has changed, where the server can tell (a boxcar can).
//
//	version FILE FILE-ID
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"

	"boxcar/client"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: version FILE FILE-ID")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := upload(ctx, os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func upload(ctx context.Context, path, id string) error {
	cfg := client.Config{Tokens: client.StaticToken(os.Getenv("BOXCAR_TOKEN"))}
	if server := os.Getenv("BOXCAR_URL"); server != "" {
		cfg.URLs = client.At(server)
	}
	c, err := client.New(cfg)
	if err != nil {
		return err
	}
	// Who changes the file meanwhile is not overwritten.
	file, err := c.GetFile(ctx, id)
	if err != nil {
		return err
	}
	src, err := client.OpenFile(path)
	if err != nil {
		return err
	}
	defer src.Close()
	res, err := c.Upload(ctx, client.Upload{Source: src, FileID: id, IfMatch: string(file.Etag), Plan: true})
	if client.IsPreconditionFailed(err) {
		return fmt.Errorf("somebody has changed %s meanwhile: %w", file.Name, err)
	}
	if err != nil {
		return err
	}
	fmt.Printf("version %s of %s; %d of its %d bytes were there before\n", res.File.FileVersion.ID, res.File.Name, res.Reused, res.File.Size)
	return nil
}
