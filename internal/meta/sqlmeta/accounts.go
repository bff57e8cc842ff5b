package sqlmeta

import (
	"encoding/hex"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// Setting is a meta.Accounts method.
func (tx *Tx) Setting(name string) ([]byte, error) {
	return one(tx, "get setting", `SELECT value FROM setting WHERE name = ?`,
		func(v *[]byte) []any { return []any{v} },
		content.Errorf(content.NotFound, "there is no setting %q", name), name)
}

// PutSetting is a meta.Accounts method.
func (tx *Tx) PutSetting(name string, value []byte) error {
	if value == nil {
		value = []byte{}
	}
	_, err := tx.exec("put setting",
		`INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}

// InsertEnterprise is a meta.Accounts method.
func (tx *Tx) InsertEnterprise(e content.Enterprise) error {
	_, err := tx.exec("insert enterprise", `INSERT INTO enterprise (id, name) VALUES (?, ?)`, int64(e.ID), e.Name)
	return err
}

// InsertUser is a meta.Accounts method.
func (tx *Tx) InsertUser(u content.User) error {
	admin := 0
	if u.Admin {
		admin = 1
	}
	n, err := tx.exec("insert user", `
		INSERT INTO account (id, name, login, login_key, enterprise, admin, root, created_at, modified_at, quota, used, reserved)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (login_key) DO NOTHING`,
		int64(u.ID), u.Name, u.Login, content.NameKey(u.Login), int64(u.Enterprise.ID), admin, int64(u.Root),
		micros(u.CreatedAt), micros(u.ModifiedAt), u.Quota, u.Used, u.Reserved)
	if err == nil && n == 0 {
		return content.Errorf(content.LoginTaken, "another user has the login %q", u.Login)
	}
	return err
}

const selectUser = `
	SELECT u.id, u.name, u.login, u.enterprise, e.name, u.admin, u.root, u.created_at, u.modified_at, u.quota, u.used, u.reserved
	FROM account u JOIN enterprise e ON e.id = u.enterprise `

func userColumns(u *content.User) []any {
	return []any{&u.ID, &u.Name, &u.Login, &u.Enterprise.ID, &u.Enterprise.Name, &u.Admin, &u.Root,
		instant{&u.CreatedAt}, instant{&u.ModifiedAt}, &u.Quota, &u.Used, &u.Reserved}
}

func noUser(id content.ID) error {
	return content.Errorf(content.NotFound, "there is no user %v", id)
}

// User is a meta.Accounts method.
func (tx *Tx) User(id content.ID) (content.User, error) {
	return one(tx, "get user", selectUser+`WHERE u.id = ?`, userColumns, noUser(id), int64(id))
}

// UserByLogin is a meta.Accounts method.
func (tx *Tx) UserByLogin(login string) (content.User, error) {
	return one(tx, "get user by login", selectUser+`WHERE u.login_key = ?`, userColumns,
		content.Errorf(content.NotFound, "there is no user %q", login), content.NameKey(login))
}

// Users is a meta.Accounts method.
func (tx *Tx) Users(after content.ID, limit int) ([]content.User, error) {
	return list(tx, "list users", selectUser+`WHERE u.id > ? ORDER BY u.id LIMIT ?`, userColumns, int64(after), limited(limit))
}

// AddUsage is a meta.Accounts method.
func (tx *Tx) AddUsage(user content.ID, used, reserved int64) error {
	n, err := tx.exec("add usage", `UPDATE account SET used = used + ?, reserved = reserved + ? WHERE id = ?`, used, reserved, int64(user))
	if err == nil && n == 0 {
		return noUser(user)
	}
	return err
}

// InsertApp is a meta.Accounts method.
func (tx *Tx) InsertApp(a meta.App) error {
	_, err := tx.exec("insert app", `INSERT INTO app (id, name, secret_hash, created_at) VALUES (?, ?, ?, ?)`,
		a.ID, a.Name, a.SecretHash[:], micros(a.CreatedAt))
	return err
}

// InsertToken is a meta.Accounts method.
func (tx *Tx) InsertToken(t meta.Token) error {
	var app any
	if t.App != "" {
		app = t.App
	}
	_, err := tx.exec("insert token", `INSERT INTO token (hash, kind, account, app, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)`,
		t.Hash[:], string(t.Kind), int64(t.User), app, micros(t.CreatedAt), micros(t.ExpiresAt))
	return err
}

// Token is a meta.Accounts method.
func (tx *Tx) Token(hash [32]byte) (meta.Token, error) {
	return one(tx, "get token", `SELECT hash, kind, account, COALESCE(app, ''), created_at, expires_at FROM token WHERE hash = ?`,
		func(t *meta.Token) []any {
			return []any{fixed(t.Hash[:]), &t.Kind, &t.User, &t.App, instant{&t.CreatedAt}, instant{&t.ExpiresAt}}
		},
		content.Errorf(content.NotFound, "there is no token with the hash %s", hex.EncodeToString(hash[:])), hash[:])
}

// DeleteTokens is a meta.Accounts method.
func (tx *Tx) DeleteTokens(user content.ID, kind meta.TokenKind) error {
	_, err := tx.exec("delete tokens", `DELETE FROM token WHERE account = ? AND kind = ?`, int64(user), string(kind))
	return err
}
