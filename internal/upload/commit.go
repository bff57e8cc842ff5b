package upload

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/tree"
)

// Commit is what a client says to make a file of a session.
type Commit struct {
	Parts         []Listed
	SHA1          content.SHA1 // of the whole file
	Preconditions content.Preconditions
	Attributes    content.Attributes
}

// Listed is a part as the client lists it.
type Listed struct {
	ID           string
	Offset, Size int64
	SHA1         *content.SHA1 // nil if the client left it out
	Quote        func() string // what the client wrote
}

// commitLease is how long a session stays committing without a sign of life;
// a commit at work gives one three times as often.
const commitLease = 30 * time.Second

// Commit makes a file or a version of the session's parts, once, in one
// transaction that would survive a power cut when Commit returns. A committed
// session answers the same commit with the same file again. A content.CommitPending
// error says that the whole file's hash needs longer than the limit: the
// commit goes on, and asking again tells how it ended.
func (s *Service) Commit(ctx context.Context, who content.Principal, id content.SessionID, c Commit) (_ *content.File, err error) {
	ctx, end := s.watch(ctx, OpCommit)
	defer func() { end(err) }()
	deadline := time.NewTimer(s.Limits.Commit)
	defer deadline.Stop()
	for {
		ses, file, err := s.admitCommit(ctx, who, id, c)
		if err != nil {
			if ses.ID != "" {
				s.note(ctx, id, content.LogEvent{Event: "commit"}, err)
			}
			return nil, err
		}
		if file != nil {
			return file, nil
		}
		// Someone else's commit is under way: see how it ends.
		if s.committing(ses) {
			select {
			case <-time.After(10 * time.Millisecond):
				continue
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			case <-deadline.C:
				return nil, pending(id)
			}
		}

		// The commit outlives the request, as long as the hash may take.
		type result struct {
			file  *content.File
			again bool
			err   error
		}
		ended := make(chan result, 1)
		s.work.Go(func() {
			file, again, err := s.commit(context.WithoutCancel(ctx), who, ses, c)
			if err != nil {
				s.note(context.WithoutCancel(ctx), id, content.LogEvent{Event: "commit"}, err)
			}
			ended <- result{file, again, err}
		})
		select {
		case r := <-ended:
			if r.again {
				continue // somebody was faster
			}
			return r.file, r.err
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-deadline.C:
			return nil, pending(id)
		}
	}
}

func pending(id content.SessionID) error {
	return &content.Error{Kind: content.CommitPending, RetryAfter: time.Second,
		Message: fmt.Sprintf("upload session %s is still being hashed", id)}
}

// admitCommit makes all checks that need no hash. A session that has been
// committed gives its file.
func (s *Service) admitCommit(ctx context.Context, who content.Principal, id content.SessionID, c Commit) (ses meta.Session, file *content.File, err error) {
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		row, err := s.live(tx, who, id)
		if err != nil {
			return err
		}
		ses = row
		if s.committing(ses) {
			return nil
		}
		if ses.State == content.Committed {
			// The parts went with the version if that has been deleted since.
			if _, err := tx.Version(ses.Version); err != nil {
				return err
			}
		}
		if err := checkParts(tx, ses, c.Parts); err != nil {
			return err
		}
		if ses.State == content.Committed {
			if c.SHA1 != ses.SHA1 {
				return wrongDigest(ses.SHA1, c.SHA1)
			}
			file, err = s.Tree.Published(tx, who, ses.Version, ses.Sequence)
			return err
		}
		_, err = s.Tree.Admit(tx, who, commitTarget(ses, c), c.Preconditions)
		return err
	})
	return ses, file, err
}

// commitTarget is the session's target, with the name that the commit gives.
func commitTarget(ses meta.Session, c Commit) tree.Target {
	t := targetOf(ses)
	if c.Attributes.Name != nil {
		t.Name = *c.Attributes.Name
	}
	return t
}

func wrongDigest(is, want content.SHA1) error {
	return content.Errorf(content.DigestMismatch, "File digest was incorrect. Actual: %s Expected: %s",
		base64.StdEncoding.EncodeToString(is[:]), base64.StdEncoding.EncodeToString(want[:]))
}

