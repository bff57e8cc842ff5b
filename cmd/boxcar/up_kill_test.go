package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// mover runs commands against one server, with a home of its own.
type mover struct {
	t    *testing.T
	dir  string // where commands run
	home string
	p    *process
}

const moverPart = 1 << 20

func newMover(t *testing.T) *mover {
	t.Helper()
	dir := t.TempDir()
	p := mustServe(t, filepath.Join(dir, "data"), "--part-size", strconv.Itoa(moverPart))
	m := &mover{t: t, dir: filepath.Join(dir, "work"), home: filepath.Join(dir, "home"), p: p}
	if err := os.Mkdir(m.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *mover) file(name string, size int64) string {
	m.t.Helper()
	path := filepath.Join(m.dir, name)
	if err := randomFile(path, name, size); err != nil {
		m.t.Fatal(err)
	}
	return path
}

func (m *mover) command(args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = m.dir
	cmd.Env = append(os.Environ(), "BOXCAR_URL="+m.p.URL, "BOXCAR_TOKEN="+m.p.Token,
		"HOME="+m.home, "XDG_STATE_HOME="+filepath.Join(m.home, "state"), "XDG_CONFIG_HOME="+filepath.Join(m.home, "config"),
		"LocalAppData="+m.home)
	return cmd
}

// run runs a command to its end.
func (m *mover) run(args ...string) (code int, stdout, stderr string) {
	m.t.Helper()
	cmd := m.command(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.t.Fatal(err)
	}
	return shellCode(cmd.ProcessState), out.String(), errs.String()
}

func (m *mover) must(args ...string) string {
	m.t.Helper()
	code, out, errs := m.run(args...)
	if code != 0 {
		m.t.Fatalf("boxcar %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// sessions are the unfinished uploads with their parts.
func (m *mover) sessions() []sessionJSON {
	m.t.Helper()
	var all []sessionJSON
	for line := range strings.Lines(m.must("sessions", "--json")) {
		var known, shown sessionJSON
		if err := json.Unmarshal([]byte(line), &known); err != nil {
			m.t.Fatal(err)
		}
		code, out, errs := m.run("sessions", "show", known.ID, "--json")
		if code != 0 {
			m.t.Fatalf("sessions show: %d %s", code, errs)
		}
		if err := json.Unmarshal([]byte(out), &shown); err != nil {
			m.t.Fatal(err)
		}
		all = append(all, shown)
	}
	return all
}

type sessionJSON struct {
	ID, Path, Map  string
	Parts, Arrived int
}

// same compares a file with the one on the server, which has one version.
func (m *mover) same(path, remote string) {
	m.t.Helper()
	m.must("down", remote, "copy", "--overwrite")
	want, err := os.ReadFile(path)
	if err != nil {
		m.t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(m.dir, "copy"))
	if err != nil {
		m.t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		m.t.Errorf("%s is not what was sent", remote)
	}
	if versions := strings.Count(m.must("versions", remote, "--json"), "\n"); versions != 1 {
		m.t.Errorf("%s has %d versions", remote, versions)
	}
}

// begin starts an upload that takes some seconds, and returns once some parts have
// arrived.
func (m *mover) begin(args ...string) *exec.Cmd {
	m.t.Helper()
	cmd := m.command(append([]string{"up", "--bwlimit", "4M", "--parallel", "3"}, args...)...)
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { cmd.Process.Kill() })
	for limit := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if all := m.sessions(); len(all) > 0 && all[0].Arrived >= 2 {
			return cmd
		}
		if time.Now().After(limit) {
			m.t.Fatal("no part has arrived in a minute")
		}
	}
}

// leave uploads a file of 24 parts into /in until some of them have arrived, and
// kills that.
func (m *mover) leave(name string) (path string) {
	m.t.Helper()
	path = m.file(name, 24*moverPart)
	cmd := m.begin(name, "--to", "/in")
	cmd.Process.Kill()
	cmd.Wait()
	return path
}

// Variables of the environment that change TestUpKilled.
const (
	envUpCycles = "BOXCAR_UP_KILL_CYCLES" // how many times an upload is killed; 4
	envUpSeed   = "BOXCAR_UP_KILL_SEED"
)

// TestUpKilled kills an upload at random moments, again and again, and when one gets
// through, another. The same command ends each: with one version, of the right bytes,
// and no part that had arrived sent twice.
func TestUpKilled(t *testing.T) {
	t.Parallel()
	cycles := int(fromEnv(t, envUpCycles, 4))
	seed := fromEnv(t, envUpSeed, time.Now().UnixNano())
	t.Logf("%s=%d", envUpSeed, seed)
	rng := rand.New(rand.NewPCG(uint64(seed), 0))
	m := newMover(t)
	const size = 24*moverPart + 77
	path := m.file("big.bin", size)
	kills, done := 0, 0
	args := func() []string {
		return []string{"up", "big.bin", "--name", fmt.Sprintf("big %d", done), "--to", "/in", "--json"}
	}
	for kills < cycles {
		cmd := m.command(append(args(), "--bwlimit", "8M")...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		dies := time.AfterFunc(50*time.Millisecond+moment(rng, 1500*time.Millisecond), func() { cmd.Process.Kill() })
		err := cmd.Wait()
		dies.Stop()
		var exit *exec.ExitError
		switch {
		case errors.As(err, &exit) && !exit.Exited():
			kills++
		case err != nil:
			t.Fatal(err)
		default:
			m.same(path, fmt.Sprintf("/in/big %d", done))
			done++
		}
	}
	arrived := 0
	all := m.sessions()
	if len(all) > 1 {
		t.Errorf("%d sessions for one file", len(all))
	}
	if len(all) == 1 {
		arrived = all[0].Arrived
		if got := strings.Count(all[0].Map, "#"); got != arrived || len(all[0].Map) != all[0].Parts {
			t.Errorf("map %q of %d parts, %d arrived", all[0].Map, all[0].Parts, arrived)
		}
	}
	t.Logf("%d kills, %d uploads done; of the last one %d parts had arrived", kills, done, arrived)
	var o struct {
		Outcome string
		Reused  int64
	}
	if err := json.Unmarshal([]byte(m.must(args()...)), &o); err != nil {
		t.Fatal(err)
	}
	// The server may have finished parts since. The last one, which is short, may be
	// among them.
	if n := int64(arrived-1)*moverPart + 77; arrived > 0 && o.Outcome == "uploaded" && o.Reused < n {
		t.Errorf("%d bytes were not sent again, and %d parts were there", o.Reused, arrived)
	}
	m.same(path, fmt.Sprintf("/in/big %d", done))
	if left := m.sessions(); len(left) > 0 {
		t.Errorf("notes are left: %v", left)
	}
	m.p.stop(t)
	mustBeWhole(t, filepath.Join(filepath.Dir(m.dir), "data"))
}

// TestUpInterrupted ends an upload with Ctrl-C. It says how to go on, and that can be
// pasted into a shell.
func TestUpInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skipf("CTRL-C IS NOT TRIED: %s has no SIGINT to send", runtime.GOOS)
	}
	t.Parallel()
	m := newMover(t)
	path := m.file("it's big.bin", 24*moverPart)
	cmd := m.command("up", "it's big.bin", "--to", "/my files", "--bwlimit", "4M")
	var errs output
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for limit := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if all := m.sessions(); len(all) == 1 && all[0].Arrived > 0 {
			break
		} else if time.Now().After(limit) {
			t.Fatal("no part has arrived in a minute")
		}
	}
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
	if code := shellCode(cmd.ProcessState); code != 130 {
		t.Errorf("exit code %d", code)
	}
	_, line, ok := strings.Cut(errs.String(), "boxcar: interrupted; go on with: ")
	if !ok || !strings.Contains(errs.String(), "of 24 parts, in session ") {
		t.Fatalf("stderr: %s", errs.String())
	}
	again := exec.Command("sh", "-c", strings.Replace(strings.TrimSpace(line), " --bwlimit 4M", "", 1)+" --json")
	again.Dir, again.Env = m.dir, m.command().Env
	out, err := again.Output()
	if err != nil || !strings.Contains(string(out), `"reused":`) {
		t.Fatalf("%s: %v\n%s", again, err, out)
	}
	m.same(path, "/my files/it's big.bin")
}

