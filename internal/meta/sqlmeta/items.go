package sqlmeta

import (
	"boxcar/internal/content"
	"boxcar/internal/meta"
)

func nameTaken(it meta.Item) error {
	return content.Errorf(content.NameTaken, "folder %v has another item named %q", it.Parent, it.Name)
}

func noItem(id content.ID) error {
	return content.Errorf(content.NotFound, "there is no item %v", id)
}

// InsertItem is a meta.Items method.
func (tx *Tx) InsertItem(it meta.Item) error {
	n, err := tx.exec("insert item", `
		INSERT INTO item (id, kind, parent, name, name_key, sequence, description,
			created_at, modified_at, content_created_at, content_modified_at, trashed_at,
			created_by, modified_by, owner, current)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (parent, name_key) WHERE trashed_at = 0 DO NOTHING`,
		int64(it.ID), int64(it.Kind), orNull(it.Parent), it.Name, it.Key, it.Sequence, it.Description,
		micros(it.CreatedAt), micros(it.ModifiedAt), micros(it.ContentCreatedAt), micros(it.ContentModifiedAt), micros(it.TrashedAt),
		int64(it.CreatedBy), int64(it.ModifiedBy), int64(it.Owner), orNull(it.Current.ID))
	if err == nil && n == 0 {
		return nameTaken(it)
	}
	return err
}

// UpdateItem is a meta.Items method.
func (tx *Tx) UpdateItem(it meta.Item) error {
	// Looking for the other item in the same statement leaves the transaction
	// whole when there is one: in PostgreSQL a violated index would end it.
	const update = `
		UPDATE item SET parent = ?, name = ?, name_key = ?, sequence = ?, description = ?,
			modified_at = ?, content_created_at = ?, content_modified_at = ?, trashed_at = ?,
			created_by = ?, modified_by = ?, owner = ?, current = ?
		WHERE id = ?`
	const ifNameFree = ` AND NOT EXISTS (
		SELECT 1 FROM item o WHERE o.parent = ? AND o.name_key = ? AND o.trashed_at = 0 AND o.id <> ?)`
	query := update
	args := []any{
		orNull(it.Parent), it.Name, it.Key, it.Sequence, it.Description,
		micros(it.ModifiedAt), micros(it.ContentCreatedAt), micros(it.ContentModifiedAt), micros(it.TrashedAt),
		int64(it.CreatedBy), int64(it.ModifiedBy), int64(it.Owner), orNull(it.Current.ID), int64(it.ID)}
	if it.Parent != 0 && it.TrashedAt.IsZero() {
		query += ifNameFree
		args = append(args, int64(it.Parent), it.Key, int64(it.ID))
	}
	n, err := tx.exec("update item", query, args...)
	if err != nil || n > 0 {
		return err
	}
	if _, err := tx.Item(it.ID); err != nil {
		return err
	}
	return nameTaken(it)
}

const (
	itemFields = `i.id, i.kind, COALESCE(i.parent, 0), i.name, i.name_key, i.sequence, i.description,
		i.created_at, i.modified_at, i.content_created_at, i.content_modified_at, i.trashed_at,
		i.created_by, i.modified_by, i.owner,
		COALESCE(v.id, 0), COALESCE(v.file, 0), COALESCE(v.number, 0), COALESCE(v.name, ''), COALESCE(v.size, 0),
		v.sha1, COALESCE(v.manifest, 0), COALESCE(v.created_at, 0), COALESCE(v.created_by, 0), COALESCE(v.trashed_at, 0)`

	selectItem = `SELECT ` + itemFields + ` FROM item i LEFT JOIN version v ON v.id = i.current `
)

func itemColumns(it *meta.Item) []any {
	return append([]any{&it.ID, &it.Kind, &it.Parent, &it.Name, &it.Key, &it.Sequence, &it.Description,
		instant{&it.CreatedAt}, instant{&it.ModifiedAt}, instant{&it.ContentCreatedAt}, instant{&it.ContentModifiedAt}, instant{&it.TrashedAt},
		&it.CreatedBy, &it.ModifiedBy, &it.Owner}, versionColumns(&it.Current)...)
}

// Item is a meta.Items method.
func (tx *Tx) Item(id content.ID) (meta.Item, error) {
	return one(tx, "get item", selectItem+`WHERE i.id = ?`, itemColumns, noItem(id), int64(id))
}

// ItemNamed is a meta.Items method.
func (tx *Tx) ItemNamed(parent content.ID, key string) (meta.Item, error) {
	return one(tx, "get item by name", selectItem+`WHERE i.parent = ? AND i.name_key = ? AND i.trashed_at = 0`, itemColumns,
		content.Errorf(content.NotFound, "folder %v has no item named %q", parent, key), int64(parent), key)
}

// Ancestors is a meta.Items method.
func (tx *Tx) Ancestors(id content.ID) ([]meta.Item, error) {
	all, err := list(tx, "list ancestors", `
		WITH RECURSIVE up (id, parent, height) AS (
			SELECT id, parent, 0 FROM item WHERE id = ?
			UNION ALL
			SELECT p.id, p.parent, up.height + 1 FROM up JOIN item p ON p.id = up.parent
		)
		SELECT `+itemFields+`
		FROM up JOIN item i ON i.id = up.id LEFT JOIN version v ON v.id = i.current
		ORDER BY up.height DESC`, itemColumns, int64(id))
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, noItem(id)
	}
	return all[:len(all)-1], nil // the last is the item itself
}

