package sqlmeta

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

const eventCounter = "event"

// AppendEvent is a meta.Events method.
func (tx *Tx) AppendEvent(e meta.Event, streams ...content.ID) error {
	const op = "append event"
	source, err := eventText(e)
	if err != nil {
		return tx.fail(op, err)
	}
	position, err := tx.number(op, `
		INSERT INTO counter (name, n) VALUES (?, 1)
		ON CONFLICT (name) DO UPDATE SET n = counter.n + 1 RETURNING n`, eventCounter)
	if err != nil {
		return err
	}
	if _, err := tx.exec(op, `INSERT INTO event (position, id, type, at, actor, source) VALUES (?, ?, ?, ?, ?, ?)`,
		position, e.ID[:], string(e.Type), micros(e.At), int64(e.By), source); err != nil {
		return err
	}
	for i, user := range streams {
		if slices.Contains(streams[:i], user) {
			continue
		}
		if _, err := tx.exec(op, `INSERT INTO event_for (account, position) VALUES (?, ?)`, int64(user), position); err != nil {
			return err
		}
	}
	return nil
}

// LastEvent is a meta.Events method.
func (tx *Tx) LastEvent() (int64, error) {
	return tx.number("last event", `SELECT n FROM counter WHERE name = ?`, eventCounter)
}

// EventStreams is a meta.Events method.
func (tx *Tx) EventStreams(after int64) ([]content.ID, error) {
	return list(tx, "list streams", `SELECT DISTINCT account + 0 FROM event_for WHERE position > ?`,
		func(id *content.ID) []any { return []any{id} }, after)
}

const selectEvent = `SELECT e.position, e.id, e.type, e.at, e.actor, e.source FROM `

func eventColumns(e *meta.Event) []any {
	return []any{&e.Position, fixed(e.ID[:]), &e.Type, instant{&e.At}, &e.By, eventSource{e}}
}

// EventsFor is a meta.Events method.
func (tx *Tx) EventsFor(user content.ID, after int64, limit int) ([]meta.Event, error) {
	return list(tx, "list events", selectEvent+`event_for f JOIN event e ON e.position = f.position
		WHERE f.account = ? AND f.position > ? ORDER BY f.position LIMIT ?`, eventColumns, int64(user), after, limited(limit))
}

// AllEvents is a meta.Events method.
func (tx *Tx) AllEvents(after int64, filter meta.EventFilter, limit int) ([]meta.Event, error) {
	where, args := `WHERE e.position > ? `, []any{after}
	if !filter.From.IsZero() {
		// Events are in order of time but where a clock was put back, so the
		// first that is late enough is found by time, and the rest looked at.
		// The sums keep the order of positions from being sorted out of the times'.
		where += `AND e.position >= COALESCE((SELECT f.position FROM event f WHERE f.at >= ? ORDER BY f.at, f.position LIMIT 1), 0) AND e.at + 0 >= ? `
		args = append(args, micros(filter.From), micros(filter.From))
	}
	if !filter.Until.IsZero() {
		where += `AND e.at + 0 < ? `
		args = append(args, micros(filter.Until))
	}
	if len(filter.Types) > 0 {
		where += `AND e.type IN (?` + strings.Repeat(`, ?`, len(filter.Types)-1) + `) `
		for _, t := range filter.Types {
			args = append(args, string(t))
		}
	}
	return longList(tx, "list all events", selectEvent+`event e `+where+`ORDER BY e.position LIMIT ?`, eventColumns, append(args, limited(limit))...)
}

// DropEvents is a meta.Events method.
func (tx *Tx) DropEvents(before time.Time, limit int) (int, error) {
	const op = "drop events"
	old, err := list(tx, op, `SELECT position FROM event WHERE at < ? ORDER BY at, position LIMIT ?`,
		func(n *int64) []any { return []any{n} }, micros(before), limited(limit))
	if err != nil {
		return 0, err
	}
	for _, position := range old {
		if _, err := tx.exec(op, `DELETE FROM event_for WHERE position = ?`, position); err != nil {
			return 0, err
		}
		if _, err := tx.exec(op, `DELETE FROM event WHERE position = ?`, position); err != nil {
			return 0, err
		}
	}
	return len(old), nil
}

