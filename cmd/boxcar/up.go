package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"boxcar/client"
)

type upCmd struct {
	Sources []string `arg:"" name:"file" help:"A file, a folder, a pattern, or - for the standard input."`

	To     string `xor:"where" placeholder:"PATH" help:"The folder to put them in, made if it is not there (/)."`
	Folder string `xor:"where" placeholder:"ID" help:"The same, by its id."`
	Name   string `placeholder:"NAME" help:"Another name for a single file; the name of the standard input."`
	Size   int64  `placeholder:"BYTES" help:"How much the standard input has, if it is known: it is then sent as it comes."`
	Spool  amount `default:"10GiB" placeholder:"SIZE" help:"How much of it may be kept in a temporary file until its size is known (${default})."`

	sendFlags   `embed:"" group:"how"`
	patterns    `embed:"" group:"how"`
	linkFlag    `embed:"" group:"how"`
	batchFlags  `embed:"" group:"how"`
	serverFlags `embed:"" group:"server"`

	Session string `group:"how" placeholder:"ID" help:"Go on with this upload session, begun by another machine or without a state."`
}

// Help is what boxcar up --help adds.
func (upCmd) Help() string {
	return `Whatever stops an upload, the same command goes on with it: parts that have arrived are not sent again. A folder goes with all that is in it into a folder of its name. Files that the server has already, by size and SHA-1, are not sent. Results, one line for each file: its path on the server and its SHA-1.

	boxcar up survey.laz --to /lidar
	boxcar up photos --to /2031 --exclude '*.tmp' --exclude node_modules
	tar c src | boxcar up - --name src.tar`
}

