// Command pipe uploads a stream that is made while it is sent: a folder, as a
// compressed archive. Nobody knows its size before it ends, so it is spooled to a
// temporary file.
//
//	pipe FOLDER NAME
package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"

	"boxcar/client"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: pipe FOLDER NAME")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := upload(ctx, os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func upload(ctx context.Context, folder, name string) error {
	cfg := client.Config{Tokens: client.StaticToken(os.Getenv("BOXCAR_TOKEN"))}
	if server := os.Getenv("BOXCAR_URL"); server != "" {
		cfg.URLs = client.At(server)
	}
	c, err := client.New(cfg)
	if err != nil {
		return err
	}
	r, w := io.Pipe()
	// If the upload ends first, the archive does too.
	defer r.Close()
	go func() { w.CloseWithError(archive(w, folder)) }()
	res, err := c.Upload(ctx, client.Upload{
		Source: client.FromReader(r, -1), Name: name,
		Spool: client.Spool{Max: 100 << 30},
	})
	if err != nil {
		return err
	}
	fmt.Printf("%s is file %s of %d bytes\n", res.File.Name, res.File.ID, res.File.Size)
	return nil
}

// archive writes a folder to w.
func archive(w io.Writer, folder string) error {
	z := gzip.NewWriter(w)
	t := tar.NewWriter(z)
	return errors.Join(t.AddFS(os.DirFS(folder)), t.Close(), z.Close())
}
