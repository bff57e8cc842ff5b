package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"text/tabwriter"

	"boxcar/client"
)

type profilesCmd struct {
	List    profilesListCmd    `cmd:"" default:"withargs" help:"List them."`
	Default profilesDefaultCmd `cmd:"" help:"Use one where no --profile is said."`
}

type profilesListCmd struct {
	configFlag
	jsonFlag
}

// profileRecord is a profile as --json tells it.
type profileRecord struct {
	Name    string `json:"name"`
	Server  string `json:"server"`
	Auth    string `json:"auth"`
	Default bool   `json:"default"`
}

func recordOfProfile(name string, p client.Profile, def string) profileRecord {
	return profileRecord{name, p.URLs().API, p.Auth, name == def}
}

func (p profilesListCmd) Run(io streams) error {
	profiles, err := p.profiles()
	if err != nil {
		return err
	}
	all, def, err := profiles.All()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(io.Out, 0, 0, 2, ' ', 0)
	if !p.JSON && len(all) > 0 {
		fmt.Fprintln(w, "NAME\tSERVER\tBY\t")
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		r := recordOfProfile(name, all[name], def)
		if p.JSON {
			if err := writeJSON(io.Out, r); err != nil {
				return err
			}
			continue
		}
		mark := ""
		if r.Default {
			mark = "default"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.Name, r.Server, r.Auth, mark)
	}
	return w.Flush()
}

type profilesDefaultCmd struct {
	configFlag
	jsonFlag
	Name string `arg:"" help:"Of the profile."`
}

func (p profilesDefaultCmd) Run(io streams) error {
	profiles, err := p.profiles()
	if err != nil {
		return err
	}
	profile, err := profiles.Get(p.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return hinted{fmt.Errorf("there is no profile %q", p.Name), "boxcar profiles lists them"}
	}
	if err != nil {
		return err
	}
	if err := profiles.Put(p.Name, profile, true); err != nil {
		return err
	}
	if p.JSON {
		return writeJSON(io.Out, recordOfProfile(p.Name, profile, p.Name))
	}
	_, err = fmt.Fprintln(io.Out, p.Name)
	return err
}
