package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"boxcar/boxapi"
	"boxcar/client"
)

type downCmd struct {
	Path string `arg:"" help:"A file or folder."`
	Dest string `arg:"" optional:"" name:"file" help:"Where to: a file, or a folder to put it in, or - for the standard output. What is in a folder goes into this one, by default one of its name."`

	FileVersion  string `name:"file-version" placeholder:"ID" help:"A past version of the file; boxcar versions lists them."`
	receiveFlags `embed:"" group:"how"`
	patterns     `embed:"" group:"how"`
	batchFlags   `embed:"" group:"how"`
	serverFlags  `embed:"" group:"server"`
}

type receiveFlags struct {
	Overwrite bool `help:"Replace files that are there and have other contents."`
}

// Help is what boxcar down --help adds.
func (downCmd) Help() string {
	return remoteHelp + ` A file has its name once its SHA-1 is right; until then it is a hidden file beside it, with which the same command goes on. Files that are here already are not fetched again.

	boxcar down /lidar/survey.laz
	boxcar down /lidar copy --include '*.laz'
	boxcar down id:123 - | tar t`
}

// Validate refuses flags that make no sense.
func (d downCmd) Validate() error {
	return errors.Join(d.patterns.Validate(), d.batchFlags.Validate())
}

func (d downCmd) Run(ctx context.Context, io streams) error {
	ctx, c, err := d.connect(ctx, io, float64(d.Bwlimit))
	if err != nil {
		return err
	}
	item, err := find(ctx, c, d.Path)
	if err != nil {
		return err
	}
	r := receiver{c: c, overwrite: d.Overwrite}
	switch i := item.(type) {
	case *boxapi.File:
		if d.Dest == "-" {
			return d.toStdout(ctx, io, c, i)
		}
		to, err := d.fileDest(i.Name)
		if err != nil {
			return err
		}
		return d.run(ctx, io, d.JSON, func(ctx context.Context, b *batch) error {
			if d.FileVersion == "" {
				b.board.expect(1, i.Size)
			} else {
				b.board.expect(1, 0)
			}
			b.board.expectNoMore()
			return b.add(ctx, r.file(i, pathOf(i), to, d.FileVersion))
		})
	case *boxapi.Folder:
		if d.Dest == "-" || d.FileVersion != "" {
			return misuse{fmt.Errorf("%s is a folder: - and --file-version are for a file", d.Path)}
		}
		to, err := d.folderDest(i)
		if err != nil {
			return err
		}
		return d.run(ctx, io, d.JSON, func(ctx context.Context, b *batch) error {
			t := &downTree{receiver: r, batch: b, patterns: d.patterns}
			if len(d.Include)+len(d.Exclude) == 0 {
				// The server knows the sum.
				b.board.expect(0, i.Size)
				b.board.expectNoMore()
				t.summed = true
			}
			defer b.board.expectNoMore()
			return t.walk(ctx, string(i.ID), pathOf(i), "", to)
		})
	}
	return fmt.Errorf("%s: it is a %s, which has no contents", d.Path, item.ItemType())
}

// toStdout writes a file in order. Only exit code 0 says that it was right.
func (d downCmd) toStdout(ctx context.Context, io streams, c server, f *boxapi.File) error {
	io.Results = false // it is no text
	b := newBoard(io, d.NoProgress)
	b.expect(1, f.Size)
	b.expectNoMore()
	t := b.start(f.Name, f.Size)
	_, err := c.DownloadTo(ctx, string(f.ID), d.FileVersion, io.Out, t.event)
	t.end()
	b.close()
	if err != nil {
		return fmt.Errorf("%s: %w", d.Path, err)
	}
	return nil
}

// fileDest is the file that a file becomes.
func (d downCmd) fileDest(name string) (string, error) {
	into := d.Dest
	switch {
	case into == "":
		into = "."
	case strings.HasSuffix(into, "/") || strings.HasSuffix(into, string(filepath.Separator)):
		if err := os.MkdirAll(into, 0o777); err != nil {
			return "", err
		}
	default:
		if info, err := os.Stat(into); err != nil || !info.IsDir() {
			return into, nil
		}
	}
	local, err := localName(name)
	return filepath.Join(into, local), err
}

// folderDest is the folder that a folder becomes: always the same one for the same
// command, so that a second run goes on with the first.
func (d downCmd) folderDest(f *boxapi.Folder) (string, error) {
	into := d.Dest
	if into == "" {
		if f.ID == boxapi.RootID {
			return ".", nil
		}
		return localName(f.Name)
	}
	if info, err := os.Stat(into); err == nil && !info.IsDir() {
		return "", fmt.Errorf("%s is a file here, and %s a folder on the server", into, d.Path)
	}
	return into, nil
}

// localName is a name of the server as the name of a file here. One that would lead
// somewhere else is refused.
func localName(name string) (string, error) {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") || strings.ContainsRune(name, filepath.Separator) || !filepath.IsLocal(name) {
		return "", hinted{fmt.Errorf("%q can't be the name of a file here", name), "boxcar down id:ID FILE gives it another"}
	}
	return name, nil
}

