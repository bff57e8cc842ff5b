package examples_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"boxcar/client"
	"boxcar/internal/daemon"
	"boxcar/internal/daemon/daemontest"
)

// TestExamples builds the programs and runs them against a server.
func TestExamples(t *testing.T) {
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", bin, "./...").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := daemontest.Start(t, func(c *daemon.Config) { c.PartSize = 8 << 20 })
	c, err := client.New(client.Config{URLs: client.At(s.URL), Tokens: client.StaticToken(s.Token)})
	if err != nil {
		t.Fatal(err)
	}
	run := func(program string, args ...string) string {
		t.Helper()
		cmd := exec.Command(filepath.Join(bin, program), args...)
		cmd.Env = append(os.Environ(), "BOXCAR_URL="+s.URL, "BOXCAR_TOKEN="+s.Token)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", program, args, err, stderr.Bytes())
		}
		return string(out)
	}
	match := func(text, pattern string) []string {
		t.Helper()
		m := regexp.MustCompile(pattern).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("%q does not match %s", text, pattern)
		}
		return m
	}
	contents := func(id string) []byte {
		t.Helper()
		var b bytes.Buffer
		if _, err := c.DownloadTo(t.Context(), id, "", &b, nil); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}

	dir := filepath.Join(t.TempDir(), "files")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "big.bin")
	data := bytes.Repeat([]byte("0123456789abcdef"), 25_000_000/16)
	write := func() {
		t.Helper()
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write()
	id := match(run("upload", path), `^big.bin is file (\d+), SHA-1 [0-9a-f]{40}\n$`)[1]
	if !bytes.Equal(contents(id), data) {
		t.Error("upload: other bytes came back")
	}
	match(run("upload", path), `^big.bin is there already, as file `+id+`\n$`)

	data[20_000_000]++ // in the third of three parts
	write()
	match(run("version", path, id), `^version \d+ of big.bin; 16777216 of its 25000000 bytes were there before\n$`)
	if !bytes.Equal(contents(id), data) {
		t.Error("version: other bytes came back")
	}

	other := filepath.Join(dir, "other.bin")
	if err := os.Rename(path, other); err != nil {
		t.Fatal(err)
	}
	match(run("resume", other), `^other.bin is file \d+; 0 of its 25000000 bytes were there before\n$`)
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("resume: %d files are left", len(left))
	}

	id = match(run("pipe", dir, "files.tar.gz"), `^files.tar.gz is file (\d+) of \d+ bytes\n$`)[1]
	z, err := gzip.NewReader(bytes.NewReader(contents(id)))
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewReader(z)
	head, err := archive.Next()
	if err != nil || !strings.HasSuffix(head.Name, "other.bin") {
		t.Fatalf("%+v, %v", head, err)
	}
	if got, err := io.ReadAll(archive); err != nil || !bytes.Equal(got, data) {
		t.Errorf("pipe: %d bytes in the archive, %v", len(got), err)
	}
}