// eventJSON is the source of an event as it is kept.
type eventJSON struct {
	ID                content.ID        `json:"id"`
	Kind              meta.ItemKind     `json:"kind"`
	Name              string            `json:"name"`
	Sequence          int64             `json:"seq"`
	Description       string            `json:"desc,omitempty"`
	CreatedAt         int64             `json:"ca"`
	ModifiedAt        int64             `json:"ma"`
	ContentCreatedAt  int64             `json:"cca"`
	ContentModifiedAt int64             `json:"cma"`
	TrashedAt         int64             `json:"ta,omitempty"`
	CreatedBy         content.ID        `json:"cb"`
	ModifiedBy        content.ID        `json:"mb"`
	Owner             content.ID        `json:"owner"`
	Size              int64             `json:"size,omitempty"`
	URL               string            `json:"url,omitempty"`
	Version           content.ID        `json:"v,omitempty"`
	Number            int64             `json:"n,omitempty"`
	SHA1              string            `json:"sha1,omitempty"`
	Parent            *eventParent      `json:"in,omitempty"`
	User              *eventUser        `json:"user,omitempty"`
	Details           map[string]string `json:"more,omitempty"`
}

type eventUser struct {
	ID    content.ID `json:"id"`
	Name  string     `json:"name"`
	Login string     `json:"login"`
}

type eventParent struct {
	ID       content.ID `json:"id"`
	Name     string     `json:"name"`
	Sequence int64      `json:"seq"`
	Parent   content.ID `json:"in,omitempty"`
}

func eventText(e meta.Event) (string, error) {
	it := e.Item
	out := eventJSON{
		ID: it.ID, Kind: it.Kind, Name: it.Name, Sequence: it.Sequence, Description: it.Description,
		CreatedAt: micros(it.CreatedAt), ModifiedAt: micros(it.ModifiedAt),
		ContentCreatedAt: micros(it.ContentCreatedAt), ContentModifiedAt: micros(it.ContentModifiedAt), TrashedAt: micros(it.TrashedAt),
		CreatedBy: it.CreatedBy, ModifiedBy: it.ModifiedBy, Owner: it.Owner, Size: it.Totals.Size, URL: it.URL, Details: e.Details,
	}
	if it.Kind == meta.File {
		out.Version, out.Number, out.SHA1, out.Size = it.Current.ID, it.Current.Number, it.Current.SHA1.String(), it.Current.Size
	}
	if p := e.Parent; p.ID != 0 {
		out.Parent = &eventParent{p.ID, p.Name, p.Sequence, p.Parent}
	}
	if u := e.User; u.ID != 0 {
		out.User = &eventUser{u.ID, u.Name, u.Login}
	}
	b, err := json.Marshal(out)
	return string(b), err
}

type eventSource struct{ e *meta.Event }

func (v eventSource) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("an event is stored as %T", src)
	}
	var in eventJSON
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		return fmt.Errorf("event: %w", err)
	}
	it := meta.Item{
		ID: in.ID, Kind: in.Kind, Name: in.Name, Key: content.NameKey(in.Name), Sequence: in.Sequence, Description: in.Description,
		CreatedAt: fromMicros(in.CreatedAt), ModifiedAt: fromMicros(in.ModifiedAt),
		ContentCreatedAt: fromMicros(in.ContentCreatedAt), ContentModifiedAt: fromMicros(in.ContentModifiedAt), TrashedAt: fromMicros(in.TrashedAt),
		CreatedBy: in.CreatedBy, ModifiedBy: in.ModifiedBy, Owner: in.Owner,
		Extra: meta.Extra{URL: in.URL}, Totals: meta.Totals{Size: in.Size},
	}
	if in.Kind == meta.File {
		it.Current = meta.Version{ID: in.Version, File: in.ID, Number: in.Number, Name: in.Name, Size: in.Size}
		if n, err := hex.Decode(it.Current.SHA1[:], []byte(in.SHA1)); err != nil || n != len(it.Current.SHA1) {
			return fmt.Errorf("event: %q is not a SHA-1", in.SHA1)
		}
	}
	v.e.Parent = meta.Item{}
	if p := in.Parent; p != nil {
		it.Parent = p.ID
		v.e.Parent = meta.Item{ID: p.ID, Kind: meta.Folder, Name: p.Name, Key: content.NameKey(p.Name), Sequence: p.Sequence, Parent: p.Parent}
	}
	v.e.User = content.Person{}
	if u := in.User; u != nil {
		v.e.User = content.Person{ID: u.ID, Name: u.Name, Login: u.Login}
	}
	v.e.Item, v.e.Details = it, in.Details
	return nil
}
