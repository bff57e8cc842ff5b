// Command upload puts a file into the root folder and shows how far it is.
//
//	upload FILE
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"time"

	"boxcar/client"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: upload FILE")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := upload(ctx, os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

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

	// A meter is told of every step; looking at it twice a second is enough
	// for a person.
	var meter client.Meter
	stop := watch(&meter)
	res, err := c.Upload(ctx, client.Upload{
		Source: src, Name: filepath.Base(path),
		OnConflict: client.NewVersion, SkipUnchanged: true,
		Progress: meter.Event,
	})
	stop()
	if err != nil {
		return err
	}
	if res.Unchanged {
		fmt.Printf("%s is there already, as file %s\n", res.File.Name, res.File.ID)
		return nil
	}
	fmt.Printf("%s is file %s, SHA-1 %x\n", res.File.Name, res.File.ID, res.SHA1)
	return nil
}

// watch shows how far it is, until it is stopped.
func watch(meter *client.Meter) (stop func()) {
	show := func() {
		r := meter.Read()
		fmt.Fprintf(os.Stderr, "\r%d of %d bytes, part %d of %d", r.Moved+r.Reused, r.Total, r.PartsDone, r.Parts)
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-time.After(500 * time.Millisecond):
				show()
			case <-done:
				show()
				fmt.Fprintln(os.Stderr)
				return
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
	}
}
