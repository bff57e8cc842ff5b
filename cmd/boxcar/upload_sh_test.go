package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// shell is a POSIX shell with the tools that upload.sh finds.
type shell struct {
	name string
	args []string // the script and its arguments follow
	path string   // PATH; empty is ours
}

// shells are sh, and all of busybox if there is one.
func shells(t *testing.T) []shell {
	t.Helper()
	for _, tool := range []string{"sh", "curl", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("UPLOAD.SH IS NOT CHECKED: there is no %s", tool)
		}
	}
	list := []shell{{name: "sh", args: []string{"sh"}}}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Log("there is no busybox to try upload.sh with")
		return list
	}
	dir := t.TempDir()
	link := func(from, name string) {
		if err := os.Symlink(from, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, applet := range []string{"basename", "cat", "cmp", "dd", "mktemp", "rm", "sed", "sleep", "wc"} {
		link(busybox, applet)
	}
	for _, tool := range []string{"curl", "openssl"} {
		path, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		link(path, tool)
	}
	return append(list, shell{name: "busybox", args: []string{busybox, "sh"}, path: dir})
}

// command is the script as a person would run it in dir.
func (sh shell) command(dir string, script string, args ...string) *exec.Cmd {
	line := append(slices.Clone(sh.args), script)
	cmd := exec.Command(line[0], append(line[1:], args...)...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + filepath.Join(dir, "tmp"), "LC_ALL=C.UTF-8"}
	if sh.path != "" {
		cmd.Env[0] = "PATH=" + sh.path
	}
	return cmd
}

// bench is a server, its script, and a place to run it in.
type bench struct {
	t      *testing.T
	sh     shell
	p      *process
	data   string
	script string
	dir    string
}

const shPartSize, shLeast = 65536, 1000 // bytes

var shFlags = []string{"--part-size", "65536", "--min-chunked-size", "1000"}

func newBench(t *testing.T, sh shell) *bench {
	t.Helper()
	b := &bench{t: t, sh: sh, dir: t.TempDir(), data: filepath.Join(t.TempDir(), "it's data")}
	b.p = mustServe(t, b.data, shFlags...)
	b.script = filepath.Join(b.data, "upload.sh")
	if err := os.Mkdir(filepath.Join(b.dir, "tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	return b
}

// run runs the script to its end. env are variables besides the usual ones.
func (b *bench) run(env []string, args ...string) (code int, stdout, stderr string) {
	b.t.Helper()
	cmd := b.sh.command(b.dir, b.script, args...)
	cmd.Env = append(cmd.Env, env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		b.t.Fatal(err)
	}
	b.tidy()
	return shellCode(cmd.ProcessState), out.String(), errs.String()
}

// tidy says whether the script has left anything behind.
func (b *bench) tidy() {
	b.t.Helper()
	left, err := os.ReadDir(filepath.Join(b.dir, "tmp"))
	if err != nil || len(left) > 0 {
		b.t.Errorf("the script has left %v behind (%v)", left, err)
	}
}

// file makes a file for the script.
func (b *bench) file(name string, size int64) (data []byte) {
	b.t.Helper()
	data = stuff{seed: rand.Uint64(), size: size}.bytes()
	if err := os.WriteFile(filepath.Join(b.dir, name), data, 0o600); err != nil {
		b.t.Fatal(err)
	}
	return data
}

// mustHold compares what the script says it has uploaded with the file.
func (b *bench) mustHold(stdout, name string, data []byte) {
	b.t.Helper()
	m := regexp.MustCompile(`(?m)^committed as file (\d+)\n^downloaded, and the same\n\z`).FindStringSubmatch(stdout)
	if m == nil {
		b.t.Fatalf("the script does not say that it is done:\n%s", stdout)
	}
	c := newClient(b.p)
	var e entry
	if err := c.must(b.t, 200, "GET", "/2.0/files/"+m[1], nil).decode(&e); err != nil {
		b.t.Fatal(err)
	}
	if e.Name != name || e.Size != int64(len(data)) || e.SHA1 != hexSum(data) {
		b.t.Errorf("there is %+v, want %q with %d bytes and SHA-1 %s", e, name, len(data), hexSum(data))
	}
}

// TestUploadScriptIsWhatServeShows takes the script from the first start's
// output, as a person would with the mouse.
func TestUploadScriptIsWhatServeShows(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := mustServe(t, data)
	const first, last = "#!/bin/sh\n", "\necho \"downloaded, and the same\"\n"
	text := p.Out.String()
	from, to := strings.Index(text, first), strings.Index(text, last)
	if from < 0 || to < from {
		t.Fatalf("serve shows no script:\n%s", text)
	}
	kept, err := os.ReadFile(filepath.Join(data, "upload.sh"))
	if err != nil {
		t.Fatal(err)
	}
	if shown := text[from : to+len(last)]; shown != string(kept) {
		t.Errorf("serve shows\n%s\nand upload.sh is\n%s", shown, kept)
	}
	if strings.Contains(string(kept), p.Token) {
		t.Error("the script has the token in it")
	}
}

func TestUploadScript(t *testing.T) {
	t.Parallel()
	for _, sh := range shells(t) {
		t.Run(sh.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sh)
			t.Run("uploads", b.uploads)
			t.Run("explains", b.explains)
			t.Run("waits for a commit", b.waits)
			t.Run("goes on after a kill", b.goesOn)
		})
	}
}

func (b *bench) uploads(t *testing.T) {
	b.t = t
	for _, f := range []struct {
		name  string
		size  int64
		parts int
	}{
		{name: "plain.bin", size: 3*shPartSize + 17, parts: 4},
		{name: "exactly two parts", size: 2 * shPartSize, parts: 2},
		{name: "as small as may be", size: shLeast, parts: 1},
		{name: "it's a \"file\" with $HOME & `id` [*?].bin", size: 5000, parts: 1},
		{name: "Fjörður 日本 🚃.bin", size: 5000, parts: 1},
		{name: "-n", size: 5000, parts: 1},
		{name: "two  blanks", size: 5000, parts: 1},
	} {
		data := b.file(f.name, f.size)
		code, out, errs := b.run(nil, f.name)
		if code != 0 || errs != "" {
			t.Errorf("%q: exit code %d\n%s%s", f.name, code, out, errs)
			continue
		}
		if n := strings.Count(out, " sent\n"); n != f.parts {
			t.Errorf("%q: %d parts were sent, want %d:\n%s", f.name, n, f.parts, out)
		}
		b.mustHold(out, f.name, data)
	}
	// The path may be anywhere, and the token somewhere else than in the file.
	data := b.file("elsewhere.bin", 5000)
	code, out, errs := b.run([]string{"BOXCAR_TOKEN=" + b.p.Token, "BOXCAR_URL=" + b.p.URL + "/"}, filepath.Join(b.dir, "elsewhere.bin"))
	if code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	b.mustHold(out, "elsewhere.bin", data)
}

// explains: whatever goes wrong, a person sees what, and programs see 1.
func (b *bench) explains(t *testing.T) {
	b.t = t
	b.file("small", shLeast-1)
	b.file("good", 3*shPartSize)
	b.file("other", 3*shPartSize)
	b.file(`back\slash`, 3*shPartSize)
	if code, out, errs := b.run(nil, "good"); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	r := newClient(b.p).must(t, 201, "POST", "/2.0/files/upload_sessions", createBody("0", "begun", 3*shPartSize))
	var begun session
	if err := r.decode(&begun); err != nil {
		t.Fatal(err)
	}
	u := &upload{id: begun.ID, what: stuff{1, 3 * shPartSize}, partSize: shPartSize, acked: map[int64]part{}}
	w := &worker{c: newClient(b.p)}
	if err := w.sendPart(u, u.what.bytes(), shPartSize); err != nil {
		t.Fatal(err)
	}

	for _, c := range []struct {
		why  string
		env  []string
		args []string
		code int
		says string // regexp
	}{
		{why: "too small", args: []string{"small"}, code: 1,
			says: `^HTTP 400: \{.*"code":"file_size_too_small".*"message":"The file size 999 is less than the minimum chunked upload file size of 1000".*\}\n$`},
		{why: "there already", args: []string{"good"}, code: 1, says: `^HTTP 409: \{.*"code":"item_name_in_use".*\}\n$`},
		{why: "a name that Box has not", args: []string{`back\slash`}, code: 1, says: `^HTTP 400: \{.*"code":"item_name_invalid".*\}\n$`},
		{why: "wrong token", env: []string{"BOXCAR_TOKEN=wrong"}, args: []string{"other"}, code: 1,
			says: `^HTTP 401: http://127.0.0.1:\d+ does not know the token in BOXCAR_TOKEN\n$`},
		{why: "no server", env: []string{"BOXCAR_URL=http://127.0.0.1:1"}, args: []string{"other"}, code: 1,
			says: `^curl: .*\nno answer from http://127.0.0.1:1\n$`},
		{why: "no such file", args: []string{"nothing"}, code: 1, says: `^nothing: no such file, or none that can be read\n$`},
		{why: "a directory", args: []string{"tmp"}, code: 1, says: `^tmp: no such file, or none that can be read\n$`},
		{why: "no arguments", code: 2, says: `^usage: sh '.*upload\.sh' FILE \[SESSION\]\n$`},
		{why: "too many", args: []string{"good", "one", "two"}, code: 2, says: `^usage: `},
		{why: "no such session", args: []string{"other", strings.Repeat("A", 32)}, code: 1, says: `^HTTP 404: \{.*"code":"not_found".*\}\n$`},
		{why: "another file's session", args: []string{"other", begun.ID}, code: 1,
			says: `^part 65536-131071 is there with other bytes: session ` + begun.ID + ` was started with another file\n$`},
	} {
		code, out, errs := b.run(c.env, c.args...)
		if code != c.code || !regexp.MustCompile(c.says).MatchString(errs) {
			t.Errorf("%s: exit code %d, want %d; stderr is\n%s\nwant %s; stdout is\n%s", c.why, code, c.code, errs, c.says, out)
		}
	}
}

// waits: a commit that needs long is answered with 202, and asked for again.
func (b *bench) waits(t *testing.T) {
	b.t = t
	to, err := url.Parse(b.p.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	commits := 0
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/commit") {
			if commits++; commits == 1 {
				io.Copy(io.Discard, r.Body)
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(http.StatusAccepted)
				return
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	defer front.Close()
	data := b.file("slow", 2*shPartSize+1)
	code, out, errs := b.run([]string{"BOXCAR_URL=" + front.URL}, "slow")
	if code != 0 || commits != 2 {
		t.Fatalf("exit code %d after %d commits\n%s%s", code, commits, out, errs)
	}
	b.mustHold(out, "slow", data)
}

// goesOn: the server is killed while the script sends. The script says how to
// go on, and what was acknowledged is not sent twice.
func (b *bench) goesOn(t *testing.T) {
	b.t = t
	const parts, before = 12, 4
	name := "it's cut short.bin"
	data := b.file(name, parts*shPartSize)
	cmd := b.sh.command(b.dir, b.script, name)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var sent []string
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if span, ok := strings.CutSuffix(lines.Text(), " sent"); ok {
			if sent = append(sent, span); len(sent) == before {
				b.p.kill()
			}
		}
	}
	cmd.Wait() // its outcome is in ProcessState
	b.tidy()
	if code := shellCode(cmd.ProcessState); code != 1 || len(sent) == parts {
		t.Fatalf("exit code %d after %d parts, want 1 in between\n%s", code, len(sent), errs.String())
	}
	how := regexp.MustCompile(`(?m)^go on with: (sh .* ([0-9A-F]{32}))$`).FindStringSubmatch(errs.String())
	if how == nil {
		t.Fatalf("the script does not say how to go on:\n%s", errs.String())
	}

	// At the address that the script knows.
	address := strings.TrimPrefix(b.p.URL, "http://")
	b.p = mustServe(t, b.data, append([]string{"--listen", address}, shFlags...)...)
	again := b.sh.command(b.dir, "-c", how[1])
	if b.sh.path != "" { // "sh" is a link, too
		if err := os.Symlink(b.sh.args[0], filepath.Join(b.sh.path, "sh")); err != nil {
			t.Fatal(err)
		}
	}
	out, err := again.CombinedOutput()
	b.tidy()
	if err != nil {
		t.Fatalf("%s: %v\n%s", how[1], err, out)
	}
	b.mustHold(string(out), name, data)
	for _, span := range sent {
		if !strings.Contains(string(out), span+" is there already\n") {
			t.Errorf("%s was acknowledged, and then:\n%s", span, out)
		}
	}

	// The server's log knows who is right.
	b.p.stop(t)
	received := 0
	for line := range strings.Lines(b.p.Err.String()) {
		var l struct {
			Method, Route string
			Offset        int64
			Bytes         int64 `json:"bytes_in"`
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		if l.Method != "PUT" {
			continue
		}
		received++
		if span := fmt.Sprintf("part %d-%d", l.Offset, l.Offset+shPartSize-1); slices.Contains(sent, span) {
			t.Errorf("%s was sent again: %s", span, line)
		}
	}
	if most := parts - len(sent); received == 0 || received > most {
		t.Errorf("%d parts were received after the kill, want 1 to %d", received, most)
	}
	mustBeWhole(t, b.data)
}
