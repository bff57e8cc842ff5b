package sqlmeta

import (
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

func noSession(id content.SessionID) error {
	return content.Errorf(content.NotFound, "there is no upload session %s", id)
}

// InsertSession is a meta.Sessions method.
func (tx *Tx) InsertSession(s meta.Session) error {
	key, err := sessionKey(s.ID)
	if err != nil {
		return tx.fail("insert session", err)
	}
	_, err = tx.exec("insert session", `
		INSERT INTO session (id, owner, file, folder, name, file_size, part_size, state, created_at, expires_at,
			manifest, reserved, front, front_state, front_sum, lease, sha1, version, committed, sequence)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		key, int64(s.Owner), int64(s.File), int64(s.Folder), s.Name, s.Grid.FileSize, s.Grid.PartSize, string(s.State),
		micros(s.CreatedAt), micros(s.ExpiresAt),
		int64(s.Manifest), s.Reserved, s.Front.N, state(s.Front.State), digest(s.Front.Sum[:]), micros(s.Lease),
		digest(s.SHA1[:]), int64(s.Version), int64(s.Committed), s.Sequence)
	if err != nil || isDone(s.State) {
		return err
	}
	_, err = tx.exec("count session", `
		INSERT INTO session_count (owner, open) VALUES (?, 1) ON CONFLICT (owner) DO UPDATE SET open = session_count.open + 1`, int64(s.Owner))
	return err
}

func isDone(state content.SessionState) bool {
	return state != content.Open && state != content.Committing
}

// uncount takes a session out of those that are open, if it is, and recount
// puts it back.
func (tx *Tx) uncount(key any) error {
	_, err := tx.exec("count session", `
		UPDATE session_count SET open = open - 1 WHERE owner = (SELECT owner FROM session WHERE id = ? AND done = 0)`, key)
	return err
}

func (tx *Tx) recount(key any) error {
	_, err := tx.exec("count session", `
		INSERT INTO session_count (owner, open) SELECT owner, 1 FROM session WHERE id = ? AND done = 1
		ON CONFLICT (owner) DO UPDATE SET open = session_count.open + 1`, key)
	return err
}

const selectSession = `
	SELECT id, owner, file, folder, name, file_size, part_size, state, created_at, expires_at,
		manifest, reserved, front, front_state, front_sum, lease, sha1, version, committed, sequence
	FROM session `

func sessionColumns(s *meta.Session) []any {
	return []any{hexSession{&s.ID}, &s.Owner, &s.File, &s.Folder, &s.Name, &s.Grid.FileSize, &s.Grid.PartSize, &s.State,
		instant{&s.CreatedAt}, instant{&s.ExpiresAt},
		&s.Manifest, &s.Reserved, &s.Front.N, hashState{&s.Front.State}, fixed(s.Front.Sum[:]), instant{&s.Lease},
		fixed(s.SHA1[:]), &s.Version, &s.Committed, &s.Sequence}
}

// Session is a meta.Sessions method.
func (tx *Tx) Session(id content.SessionID) (s meta.Session, err error) {
	key, err := sessionKey(id)
	if err != nil {
		return s, noSession(id)
	}
	return one(tx, "get session", selectSession+`WHERE id = ?`, sessionColumns, noSession(id), key)
}

// UpdateSession is a meta.Sessions method.
func (tx *Tx) UpdateSession(s meta.Session) error {
	key, err := sessionKey(s.ID)
	if err != nil {
		return noSession(s.ID)
	}
	count := tx.recount
	if isDone(s.State) {
		count = tx.uncount
	}
	if err := count(key); err != nil {
		return err
	}
	n, err := tx.exec("update session", `
		UPDATE session SET state = ?, reserved = ?, front = ?, front_state = ?, front_sum = ?, lease = ?,
			sha1 = ?, version = ?, committed = ?, sequence = ?
		WHERE id = ?`,
		string(s.State), s.Reserved, s.Front.N, state(s.Front.State), digest(s.Front.Sum[:]), micros(s.Lease),
		digest(s.SHA1[:]), int64(s.Version), int64(s.Committed), s.Sequence, key)
	if err == nil && n == 0 {
		return noSession(s.ID)
	}
	return err
}

// SetFront is a meta.Sessions method.
func (tx *Tx) SetFront(id content.SessionID, f content.Front) error {
	key, err := sessionKey(id)
	if err != nil {
		return noSession(id)
	}
	n, err := tx.exec("set front", `UPDATE session SET front = ?, front_state = ?, front_sum = ? WHERE id = ? AND front < ?`,
		f.N, state(f.State), digest(f.Sum[:]), key, f.N)
	if err == nil && n == 0 {
		_, err = tx.Session(id)
	}
	return err
}

// CountOpen is a meta.Sessions method.
func (tx *Tx) CountOpen(user content.ID, now time.Time) (int64, error) {
	return tx.number("count open sessions", `
		SELECT COALESCE((SELECT open FROM session_count WHERE owner = ?), 0)
			- (SELECT COUNT(*) FROM session WHERE owner = ? AND done = 0 AND expires_at <= ?)`,
		int64(user), int64(user), micros(now))
}

// Overdue is a meta.Sessions method.
func (tx *Tx) Overdue(now time.Time, limit int) ([]meta.Session, error) {
	return list(tx, "list overdue sessions", selectSession+`WHERE done = 0 AND expires_at <= ? ORDER BY expires_at, id LIMIT ?`,
		sessionColumns, micros(now), limited(limit))
}

// Forgettable is a meta.Sessions method.
func (tx *Tx) Forgettable(before time.Time, limit int) ([]meta.Session, error) {
	return list(tx, "list forgettable sessions", selectSession+`WHERE done = 1 AND expires_at <= ? ORDER BY expires_at, id LIMIT ?`,
		sessionColumns, micros(before), limited(limit))
}

// InState is a meta.Sessions method.
func (tx *Tx) InState(in content.SessionState, after content.SessionID, limit int) ([]meta.Session, error) {
	key, err := sessionKey(after)
	if err != nil {
		return nil, tx.fail("list sessions in a state", err)
	}
	return list(tx, "list sessions in a state", selectSession+`WHERE state = ? AND id > ? ORDER BY id LIMIT ?`,
		sessionColumns, string(in), key, limited(limit))
}

// DeleteSession is a meta.Sessions method.
func (tx *Tx) DeleteSession(id content.SessionID) error {
	key, err := sessionKey(id)
	if err != nil {
		return nil
	}
	if _, err := tx.exec("delete session log", `DELETE FROM session_log WHERE session = ?`, key); err != nil {
		return err
	}
	if err := tx.uncount(key); err != nil {
		return err
	}
	_, err = tx.exec("delete session", `DELETE FROM session WHERE id = ?`, key)
	return err
}

// AppendLog is a meta.Sessions method.
func (tx *Tx) AppendLog(id content.SessionID, e content.LogEvent) error {
	key, err := sessionKey(id)
	if err != nil {
		return noSession(id)
	}
	var part, start, size, sum any
	if p := e.Part; p != nil {
		part, start, size, sum = p.ID, p.Span.Start, p.Span.Len(), digest(p.SHA1[:])
	}
	n, err := tx.exec("append to session log", `
		INSERT INTO session_log (session, n, at, event, part, part_start, part_size, part_sha1, status, code, message)
		SELECT s.id, COALESCE((SELECT MAX(l.n) FROM session_log l WHERE l.session = s.id), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ?, ?
		FROM session s WHERE s.id = ?`,
		micros(e.At), e.Event, part, start, size, sum, int64(e.Status), e.Code, e.Message, key)
	if err == nil && n == 0 {
		return noSession(id)
	}
	return err
}

// CountLog is a meta.Sessions method.
func (tx *Tx) CountLog(id content.SessionID) (int64, error) {
	key, err := sessionKey(id)
	if err != nil {
		return 0, nil
	}
	return tx.number("count session log", `SELECT COUNT(*) FROM session_log WHERE session = ?`, key)
}

type logRow struct {
	meta.LogEntry
	part  content.Part
	about bool
	size  int64
}

// Log is a meta.Sessions method.
func (tx *Tx) Log(id content.SessionID, after int64, limit int) ([]meta.LogEntry, error) {
	key, err := sessionKey(id)
	if err != nil {
		return nil, nil
	}
	rows, err := list(tx, "read session log", `
		SELECT n, at, event, CASE WHEN part_start IS NULL THEN 0 ELSE 1 END,
			COALESCE(part, ''), COALESCE(part_start, 0), COALESCE(part_size, 0), part_sha1, status, code, message
		FROM session_log WHERE session = ? AND n > ? ORDER BY n LIMIT ?`,
		func(r *logRow) []any {
			return []any{&r.N, instant{&r.At}, &r.Event, &r.about,
				&r.part.ID, &r.part.Span.Start, &r.size, fixed(r.part.SHA1[:]), &r.Status, &r.Code, &r.Message}
		}, key, after, limited(limit))
	if err != nil {
		return nil, err
	}
	all := make([]meta.LogEntry, len(rows))
	for i := range rows {
		r := &rows[i]
		if r.about {
			r.part.Span.End = r.part.Span.Start + r.size
			r.Part = &r.part
		}
		all[i] = r.LogEntry
	}
	return all, nil
}
