package backup

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// holdLife is how long blobs are kept for a backup that gives no sign of life.
// It gives one five times as often.
const holdLife = 10 * time.Minute

// ErrLapsed says that a backup gave no sign of life for so long that blobs may
// have been deleted that it was to copy.
var ErrLapsed = errors.New("the server was not asked in time to go on keeping what is copied")

// Hold keeps the server that owns some rows from deleting blobs.
type Hold struct {
	rows meta.Store
	id   string
	now  func() time.Time
	stop context.CancelFunc
	done sync.WaitGroup

	mu    sync.Mutex
	until time.Time
	err   error
}

// Take takes a hold, which lasts until Release, or for ten minutes if this
// process ends before.
func Take(ctx context.Context, rows meta.Store, id string, now func() time.Time) (*Hold, error) {
	h := &Hold{rows: rows, id: id, now: now, until: now().Add(holdLife)}
	if err := rows.Update(ctx, func(tx meta.Tx) error { return tx.PutHold(id, h.until) }); err != nil {
		return nil, fmt.Errorf("keep blobs from being deleted: %w", err)
	}
	ctx, h.stop = context.WithCancel(context.WithoutCancel(ctx))
	h.done.Go(func() {
		tick := time.NewTicker(holdLife / 5)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				h.renew(ctx)
			case <-ctx.Done():
				return
			}
		}
	})
	return h, nil
}

// renew makes the hold last longer, unless it has run out.
func (h *Hold) renew(ctx context.Context) {
	var until time.Time
	err := h.rows.Update(ctx, func(tx meta.Tx) error {
		now := h.now()
		was, err := tx.Hold(h.id)
		if content.Is(err, content.NotFound) || err == nil && !was.After(now) {
			return ErrLapsed
		}
		if err != nil {
			return err
		}
		until = now.Add(holdLife)
		return tx.PutHold(h.id, until)
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err == nil:
		h.until = until
	case errors.Is(err, ErrLapsed):
		h.err = ErrLapsed
	}
	// Another error may pass before the hold runs out.
}

// Held says whether the hold has lasted until now without a gap.
func (h *Hold) Held(ctx context.Context) error {
	h.renew(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil && !h.until.After(h.now()) {
		h.err = ErrLapsed
	}
	return h.err
}

// Release ends the hold. It may be called more than once.
func (h *Hold) Release(ctx context.Context) error {
	h.stop()
	h.done.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return h.rows.Update(ctx, func(tx meta.Tx) error { return tx.DropHold(h.id) })
}
