package sqlmeta

import (
	"slices"
	"time"

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
	extra, err := extraText(it.Extra)
	if err != nil {
		return tx.fail("insert item", err)
	}
	w := weight{parent: it.Parent, kind: it.Kind, trashed: micros(it.TrashedAt)}
	w.size, err = one(tx, "insert item", `
		INSERT INTO item (id, kind, parent, name, name_key, sequence, description,
			created_at, modified_at, content_created_at, content_modified_at, trashed_at,
			created_by, modified_by, owner, limbo, extra, current, size)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, COALESCE((SELECT v.size FROM version v WHERE v.id = ?), 0))
		ON CONFLICT (parent, name_key) WHERE trashed_at = 0 DO NOTHING RETURNING size`,
		func(size *int64) []any { return []any{size} }, nameTaken(it),
		int64(it.ID), int64(it.Kind), orNull(it.Parent), it.Name, it.Key, it.Sequence, it.Description,
		micros(it.CreatedAt), micros(it.ModifiedAt), micros(it.ContentCreatedAt), micros(it.ContentModifiedAt), micros(it.TrashedAt),
		int64(it.CreatedBy), int64(it.ModifiedBy), int64(it.Owner), int64(it.Limbo), extra, orNull(it.Current.ID), orNull(it.Current.ID))
	if err != nil {
		return err
	}
	if err := tx.addWords(it.Owner, it.ID, terms(it)); err != nil {
		return err
	}
	return tx.weigh(w, 1)
}

// UpdateItem is a meta.Items method.
func (tx *Tx) UpdateItem(it meta.Item) error {
	extra, err := extraText(it.Extra)
	if err != nil {
		return tx.fail("update item", err)
	}
	worded, was, err := tx.worded(it.ID)
	if err != nil {
		return err
	}
	// Looking for the other item in the same statement leaves the transaction
	// whole when there is one: in PostgreSQL a violated index would end it.
	const update = `
		UPDATE item SET parent = ?, name = ?, name_key = ?, sequence = ?, description = ?,
			modified_at = ?, content_created_at = ?, content_modified_at = ?, trashed_at = ?,
			created_by = ?, modified_by = ?, owner = ?, limbo = ?, extra = ?, current = ?,
			size = CASE WHEN kind = 0 THEN size ELSE COALESCE((SELECT v.size FROM version v WHERE v.id = ?), 0) END
		WHERE id = ?`
	const ifNameFree = ` AND NOT EXISTS (
		SELECT 1 FROM item o WHERE o.parent = ? AND o.name_key = ? AND o.trashed_at = 0 AND o.id <> ?)`
	query := update
	args := []any{
		orNull(it.Parent), it.Name, it.Key, it.Sequence, it.Description,
		micros(it.ModifiedAt), micros(it.ContentCreatedAt), micros(it.ContentModifiedAt), micros(it.TrashedAt),
		int64(it.CreatedBy), int64(it.ModifiedBy), int64(it.Owner), int64(it.Limbo), extra, orNull(it.Current.ID),
		orNull(it.Current.ID), int64(it.ID)}
	if it.Parent != 0 && it.TrashedAt.IsZero() {
		query += ifNameFree
		args = append(args, int64(it.Parent), it.Key, int64(it.ID))
	}
	n, err := tx.exec("update item", query, args...)
	if err != nil {
		return err
	}
	if n == 0 {
		return nameTaken(it)
	}
	it.Kind = worded.Kind
	if err := tx.reindex(worded, it); err != nil {
		return err
	}
	is, err := tx.weight(it.ID)
	if err != nil || is == was {
		return err
	}
	if is.parent == was.parent && is.counts() && was.counts() { // the same folder, another size
		return tx.grow(is.parent, is.size-was.size)
	}
	if err := tx.weigh(was, -1); err != nil {
		return err
	}
	return tx.weigh(is, 1)
}

// weight is what an item adds to the totals of the folders above it.
type weight struct {
	parent  content.ID
	kind    meta.ItemKind
	trashed int64
	size    int64
}

func (w weight) counts() bool { return w.parent != 0 && w.trashed == 0 }

func (tx *Tx) weight(id content.ID) (weight, error) {
	return one(tx, "weigh item", `SELECT COALESCE(parent, 0), kind, trashed_at, size FROM item WHERE id = ?`,
		func(w *weight) []any { return []any{&w.parent, &w.kind, &w.trashed, &w.size} }, noItem(id), int64(id))
}

