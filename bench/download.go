package main

import (
	"context"
	"crypto/sha1"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
)

const rangeSize = mib

// origin is a server that has the file, with and without TLS.
type origin struct {
	server     *server
	plain, tls string // URLs
	// at is the path of the file, which may be good for some minutes only.
	at func(ctx context.Context, c *client) (string, error)
}

// origins are started when they are needed first, and serve all downloads.
type origins struct {
	b    *bench
	pair certificate
	open map[string]origin
}

func (o *origins) of(ctx context.Context, name string) (origin, error) {
	if at, ok := o.open[name]; ok {
		return at, nil
	}
	f, err := o.b.materials.file(o.b.size, part8)
	if err != nil {
		return origin{}, err
	}
	if o.pair.cert == "" {
		if o.pair, err = newCertificate(o.b.dir); err != nil {
			return origin{}, err
		}
	}
	dir := o.b.place(name + "-downloads")
	var s *server
	var at origin
	if name == "nginx" {
		s, at, err = startNginx(ctx, o.b.binaries[name], dir, f, o.pair)
	} else {
		s, at, err = startBoxcarWithFile(ctx, o.b.binaries[name], dir, f, o.pair)
	}
	if s != nil {
		o.b.closers = append(o.b.closers, s.stop)
	}
	if err != nil {
		return origin{}, err
	}
	o.open[name] = at
	return at, nil
}

func startBoxcarWithFile(ctx context.Context, binary, dir string, f *file, pair certificate) (*server, origin, error) {
	var o origin
	plain, err := freeAddr()
	if err != nil {
		return nil, o, err
	}
	s, err := startBoxcar(ctx, binary, dir, f.part, "--plain-listen", plain, "--tls-cert", pair.cert, "--tls-key", pair.key)
	if err != nil {
		return nil, o, err
	}
	o = origin{server: s, plain: "http://" + plain, tls: "https://" + s.addr()}
	c := newBoxcar(o.plain, 4, nil)
	defer c.close()
	id, err := c.putFile(ctx, f, "download")
	if err != nil {
		return s, o, s.explain(err)
	}
	// The redirect is followed once: what is measured is sending the content.
	o.at = func(ctx context.Context, c *client) (string, error) {
		got, err := c.do(ctx, "GET", "/2.0/files/"+id+"/content", http.NoBody, 0, 302, "Authorization", "Bearer "+boxcarToken)
		if err != nil {
			return "", err
		}
		u, err := url.Parse(got.header.Get("Location"))
		if err != nil {
			return "", err
		}
		return u.RequestURI(), nil
	}
	return s, o, nil
}

// download is a load: clients that each read a file whole, or share in reading
// as many bytes of it by ranges at random.
type download struct {
	clients int
	ranges  bool
	tls     bool
}

func (d download) String() string {
	what, over, who := "whole", "", "1 client"
	if d.ranges {
		what = "ranges of 1 MiB"
	}
	if d.tls {
		over = ", TLS"
	}
	if d.clients > 1 {
		who = fmt.Sprintf("%d clients", d.clients)
	}
	return fmt.Sprintf("download, %s%s, %s", what, over, who)
}

func (b *bench) downloads(d download, from *origins) contest {
	c := contest{name: d.String(), figures: []figure{rate, cpu, user, system, own, peak}, ratios: []figure{rate, cpu}}
	for _, name := range []string{"nginx", "boxcar"} {
		if b.binaries[name] == "" {
			continue
		}
		c.contestants = append(c.contestants, contestant{
			name: name,
			open: func(ctx context.Context) error { return d.verify(ctx, from, name) },
			run:  func(ctx context.Context, round int) (sample, error) { return d.measure(ctx, from, name, round) },
		})
	}
	return c
}

// reach makes a client for a server and finds where it has the file.
func (d download) reach(ctx context.Context, from *origins, name string) (o origin, c *client, path string, err error) {
	if o, err = from.of(ctx, name); err != nil {
		return o, nil, "", err
	}
	where, config := o.plain, (*tls.Config)(nil)
	if d.tls {
		where = o.tls
		if config, err = trusting(from.pair.cert); err != nil {
			return o, nil, "", err
		}
	}
	c = newClient(where, d.clients, config, nil)
	path, err = o.at(ctx, c)
	return o, c, path, err
}

// verify compares a download with the file before any clock runs. It also puts
// the file into the page cache, for all servers alike.
func (d download) verify(ctx context.Context, from *origins, name string) error {
	_, c, path, err := d.reach(ctx, from, name)
	if err != nil {
		return err
	}
	defer c.close()
	f, err := from.b.materials.file(from.b.size, part8)
	if err != nil {
		return err
	}
	got := sha1.New()
	for first := int64(0); first < f.size; {
		length := f.size
		if d.ranges {
			length = min(rangeSize, f.size-first)
		}
		if err := d.fetch(ctx, c, path, first, length, f.size, make([]byte, mib), got); err != nil {
			return err
		}
		first += length
	}
	if sum(got.Sum(nil)) != f.whole {
		return fmt.Errorf("the SHA-1 of what came is %x, not %x", got.Sum(nil), f.whole)
	}
	return nil
}

// fetch reads some bytes of the file, and fails if others or not all come.
func (d download) fetch(ctx context.Context, c *client, path string, first, length, size int64, buf []byte, to io.Writer) error {
	var headers []string
	want, wantRange := http.StatusOK, ""
	if d.ranges {
		span := fmt.Sprintf("%d-%d", first, first+length-1)
		headers = []string{"Range", "bytes=" + span}
		want, wantRange = http.StatusPartialContent, fmt.Sprintf("bytes %s/%d", span, size)
	}
	resp, err := c.send(ctx, "GET", path, http.NoBody, 0, headers...)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Range"); resp.StatusCode != want || got != wantRange {
		return fmt.Errorf("%d with Content-Range %q, not %d with %q", resp.StatusCode, got, want, wantRange)
	}
	var came int64
	for {
		n, err := resp.Body.Read(buf)
		came += int64(n)
		if to != nil {
			to.Write(buf[:n])
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if came != length {
		return fmt.Errorf("%d bytes have come, not %d", came, length)
	}
	return nil
}

// rangesEach is how many ranges each client reads.
func (d download) rangesEach(size int64) int64 {
	return max(1, size/rangeSize/int64(d.clients))
}

func (d download) measure(ctx context.Context, from *origins, name string, round int) (sample, error) {
	o, c, path, err := d.reach(ctx, from, name)
	if err != nil {
		return nil, err
	}
	defer c.close()
	size, all := from.b.size, from.b.size*int64(d.clients)
	if d.ranges {
		all = d.rangesEach(size) * min(rangeSize, size) * int64(d.clients)
	}
	paid, err := o.server.costOf(func() error {
		return atOnce(d.clients, func(i int) error {
			buf := make([]byte, mib)
			if !d.ranges {
				return d.fetch(ctx, c, path, 0, size, size, buf, nil)
			}
			random := rand.New(rand.NewPCG(uint64(i), uint64(round)))
			length := min(rangeSize, size)
			for range d.rangesEach(size) {
				if err := d.fetch(ctx, c, path, random.Int64N(size-length+1), length, size, buf, nil); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, o.server.explain(err)
	}
	got := paid.perGiB(all)
	got[rate] = float64(all) / gib / paid.took.Seconds()
	return got, nil
}
