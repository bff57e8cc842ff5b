package main

import (
	"io"
	"math"
	"strings"
	"testing"
)

// FuzzServeFlags: whatever is said to boxcar serve, what passes is a configuration that
// the server takes.
func FuzzServeFlags(f *testing.F) {
	for _, s := range []string{
		"--listen\n:8080", "--data=\n", "--trusted-proxy=10.0.0.0/8,::1/128", "--trusted-proxy=10.0.0.0/33", "--part-size=-64", "--part-size=0x40", "--quota=\n--scrub-rate=1e6", "--rate-limit=NaN",
		"--rate-limit=-Inf", "--max-connections=9999999999999999999", "--developer-token=x\n--listen=0.0.0.0:1", "--box-hosts=maybe", "--cors-allow-origin=a,b\\,c", "--min-chunked-size=-1", "--public-url=https://h/#", "x",
		"--tls-cert=a", "--", "-h", "--help", "--otlp-endpoint=http://", "--metrics-listen=9090", "--max-file-size=0", "--quota=-1", "--data=a\x00b",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, said string) {
		exited := -1
		parser, err := newParser(streams{Out: io.Discard, Err: io.Discard}, func(code int) { exited = code })
		if err != nil {
			t.Fatal(err)
		}
		command, err := parser.Parse(append([]string{"serve"}, strings.Split(said, "\n")...))
		if exited >= 0 || err != nil {
			return
		}
		serve, ok := command.Selected().Target.Interface().(serveCmd)
		if !ok {
			t.Fatalf("%q is another command", said)
		}
		c := serve.config()
		if err := c.Check(); err != nil || c.Data == "" || math.IsNaN(c.HTTP.UserRate) || math.IsInf(c.HTTP.UserRate, 0) {
			t.Errorf("%q passes: %+v, %v", said, c, err)
		}
		for _, p := range c.TrustedProxies {
			if !p.IsValid() {
				t.Errorf("%q trusts %v", said, p)
			}
		}
	})
}
