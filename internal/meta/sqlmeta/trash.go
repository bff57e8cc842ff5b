package sqlmeta

import (
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// SetQuota is a meta.Accounts method.
func (tx *Tx) SetQuota(user content.ID, quota int64) error {
	n, err := tx.exec("set quota", `UPDATE account SET quota = ? WHERE id = ?`, quota, int64(user))
	if err == nil && n == 0 {
		return noUser(user)
	}
	return err
}

// Trashed is a meta.Items method.
func (tx *Tx) Trashed(owner content.ID, page meta.ItemPage) ([]meta.Item, error) {
	const op = "list trash"
	const trash = selectItem + `WHERE i.owner = ? AND i.trashed_at <> 0 `
	const byName = `ORDER BY i.kind, i.name_key, i.id `
	if a := page.After; a.Key != "" {
		return list(tx, op, trash+`AND (i.kind, i.name_key, i.id) > (?, ?, ?) `+byName+`LIMIT ?`,
			itemColumns, int64(owner), int64(a.Kind), a.Key, int64(a.ID), limited(page.Limit))
	}
	order := byName
	if page.Order != meta.ByName || page.Desc { // no index for these: all that the owner has in the trash is sorted
		by := itemOrders[page.Order]
		if order = `ORDER BY i.kind, ` + by + `, i.id `; page.Desc {
			order = `ORDER BY i.kind, ` + by + ` DESC, i.id DESC `
		}
	}
	return list(tx, op, trash+order+`LIMIT ? OFFSET ?`, itemColumns, int64(owner), limited(page.Limit), max(0, page.Offset))
}

// Children is a meta.Items method.
func (tx *Tx) Children(parent content.ID, limit int) ([]meta.Item, error) {
	return list(tx, "list children", selectItem+`WHERE i.parent = ? LIMIT ?`, itemColumns, int64(parent), limited(limit))
}

// OldTrash is a meta.Items method.
func (tx *Tx) OldTrash(before time.Time, limit int) ([]meta.Item, error) {
	return list(tx, "list old trash", selectItem+`WHERE i.trashed_at <> 0 AND i.trashed_at <= ?
		ORDER BY i.trashed_at, i.id LIMIT ?`, itemColumns, micros(before), limited(limit))
}

// CountTrashed is a meta.Items method.
func (tx *Tx) CountTrashed(owner content.ID) (int64, error) {
	return tx.number("count trash", `SELECT COUNT(*) FROM item WHERE owner = ? AND trashed_at <> 0`, int64(owner))
}

// DeleteItem is a meta.Items method.
func (tx *Tx) DeleteItem(id content.ID) error {
	worded, was, err := tx.worded(id)
	if content.Is(err, content.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := tx.exec("delete favourites of item", `DELETE FROM favourite WHERE item = ?`, int64(id)); err != nil {
		return err
	}
	if err := tx.dropWords(worded.Owner, id, terms(worded)); err != nil {
		return err
	}
	if _, err := tx.exec("delete recents", `DELETE FROM recent WHERE item = ?`, int64(id)); err != nil {
		return err
	}
	if _, err := tx.exec("delete item", `DELETE FROM item WHERE id = ?`, int64(id)); err != nil {
		return err
	}
	return tx.weigh(was, -1)
}

// DeleteVersion is a meta.Items method.
func (tx *Tx) DeleteVersion(id content.ID) error {
	_, err := tx.exec("delete version", `DELETE FROM version WHERE id = ?`, int64(id))
	return err
}