// checkParts compares what the client lists with what is stored: every slot
// of the file once, in any order. Empty parts don't count.
func checkParts(tx meta.Tx, ses meta.Session, listed []Listed) error {
	slots := ses.Grid.Parts()
	bySlot := make([]*Listed, slots)
	for i, p := range listed {
		if p.Size == 0 {
			continue
		}
		slot := p.Offset / ses.Grid.PartSize
		if p.Offset < 0 || slot >= slots || bySlot[slot] != nil {
			return noMatch(p)
		}
		bySlot[slot] = &listed[i]
	}
	const batch = 1000
	for n := int64(0); n < slots; {
		stored, err := tx.Parts(ses.Manifest, n*ses.Grid.PartSize, batch)
		if err != nil {
			return err
		}
		for _, have := range stored {
			slot := have.Span.Start / ses.Grid.PartSize
			for ; n < slot; n++ {
				if p := bySlot[n]; p != nil {
					return noMatch(*p)
				}
				return missing(ses, n)
			}
			p := bySlot[n]
			if p == nil {
				return content.Errorf(content.PartsMismatch, "the part at offset %d is stored and not listed", have.Span.Start)
			}
			if p.ID != have.ID || p.Offset != have.Span.Start || p.Size != have.Span.Len() ||
				p.SHA1 != nil && *p.SHA1 != have.SHA1 {
				return noMatch(*p)
			}
			n++
		}
		if len(stored) < batch && n < slots {
			if p := bySlot[n]; p != nil {
				return noMatch(*p)
			}
			return missing(ses, n)
		}
	}
	return nil
}

func noMatch(p Listed) error {
	return content.Errorf(content.PartsMismatch, "No matching part found on server for %s", cut(p.Quote(), maxQuote))
}

func missing(ses meta.Session, slot int64) error {
	return content.Errorf(content.PartsMismatch, "the part at offset %d has not been uploaded", slot*ses.Grid.PartSize)
}

// commit hashes what is left and publishes. again says that the session had
// changed hands in between.
func (s *Service) commit(ctx context.Context, who content.Principal, ses meta.Session, c Commit) (file *content.File, again bool, err error) {
	f := s.hold(ses)
	defer s.drop(ses.ID, f)

	var leased time.Time
	if f.at().N != ses.Grid.FileSize {
		// The hash will take a while. Meanwhile the session is this commit's.
		leased, err = s.lease(ctx, who, ses.ID)
		if content.Is(err, content.SessionBusy) {
			return nil, true, nil
		}
		if err == nil {
			leased, err = s.finish(ctx, ses, f, leased)
		}
		if err != nil {
			// Also when the lease itself failed: it may have been made.
			s.reopen(ctx, ses.ID, leased)
			return nil, false, err
		}
	}
	front := f.at()
	sum := front.Sum
	if sum != c.SHA1 {
		if !leased.IsZero() {
			s.reopen(ctx, ses.ID, leased)
		}
		return nil, false, wrongDigest(sum, c.SHA1)
	}

	ctx, cancel := s.settle(ctx)
	defer cancel()
	now := s.Now()
	err = s.Meta.Update(ctx, func(tx meta.Tx) error {
		again = false
		row, err := s.live(tx, who, ses.ID)
		switch {
		case err != nil:
			return err
		case row.State == content.Committed, s.committing(row) && !row.Lease.Equal(leased):
			again = true
			return nil
		}
		// The parts were hashed as they came: no file may begin without its bytes.
		if lost, err := tx.RottenPart(row.Manifest); err == nil {
			return fmt.Errorf("upload session %s: the stored part at %d is damaged", ses.ID, lost.Span.Start)
		} else if !content.Is(err, content.NotFound) {
			return err
		}
		if _, _, err := s.checkpoint(tx, row, f); err != nil {
			return err
		}
		file, err = s.Tree.Publish(tx, who, commitTarget(row, c), c.Preconditions,
			tree.Content{Manifest: row.Manifest, Size: row.Grid.FileSize, SHA1: sum}, c.Attributes, now)
		if err != nil {
			return err
		}
		row.State, row.Lease, row.Reserved = content.Committed, time.Time{}, 0
		row.SHA1, row.Version, row.Committed, row.Sequence = sum, file.Version.ID, file.ID, file.Sequence
		row.Front = front
		if err := tx.UpdateSession(row); err != nil {
			return err
		}
		return tx.AppendLog(ses.ID, content.LogEvent{At: now, Event: "commit", Status: 201})
	})
	if err != nil && !leased.IsZero() {
		s.reopen(ctx, ses.ID, leased)
	}
	return file, again, err
}