var itemOrders = map[meta.ItemOrder]struct{ up, down string }{
	meta.ByName: {`i.name_key, i.id`, `i.name_key DESC, i.id DESC`},
	meta.ByID:   {`i.id`, `i.id DESC`},
	meta.ByDate: {`i.modified_at, i.id`, `i.modified_at DESC, i.id DESC`},
	meta.BySize: {`COALESCE(v.size, 0), i.id`, `COALESCE(v.size, 0) DESC, i.id DESC`},
}

// ItemsIn is a meta.Items method.
func (tx *Tx) ItemsIn(parent content.ID, page meta.ItemPage) ([]meta.Item, error) {
	const op = "list folder"
	const live = selectItem + `WHERE i.parent = ? AND i.trashed_at = 0 `
	if a := page.After; a.Key != "" {
		return list(tx, op, live+`AND (i.kind, i.name_key, i.id) > (?, ?, ?) ORDER BY i.kind, i.name_key, i.id LIMIT ?`,
			itemColumns, int64(parent), int64(a.Kind), a.Key, int64(a.ID), limited(page.Limit))
	}
	order := itemOrders[page.Order].up
	if page.Desc {
		order = itemOrders[page.Order].down
	}
	return list(tx, op, live+`ORDER BY i.kind, `+order+` LIMIT ? OFFSET ?`,
		itemColumns, int64(parent), limited(page.Limit), max(0, page.Offset))
}

// CountItems is a meta.Items method.
func (tx *Tx) CountItems(parent content.ID) (int64, error) {
	return tx.number("count items", `SELECT COUNT(*) FROM item WHERE parent = ? AND trashed_at = 0`, int64(parent))
}

// TreeSize is a meta.Items method.
func (tx *Tx) TreeSize(folder content.ID) (int64, error) {
	return tx.number("size of tree", `
		WITH RECURSIVE below (id, current) AS (
			SELECT id, current FROM item WHERE parent = ? AND trashed_at = 0
			UNION ALL
			SELECT i.id, i.current FROM below JOIN item i ON i.parent = below.id AND i.trashed_at = 0
		)
		SELECT CAST(COALESCE(SUM(v.size), 0) AS BIGINT) FROM below CROSS JOIN version v WHERE v.id = below.current`, int64(folder))
}

// AllItems is a meta.Items method.
func (tx *Tx) AllItems(after content.ID, limit int) ([]meta.Item, error) {
	return list(tx, "list all items", selectItem+`WHERE i.id > ? ORDER BY i.id LIMIT ?`, itemColumns, int64(after), limited(limit))
}

// InsertVersion is a meta.Items method.
func (tx *Tx) InsertVersion(v meta.Version) error {
	_, err := tx.exec("insert version", `
		INSERT INTO version (id, file, number, name, size, sha1, manifest, created_at, created_by, trashed_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(v.ID), int64(v.File), v.Number, v.Name, v.Size, v.SHA1[:], int64(v.Manifest),
		micros(v.CreatedAt), int64(v.CreatedBy), micros(v.TrashedAt))
	return err
}

const selectVersion = `
	SELECT v.id, v.file, v.number, v.name, v.size, v.sha1, v.manifest, v.created_at, v.created_by, v.trashed_at
	FROM version v `

func versionColumns(v *meta.Version) []any {
	return []any{&v.ID, &v.File, &v.Number, &v.Name, &v.Size, fixed(v.SHA1[:]), &v.Manifest,
		instant{&v.CreatedAt}, &v.CreatedBy, instant{&v.TrashedAt}}
}

// Version is a meta.Items method.
func (tx *Tx) Version(id content.ID) (meta.Version, error) {
	return one(tx, "get version", selectVersion+`WHERE v.id = ?`, versionColumns,
		content.Errorf(content.NotFound, "there is no version %v", id), int64(id))
}

const pastVersions = `WHERE v.file = ? AND v.id <> COALESCE((SELECT i.current FROM item i WHERE i.id = v.file), 0) `

// PastVersions is a meta.Items method.
func (tx *Tx) PastVersions(file content.ID, offset int64, limit int) ([]meta.Version, error) {
	return list(tx, "list past versions", selectVersion+pastVersions+`ORDER BY v.number DESC, v.id DESC LIMIT ? OFFSET ?`,
		versionColumns, int64(file), limited(limit), max(0, offset))
}

// CountPastVersions is a meta.Items method.
func (tx *Tx) CountPastVersions(file content.ID) (int64, error) {
	return tx.number("count past versions", `SELECT COUNT(*) FROM version v `+pastVersions, int64(file))
}

// AllVersions is a meta.Items method.
func (tx *Tx) AllVersions(after content.ID, limit int) ([]meta.Version, error) {
	return list(tx, "list all versions", selectVersion+`WHERE v.id > ? ORDER BY v.id LIMIT ?`, versionColumns, int64(after), limited(limit))
}
