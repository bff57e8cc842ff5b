package client

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"hash"
	"path/filepath"
	"time"

	"boxcar/boxapi"
)

// transfer is a job's work on one session.
type transfer struct {
	*job
	session *boxapi.UploadSession
	slots   []slot

	// The file's digest, and its state behind the first slots that are hashed
	// whole. Only prepare moves these, and nobody else looks before it has
	// ended: then file may be in the middle of a part, and running is not.
	file    hash.Hash
	running []byte
	hashed  int

	throttle *throttle
	mending  bool // only what the server lacks is looked at
	useless  bool // the parts are as they should be, and make another file
}

// slot is what is known of one part.
type slot struct {
	sum   [20]byte // of the source, for the first transfer.hashed slots
	there bool     // the server has it
	id    string   // its part_id
	sent  string   // the SHA-1 that the server tells of it, "" if it does not
}

// mismatch says that the session has other bytes than the source.
type mismatch struct {
	offset int64
	why    string
}

func (m *mismatch) Error() string {
	return fmt.Sprintf("%v: the part at %d: %s", ErrSourceChanged, m.offset, m.why)
}

func (m *mismatch) Is(target error) bool { return target == ErrSourceChanged }

// goneError says that a session has ended before its upload.
type goneError struct{ err error }

func (e *goneError) Error() string { return "the upload session is gone: " + e.err.Error() }
func (e *goneError) Unwrap() error { return e.err }

// beginError says that a new session is needed to go on.
type beginError struct{ err error }

func (e *beginError) Error() string { return e.err.Error() }
func (e *beginError) Unwrap() error { return e.err }

// maxRestarts is how often an upload begins again.
const maxRestarts = 3

// chunked uploads through a session: the one of the state or of the caller, if
// there is one, or a new one.
func (j *job) chunked(ctx context.Context) (*Result, error) {
	for {
		t, err := j.open(ctx)
		if err != nil {
			return nil, err
		}
		var res *Result
		if t == nil { // the file of a session that is gone
			file, lookErr := j.landed(ctx)
			if file != nil {
				res = &Result{File: file, SHA1: j.sum}
			} else if lookErr != nil {
				return nil, lookErr
			}
			err = &goneError{errors.New("and there is no file of it")}
		} else {
			res, err = t.run(ctx)
		}
		if res != nil {
			j.forget()
			return res, nil
		}
		if again := j.again(ctx, t, err); !again {
			return nil, j.fail(ctx, t, err)
		}
		j.restarts++
		j.reused = 0
		j.u.Progress.tell(Event{Kind: Restarted, Err: err, Total: j.src.size})
	}
}

// again says whether to begin with another session after err, and lets go of the
// one that there was.
func (j *job) again(ctx context.Context, t *transfer, err error) bool {
	if ctx.Err() != nil || j.restarts >= maxRestarts {
		return false
	}
	var gone *goneError
	var begin *beginError
	drop := false
	switch {
	case errors.As(err, &gone):
	case errors.As(err, &begin):
		drop = true
	case errors.Is(err, ErrSourceChanged):
		if j.u.OnChange != RestartChanged && !j.adopted {
			return false
		}
		drop = true
		j.summed = false
		if j.src.look() != nil {
			return false
		}
	default:
		return false
	}
	if j.src.begun() || j.u.Name == "" && j.u.FileID == "" {
		return false // nothing to send again, or nowhere
	}
	if drop && t != nil {
		j.abort(ctx, t.session.ID)
	}
	j.forget()
	j.state, j.u.SessionID, j.adopted = nil, "", false
	return true
}

// fail is the error that an upload ends with.
func (j *job) fail(ctx context.Context, t *transfer, err error) error {
	if t == nil {
		return err
	}
	var gone *goneError
	e := &UploadError{SessionID: t.session.ID, Parts: len(t.slots), Resumable: !errors.As(err, &gone), Err: err}
	for _, s := range t.slots {
		if s.there {
			e.PartsDone++
		}
	}
	if e.Resumable && t.useless {
		e.Resumable = false
		j.abort(ctx, t.session.ID)
	}
	if e.Resumable && j.u.AbortOnFailure {
		j.abort(ctx, t.session.ID)
		e.Resumable = false
	}
	if !e.Resumable {
		j.forget()
		return e
	}
	t.save(true)
	return e
}

