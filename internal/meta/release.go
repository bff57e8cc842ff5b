package meta

import (
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
)

// Release ends a session that is open or committing as Aborted or Expired: its
// parts and its reservation go. It returns the blobs that nothing refers to
// any more; their bytes may go once the transaction has been made durable.
func Release(tx Tx, s Session, end content.SessionState, e content.LogEvent) ([]blob.Key, error) {
	free, err := DeleteManifest(tx, s.Manifest)
	if err != nil {
		return nil, err
	}
	if err := tx.AddUsage(s.Owner, 0, -s.Reserved); err != nil {
		return nil, err
	}
	s.State, s.Reserved, s.Front = end, 0, content.Front{}
	if err := tx.UpdateSession(s); err != nil {
		return nil, err
	}
	return free, tx.AppendLog(s.ID, e)
}

// Doom deletes an item for good, with all that is in it: from this transaction on
// nobody sees any of it. The rows, what they count for quotas, and the bytes stay
// until PurgeSome has taken them away.
func Doom(tx Tx, item Item) error {
	item.Parent, item.TrashedAt, item.Limbo = 0, time.Time{}, Going
	return tx.UpdateItem(item)
}

// DoomVersion deletes a past version for good, as Doom does an item: it becomes
// the version of a file of its own, which is Going. That file has the id of the
// version, which no item has.
func DoomVersion(tx Tx, v Version) error {
	of, err := tx.Item(v.File)
	if err != nil {
		return err
	}
	if err := tx.DeleteVersion(v.ID); err != nil {
		return err
	}
	v.File = v.ID
	if err := tx.InsertVersion(v); err != nil {
		return err
	}
	return tx.InsertItem(Item{
		ID: v.ID, Kind: File, Name: v.Name, Key: content.NameKey(v.Name), Limbo: Going, Current: v,
		CreatedAt: v.CreatedAt, ModifiedAt: v.CreatedAt, ContentCreatedAt: v.CreatedAt, ContentModifiedAt: v.CreatedAt,
		CreatedBy: v.CreatedBy, ModifiedBy: v.CreatedBy, Owner: of.Owner,
	})
}

// Bites are how much of a long job is done in one transaction, so that nobody
// waits long for a turn. A zero field gets its default.
type Bites struct {
	Rows int           // default 250
	Time time.Duration // default 15 ms
}

const biteRows = 250

const pageRows = biteRows / 2 // asked for at once

// Begin begins a bite. The function says whether there is room in it for more, after
// that many rows. It goes by real time: what others wait is nothing that a test turns.
func (b Bites) Begin() (more func(rows int) bool) {
	if b.Rows == 0 {
		b.Rows = biteRows
	}
	if b.Time == 0 {
		b.Time = 15 * time.Millisecond
	}
	begun := time.Now()
	return func(rows int) bool { return rows < b.Rows && time.Since(begun) < b.Time }
}

// Purged is what PurgeSome did.
type Purged struct {
	Free []blob.Key // what nothing refers to any more, as with Release
	// At is where the next PurgeSome of the tree goes on. It is a hint, and may be
	// forgotten.
	At   content.ID
	Done bool // nothing is left of the tree
}

// PurgeSome removes a part of a tree whose top is Going, from the bottom up, and
// settles quotas. What was in the trash by itself stays there, and is in no folder
// from then on. PurgeSome does at least one step, and goes on as long as more says so, which
// is given the rows that are gone or were passed. A tree that is gone is Done.
func PurgeSome(tx Tx, top, at content.ID, more func(rows int) bool) (Purged, error) {
	p := purge{tx: tx, more: more, used: map[content.ID]int64{}}
	here, err := tx.Item(at)
	if content.Is(err, content.NotFound) {
		here, err = tx.Item(top)
	}
	if content.Is(err, content.NotFound) {
		return Purged{Done: true}, nil
	}
	if err != nil {
		return Purged{}, err
	}
	for first := true; first || more(p.rows); first = false {
		up := here.Parent
		next, err := p.step(here)
		if err != nil {
			return Purged{}, err
		}
		switch {
		case next.ID != 0: // a level down, or here once more
			here = next
			continue
		case here.ID == top:
			p.Done = true
			return p.end(top)
		}
		if up == 0 {
			up = top // at was in a tree of its own
		}
		if here, err = tx.Item(up); err != nil {
			return Purged{}, err
		}
		p.page = 1
	}
	return p.end(here.ID)
}

