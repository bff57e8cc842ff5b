package sweep

import (
	"context"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// ExpiredTokens is how long a token that has expired is remembered, so that a
// client that was away is told to refresh it: as long as refresh tokens live.
const ExpiredTokens = 60 * 24 * time.Hour

const tokenBatch = 500 // rows in a transaction

// tokens forgets tokens and assertions that have expired.
func (s *Service) tokens(ctx context.Context) (n int, err error) {
	now := s.Now()
	for {
		var gone int64
		err := s.Meta.Update(ctx, func(tx meta.Tx) (err error) {
			gone, err = tx.SweepTokens(now.Add(-ExpiredTokens), now, tokenBatch)
			return err
		})
		if err != nil || gone == 0 {
			return n, err
		}
		n += int(gone)
	}
}

// deleted clears away what deleted users owned: their upload sessions, one in a
// transaction, and then their root with all that is in it.
func (s *Service) deleted(ctx context.Context) (n int, err error) {
	now := s.Now()
	for {
		var free []blob.Key
		found, done := false, false
		err := s.Meta.Update(ctx, func(tx meta.Tx) error {
			free, found, done = nil, false, false
			users, err := tx.DeletedUsers(1)
			if err != nil || len(users) == 0 {
				return err
			}
			found = true
			free, done, err = s.clear(tx, users[0], now)
			return err
		})
		if err != nil || !found {
			return n, err
		}
		if done {
			n++
		}
		if err := s.Blobs.Delete(ctx, free...); err != nil {
			return n, err
		}
	}
}

// clear takes one thing away from a deleted user; done says that it was the last.
func (s *Service) clear(tx meta.Tx, u content.User, now time.Time) (free []blob.Key, done bool, err error) {
	sessions, err := tx.OpenSessions(u.ID, 1)
	if err != nil {
		return nil, false, err
	}
	if len(sessions) > 0 {
		free, err = meta.Release(tx, sessions[0], content.Aborted, content.LogEvent{At: now, Event: "abort"})
		return free, false, err
	}
	// What is in the trash by itself would stay there.
	trashed, err := tx.Trashed(u.ID, meta.ItemPage{Limit: doomedAtOnce})
	if err != nil {
		return nil, false, err
	}
	for _, item := range trashed {
		if err := meta.Doom(tx, item); err != nil {
			return nil, false, err
		}
	}
	if len(trashed) == doomedAtOnce {
		return nil, false, nil
	}
	// All that is in the root goes with it, bit by bit.
	root, err := tx.Item(u.Root)
	switch {
	case content.Is(err, content.NotFound): // as old trash
	case err != nil:
		return nil, false, err
	default:
		if err := meta.Doom(tx, root); err != nil {
			return nil, false, err
		}
	}
	return nil, true, tx.Purged(u.ID)
}
