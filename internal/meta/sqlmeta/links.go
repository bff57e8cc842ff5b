package sqlmeta

import (
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

func vanityTaken(l meta.SharedLink) error {
	return content.Errorf(content.VanityTaken, "another shared link has the vanity name %q", l.Vanity)
}

// InsertSharedLink is a meta.SharedLinks method.
func (tx *Tx) InsertSharedLink(l meta.SharedLink) error {
	n, err := tx.exec("insert shared link", `
		INSERT INTO shared_link (item, token, access, password_hash, unshared_at, can_download, can_edit,
			vanity, vanity_key, downloads, previews, created_at, created_by)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (vanity_key) WHERE vanity_key <> '' DO NOTHING`,
		int64(l.Item), l.Token, string(l.Access), l.PasswordHash, micros(l.UnsharedAt), bit(l.Download), bit(l.Edit),
		l.Vanity, l.VanityKey, l.Downloads, l.Previews, micros(l.CreatedAt), int64(l.CreatedBy))
	if err == nil && n == 0 {
		return vanityTaken(l)
	}
	return err
}

// UpdateSharedLink is a meta.SharedLinks method.
func (tx *Tx) UpdateSharedLink(l meta.SharedLink) error {
	const op = "update shared link"
	if l.VanityKey != "" {
		// Looked for first: in PostgreSQL a violated index would end the transaction.
		other, err := tx.SharedLinkByVanity(l.VanityKey)
		if err == nil && other.Item != l.Item {
			return vanityTaken(l)
		}
		if err != nil && !content.Is(err, content.NotFound) {
			return err
		}
	}
	n, err := tx.exec(op, `
		UPDATE shared_link SET access = ?, password_hash = ?, unshared_at = ?, can_download = ?, can_edit = ?,
			vanity = ?, vanity_key = ? WHERE item = ?`,
		string(l.Access), l.PasswordHash, micros(l.UnsharedAt), bit(l.Download), bit(l.Edit), l.Vanity, l.VanityKey, int64(l.Item))
	if err == nil && n == 0 {
		return noLink()
	}
	return err
}

func noLink() error { return content.Errorf(content.NotFound, "there is no such shared link") }

func bit(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

const selectLink = `
	SELECT l.item, l.token, l.access, l.password_hash, l.unshared_at, l.can_download, l.can_edit,
		l.vanity, l.vanity_key, l.downloads, l.previews, l.created_at, l.created_by
	FROM shared_link l `

func linkColumns(l *meta.SharedLink) []any {
	return []any{&l.Item, &l.Token, &l.Access, &l.PasswordHash, instant{&l.UnsharedAt}, &l.Download, &l.Edit,
		&l.Vanity, &l.VanityKey, &l.Downloads, &l.Previews, instant{&l.CreatedAt}, &l.CreatedBy}
}

// SharedLink is a meta.SharedLinks method.
func (tx *Tx) SharedLink(item content.ID) (meta.SharedLink, error) {
	return one(tx, "get shared link", selectLink+`WHERE l.item = ?`, linkColumns, noLink(), int64(item))
}

// SharedLinkByToken is a meta.SharedLinks method.
func (tx *Tx) SharedLinkByToken(token string) (meta.SharedLink, error) {
	return one(tx, "get shared link by token", selectLink+`WHERE l.token = ?`, linkColumns, noLink(), token)
}

// SharedLinkByVanity is a meta.SharedLinks method.
func (tx *Tx) SharedLinkByVanity(key string) (meta.SharedLink, error) {
	return one(tx, "get shared link by vanity name", selectLink+`WHERE l.vanity_key = ? AND l.vanity_key <> ''`, linkColumns, noLink(), key)
}

// DeleteSharedLink is a meta.SharedLinks method.
func (tx *Tx) DeleteSharedLink(item content.ID) error {
	_, err := tx.exec("delete shared link", `DELETE FROM shared_link WHERE item = ?`, int64(item))
	return err
}

// CountLinkUse is a meta.SharedLinks method.
func (tx *Tx) CountLinkUse(item content.ID, downloads, previews int64) error {
	_, err := tx.exec("count link use", `UPDATE shared_link SET downloads = downloads + ?, previews = previews + ? WHERE item = ?`,
		downloads, previews, int64(item))
	return err
}

// EndedLinks is a meta.SharedLinks method.
func (tx *Tx) EndedLinks(now time.Time, limit int) ([]meta.SharedLink, error) {
	return list(tx, "list ended links", selectLink+`WHERE l.unshared_at <> 0 AND l.unshared_at <= ?
		ORDER BY l.unshared_at, l.item LIMIT ?`, linkColumns, micros(now), limited(limit))
}

// AllSharedLinks is a meta.SharedLinks method.
func (tx *Tx) AllSharedLinks(after content.ID, limit int) ([]meta.SharedLink, error) {
	return list(tx, "list all shared links", selectLink+`WHERE l.item > ? ORDER BY l.item LIMIT ?`, linkColumns, int64(after), limited(limit))
}
