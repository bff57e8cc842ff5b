package main

import "testing"

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		include, exclude []string
		rel              string
		file, folder     bool
	}{
		{rel: "a/b.txt", file: true, folder: true},
		{include: []string{"*.laz"}, rel: "a/b/c.laz", file: true, folder: true}, // a name, anywhere
		{include: []string{"*.laz"}, rel: "a/b/c.txt", folder: true},
		{include: []string{"a/*.laz"}, rel: "a/b/c.laz", folder: true}, // a path: * stops at /
		{include: []string{"a/**/*.laz"}, rel: "a/b/c.laz", file: true, folder: true},
		{include: []string{"*.laz", "*.txt"}, rel: "c.txt", file: true, folder: true},
		{exclude: []string{"*.tmp"}, rel: "a/x.tmp"},
		{exclude: []string{"node_modules"}, rel: "a/node_modules"},
		{exclude: []string{"node_modules/"}, rel: "a/node_modules"},
		{exclude: []string{"/a/b"}, rel: "a/b"},
		{exclude: []string{"a/b"}, rel: "x/a/b", file: true, folder: true},
		{include: []string{"*.txt"}, exclude: []string{"secret.*"}, rel: "secret.txt"}, // exclude wins
	} {
		p := patterns{Include: c.include, Exclude: c.exclude}
		if p.file(c.rel) != c.file || p.folder(c.rel) != c.folder {
			t.Errorf("%q without %q, %s: file %v, folder %v", c.include, c.exclude, c.rel, p.file(c.rel), p.folder(c.rel))
		}
	}
}
