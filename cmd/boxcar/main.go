// Command boxcar is a Box content API that you can run yourself.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
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
	Serve   serveCmd   `cmd:"" help:"Run the server."`
	Doctor  doctorCmd  `cmd:"" help:"Prove that a data directory is whole."`
	Backup  backupCmd  `cmd:"" help:"Back up a data directory, beside a running server too."`
	Restore restoreCmd `cmd:"" help:"Make a data directory of a backup."`
	User    userCmd    `cmd:"" help:"Add, list, change and delete users."`
	App     appCmd     `cmd:"" help:"Add, list, change and delete applications."`
	Token   tokenCmd   `cmd:"" help:"Make a developer token."`
	CA      caCmd      `cmd:"" name:"ca" help:"Make or show the certificate authority for --box-hosts."`
	Version versionCmd `cmd:"" help:"Say which boxcar this is."`
}

// streams are where a command writes: results to Out, everything else to Err.
// In is asked for a password, by Ask where that is somebody's terminal.
type streams struct {
	In       io.Reader
	Out, Err io.Writer
	Terminal bool // Err is one
	Ask      func(prompt string) (string, error)
}

// errInterrupted says that a person stopped the command.
var errInterrupted = errors.New("interrupted")

func main() {
	s := streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Terminal: isTerminal(os.Stderr)}
	if isTerminal(os.Stdin) {
		s.Ask = askTerminal
	}
	os.Exit(run(os.Args[1:], s))
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
			if sig == os.Interrupt {
				cancel(errInterrupted)
			} else {
				cancel(context.Canceled)
			}
			signal.Stop(stop) // a second one ends the process at once
		case <-ctx.Done():
		}
	}()

	var p program
	exited := -1
	parser, err := kong.New(&p,
		kong.Name("boxcar"),
		kong.Description("The Box content API that you can run yourself."),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Writers(io.Out, io.Err),
		kong.Exit(func(code int) { exited = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(io),
	)
	if err != nil {
		return complain(io, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	switch {
	case exited >= 0: // help was asked for
		return exited
	case err != nil:
		complain(io, err)
		fmt.Fprintln(io.Err, "boxcar: hint: boxcar --help lists the commands, boxcar COMMAND --help its flags")
		return exitUse
	}
	err = command.Run()
	switch {
	case errors.Is(context.Cause(ctx), errInterrupted) && (err == nil || errors.Is(err, context.Canceled)):
		return exitInterrupted
	case err != nil:
		return complain(io, err)
	}
	return exitDone
}

// complain says on one line what went wrong.
func complain(io streams, err error) int {
	fmt.Fprintf(io.Err, "boxcar: %v\n", err)
	var hint hinted
	if errors.As(err, &hint) {
		fmt.Fprintf(io.Err, "boxcar: hint: %s\n", hint.hint)
	}
	return exitFailed
}

// hinted is an error with advice.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }
