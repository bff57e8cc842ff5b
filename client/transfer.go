package client

import (
	"context"
	"crypto/sha1"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"boxcar/boxapi"
)

// work is a part to be sent.
type work struct {
	slot int
	from io.ReaderAt // the part, from 0
	drop func()      // frees what from is kept in
}

// send brings the parts that are missing to the server: one goroutine reads the
// source in order, hashes it and hands on what has to be sent.
func (t *transfer) send(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	// Hashing runs ahead by as many parts as are sent at once; a stream's parts
	// are on disk meanwhile, so those only by one.
	ahead := t.u.MaxParallel
	if t.src.at == nil {
		ahead = 1
	}
	queue := make(chan work, ahead)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(queue)
		if err := t.prepare(ctx, queue); err != nil {
			cancel(err)
		}
	})
	for {
		if t.throttle.acquire(ctx) != nil {
			break
		}
		w, ok := <-queue // which is closed when ctx ends
		if !ok {
			t.throttle.release()
			break
		}
		if ctx.Err() != nil {
			t.throttle.release()
			w.drop()
			break
		}
		wg.Go(func() {
			defer t.throttle.release()
			defer w.drop()
			if err := t.sendPart(ctx, w); err != nil {
				cancel(err)
			}
		})
	}
	for w := range queue {
		w.drop()
	}
	wg.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// prepare hashes what is left of the source, and queues the parts that the server
// does not have.
func (t *transfer) prepare(ctx context.Context, queue chan<- work) error {
	known := t.hashed
	plan := newPlan(t)
	for i := range t.slots {
		w := work{slot: i, drop: func() {}}
		var err error
		switch {
		case t.mending && t.slots[i].there:
		case i < known:
			offset, size := t.span(i)
			w.from = io.NewSectionReader(t.src.at, offset, size)
			err = t.settle(ctx, w, queue)
		case t.src.at != nil:
			offset, size := t.span(i)
			w.from = io.NewSectionReader(t.src.at, offset, size)
			var offer hash.Hash
			if plan.wants(i) {
				offer = sha512.New()
			}
			if err = t.hash(ctx, i, io.NewSectionReader(t.src.at, offset, size), offer, nil); err == nil {
				err = plan.add(ctx, w, offer, queue)
			}
		default:
			err = t.spoolPart(ctx, i, queue)
		}
		if err != nil {
			return err
		}
		t.save(false)
	}
	if err := plan.flush(ctx, queue); err != nil {
		return err
	}
	if t.src.at == nil {
		// Nothing may follow.
		var one [1]byte
		if n, _ := io.ReadFull(t.src.reader(ctx), one[:]); n > 0 {
			return fmt.Errorf("%w: it has more than the %d bytes announced", ErrSourceChanged, t.src.size)
		}
	}
	return nil
}

// hash reads a part once for all digests: its own, the file's, an offer's, and
// the copy in a temporary file.
func (t *transfer) hash(ctx context.Context, i int, r io.Reader, offer hash.Hash, copyTo io.Writer) error {
	_, size := t.span(i)
	part := sha1.New()
	var copyErr error
	err := readBlocks(ctx, r, size, func(block []byte) {
		// Side by side: each digest is as slow as the disk is fast.
		var wg sync.WaitGroup
		wg.Go(func() { t.file.Write(block) })
		if offer != nil {
			wg.Go(func() { offer.Write(block) })
		}
		if copyTo != nil && copyErr == nil {
			_, copyErr = copyTo.Write(block)
		}
		part.Write(block)
		wg.Wait()
		t.hashing(int64(len(block)))
	})
	if err = errors.Join(err, copyErr); err != nil {
		return err
	}
	running, err := freeze(t.file)
	if err != nil {
		return err
	}
	t.slots[i].sum = [20]byte(part.Sum(nil))
	t.running, t.hashed = running, i+1
	return nil
}

// spoolPart reads the next part of a stream into a temporary file.
func (t *transfer) spoolPart(ctx context.Context, i int, queue chan<- work) error {
	f, err := os.CreateTemp(t.u.Spool.Dir, "boxcar-part-*")
	if err != nil {
		return err
	}
	p := spooledPart{f}
	if err := t.hash(ctx, i, t.src.reader(ctx), nil, f); err != nil {
		p.drop()
		return err
	}
	w := work{slot: i, from: f, drop: p.drop}
	return t.settle(ctx, w, queue)
}

