package sqlmeta

import (
	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// InsertPart is a meta.Parts method.
func (tx *Tx) InsertPart(m meta.Manifest, p meta.Part) error {
	key, err := validKey(p.Blob)
	if err != nil {
		return tx.fail("insert part", err)
	}
	n, err := tx.exec("insert part", `
		INSERT INTO part (manifest, start, size, id, sha1, blob, sha512, created_at, state_after)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`,
		int64(m), p.Span.Start, p.Span.Len(), p.ID, p.SHA1[:], key, digest(p.SHA512[:]), micros(p.CreatedAt), state(p.After))
	if err == nil && n == 0 {
		return content.Errorf(content.PartConflict, "another part was already accepted at %d, or has the id %s", p.Span.Start, p.ID)
	}
	return err
}

const (
	partFields = `p.id, p.start, p.start + p.size, p.sha1, p.blob, p.sha512, p.created_at, p.state_after`
	selectPart = `SELECT ` + partFields + ` FROM part p `
)

func partColumns(p *meta.Part) []any {
	return []any{&p.ID, &p.Span.Start, &p.Span.End, fixed(p.SHA1[:]), hexKey{&p.Blob}, fixed(p.SHA512[:]),
		instant{&p.CreatedAt}, hashState{&p.After}}
}

func noPart(m meta.Manifest, start int64) error {
	return content.Errorf(content.NotFound, "manifest %d has no part at %d", m, start)
}

// Part is a meta.Parts method.
func (tx *Tx) Part(m meta.Manifest, start int64) (meta.Part, error) {
	return one(tx, "get part", selectPart+`WHERE p.manifest = ? AND p.start = ?`, partColumns, noPart(m, start), int64(m), start)
}

// Parts is a meta.Parts method.
func (tx *Tx) Parts(m meta.Manifest, from int64, limit int) ([]meta.Part, error) {
	return list(tx, "list parts", selectPart+`WHERE p.manifest = ? AND p.start >= ? ORDER BY p.start LIMIT ?`,
		partColumns, int64(m), from, limited(limit))
}

// CountParts is a meta.Parts method.
func (tx *Tx) CountParts(m meta.Manifest) (int64, error) {
	return tx.number("count parts", `SELECT COUNT(*) FROM part WHERE manifest = ?`, int64(m))
}

// SetAfter is a meta.Parts method.
func (tx *Tx) SetAfter(m meta.Manifest, start int64, after content.SHA1State) error {
	n, err := tx.exec("set state after part", `UPDATE part SET state_after = ? WHERE manifest = ? AND start = ?`, state(after), int64(m), start)
	if err == nil && n == 0 {
		return noPart(m, start)
	}
	return err
}

// DeleteParts is a meta.Parts method.
func (tx *Tx) DeleteParts(m meta.Manifest, limit int) (removed int, free []blob.Key, err error) {
	const op = "delete parts"
	type run struct{ n, last int64 }
	r, err := one(tx, op, `
		SELECT COUNT(*), COALESCE(MAX(start), 0)
		FROM (SELECT start FROM part WHERE manifest = ? ORDER BY start LIMIT ?) first`,
		func(r *run) []any { return []any{&r.n, &r.last} }, nil, int64(m), limited(limit))
	if err != nil || r.n == 0 {
		return 0, nil, err
	}
	free, err = list(tx, op, `
		SELECT DISTINCT p.blob FROM part p
		WHERE p.manifest = ? AND p.start <= ? AND NOT EXISTS (
			SELECT 1 FROM part o WHERE o.blob = p.blob AND (o.manifest <> p.manifest OR o.start > ?))`,
		func(k *blob.Key) []any { return []any{hexKey{k}} }, int64(m), r.last, r.last)
	if err != nil {
		return 0, nil, err
	}
	if _, err := tx.exec(op, `DELETE FROM part WHERE manifest = ? AND start <= ?`, int64(m), r.last); err != nil {
		return 0, nil, err
	}
	return int(r.n), free, nil
}

// Refers is a meta.Parts method.
func (tx *Tx) Refers(key blob.Key) (bool, error) {
	k, err := blobKey(key)
	if err != nil {
		return false, nil
	}
	n, err := tx.number("look for references", `SELECT CASE WHEN EXISTS (SELECT 1 FROM part WHERE blob = ?) THEN 1 ELSE 0 END`, k)
	return n == 1, err
}

// OrphanManifests is a meta.Parts method.
func (tx *Tx) OrphanManifests(limit int) ([]meta.Manifest, error) {
	// One seek for each manifest rather than a visit to each part.
	return longList(tx, "list orphan manifests", `
		WITH RECURSIVE m (id) AS (
			SELECT MIN(manifest) FROM part
			UNION ALL
			SELECT (SELECT MIN(p.manifest) FROM part p WHERE p.manifest > m.id) FROM m WHERE m.id IS NOT NULL
		)
		SELECT m.id FROM m
		WHERE m.id IS NOT NULL
			AND NOT EXISTS (SELECT 1 FROM session s WHERE s.manifest = m.id)
			AND NOT EXISTS (SELECT 1 FROM version v WHERE v.manifest = m.id)
		LIMIT ?`,
		func(m *meta.Manifest) []any { return []any{m} }, limited(limit))
}

// SetSHA512 is a meta.Parts method.
func (tx *Tx) SetSHA512(key blob.Key, sum content.SHA512) error {
	k, err := blobKey(key)
	if err != nil {
		return tx.fail("set SHA-512", err)
	}
	_, err = tx.exec("set SHA-512", `UPDATE part SET sha512 = ? WHERE blob = ?`, digest(sum[:]), k)
	return err
}

// MatchSHA512 is a meta.Parts method.
func (tx *Tx) MatchSHA512(owner, near content.ID, sum content.SHA512, size int64, limit int) ([]meta.Match, error) {
	return list(tx, "match SHA-512", `
		SELECT `+partFields+`, v.file, v.id, (
			SELECT q.state_after FROM part q WHERE q.manifest = p.manifest AND q.start < p.start ORDER BY q.start DESC LIMIT 1)
		FROM part p JOIN version v ON v.manifest = p.manifest JOIN item i ON i.id = v.file
		WHERE p.sha512 = ? AND p.size = ? AND i.owner = ? AND i.trashed_at = 0
			AND NOT EXISTS (SELECT 1 FROM rotten r WHERE r.blob = p.blob)
		ORDER BY v.file <> ?, p.manifest, p.start, v.id LIMIT ?`,
		func(m *meta.Match) []any {
			return append(partColumns(&m.Part), &m.File, &m.Version, hashState{&m.Before})
		}, sum[:], size, int64(owner), int64(near), limited(limit))
}

// Unhashed is a meta.Parts method.
func (tx *Tx) Unhashed(owner content.ID, after blob.Key, limit int) ([]meta.Part, error) {
	const op = "list blobs without SHA-512"
	return eachBlobOnce(tx, op, after, limit, func(p meta.Part) blob.Key { return p.Blob }, func(key []byte, want int) ([]meta.Part, error) {
		return list(tx, op, selectPart+`
			JOIN version v ON v.manifest = p.manifest
			JOIN item i ON i.id = v.file AND i.current = v.id
			WHERE p.sha512 IS NULL AND p.blob > ? AND i.owner = ? AND i.trashed_at = 0
				AND NOT EXISTS (
					WITH RECURSIVE up (parent, trashed_at) AS (
						SELECT f.parent, f.trashed_at FROM item f WHERE f.id = i.parent
						UNION ALL
						SELECT f.parent, f.trashed_at FROM up JOIN item f ON f.id = up.parent
					)
					SELECT 1 FROM up WHERE up.trashed_at <> 0)
			ORDER BY p.blob LIMIT ?`, partColumns, key, int64(owner), limited(want))
	})
}

// eachBlobOnce lists rows that come in order of their blobs, those after the key
// given, one of each: several may share one. fetch gets so many that are after a key.
func eachBlobOnce[R any](tx *Tx, op string, after blob.Key, limit int, blobOf func(R) blob.Key, fetch func(after []byte, want int) ([]R, error)) (all []R, err error) {
	for len(all) < limit {
		key, err := blobKey(after)
		if err != nil {
			return nil, tx.fail(op, err)
		}
		want := limit - len(all)
		rows, err := fetch(key, want)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			if blobOf(r) != after {
				all = append(all, r)
			}
			after = blobOf(r)
		}
		if len(rows) < want {
			break
		}
	}
	return all, nil
}

// UnhashedIn is a meta.Parts method.
func (tx *Tx) UnhashedIn(m meta.Manifest, limit int) ([]meta.Part, error) {
	return list(tx, "list parts without SHA-512", selectPart+`WHERE p.manifest = ? AND p.sha512 IS NULL ORDER BY p.start LIMIT ?`,
		partColumns, int64(m), limited(limit))
}
