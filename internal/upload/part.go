package upload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/digest"
	"boxcar/internal/meta"
)

// Sent is what a client says of a part it is sending.
type Sent struct {
	Span   content.Span
	Total  int64        // the file's size as the client has it, bytes
	SHA1   content.SHA1 // of the body
	Length int64        // of the body in bytes, or -1 if it was not announced
}

// PutPart takes in one part. Once it returns nil, the part's bytes and its row
// would survive a power cut. A part that is stored already with the same digest is
// returned as it is, and body is not read; any other overlap is a content.PartConflict
// error with the part that is stored.
func (s *Service) PutPart(ctx context.Context, who content.Principal, id content.SessionID, sent Sent, body io.Reader) (_ content.Part, err error) {
	ctx, end := s.watch(ctx, OpPart)
	defer func() { end(err) }()
	part, ses, err := s.putPart(ctx, who, id, sent, body)
	if err != nil && ses.ID != "" {
		tried := content.Part{Span: sent.Span, SHA1: sent.SHA1}
		s.note(ctx, id, content.LogEvent{Event: "part", Part: &tried}, err)
	}
	return part, err
}

func (s *Service) putPart(ctx context.Context, who content.Principal, id content.SessionID, sent Sent, body io.Reader) (part content.Part, ses meta.Session, err error) {
	var have bool
	err = s.Meta.View(ctx, func(tx meta.Tx) (err error) {
		if ses, err = s.live(tx, who, id); err != nil {
			ses = meta.Session{}
			return err
		}
		var stored meta.Part
		stored, have, err = s.admitPart(tx, ses, sent)
		part = stored.Part
		return err
	})
	if err != nil || have {
		return part, ses, err
	}
	if n := sent.Span.Len(); sent.Length >= 0 && sent.Length != n {
		return part, ses, content.Errorf(content.SizeMismatch, "the body has %d bytes, and Content-Range declares %d", sent.Length, n)
	}

	release, err := s.places.take(ctx, who.User, s.Limits.Wait)
	if err != nil {
		return part, ses, err
	}
	release = sync.OnceFunc(release)
	defer release()
	if trailing(ses.Grid, sent.Span) {
		part, err = takeNothing(ses, sent, body)
		return part, ses, err
	}

	f := s.hold(ses)
	defer s.drop(id, f)
	var along *follower
	if s.Limits.FollowWait > 0 && sent.Span.Len() >= s.Limits.FollowFrom {
		along = f.follow(sent.Span)
		defer func() { along.leave(err == nil) }()
	}
	// Where the part is at the front of the file, its bytes are hashed for
	// the file too while they pass.
	var tee *digest.SHA1
	var from content.Front
	if along == nil {
		tee, from = f.tee(sent.Span.Start)
	}
	// The bytes move with no transaction open and no lock held: a slow client
	// holds up nobody but itself.
	src := s.Intake.Verify(body, blob.Want{Size: sent.Span.Len(), SHA1: &sent.SHA1}, tee)
	defer src.Close()
	// Other parts wait, for the front to come to them, in memory as far as
	// there is room for that, and else in the page cache.
	away := f.away(sent.Span)
	switch {
	case along != nil:
		s.follow(ctx, along, src)
	case tee == nil && !(away+sent.Span.Len() <= s.Limits.Window && src.Keep()):
		src.Reread()
	}
	src.Rank(away)
	got, err := s.take(ctx, src)
	if err != nil {
		return part, ses, fmt.Errorf("part at %d: %w", sent.Span.Start, err)
	}
	defer s.settled(got)

	// The bytes are here. A client that hangs up now should still find the
	// part when it comes back, so the record does not die with the request.
	ctx, cancel := s.settle(ctx)
	defer cancel()
	var l *led
	switch {
	case tee != nil:
		l = &led{key: got.key, from: from, to: reached(tee, ses.Grid.FileSize)}
	case along != nil:
		l = along.storedAs(got.key)
	}
	kept := src.Kept()
	if kept != nil {
		got.own()
	}
	owed := sent.Span.Len()
	if l != nil {
		kept.Free()
		owed = 0
	} else {
		// Before anybody can see the row.
		f.keep(got.key, sent.Span.Start, kept)
	}
	f.owed.Add(owed)
	part, mine, err := s.record(ctx, who, id, f, l, sent, got)
	if !mine {
		f.take(got.key).Free()
		f.paid(owed)
	}
	if err == nil {
		s.active(who.User)
		s.catchUp(ses, f)
		release()
		f.near(ctx, sent.Span.End)
	}
	return part, ses, err
}

