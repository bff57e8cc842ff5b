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
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	bin := filepath.Join(root, installedPrograms)
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

func moduleRoot(ctx context.Context) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "boxcar").Output()
	if err != nil {
		return "", fmt.Errorf("where the module boxcar is: %w", err)
	}
	return strings.TrimSpace(string(root)), nil
}

// buildRclone puts rclone into dir, at the version that the conformance suite pins.
func buildRclone(ctx context.Context, dir string) (string, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "rclone")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, ".")
	cmd.Dir = filepath.Join(root, "conformance", "rclone")
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build rclone: %w\n%s", err, out[max(0, len(out)-1000):])
	}
	return binary, nil
}

// nodeProgram is the folder of a conformance suite, with what it pins installed.
func nodeProgram(ctx context.Context, suite string) (string, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", err
		}
	}
	dir := filepath.Join(root, "conformance", suite)
	pinned, err := os.Stat(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return "", err
	}
	has, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json"))
	if err == nil && !has.ModTime().Before(pinned.ModTime()) {
		return dir, nil
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci in %s: %w\n%s", dir, err, out[max(0, len(out)-1000):])
	}
	return dir, nil
}
