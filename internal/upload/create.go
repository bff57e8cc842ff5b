package upload

import (
	"context"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/digest"
	"boxcar/internal/meta"
	"boxcar/internal/tree"
)

// Request asks for a session. Nil is what the client left out.
type Request struct {
	File   content.ID // the file to get a new version; 0 for a new file
	Folder *string
	Name   *string
	Size   int64 // bytes
}

// Create opens a session after the checks of a preflight, and reserves the
// file's size of the owner's quota. The name is not reserved.
func (s *Service) Create(ctx context.Context, who content.Principal, req Request) (_ content.Session, err error) {
	ctx, end := s.watch(ctx, OpCreate)
	defer func() { end(err) }()
	if least := *s.Limits.MinChunkedSize; req.Size < least {
		return content.Session{}, content.Errorf(content.FileTooSmall,
			"The file size %d is less than the minimum chunked upload file size of %d", req.Size, least)
	}
	t, err := target(req)
	if err != nil {
		return content.Session{}, err
	}

	now := s.Now().Truncate(time.Second) // expiry is told in whole seconds
	ses := meta.Session{
		Session: content.Session{
			ID: s.newSessionID(), Owner: who.User, File: t.File, Name: t.Name,
			Grid:  content.GridFor(req.Size, s.Limits.PartSize),
			State: content.Open, CreatedAt: now, ExpiresAt: now.Add(SessionLife),
		},
		Manifest: meta.Manifest(s.NewID()),
		Reserved: req.Size,
		Front:    content.Front{State: digest.Start},
	}
	if req.Size == 0 {
		ses.Front.Sum = content.EmptySHA1
	}
	if t.Move || t.File == 0 {
		if ses.Folder = t.Folder; ses.Folder == 0 {
			ses.Folder = who.Root
		}
	}
	err = s.Meta.Update(ctx, func(tx meta.Tx) error {
		if _, err := s.Tree.Admit(tx, who, t, content.Preconditions{}); err != nil {
			return destination(err)
		}
		open, err := tx.CountOpen(who.User, now)
		if err != nil {
			return err
		}
		if open >= s.Limits.Sessions {
			return &content.Error{Kind: content.RateLimited, RetryAfter: time.Minute, Message: "you have too many open upload sessions: commit or abort some"}
		}
		if err := tx.AddUsage(who.User, 0, ses.Reserved); err != nil {
			return err
		}
		if err := tx.InsertSession(ses); err != nil {
			return err
		}
		return tx.AppendLog(ses.ID, content.LogEvent{At: now, Event: "created", Status: 201})
	})
	if err != nil {
		return content.Session{}, err
	}
	s.active(who.User)
	if t.File != 0 {
		s.hashForPlan(t.File)
	}
	return ses.Session, nil
}

// target reads a request: what is missing, then what is malformed.
func target(req Request) (tree.Target, error) {
	t := tree.Target{File: req.File, Size: req.Size}
	if req.Name != nil {
		t.Name = *req.Name
	}
	if req.File == 0 {
		if req.Name == nil {
			return t, content.Errorf(content.MissingName, "file_name is missing")
		}
		if req.Folder == nil {
			return t, content.Errorf(content.MissingDestination, "folder_id is missing")
		}
	}
	if req.Folder != nil {
		id, err := content.ParseID(*req.Folder)
		if err != nil {
			return t, content.Errorf(content.InvalidFolderID, "folder_id %q is not a folder id: those are decimal digits", *req.Folder)
		}
		t.Folder, t.Move = id, req.File != 0
	}
	if req.Name != nil {
		// A name that is there but empty is wrong for a version too.
		if err := content.CheckName(t.Name); err != nil {
			return t, err
		}
	}
	return t, nil
}

// destination turns an unknown folder into the error that sessions have for it.
func destination(err error) error {
	if e, ok := err.(*content.Error); ok && e.Kind == content.NotFound && e.Value != "" && e.Value[0] == 'd' {
		again := *e
		again.Kind = content.DestinationNotFound
		return &again
	}
	return err
}

// targetOf is where a session's file is to go.
func targetOf(ses meta.Session) tree.Target {
	return tree.Target{
		File: ses.File, Folder: ses.Folder, Move: ses.File != 0 && ses.Folder != 0,
		Name: ses.Name, Size: ses.Grid.FileSize, Reserved: ses.Reserved,
	}
}

// Preflight says whether the caller could upload to the target.
func (s *Service) Preflight(ctx context.Context, who content.Principal, t tree.Target) error {
	return s.Meta.View(ctx, func(tx meta.Tx) error {
		_, err := s.Tree.Admit(tx, who, t, content.Preconditions{})
		return err
	})
}
