package tree

import (
	"context"
	"fmt"
	"slices"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// Change is what is to become of an item. What is nil stays as it is, and so
// does what is there already: it moves no etag and leaves no event.
type Change struct {
	Name        *string
	Parent      *content.ID // 0 is the caller's root
	Description *string     // cut to what may be kept
	Tags        *[]string
	URL         *string     // of a web link
	Lock        *LockChange // of a file
	Favourite   *bool       // the caller's own
	Options     FolderChange
	Link        LinkChange

	// ContentCreatedAt and ContentModifiedAt are of a file or folder.
	ContentCreatedAt, ContentModifiedAt *time.Time
}

// LockChange takes a lock off a file, or puts one on.
type LockChange struct {
	Off        bool
	ExpiresAt  time.Time // zero: never
	NoDownload bool
	AppType    string
}

// FolderChange is a change of content.FolderOptions.
type FolderChange struct {
	SyncState          *string
	UploadEmail        *string // who may mail to it: "open" or "collaborators"; "" takes the address away
	NonOwnersMayInvite *bool
	NonOwnersSeeOthers *bool
	EnterpriseOnly     *bool
}

// LinkChange changes an item's shared link in the transaction of Update, and
// the item's row with it. It says what kind of event that was; none if nothing
// has changed. The item's etag moves with it.
type LinkChange func(tx meta.Tx, who content.Principal, now time.Time, item content.Item, row *meta.Item) (content.EventType, error)

// own says whether the change is of what all who see the item share.
func (c Change) own() bool {
	return c.Name != nil || c.Parent != nil || c.Description != nil || c.Tags != nil || c.URL != nil || c.Options != (FolderChange{}) ||
		c.ContentCreatedAt != nil || c.ContentModifiedAt != nil
}

func (c Change) check() error {
	if c.Tags != nil {
		if err := content.CheckTags(*c.Tags); err != nil {
			return err
		}
	}
	if c.URL != nil {
		return content.CheckURL(*c.URL)
	}
	return nil
}

// Update changes an item that is not in the trash. A move is not stopped by
// preconditions, as with Box.
func (s *Service) Update(ctx context.Context, who content.Principal, kind Kind, id content.ID, c Change, pre content.Preconditions) (item content.Item, err error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	now := s.Now()
	err = s.Meta.Update(ctx, func(tx meta.Tx) error {
		row, was, err := s.find(tx, who, id, kind, content.See)
		if err != nil {
			return err
		}
		item, err = s.update(tx, who, now, row, was, c, pre)
		return err
	})
	return item, err
}

func (s *Service) update(tx meta.Tx, who content.Principal, now time.Time, row meta.Item, item content.Item, c Change, pre content.Preconditions) (content.Item, error) {
	n := content.NodeOf(item)
	if n.Status != content.Active {
		return nil, content.Errorf(content.Trashed, "%s %s is in the trash", kindNames[row.Kind], n.ID)
	}
	if f, ok := item.(*content.Folder); ok && f.Root && (c.own() || c.Link != nil || c.Favourite != nil) {
		return nil, content.Errorf(content.RootForbidden, "the root folder stays as it is")
	}
	u := updating{s: s, tx: tx, who: who, now: now, item: item, row: row}
	if err := u.move(c.Parent); err != nil {
		return nil, err
	}
	if u.row.Parent == row.Parent {
		if err := pre.Check(Etag(n), true); err != nil {
			return nil, err
		}
	}
	// The lock first: who takes it off may then do the rest.
	if err := u.lock(c.Lock); err != nil {
		return nil, err
	}
	if c.own() {
		if err := content.Allow(who, content.Rename, item); err != nil {
			return nil, err
		}
	}
	if err := u.apply(c); err != nil {
		return nil, err
	}
	if err := u.link(c.Link); err != nil {
		return nil, err
	}
	if err := u.favourite(c.Favourite); err != nil {
		return nil, err
	}
	return u.finish(row)
}

// updating is one change at work: row is what the item becomes, item what it was.
type updating struct {
	s    *Service
	tx   meta.Tx
	who  content.Principal
	now  time.Time
	item content.Item
	row  meta.Item

	to     *content.Folder // where it goes; nil if it stays
	events []content.EventType
	bump   bool // the etag moves
	dirty  bool // the row has changed
}

// did notes an event, and that the etag moves.
func (u *updating) did(what content.EventType) {
	if what != "" && !slices.Contains(u.events, what) {
		u.events = append(u.events, what)
	}
	u.bump, u.dirty = true, true
}

// move finds the folder that the item goes to.
func (u *updating) move(parent *content.ID) error {
	if parent == nil {
		return nil
	}
	in, err := u.s.liveFolder(u.tx, u.who, *parent, content.See)
	if err != nil {
		return Missing(err, "folder", *parent)
	}
	if in.ID == u.row.Parent {
		return nil
	}
	if in.ID == u.row.ID || slices.ContainsFunc(in.Path, func(f content.Folder) bool { return f.ID == u.row.ID }) {
		return content.Errorf(content.CyclicalFolder, "a folder can't be moved into itself, or into a folder below it")
	}
	if err := content.Allow(u.who, content.Upload, in); err != nil {
		return err
	}
	if in.OwnedBy.ID != u.row.Owner {
		return content.Errorf(content.AccessDenied, "an item can't be moved into a folder of another owner")
	}
	u.to, u.row.Parent = in, in.ID
	u.did(content.ItemMove)
	return nil
}

// lock puts a lock on a file, or takes it off. Neither moves the etag.
func (u *updating) lock(c *LockChange) error {
	f, ok := u.item.(*content.File)
	if c == nil || !ok {
		return nil
	}
	if err := content.Allow(u.who, content.Lock, f); err != nil {
		return err
	}
	if c.Off {
		u.dirty = u.dirty || u.row.Lock != nil
		if f.Lock != nil {
			u.events = append(u.events, content.LockDestroy)
		}
		u.row.Lock, f.Lock = nil, nil
		return nil
	}
	if !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(u.now) {
		return content.Errorf(content.BadRequest, "lock.expires_at is over already")
	}
	l := meta.Lock{ID: u.s.NewID(), By: u.who.User, CreatedAt: u.now, ExpiresAt: c.ExpiresAt, NoDownload: c.NoDownload, AppType: c.AppType}
	if old := u.row.Lock; f.Lock != nil && old.By == l.By {
		// The same lock on other terms.
		l.ID, l.CreatedAt = old.ID, old.CreatedAt
		if l == *old {
			return nil
		}
	}
	u.row.Lock, u.dirty = &l, true
	u.events = append(u.events, content.LockCreate)
	// It is the caller's now, whatever it was before.
	f.Lock = &content.FileLock{ID: l.ID, By: content.Person{ID: l.By}}
	return nil
}

// apply changes the item's own state.
func (u *updating) apply(c Change) error {
	row := &u.row
	modified := func(what content.EventType) {
		u.did(what)
		row.ModifiedAt, row.ModifiedBy = u.now, u.who.User
	}
	if c.Name != nil && *c.Name != row.Name {
		if err := content.CheckName(*c.Name); err != nil {
			return err
		}
		row.Name, row.Key = *c.Name, content.NameKey(*c.Name)
		modified(content.ItemRename)
	}
	if c.Description != nil {
		if d := content.CutDescription(*c.Description); d != row.Description {
			row.Description = d
			modified(content.ItemModify)
		}
	}
	if c.Tags != nil && !slices.Equal(*c.Tags, row.Tags) {
		row.Tags = *c.Tags
		modified(content.ItemModify)
	}
	if c.URL != nil && row.Kind == meta.WebLink && *c.URL != row.URL {
		row.URL = *c.URL
		modified(content.ItemModify)
	}
	if row.Kind != meta.WebLink {
		for _, t := range []struct{ to, want *time.Time }{{&row.ContentCreatedAt, c.ContentCreatedAt}, {&row.ContentModifiedAt, c.ContentModifiedAt}} {
			if t.want != nil && !t.want.Equal(*t.to) {
				*t.to = *t.want
				modified(content.ItemModify)
			}
		}
	}
	if row.Kind == meta.Folder {
		changed, err := u.s.setOptions(row, c.Options)
		if err != nil {
			return err
		}
		if changed {
			modified(content.ItemModify)
		}
	}
	return nil
}

// setOptions changes what the owner of a folder may choose, and says whether
// any of it was otherwise before.
func (s *Service) setOptions(row *meta.Item, c FolderChange) (changed bool, err error) {
	o := &row.FolderOptions
	if v := c.SyncState; v != nil {
		if !slices.Contains(content.SyncStates, *v) {
			return false, content.Errorf(content.BadRequest, "sync_state can be one of %v, not %q", content.SyncStates, *v)
		}
		changed = o.SyncState != *v
		o.SyncState = *v
	}
	switch v := c.UploadEmail; {
	case v == nil:
	case *v == "":
		changed = changed || o.UploadEmail != nil
		o.UploadEmail = nil
	case !slices.Contains(content.UploadEmailAccess, *v):
		return false, content.Errorf(content.BadRequest, "folder_upload_email.access can be one of %v, not %q", content.UploadEmailAccess, *v)
	case o.UploadEmail == nil || o.UploadEmail.Access != *v:
		email := content.UploadEmail{Access: *v}
		if o.UploadEmail != nil {
			email.Email = o.UploadEmail.Email
		} else {
			var b [8]byte
			s.Random(b[:])
			email.Email = fmt.Sprintf("upload.%s.%x@%s", row.ID, b, noMail)
		}
		o.UploadEmail, changed = &email, true
	}
	for _, f := range []struct{ to, want **bool }{
		{&o.NonOwnersMayInvite, &c.NonOwnersMayInvite}, {&o.NonOwnersSeeOthers, &c.NonOwnersSeeOthers}, {&o.EnterpriseOnly, &c.EnterpriseOnly},
	} {
		if *f.want != nil {
			changed = changed || *f.to == nil || **f.to != **f.want
			*f.to = *f.want
		}
	}
	if o.NonOwnersSeeOthers != nil && !*o.NonOwnersSeeOthers && (o.NonOwnersMayInvite == nil || *o.NonOwnersMayInvite) {
		return false, content.Errorf(content.BadRequest, "can_non_owners_view_collaborators can be false only if can_non_owners_invite is false too")
	}
	return changed, nil
}

// noMail is the host of the addresses of folders: no mail arrives there.
const noMail = "boxcar.invalid"

func (u *updating) link(change LinkChange) error {
	if change == nil {
		return nil
	}
	if err := content.Allow(u.who, content.Share, u.item); err != nil {
		return err
	}
	what, err := change(u.tx, u.who, u.now, u.item, &u.row)
	if err == nil && what != "" {
		u.did(what)
	}
	return err
}

// finish writes the row, and an event for each kind of thing that was done.
// old is the row as it was.
func (u *updating) finish(old meta.Item) (content.Item, error) {
	if !u.dirty {
		return u.item, nil
	}
	if u.bump {
		u.row.Sequence++
	}
	if u.row.Key != old.Key || u.row.Parent != old.Parent {
		in := u.to
		if in == nil {
			in = content.NodeOf(u.item).Parent
		}
		if err := u.s.nameFree(u.tx, u.who, in, u.row); err != nil {
			return nil, err
		}
	}
	if err := u.tx.UpdateItem(u.row); err != nil {
		return nil, err
	}
	if u.row.Name != old.Name || u.row.Parent != old.Parent || !u.row.ModifiedAt.Equal(old.ModifiedAt) {
		if err := u.tx.Touch(old.Parent, u.now); err != nil {
			return nil, err
		}
		if u.to != nil {
			if err := u.tx.Touch(u.to.ID, u.now); err != nil {
				return nil, err
			}
		}
	}
	for _, what := range u.events {
		if err := u.s.record(u.tx, u.who, u.now, what, u.row); err != nil {
			return nil, err
		}
	}
	return u.s.assemble(u.tx, u.row)
}

// favourite makes the item one of the caller's favourites, or none. Nobody
// else sees that, and the item stays as it is.
func (u *updating) favourite(is *bool) error {
	if is == nil {
		return nil
	}
	if err := content.Allow(u.who, content.Keep, u.item); err != nil {
		return err
	}
	return u.tx.SetFavourite(u.who.User, u.row.ID, *is, u.now)
}
