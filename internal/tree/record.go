package tree

import (
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// record notes what the caller has done to an item, in the transaction that
// does it. row is the item as it is now. The event goes to the owner, and to
// the caller, and into what the caller had to do with recently.
func (s *Service) record(tx meta.Tx, who content.Principal, now time.Time, what content.EventType, row meta.Item) error {
	var parent meta.Item
	if row.Parent != 0 {
		var err error
		if parent, err = tx.Item(row.Parent); err != nil {
			return err
		}
	}
	return s.recordIn(tx, who, now, what, row, parent)
}

// recordIn is record for who knows the folder that the item is in, none being the zero one.
func (s *Service) recordIn(tx meta.Tx, who content.Principal, now time.Time, what content.EventType, row, parent meta.Item) error {
	e := meta.Event{Type: what, At: now, By: who.User, Item: row, Parent: parent}
	s.Random(e.ID[:])
	if err := tx.AppendEvent(e, row.Owner, who.User); err != nil {
		return err
	}
	return s.recent(tx, who, now, what, row, e.ID[0])
}
