package main

import (
	"context"
	"fmt"

	"boxcar/internal/daemon"
)

type dataFlag struct {
	Data string `placeholder:"DIR" default:"boxcar-data" env:"BOXCAR_DATA" help:"The data directory (${default})."`
}

type doctorCmd struct {
	dataFlag `embed:""`
	jsonFlag
}

// healthRecord is what doctor found as --json tells it.
type healthRecord struct {
	Data     string   `json:"data"` // the directory
	Snapshot string   `json:"snapshot,omitzero"`
	Users    int      `json:"users"`
	Versions int      `json:"versions"` // of files
	Sessions int      `json:"sessions"` // that are open
	Blobs    int      `json:"blobs"`    // that were read
	Garbage  []string `json:"garbage"`  // in sentences, as all below
	Broken   []string `json:"broken"`
	Lost     []string `json:"lost"`
}

// Help is what boxcar doctor --help adds.
func (doctorCmd) Help() string {
	return `Reads every byte and every row: each part has its bytes, every digest holds, quotas are sums of what exists. Where bytes are lost, the files and versions are listed that they are lost from. Exits with 1 if anything is broken. Bytes without a row and remains of uploads cut short are garbage: they are listed, and do no harm. A server may be using the directory meanwhile.`
}

func (d doctorCmd) Run(ctx context.Context, io streams) error {
	report, err := daemon.Doctor(ctx, d.Data)
	if err != nil {
		return err
	}
	return d.tellHealth(io, d.Data, "", report)
}

// tellHealth tells what doctor found, of a snapshot that was restored if there is one;
// it is an error if anything is broken.
func (f jsonFlag) tellHealth(io streams, data, snapshot string, report *daemon.Health) error {
	if f.JSON {
		r := healthRecord{
			Data: data, Snapshot: snapshot, Users: report.Users, Versions: report.Versions, Sessions: report.Sessions, Blobs: report.Blobs,
			Garbage: some(report.Garbage), Broken: some(report.Broken), Lost: inWords(report.Lost),
		}
		if err := writeJSON(io.Out, r); err != nil || len(report.Broken) == 0 {
			return err
		}
		return fmt.Errorf("%s is broken in %s", data, count(len(report.Broken), "place"))
	}
	for _, g := range report.Garbage {
		fmt.Fprintln(io.Out, "garbage:", g)
	}
	for _, b := range report.Broken {
		fmt.Fprintln(io.Out, "broken:", b)
	}
	for _, l := range report.Lost {
		fmt.Fprintln(io.Out, "lost:", l)
	}
	fmt.Fprintf(io.Out, "%s: %s, %s, %s, %s read\n", data, count(report.Users, "user"),
		count(report.Versions, "file version"), count(report.Sessions, "open upload session"), count(report.Blobs, "blob"))
	if n := len(report.Broken); n > 0 {
		return fmt.Errorf("%s is broken in %s", data, count(n, "place"))
	}
	fmt.Fprintln(io.Out, "everything is whole")
	return nil
}

// inWords are the sentences of a list.
func inWords[T fmt.Stringer](list []T) []string {
	words := make([]string, len(list))
	for i, l := range list {
		words[i] = l.String()
	}
	return words
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
