package main_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the scripts of testdata against the program. The commands
// that they have besides those of testscript:
//
//	boxcar ARG...           runs the program to its end
//	feed FILE ARG...        the same with FILE as its standard input
//	exits CODE              the last boxcar or ended server had this exit code
//	serve ARG...            starts a server in the background, on a free port;
//	                        sets URL, ADDR and TOKEN, writes serve.out and serve.err
//	signal TERM|INT         to the server
//	ends CODE               waits until the server has ended with this exit code
//	refuses                 waits until the server takes no more connections
//	ask STATUS METHOD PATH [BODY] [HEADER: VALUE]...
//	                        a request with TOKEN; the reply's body is stdout,
//	                        its headers are stderr; sets LOCATION, and LAST to
//	                        what stands behind the last slash of it
//	login CLIENT LOGIN PASSWORD
//	                        lets an application in, as a person with a browser does;
//	                        the code is stdout, or "refused" if the login is
//	take NAME REGEXP        sets NAME to the group that matches in stdout
//	upload FILE             a simple upload; sets FILE_ID
//	begin-session FILE      an upload session for it; sets SESSION
//	begin-part FILE         sends half of it as the session's only part
//	finish-part STATUS      and the rest; the reply's body is stdout
//	commit FILE             makes a file of the session; sets FILE_ID
//	find-blob DIR           sets BLOB to the path of the one blob in DIR
//	flip FILE               changes one byte
//	mode PERM FILE          the file has these permissions, in octal
//	roots FILE              has ask trust the certificates in it
//	random FILE BYTES       makes a file that can't be squeezed, always the same of a name
//	use                     has boxcar talk to the server with its token
//	certificate CERT KEY    makes a certificate for 127.0.0.1, which ask trusts
//	unprivileged ARG...     runs the program as somebody who is not root
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Values[stateKey{}] = &state{}
			e.Setenv("BOXCAR", program)
			e.Setenv("PATH", filepath.Dir(program)+string(os.PathListSeparator)+e.Getenv("PATH"))
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "root":
				return os.Geteuid() == 0, nil
			case "unprivileged": // there is a way to be
				_, err := exec.LookPath("setpriv")
				return os.Geteuid() != 0 || err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"boxcar":        cmdBoxcar,
			"feed":          cmdFeed,
			"exits":         cmdExits,
			"serve":         cmdServe,
			"signal":        cmdSignal,
			"ends":          cmdEnds,
			"refuses":       cmdRefuses,
			"ask":           cmdAsk,
			"login":         cmdLogin,
			"take":          cmdTake,
			"upload":        cmdUpload,
			"begin-session": cmdBeginSession,
			"begin-part":    cmdBeginPart,
			"finish-part":   cmdFinishPart,
			"commit":        cmdCommit,
			"find-blob":     cmdFindBlob,
			"flip":          cmdFlip,
			"pad":           cmdPad,
			"mode":          cmdMode,
			"certificate":   cmdCertificate,
			"random":        cmdRandom,
			"use":           cmdUse,
			"roots":         cmdRoots,
			"unprivileged":  cmdUnprivileged,
		},
	})
}

// state is what the commands of one script share.
type state struct {
	code   int // of the last program
	server *process
	client *client
	part   *slowPart
	roots  []byte // PEM
}

type stateKey struct{}

func of(ts *testscript.TestScript) *state { return ts.Value(stateKey{}).(*state) }

// usage ends a script that gives a command the wrong arguments.
func usage(ts *testscript.TestScript, ok bool, text string) {
	if !ok {
		ts.Fatalf("usage: %s", text)
	}
}

func cmdBoxcar(ts *testscript.TestScript, neg bool, args []string) {
	execute(ts, neg, append([]string{program}, args...), nil)
}

func cmdFeed(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) > 1, "feed FILE ARG...")
	execute(ts, neg, append([]string{program}, args[1:]...), strings.NewReader(ts.ReadFile(args[0])))
}

// execute runs a program to its end, and fails if that is not the one wanted.
// A server that should not have started has to end, too.
func execute(ts *testscript.TestScript, neg bool, line []string, in io.Reader) {
	ctx, cancel := context.WithTimeout(context.Background(), ready)
	defer cancel()
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	surround(ts, cmd)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, ts.Stdout(), ts.Stderr()
	err := cmd.Run()
	if ctx.Err() != nil {
		ts.Fatalf("it still ran after %s", ready)
	}
	if cmd.ProcessState == nil {
		ts.Fatalf("%v", err)
	}
	of(ts).code = shellCode(cmd.ProcessState)
	if failed := of(ts).code != 0; failed != neg {
		ts.Fatalf("exit code %d", of(ts).code)
	}
}

func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "exits CODE")
	if got := strconv.Itoa(of(ts).code); got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// seen is what programs see of a script's environment.
