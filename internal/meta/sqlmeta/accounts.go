package sqlmeta

import (
	"boxcar/internal/content"
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

const insertUser = `
	INSERT INTO account (id, name, name_key, login, login_key, enterprise, admin, root, created_at, modified_at, quota, used, reserved,
		status, app_user, external_id, profile, deleted_at)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT (login_key) DO NOTHING`

// InsertUser is a meta.Accounts method.
func (tx *Tx) InsertUser(u content.User) error {
	profile, err := toJSON(u.Profile)
	if err != nil {
		return tx.fail("insert user", err)
	}
	n, err := tx.exec("insert user", insertUser,
		int64(u.ID), u.Name, content.NameKey(u.Name), u.Login, content.NameKey(u.Login), int64(u.Enterprise.ID), flag(u.Admin), int64(u.Root),
		micros(u.CreatedAt), micros(u.ModifiedAt), u.Quota, u.Used, u.Reserved,
		string(u.Status), flag(u.AppUser), u.ExternalID, profile, micros(u.DeletedAt))
	if err == nil && n == 0 {
		return loginTaken(u.Login)
	}
	return err
}

func loginTaken(login string) error {
	return content.Errorf(content.LoginTaken, "another user has the login %q", login)
}

const selectUser = `
	SELECT u.id, u.name, u.login, u.enterprise, e.name, u.admin, u.root, u.created_at, u.modified_at, u.quota, u.used, u.reserved,
		u.status, u.app_user, u.external_id, u.profile, u.deleted_at
	FROM account u JOIN enterprise e ON e.id = u.enterprise `

func userColumns(u *content.User) []any {
	return []any{&u.ID, &u.Name, &u.Login, &u.Enterprise.ID, &u.Enterprise.Name, &u.Admin, &u.Root,
		instant{&u.CreatedAt}, instant{&u.ModifiedAt}, &u.Quota, &u.Used, &u.Reserved,
		&u.Status, &u.AppUser, &u.ExternalID, fromJSON{&u.Profile}, instant{&u.DeletedAt}}
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
	return one(tx, "get user by login", selectUser+`WHERE u.login_key = ? AND u.deleted_at = 0`, userColumns,
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
