package main

import (
	"fmt"
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// patterns choose files of a folder by their path in it, with / between names. A
// pattern without / is about names, wherever they are; ** stands for any folders.
type patterns struct {
	Include []string `sep:"none" placeholder:"PATTERN" help:"Only files that match, such as *.laz or scans/**/*.tif; again for more."`
	Exclude []string `sep:"none" placeholder:"PATTERN" help:"No files, and no folders with all that is in them, that match; again for more."`
}

// Validate refuses patterns that can't be understood.
func (p patterns) Validate() error {
	for _, list := range [][]string{p.Include, p.Exclude} {
		for _, pattern := range list {
			if trimmed := strings.Trim(pattern, "/"); trimmed == "" || !doublestar.ValidatePattern(trimmed) {
				return fmt.Errorf("%q is no pattern", pattern)
			}
		}
	}
	return nil
}

// file says whether a file is chosen.
func (p patterns) file(rel string) bool {
	return !matches(p.Exclude, rel) && (len(p.Include) == 0 || matches(p.Include, rel))
}

// folder says whether a folder may have files that are chosen.
func (p patterns) folder(rel string) bool { return !matches(p.Exclude, rel) }

func matches(list []string, rel string) bool {
	for _, pattern := range list {
		name := rel
		if !strings.Contains(strings.TrimSuffix(pattern, "/"), "/") {
			name = path.Base(rel)
		}
		if ok, _ := doublestar.Match(strings.Trim(pattern, "/"), name); ok {
			return true
		}
	}
	return false
}