var seen = []string{
	"PATH", "HOME", "TMPDIR", "SystemRoot",
	"BOXCAR_DATA", "BOXCAR_LISTEN", "BOXCAR_PUBLIC_URL", "BOXCAR_TLS_CERT", "BOXCAR_TLS_KEY",
	"BOXCAR_TRUSTED_PROXY", "BOXCAR_CORS_ALLOW_ORIGIN", "BOXCAR_DEVELOPER_TOKEN",
	"BOXCAR_ALLOW_REMOTE_DEVELOPER_TOKEN", "BOXCAR_PART_SIZE", "BOXCAR_MIN_CHUNKED_SIZE",
	"BOXCAR_MAX_FILE_SIZE", "BOXCAR_QUOTA", "BOXCAR_BOX_HOSTS", "BOXCAR_PLAIN_LISTEN",
	"BOXCAR_URL", "BOXCAR_TOKEN", "BOXCAR_PROFILE", "BOXCAR_CONFIG", "BOXCAR_STATE", "BOXCAR_JSON", "BOXCAR_CLIENT_ID",
	"BOXCAR_CLIENT_SECRET", "BOXCAR_ENTERPRISE_ID", "BOXCAR_RETRY", "BOXCAR_PARALLEL", "BOXCAR_CONFLICT", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "SSL_CERT_FILE",
}

// surround gives a command the script's directory and environment.
func surround(ts *testscript.TestScript, cmd *exec.Cmd) {
	cmd.Dir = ts.MkAbs(".")
	for _, name := range seen {
		if v := ts.Getenv(name); v != "" {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
}

func cmdServe(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg, "serve ARG...")
	s := of(ts)
	cmd := exec.Command(program, append([]string{"serve"}, args...)...)
	surround(ts, cmd)
	if ts.Getenv("BOXCAR_LISTEN") == "" {
		cmd.Env = append(cmd.Env, "BOXCAR_LISTEN=127.0.0.1:0") // a flag wins
	}
	s.server = &process{cmd: cmd}
	for name, out := range map[string]*output{"serve.out": &s.server.Out, "serve.err": &s.server.Err} {
		f, err := os.Create(filepath.Join(ts.Getenv("WORK"), name))
		ts.Check(err)
		ts.Defer(func() { f.Close() })
		out.File = f
	}
	ts.Check(s.server.start())
	ts.Defer(s.server.kill)
	ts.Setenv("URL", s.server.URL)
	ts.Setenv("ADDR", s.server.URL[strings.LastIndex(s.server.URL, "/")+1:])
	ts.Setenv("TOKEN", s.server.Token)
	fmt.Fprint(ts.Stdout(), s.server.Out.String())
	s.client = newClient(s.server)
	trust(s.client, s.roots)
}

func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": os.Interrupt}
	usage(ts, !neg && len(args) == 1 && signals[args[0]] != nil, "signal TERM|INT")
	ts.Check(of(ts).server.signal(signals[args[0]]))
}

func cmdEnds(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "ends CODE")
	s := of(ts)
	ts.Check(s.server.wait(ready))
	s.code = s.server.code()
	cmdExits(ts, false, args)
}

func cmdRefuses(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 0, "refuses")
	for limit := time.Now().Add(ready); time.Now().Before(limit); time.Sleep(2 * time.Millisecond) {
		of(ts).client.HTTP.CloseIdleConnections()
		_, err := of(ts).client.do("GET", "/healthz", nil)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
	}
	ts.Fatalf("the server still takes connections")
}

func cmdTake(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "take NAME REGEXP")
	re, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	m := re.FindStringSubmatch(ts.ReadFile("stdout"))
	if len(m) != 2 {
		ts.Fatalf("%s has no one group that matches in stdout", args[1])
	}
	ts.Setenv(args[0], m[1])
}

func cmdRoots(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "roots FILE")
	of(ts).roots = []byte(ts.ReadFile(args[0]))
}

func cmdFindBlob(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "find-blob DIR")
	var blobs []string
	err := filepath.WalkDir(ts.MkAbs(args[0]), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			blobs = append(blobs, path)
		}
		return err
	})
	ts.Check(err)
	if len(blobs) != 1 {
		ts.Fatalf("there are %d blobs: %s", len(blobs), strings.Join(blobs, " "))
	}
	ts.Setenv("BLOB", blobs[0])
}

func cmdFlip(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "flip FILE")
	name := ts.MkAbs(args[0])
	b, err := os.ReadFile(name)
	ts.Check(err)
	b[len(b)/2] ^= 1
	ts.Check(os.WriteFile(name, b, 0o600))
}

// cmdPad makes a file larger than what is kept in the database.
func cmdPad(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "pad FILE")
	name := ts.MkAbs(args[0])
	b, err := os.ReadFile(name)
	ts.Check(err)
	ts.Check(os.WriteFile(name, append(b, make([]byte, 20_000)...), 0o600))
}

func cmdMode(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "mode PERM FILE")
	fi, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := strconv.FormatInt(int64(fi.Mode().Perm()), 8); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
	}
}

// cmdUnprivileged needs a way for root to be somebody else. What is to be
// written to has to belong to that user.
func cmdUnprivileged(ts *testscript.TestScript, neg bool, args []string) {
	if os.Geteuid() != 0 {
		cmdBoxcar(ts, neg, args)
		return
	}
	// Temporary directories let nobody else through.
	for _, path := range []string{ts.Getenv("WORK"), filepath.Dir(ts.Getenv("WORK")), filepath.Dir(program)} {
		ts.Check(os.Chmod(path, 0o755))
	}
	const nobody = "65534"
	execute(ts, neg, append([]string{"setpriv", "--reuid=" + nobody, "--regid=" + nobody, "--clear-groups", program}, args...), nil)
}
