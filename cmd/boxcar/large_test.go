package main_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	sdk "boxcar/client"
)

// streamAt is a stream as the source of an upload.
type streamAt struct {
	s    *stream
	size int64
}

func (f streamAt) ReadAt(p []byte, off int64) (n int, err error) {
	if left := max(0, f.size-off); int64(len(p)) > left {
		p, err = p[:left], io.EOF
	}
	f.s.fill(p, off)
	return len(p), err
}

// TestLargeFiles sends files at the edges of 31 and 32 bits to the server by package
// client, with parts as they are by default, and reads them back. Each has its size on
// the disk while it is tried, so they are for who asks: BOXCAR_LARGE=1.
func TestLargeFiles(t *testing.T) {
	if os.Getenv("BOXCAR_LARGE") == "" {
		t.Skip("FILES OF 2 AND 4 GIB ARE NOT TRIED: BOXCAR_LARGE=1 does, as make large")
	}
	s := newStream()
	for _, size := range []int64{1<<31 - 1, 1<<31 + 1, 1 << 32} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			p := mustServe(t, filepath.Join(t.TempDir(), "data"))
			c, err := sdk.New(sdk.Config{URLs: sdk.At(p.URL), Tokens: sdk.StaticToken(p.Token)})
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			res, err := c.Upload(t.Context(), sdk.Upload{Source: sdk.FromReaderAt(streamAt{s, size}, size), Name: "large"})
			if err != nil {
				t.Fatal(err)
			}
			up := time.Since(began)

			// It compares the server's digest with that of what came.
			file, err := c.DownloadTo(t.Context(), string(res.File.ID), "", s.read(0, size), nil)
			if err != nil {
				t.Fatal(err)
			}
			if sum := fmt.Sprintf("%x", res.SHA1); file.Size != size || string(file.SHA1) != sum {
				t.Errorf("%d bytes with %s, want %d with %s", file.Size, file.SHA1, size, sum)
			}
			t.Logf("up in %v, back in %v", up.Round(time.Millisecond), (time.Since(began) - up).Round(time.Millisecond))

			of := newClient(p)
			at := of.must(t, 302, "GET", "/2.0/files/"+string(res.File.ID)+"/content", nil).Header.Get("Location")
			for _, first := range []int64{1<<31 - 2, size - 5} {
				length := min(100_000, size-first)
				resp, err := of.send("GET", at, nil, -1, "Range", fmt.Sprintf("bytes=%d-%d", first, first+length-1))
				if err != nil {
					t.Fatal(err)
				}
				want := fmt.Sprintf("bytes %d-%d/%d", first, first+length-1, size)
				if got := resp.Header.Get("Content-Range"); resp.StatusCode != http.StatusPartialContent || got != want || resp.ContentLength != length {
					t.Errorf("from %d on: %s, %q, %d bytes, want %q", first, resp.Status, got, resp.ContentLength, want)
				}
				n, err := io.Copy(s.read(first, length), resp.Body)
				if n != length || err != nil {
					t.Errorf("from %d on %d bytes came: %v", first, n, err)
				}
				resp.Body.Close()
			}
			p.stop(t)
		})
	}
}
