package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"boxcar/internal/chaosproxy"
)

const envClientCycles = "BOXCAR_CLIENT_KILL_CYCLES" // how many times TestClientKilled kills a command; 24

// TestClientKilled kills commands that move files, at random moments, again and again
// until they are done: straight or through a proxy that spoils requests, with a
// server that is killed now and then. In the end everything is where it belongs,
// once, and nothing else is anywhere.
func TestClientKilled(t *testing.T) {
	t.Parallel()
	cycles := fromEnv(t, envClientCycles, 24)
	seed := fromEnv(t, envUpSeed, time.Now().UnixNano())
	t.Logf("%s=%d", envUpSeed, seed)
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	p := mustServe(t, data, "--part-size", strconv.Itoa(moverPart))
	at, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	k := &killing{cycles: cycles, counts: map[string]int{}}
	var wg sync.WaitGroup
	for n := range 3 {
		w := &victim{
			killing: k, rng: rand.New(rand.NewPCG(uint64(seed), uint64(n))), n: n,
			mover: mover{t: t, dir: filepath.Join(dir, fmt.Sprint("work", n)), home: filepath.Join(dir, fmt.Sprint("home", n)), p: p},
		}
		if err := os.MkdirAll(w.dir, 0o777); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for job := 0; k.kills.Load() < cycles && !t.Failed(); job++ {
				w.job(job, at.Host, uint64(seed))
			}
		})
	}
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	rng := rand.New(rand.NewPCG(uint64(seed), 99))
	server := p
	for over := false; !over; {
		select {
		case <-done:
			over = true
		case <-time.After(time.Second + moment(rng, 6*time.Second)):
			server.kill()
			k.add("server")
			if server, err = serve(data, "--part-size", strconv.Itoa(moverPart), "--listen", at.Host); err != nil {
				t.Error(err)
				<-done
				return
			}
		}
	}
	t.Cleanup(server.kill)
	t.Logf("%d kills of commands; %v", k.kills.Load(), k.counts)
	server.stop(t)
	mustBeWhole(t, data)
}

// killing counts what all victims have been through.
type killing struct {
	cycles int64
	kills  atomic.Int64

	mu     sync.Mutex
	counts map[string]int
}

func (k *killing) add(what string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.counts[what]++
}

// victim is who runs commands and has them killed.
type victim struct {
	mover
	*killing
	rng *rand.Rand
	n   int
}

// job moves something there, and back.
func (v *victim) job(job int, target string, seed uint64) {
	t := v.t
	through := ""
	if v.rng.IntN(3) > 0 {
		proxy, err := chaosproxy.Start(chaosproxy.Config{Target: target, Seed: seed + uint64(job), Rate: 0.05 + 0.2*v.rng.Float64(), Most: 3})
		if err != nil {
			t.Error(err)
			return
		}
		defer proxy.Close()
		through = proxy.URL()
		v.add("through the proxy")
	}
	local, remote := fmt.Sprint("job", job), fmt.Sprintf("/worker %d/job %d", v.n, job)
	big := int64(20_000_000) + v.rng.Int64N(4<<20)
	versions := 1
	switch kind := v.rng.IntN(3); kind {
	case 0: // a large file
		v.file(local, big)
		if v.rng.IntN(3) == 0 {
			versions = 2
			v.file("old", 100)
			v.patient("up", "old", "--name", "big", "--to", remote)
		}
		if !v.untilDone("up", through, "up", local, "--name", "big", "--to", remote) {
			return
		}
	default: // a folder
		tree := v.tree(local, big)
		how := []string{"up", local, "--name", filepath.Base(remote), "--to", filepath.Dir(remote)}
		if kind == 2 {
			how = []string{"sync", local, remote, "--delete"}
		}
		if !v.untilDone(how[0]+" of a folder", through, how...) {
			return
		}
		if kind == 2 {
			// Something changes, something goes.
			versions = 2
			v.file(filepath.Join(local, "big"), big)
			if err := os.Remove(filepath.Join(v.dir, local, tree[len(tree)-1])); err != nil {
				t.Error(err)
			}
			appendTo(t, filepath.Join(v.dir, local, "big"))
			if !v.untilDone("sync of changes", through, how...) {
				return
			}
		}
	}
	if left := v.patient("sessions", "--json"); left != "" {
		t.Errorf("notes are left: %s", left)
	}
	got := strings.Count(v.patient("versions", remote+"/big", "--json"), "\n")
	if got != versions {
		t.Errorf("%s: %d versions of big, want %d", remote, got, versions)
	}
	if !v.untilDone("down", through, "down", remote, "back", "--overwrite") {
		return
	}
	want, back := v.snapshot(local), v.snapshot("back")
	if one, ok := want["."]; ok {
		want = map[string]string{"big": one}
	}
	if !maps.Equal(want, back) {
		t.Errorf("%s: there and back are %v, and went away as %v", remote, slices.Sorted(maps.Keys(back)), slices.Sorted(maps.Keys(want)))
	}
	for _, name := range []string{local, "back"} {
		if err := os.RemoveAll(filepath.Join(v.dir, name)); err != nil {
			t.Error(err)
		}
	}
	v.patient("rm", "-r", remote)
	v.add("jobs done")
}

