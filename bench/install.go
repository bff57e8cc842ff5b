package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Other servers, built once into .cache/bin. MinIO has no tags that the go
// command knows, hence the version made of time and commit.
const (
	minioModule       = "github.com/minio/minio"
	minioVersion      = "v0.0.0-20260212201848-7aac2a2c5b7c"
	versitygwModule   = "github.com/versity/versitygw/cmd/versitygw"
	versitygwVersion  = "v1.8.0"
	installWait       = 30 * time.Minute
	installedPrograms = ".cache/bin"
)

// installed is the path of a program, which is built if it is not there yet.
func installed(ctx context.Context, module, version string) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "boxcar").Output()
	if err != nil {
		return "", fmt.Errorf("where the module boxcar is: %w", err)
	}
	bin := filepath.Join(strings.TrimSpace(string(root)), installedPrograms)
	name := filepath.Base(module)
	path := filepath.Join(bin, name+"-"+version)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	fmt.Fprintf(os.Stderr, "building %s@%s, which takes some minutes\n", module, version)
	ctx, cancel := context.WithTimeout(ctx, installWait)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "install", module+"@"+version)
	cmd.Env = append(cmd.Environ(), "GOBIN="+bin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go install %s@%s: %w\n%s", module, version, err, out[max(0, len(out)-1000):])
	}
	return path, os.Rename(filepath.Join(bin, name), path)
}

// nginxProgram finds nginx, and installs it where that can be done.
func nginxProgram(ctx context.Context) (string, error) {
	find := func() (string, error) {
		if path, err := exec.LookPath("nginx"); err == nil {
			return path, nil
		}
		return exec.LookPath("/usr/sbin/nginx") // not everybody has that in PATH
	}
	path, err := find()
	if err == nil {
		return path, nil
	}
	if os.Getuid() != 0 {
		return "", errors.New("nginx is missing; on Debian: apt-get install nginx-light")
	}
	cmd := exec.CommandContext(ctx, "apt-get", "-qq", "install", "-y", "--no-install-recommends", "nginx-light")
	cmd.Env = append(cmd.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("apt-get install nginx-light: %w\n%s", err, out[max(0, len(out)-1000):])
	}
	return find()
}
