package upload

import (
	"sync"
	"testing"

	"boxcar/internal/content"
	"boxcar/internal/digest"
	"boxcar/internal/meta"
)

// HoldFront keeps the front of a session in memory until it is released.
func (s *Service) HoldFront(t *testing.T, rows meta.Store, id content.SessionID) (release func()) {
	var ses meta.Session
	err := rows.View(t.Context(), func(tx meta.Tx) (err error) {
		ses, err = tx.Session(id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	f := s.hold(ses)
	return func() { s.drop(id, f) }
}

// RowFront is how far the front is in the session's row.
func (s *Service) RowFront(t *testing.T, rows meta.Store, id content.SessionID) (at content.Front) {
	err := rows.View(t.Context(), func(tx meta.Tx) error {
		ses, err := tx.Session(id)
		at = ses.Front
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func (s *Service) front(id content.SessionID) *front {
	s.fronts.mu.Lock()
	defer s.fronts.mu.Unlock()
	return s.fronts.m[id]
}

// MoveFront moves a front on as if head, the file's first bytes, had been
// stored and read.
func (s *Service) MoveFront(id content.SessionID, head []byte) {
	d := digest.New()
	d.Write(head)
	s.front(id).adopt(0, content.Front{N: d.Len(), State: d.State()})
}

// FrontAt is how far the front is that is in memory.
func (s *Service) FrontAt(id content.SessionID) int64 { return s.front(id).at().N }

// Owed is how many bytes of stored parts the front has not come to.
func (s *Service) Owed(id content.SessionID) int64 { return s.front(id).owed.Load() }

// CountBuffers calls count for each buffer that is made.
func (s *Service) CountBuffers(count func()) {
	s.buffers = &sync.Pool{New: func() any { count(); b := make([]byte, 2<<20); return &b }}
}

// LockHashing holds up the hashing for plan.
func (s *Service) LockHashing() (unlock func()) {
	s.sha512.one <- struct{}{}
	return func() { <-s.sha512.one }
}

// Walk has the front of a session be on its way, without moving, until it is ended.
func (s *Service) Walk(id content.SessionID) (end func()) {
	f := s.front(id)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.busy = make(chan struct{})
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.busy = nil
		f.tell()
	}
}

// The bounds of a wait for the front.
const (
	Leash   = leash
	TooFar  = tooFar
	AtLeash = atLeash
)

// OnePlace has one body be taken in at a time.
func (s *Service) OnePlace() { s.places = newPlaces(1, 2) }
