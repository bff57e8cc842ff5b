//go:build unix

package main_test

import (
	"bytes"
	"crypto/rand"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever the mask is, files are their owner's only; what somebody has put in
// the way of one is not written to; and no command tells a secret that it was
// not asked for.
func TestFilesAndSecretsAreTheOwners(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	data, target := at("data"), at("target")
	if err := os.Mkdir(data, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(data, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(target, []byte("somebody's"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"upload.sh.new", "credentials.new", "format.new"} {
		if err := os.Symlink(target, filepath.Join(data, name)); err != nil {
			t.Fatal(err)
		}
	}
	free := func(arg ...string) *exec.Cmd {
		return exec.Command("sh", append([]string{"-c", `umask 0; exec "$0" "$@"`, program}, arg...)...)
	}
	p := &process{cmd: free("serve", "--data", data, "--listen", "127.0.0.1:0", "--min-chunked-size", "0", "--part-size", "65536")}
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	if !strings.Contains(p.Err.String(), "others can write to the data directory") {
		t.Errorf("nobody is told that others can write to the data directory:\n%s", p.Err.String())
	}
	if b, err := os.ReadFile(target); err != nil || string(b) != "somebody's" {
		t.Errorf("a link that lay in the way was followed: %.40q, %v", b, err)
	}
	credentials, err := os.ReadFile(filepath.Join(data, "credentials"))
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{}
	for _, name := range []string{"BOXCAR_TOKEN", "BOXCAR_CLIENT_SECRET", "BOXCAR_PASSWORD"} {
		if secrets[name] = credential(string(credentials), name); len(secrets[name]) < 16 {
			t.Fatalf("%s is %q", name, secrets[name])
		}
	}

	big := make([]byte, 200_000)
	rand.Read(big)
	if err := os.WriteFile(at("big.bin"), big, 0o600); err != nil {
		t.Fatal(err)
	}
	client := credential(string(credentials), "BOXCAR_CLIENT_ID")
	run := func(ok bool, env []string, arg ...string) {
		t.Helper()
		cmd := free(arg...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), append([]string{"HOME=" + at("home"), "XDG_CONFIG_HOME=" + at("config"), "XDG_STATE_HOME=" + at("state"),
			"BOXCAR_URL=" + p.URL, "BOXCAR_TOKEN=" + p.Token, "BOXCAR_DATA=" + data}, env...)...)
		out, err := cmd.CombinedOutput()
		if (err == nil) != ok {
			t.Errorf("boxcar %s: %v\n%s", strings.Join(arg, " "), err, out)
		}
		for name, text := range secrets {
			if bytes.Contains(out, []byte(text)) {
				t.Errorf("boxcar %s tells %s:\n%s", strings.Join(arg, " "), name, out)
			}
		}
	}
	run(true, nil, "up", "big.bin", "--to", "/in")
	run(true, nil, "down", "/in/big.bin", "copy.bin")
	run(true, nil, "ls", "/in")
	run(true, nil, "whoami")
	run(true, nil, "sessions", "list")
	run(true, nil, "user", "list")
	run(true, nil, "app", "list")
	run(true, nil, "ca")
	run(true, nil, "doctor")
	run(true, nil, "backup", at("backup"))
	run(true, nil, "restore", at("backup"), "--data", at("restored"))
	run(true, nil, "doctor", "--data", at("restored"))
	// And when it fails.
	for _, env := range []string{"BOXCAR_URL=" + p.URL + "/" + client, "BOXCAR_URL=not a URL", "BOXCAR_TOKEN=" + secrets["BOXCAR_CLIENT_SECRET"]} {
		for _, arg := range [][]string{{"up", "big.bin"}, {"down", "/in/big.bin", "other.bin"}, {"ls", "/in"}, {"whoami"}} {
			run(false, []string{env}, arg...)
		}
	}
	run(false, nil, "serve", "--data", data, "--listen", "0.0.0.0:0", "--developer-token", secrets["BOXCAR_CLIENT_SECRET"])
	p.stop(t)
	for name, text := range secrets {
		if strings.Contains(p.Err.String(), text) {
			t.Errorf("the log has %s", name)
		}
	}

	for _, root := range []string{data, at("backup"), at("restored")} {
		files := 0
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			fi, err := d.Info()
			switch {
			case err != nil || path == data || d.Type()&fs.ModeSymlink != 0:
			case fi.Mode().Perm()&0o077 != 0:
				t.Errorf("%s is for others, too: %v", path, fi.Mode())
			case !d.IsDir():
				files++
			}
			return err
		})
		if err != nil || files < 5 {
			t.Errorf("%s: %d files, %v", root, files, err)
		}
	}
}
