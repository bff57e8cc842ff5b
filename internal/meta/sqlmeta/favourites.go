package sqlmeta

import (
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// SetFavourite is a meta.Favourites method.
func (tx *Tx) SetFavourite(user, item content.ID, is bool, at time.Time) error {
	if !is {
		_, err := tx.exec("delete favourite", `DELETE FROM favourite WHERE account = ? AND item = ?`, int64(user), int64(item))
		return err
	}
	// Nothing refers to the item, which would make each delete of one look here:
	// what goes takes its favourites along.
	if _, err := tx.weight(item); err != nil {
		return err
	}
	_, err := tx.exec("insert favourite", `INSERT INTO favourite (account, item, at) VALUES (?, ?, ?) ON CONFLICT (account, item) DO NOTHING`,
		int64(user), int64(item), micros(at))
	return err
}

// IsFavourite is a meta.Favourites method.
func (tx *Tx) IsFavourite(user, item content.ID) (bool, error) {
	n, err := tx.number("get favourite", `SELECT CASE WHEN EXISTS (SELECT 1 FROM favourite WHERE account = ? AND item = ?) THEN 1 ELSE 0 END`,
		int64(user), int64(item))
	return n == 1, err
}

// Favourites is a meta.Favourites method.
func (tx *Tx) Favourites(user content.ID, offset int64, limit int) ([]meta.Item, error) {
	return list(tx, "list favourites", `SELECT `+itemFields+`
		FROM favourite f JOIN item i ON i.id = f.item LEFT JOIN version v ON v.id = i.current
		WHERE f.account = ? ORDER BY f.at DESC, f.item DESC LIMIT ? OFFSET ?`,
		itemColumns, int64(user), limited(limit), max(0, offset))
}