const weighed = `, size = size + ? WHERE id = ? RETURNING COALESCE(parent, 0), trashed_at`

var weighQueries = map[meta.ItemKind]string{
	meta.Folder:  `UPDATE item SET folders = folders + ?` + weighed,
	meta.File:    `UPDATE item SET files = files + ?` + weighed,
	meta.WebLink: `UPDATE item SET links = links + ?` + weighed,
}

// weigh adds an item to the totals above it, or with -1 takes it away.
func (tx *Tx) weigh(w weight, sign int64) error {
	if !w.counts() {
		return nil
	}
	in, err := one(tx, "weigh item", weighQueries[w.kind],
		func(w *weight) []any { return []any{&w.parent, &w.trashed} }, noItem(w.parent), sign, sign*w.size, int64(w.parent))
	if err != nil || !in.counts() {
		return err
	}
	return tx.grow(in.parent, sign*w.size)
}

// grow adds to the size of a folder and of those above it, up to the first that
// is itself in the trash.
func (tx *Tx) grow(folder content.ID, bytes int64) error {
	if bytes == 0 {
		return nil
	}
	_, err := tx.exec("grow folders", `
		UPDATE item SET size = size + ? WHERE id IN (
			WITH RECURSIVE up (id, parent, trashed_at) AS (
				SELECT f.id, f.parent, f.trashed_at FROM item f WHERE f.id = ?
				UNION ALL
				SELECT f.id, f.parent, f.trashed_at FROM up JOIN item f ON f.id = up.parent WHERE up.trashed_at = 0
			)
			SELECT up.id FROM up)`, bytes, int64(folder))
	return err
}

// Touch is a meta.Items method.
func (tx *Tx) Touch(folder content.ID, at time.Time) error {
	n, err := tx.exec("touch folder", `UPDATE item SET content_modified_at = ? WHERE id = ?`, micros(at), int64(folder))
	if err == nil && n == 0 {
		return noItem(folder)
	}
	return err
}

const (
	itemFields = `i.id, i.kind, COALESCE(i.parent, 0), i.name, i.name_key, i.sequence, i.description,
		i.created_at, i.modified_at, i.content_created_at, i.content_modified_at, i.trashed_at,
		i.created_by, i.modified_by, i.owner, i.limbo, i.extra, i.size, i.folders, i.files, i.links,
		COALESCE(v.id, 0), COALESCE(v.file, 0), COALESCE(v.number, 0), COALESCE(v.name, ''), COALESCE(v.size, 0),
		v.sha1, COALESCE(v.manifest, 0), COALESCE(v.created_at, 0), COALESCE(v.created_by, 0), COALESCE(v.trashed_at, 0),
		COALESCE(v.trashed_by, 0), COALESCE(v.restored_at, 0), COALESCE(v.restored_by, 0), COALESCE(v.promoted_from, 0)`

	selectItem = `SELECT ` + itemFields + ` FROM item i LEFT JOIN version v ON v.id = i.current `
)

func itemColumns(it *meta.Item) []any {
	return append([]any{&it.ID, &it.Kind, &it.Parent, &it.Name, &it.Key, &it.Sequence, &it.Description,
		instant{&it.CreatedAt}, instant{&it.ModifiedAt}, instant{&it.ContentCreatedAt}, instant{&it.ContentModifiedAt}, instant{&it.TrashedAt},
		&it.CreatedBy, &it.ModifiedBy, &it.Owner, &it.Limbo, extraColumn{&it.Extra},
		&it.Totals.Size, &it.Folders, &it.Files, &it.Links}, versionColumns(&it.Current)...)
}

// Item is a meta.Items method.
func (tx *Tx) Item(id content.ID) (meta.Item, error) {
	return one(tx, "get item", selectItem+`WHERE i.id = ?`, itemColumns, noItem(id), int64(id))
}

// ItemNamed is a meta.Items method.
func (tx *Tx) ItemNamed(parent content.ID, key string) (meta.Item, error) {
	const op = "get item by name"
	found, err := list(tx, op, `SELECT i.id FROM item i WHERE i.parent = ? AND i.name_key = ? AND i.trashed_at = 0`,
		func(id *content.ID) []any { return []any{id} }, int64(parent), key)
	if err != nil {
		return meta.Item{}, err
	}
	// Mostly there is none, and to ask for all that an item has costs by column.
	if len(found) == 0 {
		return meta.Item{}, content.Errorf(content.NotFound, "folder %v has no item named %q", parent, key)
	}
	return one(tx, op, selectItem+`WHERE i.id = ?`, itemColumns, noItem(found[0]), int64(found[0]))
}

