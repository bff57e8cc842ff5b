package tree

import (
	"context"
	"slices"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// Stream says which events one wants.
type Stream int

const (
	AllEvents   Stream = iota // in the caller's own stream
	TreeEvents                // of those, the ones that change the tree
	AdminEvents               // everybody's, of the caller's enterprise
)

// EventQuery says which part of a stream one wants.
type EventQuery struct {
	Stream Stream
	// After is a position: the events wanted come behind it.
	After int64
	Limit int
	// These are for administrators.
	From, Until time.Time // From is in, Until is out
	Types       []content.EventType
	Keep        func(content.Event) bool // nil: all
}

// EventPage is a part of a stream.
type EventPage struct {
	Events []content.Event
	// Next goes into After, and misses nothing and repeats nothing.
	Next int64
}

// eventScan is how many events are looked at for one page.
const eventScan = 5000

// LastEvent is the position behind which the events are that are still to come.
func (s *Service) LastEvent(ctx context.Context, who content.Principal, stream Stream) (last int64, err error) {
	if err := content.AllowRight(who, streamRight(stream)); err != nil {
		return 0, err
	}
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		last, err = tx.LastEvent()
		return err
	})
	return last, err
}

func streamRight(stream Stream) content.Right {
	if stream == AdminEvents {
		return content.ReadAdminEvents
	}
	return content.ReadEvents
}

// Events gives a part of a stream, in order. A position that nothing can have
// yet is a content.BadRequest error. A page may have less than was asked for
// before the end of the stream, where many events had to be left out.
func (s *Service) Events(ctx context.Context, who content.Principal, q EventQuery) (page EventPage, err error) {
	if err := content.AllowRight(who, streamRight(q.Stream)); err != nil {
		return page, err
	}
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		page, err = s.events(tx, who, q)
		return err
	})
	return page, err
}

func (s *Service) events(tx meta.Tx, who content.Principal, q EventQuery) (page EventPage, err error) {
	last, err := tx.LastEvent()
	if err != nil {
		return page, err
	}
	if q.After > last {
		return page, content.Errorf(content.BadRequest, "there is no stream position %d yet", q.After)
	}
	page.Next = q.After
	r := eventReader{assembler: s.assembler(tx), who: who, admin: q.Stream == AdminEvents}
	for scanned := 0; scanned < eventScan && len(page.Events) < q.Limit; {
		n := q.Limit - len(page.Events)
		var rows []meta.Event
		if q.Stream == AdminEvents {
			rows, err = tx.AllEvents(page.Next, meta.EventFilter{From: q.From, Until: q.Until, Types: q.Types}, n)
		} else {
			rows, err = tx.EventsFor(who.User, page.Next, n)
		}
		if err != nil {
			return page, err
		}
		for _, row := range rows {
			page.Next = row.Position
			if q.Stream == TreeEvents && !row.Type.ChangesTree() {
				continue
			}
			e, ok, err := r.event(row)
			if err != nil {
				return page, err
			}
			if ok && (q.Keep == nil || q.Keep(e)) {
				page.Events = append(page.Events, e)
			}
		}
		scanned += len(rows)
		if len(rows) < n {
			page.Next = last // all up to there was looked at
			break
		}
	}
	return page, nil
}

// eventReader makes nouns of events.
type eventReader struct {
	*assembler
	who   content.Principal
	admin bool
	above map[content.ID][]content.Folder
}

// event leaves out, ok false, what is none of the caller's business.
func (r *eventReader) event(row meta.Event) (e content.Event, ok bool, err error) {
	it := row.Item
	if r.admin {
		owner, err := r.user(it.Owner)
		if err != nil && !content.Is(err, content.NotFound) || err == nil && owner.Enterprise.ID != r.who.Enterprise {
			return e, false, err
		}
	}
	var path []content.Folder
	if row.Parent.ID != 0 && (r.admin || it.Owner == r.who.User) {
		if path, err = r.path(row.Parent); err != nil {
			return e, false, err
		}
	}
	e = content.Event{Position: row.Position, ID: hexID(row.ID), Type: row.Type, At: row.At, Details: row.Details}
	if e.By, err = r.past(row.By); err != nil {
		return e, false, err
	}
	if row.User.ID != 0 {
		e.About = &row.User
		return e, r.admin, nil
	}
	n := content.Node{
		ID: it.ID, Name: it.Name, Sequence: it.Sequence, Description: it.Description, Path: path,
		CreatedAt: it.CreatedAt, ModifiedAt: it.ModifiedAt, ContentCreatedAt: it.ContentCreatedAt, ContentModifiedAt: it.ContentModifiedAt,
		TrashedAt: it.TrashedAt, Status: content.Active,
	}
	if len(path) > 0 {
		n.Parent = &path[len(path)-1]
	}
	if !it.TrashedAt.IsZero() {
		n.Status = content.InTrash
	}
	for _, p := range []struct {
		id   content.ID
		into *content.Person
	}{{it.CreatedBy, &n.CreatedBy}, {it.ModifiedBy, &n.ModifiedBy}, {it.Owner, &n.OwnedBy}} {
		if *p.into, err = r.past(p.id); err != nil {
			return e, false, err
		}
	}
	switch it.Kind {
	case meta.Folder:
		f := folder(it, n)
		f.Root = false
		e.Source = &f
	case meta.WebLink:
		e.Source = &content.WebLink{Node: n, URL: it.URL}
	default:
		v := it.Current
		e.Source = &content.File{Node: n, VersionNumber: v.Number, Version: content.Version{
			ID: v.ID, File: it.ID, Number: v.Number, Name: v.Name, Size: v.Size, SHA1: v.SHA1, CreatedAt: it.ModifiedAt, CreatedBy: n.ModifiedBy,
		}}
	}
	return e, true, nil
}

// past is somebody who may not be there any more.
func (r *eventReader) past(id content.ID) (content.Person, error) {
	p, err := r.person(id)
	if content.Is(err, content.NotFound) {
		return content.Person{ID: id}, nil
	}
	return p, err
}

// path is the way to a folder as it is now, and the folder as it was then.
func (r *eventReader) path(parent meta.Item) ([]content.Folder, error) {
	as := content.Folder{
		Node: content.Node{ID: parent.ID, Name: parent.Name, Sequence: parent.Sequence, Status: content.Active},
		Root: parent.Parent == 0,
	}
	above, known := r.above[parent.ID]
	if !known && !as.Root {
		var err error
		if above, _, err = r.assembler.above(parent.ID); err != nil && !content.Is(err, content.NotFound) {
			return nil, err
		}
		if r.above == nil {
			r.above = map[content.ID][]content.Folder{}
		}
		r.above[parent.ID] = above
	}
	return append(slices.Clip(above), as), nil
}

func hexID(id [16]byte) string {
	const digits = "0123456789abcdef"
	b := make([]byte, 0, 32)
	for _, c := range id {
		b = append(b, digits[c>>4], digits[c&15])
	}
	return string(b)
}
