package tree

import (
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// Target is where an upload is to end up.
type Target struct {
	File content.ID // the file to get a new version; 0 for a new file
	// Folder is where the file goes, 0 being the caller's root. A new version
	// leaves its file where it is unless Move is set.
	Folder content.ID
	Move   bool
	Name   string // "" keeps the name of a file that exists
	Size   int64  // bytes, or -1 where nobody said
	// Reserved is how much of Size the caller's quota already counts.
	Reserved int64
}

// place is a Target found to be good.
type place struct {
	old  *meta.Item // the file's row, nil for a new file
	in   *content.Folder
	name string
	room int64      // bytes free of the quota of who owns the folder
	a    *assembler // has asked for the people concerned
	row  *meta.Item // of in, if it has been asked for
}

// Admit says whether the caller may upload to the target: the rules of a
// preflight. In this order: the name, the folder, the file, permission, size,
// quota, the name being free. room is how many bytes the target may have as far as
// the quota goes.
func (s *Service) Admit(tx meta.Tx, who content.Principal, t Target, pre content.Preconditions) (room int64, err error) {
	p, err := s.admit(tx, who, t, pre)
	if err != nil {
		return 0, err
	}
	return p.room, nil
}

func (s *Service) admit(tx meta.Tx, who content.Principal, t Target, pre content.Preconditions) (*place, error) {
	p := &place{name: t.Name, a: s.assembler(tx)}
	if t.File == 0 || t.Name != "" {
		if err := content.CheckName(t.Name); err != nil {
			return nil, err
		}
	}

	if t.File == 0 {
		if err := pre.Check("", false); err != nil {
			return nil, err
		}
	}
	if t.File == 0 || t.Move {
		row, in, err := p.a.findLive(who, t.Folder, meta.Folder, content.See)
		if err != nil {
			return nil, Missing(err, "folder", t.Folder)
		}
		p.in, p.row = in.(*content.Folder), &row
	}
	if t.File != 0 {
		row, item, err := p.a.findLive(who, t.File, meta.File, content.See)
		if err != nil {
			return nil, Missing(err, "file", t.File)
		}
		file := item.(*content.File)
		p.old = &row
		if p.in == nil {
			p.in = file.Parent
		}
		if p.name == "" {
			p.name = file.Name
		}
		if err := pre.Check(Etag(&file.Node), true); err != nil {
			return nil, err
		}
		if err := content.Allow(who, content.Upload, file); err != nil {
			return nil, err
		}
	}
	if t.File == 0 || t.Move {
		if err := content.Allow(who, content.Upload, p.in); err != nil {
			return nil, err
		}
	}

	if t.Size > s.MaxFileSize {
		return nil, content.Errorf(content.FileTooLarge, "the file has %d bytes, and the largest allowed has %d", t.Size, s.MaxFileSize)
	}
	owner, err := p.a.user(p.in.OwnedBy.ID)
	if err != nil {
		return nil, err
	}
	counted := t.Reserved
	if owner.ID != who.User {
		counted = 0 // it is reserved with who came by a link, and not with the owner
	}
	if p.room = owner.Room(counted); t.Size > p.room {
		return nil, content.Errorf(content.QuotaExceeded, "the file has %d bytes, and %d of the quota of %d are free", t.Size, p.room, owner.Quota)
	}

	row := meta.Item{Key: content.NameKey(p.name)}
	if p.old != nil {
		row.ID = p.old.ID
	}
	if err := s.nameFree(tx, who, p.in, row); err != nil {
		return nil, err
	}
	return p, nil
}

// nameFree says whether row may have its key in the folder.
func (s *Service) nameFree(tx meta.Tx, who content.Principal, in *content.Folder, row meta.Item) error {
	other, err := tx.ItemNamed(in.ID, row.Key)
	switch {
	case content.Is(err, content.NotFound):
		return nil
	case err != nil:
		return err
	case other.ID == row.ID:
		return nil
	}
	a := s.assembler(tx)
	above := append(in.Path[:len(in.Path):len(in.Path)], *in)
	occupant, err := a.item(other, above, content.Active)
	if err != nil {
		return err
	}
	return &content.Error{Kind: content.NameTaken, Message: "Item with the same name already exists", Occupant: occupant}
}

// Content is what Publish makes a version of.
type Content struct {
	Manifest meta.Manifest
	Size     int64 // bytes
	SHA1     content.SHA1
}

// Publish makes a version of c at the target, as a new file or as the current
// version of the file that is there, after the checks of Admit. It settles the
// quota. Nothing is visible before the transaction ends.
func (s *Service) Publish(tx meta.Tx, who content.Principal, t Target, pre content.Preconditions, c Content, attr content.Attributes, now time.Time) (*content.File, error) {
	t.Size = c.Size
	p, err := s.admit(tx, who, t, pre)
	if err != nil {
		return nil, err
	}

	v := meta.Version{
		ID: s.NewID(), Number: 1, Name: p.name, Size: c.Size, SHA1: c.SHA1,
		Manifest: c.Manifest, CreatedAt: now, CreatedBy: who.User,
	}
	var row meta.Item
	if p.old != nil {
		row = *p.old
		row.Sequence++
		v.Number = row.Current.Number + 1
	} else {
		row = meta.Item{ID: s.NewID(), Kind: meta.File, CreatedAt: now, CreatedBy: who.User, Owner: p.in.OwnedBy.ID}
	}
	from := row.Parent
	v.File = row.ID
	row.Parent, row.Name, row.Key = p.in.ID, p.name, content.NameKey(p.name)
	row.ModifiedAt, row.ModifiedBy = now, who.User
	row.ContentCreatedAt, row.ContentModifiedAt = now, now
	if attr.ContentCreatedAt != nil {
		row.ContentCreatedAt = *attr.ContentCreatedAt
	}
	if attr.ContentModifiedAt != nil {
		row.ContentModifiedAt = *attr.ContentModifiedAt
	}
	if attr.Description != nil {
		row.Description = content.CutDescription(*attr.Description)
	}
	row.Current = v

	if err := tx.InsertVersion(v); err != nil {
		return nil, err
	}
	if p.old != nil {
		err = tx.UpdateItem(row)
	} else {
		err = tx.InsertItem(row)
	}
	if err != nil {
		return nil, err
	}
	if err := tx.Touch(row.Parent, now); err != nil {
		return nil, err
	}
	if from != 0 && from != row.Parent {
		if err := tx.Touch(from, now); err != nil {
			return nil, err
		}
	}
	if err := tx.AddUsage(row.Owner, c.Size, 0); err != nil {
		return nil, err
	}
	if t.Reserved != 0 {
		if err := tx.AddUsage(who.User, 0, -t.Reserved); err != nil {
			return nil, err
		}
	}
	if p.row == nil {
		in, err := tx.Item(row.Parent)
		if err != nil {
			return nil, err
		}
		p.row = &in
	}
	if err := s.recordIn(tx, who, now, content.ItemUpload, row, *p.row); err != nil {
		return nil, err
	}
	// Of the folders above, nothing is shown that the upload has changed.
	p.a.know(p.in)
	file, err := p.a.placed(row)
	if err != nil {
		return nil, err
	}
	return file.(*content.File), content.Allow(who, content.See, file)
}

// Published is a file as it was when one of its versions was published: that
// version, and the etag it then had. The rest is as it is now.
func (s *Service) Published(tx meta.Tx, who content.Principal, version content.ID, sequence int64) (*content.File, error) {
	v, err := tx.Version(version)
	if err != nil {
		return nil, err
	}
	a := s.assembler(tx)
	file, err := a.uploaded(who, v.File)
	if err != nil {
		return nil, err
	}
	if file.Version, err = a.version(v); err != nil {
		return nil, err
	}
	file.VersionNumber, file.Sequence = v.Number, sequence
	return file, nil
}

// uploaded is a file that the caller may see, in the trash or not.
func (a *assembler) uploaded(who content.Principal, id content.ID) (*content.File, error) {
	_, item, err := a.find(who, id, meta.File, content.See)
	if err != nil {
		return nil, err
	}
	return item.(*content.File), nil
}

// AllowSession says whether the caller may use an upload session, in whatever
// state it and its target are; see content.AllowSession.
func (s *Service) AllowSession(tx meta.Tx, who content.Principal, ses content.Session) error {
	if !who.Scoped {
		return content.AllowSession(who, ses.Owner, nil)
	}
	id := ses.File
	switch {
	case id != 0:
	case ses.Folder != 0:
		id = ses.Folder
	default:
		id = who.Root
	}
	row, err := tx.Item(id)
	if content.Is(err, content.NotFound) {
		return content.AllowSession(who, ses.Owner, nil)
	}
	if err != nil {
		return err
	}
	target, err := s.assemble(tx, row)
	if err != nil {
		return err
	}
	return content.AllowSession(who, ses.Owner, target)
}
