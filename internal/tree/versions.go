package tree

import (
	"context"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// Versions is a page of a file's past versions, newest first.
type Versions struct {
	File     *content.File
	Versions []content.Version
	Total    int64
}

// PastVersions lists the versions of a file that are not current, those that
// were deleted too.
func (s *Service) PastVersions(ctx context.Context, who content.Principal, file content.ID, offset int64, limit int) (v Versions, err error) {
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		v = Versions{}
		if v.File, err = s.liveFile(tx, who, file, content.See); err != nil {
			return err
		}
		if err := content.AllowPast(who, v.File); err != nil {
			return err
		}
		if v.Total, err = tx.CountPastVersions(file); err != nil {
			return err
		}
		rows, err := tx.PastVersions(file, offset, limit)
		if err != nil {
			return err
		}
		a := s.assembler(tx)
		for _, row := range rows {
			one, err := a.version(row)
			if err != nil {
				return err
			}
			v.Versions = append(v.Versions, one)
		}
		return nil
	})
	return v, err
}

// versionOf is a version of that file.
func versionOf(tx meta.Tx, file, id content.ID) (meta.Version, error) {
	v, err := tx.Version(id)
	if content.Is(err, content.NotFound) || err == nil && v.File != file {
		return v, content.Errorf(content.NotFound, "file %s has no version %s", file, id)
	}
	return v, err
}

// Version gets a version of a file, a past one, deleted or not, or the current one.
func (s *Service) Version(ctx context.Context, who content.Principal, file, id content.ID) (f *content.File, v content.Version, err error) {
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		if f, err = s.liveFile(tx, who, file, content.See); err != nil {
			return err
		}
		if f.Version.ID == id {
			v = f.Version
			return nil
		}
		if err := content.AllowPast(who, f); err != nil {
			return err
		}
		row, err := versionOf(tx, file, id)
		if err != nil {
			return err
		}
		v, err = s.assembler(tx).version(row)
		return err
	})
	return f, v, err
}

// DeleteVersion marks a past version as deleted. It stays in the list, and
// what it holds can be read, until it is swept. Doing it again changes nothing.
func (s *Service) DeleteVersion(ctx context.Context, who content.Principal, file, id content.ID, pre content.Preconditions) error {
	_, _, err := s.markVersion(ctx, who, file, id, pre, content.FileVersionDelete, func(v *meta.Version, now time.Time) bool {
		if !v.TrashedAt.IsZero() {
			return false
		}
		v.TrashedAt, v.TrashedBy = now, who.User
		v.RestoredAt, v.RestoredBy = time.Time{}, 0
		return true
	})
	return err
}

// RestoreVersion takes that back.
func (s *Service) RestoreVersion(ctx context.Context, who content.Principal, file, id content.ID) (*content.File, content.Version, error) {
	return s.markVersion(ctx, who, file, id, content.Preconditions{}, content.FileVersionRestore, func(v *meta.Version, now time.Time) bool {
		if v.TrashedAt.IsZero() {
			return false
		}
		v.TrashedAt, v.TrashedBy = time.Time{}, 0
		v.RestoredAt, v.RestoredBy = now, who.User
		return true
	})
}

// ofLiveFile is a version of a file that is not in the trash, with the file and its row.
func (s *Service) ofLiveFile(tx meta.Tx, who content.Principal, file, id content.ID, f **content.File) (row meta.Item, v meta.Version, err error) {
	row, item, err := s.find(tx, who, file, meta.File, content.See)
	if err != nil {
		return row, v, err
	}
	*f = item.(*content.File)
	if (*f).Status != content.Active {
		return row, v, content.Errorf(content.Trashed, "file %s is in the trash", file)
	}
	v, err = versionOf(tx, file, id)
	return row, v, err
}

// markVersion changes what is known of a past version's being deleted. mark
// says whether it has changed anything.
func (s *Service) markVersion(ctx context.Context, who content.Principal, file, id content.ID, pre content.Preconditions, what content.EventType, mark func(*meta.Version, time.Time) bool) (f *content.File, v content.Version, err error) {
	now := s.Now()
	err = s.Meta.Update(ctx, func(tx meta.Tx) error {
		row, version, err := s.ofLiveFile(tx, who, file, id, &f)
		if err != nil {
			return err
		}
		if err := pre.Check(Etag(&f.Node), true); err != nil {
			return err
		}
		if err := content.Allow(who, content.Delete, f); err != nil {
			return err
		}
		if id == row.Current.ID {
			if what == content.FileVersionDelete {
				return content.Errorf(content.BadRequest, "the current version can't be deleted: delete the file, or make another version current")
			}
			v = f.Version
			return nil
		}
		if mark(&version, now) {
			if err := tx.UpdateVersion(version); err != nil {
				return err
			}
			if err := s.record(tx, who, now, what, row); err != nil {
				return err
			}
		}
		v, err = s.assembler(tx).version(version)
		return err
	})
	return f, v, err
}

// Promote makes a past version current again: a new version of the same bytes,
// under the name that it had. It counts for the quota, though it adds no bytes
// to what is stored.
func (s *Service) Promote(ctx context.Context, who content.Principal, file, id content.ID) (f *content.File, err error) {
	now := s.Now()
	err = s.Meta.Update(ctx, func(tx meta.Tx) error {
		row, old, err := s.ofLiveFile(tx, who, file, id, &f)
		switch {
		case err != nil:
			return err
		case id == row.Current.ID:
			return content.Errorf(content.BadRequest, "version %s is the current one", id)
		case !old.TrashedAt.IsZero():
			return content.Errorf(content.Trashed, "version %s is deleted: restore it first", id)
		}
		if err := content.Allow(who, content.Upload, f); err != nil {
			return err
		}
		if err := room(tx, row.Owner, old.Size); err != nil {
			return err
		}
		v := meta.Version{
			ID: s.NewID(), File: file, Number: row.Current.Number + 1, Name: old.Name, Size: old.Size, SHA1: old.SHA1,
			Manifest: old.Manifest, CreatedAt: now, CreatedBy: who.User, PromotedFrom: old.ID,
		}
		row.Name, row.Key = old.Name, content.NameKey(old.Name)
		if err := s.nameFree(tx, who, f.Parent, row); err != nil {
			return err
		}
		row.Sequence++
		row.ModifiedAt, row.ModifiedBy, row.ContentModifiedAt = now, who.User, now
		row.Current = v
		if err := tx.InsertVersion(v); err != nil {
			return err
		}
		if err := tx.UpdateItem(row); err != nil {
			return err
		}
		if err := tx.Touch(row.Parent, now); err != nil {
			return err
		}
		if err := tx.AddUsage(row.Owner, v.Size, 0); err != nil {
			return err
		}
		if err := s.record(tx, who, now, content.ItemMakeCurrentVersion, row); err != nil {
			return err
		}
		f, err = s.liveFile(tx, who, file, content.See)
		return err
	})
	return f, err
}
