package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// listed is what go list says of a package.
type listed struct {
	ImportPath     string
	Name           string
	Dir            string
	Module         *struct{ Path string }
	GoFiles        []string
	CgoFiles       []string
	IgnoredGoFiles []string // other systems, other tags, go:build ignore
	InvalidGoFiles []string
	TestGoFiles    []string
	XTestGoFiles   []string
}

// load reads the module that dir lies in. It parses every Go file itself: go
// list speaks of one system and one set of tags, the table of all of them.
func load(dir string) (module, error) {
	out, err := goList(dir, "", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return module{}, err
	}
	root := strings.TrimSpace(string(out))
	if root == "" {
		return module{}, fmt.Errorf("%s lies in no module", dir)
	}
	var m module
	// A package has the same files on every system, some of them ignored; but
	// go list leaves out a package that would have none left.
	for _, system := range []string{"linux", "darwin", "windows"} {
		if err := m.add(root, system); err != nil {
			return module{}, err
		}
	}
	if len(m.pkgs) == 0 {
		return module{}, fmt.Errorf("go list shows no package below %s", root)
	}
	return m, nil
}

// add takes in the packages that go list shows on a system and that m lacks.
func (m *module) add(root, system string) error {
	// -e: a package that cannot be built yet still has imports to check.
	out, err := goList(root, system, "-e", "-tags=conformance",
		"-json=ImportPath,Name,Dir,Module,GoFiles,CgoFiles,IgnoredGoFiles,InvalidGoFiles,TestGoFiles,XTestGoFiles", "./...")
	if err != nil {
		return err
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("what go list said: %w", err)
		}
		if l.Module == nil {
			return fmt.Errorf("go list names no module for %s", l.ImportPath)
		}
		m.path = l.Module.Path
		path, _ := m.relative(l.ImportPath)
		if slices.ContainsFunc(m.pkgs, func(p pkg) bool { return p.path == path }) {
			continue
		}
		p, err := l.read()
		if err != nil {
			return err
		}
		p.path = path
		m.pkgs = append(m.pkgs, p)
	}
}

// goList runs go list in dir, as if on system; "" is this one.
func goList(dir, system string, args ...string) ([]byte, error) {
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Dir = dir
	cmd.Env = cmd.Environ()
	if system != "" {
		cmd.Env = append(cmd.Env, "GOOS="+system)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w: %s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return out, nil
}

// read parses the files of a package.
func (l listed) read() (pkg, error) {
	p := pkg{name: l.Name}
	for _, name := range slices.Concat(l.GoFiles, l.CgoFiles, l.IgnoredGoFiles, l.InvalidGoFiles, l.TestGoFiles, l.XTestGoFiles) {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(l.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return pkg{}, err
		}
		if parsed.Name.Name == "main" && p.name != "main" {
			continue // a generator beside the package: go:build ignore, run by hand
		}
		p.files = append(p.files, look(name, parsed))
	}
	return p, nil
}

// look takes from a parsed file what the checks need.
func look(name string, parsed *ast.File) file {
	f := file{name: name, test: strings.HasSuffix(name, "_test.go")}
	watched := make(map[string]string) // the name a package goes by in this file -> its path
	for _, spec := range parsed.Imports {
		path, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
		f.imports = append(f.imports, path)
		if surroundings[path] == nil && outbound[path] == nil {
			continue
		}
		switch {
		case spec.Name == nil:
			watched[path] = path
		case spec.Name.Name == ".":
			// What it uses cannot be told.
			if surroundings[path] != nil {
				f.reads = append(f.reads, path+" without its name")
			}
			if outbound[path] != nil {
				f.calls = append(f.calls, path+" without its name")
			}
		default:
			watched[spec.Name.Name] = path
		}
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok {
			path := watched[x.Name]
			if slices.Contains(surroundings[path], sel.Sel.Name) {
				f.reads = append(f.reads, path+"."+sel.Sel.Name)
			}
			if slices.Contains(outbound[path], sel.Sel.Name) {
				f.calls = append(f.calls, path+"."+sel.Sel.Name)
			}
		}
		return true
	})
	return f
}