// settle compares a part whose digest is known with what the server has, and
// queues it if that is nothing.
func (t *transfer) settle(ctx context.Context, w work, queue chan<- work) error {
	s := &t.slots[w.slot]
	if s.there {
		w.drop()
		offset, size := t.span(w.slot)
		if s.sent != "" && !strings.EqualFold(s.sent, hexSum(s.sum)) {
			return &mismatch{offset, fmt.Sprintf("the server has one with SHA-1 %s, and the source has %x", s.sent, s.sum)}
		}
		if s.sent == "" {
			// Without a digest nobody knows what it is.
			return &beginError{fmt.Errorf("the server tells no SHA-1 of the part at %d", offset)}
		}
		t.reused += size
		t.tell(PartDone, w.slot, true)
		return nil
	}
	select {
	case queue <- w:
		return nil
	case <-ctx.Done():
		w.drop()
		return context.Cause(ctx)
	}
}

func (t *transfer) tell(kind EventKind, i int, reused bool) {
	offset, size := t.span(i)
	t.u.Progress.tell(Event{
		Kind: kind, Part: i, Parts: len(t.slots), Offset: offset, Size: size, Reused: reused,
		Total: t.src.size, SessionID: t.session.ID,
	})
}

// sendPart sends one part, again and again if need be, and not before it has looked
// whether an attempt that was not answered has brought it there.
func (t *transfer) sendPart(ctx context.Context, w work) error {
	p := t.c.retry.start()
	look := false
	began := time.Now()
	for {
		id, err := t.tryPart(ctx, w, look)
		if err == nil {
			s := &t.slots[w.slot]
			s.there, s.id = true, id
			_, size := t.span(w.slot)
			t.throttle.moved(size, began)
			t.tell(PartDone, w.slot, false)
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var differs *mismatch
		switch {
		case errors.As(err, &differs):
			return err
		case errors.Is(err, io.ErrUnexpectedEOF) && errors.Is(err, errSource):
			return fmt.Errorf("%w: it has become shorter: %w", ErrSourceChanged, err)
		case sessionGone(err):
			return &goneError{err}
		case HasCode(err, boxapi.CodeDigestMismatch, boxapi.CodeBadDigest, boxapi.CodeRequestSizeMismatch),
			hasStatus(err, http.StatusPreconditionFailed): // another way to say so that Box documents
			// Bytes have changed on their way, or between hashing and sending.
			if changed := t.compare(ctx, w); changed != nil {
				return changed
			}
		case HasCode(err, boxapi.CodeRangeOverlapsExistingPart):
			return t.overlap(ctx, w, began, err)
		case IsConflict(err): // being committed by an earlier run, or there already
		case !passing(err):
			return err
		}
		look = look || lost(err) || IsConflict(err)
		t.throttle.failed()
		wait, again := p.next(asked(err))
		if !again {
			return err
		}
		offset, size := t.span(w.slot)
		t.u.Progress.tell(Event{
			Kind: Waiting, Wait: wait, Err: err, Part: w.slot, Parts: len(t.slots),
			Offset: offset, Size: size, Total: t.src.size, SessionID: t.session.ID,
		})
		if ended := sleep(ctx, wait); ended != nil {
			return ended
		}
	}
}

// tryPart sends a part once, unless it is there. It returns its part_id.
func (t *transfer) tryPart(ctx context.Context, w work, look bool) (string, error) {
	sum := t.slots[w.slot].sum
	if look {
		id, err := t.find(ctx, w.slot, sum)
		if err != nil || id != "" {
			return id, err
		}
	}
	t.tell(PartStarted, w.slot, false)
	offset, size := t.span(w.slot)
	var moved atomic.Int64
	r := partRequest(t.session.ID, offset, size, t.src.size, sum, w.from, func(n int64) {
		moved.Add(n)
		t.u.Progress.tell(Event{
			Kind: Moved, Bytes: n, Part: w.slot, Parts: len(t.slots),
			Offset: offset, Size: size, Total: t.src.size, SessionID: t.session.ID,
		})
	})
	var part boxapi.PartReply
	r.into = &part
	_, err := t.c.once(ctx, r)
	got := part.Part
	if err == nil && (got.PartID == "" || got.Offset != offset || got.Size != size || got.SHA1 != "" && !strings.EqualFold(got.SHA1, hexSum(sum))) {
		// As good as no answer.
		err = fmt.Errorf("the server stored another part than was sent: %+v", got)
	}
	if err != nil {
		t.u.Progress.tell(Event{
			Kind: Moved, Bytes: -moved.Load(), Part: w.slot, Parts: len(t.slots),
			Offset: offset, Size: size, Total: t.src.size, SessionID: t.session.ID,
		})
		return "", err
	}
	return got.PartID, nil
}

// find looks for a part of that digest in its slot, and returns its part_id, or "".
func (t *transfer) find(ctx context.Context, i int, sum [20]byte) (string, error) {
	r := t.c.partsRequest(t.session.ID, i, 1)
	var page boxapi.PartList
	r.into = &page
	if _, err := t.c.once(ctx, r); err != nil {
		return "", err
	}
	offset, size := t.span(i)
	for _, p := range page.Entries {
		if p.Offset != offset || p.Size != size || p.PartID == "" {
			continue
		}
		if strings.EqualFold(p.SHA1, hexSum(sum)) {
			return p.PartID, nil
		}
		if p.SHA1 != "" {
			return "", &mismatch{offset, fmt.Sprintf("the server has one with SHA-1 %s, and the source had %x", p.SHA1, sum)}
		}
	}
	return "", nil
}

// overlap ends a part of which the server says that it is there: it is, or
// something else is.
func (t *transfer) overlap(ctx context.Context, w work, began time.Time, refused error) error {
	s := &t.slots[w.slot]
	offset, size := t.span(w.slot)
	done := func(id string) error {
		s.there, s.id = true, id
		t.throttle.moved(size, began)
		t.tell(PartDone, w.slot, false)
		return nil
	}
	var e *Error
	if errors.As(refused, &e) && e.Context != nil {
		if p := e.Context.ConflictingPart; p != nil && p.PartID != "" && p.Offset == offset && p.Size == size && strings.EqualFold(p.SHA1, hexSum(s.sum)) {
			return done(p.PartID)
		}
	}
	for p, err := range t.c.partsOf(ctx, t.session.ID, len(t.slots)) {
		if err != nil {
			return err
		}
		if p.Offset == offset && p.Size == size && strings.EqualFold(p.SHA1, hexSum(s.sum)) {
			return done(p.PartID)
		}
	}
	return errors.Join(&mismatch{offset, "the server has something else there"}, refused)
}

// compare reads a part again, and says whether the source is what it was.
func (t *transfer) compare(ctx context.Context, w work) error {
	offset, size := t.span(w.slot)
	part := sha1.New()
	if err := readBlocks(ctx, io.NewSectionReader(w.from, 0, size), size, func(b []byte) { part.Write(b) }); err != nil {
		return err
	}
	if sum := [20]byte(part.Sum(nil)); sum != t.slots[w.slot].sum {
		return &mismatch{offset, fmt.Sprintf("its SHA-1 was %x, and is %x now", t.slots[w.slot].sum, sum)}
	}
	return nil
}

// plan collects parts for the server to say which of them it has. It is asked in
// batches, so that sending begins before everything is read.
type plan struct {
	t     *transfer
	off   bool
	batch []work
	parts []boxapi.PlanPart
	next  int // size of the batch under way
}

const (
	firstPlan = 4
	mostPlan  = 256
)

func newPlan(t *transfer) *plan {
	return &plan{t: t, off: !t.u.Plan || t.src.at == nil, next: firstPlan}
}

func (p *plan) wants(slot int) bool { return !p.off && !p.t.slots[slot].there }

// add takes in a part whose digests are known; offer is its SHA-512, or nil.
func (p *plan) add(ctx context.Context, w work, offer hash.Hash, queue chan<- work) error {
	if p.off || offer == nil {
		return p.t.settle(ctx, w, queue)
	}
	offset, size := p.t.span(w.slot)
	p.batch = append(p.batch, w)
	p.parts = append(p.parts, boxapi.PlanPart{Offset: offset, Size: size, SHA512: hex.EncodeToString(offer.Sum(nil))})
	if len(p.batch) < p.next {
		return nil
	}
	p.next = min(2*p.next, mostPlan)
	return p.flush(ctx, queue)
}

// flush asks about the batch. A plan saves work and is not needed for anything: if
// there is none, the parts are sent.
func (p *plan) flush(ctx context.Context, queue chan<- work) error {
	if len(p.batch) == 0 {
		return nil
	}
	t := p.t
	reply, err := t.c.Plan(ctx, t.session.ID, p.parts)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil && hasStatus(err, http.StatusGone):
		return &goneError{err}
	case err != nil:
		p.off = true
		t.u.Progress.tell(Event{Kind: Warning, Err: fmt.Errorf("no plan: %w", err), SessionID: t.session.ID})
	default:
		for _, hit := range reply.Hits {
			if hit.PartID == "" || hit.Offset < 0 || hit.Offset%t.session.PartSize != 0 || hit.Offset >= t.src.size {
				continue
			}
			i := int(hit.Offset / t.session.PartSize)
			for n, w := range p.batch {
				if w.slot == i && strings.EqualFold(p.parts[n].SHA512, hit.SHA512) && p.parts[n].Size == hit.Size {
					s := &t.slots[i]
					s.there, s.id, s.sent = true, hit.PartID, hexSum(s.sum)
				}
			}
		}
	}
	batch := p.batch
	p.batch, p.parts = nil, nil
	for _, w := range batch {
		if err := t.settle(ctx, w, queue); err != nil {
			return err
		}
	}
	return nil
}
