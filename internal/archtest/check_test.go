package archtest

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// one is a module of one package with one file.
func one(path string, f file) module {
	name := path[strings.LastIndex(path, "/")+1:]
	return module{path: "boxcar", pkgs: []pkg{{path: path, name: name, files: []file{f}}}}
}

// code and tests are a file that imports these; paths of ours are written as
// in the table.
func code(imports ...string) file { return file{name: "a.go", imports: full(imports)} }
func tests(imports ...string) file {
	return file{name: "a_test.go", test: true, imports: full(imports)}
}

func full(imports []string) []string {
	ours := func(imp string) bool {
		return strings.HasPrefix(imp, "internal/") || slices.Contains([]string{"boxapi", "client", "boxtest", "cmd/boxcar"}, imp)
	}
	var out []string
	for _, imp := range imports {
		if ours(imp) {
			imp = "boxcar/" + imp
		}
		out = append(out, imp)
	}
	return out
}

func reads(names ...string) file { return file{name: "a.go", reads: names} }

func named(name string, f file) file {
	f.name = name
	return f
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		name string
		path string
		file file
		want []string // a part of each line, in order; none: it is allowed
	}{
		// The table.
		{name: "what the row says", path: "internal/upload", file: code("context", "internal/tree", "internal/meta")},
		{name: "what the row does not say", path: "internal/tree", file: code("internal/digest"), want: []string{"internal/tree may not import internal/digest"}},
		{name: "against the arrow", path: "internal/tree", file: code("internal/upload"), want: []string{"may not import internal/upload"}},
		{name: "a package of ours that nobody planned", path: "internal/tree", file: code("internal/clock"), want: []string{"may not import internal/clock"}},
		{name: "the module's root", path: "internal/tree", file: file{name: "a.go", imports: []string{"boxcar"}}, want: []string{"may not import ."}},
		{name: "another module whose name starts like ours", path: "internal/daemon", file: code("boxcar.example/internal/x")},
		{name: "a package without a row", path: "internal/clock", file: code(), want: []string{"internal/clock: has no row"}},
		{name: "below a package with a row", path: "internal/digest/lanes", file: code(), want: []string{"has no row"}},
		{name: "beside a folder with a row, and named alike", path: "benches", file: code(), want: []string{"has no row"}},
		{name: "sqlite opens its files through vfs", path: "internal/meta/sqlite", file: code("internal/vfs", "internal/meta/sqlmeta")},
		{name: "digest knows the digest's type and no more", path: "internal/digest", file: code("internal/content", "internal/blob"), want: []string{"may not import internal/blob"}},
		{name: "an example, any of them", path: "examples/upload", file: code("client", "flag")},
		{name: "an example that looks inside", path: "examples/upload", file: code("internal/content"), want: []string{"may not import internal/content"}},
		{name: "a benchmark", path: "bench/parts", file: code("internal/meta/sqlite", "internal/daemon/daemontest", "flag")},

		// The laws.
		{name: "HTTP in a service", path: "internal/auth", file: code("net/http"), want: []string{"no wire"}},
		{name: "HTTP in the nouns, by a package below", path: "internal/content", file: code("net/http/httptest"), want: []string{"no wire"}},
		{name: "net is not net/http", path: "internal/auth", file: code("net/url", "net/netip")},
		{name: "SQL in a service", path: "internal/tree", file: code("database/sql"), want: []string{"no database"}},
		{name: "files in a service", path: "internal/sweep", file: code("os"), want: []string{"no machine"}},
		{name: "the wire in a service", path: "internal/upload", file: code("boxapi"), want: []string{"no wire", "may not import boxapi"}},
		{name: "an SDK in a service", path: "internal/upload", file: code("github.com/aws/aws-sdk-go-v2/service/s3"), want: []string{"kept to the standard library"}},
		{name: "an SDK of a name nobody listed, in the nouns", path: "internal/content", file: code("example.com/cloud"), want: []string{"kept to the standard library"}},
		{name: "folding in the nouns", path: "internal/content", file: code("golang.org/x/text/cases")},
		{name: "tokens in auth only", path: "internal/tree", file: code("github.com/golang-jwt/jwt/v5"), want: []string{"kept to the standard library"}},
		{name: "tokens in auth", path: "internal/auth", file: code("github.com/golang-jwt/jwt/v5")},
		{name: "rows in a handler", path: "internal/httpapi", file: code("internal/meta"), want: []string{"never reaches storage", "may not import"}},
		{name: "a backend in a handler", path: "internal/httpapi", file: code("internal/blob/disk"), want: []string{"never reaches storage", "only daemon", "may not import"}},
		{name: "SQL in a handler", path: "internal/httpapi", file: code("database/sql/driver"), want: []string{"never reaches storage"}},
		{name: "a service in a backend", path: "internal/blob/disk", file: code("internal/sweep"), want: []string{"not who uses it", "may not import"}},
		{name: "a backend in a backend", path: "internal/meta/postgres", file: code("internal/meta/sqlite"), want: []string{"do not know each other", "may not import"}},
		{name: "a backend in a service", path: "internal/upload", file: code("internal/meta/sqlite"), want: []string{"only daemon", "may not import"}},
		{name: "a backend in the queries", path: "internal/meta/sqlmeta", file: code("internal/meta/sqlite"), want: []string{"only daemon", "may not import"}},
		{name: "a backend in boxtest", path: "boxtest", file: code("internal/blob/disk"), want: []string{"only daemon", "may not import"}},
		{name: "the backends in daemon", path: "internal/daemon", file: code("internal/blob/disk", "internal/meta/sqlite", "net/http", "os")},
		{name: "C", path: "internal/digest", file: code("C"), want: []string{"static"}},

		// The standard library.
		{name: "the wire", path: "boxapi", file: code("encoding/json", "net/http")},
		{name: "another's module on the wire", path: "boxapi", file: code("golang.org/x/text/cases"), want: []string{"kept to the standard library"}},
		{name: "another's module in the client", path: "client", file: code("boxapi", "github.com/google/go-cmp/cmp"), want: []string{"kept to the standard library"}},
		{name: "another's module in the client's tests", path: "client", file: tests("github.com/google/go-cmp/cmp")},
		{name: "the inside, on the wire", path: "boxapi", file: code("internal/content"), want: []string{"may not import internal/content"}},

		// Test packages and tests.
		{name: "a suite in daemon", path: "internal/daemon", file: code("internal/vfs/faultfs"), want: []string{"serves tests", "may not import"}},
		{name: "a test server in the binary", path: "cmd/boxcar", file: code("internal/daemon/daemontest"), want: []string{"serves tests", "may not import"}},
		{name: "a suite in its own contract", path: "internal/blob", file: code("internal/blob/blobtest"), want: []string{"serves tests", "may not import"}},
		{name: "faults in boxtest", path: "boxtest", file: code("internal/vfs/faultfs", "internal/daemon")},
		{name: "a suite in boxtest that is not planned", path: "boxtest", file: code("internal/meta/metatest"), want: []string{"may not import"}},
		{name: "daemontest holds what it wants", path: "internal/daemon/daemontest", file: code("internal/vfs/faultfs", "internal/meta/sqlite", "boxapi")},
		{name: "a suite keeps to its contract", path: "internal/meta/metatest", file: code("internal/meta", "internal/meta/sqlite"), want: []string{"only daemon", "may not import"}},
		{name: "suites, faults and a server in tests", path: "internal/blob/disk", file: tests("internal/blob/disk", "internal/blob/blobtest", "internal/vfs/faultfs", "internal/daemon/daemontest", "internal/daemon")},
		{name: "what tests may, without the laws", path: "internal/upload", file: tests("internal/meta/sqlite", "internal/blob/disk", "internal/sweep", "internal/vfs", "os", "net/http", "example.com/x")},
		{name: "what the code reaches, in tests", path: "internal/httpapi", file: tests("internal/meta", "boxapi")},
		{name: "what the code reaches from afar, in tests", path: "boxtest", file: tests("internal/upload")},
		{name: "handlers in a service's tests", path: "internal/tree", file: tests("internal/httpapi"), want: []string{"tests of internal/tree"}},
		{name: "a backend in a handler's tests", path: "internal/httpapi", file: tests("internal/meta/sqlite"), want: []string{"tests of internal/httpapi may not import internal/meta/sqlite"}},
		{name: "a backend in a backend's tests", path: "internal/blob/disk", file: tests("internal/meta/sqlite"), want: []string{"tests of internal/blob/disk"}},
		{name: "a service in a contract's tests", path: "internal/meta", file: tests("internal/tree"), want: []string{"tests of internal/meta"}},
		{name: "the binary in tests", path: "client", file: tests("cmd/boxcar"), want: []string{"tests of client"}},

		// Names.
		{name: "an empty name", path: "internal/util", file: code(), want: []string{"has no row", `"util" says nothing`}},
		{name: "an empty name above", path: "examples/common/up", file: code(), want: []string{`"common" says nothing`}},
		{name: "a name that holds an empty one", path: "examples/database", file: code()},

		// Flags and environment.
		{name: "environment in cmd", path: "cmd/boxcar", file: reads("os.Getenv")},
		{name: "environment in an example", path: "examples/up", file: reads("os.Args")},
		{name: "environment in daemon", path: "internal/daemon", file: reads("os.LookupEnv"), want: []string{"uses os.LookupEnv: only cmd"}},
		{name: "environment in the client", path: "client", file: reads("os.UserCacheDir"), want: []string{"uses os.UserCacheDir"}},
		{name: "environment in tests", path: "client", file: file{name: "a_test.go", test: true, reads: []string{"os.Getenv"}}},
		{name: "flags in daemon", path: "internal/daemon", file: code("flag"), want: []string{"only cmd reads flags"}},
		{name: "flags by another's module", path: "internal/daemon", file: code("github.com/alecthomas/kong"), want: []string{"only cmd reads flags"}},
		{name: "flags in cmd", path: "cmd/boxcar", file: code("github.com/alecthomas/kong", "flag")},

		// The two halves of the binary.
		{name: "serve holds a server", path: "cmd/boxcar", file: named("serve.go", code("internal/daemon"))},
		{name: "up talks to one", path: "cmd/boxcar", file: named("up.go", code("client", "boxapi"))},
		{name: "up holds a server", path: "cmd/boxcar", file: named("up.go", code("internal/daemon")), want: []string{`"up" works against any server`}},
		{name: "up holds a server on one system", path: "cmd/boxcar", file: named("up_windows.go", code("internal/daemon")), want: []string{`"up" works against any server`}},
		{name: "a command that nobody has thought of holds a server", path: "cmd/boxcar", file: named("teleport.go", code("internal/daemon")), want: []string{`"teleport" works against any server`}},
		{name: "what commands share holds a server", path: "cmd/boxcar", file: named("progress_bars.go", code("internal/daemon")), want: []string{`"progress" works against any server`}},
		{name: "doctor talks to a server", path: "cmd/boxcar", file: named("doctor.go", code("client"))},
		{name: "a file of both kinds", path: "cmd/boxcar", file: named("main.go", code("internal/daemon", "boxapi")), want: []string{"both internal/daemon and the client's side"}},
		{name: "the binary looks inside", path: "cmd/boxcar", file: named("doctor.go", code("internal/meta")), want: []string{"may not import internal/meta"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := check(one(test.path, test.file))
			// Lines are sorted by their whole text; a row of the table above
			// cares only that each part is there, and nothing else.
			if len(got) != len(test.want) {
				t.Fatalf("%s importing %q, reading %q: got %d lines %q, want %d like %q",
					test.path, test.file.imports, test.file.reads, len(got), got, len(test.want), test.want)
			}
			for _, want := range test.want {
				if !slices.ContainsFunc(got, func(line string) bool { return strings.Contains(line, want) }) {
					t.Errorf("%s importing %q, reading %q: got %q, want a line with %q", test.path, test.file.imports, test.file.reads, got, want)
				}
			}
		})
	}
}

