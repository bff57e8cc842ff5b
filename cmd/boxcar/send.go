package main

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"boxcar/boxapi"
	"boxcar/client"
)

// sender uploads files.
type sender struct {
	c        server
	states   client.StateDir
	conflict client.ConflictPolicy
	onChange client.ChangePolicy
	plan     bool
	dry      bool // says what it would do
}

// file sends one file. there is what the folder has under its name, nil if nobody
// has looked.
func (s *sender) file(source, name string, into *remoteDir, there *occupied) task {
	return task{name: source, run: func(ctx context.Context, t *track) outcome {
		return s.send(ctx, t, source, into.id, into.path, client.Upload{
			Name: name, SkipUnchanged: there == nil, NameFree: there != nil && there.item == nil,
		}, there)
	}}
}

// session sends what another run has left of one file. Where it goes has been said
// to the session; into is where it goes if that is gone, or nil.
func (s *sender) session(source, name string, into *remoteDir, id string, size int64) task {
	return task{name: source, size: size, run: func(ctx context.Context, t *track) outcome {
		u := client.Upload{SessionID: strings.ToUpper(id)}
		if into != nil {
			u.Name = name
		} else {
			into = &remoteDir{}
		}
		o := s.send(ctx, t, source, into.id, into.path, u, nil)
		switch {
		case o.err == nil:
			// A note that another command has kept of it is of no more use.
			if err := s.states.DeleteSession(u.SessionID); err != nil {
				t.board.say("%s: the note of its session stays: %s", source, told(err))
			}
		case u.Name != "":
		case errors.Is(o.err, client.ErrSourceChanged):
			return o.fail(hinted{o.err, "is it the file that the session was begun with? boxcar sessions abort " + u.SessionID + " drops what was sent"})
		case client.IsNotFound(o.err), client.HasCode(o.err, boxapi.CodeSessionExpired):
			return o.fail(hinted{o.err, "it was finished, aborted, or has expired: without --session the upload begins again"})
		}
		return o
	}}
}

// occupied is what a folder is known to have under a name; item is nil if nothing.
type occupied struct{ item boxapi.Item }

func (s *sender) send(ctx context.Context, t *track, source, folderID, folderPath string, u client.Upload, there *occupied) outcome {
	o := outcome{Path: source}
	if u.Name != "" {
		o.Remote = path.Join(folderPath, u.Name)
	}
	src, err := client.OpenFile(source)
	if err != nil {
		return o.fail(plainPath(err))
	}
	defer src.Close()
	o.Size = max(src.Size(), 0)
	abs, err := filepath.Abs(source)
	if err != nil {
		return o.fail(err)
	}
	// The state is looked for here, too: what has been begun is not compared
	// with what the server had before.
	u.StateKey = strings.Join([]string{s.c.URLs().API, folderID, u.Name, abs}, "\x00")
	begun, err := s.states.Load(u.StateKey)
	var unread *fs.PathError
	switch {
	case errors.As(err, &unread):
		return o.fail(hinted{err, "--state says where notes of uploads are kept"})
	case err != nil:
		return o.fail(hinted{err, "delete that file: it can't be gone on with, and the upload begins again"})
	}
	if there != nil {
		if file, ok := there.item.(*boxapi.File); ok && begun == nil {
			same, err := src.SameContent(ctx, file.Size, file.SHA1)
			if err != nil {
				return o.fail(err)
			}
			if same {
				return o.is(unchanged, file)
			}
		}
	}
	if s.dry {
		o.Outcome = wouldUpload
		return o
	}
	u.Source, u.FolderID = src, folderID
	u.State = s.states
	u.ContentModifiedAt = src.ModTime()
	return s.upload(ctx, t, o, u, folderPath)
}

// upload does it, once everything is said.
func (s *sender) upload(ctx context.Context, t *track, o outcome, u client.Upload, folderPath string) outcome {
	u.OnConflict, u.OnChange, u.Plan = s.conflict, s.onChange, s.plan
	u.MaxParallel = t.places
	u.Progress = t.event
	res, err := s.c.Upload(ctx, u)
	switch {
	case errors.Is(err, client.ErrNameInUse) && u.OnConflict == client.FailOnConflict:
		return o.fail(hinted{err, "--conflict version makes a new version of a file, --conflict keep-both takes another name"})
	case err != nil:
		return o.fail(err)
	}
	o.Reused, o.Session = res.Reused, res.SessionID
	o.Size = res.File.Size
	what := uploaded
	if res.Unchanged {
		what = unchanged
	}
	o = o.is(what, res.File)
	o.SHA1 = hex.EncodeToString(res.SHA1[:])
	o.Remote = path.Join(folderPath, res.File.Name)
	if p := res.File.PathCollection; u.SessionID != "" && len(p.Entries) > 0 {
		o.Remote = pathOf(res.File)
	}
	return o
}

// is fills in what the server has.
func (o outcome) is(what string, f *boxapi.File) outcome {
	o.Outcome, o.ID, o.SHA1 = what, string(f.ID), f.SHA1
	if f.FileVersion != nil {
		o.Version = string(f.FileVersion.ID)
	}
	return o
}

// stdin sends the standard input, as a file if it is one. most is how much of it may
// be kept here, in bytes.
func (s *sender) stdin(in io.Reader, size, most int64, name string, into *remoteDir) task {
	return task{name: name, size: max(size, -1), run: func(ctx context.Context, t *track) outcome {
		o := outcome{Path: "-", Remote: path.Join(into.path, name)}
		src, err := stdinSource(in, size)
		if err != nil {
			return o.fail(err)
		}
		o = s.upload(ctx, t, o, client.Upload{
			Source: src, FolderID: into.id, Name: name, SkipUnchanged: true,
			AbortOnFailure: true, // nobody can send it again
			Spool:          client.Spool{Max: most},
		}, into.path)
		if size > 0 && errors.Is(o.err, client.ErrSourceChanged) {
			return o.fail(hinted{o.err, "--size has to be exactly how much comes; without it that is found out first"})
		}
		return o
	}}
}

func stdinSource(in io.Reader, size int64) (*client.Source, error) {
	if f, ok := in.(*os.File); ok {
		src, err := client.FromFile(f)
		if err != nil || src.Size() >= 0 {
			return src, err
		}
	}
	if in == nil {
		return nil, errors.New("there is no standard input")
	}
	if size == 0 {
		size = -1
	}
	return client.FromReader(in, size), nil
}
