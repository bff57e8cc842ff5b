// Command bench measures boxcar beside other servers, and beside floors:
// servers that do nothing but what cannot be left out. README.md says what is
// measured and how.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"boxcar/bench/scale"
)

func main() {
	log.SetFlags(0)
	if err := command(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func command(args []string) error {
	name := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	// Whatever ends it early, servers are stopped and their data is removed;
	// also when nobody reads its output any more.
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	// Connections break, too, so the signal itself says nothing; the write does.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	out := &output{os.Stdout, cancel}
	switch name {
	case "":
		return run(ctx, out, args)
	case "h2":
		return versions(ctx, out, args)
	case "scale":
		cancel() // it does not look at ctx, so an interrupt ends it
		return scale.Run(args)
	case "floor": // a process of our own: ADDR DIR SUMS
		return serveFloor(args[0], args[1], args[2] == "true")
	}
	return fmt.Errorf("%q is no subcommand: there are h2 and scale", name)
}

// output is for results, and ends everything when nobody reads them any more.
type output struct {
	to  io.Writer
	end func()
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.to.Write(b)
	if err != nil {
		o.end()
	}
	return n, err
}

func run(ctx context.Context, out io.Writer, args []string) error {
	f := flag.NewFlagSet("bench", flag.ExitOnError)
	size := f.Int64("size", 2*gib, "bytes of the big file")
	commitSize := f.Int64("commit-size", 8*gib, "bytes of the largest file whose commit is measured")
	upSize := f.Int64("up-size", 256*mib, "bytes of the file that clients upload")
	rounds := f.Int("rounds", 3, "how often each load runs")
	most := f.Duration("most", 9*time.Minute, "after this time each load runs once only")
	dir := f.String("dir", "", "where servers keep their data; default a temporary directory")
	only := f.String("only", "", "regexp of the loads that are run")
	which := f.String("targets", "", "servers that are measured, with commas between; default all")
	quick := f.Bool("quick", false, "a small file, one round: to see that all works, not how fast")
	f.Parse(args)
	if *quick {
		*size, *commitSize, *upSize, *rounds = 256*mib, 512*mib, 64*mib, 1
	}
	match, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	if *size < 8*part8 || *upSize < 8*part8 || *rounds < 1 {
		return fmt.Errorf("-size and -up-size are at least %d, and -rounds 1", 8*part8)
	}
	b, done, err := newBench(*dir, *size)
	if err != nil {
		return err
	}
	defer done()
	b.commitSize, b.upSize = *commitSize, *upSize
	if !*quick {
		b.spell, b.sessionsOpen = 3*time.Second, 10_000
	}
	if err := b.findTargets(ctx, out, strings.FieldsFunc(*which, func(r rune) bool { return r == ',' })); err != nil {
		return err
	}
	began := time.Now() // what had to be built may have taken longer than all that follows
	got := map[string]outcome{}
	var failed []error
	var names []string
	for _, c := range b.contests() {
		names = append(names, c.name)
		if !match.MatchString(c.name) || len(c.contestants) == 0 {
			continue
		}
		o, err := c.run(ctx, out, *rounds, began.Add(*most))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failed = append(failed, err)
		}
		got[c.name] = o
	}
	if len(got) == 0 {
		return fmt.Errorf("-only %s with these targets leaves nothing of\n%s", *only, strings.Join(names, "\n"))
	}
	fmt.Fprintf(out, "\n### Asked\n\n")
	writeAsked(out, asked(b.commitSizes()), got)
	for _, why := range b.missing {
		fmt.Fprintf(out, "\n!! NOT MEASURED: %s\n", why)
	}
	for _, err := range failed {
		fmt.Fprintf(out, "\n!! FAILED: %v\n", err)
	}
	fmt.Fprintf(out, "\n%d bytes, %.0f s in all\n", *size, time.Since(began).Seconds())
	if len(failed) > 0 {
		return fmt.Errorf("%d loads have failed", len(failed))
	}
	return nil
}