// admitPart judges a part before its bytes are looked at: the part that is
// stored, if it is the same one, or why it can't be taken.
func (s *Service) admitPart(tx meta.Tx, ses meta.Session, sent Sent) (part meta.Part, have bool, err error) {
	size := ses.Grid.FileSize
	switch {
	case s.committing(ses) && (sent.Total != size || !ses.Grid.Holds(sent.Span)):
		return part, false, busy(ses.ID) // as anything else that is not there already
	case sent.Total != size:
		return part, false, content.Errorf(content.RangeNotSatisfiable, "Content-Range gives the file %d bytes, and the session was created for %d", sent.Total, size)
	case trailing(ses.Grid, sent.Span) && ses.State == content.Open:
		return part, false, nil
	case !ses.Grid.Holds(sent.Span):
		return part, false, content.Errorf(content.RangeNotSatisfiable,
			"bytes %d to %d are not a part of this session: parts have %d bytes and start at multiples of that, and only the last is shorter and ends the file at %d",
			sent.Span.Start, sent.Span.End-1, ses.Grid.PartSize, size)
	}
	stored, err := tx.Part(ses.Manifest, sent.Span.Start)
	switch {
	case err == nil && stored.SHA1 == sent.SHA1:
		return stored, true, nil
	case err == nil && !s.committing(ses):
		return part, false, &content.Error{Kind: content.PartConflict, Part: &stored.Part,
			Message: fmt.Sprintf(`Part overlaps with previously uploaded part: {id: %q, "offset": %d, "size": %d}`, stored.ID, stored.Span.Start, stored.Span.Len())}
	case err != nil && !content.Is(err, content.NotFound):
		return part, false, err
	case s.committing(ses):
		return part, false, busy(ses.ID)
	case ses.State == content.Committed:
		// The file was deleted for good, and its parts with it.
		return part, false, content.Errorf(content.RangeNotSatisfiable, "upload session %s has been committed and takes no more parts", ses.ID)
	}
	return part, false, nil
}

// record makes what arrived the part of its session, or lets go of it. mine says
// that the part is what arrived.
func (s *Service) record(ctx context.Context, who content.Principal, id content.SessionID, f *front, l *led, sent Sent, got arrived) (_ content.Part, mine bool, _ error) {
	now := s.Now()
	part := meta.Part{Part: content.Part{Span: sent.Span, SHA1: sent.SHA1}, Blob: got.key, CreatedAt: now}
	var stored meta.Part
	var have, moved bool
	var saved func()
	var refused error
	err := s.Meta.Update(ctx, func(tx meta.Tx) (err error) {
		defer func() { refused = err }()
		have, moved, saved = false, false, func() {}
		ses, err := s.live(tx, who, id)
		if err != nil {
			return err
		}
		if stored, have, err = s.admitPart(tx, ses, sent); err != nil || have {
			return err
		}
		part.ID = partID(id, sent.Span.Start/ses.Grid.PartSize)
		var at content.Front
		if at, saved, err = s.checkpoint(tx, ses, f); err != nil {
			return err
		}
		// What was hashed along counts only behind what it was hashed behind.
		moved = l != nil && at == l.from
		part.After = content.SHA1State{}
		if moved {
			part.After = l.to.State
			if err := tx.SetFront(id, l.to); err != nil {
				return err
			}
		}
		if err := got.put(tx); err != nil {
			return err
		}
		if err := tx.InsertPart(ses.Manifest, part); err != nil {
			return err
		}
		return tx.AppendLog(id, content.LogEvent{At: now, Event: "part", Part: &part.Part, Status: 200})
	})
	switch {
	case err != nil:
		if refused != nil {
			s.refuse(got)
		}
		// Else the transaction failed as a whole, and what became of it is not
		// known: the blob may have its row after all, so it stays for the sweep.
		return content.Part{}, false, err
	case have:
		// If it is this very blob, the transaction ran before, unknown to us.
		if mine = stored.Blob == got.key; !mine {
			s.refuse(got)
		}
		return stored.Part, mine, nil
	}
	saved()
	if l != nil {
		f.recorded(l)
	}
	if moved {
		f.wrote(l.to.N)
	}
	return part.Part, true, nil
}

// trailing is the empty part that some clients send behind a file whose size
// is a multiple of the part size.
func trailing(g content.Grid, span content.Span) bool {
	return g.FileSize > 0 && g.FileSize%g.PartSize == 0 && span == content.Span{Start: g.FileSize, End: g.FileSize}
}

// takeNothing answers a trailing empty part, which is stored nowhere.
func takeNothing(ses meta.Session, sent Sent, body io.Reader) (content.Part, error) {
	src := blob.Verify(body, blob.Want{Size: 0, SHA1: &sent.SHA1}, nil)
	if _, err := io.Copy(io.Discard, src); err != nil {
		return content.Part{}, err
	}
	return content.Part{ID: partID(ses.ID, ses.Grid.Parts()), Span: sent.Span, SHA1: content.EmptySHA1}, nil
}

// note adds a refusal to the session's own log, within its limit. It does not
// change what the client is told, so its own failure goes to the server's log, but
// for the one trouble that both are from most likely.
func (s *Service) note(ctx context.Context, id content.SessionID, e content.LogEvent, cause error) {
	e.At = s.Now()
	e.Status, e.Code, e.Message = s.Answer(cause)
	if errors.Is(cause, context.Canceled) && ctx.Err() != nil {
		e.Message = "the client went away"
	}
	ctx, cancel := s.settle(ctx)
	defer cancel()
	err := s.Meta.Update(ctx, func(tx meta.Tx) error { return s.appendLog(tx, id, e) })
	if err != nil && e.Status < 500 {
		s.Log.Warn("session's log not written", "session", id, "event", e.Event, "error", err)
	}
}
