package daemon

import (
	"context"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/blob/inline"
	"boxcar/internal/meta"
)

// keeping is a store of blobs that deletes none while a backup is at work: it
// may be copying blobs of rows that were there when it began. What is not deleted
// is garbage from then on, and left to the sweep.
//
// Rows go before their blob does. So a backup that has a row made its hold before
// the row went, and who asks behind that sees it.
type keeping struct {
	*inline.Store
	rows meta.Store
	now  func() time.Time
}

func (k keeping) Delete(ctx context.Context, keys ...blob.Key) error {
	var held bool
	err := k.rows.View(ctx, func(tx meta.Tx) (err error) {
		held, err = tx.Held(k.now())
		return err
	})
	if err != nil || held {
		return err
	}
	return k.Store.Delete(ctx, keys...)
}
