package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// versions sends parts one after the other, so on one stream at a time, over
// TLS: by HTTP/1.1 and by HTTP/2, in turn, without and with a round trip that
// takes its time. All that differs is the version, so what HTTP/2 costs, and
// what its windows hold up, is in the ratio.
func versions(ctx context.Context, out io.Writer, args []string) error {
	f := flag.NewFlagSet("bench h2", flag.ExitOnError)
	size := f.Int64("size", 2*gib, "bytes of the file")
	rounds := f.Int("rounds", 3, "how often each load runs")
	dir := f.String("dir", "", "where servers keep their data; default a temporary directory")
	f.Parse(args)
	b, done, err := newBench(*dir, *size)
	if err != nil {
		return err
	}
	defer done()
	binary, err := buildBoxcar(ctx, b.dir)
	if err != nil {
		return err
	}
	for _, part := range []int64{8 * mib, 32 * mib} {
		for _, trip := range []time.Duration{0, 20 * time.Millisecond} {
			c := contest{
				name:    fmt.Sprintf("parts of %d MiB, round trip %v", part/mib, trip),
				figures: []figure{rate, cpu, peak}, ratios: []figure{rate, cpu},
			}
			for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
				t := versionTarget(binary, version, trip)
				c.contestants = append(c.contestants, upload{files: 1, size: *size, part: part, parallel: 1}.contestant(b, t, version))
			}
			if _, err := c.run(ctx, out, *rounds, time.Time{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// versionTarget is boxcar over TLS, by one version of HTTP, so far away.
func versionTarget(binary, version string, trip time.Duration) target {
	return target{
		name: strings.ReplaceAll(version, "/", ""),
		start: func(ctx context.Context, dir string, part int64) (*server, error) {
			return startBoxcarTLS(ctx, binary, dir, part)
		},
		sender: func(s *server, conns int) (sender, error) {
			url, far := s.url, (*way)(nil)
			if trip > 0 {
				far = newWay(s.addr(), link{trip: trip})
				addr, err := far.listen()
				if err != nil {
					return nil, err
				}
				url = "https://" + addr
			}
			trust, err := trusting(caOf(s))
			if err != nil {
				return nil, err
			}
			c := newBoxcar(url, conns, trust)
			transport := c.http.Transport.(*http.Transport)
			transport.Protocols = new(http.Protocols)
			transport.Protocols.SetHTTP1(version == "HTTP/1.1")
			transport.Protocols.SetHTTP2(version == "HTTP/2.0")
			resp, err := c.send(context.Background(), "GET", "/healthz", nil, 0)
			if err != nil {
				return nil, err
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.Proto != version {
				return nil, fmt.Errorf("the server speaks %s", resp.Proto)
			}
			return distant{c, far}, nil
		},
	}
}

// distant is boxcar with a way to it that is to be closed, or nil.
type distant struct {
	boxcar
	way *way
}

func (d distant) close() {
	d.boxcar.close()
	if d.way != nil {
		d.way.close()
	}
}
