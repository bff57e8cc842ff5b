package main

import (
	"os"
	"path/filepath"
	"runtime"
	"time"

	"boxcar/client"
)

// stateDir is where the states of uploads are: the folder that was said, or one of
// the user's own. States that are of no more use are gone.
func stateDir(said string) (client.StateDir, error) {
	dir := client.StateDir(said)
	if said == "" {
		home, err := stateHome()
		if err != nil {
			return "", hinted{err, "--state says where to keep notes of uploads"}
		}
		dir = client.StateDir(filepath.Join(home, "boxcar", "uploads"))
	}
	_ = dir.Prune(time.Now()) // what is in the way is told by who needs it
	return dir, nil
}

// stateHome is where programs keep what has to outlive them and is no setting.
func stateHome() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return dir, nil
	}
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return os.UserCacheDir() // %LocalAppData%, ~/Library/Caches
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "state"), err
}