// TestUpFromAnotherMachine goes on with a session of which this machine knows
// nothing but its id.
func TestUpFromAnotherMachine(t *testing.T) {
	t.Parallel()
	m := newMover(t)
	path := m.leave("big.bin")
	id := m.sessions()[0].ID
	m.home += " of another"
	out := m.must("up", "big.bin", "--session", strings.ToLower(id), "--json")
	if !strings.Contains(out, `"remote":"/in/big.bin"`) || !strings.Contains(out, `"reused":`) {
		t.Errorf("%s", out)
	}
	m.same(path, "/in/big.bin")
	m.home = strings.TrimSuffix(m.home, " of another")
	m.must("up", "big.bin", "--session", id)
	if left := m.sessions(); len(left) > 0 {
		t.Errorf("the machine that began it still has notes of what is done: %v", left)
	}
}

// TestUpOfAChangedFile refuses to mix two contents, and says what can be done.
func TestUpOfAChangedFile(t *testing.T) {
	t.Parallel()
	m := newMover(t)
	path := m.leave("big.bin")
	// As many bytes, and others.
	if err := randomFile(path, "others", 24*moverPart); err != nil {
		t.Fatal(err)
	}
	code, out, errs := m.run("up", "big.bin", "--to", "/in")
	if code != 1 || out != "" || !strings.Contains(errs, "boxcar: big.bin: stopped after ") || !strings.Contains(errs, "the source has changed") || !strings.Contains(errs, "boxcar: hint: --restart drops what was sent") {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	// A byte less.
	if err := os.Truncate(path, 24*moverPart-1); err != nil {
		t.Fatal(err)
	}
	if code, _, errs = m.run("up", "big.bin", "--to", "/in"); code != 1 || !strings.Contains(errs, "the source has changed") {
		t.Fatalf("exit code %d\n%s", code, errs)
	}
	m.must("up", "big.bin", "--to", "/in", "--restart")
	m.same(path, "/in/big.bin")
	if left := m.sessions(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestAbortASession drops an upload here and there.
func TestAbortASession(t *testing.T) {
	t.Parallel()
	m := newMover(t)
	m.leave("big.bin")
	id := m.sessions()[0].ID
	if out := m.must("sessions", "show", id); !strings.Contains(out, "of 24 have arrived") || !strings.Contains(out, "  #") {
		t.Errorf("%s", out)
	}
	if out := m.must("sessions", "abort", id); out != id+"\n" {
		t.Errorf("%s", out)
	}
	if left := m.sessions(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	code, _, errs := m.run("sessions", "show", id)
	if code != 1 || !strings.Contains(errs, "the server has no session "+id+" any more") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// TestUpWithASpoiltNote names the file that can't be understood.
func TestUpWithASpoiltNote(t *testing.T) {
	t.Parallel()
	m := newMover(t)
	path := m.leave("big.bin")
	notes, err := filepath.Glob(filepath.Join(m.home, "state", "boxcar", "uploads", "*.json"))
	if err != nil || len(notes) != 1 {
		t.Fatal(notes, err)
	}
	if err := os.Truncate(notes[0], 20); err != nil {
		t.Fatal(err)
	}
	code, _, errs := m.run("up", "big.bin", "--to", "/in")
	if code != 1 || !strings.Contains(errs, "boxcar: big.bin: "+notes[0]+": state of an upload: ") || !strings.Contains(errs, "boxcar: hint: delete that file") {
		t.Fatalf("exit code %d\n%s", code, errs)
	}
	if err := os.Remove(notes[0]); err != nil {
		t.Fatal(err)
	}
	m.must("up", "big.bin", "--to", "/in")
	m.same(path, "/in/big.bin")
}

// TestDownGoesOn kills a download; the same command ends it.
func TestDownGoesOn(t *testing.T) {
	t.Parallel()
	m := newMover(t)
	path := m.file("big.bin", 40*moverPart)
	m.must("up", "big.bin")
	cmd := m.command("down", "/big.bin", "got", "--bwlimit", "8M", "--parallel", "2")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	cmd.Process.Kill()
	cmd.Wait()
	if _, err := os.Stat(filepath.Join(m.dir, "got")); err == nil {
		t.Fatal("half a file has its name")
	}
	m.must("down", "/big.bin", "got")
	want, _ := os.ReadFile(path)
	got, err := os.ReadFile(filepath.Join(m.dir, "got"))
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	left, err := os.ReadDir(m.dir)
	if err != nil || len(left) != 2 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// TestDownOnAFullDisk says so, and goes on when there is room.
func TestDownOnAFullDisk(t *testing.T) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("A FULL DISK IS NOT TRIED: mounting a small one takes Linux and root")
	}
	t.Parallel()
	m := newMover(t)
	small := filepath.Join(m.dir, "small")
	if err := os.Mkdir(small, 0o777); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=16m", "none", small).CombinedOutput(); err != nil {
		t.Skipf("A FULL DISK IS NOT TRIED: no small one can be mounted: %s", out)
	}
	t.Cleanup(func() { exec.Command("umount", small).Run() })
	m.file("big.bin", 24*moverPart)
	m.must("up", "big.bin")
	code, out, errs := m.run("down", "/big.bin", "small/big.bin")
	if code != 1 || out != "" || !strings.Contains(errs, "boxcar: small/big.bin: ") || !strings.Contains(errs, "no space left on device") || !strings.Contains(errs, "boxcar: hint: make room on the disk") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	if _, err := os.Stat(filepath.Join(small, "big.bin")); err == nil {
		t.Error("half a file has its name")
	}
	if out, err := exec.Command("mount", "-o", "remount,size=64m", small).CombinedOutput(); err != nil {
		t.Skipf("ROOM THAT COMES BACK IS NOT TRIED: the disk can't be made larger: %s", out)
	}
	m.must("down", "/big.bin", "small/big.bin")
}

// TestLoginInABrowser goes the whole way of a person, and back.
func TestLoginInABrowser(t *testing.T) {
	t.Parallel()
	m := newMover(t)
	text, err := os.ReadFile(filepath.Join(filepath.Dir(m.dir), "data", "credentials"))
	if err != nil {
		t.Fatal(err)
	}
	of := func(name string) string { return credential(string(text), name) }
	m.p.Token = "" // nothing of the environment
	cmd := m.command("login", "--no-browser", "--url", m.p.URL, "--profile", "here")
	cmd.Env = append(cmd.Env, "BOXCAR_CLIENT_ID="+of("BOXCAR_CLIENT_ID"), "BOXCAR_CLIENT_SECRET="+of("BOXCAR_CLIENT_SECRET"))
	var out, errs output
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	page := ""
	for limit := time.Now().Add(ready); page == "" && time.Now().Before(limit); time.Sleep(10 * time.Millisecond) {
		for line := range strings.Lines(errs.String()) {
			if strings.HasPrefix(line, "  http") && strings.HasSuffix(line, "\n") {
				page = strings.TrimSpace(line)
			}
		}
	}
	back, err := agree(page, of("BOXCAR_LOGIN"), of("BOXCAR_PASSWORD"))
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	resp, err := http.Get(back)
	if err != nil {
		t.Fatal(err)
	}
	said, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err := cmd.Wait(); err != nil || !strings.Contains(string(said), "Logged in") || !strings.HasPrefix(out.String(), "here: admin@boxcar.example ") {
		t.Fatalf("%v: page %q\n%s%s", err, said, out.String(), errs.String())
	}
	whoami := m.command("whoami", "--profile", "here")
	if got, err := whoami.Output(); err != nil || !strings.HasPrefix(string(got), "admin@boxcar.example ") {
		t.Errorf("whoami: %v %s", err, got)
	}
	kept := filepath.Join(m.home, "config", "boxcar", "tokens-here.json")
	tokens, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(kept); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the tokens: %v %v", info.Mode(), err)
	}
	if out := m.must("logout", "--profile", "here"); out != "here\n" {
		t.Errorf("logout: %q", out)
	}
	if _, err := os.Stat(kept); err == nil {
		t.Error("the tokens are still there")
	}
	var was struct {
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal(tokens, &was); err != nil || was.Access == "" {
		t.Fatal(err)
	}
	m.p.Token = was.Access
	if code, _, errs := m.run("whoami"); code != 1 || !strings.Contains(errs, "does not take the token") {
		t.Errorf("the server still takes the token: %d %s", code, errs)
	}
}

// agree logs in on a page and agrees, and returns where the browser is then sent.
func agree(page, login, password string) (string, error) {
	if page == "" {
		return "", fmt.Errorf("no page was shown")
	}
	b := newBrowser(nil)
	form, err := b.page(b.Get(page))
	if err != nil {
		return "", err
	}
	to, _, _ := strings.Cut(page, "?")
	form.Set("login", login)
	form.Set("password", password)
	if form, err = b.page(b.PostForm(to, form)); err != nil {
		return "", err
	}
	form.Set("answer", "allow")
	resp, err := b.PostForm(to, form)
	if err != nil {
		return "", err
	}
	resp.Body.Close()
	at, err := resp.Location()
	if err != nil {
		return "", err
	}
	return at.String(), nil
}