// abort drops a session as far as the server lets it, also when ctx has ended.
func (j *job) abort(ctx context.Context, id string) {
	most := 10 * time.Second
	if ctx.Err() != nil {
		most = 3 * time.Second // somebody waits for the end
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
	defer cancel()
	_ = j.c.Abort(ctx, id) // what is left expires by itself
}

// open makes a session, or finds the one to go on with. nil means that it is gone
// after a commit was asked for.
func (j *job) open(ctx context.Context) (*transfer, error) {
	id := j.u.SessionID
	if j.state != nil {
		id = j.state.Session
	}
	if id == "" {
		s, err := j.create(ctx)
		if err != nil {
			return nil, err
		}
		t, err := j.transfer(s)
		if err != nil {
			return nil, err
		}
		t.save(true)
		if j.adopted {
			err = t.list(ctx)
		}
		return t, left(s.ID, s, err)
	}

	s, err := j.c.Session(ctx, id)
	if sessionGone(err) {
		if j.state != nil && j.state.Committing {
			if j.src.at == nil { // its digest is needed before anything is sent
				if err := j.spool(ctx); err != nil {
					return nil, err
				}
			}
			return nil, j.digest(ctx)
		}
		return j.reopen(ctx, err)
	}
	if err != nil {
		return nil, left(id, nil, err)
	}
	if err := checkSession(s, j.src.size); err != nil {
		return nil, left(id, s, fmt.Errorf("%w: %w", ErrSourceChanged, err))
	}
	t, err := j.transfer(s)
	if err == nil {
		err = t.list(ctx)
	}
	if sessionGone(err) {
		return j.reopen(ctx, err)
	}
	if err == nil {
		err = t.take(ctx, j.state)
	}
	return t, left(id, s, err)
}

// left is an error about a session that is left as it was; nil if err is.
func left(id string, s *boxapi.UploadSession, err error) error {
	if err == nil {
		return nil
	}
	e := &UploadError{SessionID: id, Resumable: true, Err: err}
	if s != nil {
		e.Parts, e.PartsDone = s.TotalParts, s.NumPartsProcessed
	}
	return e
}

// reopen is open after the session that was to be gone on with is gone.
func (j *job) reopen(ctx context.Context, err error) (*transfer, error) {
	err = &goneError{err}
	if !j.again(ctx, nil, err) {
		j.forget() // there is nothing to go on with
		return nil, err
	}
	j.restarts++
	j.u.Progress.tell(Event{Kind: Restarted, Err: err, Total: j.src.size})
	return j.open(ctx)
}

func (j *job) create(ctx context.Context) (*boxapi.UploadSession, error) {
	for {
		var err error
		var s *boxapi.UploadSession
		if j.to.fileID != "" {
			if j.to.before == "" {
				if _, err := j.look(ctx); err != nil {
					return nil, err
				}
			}
			name := ""
			if j.u.FileID != "" {
				name = j.to.name
			}
			s, err = j.c.CreateVersionSession(ctx, j.to.fileID, name, j.src.size)
		} else {
			s, err = j.c.CreateSession(ctx, j.to.folderID, j.to.name, j.src.size)
		}
		if err == nil {
			j.adopted = s.NumPartsProcessed > 0
			return s, nil
		}
		var refused *Error
		if !errors.As(err, &refused) || !errors.Is(err, ErrNameInUse) {
			return nil, err
		}
		if err := j.decide(ctx, refused); err != nil {
			return nil, err
		}
	}
}

func (j *job) transfer(s *boxapi.UploadSession) (*transfer, error) {
	if err := checkSession(s, j.src.size); err != nil {
		return nil, err
	}
	j.u.Progress.tell(Event{Kind: Opened, SessionID: s.ID, Parts: s.TotalParts, Total: j.src.size})
	return &transfer{
		job: j, session: s, slots: make([]slot, s.TotalParts), file: sha1.New(),
		throttle: newThrottle(j.u.MinParallel, j.u.MaxParallel),
	}, nil
}

// span is where a slot is in the file, in bytes.
func (t *transfer) span(slot int) (offset, size int64) {
	offset = int64(slot) * t.session.PartSize
	return offset, min(t.session.PartSize, t.src.size-offset)
}

// list takes in what the server has.
func (t *transfer) list(ctx context.Context) error {
	for i := range t.slots {
		t.slots[i].there, t.slots[i].id, t.slots[i].sent = false, "", ""
	}
	for p, err := range t.c.partsOf(ctx, t.session.ID, len(t.slots)) {
		if err != nil {
			return err
		}
		if p.Size == 0 || p.Offset < 0 || p.Offset%t.session.PartSize != 0 || p.Offset >= t.src.size {
			continue
		}
		s := &t.slots[p.Offset/t.session.PartSize]
		if _, size := t.span(int(p.Offset / t.session.PartSize)); p.Size == size {
			s.there, s.id, s.sent = true, p.PartID, p.SHA1
		}
	}
	return nil
}

// run sends what is missing and commits.
func (t *transfer) run(ctx context.Context) (*Result, error) {
	if err := t.send(ctx); err != nil {
		return nil, err
	}
	if err := t.src.unchanged(); err != nil {
		return nil, &mismatch{0, err.Error()}
	}
	sum := [20]byte(t.file.Sum(nil))
	if t.summed && sum != t.sum {
		return nil, fmt.Errorf("%w between two readings", ErrSourceChanged)
	}
	t.sum, t.summed = sum, true
	file, err := t.commit(ctx)
	if err != nil {
		return nil, err
	}
	return &Result{File: file, SHA1: sum, SessionID: t.session.ID, Reused: t.reused}, nil
}

// take goes on from a saved state, as far as it is to be trusted: a file whose
// size and time of change are what they were, and some of whose parts are tried.
func (t *transfer) take(ctx context.Context, s *State) error {
	if s == nil || s.hashed() == 0 || t.u.Rehash || s.PartSize != t.session.PartSize ||
		t.src.modified.IsZero() || !s.Modified.Equal(t.src.modified) {
		return nil
	}
	n := min(s.hashed(), len(t.slots))
	h, err := s.running()
	if err != nil {
		return err
	}
	for i := range n {
		t.slots[i].sum = [20]byte(s.Digests[i*sha1.Size:])
	}
	for _, i := range []int{0, n / 2, n - 1} {
		offset, size := t.span(i)
		part := sha1.New()
		if err := t.src.read(ctx, offset, size, func(b []byte) { part.Write(b) }); err != nil {
			return err
		}
		t.hashing(size)
		if [20]byte(part.Sum(nil)) != t.slots[i].sum {
			return nil // all of it is read, and compared with what was sent
		}
	}
	t.file, t.running, t.hashed = h, s.Running, n
	return nil
}

// save keeps the state, now and then or now.
func (t *transfer) save(now bool) {
	const often = 2 * time.Second
	if t.u.State == nil || !now && time.Since(t.savedAt) < often {
		return
	}
	s := &State{
		Server: t.c.urls.API, Session: t.session.ID, Expires: t.session.SessionExpiresAt.Time,
		FolderID: t.u.FolderID, Name: t.u.Name, FileID: t.u.FileID, AsName: t.to.name, AsFileID: t.to.fileID,
		Before: t.to.before, Committing: t.state != nil && t.state.Committing,
		Path: t.src.path, Size: t.src.size, Modified: t.src.modified,
		PartSize: t.session.PartSize, Saved: time.Now().UTC(),
	}
	if t.hashed > 0 {
		s.Running = t.running
		for i := range t.hashed { // by index: what else is in a slot is others' to write
			s.Digests = append(s.Digests, t.slots[i].sum[:]...)
		}
	}
	t.state, t.savedAt = s, time.Now()
	// A state that can't be kept does not stop an upload: it could not be gone
	// on with, that is all. The caller is told.
	if err := t.u.State.Save(t.stateKey(), s); err != nil {
		t.u.Progress.tell(Event{Kind: Warning, Err: fmt.Errorf("the state can't be saved: %w", err), SessionID: t.session.ID})
	}
}

// stateKey is the caller's, or made of what tells uploads apart.
func (j *job) stateKey() string {
	if j.u.StateKey != "" {
		return j.u.StateKey
	}
	return fmt.Sprintf("%s\x00%s\x00%s\x00%s\x00%s", j.c.urls.API, j.u.FolderID, j.u.Name, j.u.FileID, filepath.ToSlash(j.src.path))
}

// loadState finds the state of an earlier run. One that is about another upload is
// none.
func (j *job) loadState(ctx context.Context) error {
	s, err := j.u.State.Load(j.stateKey())
	if err != nil || s == nil {
		return err
	}
	if s.Server != j.c.urls.API || s.FolderID != j.u.FolderID || s.Name != j.u.Name || s.FileID != j.u.FileID {
		return nil
	}
	if s.Size != j.src.size {
		if j.u.OnChange != RestartChanged {
			return &UploadError{SessionID: s.Session, Resumable: true,
				Err: fmt.Errorf("%w: it has %d bytes, and had %d", ErrSourceChanged, j.src.size, s.Size)}
		}
		j.abort(ctx, s.Session)
		return j.u.State.Delete(j.stateKey())
	}
	j.state = s
	j.to.name, j.to.fileID, j.to.before = s.AsName, s.AsFileID, s.Before
	return nil
}

// forget drops the state.
func (j *job) forget() {
	if j.u.State != nil {
		// What is left is found to be over by the next run.
		_ = j.u.State.Delete(j.stateKey())
	}
}