func (v *victim) file(name string, size int64) {
	if err := randomFile(filepath.Join(v.dir, name), name, size); err != nil {
		v.t.Error(err)
	}
}

// tree makes a folder of files, and says which.
func (v *victim) tree(name string, big int64) (files []string) {
	for i := range 8 {
		files = append(files, filepath.Join(fmt.Sprint("folder ", i%3), fmt.Sprint("file ", i)))
	}
	files = append(files, "big", "empty", "last")
	for _, f := range files {
		size := v.rng.Int64N(200_000)
		switch f {
		case "big":
			size = big
		case "empty":
			size = 0
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(v.dir, name, f)), 0o777); err != nil {
			v.t.Error(err)
		}
		v.file(filepath.Join(name, f), size)
	}
	return files
}

// snapshot has the contents of all files below name.
func (v *victim) snapshot(name string) map[string]string {
	root := filepath.Join(v.dir, name)
	all := map[string]string{}
	err := filepath.WalkDir(root, func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(at)
		rel, _ := filepath.Rel(root, at)
		all[rel] = string(text)
		return err
	})
	if err != nil {
		v.t.Error(err)
	}
	return all
}

func appendTo(t *testing.T, path string) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString("more")
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Error(err)
	}
}

// untilDone runs a command again and again until nobody kills it before it is done.
func (v *victim) untilDone(what, through string, args ...string) bool {
	most := 40 * time.Millisecond
	for fails := 0; fails < 40; {
		cmd := v.command(args...)
		cmd.Env = append(cmd.Env, "BOXCAR_RETRY=10s")
		if through != "" {
			cmd.Env = append(cmd.Env, "BOXCAR_URL="+through)
		}
		var errs bytes.Buffer
		cmd.Stderr = &errs
		if err := cmd.Start(); err != nil {
			v.t.Error(err)
			return false
		}
		kill := v.kills.Load() < v.cycles
		dies := time.AfterFunc(time.Millisecond+moment(v.rng, most), func() {
			if kill {
				cmd.Process.Kill()
			}
		})
		err := cmd.Wait()
		dies.Stop()
		var exit *exec.ExitError
		switch {
		case err == nil:
			v.add(what)
			return true
		case errors.As(err, &exit) && !exit.Exited():
			v.kills.Add(1)
			v.add(what + " killed")
			if most < 3*time.Second {
				most += most / 8 // in the end it is let through
			}
		default:
			fails++
			v.add(what + " failed")
			if fails > 30 {
				v.t.Errorf("boxcar %s: %v\n%s", strings.Join(args, " "), err, errs.String())
				return false
			}
			time.Sleep(100 * time.Millisecond) // the server may be down
		}
	}
	return false
}

// patient runs a command that nobody kills, while the server may be.
func (v *victim) patient(args ...string) string {
	for try := 0; ; try++ {
		code, out, errs := v.run(args...)
		if code == 0 {
			return out
		}
		if try == 10 {
			v.t.Errorf("boxcar %s: exit code %d\n%s", strings.Join(args, " "), code, errs)
			return ""
		}
		time.Sleep(300 * time.Millisecond)
	}
}
