package main_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// cutShort runs a command and kills it after a time. It says whether the command
// had ended by itself before, which it may only do well.
func cutShort(t *testing.T, after time.Duration, args ...string) (ended bool) {
	t.Helper()
	cmd := exec.Command(program, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(after)
	cmd.Process.Kill()
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.Exited()) {
		t.Fatalf("%v ended by itself: %v", args, err)
	}
	return err == nil
}

// TestBackup backs up a server under load, is killed again and again while it
// does, and restores what there is: every snapshot is whole. At the end a restored
// server has all that the first one had acknowledged.
func TestBackup(t *testing.T) {
	t.Parallel()
	seed := fromEnv(t, envSeed, time.Now().UnixNano())
	t.Logf("%s=%d", envSeed, seed)
	rng := rand.New(rand.NewPCG(uint64(seed), 1))
	dir := t.TempDir()
	data, backup := filepath.Join(dir, "data"), filepath.Join(dir, "backup")
	flags := []string{"--part-size", strconv.Itoa(partSize), "--min-chunked-size", "0"}
	p := mustServe(t, data, flags...)
	workers := hire(t, p, seed, 2)
	errs := make(chan error, len(workers))
	for _, w := range workers {
		go func() { errs <- w.work() }()
	}

	restored := 0
	restore := func() {
		t.Helper()
		restored++
		to := filepath.Join(dir, fmt.Sprint("restored", restored))
		code, out, errs := boxcar("restore", backup, "--data", to)
		if code != 0 || !strings.Contains(out, "everything is whole") {
			t.Fatalf("restore exits with %d:\n%s%s", code, out, errs)
		}
		os.RemoveAll(to)
	}
	killed := 0
	for n := range 6 {
		if n%3 == 0 {
			if code, out, errs := boxcar("backup", backup, "--data", data, "--keep", "2"); code != 0 {
				t.Fatalf("backup exits with %d:\n%s%s", code, out, errs)
			}
		} else if !cutShort(t, moment(rng, 250*time.Millisecond), "backup", backup, "--data", data) {
			killed++
		}
		restore()
	}
	t.Logf("%d backups were killed", killed)

	p.kill()
	for range workers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	p = mustServe(t, data, flags...)
	audit(t, p, workers, 0)
	if code, out, errs := boxcar("backup", backup, "--data", data); code != 0 {
		t.Fatalf("backup exits with %d:\n%s%s", code, out, errs)
	}
	p.stop(t)

	// Cut short, a restore leaves nothing that looks whole.
	to := filepath.Join(dir, "again")
	for n := range 6 {
		done := cutShort(t, moment(rng, time.Duration(n+1)*40*time.Millisecond), "restore", backup, "--data", to)
		if _, err := os.Stat(to); done || err != nil {
			os.RemoveAll(to)
			continue
		}
		if entries, _ := os.ReadDir(to); len(entries) == 0 || len(entries) == 1 && entries[0].Name() == "lock" {
			os.RemoveAll(to)
			continue // it had not begun
		}
		code, _, text := boxcar("serve", "--data", to, "--listen", "127.0.0.1:0")
		if code != 1 || !strings.Contains(text, "cut short") {
			t.Errorf("serve on a restore that was cut short exits with %d:\n%s", code, text)
		}
		if code, out, _ := boxcar("doctor", "--data", to); code == 0 {
			t.Errorf("doctor finds a restore that was cut short whole:\n%s", out)
		}
		if code, _, text := boxcar("restore", backup, "--data", to); code != 1 || !strings.Contains(text, "not empty") {
			t.Errorf("restore over it exits with %d:\n%s", code, text)
		}
		os.RemoveAll(to)
	}
	if code, out, errs := boxcar("restore", backup, "--data", to); code != 0 {
		t.Fatalf("restore exits with %d:\n%s%s", code, out, errs)
	}
	p = mustServe(t, to, flags...)
	audit(t, p, workers, 0)
	p.stop(t)
	mustBeWhole(t, to)
}
