package sqlmeta

import (
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
func (tx *Tx) Trashed(owner content.ID, offset int64, limit int) ([]meta.Item, error) {
	return list(tx, "list trash", selectItem+`WHERE i.owner = ? AND i.trashed_at <> 0
		ORDER BY i.kind, i.name_key, i.id LIMIT ? OFFSET ?`, itemColumns, int64(owner), limited(limit), max(0, offset))
}

// CountTrashed is a meta.Items method.
func (tx *Tx) CountTrashed(owner content.ID) (int64, error) {
	return tx.number("count trash", `SELECT COUNT(*) FROM item WHERE owner = ? AND trashed_at <> 0`, int64(owner))
}

// DeleteItem is a meta.Items method.
func (tx *Tx) DeleteItem(id content.ID) error {
	_, err := tx.exec("delete item", `DELETE FROM item WHERE id = ?`, int64(id))
	return err
}

// DeleteVersion is a meta.Items method.
func (tx *Tx) DeleteVersion(id content.ID) error {
	_, err := tx.exec("delete version", `DELETE FROM version WHERE id = ?`, int64(id))
	return err
}
