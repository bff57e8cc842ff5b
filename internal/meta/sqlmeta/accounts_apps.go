package sqlmeta

import (
	"encoding/hex"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

func noApp(id string) error {
	return content.Errorf(content.NotFound, "there is no application %q", id)
}

// InsertApp is a meta.Accounts method.
func (tx *Tx) InsertApp(a meta.App) error {
	uris, grants, err := appLists(a)
	if err != nil {
		return tx.fail("insert app", err)
	}
	n, err := tx.exec("insert app", `
		INSERT INTO app (id, name, secret_hash, redirect_uris, grants, service, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO NOTHING`,
		a.ID, a.Name, a.SecretHash[:], uris, grants, orNull(a.Service), micros(a.CreatedAt))
	if err == nil && n == 0 {
		return content.Errorf(content.NameTaken, "there is an application %q", a.ID)
	}
	return err
}

func appLists(a meta.App) (uris, grants string, err error) {
	if uris, err = toJSON(a.RedirectURIs); err != nil {
		return "", "", err
	}
	grants, err = toJSON(a.Grants)
	return uris, grants, err
}

const selectApp = `SELECT id, name, secret_hash, redirect_uris, grants, COALESCE(service, 0), created_at FROM app `

func appColumns(a *meta.App) []any {
	return []any{&a.ID, &a.Name, fixed(a.SecretHash[:]), fromJSON{&a.RedirectURIs}, fromJSON{&a.Grants}, &a.Service, instant{&a.CreatedAt}}
}

// App is a meta.Accounts method.
func (tx *Tx) App(id string) (meta.App, error) {
	return one(tx, "get app", selectApp+`WHERE id = ?`, appColumns, noApp(id), id)
}

// Apps is a meta.Accounts method.
func (tx *Tx) Apps(after string, limit int) ([]meta.App, error) {
	return list(tx, "list apps", selectApp+`WHERE id > ? ORDER BY id LIMIT ?`, appColumns, after, limited(limit))
}

// UpdateApp is a meta.Accounts method.
func (tx *Tx) UpdateApp(a meta.App) error {
	uris, grants, err := appLists(a)
	if err != nil {
		return tx.fail("update app", err)
	}
	return tx.mustTouch(noApp(a.ID), "update app", `UPDATE app SET name = ?, secret_hash = ?, redirect_uris = ?, grants = ?, service = ? WHERE id = ?`,
		a.Name, a.SecretHash[:], uris, grants, orNull(a.Service), a.ID)
}

// DeleteApp is a meta.Accounts method.
func (tx *Tx) DeleteApp(id string) error {
	if _, err := tx.exec("delete app's tokens", `DELETE FROM token WHERE app = ?`, id); err != nil {
		return err
	}
	_, err := tx.exec("delete app", `DELETE FROM app WHERE id = ?`, id) // and its keys
	return err
}

// InsertKey is a meta.Accounts method.
func (tx *Tx) InsertKey(k meta.AppKey) error {
	n, err := tx.exec("insert key", `INSERT INTO app_key (app, id, public_key, created_at) VALUES (?, ?, ?, ?) ON CONFLICT (app, id) DO NOTHING`,
		k.App, k.ID, k.Public, micros(k.CreatedAt))
	if err == nil && n == 0 {
		return content.Errorf(content.NameTaken, "application %q has a key %q", k.App, k.ID)
	}
	return err
}

// Keys is a meta.Accounts method.
func (tx *Tx) Keys(app string) ([]meta.AppKey, error) {
	return list(tx, "list keys", `SELECT app, id, public_key, created_at FROM app_key WHERE app = ? ORDER BY id`,
		func(k *meta.AppKey) []any { return []any{&k.App, &k.ID, &k.Public, instant{&k.CreatedAt}} }, app)
}

// DeleteKey is a meta.Accounts method.
func (tx *Tx) DeleteKey(app, id string) error {
	_, err := tx.exec("delete key", `DELETE FROM app_key WHERE app = ? AND id = ?`, app, id)
	return err
}

// InsertToken is a meta.Accounts method.
func (tx *Tx) InsertToken(t meta.Token) error {
	var app any
	if t.App != "" {
		app = t.App
	}
	_, err := tx.exec("insert token", `
		INSERT INTO token (hash, kind, account, app, grant_id, parent, detail, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		t.Hash[:], string(t.Kind), int64(t.User), app, t.Grant, digest(t.Parent[:]), t.Detail, micros(t.CreatedAt), micros(t.ExpiresAt))
	return err
}

// Token is a meta.Accounts method.
func (tx *Tx) Token(hash [32]byte) (meta.Token, error) {
	return one(tx, "get token", `
		SELECT hash, kind, account, COALESCE(app, ''), grant_id, parent, detail, created_at, expires_at FROM token WHERE hash = ?`,
		func(t *meta.Token) []any {
			return []any{fixed(t.Hash[:]), &t.Kind, &t.User, &t.App, &t.Grant, fixed(t.Parent[:]), &t.Detail,
				instant{&t.CreatedAt}, instant{&t.ExpiresAt}}
		},
		noToken(hash), hash[:])
}

func noToken(hash [32]byte) error {
	return content.Errorf(content.NotFound, "there is no token with the hash %s", hex.EncodeToString(hash[:]))
}

// TakeToken is a meta.Accounts method.
func (tx *Tx) TakeToken(hash [32]byte) (meta.Token, error) {
	t, err := tx.Token(hash)
	if err != nil {
		return t, err
	}
	return t, tx.mustTouch(noToken(hash), "take token", `DELETE FROM token WHERE hash = ?`, hash[:])
}

// DeleteTokens is a meta.Accounts method.
func (tx *Tx) DeleteTokens(user content.ID, kind meta.TokenKind) error {
	_, err := tx.exec("delete tokens", `DELETE FROM token WHERE account = ? AND kind = ?`, int64(user), string(kind))
	return err
}

// DeleteGrant is a meta.Accounts method.
func (tx *Tx) DeleteGrant(grant string) error {
	_, err := tx.exec("delete grant", `DELETE FROM token WHERE grant_id = ? AND grant_id <> ''`, grant)
	return err
}

// UseAssertion is a meta.Accounts method.
func (tx *Tx) UseAssertion(hash [32]byte, until time.Time) (bool, error) {
	n, err := tx.exec("use assertion", `INSERT INTO assertion (hash, expires_at) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING`, hash[:], micros(until))
	return n == 1, err
}

// SweepTokens is a meta.Accounts method.
func (tx *Tx) SweepTokens(tokens, assertions time.Time, limit int) (int64, error) {
	n, err := tx.exec("sweep tokens", `
		DELETE FROM token WHERE hash IN (SELECT hash FROM token WHERE expires_at <> 0 AND expires_at <= ? ORDER BY expires_at LIMIT ?)`,
		micros(tokens), limited(limit))
	if err != nil {
		return 0, err
	}
	m, err := tx.exec("sweep assertions", `
		DELETE FROM assertion WHERE hash IN (SELECT hash FROM assertion WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)`,
		micros(assertions), limited(limit))
	return n + m, err
}
