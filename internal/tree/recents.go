package tree

import (
	"context"
	"sync"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// interactions are the events that say that the caller had to do with an item.
var interactions = map[content.EventType]bool{
	content.ItemCreate: true, content.ItemUpload: true, content.ItemRename: true, content.ItemMove: true, content.ItemCopy: true,
	content.ItemModify: true, content.ItemUndeleteViaTrash: true, content.ItemMakeCurrentVersion: true,
	content.ItemDownload: true, content.ItemPreview: true,
}

// recent notes what the caller had to do with an item last. Now and then, by
// chance, which is a random byte, it forgets the oldest of such notes.
func (s *Service) recent(tx meta.Tx, who content.Principal, now time.Time, what content.EventType, row meta.Item, chance byte) error {
	if who.User == 0 || !interactions[what] {
		return nil
	}
	err := tx.PutRecent(meta.Recent{User: who.User, Item: row.ID, Kind: what, At: now, Link: who.User != row.Owner})
	if err != nil || chance%64 != 0 {
		return err
	}
	_, err = tx.DropRecents(who.User, content.KeepRecents, content.KeepRecents)
	return err
}

// RecentMark is a place in the list of recent items.
type RecentMark struct {
	At   time.Time
	Item content.ID
}

// Recents lists what the caller had to do with in the last 90 days, the last
// first, without what is in the trash or not to be seen any more. next goes on
// behind it; nil at the end.
func (s *Service) Recents(ctx context.Context, who content.Principal, after *RecentMark, limit int) (list []content.Recent, next *RecentMark, err error) {
	if err := content.AllowRight(who, content.AccountItems); err != nil {
		return nil, nil, err
	}
	since := s.Now().Add(-content.RecentLife)
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		list, next = nil, nil
		var behind meta.Recent
		if after != nil {
			behind = meta.Recent{At: after.At, Item: after.Item}
		}
		a := s.assembler(tx)
		for {
			rows, err := tx.Recents(who.User, since, behind, limit+1)
			if err != nil || len(rows) == 0 {
				return err
			}
			for _, r := range rows {
				row, err := tx.Item(r.Item)
				if content.Is(err, content.NotFound) {
					continue
				}
				if err != nil {
					return err
				}
				item, err := a.placed(row)
				if err != nil {
					return err
				}
				if content.NodeOf(item).Status != content.Active || !content.May(who, content.See, item) {
					continue
				}
				if len(list) == limit {
					last := list[limit-1]
					next = &RecentMark{At: last.At, Item: content.NodeOf(last.Item).ID}
					return nil
				}
				list = append(list, content.Recent{Item: item, Kind: r.Kind, At: r.At, Link: r.Link})
			}
			behind = rows[len(rows)-1]
		}
	})
	return list, next, err
}

// seen is what was looked at and has not been written yet.
type seen struct {
	mu    sync.Mutex
	notes map[sight]time.Time
}

type sight struct {
	user, item content.ID
	what       content.EventType
}

// maxSights is how many such notes are kept; what comes then is left out.
const maxSights = 10_000

// Seen notes that the caller has downloaded or previewed a file. The note
// becomes an event about a second later, in FlushSeen; it may be lost in a crash.
func (s *Service) Seen(who content.Principal, item content.ID, what content.EventType) {
	if who.User == 0 {
		return // somebody with a shared link
	}
	s.seen.note(sight{who.User, item, what}, s.Now())
}

func (s *seen) note(n sight, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.notes == nil {
		s.notes = map[sight]time.Time{}
	}
	if len(s.notes) < maxSights {
		s.notes[n] = at
	}
}

// FlushSeen writes what Seen has noted, a few hundred in a transaction. What
// could not be written is kept for the next time.
func (s *Service) FlushSeen(ctx context.Context) error {
	s.seen.mu.Lock()
	notes := s.seen.notes
	s.seen.notes = nil
	s.seen.mu.Unlock()
	const batch = 200
	for len(notes) > 0 {
		var some []sight
		for n := range notes {
			if some = append(some, n); len(some) == batch {
				break
			}
		}
		err := s.Meta.Update(ctx, func(tx meta.Tx) error {
			for _, n := range some {
				row, err := tx.Item(n.item)
				if content.Is(err, content.NotFound) {
					continue
				}
				if err != nil {
					return err
				}
				if err := s.record(tx, content.Principal{User: n.user}, notes[n], n.what, row); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			for n, at := range notes {
				s.seen.note(n, at)
			}
			return err
		}
		for _, n := range some {
			delete(notes, n)
		}
	}
	return nil
}
