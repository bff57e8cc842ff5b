package tree

import (
	"context"
	"slices"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// CopyFile copies a file, or one of its versions if version is not 0, into a
// folder, under its name or another. No bytes are copied: the copy's version
// shares the manifest of what it was made from.
func (s *Service) CopyFile(ctx context.Context, who content.Principal, id, version, to content.ID, name *string) (file *content.File, err error) {
	if name != nil {
		if err := content.CheckName(*name); err != nil {
			return nil, err
		}
	}
	now := s.Now()
	err = s.Meta.Update(ctx, func(tx meta.Tx) error {
		if _, err := s.liveFile(tx, who, id, content.Download); err != nil {
			return err
		}
		row, err := tx.Item(id)
		if err != nil {
			return err
		}
		if version != 0 && version != row.Current.ID {
			if row.Current, err = versionOf(tx, id, version); err != nil {
				return err
			}
		}
		in, err := s.liveFolder(tx, who, to, content.Upload)
		if err != nil {
			return Missing(err, "folder", to)
		}
		owner := in.OwnedBy.ID
		if err := room(tx, owner, row.Current.Size); err != nil {
			return err
		}
		if name != nil {
			row.Name = *name
		}
		row = s.twin(row, in.ID, owner, who, now)
		if err := s.nameFree(tx, who, in, row); err != nil {
			return err
		}
		if err := tx.InsertVersion(row.Current); err != nil {
			return err
		}
		if err := tx.InsertItem(row); err != nil {
			return err
		}
		if err := tx.AddUsage(owner, row.Current.Size, 0); err != nil {
			return err
		}
		if err := tx.Touch(in.ID, now); err != nil {
			return err
		}
		if err := s.record(tx, who, now, content.ItemCopy, row); err != nil {
			return err
		}
		file, err = s.liveFile(tx, who, row.ID, content.See)
		return err
	})
	return file, err
}

// twin is a copy of an item, which is to be in a folder. It begins anew, but for
// the times of its content, its description and its tags.
func (s *Service) twin(of meta.Item, in, owner content.ID, who content.Principal, now time.Time) meta.Item {
	row := meta.Item{
		ID: s.NewID(), Kind: of.Kind, Parent: in, Name: of.Name, Key: content.NameKey(of.Name), Description: of.Description,
		CreatedAt: now, ModifiedAt: now, ContentCreatedAt: of.ContentCreatedAt, ContentModifiedAt: of.ContentModifiedAt,
		CreatedBy: who.User, ModifiedBy: who.User, Owner: owner,
		Extra: meta.Extra{Tags: of.Tags, URL: of.URL},
	}
	if of.Kind == meta.File {
		row.Current = meta.Version{
			ID: s.NewID(), File: row.ID, Number: 1, Name: row.Name, Size: of.Current.Size, SHA1: of.Current.SHA1,
			Manifest: of.Current.Manifest, CreatedAt: now, CreatedBy: who.User,
		}
	}
	return row
}

// room says whether the owner's quota has room for so many bytes more.
func room(tx meta.Tx, owner content.ID, bytes int64) error {
	u, err := tx.User(owner)
	if err != nil {
		return err
	}
	if free := u.Room(0); u.Quota != 0 && bytes > free {
		return content.Errorf(content.QuotaExceeded, "the copy has %d bytes or more, and %d of the quota of %d are free", bytes, free, u.Quota)
	}
	return nil
}

// CopyFolder copies a folder with all that is in it, the trash left out, into a
// folder, under its name or another.
//
// The copy grows where nobody sees it, in transactions that each take little,
// and comes to be seen in one of them, the last. What happens to the source
// meanwhile may or may not be in it. Once begun it goes on if the caller goes away.
func (s *Service) CopyFolder(ctx context.Context, who content.Principal, id, to content.ID, name *string) (*content.Folder, error) {
	if name != nil {
		if err := content.CheckName(*name); err != nil {
			return nil, err
		}
	}
	c := &copying{s: s, who: who, source: id, to: to, name: name, now: s.Now()}
	// What is refused is refused before it takes a place, or a turn to write.
	err := s.Meta.View(ctx, func(tx meta.Tx) error {
		_, _, err := c.admit(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.copies.run(ctx, s.Copying.withDefaults(), who.User, c.run)
}

// copying is a folder being copied.
type copying struct {
	s          *Service
	who        content.Principal
	source, to content.ID
	name       *string
	now        time.Time // when the copy and all in it were made

	copied
}

// copied is how far a copy has come.
type copied struct {
	top   content.ID // of the copy; 0 before it begins
	owner content.ID
	way   []level // from the top down to where it is at work
}

// level is a folder and its copy, with what was copied last of what is in it.
type level struct {
	from, to content.ID
	after    meta.Item // its Kind, Key and ID
}

// admit finds the source and the folder that its copy is to be in.
func (c *copying) admit(tx meta.Tx) (source meta.Item, in *content.Folder, err error) {
	s, who := c.s, c.who
	folder, err := s.liveFolder(tx, who, c.source, content.Download)
	if err != nil {
		return source, nil, err
	}
	if folder.Root {
		return source, nil, content.Errorf(content.RootForbidden, "the root folder can't be copied")
	}
	if in, err = s.liveFolder(tx, who, c.to, content.Upload); err != nil {
		return source, nil, Missing(err, "folder", c.to)
	}
	if in.ID == folder.ID || slices.ContainsFunc(in.Path, func(f content.Folder) bool { return f.ID == folder.ID }) {
		return source, nil, content.Errorf(content.CyclicalFolder, "folder %q can't be copied into itself", folder.Name)
	}
	if err := room(tx, in.OwnedBy.ID, folder.Size); err != nil {
		return source, nil, err
	}
	if source, err = tx.Item(folder.ID); err != nil {
		return source, nil, err
	}
	if c.name != nil {
		source.Name, source.Key = *c.name, content.NameKey(*c.name)
	}
	return source, in, s.nameFree(tx, who, in, meta.Item{Key: source.Key})
}

// run makes the copy. growing is called before there is a row of it, and what
// it returns once the copy is seen, or doomed.
func (c *copying) run(ctx context.Context, bite func(context.Context) (done func(), err error), growing func(content.ID) (stop func())) (folder *content.Folder, err error) {
	s := c.s
	top := s.NewID()
	defer growing(top)()
	var next copied
	for folder == nil {
		done, err := bite(ctx)
		if err == nil {
			err = s.Meta.Update(ctx, func(tx meta.Tx) (err error) {
				next = c.copied
				next.way = slices.Clone(c.way)
				folder, err = c.bite(tx, top, &next)
				return err
			})
			done()
		}
		if err != nil {
			if next.top != 0 {
				c.fall(ctx, top)
			}
			return nil, err
		}
		c.copied = next
	}
	return folder, nil
}

// fall gives a copy up. What it grew to is for the sweep.
func (c *copying) fall(ctx context.Context, top content.ID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fallTime)
	defer cancel()
	left := false
	err := c.s.Meta.Update(ctx, func(tx meta.Tx) error {
		row, err := tx.Item(top)
		left = err == nil && row.Limbo == meta.Growing
		switch {
		case left:
			return meta.Doom(tx, row)
		case content.Is(err, content.NotFound):
			return nil
		}
		return err
	})
	if err != nil {
		// The sweep finds that nobody is at work on it any more.
		c.s.Log.Warn("a copy that failed is left to the sweep", "folder", c.source, "error", err)
	}
	if left || err != nil {
		c.s.leave()
	}
}

const fallTime = 10 * time.Second

// bite does what one transaction does of a copy, of which at is changed. The folder is
// nil until the copy is there for all to see.
func (c *copying) bite(tx meta.Tx, top content.ID, at *copied) (*content.Folder, error) {
	more := c.s.Bites.Begin()
	if at.top == 0 {
		source, in, err := c.admit(tx)
		if err != nil {
			return nil, err
		}
		row := c.s.twin(source, 0, in.OwnedBy.ID, c.who, c.now)
		row.ID, row.Limbo = top, meta.Growing
		if err := tx.InsertItem(row); err != nil {
			return nil, err
		}
		*at = copied{top: top, owner: row.Owner, way: []level{{from: source.ID, to: top}}}
	}
	if err := c.grow(tx, at, more); err != nil {
		return nil, err
	}
	if len(at.way) > 0 {
		return nil, nil
	}
	return c.attach(tx, top)
}

// attach puts the copy where it belongs.
func (c *copying) attach(tx meta.Tx, top content.ID) (*content.Folder, error) {
	in, err := c.s.liveFolder(tx, c.who, c.to, content.Upload)
	if err != nil {
		return nil, Missing(err, "folder", c.to)
	}
	row, err := tx.Item(top)
	if err != nil {
		return nil, err
	}
	row.Parent, row.Limbo = in.ID, meta.NoLimbo
	if err := c.s.nameFree(tx, c.who, in, row); err != nil {
		return nil, err
	}
	if err := tx.UpdateItem(row); err != nil {
		return nil, err
	}
	now := c.s.Now()
	if err := tx.Touch(in.ID, now); err != nil {
		return nil, err
	}
	if err := c.s.record(tx, c.who, now, content.ItemCopy, row); err != nil {
		return nil, err
	}
	return c.s.liveFolder(tx, c.who, top, content.See)
}

// grow copies items, folder by folder, as long as more says so.
func (c *copying) grow(tx meta.Tx, at *copied, more func(rows int) bool) error {
	// If all folders on the way are still where they were, none has to be looked for.
	intact, err := c.intact(tx, at.way)
	if err != nil {
		return err
	}
	var bytes int64
	rows := 0
	for first := true; len(at.way) > 0 && (first || more(rows)); first = false {
		l := &at.way[len(at.way)-1]
		if !intact {
			stands, err := c.stands(tx, l.from)
			if err != nil {
				return err
			}
			if !stands { // it was moved away, or deleted
				at.way = at.way[:len(at.way)-1]
				continue
			}
		}
		// Folders come first. Where there is one, its content is copied before the next is.
		limit := 1
		if l.after.Kind != meta.Folder {
			limit = pageRows
		}
		in, err := tx.ItemsIn(l.from, meta.ItemPage{Limit: limit, After: l.after})
		if err != nil {
			return err
		}
		rows++
		if len(in) == 0 {
			at.way = at.way[:len(at.way)-1]
			continue
		}
		for _, row := range in {
			l.after = meta.Item{Kind: row.Kind, Key: row.Key, ID: row.ID}
			rows++
			twin, err := c.insert(tx, row, l.to, at.owner)
			if err != nil {
				return err
			}
			if twin.ID == 0 {
				continue
			}
			bytes += twin.Current.Size
			if row.Kind == meta.Folder {
				at.way = append(at.way, level{from: row.ID, to: twin.ID})
				break
			}
			if !more(rows) {
				break
			}
		}
	}
	if bytes == 0 {
		return nil
	}
	if err := room(tx, at.owner, bytes); err != nil {
		return err
	}
	return tx.AddUsage(at.owner, bytes, 0)
}

const pageRows = 125 // asked for at once

// insert makes the copy of one item. It has no ID if there is none to make: the
// folder may have got two items of one name, one after the other.
func (c *copying) insert(tx meta.Tx, row meta.Item, in, owner content.ID) (meta.Item, error) {
	if row.Lock != nil {
		item, err := c.s.assemble(tx, row)
		if err != nil {
			return meta.Item{}, err
		}
		if err := content.Allow(c.who, content.Download, item); err != nil {
			return meta.Item{}, err
		}
	}
	twin := c.s.twin(row, in, owner, c.who, c.now)
	if row.Kind == meta.File {
		if err := tx.InsertVersion(twin.Current); err != nil {
			return meta.Item{}, err
		}
	}
	err := tx.InsertItem(twin)
	if content.Is(err, content.NameTaken) {
		if row.Kind == meta.File {
			err = tx.DeleteVersion(twin.Current.ID)
			return meta.Item{}, err
		}
		return meta.Item{}, nil
	}
	return twin, err
}

// intact says whether the folders on the way are still in each other, and seen.
func (c *copying) intact(tx meta.Tx, way []level) (bool, error) {
	source, err := tx.Item(c.source)
	if err != nil {
		return false, err
	}
	chain, err := tx.Ancestors(way[len(way)-1].from)
	if content.Is(err, content.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	chain = append(chain, meta.Item{ID: way[len(way)-1].from})
	if len(chain) < len(way) || source.Limbo != meta.NoLimbo || chain[0].Limbo != meta.NoLimbo {
		return false, nil
	}
	chain = chain[len(chain)-len(way):]
	for i, l := range way {
		if chain[i].ID != l.from {
			return false, nil
		}
	}
	return true, nil
}

// stands says whether a folder is still in the source. If the source itself is
// gone, so is the copy.
func (c *copying) stands(tx meta.Tx, id content.ID) (bool, error) {
	row, err := tx.Item(id)
	var above []meta.Item
	if err == nil {
		above, err = tx.Ancestors(id)
	}
	gone := content.Is(err, content.NotFound)
	if err != nil && !gone {
		return false, err
	}
	chain := append(above, row)
	if !gone && chain[0].Limbo == meta.NoLimbo && slices.ContainsFunc(chain, func(f meta.Item) bool { return f.ID == c.source }) {
		return true, nil
	}
	if id == c.source {
		return false, content.Errorf(content.NotFound, "folder %s was deleted while it was copied", id)
	}
	return false, nil
}
