package upload

import (
	"context"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/digest"
	"boxcar/internal/meta"
)

const (
	// planWait is how long a plan waits for SHA-512s that are being computed.
	planWait = 20 * time.Second
	// hashIdle is how long no part must have come before other files are hashed.
	hashIdle = time.Minute
	// planMatches is how many equal blobs are looked at for one the caller may read.
	planMatches = 16
)

// Offer is a part that a client could send.
type Offer struct {
	Span   content.Span
	SHA512 content.SHA512
}

// Planned is what became of an offer.
type Planned struct {
	Offer
	Hit  bool
	Part string // the part's id, if it is a hit
}

// Plan registers those offered parts whose bytes are stored already in files
// that the caller may read: they need not be sent. The answers are in the
// order of the offers.
func (s *Service) Plan(ctx context.Context, who content.Principal, id content.SessionID, offers []Offer) (_ []Planned, err error) {
	ctx, end := s.watch(ctx, OpPlan)
	defer func() { end(err) }()
	var ses meta.Session
	err = s.Meta.View(ctx, func(tx meta.Tx) (err error) {
		ses, err = s.plannable(tx, who, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, o := range offers {
		if !ses.Grid.Holds(o.Span) {
			return nil, content.Errorf(content.RangeNotSatisfiable,
				"%d bytes at %d are not a part of this session: parts have %d bytes and start at multiples of that, and only the last is shorter and ends the file at %d",
				o.Span.Len(), o.Span.Start, ses.Grid.PartSize, ses.Grid.FileSize)
		}
	}
	if err := s.awaitSHA512(ctx, ses); err != nil {
		return nil, err
	}

	f := s.hold(ses)
	defer s.drop(id, f)
	ctx, cancel := s.settle(ctx)
	defer cancel()
	now := s.Now()
	var planned []Planned
	var steps []step
	err = s.Meta.Update(ctx, func(tx meta.Tx) error {
		planned, steps = make([]Planned, 0, len(offers)), nil
		row, err := s.plannable(tx, who, id)
		if err != nil {
			return err
		}
		front, hits := f.at(), 0
		for _, o := range offers {
			before := front.N
			part, err := s.reuse(ctx, tx, who, row, o, &front, now)
			if err != nil {
				return err
			}
			planned = append(planned, Planned{Offer: o, Hit: part != "", Part: part})
			if part != "" {
				hits++
			}
			if front.N != before {
				steps = append(steps, step{from: before, to: front})
			}
		}
		if len(steps) > 0 {
			if _, _, err := s.checkpoint(tx, row, f); err != nil {
				return err
			}
			if err := tx.SetFront(id, front); err != nil {
				return err
			}
		}
		return s.appendLog(tx, id, content.LogEvent{At: now, Event: "plan", Status: 200, Message: fmt.Sprintf("%d of %d parts need not be sent", hits, len(offers))})
	})
	if err != nil {
		s.note(ctx, id, content.LogEvent{Event: "plan"}, err)
		return nil, err
	}
	for _, st := range steps {
		f.adopt(st.from, st.to)
		f.wrote(st.to.N)
	}
	s.catchUp(ses, f)
	return planned, nil
}

// step is one move of the front.
type step struct {
	from int64
	to   content.Front
}

func (s *Service) plannable(tx meta.Tx, who content.Principal, id content.SessionID) (meta.Session, error) {
	ses, err := s.live(tx, who, id)
	if err == nil && (s.committing(ses) || ses.State == content.Committed) {
		err = content.Errorf(content.SessionBusy, "upload session %s is being committed or has been", id)
	}
	return ses, err
}

// reuse registers a stored blob with the offered bytes as the part, and moves
// front over it where the state behind it is known. It returns the part's id,
// or "" if there is no such blob that the caller may read.
func (s *Service) reuse(ctx context.Context, tx meta.Tx, who content.Principal, ses meta.Session, o Offer, front *content.Front, now time.Time) (string, error) {
	have, err := tx.Part(ses.Manifest, o.Span.Start)
	if err == nil {
		if have.SHA512 != (content.SHA512{}) && have.SHA512 == o.SHA512 {
			return have.ID, nil
		}
		return "", nil
	}
	if !content.Is(err, content.NotFound) {
		return "", err
	}
	matches, err := tx.MatchSHA512(who.User, ses.File, o.SHA512, o.Span.Len(), planMatches)
	if err != nil {
		return "", err
	}
	for _, m := range matches {
		if ok, err := s.Tree.MayRead(tx, who, m.File); err != nil {
			return "", err
		} else if !ok {
			continue
		}
		// What a row says is not enough: the bytes have to be there.
		if info, err := s.Blobs.Stat(ctx, m.Blob); err != nil || info.Size != o.Span.Len() {
			s.Log.Error("a blob that a version needs is not what it should be", "blob", m.Blob, "version", m.Version, "error", err)
			damage := meta.Altered
			if content.Is(err, content.NotFound) {
				damage = meta.Missing
			} else if err != nil {
				continue // the disk's trouble
			}
			if _, err := meta.Rotted(tx, meta.RottenBlob{Key: m.Blob, Damage: damage, FoundAt: now}); err != nil {
				return "", err
			}
			continue
		}
		part := meta.Part{
			Part: content.Part{ID: partID(ses.ID, o.Span.Start/ses.Grid.PartSize), Span: o.Span, SHA1: m.SHA1},
			Blob: m.Blob, SHA512: o.SHA512, CreatedAt: now,
		}
		// The same state before the same bytes gives the same state behind them.
		before := m.Before
		if m.Span.Start == 0 {
			before = digest.Start
		}
		if front.N == o.Span.Start && front.State.Known() && before == front.State {
			to := content.Front{N: o.Span.End, State: m.After}
			if to.N == ses.Grid.FileSize {
				v, err := tx.Version(m.Version)
				if err != nil {
					return "", err
				}
				if v.Size == to.N {
					to.Sum = v.SHA1
				}
			}
			if to.State.Known() && to.N < ses.Grid.FileSize || to.Sum != (content.SHA1{}) {
				*front, part.After = to, to.State
			}
		}
		if err := tx.InsertPart(ses.Manifest, part); err != nil {
			return "", err
		}
		return part.ID, nil
	}
	return "", nil
}

// hasher512 computes SHA-512s of stored parts, one blob at a time.
type hasher512 struct {
	mu     sync.Mutex
	jobs   map[content.ID]chan struct{} // by file: closed when its current version has been hashed
	owners map[content.ID]bool          // whose files are worth hashing when nothing else goes on
	last   time.Time                    // when a part came, by the clock handed in
	one    chan struct{}                // holds a value while a blob is being hashed
}

// hashForPlan hashes the current version of a file without anybody waiting.
// The channel is closed when that is over.
func (s *Service) hashForPlan(file content.ID) chan struct{} {
	h := &s.sha512
	h.mu.Lock()
	defer h.mu.Unlock()
	if done, ok := h.jobs[file]; ok {
		return done
	}
	if h.jobs == nil {
		h.jobs = map[content.ID]chan struct{}{}
	}
	done := make(chan struct{})
	h.jobs[file] = done
	s.work.Go(func() {
		defer func() {
			h.mu.Lock()
			delete(h.jobs, file)
			h.mu.Unlock()
			close(done)
		}()
		var parts []meta.Part
		err := s.Meta.View(s.bg, func(tx meta.Tx) error {
			row, err := tx.Item(file)
			if err == nil {
				parts, err = tx.UnhashedIn(row.Current.Manifest, content.MaxParts)
			}
			return err
		})
		if err == nil {
			err = s.hashAll(s.bg, parts)
		}
		if err != nil && s.bg.Err() == nil {
			s.Log.Error("hashing for plan", "file", file, "error", err)
		}
	})
	return done
}

// awaitSHA512 waits for the digests that a plan of the session could match.
func (s *Service) awaitSHA512(ctx context.Context, ses meta.Session) error {
	ctx, cancel := context.WithTimeoutCause(ctx, planWait, errPlanWait)
	defer cancel()
	// Parts that are in the session already are compared by SHA-512, too.
	var own []meta.Part
	err := s.Meta.View(ctx, func(tx meta.Tx) (err error) {
		own, err = tx.UnhashedIn(ses.Manifest, content.MaxParts)
		return err
	})
	if err == nil {
		err = s.hashAll(ctx, own)
	}
	if err == nil && ses.File != 0 {
		select {
		case <-s.hashForPlan(ses.File):
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	if errors.Is(context.Cause(ctx), errPlanWait) {
		return nil // what is not known by now is a miss
	}
	return err
}

var errPlanWait = errors.New("waited long enough for SHA-512")

// hashAll computes and records the SHA-512 of blobs. The same pass checks
// their SHA-1: what has rotted gets none, and so is no match for anything.
func (s *Service) hashAll(ctx context.Context, parts []meta.Part) error {
	const batch = 32 // digests recorded in one transaction
	sums := map[blob.Key]content.SHA512{}
	save := func() error {
		if len(sums) == 0 {
			return nil
		}
		defer clear(sums)
		return s.Meta.Update(ctx, func(tx meta.Tx) error {
			for key, sum := range sums {
				if err := tx.SetSHA512(key, sum); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for _, p := range parts {
		sum, ok, err := s.hash512(ctx, p)
		if err != nil {
			return err
		}
		if ok {
			sums[p.Blob] = sum
		}
		if len(sums) == batch {
			if err := save(); err != nil {
				return err
			}
		}
	}
	return save()
}

func (s *Service) hash512(ctx context.Context, p meta.Part) (sum content.SHA512, ok bool, err error) {
	// The blob of another may be large, and a plan waits for a limited time.
	select {
	case s.sha512.one <- struct{}{}:
		defer func() { <-s.sha512.one }()
	case <-ctx.Done():
		return sum, false, context.Cause(ctx)
	}
	h, check := sha512.New(), digest.New()
	buf := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buf)
	err = s.readBlob(ctx, io.MultiWriter(h, check), p, *buf)
	if content.Is(err, content.NotFound) {
		return sum, false, nil // deleted meanwhile
	}
	if err != nil {
		return sum, false, err
	}
	if check.Sum() != p.SHA1 {
		s.Log.Error("a stored part has rotted", "blob", p.Blob, "is", check.Sum(), "should be", p.SHA1)
		return sum, false, s.Meta.Update(ctx, func(tx meta.Tx) error {
			_, err := meta.Rotted(tx, meta.RottenBlob{Key: p.Blob, Damage: meta.Altered, FoundAt: s.Now()})
			return err
		})
	}
	h.Sum(sum[:0])
	return sum, true, nil
}

// HashIdle hashes the files of those who use upload sessions, if no part has
// come for a minute, so that later plans find them. It stops when one comes.
func (s *Service) HashIdle(ctx context.Context) error {
	for _, owner := range s.idleOwners() {
		for after := blob.Key(""); ; {
			var parts []meta.Part
			err := s.Meta.View(ctx, func(tx meta.Tx) (err error) {
				parts, err = tx.Unhashed(owner, after, 32)
				return err
			})
			if err != nil {
				return err
			}
			if len(parts) == 0 {
				break
			}
			if err := s.hashAll(ctx, parts); err != nil {
				return err
			}
			after = parts[len(parts)-1].Blob
			if len(s.idleOwners()) == 0 {
				return nil
			}
		}
	}
	return nil
}

// idleOwners is empty as long as parts come in.
func (s *Service) idleOwners() (owners []content.ID) {
	h := &s.sha512
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.Now().Sub(h.last) < hashIdle {
		return nil
	}
	for id := range h.owners {
		owners = append(owners, id)
	}
	return owners
}

// active notes that owner is at work.
func (s *Service) active(owner content.ID) {
	h := &s.sha512
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.owners == nil {
		h.owners = map[content.ID]bool{}
	}
	h.owners[owner] = true
	h.last = s.Now()
}
