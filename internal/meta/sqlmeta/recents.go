package sqlmeta

import (
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// PutRecent is a meta.Recents method.
func (tx *Tx) PutRecent(r meta.Recent) error {
	_, err := tx.exec("put recent", `
		INSERT INTO recent (account, item, kind, at, link) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (account, item) DO UPDATE SET kind = excluded.kind, at = excluded.at, link = excluded.link`,
		int64(r.User), int64(r.Item), string(r.Kind), micros(r.At), flag(r.Link))
	return err
}

// Recents is a meta.Recents method.
func (tx *Tx) Recents(user content.ID, after time.Time, behind meta.Recent, limit int) ([]meta.Recent, error) {
	at, item := int64(1<<63-1), int64(1<<63-1)
	if behind.Item != 0 {
		at, item = micros(behind.At), int64(behind.Item)
	}
	return list(tx, "list recents", `
		SELECT account, item, kind, at, link FROM recent
		WHERE account = ? AND at > ? AND (at, item) < (?, ?) ORDER BY at DESC, item DESC LIMIT ?`,
		func(r *meta.Recent) []any { return []any{&r.User, &r.Item, &r.Kind, instant{&r.At}, &r.Link} },
		int64(user), micros(after), at, item, limited(limit))
}

// DropRecents is a meta.Recents method.
func (tx *Tx) DropRecents(user content.ID, keep, limit int) (int, error) {
	n, err := tx.exec("drop recents", `
		DELETE FROM recent WHERE account = ? AND item IN (
			SELECT r.item FROM recent r WHERE r.account = ? ORDER BY r.at DESC, r.item DESC LIMIT ? OFFSET ?)`,
		int64(user), int64(user), limited(limit), limited(keep))
	return int(n), err
}
