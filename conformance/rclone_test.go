//go:build conformance

package conformance

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fixed runs rclone, which knows Box's own hosts and no others.
type fixed struct {
	t       *testing.T
	program string
	env     []string
	dir     string // for its files
}

// A client whose hosts are fixed takes boxcar for Box. There is neither a name
// server nor a file of hosts to change here, so it goes through a proxy, which
// leads every name to our server and sees none of what goes through.
func newRclone(t *testing.T) *fixed {
	need(t, "go")
	s := serve(t, "--box-hosts", "--min-chunked-size", "0") // rclone wants 50 MiB at least for chunks by itself
	dir := t.TempDir()
	r := &fixed{t: t, program: filepath.Join(dir, "rclone"), dir: dir}
	command(t, 10*time.Minute, "rclone", append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-p=2"), "go", "build", "-o", r.program, ".")

	config := filepath.Join(dir, "rclone.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, "[box]\ntype = box\naccess_token = %s\n", s.token()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(strings.ToUpper(v), "="); !strings.HasPrefix(name, "RCLONE_") && !strings.HasSuffix(name, "_PROXY") {
			r.env = append(r.env, v)
		}
	}
	r.env = append(r.env, "RCLONE_CONFIG="+config, "RCLONE_CACHE_DIR="+filepath.Join(dir, "cache"),
		"RCLONE_CA_CERT="+filepath.Join(s.data, "ca", "ca.pem"), "HTTPS_PROXY="+tunnel(t, s.addr),
		"RCLONE_LOW_LEVEL_RETRIES=2", "RCLONE_RETRIES=1")
	return r
}

// tunnel is a proxy that takes CONNECT to any host to one address.
func tunnel(t *testing.T, addr string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	proxy := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			t.Errorf("%s %s did not come over TLS", r.Method, r.URL)
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		to, err := net.Dial("tcp", addr)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer to.Close()
		from, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer from.Close()
		io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n")
		over := make(chan struct{}, 2)
		go func() { io.Copy(to, from); over <- struct{}{} }()
		go func() { io.Copy(from, to); over <- struct{}{} }()
		<-over
	})}
	go proxy.Serve(l)
	t.Cleanup(func() { proxy.Close() })
	return "http://" + l.Addr().String()
}

// try runs rclone to its end, and returns all that it said.
func (r *fixed) try(args ...string) (stdout, stderr string, err error) {
	ctx, cancel := context.WithTimeout(r.t.Context(), 3*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, r.program, args...)
	var out, complaint strings.Builder
	c.Env, c.Dir, c.Stdout, c.Stderr = r.env, r.dir, &out, &complaint
	err = c.Run()
	return out.String(), complaint.String(), err
}

func (r *fixed) run(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	stdout, stderr, err := r.try(args...)
	if err != nil {
		t.Fatalf("rclone %s: %v\n%s%s", strings.Join(args, " "), err, stdout, stderr)
	}
	return stdout, stderr
}

// listed is a file or folder in rclone's lists.
type listed struct {
	Path    string
	Size    int64
	ModTime time.Time
	IsDir   bool
	Hashes  map[string]string
}

func (r *fixed) list(t *testing.T, remote string) map[string]listed {
	t.Helper()
	out, _ := r.run(t, "lsjson", "-R", "--hash", remote)
	var all []listed
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	m := map[string]listed{}
	for _, l := range all {
		m[l.Path] = l
	}
	return m
}

