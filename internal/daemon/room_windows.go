package daemon

import (
	"math"

	"golang.org/x/sys/windows"
)

// room is how many bytes of a file system are free for this process, and how
// many it has in all; NaN if the system does not say.
func room(dir string) (free, size float64) {
	var mine, all uint64
	name, err := windows.UTF16PtrFromString(dir)
	if err == nil {
		err = windows.GetDiskFreeSpaceEx(name, &mine, &all, nil)
	}
	if err != nil {
		return math.NaN(), math.NaN()
	}
	return float64(mine), float64(all)
}
