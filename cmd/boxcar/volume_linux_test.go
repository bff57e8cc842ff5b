package main_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// volume is a small file system of a test's own.
type volume struct {
	dir   string // where it is mounted
	image string // the file that it is in; "" is none
	mount []string
}

// kinds of volumes. All are small enough to be filled at once.
const (
	onTmpfs = "tmpfs" // 160 MiB and 3,000 inodes
	onExt4  = "ext4"  // the same, through a loop device; read-only after an error
	onXFS   = "xfs"   // 300 MiB, its least
)

const volumeInodes = 3000

// mustMount makes a volume that is gone after the test.
func mustMount(t *testing.T, kind string) *volume {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skipf("NOT TRIED: server on %s of its own: to mount takes root", kind)
	}
	dir := t.TempDir()
	v := &volume{dir: filepath.Join(dir, "volume"), image: filepath.Join(dir, "image")}
	if err := os.Mkdir(v.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.unmount() })
	size, mkfs := "160M", []string{"mkfs.ext4", "-q", "-F", "-m", "0", "-N", fmt.Sprint(volumeInodes)}
	v.mount = []string{"-o", "loop,errors=remount-ro", v.image}
	switch kind {
	case onTmpfs:
		v.image = ""
		v.mount = []string{"-t", "tmpfs", "-o", fmt.Sprintf("size=%s,nr_inodes=%d", size, volumeInodes), "tmpfs"}
	case onXFS:
		size, mkfs = "300M", []string{"mkfs.xfs", "-q"}
		v.mount = []string{"-o", "loop", v.image}
	}
	if v.image != "" {
		if out, err := command("truncate", "-s", size, v.image); err != nil {
			t.Fatal(out)
		}
		if out, err := command(mkfs[0], append(mkfs[1:], v.image)...); err != nil {
			t.Skipf("NOT TRIED: server on %s of its own: %s", kind, out)
		}
	}
	if err := v.remount(); err != nil {
		t.Skipf("NOT TRIED: server on %s of its own: %v", kind, err)
	}
	return v
}

// command runs a program. What it says is there for an error, too.
func command(name string, args ...string) (out string, err error) {
	b, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%s: %v: %s", name, err, strings.TrimSpace(string(b))), err
	}
	return string(b), nil
}

// remount mounts what is not mounted now, with options besides its own.
func (v *volume) remount(options ...string) error {
	args := append([]string{}, v.mount...)
	if len(options) > 0 {
		args = append([]string{"-o", strings.Join(options, ",")}, args...)
	}
	if out, err := command("mount", append(args, v.dir)...); err != nil {
		return errors.New(out)
	}
	return nil
}

// unmount takes it away, also from under a process that is not done with it.
func (v *volume) unmount() error {
	if _, err := command("umount", v.dir); err == nil {
		return nil
	}
	if out, err := command("umount", "-l", v.dir); err != nil {
		return errors.New(out)
	}
	return errors.New("something still used the volume")
}

// data is where a server has its data on it.
func (v *volume) data() string { return filepath.Join(v.dir, "data") }

// backup is where backups of it are, on itself.
func (v *volume) backup() string { return filepath.Join(v.dir, "backup") }

// filler is what takes its room away.
func (v *volume) filler() string { return filepath.Join(v.dir, "filler") }

// fill leaves so many bytes, or as near to that as somebody who writes at the same time
// lets it come.
func (v *volume) fill(leave int64) error {
	if err := os.MkdirAll(v.filler(), 0o755); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(v.filler(), "bytes"))
	if err != nil {
		return err
	}
	defer f.Close()
	var size int64
	for step := int64(64 << 20); step >= 4096; {
		var s unix.Statfs_t
		if err := unix.Statfs(v.dir, &s); err != nil {
			return err
		}
		if n := int64(s.Bavail)*s.Bsize - leave; n < step {
			step /= 2
			continue
		}
		switch err := unix.Fallocate(int(f.Fd()), 0, size, step); {
		case err == nil:
			size += step
		case errors.Is(err, unix.ENOSPC):
			step /= 2
		case !errors.Is(err, unix.EINTR):
			return fmt.Errorf("fallocate: %w", err)
		}
	}
	return nil
}

// fillInodes leaves so many files to be made.
func (v *volume) fillInodes(leave int) error {
	if err := os.MkdirAll(v.filler(), 0o755); err != nil {
		return err
	}
	n := 0
	for ; ; n++ {
		f, err := os.Create(filepath.Join(v.filler(), fmt.Sprint(n)))
		if errors.Is(err, unix.ENOSPC) {
			break
		} else if err != nil {
			return err
		}
		f.Close()
	}
	for ; leave > 0 && n > 0; leave-- {
		n--
		if err := os.Remove(filepath.Join(v.filler(), fmt.Sprint(n))); err != nil {
			return err
		}
	}
	return nil
}

// empty gives all room back.
func (v *volume) empty() error { return os.RemoveAll(v.filler()) }

// shutDown has the file system answer everything with EIO, and forget what it
// had not written: what a disk looks like whose cable is pulled.
func (v *volume) shutDown() error {
	const ioctlShutdown, noLogFlush = 0x8004587d, 2 // _IOR('X', 125, __u32)
	f, err := os.Open(v.dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.IoctlSetPointerInt(int(f.Fd()), ioctlShutdown, noLogFlush)
}

// makeReadOnly has an ext4 find an error in itself. A plain remount is refused
// while files are open for writing.
func (v *volume) makeReadOnly() error {
	out, err := command("findmnt", "-n", "-o", "SOURCE", v.dir)
	if err != nil {
		return errors.New(out)
	}
	device := filepath.Base(strings.TrimSpace(out))
	return os.WriteFile(filepath.Join("/sys/fs/ext4", device, "trigger_fs_error"), []byte("1"), 0)
}

// writable says whether what the server has on it may be changed, as where a disk is
// read-only for a while. Only what SQLite maps into memory is left alone: a file system that
// turns read-only leaves that, too.
func (v *volume) writable(yes bool) error {
	return filepath.WalkDir(v.data(), func(path string, _ fs.DirEntry, err error) error {
		if err == nil && !strings.HasSuffix(path, "-shm") {
			err = immutable(path, !yes)
		}
		if errors.Is(err, fs.ErrNotExist) { // meanwhile
			return nil
		}
		return err
	})
}

// immutable has all that would change a file or directory be refused, also to who has it
// open, or lets it be changed again.
func immutable(path string, yes bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	const flag = 0x10 // FS_IMMUTABLE_FL
	flags, err := unix.IoctlGetInt(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err != nil {
		return fmt.Errorf("flags of %s: %w", path, err)
	}
	if flags |= flag; !yes {
		flags &^= flag
	}
	return unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, flags)
}
