package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// versions sends parts one after the other, so on one stream at a time, over
// TLS: by HTTP/1.1 and by HTTP/2, in turn, without and with a round trip that
// takes its time. All that differs is the version, so what HTTP/2 costs, and
// what its windows hold up, is in the ratio.
func versions(size int64, rounds int, dir string) error {
	tmp, binary, err := build(dir)
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	const mib = 1 << 20
	names := []string{"HTTP/1.1", "HTTP/2.0"}
	fmt.Printf("%-9s %-11s %-9s %8s %7s %10s %9s\n", "part", "round trip", "version", "MiB/s", "ratio", "CPU s/GiB", "peak MiB")
	for _, part := range []int64{8 * mib, 32 * mib} {
		for _, trip := range []time.Duration{0, 20 * time.Millisecond} {
			l := load{fmt.Sprintf("%d MiB", part/mib), size, part, 1}
			data := newFile(l)
			got := map[string][]result{}
			for round := range rounds {
				for _, version := range names {
					place := filepath.Join(tmp, fmt.Sprintf("%s-%d", strings.ReplaceAll(version, "/", ""), round))
					r, err := measureVersion(binary, place, version, trip, l, data)
					if err != nil {
						return fmt.Errorf("parts of %s, %s: %w", l.name, version, err)
					}
					got[version] = append(got[version], r)
					os.RemoveAll(place)
				}
			}
			base := median(got[names[0]], func(r result) float64 { return r.seconds })
			for _, version := range names {
				rs := got[version]
				sec := median(rs, func(r result) float64 { return r.seconds })
				fmt.Printf("%-9s %-11s %-9s %8.0f %7.2f %10.2f %9.0f\n", l.name, trip, version, float64(size)/mib/sec, base/sec,
					median(rs, func(r result) float64 { return r.cpu })/(float64(size)/(1<<30)),
					median(rs, func(r result) float64 { return float64(r.peak) })/mib)
			}
		}
	}
	return nil
}

func measureVersion(binary, place, version string, trip time.Duration, l load, data *file) (r result, err error) {
	s, err := start("boxcar", binary, "", place, l, "--box-hosts")
	if err != nil {
		return r, err
	}
	defer s.stop()
	ca, err := os.ReadFile(filepath.Join(place, "ca", "ca.pem"))
	if err != nil {
		return r, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	if trip > 0 {
		far, err := farAway(strings.TrimPrefix(s.url, "https://"), trip/2)
		if err != nil {
			return r, err
		}
		defer far.Close()
		s.url = "https://" + far.Addr().String()
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(version == "HTTP/1.1")
	protocols.SetHTTP2(version == "HTTP/2.0")
	c := &client{server: s, http: &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, Protocols: protocols, WriteBufferSize: 256 << 10,
	}}}
	resp, err := c.http.Get(s.url + "/healthz")
	if err != nil {
		return r, err
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if resp.Proto != version {
		return r, fmt.Errorf("the server speaks %s", resp.Proto)
	}
	at, err := c.create(l)
	if err != nil {
		return r, err
	}
	began := time.Now()
	parts, err := c.send(l, data, at)
	if err != nil {
		return r, err
	}
	r.seconds = time.Since(began).Seconds()
	if err := c.commit(at, parts, data.whole); err != nil {
		return r, err
	}
	r.cpu, r.peak, err = usage(s.cmd.Process.Pid)
	return r, err
}

// farAway is a way to addr on which bytes take their time, each way, and any
// number of them are on it at once. So it has no window of its own, as TCP has
// over a real distance, and HTTP/1.1 looks as good as it can.
func farAway(addr string, oneWay time.Duration) (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", addr)
			if err != nil {
				near.Close()
				continue
			}
			go late(far, near, oneWay)
			go late(near, far, oneWay)
		}
	}()
	return l, nil
}

// late copies what it reads some time after it has read it.
func late(to, from net.Conn, by time.Duration) {
	type bytes struct {
		b  []byte
		at time.Time
	}
	way := make(chan bytes, 1024)
	go func() {
		defer close(way)
		for {
			b := make([]byte, 64<<10)
			n, err := from.Read(b)
			if n > 0 {
				way <- bytes{b[:n], time.Now().Add(by)}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range way {
		time.Sleep(time.Until(p.at))
		if _, err := to.Write(p.b); err != nil {
			from.Close()
		}
	}
	to.Close()
}
