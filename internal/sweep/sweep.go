// Package sweep is the service that clears away what nobody needs any more,
// and that proves what is there to be whole.
package sweep

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
)

const (
	// GarbageAge is how old a blob without a row must be to be deleted. A blob
	// gets its row within the limit for recording a part, which is far shorter.
	GarbageAge = time.Hour
	// ScrapAge is the same for what an unfinished Put left behind, once the
	// server runs: no part takes longer to come in.
	ScrapAge = 24 * time.Hour
)

// Service sweeps one server's storage. Only the owner of the data may call
// Start, Sweep, Limbo and Scrub; Check may run beside anything.
type Service struct {
	Meta  meta.Store
	Blobs blob.Store
	Now   func() time.Time
	Log   *slog.Logger
	// Arriving says whether a blob may yet get its row; nil is no. The age of
	// a blob alone can't tell: the clock may be put forward.
	Arriving func(blob.Key) bool
	// Growing says whether somebody is at work on the copy that has that top; nil is no.
	Growing func(top content.ID) bool
	Bites   meta.Bites // of deleting for good

	ScrubRate int64             // bytes a second that Scrub reads; 0: it does nothing
	Scrubbed  func(bytes int64) // told of each blob that Scrub has read; nil is nobody

	limbo  sync.Mutex // held by who empties it
	scrub  sync.Mutex // guards pass
	pass   Pass
	looked time.Time // at the blobs that are marked
}

// Swept is what a sweep did.
type Swept struct {
	Scraps    int // of unfinished Puts
	Expired   int // sessions
	Forgotten int // sessions
	Purged    int // items that were in the trash for 30 days
	Deleted   int // users
	Tokens    int // that expired, and assertions
	Versions  int // past versions that were deleted for 30 days
	Trees     int // whose rest was taken out of limbo
	Events    int // older than they are kept
	Garbage   int // blobs that no part referred to
	// Found are such blobs before they were removed, and Freed the bytes that went with them.
	Found int
	Freed int64
}

// Start clears what the stop before this start left unfinished. No Put may be at work.
func (s *Service) Start(ctx context.Context) error {
	_, err := s.scraps(ctx, time.Time{})
	return errors.Join(err, s.giveUp(ctx))
}

// Sweep makes one round: expired sessions let go of their parts and quota,
// sessions long over are forgotten, what the trash has kept long enough is
// deleted, so is what deleted users had, limbo is emptied, then blobs without rows, old scraps and old events go.
// What one step fails at does not keep the others from their work.
func (s *Service) Sweep(ctx context.Context) (done Swept, err error) {
	var errs [12]error
	done.Expired, errs[0] = s.expire(ctx)
	done.Forgotten, errs[1] = s.forget(ctx)
	done.Purged, errs[2] = s.purge(ctx)
	done.Versions, errs[3] = s.purgeVersions(ctx)
	done.Deleted, errs[4] = s.deleted(ctx)
	errs[5] = s.giveUp(ctx)
	done.Trees, errs[6] = s.Limbo(ctx)
	done.Tokens, errs[7] = s.tokens(ctx)
	errs[8] = s.garbage(ctx, &done)
	done.Scraps, errs[9] = s.scraps(ctx, s.Now().Add(-ScrapAge))
	done.Events, errs[10] = s.events(ctx)
	errs[11] = s.Meta.Update(ctx, func(tx meta.Tx) error { return tx.DropHolds(s.Now()) })
	if done != (Swept{}) {
		s.Log.Info("swept", "scraps", done.Scraps, "expired", done.Expired, "forgotten", done.Forgotten, "purged", done.Purged, "versions", done.Versions,
			"deleted_users", done.Deleted, "trees", done.Trees, "tokens", done.Tokens, "events", done.Events, "garbage", done.Garbage, "garbage_bytes", done.Freed)
	}
	return done, errors.Join(errs[:]...)
}

// events drops those that are older than they are kept, a few hundred in a
// transaction. A million an hour is more than come in.
func (s *Service) events(ctx context.Context) (n int, err error) {
	const batch, most = 500, 1_000_000
	before := s.Now().Add(-content.EventLife)
	for n < most {
		dropped := 0
		err := s.Meta.Update(ctx, func(tx meta.Tx) (err error) {
			dropped, err = tx.DropEvents(before, batch)
			return err
		})
		n += dropped
		if err != nil || dropped < batch {
			return n, err
		}
	}
	return n, nil
}

