package main

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestParseUsage(t *testing.T) {
	// The name of this process is "a) S (b".
	const stat = "4711 (a) S (b) R 1 2 3 0 -1 4194560 10 20 30 40 1234 567 8 9 20 0 5 0 100 200 300"
	const status = "Name:\ta) S (b\nVmPeak:\t  999999 kB\nVmHWM:\t   12345 kB\nVmRSS:\t  1 kB\n"
	got, err := parseUsage(stat, status)
	if want := (usage{12340 * time.Millisecond, 5670 * time.Millisecond, 12345 << 10}); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if _, err := parseUsage("4711 (a) R 1 2", status); err == nil {
		t.Error("half a line is taken for usage")
	}
	before := usage{time.Second, 2 * time.Second, 5}
	if got := (usage{3 * time.Second, 7 * time.Second, 4}).since(before); got != (usage{2 * time.Second, 5 * time.Second, 4}) {
		t.Errorf("since: %+v", got)
	}
}

// A server may leave the work to processes that it has started, as nginx does.
func TestUsageCountsChildren(t *testing.T) {
	// The outer shell waits, the inner one counts until it is killed.
	cmd := exec.Command("sh", "-c", "sh -c 'while :; do :; done' & trap 'kill $!' TERM; wait; :")
	if err := cmd.Start(); err != nil {
		t.Skip("THE CPU OF CHILDREN IS NOT CHECKED: there is no shell:", err)
	}
	defer cmd.Wait()
	defer cmd.Process.Signal(syscall.SIGTERM)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		all, err := usageOf(cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		own, err := usageOfOne(cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		if all.cpu() >= 200*time.Millisecond && own.cpu() < 100*time.Millisecond && all.peak > own.peak {
			return
		}
	}
	t.Error("what the child uses is not counted")
}

// A program's peak is its own, and not that of who has started it.
func TestProgramsAreMeasured(t *testing.T) {
	own, err := usageOfOne(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	got, err := runMeasured(exec.Command("sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"))
	if err != nil {
		t.Skip("NOT TRIED: there is no shell:", err)
	}
	if got.cpu() <= 0 || got.peak <= 0 || got.peak >= own.peak/2 {
		t.Errorf("%v, where the parent has %v", got, own)
	}
	if _, err := runMeasured(exec.Command("sh", "-c", "echo alas >&2; exit 3")); err == nil || !strings.Contains(err.Error(), "alas") {
		t.Errorf("a program that fails: %v", err)
	}
}
