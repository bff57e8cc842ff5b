package archtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree writes a module named boxcar of these files and returns its folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files["go.mod"] = "module boxcar\n\ngo 1.26\n"
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// From files on a disk to lines: what go list leaves out on this system, or
// without a tag, is seen all the same.
func TestLoadSees(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string // a part of the only line; empty: no line
	}{
		{
			name:  "an import",
			files: map[string]string{"internal/tree/a.go": "package tree\nimport _ \"net/http\"\n"},
			want:  "internal/tree/a.go: internal/tree imports net/http",
		},
		{
			name:  "an import for one system",
			files: map[string]string{"internal/tree/a.go": "package tree\n", "internal/tree/a_plan9.go": "package tree\nimport _ \"os\"\n"},
			want:  "a_plan9.go: internal/tree imports os",
		},
		{
			name:  "an import of C",
			files: map[string]string{"internal/vfs/a.go": "package vfs\nimport \"C\"\n"},
			want:  "internal/vfs imports C",
		},
		{
			name:  "a package for one system only",
			files: map[string]string{"internal/vfs/direct/a_windows.go": "package direct\n"},
			want:  "internal/vfs/direct: has no row",
		},
		{
			name:  "a package for another system only",
			files: map[string]string{"internal/vfs/direct/a_darwin.go": "package direct\n"},
			want:  "internal/vfs/direct: has no row",
		},
		{
			name:  "an import behind a tag",
			files: map[string]string{"conformance/a_test.go": "//go:build conformance\n\npackage conformance\nimport _ \"boxcar/cmd/boxcar\"\n"},
			want:  "tests of conformance may not import cmd/boxcar",
		},
		{
			name:  "a test outside its package",
			files: map[string]string{"internal/meta/a.go": "package meta\n", "internal/meta/a_test.go": "package meta_test\nimport _ \"boxcar/internal/auth\"\n"},
			want:  "tests of internal/meta may not import internal/auth",
		},
		{
			name:  "a package that does not compile",
			files: map[string]string{"internal/tree/a.go": "package tree\nimport _ \"boxcar/internal/gone\"\nvar x int = nothing\n"},
			want:  "internal/tree may not import internal/gone",
		},
		{
			name:  "a generator beside its package",
			files: map[string]string{"internal/digest/a.go": "package digest\n", "internal/digest/gen.go": "//go:build ignore\n\npackage main\nimport _ \"flag\"\n"},
		},
		{
			name:  "the package clause",
			files: map[string]string{"internal/tree/a.go": "package util\n"},
			want:  `internal/tree: "util" says nothing`,
		},
		{
			name:  "environment",
			files: map[string]string{"internal/vfs/a.go": "package vfs\nimport \"os\"\nvar x = os.Getenv(\"X\")\n"},
			want:  "uses os.Getenv",
		},
		{
			name:  "environment, not called but passed on",
			files: map[string]string{"internal/vfs/a.go": "package vfs\nimport \"os\"\nvar x = os.Expand(\"$X\", os.Getenv)\n"},
			want:  "uses os.Getenv",
		},
		{
			name:  "arguments under another name",
			files: map[string]string{"internal/vfs/a.go": "package vfs\nimport system \"os\"\nvar x = system.Args\n"},
			want:  "uses os.Args",
		},
		{
			name:  "os without its name",
			files: map[string]string{"internal/vfs/a.go": "package vfs\nimport . \"os\"\nvar x = Environ()\n"},
			want:  "uses os without its name",
		},
		{
			name:  "environment by syscall",
			files: map[string]string{"internal/vfs/a.go": "package vfs\nimport \"syscall\"\nvar x, _ = syscall.Getenv(\"X\")\n"},
			want:  "uses syscall.Getenv",
		},
		{
			name:  "files are not environment, nor is another's Getenv",
			files: map[string]string{"internal/vfs/a.go": "package vfs\nimport \"os\"\ntype env struct{ Getenv int }\nvar y env\nvar x = y.Getenv\nvar z = os.Remove\n"},
		},
		{
			name:  "a call",
			files: map[string]string{"internal/httpapi/a.go": "package httpapi\nimport web \"net/http\"\nvar x, _ = web.Get(\"http://x\")\n"},
			want:  "internal/httpapi/a.go: uses net/http.Get",
		},
		{
			name:  "a dial of an operator's command",
			files: map[string]string{"cmd/boxcar/serve.go": "package main\nimport \"net\"\nvar x net.Dialer\n"},
			want:  "cmd/boxcar/serve.go: uses net.Dialer",
		},
		{
			name:  "a program",
			files: map[string]string{"internal/daemon/a.go": "package daemon\nimport _ \"os/exec\"\n"},
			want:  "a server starts no programs",
		},
		{
			name: "who may call, and who serves",
			files: map[string]string{
				"internal/tracing/a.go": "package tracing\nimport \"net/http\"\nvar x http.Client\n",
				"cmd/boxcar/up.go":      "package main\nimport \"net\"\nvar x net.Dialer\n",
				"internal/daemon/a.go":  "package daemon\nimport \"net\"\nvar x = net.Listen\n",
			},
		},
		{
			name:  "environment in a test",
			files: map[string]string{"internal/vfs/a_test.go": "package vfs\nimport \"os\"\nvar x = os.Getenv(\"X\")\n"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := load(tree(t, test.files))
			if err != nil {
				t.Fatal(err)
			}
			got := check(m)
			if test.want == "" && len(got) > 0 {
				t.Errorf("got %q, want nothing", got)
			}
			if test.want != "" && (len(got) != 1 || !strings.Contains(got[0], test.want)) {
				t.Errorf("got %q, want one line with %q", got, test.want)
			}
		})
	}
}

// A file that cannot be read cannot be cleared.
func TestLoadRefusesWhatItCannotParse(t *testing.T) {
	if _, err := load(tree(t, map[string]string{"internal/tree/a.go": "package tree\nimport \n\"os\" (\n"})); err == nil {
		t.Error("load took a file that is not Go")
	}
}

func TestLoadOutsideAModule(t *testing.T) {
	if _, err := load(t.TempDir()); err == nil {
		t.Error("load found a module where there is none")
	}
}