// leaseFrom is when a lease ends that begins now, as rows keep it.
func (s *Service) leaseFrom() time.Time { return s.Now().Add(commitLease).Truncate(time.Microsecond) }

// lease makes an open session committing.
func (s *Service) lease(ctx context.Context, who content.Principal, id content.SessionID) (until time.Time, err error) {
	until = s.leaseFrom()
	err = s.Meta.Update(ctx, func(tx meta.Tx) error {
		ses, err := s.live(tx, who, id)
		if err != nil {
			return err
		}
		if ses.State == content.Committed || s.committing(ses) {
			return busy(id)
		}
		ses.State, ses.Lease = content.Committing, until
		return tx.UpdateSession(ses)
	})
	if err == nil {
		s.dead.Delete(id)
	}
	return until, err
}

// reopen gives a lease back. Where its row can't be changed now, such as with a
// full disk, the lease counts no more all the same.
func (s *Service) reopen(ctx context.Context, id content.SessionID, lease time.Time) {
	ctx, cancel := s.settle(ctx)
	defer cancel()
	err := s.Meta.Update(ctx, func(tx meta.Tx) error {
		ses, err := tx.Session(id)
		if err != nil || ses.State != content.Committing || !ses.Lease.Equal(lease) {
			return err
		}
		ses.State, ses.Lease = content.Open, time.Time{}
		return tx.UpdateSession(ses)
	})
	if err == nil {
		return
	}
	s.dead.Range(func(other, until any) bool {
		if !s.Now().Before(until.(time.Time)) {
			s.dead.Delete(other)
		}
		return true
	})
	s.dead.Store(id, lease)
}

// finish waits until the whole file has been hashed, and keeps the lease
// meanwhile. It returns the lease as it is then.
func (s *Service) finish(ctx context.Context, ses meta.Session, f *front, leased time.Time) (time.Time, error) {
	f.hurry.Store(true)
	defer f.hurry.Store(false)
	alive := time.NewTicker(commitLease / 3)
	defer alive.Stop()
	for f.at().N != ses.Grid.FileSize {
		before := f.at().N
		select {
		case <-s.catchUp(ses, f):
		case <-alive.C:
			leased = s.renew(ctx, ses.ID, leased)
			continue
		case <-ctx.Done():
			return leased, context.Cause(ctx)
		}
		f.mu.Lock()
		err, stuck := f.err, f.now.N == before && f.busy == nil
		f.mu.Unlock()
		if content.Is(err, content.NotFound) {
			// Of a blob whose row is there; it's no news about the session.
			err = fmt.Errorf("upload session %s: %v", ses.ID, err)
		}
		if err != nil {
			return leased, err
		}
		if stuck {
			return leased, fmt.Errorf("upload session %s: no stored part at %d to go on hashing", ses.ID, before)
		}
	}
	return leased, nil
}

// renew makes a lease last longer. Where that fails, it stays as it is; should
// it end, another commit may begin, and only one of the two will publish.
func (s *Service) renew(ctx context.Context, id content.SessionID, leased time.Time) time.Time {
	until := s.leaseFrom()
	err := s.Meta.Update(ctx, func(tx meta.Tx) error {
		ses, err := tx.Session(id)
		if err != nil {
			return err
		}
		if ses.State != content.Committing || !ses.Lease.Equal(leased) {
			return busy(id)
		}
		ses.Lease = until
		return tx.UpdateSession(ses)
	})
	if err != nil {
		s.Log.Warn("lease of a commit not renewed", "session", id, "error", err)
		return leased
	}
	return until
}
