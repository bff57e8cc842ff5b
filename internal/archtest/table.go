package archtest

// Paths below are relative to the module; "x/..." is x and all below it.

// anything, as the only entry of a row, lifts the table's restrictions from
// that package. The laws still hold.
const anything = "*"

// table says which packages of ours a package may import outside its tests.
// A package without a row is an error, a row without a package is not: the
// rows of what is still to be written stand here already.
var table = map[string][]string{
	"boxapi":  {},
	"client":  {"boxapi"},
	"boxtest": {"boxapi", "client", "internal/daemon", "internal/vfs", "internal/vfs/faultfs"},

	// Narrowed further for each file, see checkCommands.
	"cmd/boxcar": {"internal/daemon", "client", "boxapi"},

	"internal/content": {},
	"internal/vfs":     {},
	"internal/digest":  {"internal/content"},
	"internal/blob":    {"internal/content", "internal/digest"},
	"internal/meta":    {"internal/content", "internal/blob"},

	"internal/blob/disk":     {"internal/blob", "internal/content", "internal/vfs", "internal/digest"},
	"internal/blob/inline":   {"internal/blob", "internal/meta", "internal/content"},
	"internal/blob/s3":       {"internal/blob", "internal/content", "internal/digest"},
	"internal/meta/sqlmeta":  {"internal/meta", "internal/blob", "internal/content"},
	"internal/meta/sqlite":   {"internal/meta/sqlmeta", "internal/meta", "internal/content", "internal/vfs"},
	"internal/meta/postgres": {"internal/meta/sqlmeta", "internal/meta", "internal/content"},

	"internal/tree":   {"internal/meta", "internal/blob", "internal/content"},
	"internal/auth":   {"internal/meta", "internal/blob", "internal/content"},
	"internal/sweep":  {"internal/meta", "internal/blob", "internal/digest", "internal/content"},
	"internal/upload": {"internal/tree", "internal/meta", "internal/blob", "internal/digest", "internal/content"},

	"internal/preview": {"internal/content"},
	"internal/backup":  {"internal/meta", "internal/blob", "internal/content"},
	"internal/metrics": {},
	"internal/tracing": {},

	"internal/httpapi": {"internal/upload", "internal/tree", "internal/auth", "internal/preview", "internal/content", "boxapi"},

	"internal/daemon": {
		"internal/content", "internal/vfs", "internal/digest", "internal/blob", "internal/meta",
		"internal/blob/disk", "internal/blob/inline", "internal/blob/s3", "internal/meta/sqlite", "internal/meta/postgres",
		"internal/tree", "internal/auth", "internal/sweep", "internal/upload", "internal/preview", "internal/httpapi", "internal/backup", "internal/metrics", "internal/tracing",
	},

	"internal/blob/blobtest":     {"internal/blob", "internal/content", "internal/digest"},
	"internal/meta/metatest":     {"internal/meta", "internal/blob", "internal/content"},
	"internal/vfs/faultfs":       {"internal/vfs"},
	"internal/vfs/sqlitefs":      {"internal/vfs"},
	"internal/chaosproxy":        {},
	"internal/daemon/daemontest": {anything},
	"internal/crash":             {anything},

	"client/servertest": {"client", "boxapi"},
	"internal/archtest": {anything},
	"bench/...":         {anything},
	"examples/...":      {"boxapi", "client", "boxtest"},
	"conformance/...":   {"boxapi", "client", "boxtest"},
}

// testTable is what the tests of a package may import besides what every
// test may: a service is tried on real SQLite and a real directory, with the
// services around it; a suite on a store known to be good.
var testTable = map[string][]string{
	"internal/tree":          besideServices,
	"internal/auth":          besideServices,
	"internal/sweep":         besideServices,
	"internal/backup":        besideServices,
	"internal/upload":        besideServices,
	"internal/blob/inline":   {"internal/blob/disk", "internal/meta/sqlite"},
	"internal/meta/sqlmeta":  {"internal/meta/sqlite", "internal/meta/postgres"},
	"internal/meta/metatest": {"internal/meta/sqlite"},
	"internal/blob/blobtest": {"internal/blob/disk"},
	"client":                 {"boxtest"},
}

var besideServices = append([]string{"internal/meta/sqlite", "internal/blob/disk", "internal/blob/inline"}, services...)

var (
	services = []string{"internal/upload", "internal/tree", "internal/auth", "internal/sweep", "internal/backup", "internal/preview"}
	backends = []string{"internal/blob/disk", "internal/blob/inline", "internal/blob/s3", "internal/meta/sqlite", "internal/meta/postgres"}
	suites   = []string{"internal/blob/blobtest", "internal/meta/metatest", "internal/vfs/faultfs", "internal/vfs/sqlitefs"}
	testOnly = append([]string{"internal/daemon/daemontest", "internal/chaosproxy"}, suites...)

	// inAllTests goes with daemontest, which is set up by a daemon.Config.
	inAllTests = append([]string{"internal/daemon"}, testOnly...)

	// programs are mains of their own, with flags of their own.
	programs = []string{"cmd/...", "bench/...", "examples/...", "conformance/..."}
)

