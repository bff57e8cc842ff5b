package main

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// parcel is what programs upload: a file, or a folder of them if there are more.
type parcel struct {
	files int
	size  int64 // of each, bytes
}

func (p parcel) bytes() int64 { return int64(p.files) * p.size }

// madeParcel is one on the disk.
type madeParcel struct {
	parcel
	path string
	sums map[string]sum // of its files, by name
}

// parcel makes a parcel, once for all rounds.
func (b *bench) parcel(p parcel) (*madeParcel, error) {
	if made := b.parcels[p]; made != nil {
		return made, nil
	}
	made := &madeParcel{parcel: p, path: filepath.Join(b.dir, fmt.Sprintf("parcel-%dx%d", p.files, p.size)), sums: map[string]sum{}}
	dir, names := made.path, []string{}
	if p.files == 1 {
		dir, names = b.dir, append(names, filepath.Base(made.path))
	} else if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	for i := len(names); i < p.files; i++ {
		names = append(names, fmt.Sprintf("file-%04d", i))
	}
	bytes := rand.NewChaCha8([32]byte{9})
	for _, name := range names {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		h := sha1.New()
		_, err = io.CopyN(io.MultiWriter(f, h), bytes, p.size)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return nil, err
		}
		made.sums[name] = sum(h.Sum(nil))
	}
	settle()
	b.parcels[p] = made
	return made, nil
}

// arrived is content when the server has the parcel, and nothing besides.
func (p *madeParcel) arrived(ctx context.Context, s *server) error {
	trust, err := trusting(caOf(s))
	if err != nil {
		return err
	}
	c := newBoxcar(s.url, 1, trust)
	defer c.close()
	items, err := c.items(ctx, "0")
	if err == nil && p.files > 1 {
		name := filepath.Base(p.path)
		folder, ok := items[name]
		if !ok || len(items) != 1 {
			return fmt.Errorf("%d items have arrived, and no folder %s alone", len(items), name)
		}
		items, err = c.items(ctx, folder.ID)
	}
	if err != nil {
		return err
	}
	if len(items) != p.files {
		return fmt.Errorf("%d files have arrived, of %d", len(items), p.files)
	}
	for name, of := range p.sums {
		if got := items[name]; got.Size != p.size || got.SHA1 != hex.EncodeToString(of[:]) {
			return fmt.Errorf("%s, %d bytes with SHA-1 %x, has arrived as %+v", name, p.size, of, got)
		}
	}
	return nil
}

// item is what a list says of a file or folder.
type item struct {
	ID, Name, SHA1 string
	Size           int64
}

// items are those of a folder, of a thousand at most, by name.
func (c boxcar) items(ctx context.Context, folder string) (map[string]item, error) {
	got, err := c.do(ctx, "GET", "/2.0/folders/"+folder+"/items?limit=1000&fields=name,size,sha1", strings.NewReader(""), 0, 200)
	if err != nil {
		return nil, err
	}
	var list struct{ Entries []item }
	if err := json.Unmarshal(got.body, &list); err != nil {
		return nil, err
	}
	items := map[string]item{}
	for _, i := range list.Entries {
		items[i.Name] = i
	}
	return items, nil
}
