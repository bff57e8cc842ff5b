// Command bench measures boxcar beside a floor: a server that reads, writes and
// syncs each part and does nothing else. Both run in turn, on the same data,
// with the client on the same cores, and the table has medians and ratios.
package main

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"boxcar/bench/scale"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) == 3 && os.Args[1] == "floor" {
		log.Fatal(floor(os.Args[2]))
	}
	if len(os.Args) > 1 && os.Args[1] == "scale" {
		if err := scale.Run(os.Args[2:]); err != nil {
			log.Fatal(err)
		}
		return
	}
	// go run ./bench h2: HTTP/2 beside HTTP/1.1, both over TLS.
	h2 := len(os.Args) > 1 && os.Args[1] == "h2"
	if h2 {
		os.Args = append(os.Args[:1], os.Args[2:]...)
	}
	size := flag.Int64("size", 2<<30, "bytes of the big file")
	rounds := flag.Int("rounds", 3, "how often each load runs")
	dir := flag.String("dir", "", "where servers keep their data; default a temporary directory")
	flag.Parse()
	if h2 {
		if err := versions(*size, *rounds, *dir); err != nil {
			log.Fatal(err)
		}
		return
	}
	if err := run(*size, *rounds, *dir); err != nil {
		log.Fatal(err)
	}
}

// A load is one way of sending.
type load struct {
	name     string
	size     int64 // bytes of the file
	part     int64 // bytes
	parallel int
}

// result is what one run of a load came to.
type result struct {
	seconds   float64 // from the first part sent to the last acknowledged
	commit    float64 // seconds
	cpu       float64 // server's, user and system, seconds, up to the commit's answer
	peak      int64   // server's resident set, bytes
	perSecond float64 // parts acknowledged
}

func run(size int64, rounds int, dir string) error {
	tmp, binary, err := build(dir)
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	const mib = 1 << 20
	loads := []load{
		{"one file, 1 part in flight", size, 8 * mib, 1},
		{"one file, 4 parts in flight", size, 8 * mib, 4},
		{"one file, 16 parts in flight", size, 8 * mib, 16},
		{"parts of 64 MiB, 16 in flight", size, 64 * mib, 16},
		{"parts of 4 KiB, 16 in flight", min(size, 4096*9000), 4096, 16},
	}
	fmt.Printf("%-30s %-7s %8s %7s %10s %9s %9s %9s\n", "load", "server", "GiB/s", "ratio", "CPU s/GiB", "peak MiB", "commit ms", "parts/s")
	for _, l := range loads {
		data := newFile(l)
		got := map[string][]result{}
		for round := range rounds {
			for _, target := range []string{"floor", "boxcar"} {
				place := filepath.Join(tmp, fmt.Sprintf("%s-%d", target, round))
				r, err := measure(target, binary, self, place, l, data)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", l.name, target, err)
				}
				got[target] = append(got[target], r)
				os.RemoveAll(place)
			}
		}
		gib := float64(l.size) / (1 << 30)
		base := median(got["floor"], func(r result) float64 { return r.seconds })
		for _, target := range []string{"floor", "boxcar"} {
			rs := got[target]
			sec := median(rs, func(r result) float64 { return r.seconds })
			fmt.Printf("%-30s %-7s %8.3f %7.2f %10.2f %9.0f %9.1f %9.0f\n", l.name, target, gib/sec, base/sec,
				median(rs, func(r result) float64 { return r.cpu })/gib,
				median(rs, func(r result) float64 { return float64(r.peak) })/(1<<20),
				1000*median(rs, func(r result) float64 { return r.commit }),
				median(rs, func(r result) float64 { return r.perSecond }))
		}
	}
	return nil
}

// build makes a directory with the boxcar binary in it.
func build(dir string) (tmp, binary string, err error) {
	if tmp, err = os.MkdirTemp(dir, "boxcar-bench"); err != nil {
		return "", "", err
	}
	binary = filepath.Join(tmp, "boxcar")
	if out, err := exec.Command("go", "build", "-o", binary, "boxcar/cmd/boxcar").CombinedOutput(); err != nil {
		os.RemoveAll(tmp)
		return "", "", fmt.Errorf("build boxcar: %w\n%s", err, out)
	}
	return tmp, binary, nil
}

func median(rs []result, of func(result) float64) float64 {
	var v []float64
	for _, r := range rs {
		v = append(v, of(r))
	}
	slices.Sort(v)
	return v[len(v)/2]
}

// file is what is sent: one random part over and over, so that the client
// hashes and holds one part only.
type file struct {
	block []byte
	sum   string // of a whole part, for the Digest header
	tail  string // of the last part
	whole string // of the file
}

func newFile(l load) *file {
	f := &file{block: make([]byte, l.part)}
	rand.NewChaCha8([32]byte{7}).Read(f.block)
	f.sum = digest(f.block)
	whole := sha1.New()
	for left := l.size; left > 0; left -= l.part {
		whole.Write(f.block[:min(left, l.part)])
		f.tail = ""
		if left <= l.part {
			f.tail = digest(f.block[:left])
		}
	}
	f.whole = "sha=" + base64.StdEncoding.EncodeToString(whole.Sum(nil))
	return f
}

func digest(b []byte) string {
	sum := sha1.Sum(b)
	return "sha=" + base64.StdEncoding.EncodeToString(sum[:])
}

// server is a process under measurement.
type server struct {
	cmd   *exec.Cmd
	url   string
	token string
}

func start(target, binary, self, place string, l load, flags ...string) (*server, error) {
	if err := os.MkdirAll(place, 0o700); err != nil {
		return nil, err
	}
	s := &server{}
	switch target {
	case "floor":
		s.cmd = exec.Command(self, "floor", place)
	case "boxcar":
		s.token = "bench-token"
		s.cmd = exec.Command(binary, append([]string{"serve", "--data", place, "--listen", "127.0.0.1:0", "--developer-token", s.token,
			"--part-size", fmt.Sprint(l.part), "--min-chunked-size", "0"}, flags...)...)
		s.cmd.Stderr = io.Discard
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	first := make([]byte, 4096)
	n, err := out.Read(first)
	if err != nil {
		return nil, fmt.Errorf("the server said nothing: %w", err)
	}
	go io.Copy(io.Discard, out)
	for word := range strings.FieldsSeq(string(first[:n])) {
		if strings.HasPrefix(word, "http://") || strings.HasPrefix(word, "https://") {
			s.url = word
			return s, nil
		}
	}
	return nil, fmt.Errorf("no address in %q", first[:n])
}

func (s *server) stop() {
	s.cmd.Process.Signal(os.Interrupt)
	s.cmd.Wait()
}

func measure(target, binary, self, place string, l load, data *file) (r result, err error) {
	s, err := start(target, binary, self, place, l)
	if err != nil {
		return r, err
	}
	defer s.stop()
	c := &client{server: s, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: l.parallel, WriteBufferSize: 256 << 10}}}
	at := s.url + "/part"
	if target == "boxcar" {
		if at, err = c.create(l); err != nil {
			return r, err
		}
	}
	began := time.Now()
	parts, err := c.send(l, data, at)
	if err != nil {
		return r, err
	}
	r.seconds = time.Since(began).Seconds()
	r.perSecond = float64(len(parts)) / r.seconds
	if target == "boxcar" {
		began = time.Now()
		if err := c.commit(at, parts, data.whole); err != nil {
			return r, err
		}
		r.commit = time.Since(began).Seconds()
	}
	r.cpu, r.peak, err = usage(s.cmd.Process.Pid)
	return r, err
}

// client sends to a server.
type client struct {
	server *server
	http   *http.Client
}

func (c *client) do(method, url string, body io.Reader, size int64, want int, headers ...string) ([]byte, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, url, body)
	if err != nil {
		return nil, err
	}
	req.ContentLength = size
	req.Header.Set("Authorization", "Bearer "+c.server.token)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != want {
		err = fmt.Errorf("%s %s: %d %s", method, url, resp.StatusCode, b)
	}
	return b, err
}

func (c *client) create(l load) (at string, err error) {
	b, err := c.do("POST", c.server.url+"/2.0/files/upload_sessions",
		strings.NewReader(fmt.Sprintf(`{"folder_id":"0","file_name":"bench","file_size":%d}`, l.size)), -1, 201)
	if err != nil {
		return "", err
	}
	var ses struct {
		ID       string `json:"id"`
		PartSize int64  `json:"part_size"`
	}
	if err := json.Unmarshal(b, &ses); err != nil {
		return "", err
	}
	if ses.PartSize != l.part {
		return "", fmt.Errorf("the server wants parts of %d bytes, and the load has %d", ses.PartSize, l.part)
	}
	return c.server.url + "/2.0/files/upload_sessions/" + ses.ID, nil
}

// send sends all parts, so many at a time, and returns what was acknowledged.
func (c *client) send(l load, data *file, at string) ([]json.RawMessage, error) {
	count := (l.size + l.part - 1) / l.part
	parts := make([]json.RawMessage, count)
	next := make(chan int64)
	fail := make(chan error, l.parallel)
	var work sync.WaitGroup
	for range l.parallel {
		work.Go(func() {
			for i := range next {
				body, sum := data.block, data.sum
				if left := l.size - i*l.part; left < l.part || i == count-1 {
					body, sum = body[:left], data.tail
				}
				first := i * l.part
				b, err := c.do("PUT", at, bytes.NewReader(body), int64(len(body)), 200,
					"Digest", sum, "Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, first+int64(len(body))-1, l.size))
				var reply struct{ Part json.RawMessage }
				if err == nil && len(b) > 0 {
					err = json.Unmarshal(b, &reply)
				}
				if err != nil {
					fail <- err
					return
				}
				parts[i] = reply.Part
			}
		})
	}
	go func() {
		defer close(next)
		for i := range count {
			next <- i
		}
	}()
	done := make(chan struct{})
	go func() { work.Wait(); close(done) }()
	select {
	case err := <-fail:
		return nil, err
	case <-done:
		return parts, nil
	}
}

func (c *client) commit(at string, parts []json.RawMessage, sum string) error {
	b, err := json.Marshal(map[string]any{"parts": parts})
	if err != nil {
		return err
	}
	_, err = c.do("POST", at+"/commit", bytes.NewReader(b), int64(len(b)), 201, "Digest", sum)
	return err
}
