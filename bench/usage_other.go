//go:build !linux

package main

import (
	"os"
	"time"
)

func datasync(f *os.File) error { return f.Sync() }

func settle() {}

// What processes use is known on Linux only; elsewhere it is 0.
func usageOf(int) (usage, error) { return usage{}, nil }
func ownUsage() time.Duration    { return 0 }
