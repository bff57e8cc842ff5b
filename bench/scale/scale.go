// Package scale measures what an account costs as it grows: the same requests on
// a folder and an account of one size, and on ten times as many items.
package scale

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

// ask is what a request may take, at the median.
const ask = 30 * time.Millisecond

// Run is the subcommand, with its arguments.
func Run(args []string) error {
	f := flag.NewFlagSet("bench scale", flag.ExitOnError)
	folder := f.Int("folder", 100_000, "files in the big folder")
	tree := f.Int("tree", 100_000, "items of the folder that is moved, copied and deleted")
	account := f.Int("account", 1_000_000, "items of the account")
	times := f.Int("folder-factor", 10, "how many times as many files the larger folder has")
	accountTimes := f.Int("account-factor", 10, "how many times as many items the larger account has")
	rounds := f.Int("rounds", 21, "how often each thing is asked for")
	dir := f.String("dir", "", "where databases are; those made there stay, and are used again; default a temporary directory")
	only := f.String("only", "", "measure only what has a name that this regular expression matches")
	small := f.Bool("small", false, "only the smaller of the two")
	profile := f.String("cpuprofile", "", "file for a profile")
	f.Parse(args)
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return err
	}

	if *dir == "" {
		tmp, err := os.MkdirTemp("", "boxcar-scale")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		*dir = tmp
	}
	sizes := []size{
		{folder: *folder, tree: *tree, account: *account},
		{folder: *folder * *times, tree: *tree, account: *account * *accountTimes},
	}
	if *small {
		sizes = sizes[:1]
	}
	var all [][]result
	for _, s := range sizes {
		got, err := one(context.Background(), filepath.Join(*dir, fmt.Sprintf("%d-%d-%d", s.folder, s.tree, s.account)), s, *rounds, wanted, *profile)
		if err != nil {
			return fmt.Errorf("%v: %w", s, err)
		}
		all = append(all, got)
	}
	table(sizes, all)
	return nil
}

// result is what one thing took, each time.
type result struct {
	name          string
	service, http []time.Duration
	cpu           [2]time.Duration // of the process, client and all, on average
	note          string           // instead of all that
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000) }

func median(ds []time.Duration) time.Duration {
	ds = slices.Sorted(slices.Values(ds))
	return ds[len(ds)/2]
}

// cell is p50 and worst.
func cell(ds []time.Duration) string {
	if len(ds) == 0 {
		return ""
	}
	return ms(median(ds)) + " / " + ms(slices.Max(ds))
}

func table(sizes []size, all [][]result) {
	head, line := "| p50 / worst, ms |", "|---|"
	for _, s := range sizes {
		head += fmt.Sprintf(" %v, service | %v, HTTP |", s, s)
		line += "---|---|"
	}
	fmt.Println(head + "\n" + line)
	var misses []string
	for i, first := range all[0] {
		row := "| " + first.name + " |"
		for j, got := range all {
			r := got[i]
			if r.note != "" {
				row += " " + r.note + " | |"
				continue
			}
			row += " " + cell(r.service) + " | " + cell(r.http) + " |"
			for k, ds := range [][]time.Duration{r.service, r.http} {
				if len(ds) == 0 {
					continue
				}
				if m := median(ds); m > ask {
					misses = append(misses, fmt.Sprintf("%s, %v: %s ms", r.name, sizes[j], ms(m)))
				}
				base := [][]time.Duration{first.service, first.http}[k]
				// Below a millisecond the machine's own noise is larger.
				if m, b := median(ds), median(base); m > 2*b && m > time.Millisecond {
					misses = append(misses, fmt.Sprintf("%s, %v: %s ms, %s ms before", r.name, sizes[j], ms(m), ms(b)))
				}
			}
		}
		fmt.Println(row)
	}
	if len(misses) > 0 {
		fmt.Printf("\nover %v, or over twice what it was:\n%s\n", ask, strings.Join(misses, "\n"))
	}
}

// one builds an account, unless it is there, and measures it.
func one(ctx context.Context, dir string, s size, rounds int, only *regexp.Regexp, profile string) (all []result, err error) {
	begun := time.Now()
	if _, err := os.Stat(filepath.Join(dir, "done")); err != nil {
		if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
			return nil, err
		}
		if err := build(ctx, dir, s); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, "done"), nil, 0o600); err != nil {
			return nil, err
		}
		log.Printf("%v: built in %v", s, time.Since(begun).Round(time.Second))
	}
	h, err := open(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return nil, err
		}
		defer pprof.StopCPUProfile()
	}
	return h.measure(s, rounds, only)
}
