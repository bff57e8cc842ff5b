package meta

import (
	"time"

	"boxcar/internal/content"
)

// Event is something that happened to an item, or to a user, which is kept as it was then.
type Event struct {
	Position int64 // from 1; AppendEvent gives it
	ID       [16]byte
	Type     content.EventType
	At       time.Time
	By       content.ID
	Item     Item
	// User, if it has an ID, is who it is about. The Item is empty then, but for its Owner: the same.
	User content.Person
	// Parent is the folder that the item was in: its ID, Name, Sequence and
	// Parent. No ID if it was in none.
	Parent Item
	// Details is what a type of event says beside the item, as names and values.
	Details map[string]string
}

// EventFilter narrows a list of all events. The zero value narrows nothing.
type EventFilter struct {
	From, Until time.Time // From is in, Until is out
	Types       []content.EventType
}

// Events are what happened, in order.
type Events interface {
	// AppendEvent gives an event the next position, and puts it into the streams
	// of those named, each once.
	AppendEvent(e Event, streams ...content.ID) error
	// LastEvent is the position of the last event there was, deleted or not; 0 for none.
	LastEvent() (int64, error)
	// EventStreams are the users whose streams have events behind a position, in no order.
	EventStreams(after int64) ([]content.ID, error)
	// EventsFor are the events of one user's stream behind a position, in order.
	EventsFor(user content.ID, after int64, limit int) ([]Event, error)
	// AllEvents are those of everybody behind a position, in order.
	AllEvents(after int64, filter EventFilter, limit int) ([]Event, error)
	// DropEvents removes some of the events from before a time, and says how many.
	DropEvents(before time.Time, limit int) (int, error)
}
