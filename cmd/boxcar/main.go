// Command boxcar is a Box content API that you can run yourself.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"golang.org/x/term"
)

// What scripts may rely on.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUse         = 2
	exitInterrupted = 130
)

// program is the command line. Each command has a file of its own.
type program struct {
	Up       upCmd       `cmd:"" group:"move" help:"Upload files and folders; goes on where an earlier try ended."`
	Down     downCmd     `cmd:"" group:"move" help:"Download a file or a folder, verified."`
	Sync     syncCmd     `cmd:"" group:"move" help:"Make a folder of the server like a local one."`
	Ls       lsCmd       `cmd:"" group:"move" help:"List a folder."`
	Mkdir    mkdirCmd    `cmd:"" group:"move" help:"Make folders."`
	Mv       mvCmd       `cmd:"" group:"move" help:"Move or rename files and folders."`
	Cp       cpCmd       `cmd:"" group:"move" help:"Copy files and folders on the server."`
	Rm       rmCmd       `cmd:"" group:"move" help:"Put files and folders into the trash."`
	Du       duCmd       `cmd:"" group:"move" help:"Say how much folders hold."`
	Share    shareCmd    `cmd:"" group:"move" help:"Make, show and remove shared links."`
	Versions versionsCmd `cmd:"" group:"move" help:"List, fetch and bring back versions of a file."`
	Sessions sessionsCmd `cmd:"" group:"move" help:"List, show and abort uploads that are not finished."`

	Login    loginCmd    `cmd:"" group:"who" help:"Log in to a server, and keep that under a name."`
	Logout   logoutCmd   `cmd:"" group:"who" help:"Forget a login."`
	Whoami   whoamiCmd   `cmd:"" group:"who" help:"Say who you are to the server."`
	Profiles profilesCmd `cmd:"" group:"who" help:"List the servers that you have logged in to."`

	Serve   serveCmd   `cmd:"" group:"operate" help:"Run the server."`
	Doctor  doctorCmd  `cmd:"" group:"operate" help:"Prove that a data directory is whole."`
	Backup  backupCmd  `cmd:"" group:"operate" help:"Back up a data directory, beside a running server too."`
	Restore restoreCmd `cmd:"" group:"operate" help:"Make a data directory of a backup."`
	User    userCmd    `cmd:"" group:"operate" help:"Add, list, change and delete users."`
	App     appCmd     `cmd:"" group:"operate" help:"Add, list, change and delete applications."`
	Token   tokenCmd   `cmd:"" group:"operate" help:"Make a developer token."`
	CA      caCmd      `cmd:"" group:"operate" name:"ca" help:"Make or show the certificate authority for --box-hosts."`

	Version    versionCmd    `cmd:"" group:"about" help:"Say which boxcar this is."`
	Completion completionCmd `cmd:"" group:"about" help:"Print what makes a shell complete boxcar's words."`
	Complete   completeCmd   `cmd:"" hidden:"" group:"about"`
	Man        manCmd        `cmd:"" group:"about" help:"Print a manual page."`
}

var groups = []kong.Group{
	{Key: "move", Title: "Move files:"},
	{Key: "who", Title: "Be somebody to a server:"},
	{Key: "operate", Title: "Run a server:"},
	{Key: "about", Title: "About boxcar:"},
	{Key: "server", Title: "Which server:"},
	{Key: "how", Title: "How:"},
	{Key: "by", Title: "By what:"},
}

// streams are where a command writes: results to Out, everything else to Err.
// In is asked for a password, by Ask where that is somebody's terminal.
type streams struct {
	In       io.Reader
	Out, Err io.Writer
	Terminal bool // Err is one
	Results  bool // Out is the same one
	Ask      func(prompt string) (string, error)

	Program string          // as it was called
	Line    []string        // the command, for who wants to repeat it
	Given   map[string]bool // the flags that stand in it, by their long names
}

var (
	// errInterrupted says that a person stopped the command.
	errInterrupted = errors.New("interrupted")

	// errTerminated says that the system did.
	errTerminated = fmt.Errorf("told to end: %w", context.Canceled)

	// errReported says that a command has failed, and has said so.
	errReported = errors.New("something failed")
)

// misuse is a wrong use that only shows once a command looks at its arguments.
type misuse struct{ error }

func (m misuse) Unwrap() error { return m.error }