// law is what a package may never import outside its tests, whatever the
// table says: a row that breaks one fails TestTableKeepsTheLaws.
type law struct {
	who    []string
	except []string
	never  []string
	why    string
}

var laws = []law{
	{
		who:   append([]string{"internal/content"}, services...),
		never: []string{"net/http/...", "database/sql/...", "os/...", "boxapi"},
		why:   "rules and services know no wire, no database and no machine",
	},
	{
		who:   []string{"internal/httpapi"},
		never: []string{"internal/meta/...", "internal/blob/...", "database/sql/..."},
		why:   "a handler decodes, calls a service and encodes; it never reaches storage",
	},
	{
		who:   backends,
		never: append([]string{"internal/httpapi", "internal/daemon"}, services...),
		why:   "a backend knows its contract, not who uses it",
	},
	{
		who:   backends,
		never: backends,
		why:   "backends do not know each other",
	},
	{
		who:    []string{"..."},
		except: append([]string{"internal/daemon/...", "internal/archtest", "bench/..."}, backends...), // backends: the law above
		never:  backends,
		why:    "only daemon names a backend",
	},
	{
		who:    []string{"..."},
		except: append([]string{"boxtest", "bench/...", "internal/archtest"}, testOnly...),
		never:  testOnly,
		why:    "what serves tests is imported from _test.go files and boxtest only",
	},
	{
		who:    []string{"..."},
		except: programs,
		never:  []string{"flag", "github.com/alecthomas/kong/...", "github.com/spf13/cobra/...", "github.com/spf13/pflag/...", "github.com/urfave/cli/..."},
		why:    "only cmd reads flags",
	},
	{
		who:    []string{"internal/..."},
		except: []string{"internal/archtest", "internal/digest/avo"},
		never:  []string{"os/exec", "net/smtp", "net/rpc/...", "golang.org/x/net/..."},
		why:    "a server starts no programs and calls nobody",
	},
	{
		who:   []string{"..."},
		never: []string{"C"},
		why:   "the binary is static and cross-built",
	},
}

// others names the modules of other people that a package may import; a
// package without an entry may import any. The empty list leaves the standard
// library. An SDK that creeps into a service is caught here, whoever made it.
var others = map[string][]string{
	"boxapi":           {},
	"client":           {},
	"internal/content": {"golang.org/x/text/..."},
	"internal/upload":  {"golang.org/x/sync/..."},
	"internal/tree":    {"golang.org/x/text/...", "golang.org/x/sync/..."},
	"internal/auth":    {"golang.org/x/crypto/...", "github.com/golang-jwt/jwt/...", "github.com/youmark/pkcs8"},
	"internal/sweep":   {"golang.org/x/sync/..."},
	"internal/backup":  {"golang.org/x/sync/..."},
	"internal/preview": {"golang.org/x/image/...", "golang.org/x/sync/..."},
	"internal/metrics": {"github.com/prometheus/client_golang/..."},
	"internal/tracing": {"go.opentelemetry.io/otel/..."},
}

// emptyNames say nothing about what a package holds.
var emptyNames = []string{
	"util", "utils", "common", "helper", "helpers", "type", "types", "model", "models", "core", "base",
}

// surroundings are the names through which a program sees its arguments, its
// environment and what is derived from it.
var surroundings = map[string][]string{
	"os": {
		"Args", "Getenv", "LookupEnv", "Environ", "ExpandEnv", "Setenv", "Unsetenv", "Clearenv",
		"UserHomeDir", "UserConfigDir", "UserCacheDir",
	},
	"syscall": {"Getenv", "Environ", "Setenv", "Unsetenv", "Clearenv"},
}

// outbound are the names by which a program calls others.
var outbound = map[string][]string{
	"net": {
		"Dial", "DialTimeout", "DialIP", "DialTCP", "DialUDP", "DialUnix", "Dialer", "Resolver", "DefaultResolver",
		"LookupAddr", "LookupCNAME", "LookupHost", "LookupIP", "LookupMX", "LookupNS", "LookupPort", "LookupSRV", "LookupTXT",
	},
	"net/http": {
		"Client", "DefaultClient", "Transport", "DefaultTransport", "RoundTripper", "Get", "Head", "Post", "PostForm",
		"NewRequest", "NewRequestWithContext",
	},
	"net/http/httputil": {"ReverseProxy", "NewSingleHostReverseProxy"},
	"crypto/tls":        {"Dial", "DialWithDialer", "Dialer", "Client"},
}

// callers are the packages of a server that may call others, and why. What
// users name is never among the addresses: a server that calls those has to look at
// the address that it dials, and docs/security.md has to say so.
var callers = map[string]string{
	"internal/tracing": "sends traces to the collector that the operator names",
}

// operatorCommands are the subcommands of cmd/boxcar, by the stem of their file,
// that hold a server inside. All others work against any server, and so do the
// files that they share.
var operatorCommands = []string{"serve", "doctor", "backup", "restore", "user", "app", "token", "ca"}