// scraps discards what unfinished Puts left before a time; the zero time
// means all of it.
func (s *Service) scraps(ctx context.Context, before time.Time) (n int, err error) {
	for scrap, err := range s.Blobs.Scraps(ctx) {
		if err != nil {
			return n, err
		}
		if !before.IsZero() && !scrap.ModTime.Before(before) {
			continue
		}
		if err := s.Blobs.Discard(ctx, scrap); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// expire ends sessions that are past their time, one in a transaction.
func (s *Service) expire(ctx context.Context) (n int, err error) {
	now := s.Now()
	for {
		var free []blob.Key
		found := false
		err := s.Meta.Update(ctx, func(tx meta.Tx) error {
			free, found = nil, false
			batch, err := tx.Overdue(now, 100)
			if err != nil {
				return err
			}
			for _, ses := range batch {
				if ses.State == content.Committing && now.Before(ses.Lease) {
					continue // its commit came in time
				}
				found = true
				free, err = meta.Release(tx, ses, content.Expired, content.LogEvent{At: now, Event: "expired"})
				return err
			}
			return nil
		})
		if err != nil || !found {
			return n, err
		}
		n++
		if err := s.Blobs.Delete(ctx, free...); err != nil {
			return n, err
		}
	}
}

// forget removes sessions that are long over, one in a transaction: its log may
// be long. The parts of a committed one
// belong to its version.
func (s *Service) forget(ctx context.Context) (n int, err error) {
	before := s.Now().Add(-content.Remembered)
	for {
		var batch []meta.Session
		err := s.Meta.Update(ctx, func(tx meta.Tx) (err error) {
			if batch, err = tx.Forgettable(before, 1); err != nil {
				return err
			}
			for _, ses := range batch {
				if err := tx.DeleteSession(ses.ID); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || len(batch) == 0 {
			return n, err
		}
		n += len(batch)
	}
}

// purge deletes what the trash has kept long enough: from here on it is in limbo.
func (s *Service) purge(ctx context.Context) (n int, err error) {
	before := s.Now().Add(-content.TrashLife)
	return s.bites(ctx, func(tx meta.Tx, more func(int) bool) (n int, err error) {
		old, err := tx.OldTrash(before, doomedAtOnce)
		for n < len(old) && err == nil && (n == 0 || more(n)) {
			err = meta.Doom(tx, old[n])
			n++
		}
		return n, err
	})
}

// purgeVersions does the same with past versions that were deleted long enough ago.
func (s *Service) purgeVersions(ctx context.Context) (n int, err error) {
	before := s.Now().Add(-content.TrashLife)
	return s.bites(ctx, func(tx meta.Tx, more func(int) bool) (n int, err error) {
		old, err := tx.OldVersions(before, doomedAtOnce)
		for n < len(old) && err == nil && (n == 0 || more(n)) {
			err = meta.DoomVersion(tx, old[n])
			n++
		}
		return n, err
	})
}

const doomedAtOnce = 100 // rows

// giveUp dooms the copies that nobody is at work on.
func (s *Service) giveUp(ctx context.Context) error {
	return meta.Each(ctx, s.Meta,
		func(tx meta.Tx, after content.ID) ([]meta.Item, error) {
			return tx.InLimbo(meta.Growing, after, meta.PageRows)
		},
		func(top meta.Item) content.ID { return top.ID },
		func(top meta.Item) error {
			// Asked behind its row: whoever made that is at work, or has been.
			if s.Growing != nil && s.Growing(top.ID) {
				return nil
			}
			return s.Meta.Update(ctx, func(tx meta.Tx) error {
				top, err := tx.Item(top.ID)
				if content.Is(err, content.NotFound) || err == nil && top.Limbo != meta.Growing {
					return nil
				}
				if err != nil {
					return err
				}
				return meta.Doom(tx, top)
			})
		})
}

// Limbo takes away what was deleted for good, bit by bit, and says of how many
// trees. Others may write between any two of its transactions.
func (s *Service) Limbo(ctx context.Context) (n int, err error) {
	s.limbo.Lock()
	defer s.limbo.Unlock()
	var left error // bytes that could not be deleted are left to the search for garbage
	for after := content.ID(0); ; n++ {
		var tops []meta.Item
		err := s.Meta.View(ctx, func(tx meta.Tx) (err error) {
			tops, err = tx.InLimbo(meta.Going, after, 1)
			return err
		})
		if err != nil || len(tops) == 0 {
			return n, errors.Join(left, err)
		}
		after = tops[0].ID
		var gone meta.Purged
		for at := after; !gone.Done; at = gone.At {
			err := s.Meta.Update(ctx, func(tx meta.Tx) (err error) {
				gone, err = meta.PurgeSome(tx, after, at, s.Bites.Begin())
				return err
			})
			if err != nil {
				return n, errors.Join(left, err)
			}
			if err := s.Blobs.Delete(ctx, gone.Free...); err != nil {
				left = err
			}
		}
	}
}

// bites runs fn in one transaction after another until it has nothing more to do.
func (s *Service) bites(ctx context.Context, fn func(tx meta.Tx, more func(int) bool) (int, error)) (n int, err error) {
	for {
		var did int
		err := s.Meta.Update(ctx, func(tx meta.Tx) (err error) {
			did, err = fn(tx, s.Bites.Begin())
			return err
		})
		if err != nil || did == 0 {
			return n, err
		}
		n += did
	}
}

// garbage deletes blobs that no part refers to and that are old enough not to
// be waiting for their row.
func (s *Service) garbage(ctx context.Context, done *Swept) error {
	const most = 250 // deleted at once
	before := s.Now().Add(-GarbageAge)
	var lost []blob.Key
	var bytes int64
	drop := func() error {
		if err := s.Blobs.Delete(ctx, lost...); err != nil {
			return err
		}
		done.Garbage += len(lost)
		done.Freed += bytes
		lost, bytes = lost[:0], 0
		return nil
	}
	for info, err := range s.Blobs.List(ctx) {
		if err != nil {
			return err
		}
		// Asked before the rows: when it has arrived, its row is there.
		if !info.ModTime.Before(before) || s.Arriving != nil && s.Arriving(info.Key) {
			continue
		}
		var refers, held bool
		err := s.Meta.View(ctx, func(tx meta.Tx) (err error) {
			if refers, err = tx.Refers(info.Key); err == nil {
				held, err = tx.Held(s.Now())
			}
			return err
		})
		if err != nil {
			return err
		}
		if refers {
			continue
		}
		done.Found++
		if held {
			continue // a copy of the rows may refer to it
		}
		// A blob without a row can't get one any more: rows are made for
		// blobs just put, or copied from rows that are there.
		lost, bytes = append(lost, info.Key), bytes+info.Size
		if len(lost) == most {
			if err := drop(); err != nil {
				return err
			}
		}
	}
	return drop()
}
