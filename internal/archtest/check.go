package archtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// module is what the checks look at: packages, their files, and what each
// file imports and reads.
type module struct {
	path string // as in go.mod
	pkgs []pkg
}

type pkg struct {
	path  string // relative to the module; "." is its root
	name  string
	files []file
}

type file struct {
	name    string
	test    bool     // compiled by go test only
	imports []string // full import paths
	reads   []string // such as "os.Getenv"
	calls   []string // such as "net.Dial"
}

// check returns one line for each thing that does not follow the plan, sorted.
func check(m module) []string {
	var found []string
	for _, p := range m.pkgs {
		say := func(f file, format string, args ...any) {
			found = append(found, p.path+"/"+f.name+": "+fmt.Sprintf(format, args...))
		}
		found = append(found, checkName(p)...)
		row, known := rowOf(p.path)
		if !known {
			found = append(found, p.path+": has no row in the table of internal/archtest")
			continue
		}
		for _, f := range p.files {
			for _, imp := range f.imports {
				to, ours := m.relative(imp)
				switch {
				case f.test && ours && !mayInTests(p.path, to):
					say(f, "tests of %s may not import %s", p.path, to)
				case f.test:
				case ours && !allows(row, to):
					say(f, "%s may not import %s", p.path, to)
				case !ours && !mayOutside(p.path, to):
					say(f, "%s may not import %s: it is kept to the standard library and %q", p.path, to, others[p.path])
				}
				if !f.test {
					for _, why := range broken(p.path, to) {
						say(f, "%s imports %s: %s", p.path, to, why)
					}
				}
			}
			if !f.test && !matches(programs, p.path) {
				for _, name := range f.reads {
					say(f, "uses %s: only cmd reads flags and environment", name)
				}
			}
		}
		for _, f := range p.files {
			for _, name := range f.calls {
				if ofServer(p.path, f) {
					say(f, "uses %s: a server calls nobody, but for %q", name, slices.Sorted(maps.Keys(callers)))
				}
			}
		}
		if p.path == "cmd/boxcar" {
			found = append(found, checkCommands(m, p)...)
		}
	}
	slices.Sort(found)
	return found
}

// ofServer says whether a file is part of what runs in a server, and is not one
// that may call others.
func ofServer(path string, f file) bool {
	switch {
	case f.test || callers[path] != "" || matches(testOnly, path):
		return false
	case path == "cmd/boxcar":
		return slices.Contains(operatorCommands, stem(f))
	}
	return strings.HasPrefix(path, "internal/")
}

// stem is the name of a file up to what says when it is built.
func stem(f file) string {
	stem, _, _ := strings.Cut(strings.TrimSuffix(f.name, ".go"), "_")
	return stem
}

func checkName(p pkg) []string {
	var found []string
	for _, element := range append(strings.Split(p.path, "/"), p.name) {
		if slices.Contains(emptyNames, element) {
			found = append(found, fmt.Sprintf("%s: %q says nothing about what a package holds", p.path, element))
		}
	}
	return slices.Compact(found)
}

// checkCommands keeps the two halves of the binary apart: a command either
// runs a server (daemon) or talks to one (client and boxapi).
func checkCommands(m module, p pkg) []string {
	var found []string
	for _, f := range p.files {
		if f.test {
			continue
		}
		var server, talks bool
		for _, imp := range f.imports {
			to, _ := m.relative(imp)
			server = server || to == "internal/daemon"
			talks = talks || to == "client" || to == "boxapi"
		}
		stem := stem(f)
		switch {
		case server && talks:
			found = append(found, p.path+"/"+f.name+": imports both internal/daemon and the client's side; a command is of one kind")
		case server && !slices.Contains(operatorCommands, stem):
			found = append(found, fmt.Sprintf("%s/%s: %q works against any server, so it may not import internal/daemon", p.path, f.name, stem))
		}
	}
	return found
}

// relative says whether an import path is ours, and if so returns it relative
// to the module.
func (m module) relative(imp string) (string, bool) {
	if imp == m.path {
		return ".", true
	}
	if rest, ok := strings.CutPrefix(imp, m.path+"/"); ok {
		return rest, true
	}
	return imp, false
}

// rowOf finds a package's row: its own, or that of a folder above.
func rowOf(path string) ([]string, bool) {
	if row, ok := table[path]; ok {
		return row, true
	}
	for pattern, row := range table {
		if strings.HasSuffix(pattern, "/...") && match(pattern, path) {
			return row, true
		}
	}
	return nil, false
}

func allows(row []string, to string) bool {
	return slices.Contains(row, anything) || slices.Contains(row, to)
}

// mayInTests is the looser rule for test files: the package itself, what it
// reaches through the table, the test packages with what the suites reach and
// daemontest is set up by, and its row in testTable.
func mayInTests(path, to string) bool {
	row, _ := rowOf(path)
	if to == path || slices.Contains(row, anything) || slices.Contains(inAllTests, to) || slices.Contains(testTable[path], to) {
		return true
	}
	may := make(map[string]bool)
	for _, from := range append([]string{path}, suites...) {
		reach(from, may)
	}
	return may[to]
}

// reach adds what a package may import, and what that may import, to seen.
func reach(path string, seen map[string]bool) {
	row, _ := rowOf(path)
	for _, to := range row {
		if !seen[to] {
			seen[to] = true
			reach(to, seen)
		}
	}
}

func mayOutside(path, to string) bool {
	list, limited := others[path]
	return !limited || standard(to) || matches(list, to)
}

// standard tells the standard library, whose first element has no dot, from
// modules that are fetched. Ours has been set aside before.
func standard(imp string) bool {
	first, _, _ := strings.Cut(imp, "/")
	return !strings.Contains(first, ".")
}

// broken returns the reasons of the laws that an import breaks.
func broken(from, to string) []string {
	var why []string
	for _, l := range laws {
		if matches(l.who, from) && !matches(l.except, from) && matches(l.never, to) {
			why = append(why, l.why)
		}
	}
	return why
}

func matches(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return match(pattern, path) })
}

// match knows "x", "x/..." (x and below) and "..." (all).
func match(pattern, path string) bool {
	if pattern == "..." {
		return true
	}
	if dir, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == dir || strings.HasPrefix(path, dir+"/")
	}
	return path == pattern
}
