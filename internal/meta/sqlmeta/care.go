package sqlmeta

import (
	"fmt"
	"math"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// StoredBlobs is a meta.Rot method.
func (tx *Tx) StoredBlobs(after blob.Key, limit int) ([]meta.StoredBlob, error) {
	const op = "list stored blobs"
	return eachBlobOnce(tx, op, after, limit, func(b meta.StoredBlob) blob.Key { return b.Key }, func(key []byte, want int) ([]meta.StoredBlob, error) {
		return list(tx, op, `SELECT p.blob, p.size, p.sha1 FROM part p WHERE p.blob > ? ORDER BY p.blob LIMIT ?`,
			func(b *meta.StoredBlob) []any { return []any{hexKey{&b.Key}, &b.Size, fixed(b.SHA1[:])} }, key, limited(want))
	})
}

// MarkRotten is a meta.Rot method.
func (tx *Tx) MarkRotten(r meta.RottenBlob) error {
	key, err := blobKey(r.Key)
	if err != nil || r.Key == "" {
		return tx.fail("mark blob", fmt.Errorf("%q is not a blob key", string(r.Key)))
	}
	_, err = tx.exec("mark blob", `INSERT INTO rotten (blob, damage, found_at) VALUES (?, ?, ?) ON CONFLICT (blob) DO NOTHING`,
		key, string(r.Damage), micros(r.FoundAt))
	return err
}

// ClearRotten is a meta.Rot method.
func (tx *Tx) ClearRotten(key blob.Key) error {
	k, err := blobKey(key)
	if err != nil {
		return nil // it is not marked
	}
	_, err = tx.exec("clear blob", `DELETE FROM rotten WHERE blob = ?`, k)
	return err
}

// IsRotten is a meta.Rot method.
func (tx *Tx) IsRotten(key blob.Key) (bool, error) {
	k, err := blobKey(key)
	if err != nil {
		return false, nil
	}
	n, err := tx.number("look for mark", `SELECT COUNT(*) FROM rotten WHERE blob = ?`, k)
	return n > 0, err
}

// RottenBlobs is a meta.Rot method.
func (tx *Tx) RottenBlobs(after blob.Key, limit int) ([]meta.RottenBlob, error) {
	key, err := blobKey(after)
	if err != nil {
		return nil, tx.fail("list marked blobs", err)
	}
	return list(tx, "list marked blobs", `SELECT blob, damage, found_at FROM rotten WHERE blob > ? ORDER BY blob LIMIT ?`,
		func(r *meta.RottenBlob) []any { return []any{hexKey{&r.Key}, &r.Damage, instant{&r.FoundAt}} }, key, limited(limit))
}

// CountRotten is a meta.Rot method.
func (tx *Tx) CountRotten() (int64, error) {
	return tx.number("count marked blobs", `SELECT COUNT(*) FROM rotten`)
}

// RottenPart is a meta.Rot method.
func (tx *Tx) RottenPart(m meta.Manifest) (meta.Part, error) {
	// The first condition has nothing to do with the part, so it is asked once,
	// and while nothing is marked no part is looked at.
	return one(tx, "look for marked parts", selectPart+`
		WHERE EXISTS (SELECT 1 FROM rotten r WHERE r.blob > ?) AND p.manifest = ?
			AND EXISTS (SELECT 1 FROM rotten r WHERE r.blob = p.blob)
		ORDER BY p.start LIMIT 1`,
		partColumns, content.Errorf(content.NotFound, "manifest %d has no part that is marked", m), []byte{}, int64(m))
}

// VersionsOn is a meta.Rot method.
func (tx *Tx) VersionsOn(key blob.Key, after content.ID, limit int) ([]meta.Version, error) {
	k, err := blobKey(key)
	if err != nil {
		return nil, nil
	}
	return list(tx, "list versions on a blob", selectVersion+`
		WHERE v.manifest IN (SELECT p.manifest FROM part p WHERE p.blob = ?) AND v.id > ? ORDER BY v.id LIMIT ?`,
		versionColumns, k, int64(after), limited(limit))
}

// PutHold is a meta.Holds method.
func (tx *Tx) PutHold(id string, until time.Time) error {
	_, err := tx.exec("put hold", `INSERT INTO hold (id, until) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET until = excluded.until`, id, micros(until))
	return err
}

// Hold is a meta.Holds method.
func (tx *Tx) Hold(id string) (time.Time, error) {
	return one(tx, "get hold", `SELECT until FROM hold WHERE id = ?`,
		func(t *time.Time) []any { return []any{instant{t}} }, content.Errorf(content.NotFound, "there is no hold %q", id), id)
}

// DropHold is a meta.Holds method.
func (tx *Tx) DropHold(id string) error {
	_, err := tx.exec("drop hold", `DELETE FROM hold WHERE id = ?`, id)
	return err
}

// Held is a meta.Holds method.
func (tx *Tx) Held(now time.Time) (bool, error) {
	n, err := tx.number("look for holds", `SELECT CASE WHEN EXISTS (SELECT 1 FROM hold WHERE until > ?) THEN 1 ELSE 0 END`, micros(now))
	return n == 1, err
}

// DropHolds is a meta.Holds method.
func (tx *Tx) DropHolds(until time.Time) error {
	_, err := tx.exec("drop holds", `DELETE FROM hold WHERE until <= ?`, micros(until))
	return err
}

// Tally is a meta.Tx method.
func (tx *Tx) Tally() (meta.Tally, error) {
	var quota float64 // the sum of some may be more than an int64 has
	t, err := one(tx, "add up users", `
		SELECT COALESCE(SUM(CASE WHEN deleted_at = 0 THEN 1 ELSE 0 END), 0),
			COALESCE(SUM(CASE WHEN deleted_at = 0 AND quota = 0 THEN 1 ELSE 0 END), 0),
			COALESCE(SUM(used), 0), COALESCE(SUM(reserved), 0),
			COALESCE(SUM(CASE WHEN deleted_at = 0 AND quota > 0 THEN quota * 1.0 ELSE 0.0 END), 0.0)
		FROM account`,
		func(t *meta.Tally) []any { return []any{&t.Users, &t.Unlimited, &t.Used, &t.Reserved, &quota} }, nil)
	if err != nil {
		return t, err
	}
	t.Quota = math.MaxInt64
	if quota < math.MaxInt64 {
		t.Quota = int64(quota)
	}
	t.Sessions, err = tx.number("count sessions", `SELECT COUNT(*) FROM session WHERE done = 0`)
	return t, err
}
