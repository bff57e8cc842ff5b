package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// ticks of /proc/PID/stat a second, on every Linux that Go runs on.
const ticks = 100

func datasync(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }

// settle writes out what runs before have left behind, so that it is not
// written during the next one.
func settle() { syscall.Sync() }

// usageOf is what a process and those it has started have used until now. One
// that has ended meanwhile counts no longer.
func usageOf(pid int) (usage, error) {
	sum, err := usageOfOne(pid)
	if err != nil {
		return usage{}, err
	}
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return usage{}, err
	}
	for _, task := range tasks {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
		if err != nil {
			continue // the thread has ended
		}
		for word := range strings.FieldsSeq(string(children)) {
			var child int
			if _, err := fmt.Sscan(word, &child); err != nil {
				return usage{}, err
			}
			if u, err := usageOf(child); err == nil {
				sum = sum.plus(u)
			}
		}
	}
	return sum, nil
}

func usageOfOne(pid int) (usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return usage{}, err
	}
	return parseUsage(string(stat), string(status))
}

// parseUsage reads /proc/PID/stat and /proc/PID/status.
func parseUsage(stat, status string) (u usage, err error) {
	// The name, in parentheses, may hold anything.
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return u, fmt.Errorf("%q is not what /proc/PID/stat looks like", stat)
	}
	var user, system int64
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		return u, err
	}
	u.user, u.system = time.Duration(user)*time.Second/ticks, time.Duration(system)*time.Second/ticks
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			var kib int64
			if _, err := fmt.Sscan(rest, &kib); err != nil {
				return u, err
			}
			u.peak = kib << 10
		}
	}
	return u, nil
}

// ownUsage is what this process, the client, has used.
func ownUsage() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