// Validate refuses what can't go together.
func (u upCmd) Validate() error {
	one := len(u.Sources) == 1
	stdin := false
	for _, s := range u.Sources {
		stdin = stdin || s == "-"
	}
	switch {
	case stdin && !one:
		return errors.New("- goes alone")
	case stdin && u.Name == "":
		return errors.New("- needs a --name")
	case u.Name != "" && !one:
		return errors.New("--name is for one file")
	case strings.ContainsAny(u.Name, `/\`):
		return errors.New("--name is a name and no path; --to says where it goes")
	case u.Session != "" && (!one || stdin):
		return errors.New("--session is for one file")
	case u.Session != "" && !isSession(u.Session):
		return errors.New("--session: " + whatSessionsAre)
	case u.Size < 0 || u.Size > 0 && !stdin:
		return errors.New("--size is for the standard input, in bytes")
	}
	return errors.Join(u.patterns.Validate(), u.batchFlags.Validate())
}

// Run is boxcar up.
func (u upCmd) Run(ctx context.Context, io streams) error {
	ctx, c, err := u.connect(ctx, io, float64(u.Bwlimit))
	if err != nil {
		return err
	}
	s, err := u.sender(c)
	if err != nil {
		return err
	}
	sources, err := expand(u.Sources)
	if err != nil {
		return err
	}
	return u.run(ctx, io, u.JSON, func(ctx context.Context, b *batch) error {
		into, err := u.target(ctx, c)
		if err != nil {
			return err
		}
		if sources[0] == "-" {
			b.board.expect(1, u.Size)
			return b.add(ctx, s.stdin(io.In, u.Size, int64(u.Spool), u.Name, into))
		}
		if !b.board.mute {
			go u.measure(ctx, b.board, sources)
		}
		t := &upTree{sender: s, batch: b, patterns: u.patterns, linkFlag: u.linkFlag}
		for _, source := range sources {
			if err := u.addSource(ctx, t, source, into); err != nil {
				return err
			}
		}
		return nil
	})
}

// target is the folder that --to or --folder says.
func (u upCmd) target(ctx context.Context, c server) (*remoteDir, error) {
	if u.Session != "" && u.To == "" && u.Folder == "" {
		return nil, nil // that was said when the session was begun
	}
	name := cleanPath(u.To)
	if u.Folder != "" {
		name = "id:" + strings.TrimPrefix(u.Folder, "id:")
	}
	if _, isID := remoteID(name); isID {
		folder, err := findFolder(ctx, c, name)
		if err != nil {
			return nil, err
		}
		return &remoteDir{id: string(folder.ID), path: pathOf(folder)}, nil
	}
	folder, err := c.EnsureFolder(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path.Join("/", name), err)
	}
	return &remoteDir{id: string(folder.ID), path: path.Join("/", name)}, nil
}

// addSource adds a file, or a folder with all that is in it. One that can't be read
// fails alone.
func (u upCmd) addSource(ctx context.Context, t *upTree, source string, into *remoteDir) error {
	info, err := os.Stat(source)
	if err != nil {
		t.batch.record(ctx, outcome{Path: source}.fail(plainPath(err)))
		return nil
	}
	name := filepath.Base(source)
	if !info.IsDir() {
		if u.Name != "" {
			name = u.Name
		}
		if u.Session != "" {
			return t.batch.add(ctx, t.sender.session(source, name, into, u.Session, info.Size()))
		}
		task := t.sender.file(source, name, into, nil)
		task.size = info.Size()
		return t.batch.add(ctx, task)
	}
	if u.Session != "" {
		return misuse{fmt.Errorf("%s is a folder: --session is for one file", source)}
	}
	if name == "." || name == ".." || name == string(filepath.Separator) {
		abs, err := filepath.Abs(source)
		if err != nil {
			return err
		}
		if name = filepath.Base(abs); name == string(filepath.Separator) {
			return fmt.Errorf("%s: it has no name that a folder on the server could have; use boxcar sync", source)
		}
	}
	if u.Name != "" {
		name = u.Name
	}
	return t.walk(ctx, source, "", into.child(name))
}

// expand replaces patterns, which not every shell does, by what they match.
func expand(args []string) ([]string, error) {
	var all []string
	for _, arg := range args {
		if _, err := os.Lstat(arg); arg == "-" || err == nil || !strings.ContainsAny(arg, "*?[{") {
			all = append(all, arg)
			continue
		}
		found, err := doublestar.FilepathGlob(arg)
		if err != nil {
			return nil, misuse{fmt.Errorf("%q is no pattern", arg)}
		}
		if len(found) == 0 {
			return nil, hinted{fmt.Errorf("%s: nothing matches", arg), "patterns are as *.laz or scans/**/*.tif"}
		}
		all = append(all, found...)
	}
	return all, nil
}

// measure adds up what will be sent, ahead of it.
func (u upCmd) measure(ctx context.Context, b *board, sources []string) {
	for _, source := range sources {
		measureTree(ctx, b, u.patterns, u.linkFlag, source)
	}
	b.expectNoMore()
}

// measureTree adds up what is below a file or a folder that was named. What can't
// be read is told by who reads it.
func measureTree(ctx context.Context, b *board, p patterns, l linkFlag, root string) {
	info, err := os.Stat(root)
	switch {
	case err != nil:
	case info.Mode().IsRegular():
		b.expect(1, info.Size())
	case info.IsDir():
		measureFolder(ctx, b, p, l, root, "", []fs.FileInfo{info})
	}
}

func measureFolder(ctx context.Context, b *board, p patterns, l linkFlag, local, rel string, above []fs.FileInfo) {
	entries, _ := os.ReadDir(local)
	for _, e := range entries {
		if ctx.Err() != nil {
			return
		}
		at, below := filepath.Join(local, e.Name()), path.Join(rel, e.Name())
		e, err := l.behind(e, at, above)
		if err != nil || e.IsDir() && !p.folder(below) || !e.IsDir() && !p.file(below) {
			continue
		}
		info, err := e.Info()
		switch {
		case err != nil:
		case info.IsDir():
			measureFolder(ctx, b, p, l, at, below, append(above, info))
		case info.Mode().IsRegular():
			b.expect(1, info.Size())
		}
	}
}

// plainPath leaves out the path of an error that is told with the path before it.
func plainPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// sendFlags say how files are sent.
type sendFlags struct {
	Conflict string `enum:"version,fail,keep-both" default:"version" placeholder:"WHAT" env:"BOXCAR_CONFLICT" help:"If there is another file of the name: version makes a new version of it, fail, keep-both takes another name (${default})."`
	Plan     bool   `help:"Send only those parts of a large file that its last version does not have; reads more, sends less."`
	Restart  bool   `help:"If a file has changed since its upload began, begin again."`
	State    string `type:"path" placeholder:"DIR" env:"BOXCAR_STATE" help:"Where is noted what uploads under way have sent."`
}

func (f sendFlags) sender(c server) (*sender, error) {
	states, err := stateDir(f.State)
	if err != nil {
		return nil, err
	}
	s := &sender{c: c, states: states, plan: f.Plan}
	switch f.Conflict {
	case "version":
		s.conflict = client.NewVersion
	case "keep-both":
		s.conflict = client.KeepBoth
	default:
		s.conflict = client.FailOnConflict
	}
	if f.Restart {
		s.onChange = client.RestartChanged
	}
	return s, nil
}
