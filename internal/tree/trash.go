package tree

import (
	"context"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// TrashItem puts a file or a web link in the trash. Its name is free again at once;
// a file's bytes count for the quota until the trash lets go of it.
func (s *Service) TrashItem(ctx context.Context, who content.Principal, kind Kind, id content.ID, pre content.Preconditions) error {
	return s.Meta.Update(ctx, func(tx meta.Tx) error {
		item, err := s.live(tx, who, id, kind, content.Delete)
		if err != nil {
			return err
		}
		return s.trash(tx, who, item, pre)
	})
}

// TrashFolder puts a folder in the trash with all that is in it. Without
// recursive it has to be empty, or there is a content.FolderNotEmpty error.
func (s *Service) TrashFolder(ctx context.Context, who content.Principal, id content.ID, recursive bool, pre content.Preconditions) error {
	return s.Meta.Update(ctx, func(tx meta.Tx) error {
		folder, err := s.liveFolder(tx, who, id, content.Delete)
		if err != nil {
			return err
		}
		if folder.Root {
			return content.Errorf(content.RootForbidden, "the root folder can't be deleted")
		}
		if !recursive {
			if n := folder.Holds; n > 0 {
				return content.Errorf(content.FolderNotEmpty, "the folder has %d items; recursive=true deletes them with it", n)
			}
		}
		return s.trash(tx, who, folder, pre)
	})
}

func (s *Service) trash(tx meta.Tx, who content.Principal, item content.Item, pre content.Preconditions) error {
	n := content.NodeOf(item)
	if err := pre.Check(Etag(n), true); err != nil {
		return err
	}
	row, err := tx.Item(n.ID)
	if err != nil {
		return err
	}
	now := s.Now()
	row.TrashedAt = now
	row.Sequence++
	if err := tx.UpdateItem(row); err != nil {
		return err
	}
	if err := tx.Touch(row.Parent, now); err != nil {
		return err
	}
	return s.record(tx, who, now, content.ItemTrash, row)
}

// trashed is an item that was itself put in the trash. What is only inside a
// trashed folder is not found here.
func (s *Service) trashed(tx meta.Tx, who content.Principal, id content.ID, kind meta.ItemKind, do content.Action) (content.Item, error) {
	item, err := s.load(tx, who, id, kind, do)
	if err != nil {
		return nil, err
	}
	switch n := content.NodeOf(item); {
	case n.Status == content.Active:
		return nil, content.Errorf(content.NotTrashed, "%q is not in the trash", n.Name)
	case n.TrashedAt.IsZero():
		return nil, content.Errorf(content.NotFound, "%q is in the trash with its folder, not by itself", n.Name)
	}
	return item, nil
}

// Trashed gets an item that was put in the trash.
func (s *Service) Trashed(ctx context.Context, who content.Principal, kind Kind, id content.ID) (item content.Item, err error) {
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		item, err = s.trashed(tx, who, id, kind, content.See)
		return err
	})
	return item, err
}

// ListTrash lists what the caller put in the trash, folders before files
// before web links.
func (s *Service) ListTrash(ctx context.Context, who content.Principal, page Page) (l Listing, err error) {
	if err := content.AllowRight(who, content.AccountItems); err != nil {
		return l, err
	}
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		l = Listing{}
		if l.Total, err = tx.CountTrashed(who.User); err != nil {
			return err
		}
		rows, err := tx.Trashed(who.User, page.rows())
		if err != nil {
			return err
		}
		rows, l.Next = page.cut(rows)
		a := s.assembler(tx)
		for _, row := range rows {
			path, status, err := a.above(row.ID)
			if err != nil {
				return err
			}
			item, err := a.item(row, path, status)
			if err != nil {
				return err
			}
			l.Items = append(l.Items, item)
		}
		return nil
	})
	return l, err
}

// Restore takes an item out of the trash: back to where it was, or to another
// folder, under its name or another. A nil name or folder is as it was.
func (s *Service) Restore(ctx context.Context, who content.Principal, kind Kind, id content.ID, name *string, folder *content.ID) (item content.Item, err error) {
	if name != nil {
		if err := content.CheckName(*name); err != nil {
			return nil, err
		}
	}
	now := s.Now()
	err = s.Meta.Update(ctx, func(tx meta.Tx) error {
		if _, err := s.trashed(tx, who, id, kind, content.Delete); err != nil {
			return err
		}
		row, err := tx.Item(id)
		if err != nil {
			return err
		}
		to := row.Parent
		if folder != nil {
			to = *folder
		}
		gone := content.Errorf(content.AccessDenied, "the folder that it was in is gone: name another")
		if to == 0 && folder == nil {
			return gone // 0 would be the root
		}
		in, err := s.liveFolder(tx, who, to, content.Upload)
		switch {
		case content.Is(err, content.NotFound, content.Trashed) && folder == nil:
			return gone
		case err != nil:
			return Missing(err, "folder", to)
		}
		if name != nil {
			row.Name = *name
		}
		row.Parent, row.Key = in.ID, content.NameKey(row.Name)
		row.TrashedAt = time.Time{}
		row.Sequence++
		if err := s.nameFree(tx, who, in, row); err != nil {
			return err
		}
		if err := tx.UpdateItem(row); err != nil {
			return err
		}
		if err := tx.Touch(in.ID, now); err != nil {
			return err
		}
		if err := s.record(tx, who, now, content.ItemUndeleteViaTrash, row); err != nil {
			return err
		}
		item, err = s.load(tx, who, id, kind, content.See)
		return err
	})
	return item, err
}

// Purge deletes an item in the trash for good, a file with all its versions, a
// folder with all that is in it. Bytes that another version or session still
// needs stay. What is large is gone for everybody at once, and removed bit by bit
// later, by the sweep.
func (s *Service) Purge(ctx context.Context, who content.Principal, kind Kind, id content.ID) error {
	now := s.Now()
	var gone meta.Purged
	err := s.Meta.Update(ctx, func(tx meta.Tx) error {
		if _, err := s.trashed(tx, who, id, kind, content.Delete); err != nil {
			return err
		}
		row, err := tx.Item(id)
		if err != nil {
			return err
		}
		if err := s.record(tx, who, now, content.ItemPurge, row); err != nil {
			return err
		}
		if err := meta.Doom(tx, row); err != nil {
			return err
		}
		gone, err = meta.PurgeSome(tx, id, id, s.Bites.Begin())
		return err
	})
	if err != nil {
		return err
	}
	if !gone.Done {
		s.leave()
	}
	// It is gone, whether the client waits for the answer or not. What of its
	// bytes stays behind, the sweep finds.
	ctx = context.WithoutCancel(ctx)
	if err := s.Blobs.Delete(ctx, gone.Free...); err != nil {
		s.Log.Warn("bytes of a deleted item are left to the sweep", "item", id, "error", err)
	}
	return nil
}

// leave tells the sweep that there is something in limbo.
func (s *Service) leave() {
	if s.Left != nil {
		s.Left()
	}
}
