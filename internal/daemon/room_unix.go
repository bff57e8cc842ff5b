//go:build linux || darwin

package daemon

import (
	"math"
	"syscall"
)

// room is how many bytes of a file system are free for this process, and how
// many it has in all; NaN if the system does not say.
func room(dir string) (free, size float64) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return math.NaN(), math.NaN()
	}
	return float64(s.Bavail) * float64(s.Bsize), float64(s.Blocks) * float64(s.Bsize)
}