func main() {
	s := streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Terminal: isTerminal(os.Stderr), Program: calledAs(os.Args[0])}
	s.Results = s.Terminal && isTerminal(os.Stdout)
	if isTerminal(os.Stdin) {
		s.Ask = askTerminal
	}
	os.Exit(run(os.Args[1:], s))
}

// calledAs is the program as a person would call it again. What go run has built is
// gone then.
func calledAs(arg string) string {
	if strings.Contains(filepath.ToSlash(arg), "/go-build") {
		return "boxcar"
	}
	return arg
}

// askTerminal reads a line that is not shown.
func askTerminal(prompt string) (string, error) {
	fmt.Fprint(os.Stderr, prompt)
	b, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Fprintln(os.Stderr)
	return string(b), err
}

// run is the whole program, and returns its exit code.
func run(args []string, io streams) int {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(stop)
	go func() {
		select {
		case sig := <-stop:
			signal.Stop(stop) // a second one ends the process at once, however soon
			if sig == os.Interrupt {
				if io.Terminal {
					// It has shown a ^C: what is drawn next begins at the
					// left again.
					fmt.Fprint(io.Err, "\r")
				}
				cancel(errInterrupted)
			} else {
				cancel(errTerminated)
			}
		case <-ctx.Done():
		}
	}()

	exited := -1
	parser, err := newParser(io, func(code int) { exited = code })
	if err != nil {
		return complain(io, err)
	}
	io.Line = append([]string{cmp.Or(io.Program, "boxcar")}, args...)
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == "help": // boxcar help up
		args = append(slices.Clone(args[1:]), "--help")
	}
	command, err := parser.Parse(args)
	switch {
	case exited >= 0: // help was asked for
		return exited
	case err != nil:
		var wrong *kong.ParseError
		if errors.As(err, &wrong) {
			command = wrong.Context
		}
		return misused(io, command, err)
	}
	io.Given = given(command)
	command.BindTo(ctx, (*context.Context)(nil))
	err = command.Run(parser, io)
	var wrong misuse
	switch {
	case errors.Is(context.Cause(ctx), errInterrupted) && (err == nil || errors.Is(err, context.Canceled) || errors.Is(err, errInterrupted)):
		return exitInterrupted
	case errors.Is(err, errReported), errors.Is(err, errTerminated):
		return exitFailed
	case errors.As(err, &wrong):
		return misused(io, command, err)
	case err != nil:
		return complain(io, err)
	}
	return exitDone
}

func newParser(io streams, exit func(int)) (*kong.Kong, error) {
	k, err := kong.New(&program{},
		kong.Name("boxcar"),
		kong.Description(about),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, FlagsLast: true}),
		kong.ExplicitGroups(groups),
		kong.Vars{"home": homeURL},
		kong.Writers(io.Out, io.Err),
		kong.Exit(exit),
	)
	if err != nil {
		return nil, err
	}
	k.Model.HelpFlag.Help = "Say this."
	// What a command has below it is one group, whatever the command is in.
	for _, command := range k.Model.Children {
		for _, below := range command.Children {
			below.Group = &kong.Group{Key: "below", Title: "Commands:"}
		}
	}
	return k, nil
}

const about = `The Box content API that you can run yourself, and a way to move big files to it and to Box.

	boxcar serve                        a server on this machine
	boxcar up survey.laz --to /lidar    a file to it; again, if anything stops it
	boxcar down /lidar/survey.laz       and back`

// given are the flags that a person has written, not those of the environment.
func given(command *kong.Context) map[string]bool {
	flags := map[string]bool{}
	for _, step := range command.Path {
		if step.Flag != nil {
			flags[step.Flag.Name] = true
		}
	}
	return flags
}

// misused says what is wrong about a command line, and where to look it up.
func misused(io streams, command *kong.Context, err error) int {
	complain(io, err)
	words := ""
	if command != nil {
		for _, step := range command.Path {
			if step.Command != nil {
				words += " " + step.Command.Name
			}
		}
	}
	if words == "" {
		fmt.Fprintln(io.Err, "boxcar: hint: boxcar help lists the commands")
	} else {
		fmt.Fprintf(io.Err, "boxcar: hint: boxcar help%s explains it\n", words)
	}
	return exitUse
}

// complain says what went wrong, and what to do about it.
func complain(io streams, err error) int {
	fmt.Fprintf(io.Err, "boxcar: %s\n", printable(told(err)))
	if hint := hintFor(err); hint != "" {
		fmt.Fprintf(io.Err, "boxcar: hint: %s\n", hint)
	}
	return exitFailed
}

// hinted is an error with advice.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }
