package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// What an upload by a program of somebody's comes to.
const (
	seconds    figure = "s"               // from the program's start to its end
	clientPeak figure = "client peak MiB" // of its resident set
)

// Programs that upload. All but the first are other people's, with the settings
// that they have by themselves.
const (
	boxcarUp    = "boxcar up"
	rclone      = "rclone"           // 4 parts, or files, at once, in one connection by HTTP/2
	rcloneHTTP1 = "rclone, HTTP/1.1" // told to have a connection for each
	nodeSDK3    = "node-sdk-3"       // 4 parts at once
	nodeSDK10   = "node-sdk-10"      // one part after the other
)

// targetOf is the target that a program is part of.
func targetOf(program string) string {
	switch program {
	case boxcarUp:
		return "boxcar"
	case rcloneHTTP1:
		return rclone
	}
	return program
}

// farAway is what a distance is measured by.
var farAway = link{trip: 50 * time.Millisecond, rate: 25e6}

// clients is a load: a parcel that programs upload to a boxcar, over a link.
func (b *bench) clients(name string, p parcel, l link, programs ...string) contest {
	c := contest{name: name, of: "client", figures: []figure{seconds, own, clientPeak, cpu}, ratios: []figure{seconds, own, clientPeak}}
	if p.files > 1 {
		c.figures[1], c.figures[3], c.ratios[1] = ownEach, cpuEach, ownEach
	}
	boxcar, ok := b.binaries["boxcar"]
	if !ok {
		return c
	}
	t := target{name: "boxcar", start: func(ctx context.Context, dir string, part int64) (*server, error) {
		return startBoxcarTLS(ctx, boxcar, dir, part)
	}}
	for _, program := range programs {
		binary, ok := b.binaries[targetOf(program)]
		if !ok {
			continue
		}
		c.contestants = append(c.contestants, b.served(t, program, 0, func(ctx context.Context, s *server, _ int) (sample, error) {
			sent, err := b.parcel(p)
			if err != nil {
				return nil, err
			}
			return sent.upload(ctx, s, l, program, binary)
		}))
	}
	return c
}

// upload has a program upload the parcel, and looks whether it is there.
func (p *madeParcel) upload(ctx context.Context, s *server, l link, program, binary string) (sample, error) {
	home := filepath.Join(s.dir, "client")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	w := newWay(s.addr(), l)
	cmd, err := p.uploader(ctx, program, binary, home, caOf(s), w)
	if err != nil {
		return nil, err
	}
	var client usage
	paid, err := s.costOf(func() (err error) {
		client, err = runMeasured(cmd)
		return err
	})
	w.close()
	if err != nil {
		return nil, err
	}
	if got := w.sent.Load(); got < p.bytes() {
		return nil, fmt.Errorf("%d of %d bytes have gone this way", got, p.bytes())
	}
	if err := p.arrived(ctx, s); err != nil {
		return nil, err
	}
	paid.client = client.cpu()
	got := paid.perGiB(p.bytes())
	if p.files > 1 {
		got = paid.each(p.files)
	}
	got[seconds], got[clientPeak] = paid.took.Seconds(), float64(client.peak)/mib
	return got, nil
}

// uploader is a program about to upload the parcel. All go over TLS, as the one
// must whose hosts are fixed, and all through the way, that one by a CONNECT.
func (p *madeParcel) uploader(ctx context.Context, program, binary, home, ca string, w *way) (*exec.Cmd, error) {
	addr, err := w.listen()
	if err != nil {
		return nil, err
	}
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "BOXCAR_URL=https://" + addr, "BOXCAR_TOKEN=" + boxcarToken}
	switch program {
	case boxcarUp:
		cmd := exec.CommandContext(ctx, binary, "up", "--no-progress", p.path)
		cmd.Env = append(env, "SSL_CERT_FILE="+ca)
		return cmd, nil
	case nodeSDK3, nodeSDK10:
		cmd := exec.CommandContext(ctx, "node", "upload.mjs")
		cmd.Dir, cmd.Env = binary, append(env, "NODE_EXTRA_CA_CERTS="+ca, "BOXCAR_FILE="+p.path)
		return cmd, nil
	case rclone, rcloneHTTP1:
		proxy, err := w.tunnel()
		if err != nil {
			return nil, err
		}
		config := filepath.Join(home, "rclone.conf")
		if err := os.WriteFile(config, fmt.Appendf(nil, "[box]\ntype = box\naccess_token = %s\n", boxcarToken), 0o600); err != nil {
			return nil, err
		}
		to := "box:"
		if p.files > 1 {
			to += filepath.Base(p.path) // it copies what is in a folder
		}
		cmd := exec.CommandContext(ctx, binary, "copy", p.path, to)
		cmd.Env = append(env, "RCLONE_CONFIG="+config, "RCLONE_CACHE_DIR="+home, "RCLONE_CA_CERT="+ca, "HTTPS_PROXY="+proxy, fmt.Sprintf("RCLONE_DISABLE_HTTP2=%t", program == rcloneHTTP1))
		return cmd, nil
	}
	return nil, fmt.Errorf("there is no program %q", program)
}

// runMeasured runs a program to its end, and says what it has used: its CPU by
// what the kernel gives its parent, its peak as it was seen last, some milliseconds
// before. The parent gets a peak, too, but the bench's own counts in that.
func runMeasured(cmd *exec.Cmd) (usage, error) {
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return usage{}, err
	}
	var u usage
	over, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for tick := time.Tick(5 * time.Millisecond); ; {
			select {
			case <-tick:
				if seen, err := usageOf(cmd.Process.Pid); err == nil {
					u.peak = max(u.peak, seen.peak)
				}
			case <-over:
				return
			}
		}
	}()
	err := cmd.Wait()
	close(over)
	<-watched
	u.user, u.system = cmd.ProcessState.UserTime(), cmd.ProcessState.SystemTime()
	if err != nil {
		text := said.String()
		err = fmt.Errorf("%s: %w\n%s", cmd, err, text[max(0, len(text)-2000):])
	}
	return u, err
}