// same compares a folder here with one there, by names, sizes, times and SHA-1s.
func (r *fixed) same(t *testing.T, local, remote string) {
	t.Helper()
	there := r.list(t, remote)
	err := filepath.WalkDir(local, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == local {
			return err
		}
		name, _ := filepath.Rel(local, path)
		name = strings.ReplaceAll(name, "\t", "␉") // so rclone shows it
		l, ok := there[name]
		delete(there, name)
		if !ok || l.IsDir != d.IsDir() {
			t.Errorf("%q is there: %t, as a folder: %t", name, ok, l.IsDir)
			return nil
		}
		if d.IsDir() {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		sum := sha1.Sum(b)
		if l.Size != int64(len(b)) || l.Hashes["sha1"] != hex.EncodeToString(sum[:]) || !l.ModTime.Equal(fi.ModTime().Truncate(time.Second)) {
			t.Errorf("%q has %d bytes and is of %s; there it is %+v", name, len(b), fi.ModTime(), l)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range there {
		t.Errorf("%q is there, and not here", name)
	}
}

// put writes a file of some age.
func put(t *testing.T, name string, data []byte, at time.Time) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, at, at); err != nil {
		t.Fatal(err)
	}
}

const nothingToDo = "There was nothing to transfer"

func TestRclone(t *testing.T) {
	r := newRclone(t)
	here := filepath.Join(r.dir, "here")
	const there = "box:suite/there"
	day := time.Date(2019, 2, 28, 23, 59, 58, 0, time.UTC)
	big, err := os.ReadFile(bigFile(t, 60<<20+1)) // in chunks
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(here, "big.bin"), big, day)
	put(t, filepath.Join(here, "empty"), nil, day.AddDate(5, 0, 0))
	put(t, filepath.Join(here, "deep", "er", "still", "small.txt"), []byte("small\n"), day.AddDate(1, 2, 3))
	for i, name := range []string{
		"with spaces", " before and after ", "quote's \"double\"", "ünïcödé 日本語 🎉", "a\u0308 apart", `back\slash`, "a*b?c<d>|e:f",
		"100%", "%41", "#hash&amp;+plus=", ".hidden", "...", "tab\there", "[brackets] {braces}", "semi;colon,comma", "~tilde$", "-dash", "CON.txt",
		strings.Repeat("n", 200),
	} {
		put(t, filepath.Join(here, "odd", name, name), []byte(name), day.AddDate(0, 0, i))
	}

	t.Run("mkdir", func(t *testing.T) {
		r.run(t, "mkdir", there)
		r.run(t, "mkdir", there) // again
		if l := r.list(t, "box:"); !l["suite"].IsDir || !l["suite/there"].IsDir {
			t.Errorf("%+v", l)
		}
	})
	t.Run("copy up, small, odd and in chunks, with times", func(t *testing.T) {
		r.run(t, "copy", here, there)
		r.same(t, here, there)
	})
	t.Run("ls", func(t *testing.T) {
		out, _ := r.run(t, "ls", there)
		if !strings.Contains(out, fmt.Sprintf("%d big.bin", len(big))) {
			t.Error(out)
		}
	})
	t.Run("check", func(t *testing.T) {
		_, said := r.run(t, "check", here, there)
		if !strings.Contains(said, "0 differences found") {
			t.Error(said)
		}
		r.run(t, "check", "--download", here, there)
	})
	t.Run("copy down", func(t *testing.T) {
		down := filepath.Join(r.dir, "down")
		r.run(t, "copy", there, down)
		r.same(t, down, there)
		r.run(t, "check", here, down)
	})
	t.Run("sync does nothing twice", func(t *testing.T) {
		if _, said := r.run(t, "sync", "-v", here, there); !strings.Contains(said, nothingToDo) {
			t.Error(said)
		}
	})
	t.Run("sync sends new versions and takes away", func(t *testing.T) {
		big[len(big)/2] ^= 1
		put(t, filepath.Join(here, "big.bin"), big, day.AddDate(2, 0, 0))
		put(t, filepath.Join(here, "empty"), []byte("no more"), day.AddDate(6, 0, 0))
		if err := os.RemoveAll(filepath.Join(here, "odd", "100%")); err != nil {
			t.Fatal(err)
		}
		r.run(t, "sync", here, there)
		r.same(t, here, there)
		if _, said := r.run(t, "sync", "-v", here, there); !strings.Contains(said, nothingToDo) {
			t.Error(said)
		}
	})
	t.Run("sync of a file that has another time only", func(t *testing.T) {
		at := day.AddDate(3, 0, 0)
		if err := os.Chtimes(filepath.Join(here, "big.bin"), at, at); err != nil {
			t.Fatal(err)
		}
		r.run(t, "sync", here, there)
		r.same(t, here, there)
	})
	t.Run("touch", func(t *testing.T) {
		r.run(t, "touch", "-t", "2021-03-04T05:06:07", there+"/empty")
		if at := r.list(t, there)["empty"].ModTime; !at.Equal(time.Date(2021, 3, 4, 5, 6, 7, 0, time.UTC)) {
			t.Errorf("it is of %s", at)
		}
	})
	t.Run("rcat, of unknown length", func(t *testing.T) {
		c := exec.Command(r.program, "rcat", "box:suite/streamed")
		c.Env, c.Stdin = r.env, strings.NewReader("from a pipe")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if l := r.list(t, "box:suite")["streamed"]; l.Size != 11 {
			t.Errorf("%+v", l)
		}
	})
	t.Run("rename a file", func(t *testing.T) {
		r.run(t, "moveto", "box:suite/streamed", "box:suite/renamed 日本.txt")
		if l := r.list(t, "box:suite"); l["renamed 日本.txt"].Size != 11 || l["streamed"].Path != "" {
			t.Errorf("%+v", l)
		}
	})
	t.Run("move a file to another folder", func(t *testing.T) {
		r.run(t, "move", there+"/deep/er/still/small.txt", "box:suite/elsewhere")
		if l := r.list(t, "box:suite/elsewhere"); l["small.txt"].Size != 6 {
			t.Errorf("%+v", l)
		}
		r.run(t, "move", "box:suite/elsewhere/small.txt", there+"/deep/er/still")
	})
	t.Run("move a folder", func(t *testing.T) {
		before := r.list(t, there+"/odd")
		r.run(t, "moveto", there+"/odd", "box:suite/odder")
		after := r.list(t, "box:suite/odder")
		if len(before) == 0 || len(after) != len(before) {
			t.Errorf("%d before, %d after", len(before), len(after))
		}
		r.run(t, "moveto", "box:suite/odder", there+"/odd")
	})
	t.Run("copy on the server", func(t *testing.T) {
		r.run(t, "copyto", there+"/big.bin", "box:suite/copied.bin")
		if a, b := r.list(t, there)["big.bin"], r.list(t, "box:suite")["copied.bin"]; a.Hashes["sha1"] != b.Hashes["sha1"] || b.Size == 0 {
			t.Errorf("%+v, and the copy %+v", a, b)
		}
		r.run(t, "deletefile", "box:suite/copied.bin")
	})
	t.Run("link", func(t *testing.T) {
		if out, _ := r.run(t, "link", there+"/big.bin"); !strings.HasPrefix(out, "https://app.box.com/") {
			t.Error(out)
		}
	})
	t.Run("about", func(t *testing.T) {
		out, _ := r.run(t, "about", "--json", "box:")
		var about struct{ Total, Used, Free int64 }
		if err := json.Unmarshal([]byte(out), &about); err != nil || about.Used < int64(len(big)) || about.Total <= about.Used {
			t.Errorf("%s: %v", out, err)
		}
	})
	t.Run("dedupe by hash finds twins", func(t *testing.T) {
		r.run(t, "copyto", filepath.Join(here, "empty"), "box:suite/twins/one")
		r.run(t, "copyto", filepath.Join(here, "empty"), "box:suite/twins/an odd % one?")
		out, said := r.run(t, "dedupe", "--by-hash", "--dedupe-mode", "newest", "box:suite/twins")
		if l := r.list(t, "box:suite/twins"); len(l) != 1 {
			t.Errorf("%+v\n%s%s", l, out, said)
		}
	})
	t.Run("delete", func(t *testing.T) {
		r.run(t, "deletefile", there+"/big.bin")
		r.run(t, "delete", there+"/odd")
		for name, l := range r.list(t, there+"/odd") {
			if !l.IsDir {
				t.Errorf("%s is still there", name)
			}
		}
		if _, _, err := r.try("rmdir", there); err == nil {
			t.Error("a folder that is not empty was removed")
		}
		r.run(t, "mkdir", "box:suite/hollow")
		r.run(t, "rmdir", "box:suite/hollow")
		r.run(t, "purge", "box:suite")
		if l := r.list(t, "box:"); len(l) != 0 {
			t.Errorf("left are %+v", l)
		}
		if _, _, err := r.try("ls", "box:suite"); err == nil {
			t.Error("what is gone was listed")
		}
	})
	// It asks for all that it finds in the trash at once, folders first, and
	// wants each to be there still.
	t.Run("cleanup empties the trash", func(t *testing.T) {
		r.run(t, "cleanup", "box:")
	})
}
