// Package sweep is the service that clears away what nobody needs any more,
// and that proves what is there to be whole.
package sweep

import (
	"context"
	"errors"
	"log/slog"
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
// Sweep, and not twice at once; Check may run beside anything.
type Service struct {
	Meta  meta.Store
	Blobs blob.Store
	Now   func() time.Time
	Log   *slog.Logger
	// Arriving says whether a blob may yet get its row; nil is no. The age of
	// a blob alone can't tell: the clock may be put forward.
	Arriving func(blob.Key) bool
}

// Swept is what a sweep did.
type Swept struct {
	Scraps    int // of unfinished Puts
	Expired   int // sessions
	Forgotten int // sessions
	Purged    int // items that were in the trash for 30 days
	Deleted   int // users
	Tokens    int // that expired, and assertions
	Events    int // older than they are kept
	Garbage   int // blobs that no part referred to
}

// Start clears what the stop before this start left unfinished. No Put may be at work.
func (s *Service) Start(ctx context.Context) error {
	_, err := s.scraps(ctx, time.Time{})
	return err
}

// Sweep makes one round: expired sessions let go of their parts and quota,
// sessions long over are forgotten, what the trash has kept long enough is
// deleted, so is what deleted users had, then blobs without rows, old scraps and old events go.
// What one step fails at does not keep the others from their work.
func (s *Service) Sweep(ctx context.Context) (done Swept, err error) {
	var errs [8]error
	done.Expired, errs[0] = s.expire(ctx)
	done.Forgotten, errs[1] = s.forget(ctx)
	done.Purged, errs[2] = s.purge(ctx)
	done.Deleted, errs[3] = s.deleted(ctx)
	done.Tokens, errs[4] = s.tokens(ctx)
	done.Garbage, errs[5] = s.garbage(ctx)
	done.Scraps, errs[6] = s.scraps(ctx, s.Now().Add(-ScrapAge))
	done.Events, errs[7] = s.events(ctx)
	if done != (Swept{}) {
		s.Log.Info("swept", "scraps", done.Scraps, "expired", done.Expired, "forgotten", done.Forgotten, "purged", done.Purged, "deleted_users", done.Deleted, "tokens", done.Tokens, "events", done.Events, "garbage", done.Garbage)
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
		if err := s.delete(ctx, free); err != nil {
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

// purge deletes what the trash has kept long enough: one file, or one folder
// with all that is in it, in a transaction.
func (s *Service) purge(ctx context.Context) (n int, err error) {
	before := s.Now().Add(-content.TrashLife)
	for {
		var free []blob.Key
		found := false
		err := s.Meta.Update(ctx, func(tx meta.Tx) error {
			free, found = nil, false
			old, err := tx.OldTrash(before, 1)
			if err != nil || len(old) == 0 {
				return err
			}
			found = true
			free, err = meta.Purge(tx, old[0])
			return err
		})
		if err != nil || !found {
			return n, err
		}
		n++
		if err := s.delete(ctx, free); err != nil {
			return n, err
		}
	}
}

func (s *Service) delete(ctx context.Context, keys []blob.Key) error {
	for _, key := range keys {
		if err := s.Blobs.Delete(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// garbage deletes blobs that no part refers to and that are old enough not to
// be waiting for their row.
func (s *Service) garbage(ctx context.Context) (n int, err error) {
	before := s.Now().Add(-GarbageAge)
	for info, err := range s.Blobs.List(ctx) {
		if err != nil {
			return n, err
		}
		// Asked before the rows: when it has arrived, its row is there.
		if !info.ModTime.Before(before) || s.Arriving != nil && s.Arriving(info.Key) {
			continue
		}
		var refers bool
		err := s.Meta.View(ctx, func(tx meta.Tx) (err error) {
			refers, err = tx.Refers(info.Key)
			return err
		})
		if err != nil {
			return n, err
		}
		if refers {
			continue
		}
		// A blob without a row can't get one any more: rows are made for
		// blobs just put, or copied from rows that are there.
		if err := s.Blobs.Delete(ctx, info.Key); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
