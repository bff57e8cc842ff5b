package sqlmeta

import (
	"fmt"
	"strings"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// chosen is the condition for a query's users.
func chosen(q meta.UserQuery) (where string, args []any) {
	all := []string{"u.deleted_at = 0"}
	and := func(condition string, values ...any) {
		all, args = append(all, condition), append(args, values...)
	}
	if q.Only != 0 {
		and("u.id = ?", int64(q.Only))
	}
	if q.Prefix != "" {
		key := content.NameKey(q.Prefix)
		and("(substr(u.name_key, 1, length(?)) = ? OR substr(u.login_key, 1, length(?)) = ?)", key, key, key, key)
	}
	if q.AppUsers != nil {
		and("u.app_user = ?", flag(*q.AppUsers))
	}
	if q.ExternalID != "" {
		and("u.external_id = ?", q.ExternalID)
	}
	return "WHERE " + strings.Join(all, " AND "), args
}

// FindUsers is a meta.Accounts method.
func (tx *Tx) FindUsers(q meta.UserQuery) ([]content.User, error) {
	where, args := chosen(q)
	return list(tx, "find users", selectUser+where+` AND u.id > ? ORDER BY u.id LIMIT ? OFFSET ?`, userColumns,
		append(args, int64(q.After), limited(q.Limit), max(0, q.Offset))...)
}

// CountUsers is a meta.Accounts method.
func (tx *Tx) CountUsers(q meta.UserQuery) (int64, error) {
	where, args := chosen(q)
	return tx.number("count users", `SELECT COUNT(*) FROM account u `+where, args...)
}

// UpdateUser is a meta.Accounts method.
func (tx *Tx) UpdateUser(u content.User) error {
	profile, err := toJSON(u.Profile)
	if err != nil {
		return tx.fail("update user", err)
	}
	other, err := tx.number("find login", `SELECT COUNT(*) FROM account WHERE login_key = ? AND id <> ?`, content.NameKey(u.Login), int64(u.ID))
	if err != nil {
		return err
	}
	if other > 0 {
		return loginTaken(u.Login)
	}
	return tx.mustTouch(noUser(u.ID), "update user", `
		UPDATE account SET name = ?, name_key = ?, login = ?, login_key = ?, admin = ?, modified_at = ?, quota = ?,
			status = ?, external_id = ?, profile = ?
		WHERE id = ? AND deleted_at = 0`,
		u.Name, content.NameKey(u.Name), u.Login, content.NameKey(u.Login), flag(u.Admin), micros(u.ModifiedAt), u.Quota,
		string(u.Status), u.ExternalID, profile, int64(u.ID))
}

// DeleteUser is a meta.Accounts method.
func (tx *Tx) DeleteUser(id content.ID, at time.Time) error {
	// No login has a space, so the key stands in nobody's way.
	err := tx.mustTouch(noUser(id), "delete user",
		`UPDATE account SET deleted_at = ?, login_key = ?, password = '' WHERE id = ? AND deleted_at = 0`,
		micros(at), fmt.Sprintf("deleted %v", id), int64(id))
	if err != nil {
		return err
	}
	if _, err := tx.exec("delete recents", `DELETE FROM recent WHERE account = ?`, int64(id)); err != nil {
		return err
	}
	if _, err := tx.exec("delete favourites", `DELETE FROM favourite WHERE account = ?`, int64(id)); err != nil {
		return err
	}
	_, err = tx.exec("delete tokens", `DELETE FROM token WHERE account = ?`, int64(id))
	return err
}

// DeletedUsers is a meta.Accounts method.
func (tx *Tx) DeletedUsers(limit int) ([]content.User, error) {
	return list(tx, "list deleted users", selectUser+`WHERE u.deleted_at <> 0 AND u.deleted_at > 0 AND u.purged = 0 ORDER BY u.deleted_at, u.id LIMIT ?`, userColumns, limited(limit))
}

// Purged is a meta.Accounts method.
func (tx *Tx) Purged(id content.ID) error {
	return tx.mustTouch(noUser(id), "purge user", `UPDATE account SET purged = 1 WHERE id = ? AND deleted_at <> 0`, int64(id))
}

// Password is a meta.Accounts method.
func (tx *Tx) Password(user content.ID) (string, error) {
	return one(tx, "get password", `SELECT password FROM account WHERE id = ?`,
		func(s *string) []any { return []any{s} }, noUser(user), int64(user))
}

// SetPassword is a meta.Accounts method.
func (tx *Tx) SetPassword(user content.ID, hash string) error {
	return tx.mustTouch(noUser(user), "set password", `UPDATE account SET password = ? WHERE id = ? AND deleted_at = 0`, hash, int64(user))
}

// OpenSessions is a meta.Accounts method.
func (tx *Tx) OpenSessions(owner content.ID, limit int) ([]meta.Session, error) {
	return list(tx, "list open sessions", selectSession+`WHERE owner = ? AND done = 0 ORDER BY expires_at LIMIT ?`,
		sessionColumns, int64(owner), limited(limit))
}