// receiver downloads files.
type receiver struct {
	c         server
	overwrite bool
}

// file fetches one file to a path.
func (r receiver) file(f *boxapi.File, remote, to, version string) task {
	size := f.Size
	if version != "" {
		size = -1 // that of the version is not known here
	}
	return task{name: to, size: size, run: func(ctx context.Context, t *track) outcome {
		o := outcome{Path: to, Remote: remote, Size: max(size, 0), here: true}
		if version == "" {
			same, err := r.compare(ctx, f, to)
			if err != nil {
				return o.fail(err)
			}
			if same {
				return o.is(unchanged, f)
			}
		} else if _, err := os.Lstat(to); err == nil && !r.overwrite {
			return o.fail(inTheWay())
		}
		got, err := r.c.Download(ctx, client.Download{FileID: string(f.ID), Version: version, Path: to, MaxParallel: t.places, Progress: t.event})
		if err != nil {
			return o.fail(noFolder(to, err))
		}
		o.Reused = t.meter.Read().Reused
		o = o.is(downloaded, got)
		if version != "" {
			o.Version, o.SHA1, o.Size = version, "", t.meter.Read().Total
			if sum, err := sumOf(ctx, to); err == nil {
				o.SHA1 = sum
			}
			return o
		}
		o.Size = got.Size
		if at := got.ContentModifiedAt.Time; !at.IsZero() {
			// It is right without that, too.
			_ = os.Chtimes(to, at, at)
		}
		return o
	}}
}

// noFolder explains the error of a download into a folder that is not there.
func noFolder(to string, err error) error {
	dir := filepath.Dir(to)
	if _, statErr := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && errors.Is(statErr, fs.ErrNotExist) {
		return hinted{fmt.Errorf("there is no folder %s", dir), "mkdir -p " + quoteShell(dir) + " makes it"}
	}
	return err
}

// sumOf is the SHA-1 of a file here.
func sumOf(ctx context.Context, path string) (string, error) {
	src, err := client.OpenFile(path)
	if err != nil {
		return "", err
	}
	defer src.Close()
	sum, err := src.SHA1(ctx)
	return fmt.Sprintf("%x", sum), err
}

// compare says whether the file is here already. Another one in its place is an
// error, unless it may be replaced.
func (r receiver) compare(ctx context.Context, f *boxapi.File, to string) (same bool, err error) {
	info, err := os.Lstat(to)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, plainPath(err)
	case info.IsDir():
		return false, errors.New("there is a folder of that name here")
	case info.Mode().IsRegular():
		src, err := client.OpenFile(to)
		if err != nil {
			return false, plainPath(err)
		}
		defer src.Close()
		if same, err = src.SameContent(ctx, f.Size, f.SHA1); same || err != nil {
			return same, err
		}
	}
	if !r.overwrite {
		return false, inTheWay()
	}
	return false, nil
}

func inTheWay() error {
	return hinted{errors.New("there is a file of that name here, with other contents"), "--overwrite replaces it"}
}

// downTree fetches the files of a folder.
type downTree struct {
	receiver
	batch *batch
	patterns
	summed bool // the board expects all bytes already
}

// walk adds the files of a folder of the server.
func (t *downTree) walk(ctx context.Context, id, remote, rel, local string) error {
	if len(t.Include) == 0 {
		if err := os.MkdirAll(local, 0o777); err != nil {
			return fmt.Errorf("%s: %w", local, plainPath(err))
		}
	}
	for item, err := range t.c.Items(ctx, id, itemFields...) {
		if err != nil {
			return fmt.Errorf("%s: %w", remote, err)
		}
		name := client.NameOf(item)
		below := joinPath(rel, name)
		at, nameErr := localName(name)
		o := outcome{Path: filepath.Join(local, at), Remote: joinPath(remote, name), ID: client.IDOf(item)}
		switch i := item.(type) {
		case *boxapi.Folder:
			switch {
			case !t.folder(below):
			case nameErr != nil:
				t.batch.record(ctx, o.fail(nameErr))
			default:
				if err := t.walk(ctx, string(i.ID), o.Remote, below, o.Path); err != nil {
					return err
				}
			}
		case *boxapi.File:
			switch {
			case !t.patterns.file(below):
			case nameErr != nil:
				t.batch.record(ctx, o.fail(nameErr))
			default:
				if err := os.MkdirAll(local, 0o777); err != nil {
					return fmt.Errorf("%s: %w", local, plainPath(err))
				}
				size := i.Size
				if t.summed {
					size = 0
				}
				t.batch.board.expect(1, size)
				if err := t.batch.add(ctx, t.receiver.file(i, o.Remote, o.Path, "")); err != nil {
					return err
				}
			}
		default:
			if t.patterns.file(below) {
				o.Outcome, o.Error = skipped, "it is a "+item.ItemType()+", which has no contents"
				t.batch.record(ctx, o)
			}
		}
	}
	return nil
}

// joinPath is path.Join without its cleaning: a name may be "..".
func joinPath(dir, name string) string {
	if dir == "" || strings.HasSuffix(dir, "/") {
		return dir + name
	}
	return dir + "/" + name
}