// Ancestors is a meta.Items method.
func (tx *Tx) Ancestors(id content.ID) ([]meta.Item, error) {
	all, err := tx.Lineage(id)
	if err != nil {
		return nil, err
	}
	return all[:len(all)-1], nil
}

// Lineage is a meta.Items method.
func (tx *Tx) Lineage(id content.ID) ([]meta.Item, error) {
	type step struct {
		meta.Item
		height int
	}
	up, err := list(tx, "list lineage", `
		WITH RECURSIVE up (id, parent, height) AS (
			SELECT id, parent, 0 FROM item WHERE id = ?
			UNION ALL
			SELECT p.id, p.parent, up.height + 1 FROM up JOIN item p ON p.id = up.parent
		)
		SELECT `+itemFields+`, up.height
		FROM up JOIN item i ON i.id = up.id LEFT JOIN version v ON v.id = i.current`,
		func(s *step) []any { return append(itemColumns(&s.Item), &s.height) }, int64(id))
	if err != nil {
		return nil, err
	}
	if len(up) == 0 {
		return nil, noItem(id)
	}
	// Sorted here: the database would put all of each row away to sort a few of them.
	slices.SortFunc(up, func(a, b step) int { return b.height - a.height })
	all := make([]meta.Item, len(up))
	for i, s := range up {
		all[i] = s.Item
	}
	return all, nil
}

// itemOrders are the columns that listings go by within one kind, the id behind
// them. Each has an index.
var itemOrders = map[meta.ItemOrder]string{
	meta.ByName: `i.name_key`,
	meta.ByID:   `i.id`,
	meta.ByDate: `i.modified_at`,
	meta.BySize: `i.size`,
}

var allKinds = []meta.ItemKind{meta.Folder, meta.File, meta.WebLink}

