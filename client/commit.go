package client

import (
	"context"
	"errors"
	"fmt"

	"boxcar/boxapi"
)

// commit makes the file of a session that has all its parts.
func (t *transfer) commit(ctx context.Context) (*boxapi.File, error) {
	if t.u.State != nil {
		t.save(true)
		t.state.Committing = true
		if err := t.u.State.Save(t.stateKey(), t.state); err != nil {
			t.u.Progress.tell(Event{Kind: Warning, Err: fmt.Errorf("the state can't be saved: %w", err), SessionID: t.session.ID})
		}
	}
	t.u.Progress.tell(Event{Kind: Committing, SessionID: t.session.ID, Parts: len(t.slots), Total: t.src.size})
	about := t.attributes()
	var landed *boxapi.File
	file, err := t.c.commit(ctx, func() (*boxapi.File, wish, error) {
		return t.c.commitOnce(ctx, t.session.ID, t.sum, t.parts(), about, t.u.IfMatch)
	}, func(err error, wasLost bool) (bool, error) {
		if wasLost && (sessionGone(err) || errors.Is(err, ErrNameInUse) || IsPreconditionFailed(err)) {
			file, lookErr := t.landed(ctx)
			if file != nil || lookErr != nil {
				landed = file
				return false, lookErr
			}
		}
		var refused *Error
		switch {
		case sessionGone(err):
			return false, &goneError{err}
		case HasCode(err, boxapi.CodePartsMismatch):
			// Box says so right after the last part, before it has seen them
			// all itself. What is truly missing is sent again.
			return t.mend(ctx, err)
		case errors.As(err, &refused) && errors.Is(err, ErrNameInUse):
			return t.rename(ctx, refused, &about)
		default:
			return passing(err) || HasCode(err, boxapi.CodeConflict), err
		}
	}, t.u.Progress)
	if landed != nil {
		return landed, nil
	}
	t.useless = HasCode(err, boxapi.CodeDigestMismatch)
	return file, err
}

// parts are the session's parts as the commit lists them.
func (t *transfer) parts() []boxapi.Part {
	parts := make([]boxapi.Part, len(t.slots))
	for i, s := range t.slots {
		offset, size := t.span(i)
		parts[i] = boxapi.Part{PartID: s.id, Offset: offset, Size: size, SHA1: hexSum(s.sum)}
	}
	return parts
}

// mend compares the parts with the server's list, sends those that it lacks, and
// says whether to ask for the commit again.
func (t *transfer) mend(ctx context.Context, refused error) (again bool, err error) {
	if err := t.list(ctx); err != nil {
		if sessionGone(err) {
			return false, &goneError{err}
		}
		return false, errors.Join(refused, err)
	}
	missing := false
	for i, s := range t.slots {
		missing = missing || !s.there
		if s.there && s.sent != "" && s.sent != hexSum(s.sum) {
			offset, _ := t.span(i)
			return false, errors.Join(&mismatch{offset, "the server has something else there"}, refused)
		}
	}
	if !missing {
		return true, nil
	}
	if t.src.at == nil {
		return false, refused // they are not on disk any more
	}
	t.mending = true
	err = t.send(ctx)
	return err == nil, err
}

// rename decides about a name that was taken while the upload went on.
func (t *transfer) rename(ctx context.Context, refused *Error, about *boxapi.Attributes) (again bool, err error) {
	old := t.to
	if err := t.decide(ctx, refused); err != nil {
		return false, err
	}
	if t.to.fileID != old.fileID {
		// The session is one for a new file.
		return false, &beginError{refused}
	}
	name := boxapi.Name(t.to.name)
	about.Name = &name
	return true, nil
}
