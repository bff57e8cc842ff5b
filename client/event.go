package client

import (
	"fmt"
	"sync/atomic"
	"time"
)

// EventKind is what an Event tells.
type EventKind uint8

const (
	Hashing     EventKind = iota + 1 // Bytes of the source were read and hashed
	Spooling                         // Bytes of a stream were written to a temporary file
	Opened                           // SessionID was opened, or found again
	PartStarted                      // a part is about to be sent
	Moved                            // Bytes of a part or file were sent, or received; below 0: they have to move once more
	PartDone                         // a part is at the server, or here; Reused if it was there before
	Waiting                          // Err is tried again in Wait
	Warning                          // Err stops nothing
	Restarted                        // all that was sent is lost for the reason Err, and is sent again
	Committing                       // all parts are at the server
	Done                             // the file is there
)

var eventNames = [...]string{"", "hashing", "spooling", "opened", "part started", "moved", "part done", "waiting", "warning", "restarted", "committing", "done"}

func (k EventKind) String() string {
	if int(k) < len(eventNames) {
		return eventNames[k]
	}
	return fmt.Sprintf("event %d", uint8(k))
}

// Event is a step of an upload or a download. What does not apply is zero.
type Event struct {
	Kind      EventKind
	Bytes     int64
	Total     int64 // size of the whole in bytes; -1: not known yet
	Part      int   // from 0
	Parts     int   // how many there are
	Offset    int64 // of the part, in bytes
	Size      int64 // of the part, in bytes
	Reused    bool
	SessionID string
	Wait      time.Duration
	Err       error
}

// Progress is told of events, by several goroutines at once and in the middle of
// the work: it must be quick, and must not call what it is told about. nil tells
// nobody.
type Progress func(Event)

func (p Progress) tell(e Event) {
	if p != nil {
		p(e)
	}
}

// Meter adds events up, for who would rather look now and then. Its Event method
// is a Progress. The zero Meter is ready.
type Meter struct {
	total, hashed, moved, reused atomic.Int64
	parts, done                  atomic.Int64
	waits, restarts              atomic.Int64
}

// Event takes in an event.
func (m *Meter) Event(e Event) {
	if e.Total > 0 {
		m.total.Store(e.Total)
	}
	if e.Parts > 0 {
		m.parts.Store(int64(e.Parts))
	}
	switch e.Kind {
	case Hashing:
		m.hashed.Add(e.Bytes)
	case Moved:
		m.moved.Add(e.Bytes)
	case PartDone:
		m.done.Add(1)
		if e.Reused {
			m.reused.Add(e.Size)
		}
	case Waiting:
		m.waits.Add(1)
	case Restarted:
		m.restarts.Add(1)
		m.hashed.Store(0)
		m.moved.Store(0)
		m.reused.Store(0)
		m.done.Store(0)
	}
}

// Reading is what a Meter shows.
type Reading struct {
	Total     int64 // size of the whole in bytes; 0: not known yet
	Hashed    int64 // bytes of the source that were read for their digests
	Moved     int64 // bytes that were sent or received and still count
	Reused    int64 // bytes that were there before
	Parts     int
	PartsDone int
	Waits     int // attempts that failed and were tried again
	Restarts  int
}

// Read says how far it is.
func (m *Meter) Read() Reading {
	return Reading{
		Total: m.total.Load(), Hashed: m.hashed.Load(), Moved: m.moved.Load(), Reused: m.reused.Load(),
		Parts: int(m.parts.Load()), PartsDone: int(m.done.Load()),
		Waits: int(m.waits.Load()), Restarts: int(m.restarts.Load()),
	}
}