// The published module has another path than "boxcar".
func TestCheckUnderAnotherModulePath(t *testing.T) {
	m := module{path: "example.com/x/boxcar", pkgs: []pkg{{path: "internal/content", name: "content", files: []file{
		{name: "a.go", imports: []string{"example.com/x/boxcar/internal/meta"}},
	}}}}
	if got := check(m); len(got) != 1 || !strings.Contains(got[0], "internal/content may not import internal/meta") {
		t.Errorf("got %q, want one line about internal/meta", got)
	}
}

// A package may be called otherwise than its folder.
func TestCheckPackageClause(t *testing.T) {
	m := one("internal/tree", code())
	m.pkgs[0].name = "helpers"
	if got := check(m); len(got) != 1 || !strings.Contains(got[0], `"helpers" says nothing`) {
		t.Errorf("got %q, want one line about the name", got)
	}
}

// What the table grants, the laws must not forbid: a row cannot be widened
// past them.
func TestTableKeepsTheLaws(t *testing.T) {
	m := module{path: "boxcar"}
	for _, from := range slices.Sorted(maps.Keys(table)) {
		p := pkg{path: strings.TrimSuffix(from, "/..."), name: "p"}
		for _, to := range table[from] {
			if to != anything {
				// In a command only some files may have all that the row grants.
				p.files = append(p.files, named("serve_imports "+to, code(to)))
			}
		}
		m.pkgs = append(m.pkgs, p)
	}
	for _, line := range check(m) {
		t.Error(line)
	}
}

// A misspelt path in the plan would grant or forbid nothing.
func TestPlanNamesItsOwnPackages(t *testing.T) {
	named := func(where string, paths ...string) {
		for _, path := range paths {
			if _, ok := table[path]; !ok && path != anything {
				t.Errorf("%s names %s, which has no row", where, path)
			}
		}
	}
	for from, row := range table {
		named("the row of "+from, row...)
	}
	for from, row := range testTable {
		named("testTable", from)
		named("testTable's row of "+from, row...)
	}
	for from := range others {
		named("others", from)
	}
	named("services", services...)
	named("backends", backends...)
	named("inAllTests", inAllTests...)
}

// No package reaches itself through the table.
func TestTableHasNoCycle(t *testing.T) {
	for from := range table {
		seen := make(map[string]bool)
		reach(from, seen)
		if seen[from] {
			t.Errorf("%s reaches itself", from)
		}
	}
}
