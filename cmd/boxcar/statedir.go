package main

import (
	"os"
	"path/filepath"
	"runtime"

	"boxcar/client"
)

// stateDir is where the states of uploads are: the folder that was said, or one of
// the user's own.
func stateDir(said string) (client.StateDir, error) {
	if said != "" {
		return client.StateDir(said), nil
	}
	dir, err := stateHome()
	if err != nil {
		return "", hinted{err, "--state says where to keep notes of uploads"}
	}
	return client.StateDir(filepath.Join(dir, "boxcar", "uploads")), nil
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