// end settles quotas.
func (p *purge) end(at content.ID) (Purged, error) {
	p.At = at
	for owner, bytes := range p.used {
		if err := p.tx.AddUsage(owner, -bytes, 0); err != nil {
			return Purged{}, err
		}
	}
	return p.Purged, nil
}

// purge is a PurgeSome at work.
type purge struct {
	Purged
	tx   Tx
	more func(rows int) bool
	rows int
	page int                  // how many children to ask for
	used map[content.ID]int64 // bytes of versions removed, for each owner
}

// step takes something away at one item. next is the item to go on with; if it
// is none, the item itself is gone.
func (p *purge) step(here Item) (next Item, err error) {
	p.rows++
	if here.Kind != Folder {
		gone, err := p.leaf(here)
		if err != nil || gone {
			return Item{}, err
		}
		return here, nil
	}
	// Of an index that lists them, folders come first: where there is one, one is enough.
	in, err := p.tx.Children(here.ID, max(1, p.page))
	if err != nil {
		return Item{}, err
	}
	if len(in) == 0 {
		return Item{}, p.tx.DeleteItem(here.ID)
	}
	for _, child := range in {
		if !child.TrashedAt.IsZero() {
			p.rows++
			child.Parent = 0
			if err := p.tx.UpdateItem(child); err != nil {
				return Item{}, err
			}
			continue
		}
		if child.Kind == Folder {
			p.page = 1
			return child, nil
		}
		p.rows++
		gone, err := p.leaf(child)
		switch {
		case err != nil:
			return Item{}, err
		case !gone:
			return child, nil
		case !p.more(p.rows):
			return here, nil
		}
	}
	p.page = pageRows
	return here, nil
}

// leaf removes a file or web link, or as much of it as there is room for.
func (p *purge) leaf(item Item) (gone bool, err error) {
	if item.Kind != File {
		return true, p.tx.DeleteItem(item.ID)
	}
	for {
		const page = 100
		past, err := p.tx.PastVersions(item.ID, 0, page)
		if err != nil {
			return false, err
		}
		for _, v := range past {
			p.rows++
			ok, err := p.parts(v)
			if err != nil || !ok {
				return false, err
			}
			if err := p.tx.DeleteVersion(v.ID); err != nil {
				return false, err
			}
			p.used[item.Owner] += v.Size
			if !p.more(p.rows) {
				return false, nil
			}
		}
		if len(past) < page {
			break
		}
	}
	ok, err := p.parts(item.Current)
	if err != nil || !ok {
		return false, err
	}
	if err := p.tx.DeleteItem(item.ID); err != nil {
		return false, err
	}
	p.used[item.Owner] += item.Current.Size
	return true, p.tx.DeleteVersion(item.Current.ID)
}

// parts removes the parts of a version, unless another has them too, or as many
// as there is room for. Nobody can come to share them meanwhile.
func (p *purge) parts(v Version) (gone bool, err error) {
	shared, err := p.tx.HasVersion(v.Manifest, v.ID)
	if err != nil || shared {
		return true, err
	}
	for {
		n, free, err := p.tx.DeleteParts(v.Manifest, pageRows)
		if err != nil {
			return false, err
		}
		p.Free = append(p.Free, free...)
		p.rows += n
		switch {
		case n < pageRows:
			return true, nil
		case !p.more(p.rows):
			return false, nil
		}
	}
}

// batch is how many rows are dealt with in one call.
const batch = 1000

// DeleteManifest removes all parts of a manifest and returns the blobs that
// nothing refers to any more.
func DeleteManifest(tx Tx, m Manifest) ([]blob.Key, error) {
	var all []blob.Key
	for {
		n, free, err := tx.DeleteParts(m, batch)
		if err != nil {
			return nil, err
		}
		all = append(all, free...)
		if n < batch {
			return all, nil
		}
	}
}