// ItemsIn is a meta.Items method. It goes kind by kind, since an index can't be
// read forwards by kind and backwards within it; the folder's totals tell which
// kinds an offset skips.
func (tx *Tx) ItemsIn(parent content.ID, page meta.ItemPage) (all []meta.Item, err error) {
	const op = "list folder"
	const in = `WHERE i.parent = ? AND i.kind = ? AND i.trashed_at = 0 `
	const live = selectItem + in
	by := itemOrders[page.Order]
	order, from := `ORDER BY `+by+`, i.id`, `AND (`+by+`, i.id) >= (?, ?) `
	if page.Desc {
		order, from = `ORDER BY `+by+` DESC, i.id DESC`, `AND (`+by+`, i.id) <= (?, ?) `
	}
	offset, after := max(0, page.Offset), page.After
	totals := meta.Totals{}
	if after.Key == "" {
		in, err := tx.Item(parent)
		if content.Is(err, content.NotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		totals = in.Totals
	}
	for _, kind := range allKinds {
		left := page.Limit - len(all)
		if left <= 0 {
			break
		}
		var rows []meta.Item
		switch {
		case after.Key != "" && kind < after.Kind:
			continue
		case after.Key != "" && kind == after.Kind:
			rows, err = list(tx, op, live+`AND (i.name_key, i.id) > (?, ?) ORDER BY i.name_key, i.id LIMIT ?`,
				itemColumns, int64(parent), int64(kind), after.Key, int64(after.ID), limited(left))
		default:
			count := map[meta.ItemKind]int64{meta.Folder: totals.Folders, meta.File: totals.Files, meta.WebLink: totals.Links}[kind]
			if after.Key == "" && offset >= count {
				offset -= count
				continue
			}
			if offset == 0 {
				rows, err = list(tx, op, live+order+` LIMIT ?`, itemColumns, int64(parent), int64(kind), limited(left))
				break
			}
			// The index alone tells where the page begins; to read all the
			// rows before it would take many times as long.
			var at []position
			at, err = list(tx, op, `SELECT `+by+`, i.id FROM item i `+in+order+` LIMIT 1 OFFSET ?`, positionColumns, int64(parent), int64(kind), offset)
			offset = 0
			if err == nil && len(at) > 0 {
				rows, err = list(tx, op, live+from+order+` LIMIT ?`, itemColumns, int64(parent), int64(kind), at[0].key, at[0].id, limited(left))
			}
		}
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

// position is where an item stands in a listing.
type position struct {
	key any // of the order's column
	id  int64
}

func positionColumns(p *position) []any { return []any{&p.key, &p.id} }

// InLimbo is a meta.Items method.
func (tx *Tx) InLimbo(where meta.Limbo, after content.ID, limit int) ([]meta.Item, error) {
	return list(tx, "list limbo", selectItem+`WHERE i.limbo = ? AND i.limbo <> 0 AND i.id > ? ORDER BY i.id LIMIT ?`,
		itemColumns, int64(where), int64(after), limited(limit))
}

// ItemsByID is a meta.Items method.
func (tx *Tx) ItemsByID(ids []content.ID) (all []meta.Item, err error) {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	for batch := range slices.Chunk(slices.Compact(ids), many) {
		rows, err := list(tx, "get items", selectItem+`WHERE i.id IN (?`+manyMore+`)`, itemColumns, padded(batch)...)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

// AllItems is a meta.Items method.
func (tx *Tx) AllItems(after content.ID, limit int) ([]meta.Item, error) {
	return list(tx, "list all items", selectItem+`WHERE i.id > ? ORDER BY i.id LIMIT ?`, itemColumns, int64(after), limited(limit))
}

// InsertVersion is a meta.Items method.
func (tx *Tx) InsertVersion(v meta.Version) error {
	_, err := tx.exec("insert version", `
		INSERT INTO version (id, file, number, name, size, sha1, manifest, created_at, created_by,
			trashed_at, trashed_by, restored_at, restored_by, promoted_from)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(v.ID), int64(v.File), v.Number, v.Name, v.Size, v.SHA1[:], int64(v.Manifest),
		micros(v.CreatedAt), int64(v.CreatedBy),
		micros(v.TrashedAt), int64(v.TrashedBy), micros(v.RestoredAt), int64(v.RestoredBy), int64(v.PromotedFrom))
	return err
}

// UpdateVersion is a meta.Items method.
func (tx *Tx) UpdateVersion(v meta.Version) error {
	n, err := tx.exec("update version", `
		UPDATE version SET trashed_at = ?, trashed_by = ?, restored_at = ?, restored_by = ? WHERE id = ?`,
		micros(v.TrashedAt), int64(v.TrashedBy), micros(v.RestoredAt), int64(v.RestoredBy), int64(v.ID))
	if err == nil && n == 0 {
		return noVersion(v.ID)
	}
	return err
}

const selectVersion = `
	SELECT v.id, v.file, v.number, v.name, v.size, v.sha1, v.manifest, v.created_at, v.created_by,
		v.trashed_at, v.trashed_by, v.restored_at, v.restored_by, v.promoted_from
	FROM version v `

func versionColumns(v *meta.Version) []any {
	return []any{&v.ID, &v.File, &v.Number, &v.Name, &v.Size, fixed(v.SHA1[:]), &v.Manifest,
		instant{&v.CreatedAt}, &v.CreatedBy,
		instant{&v.TrashedAt}, &v.TrashedBy, instant{&v.RestoredAt}, &v.RestoredBy, &v.PromotedFrom}
}

func noVersion(id content.ID) error {
	return content.Errorf(content.NotFound, "there is no version %v", id)
}

// Version is a meta.Items method.
func (tx *Tx) Version(id content.ID) (meta.Version, error) {
	return one(tx, "get version", selectVersion+`WHERE v.id = ?`, versionColumns,
		noVersion(id), int64(id))
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

// OldVersions is a meta.Items method.
func (tx *Tx) OldVersions(before time.Time, limit int) ([]meta.Version, error) {
	return list(tx, "list old versions", selectVersion+`
		WHERE v.trashed_at <> 0 AND v.trashed_at <= ? AND NOT EXISTS (SELECT 1 FROM item i WHERE i.current = v.id)
		ORDER BY v.trashed_at, v.id LIMIT ?`, versionColumns, micros(before), limited(limit))
}

// HasVersion is a meta.Items method.
func (tx *Tx) HasVersion(m meta.Manifest, but content.ID) (bool, error) {
	n, err := tx.number("look for versions", `SELECT CASE WHEN EXISTS (SELECT 1 FROM version WHERE manifest = ? AND id <> ?) THEN 1 ELSE 0 END`,
		int64(m), int64(but))
	return n == 1, err
}
