package meta

import (
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

// Purge removes an item, a file with all its versions, a folder with all that
// is in it, and settles quotas. It returns the blobs that nothing refers to any
// more, as Release does.
func Purge(tx Tx, item Item) (free []blob.Key, err error) {
	if item.Kind == File {
		return purgeFile(tx, item)
	}
	for {
		in, err := tx.Children(item.ID, batch)
		if err != nil {
			return nil, err
		}
		for _, child := range in {
			gone, err := Purge(tx, child)
			if err != nil {
				return nil, err
			}
			free = append(free, gone...)
		}
		if len(in) < batch {
			return free, tx.DeleteItem(item.ID)
		}
	}
}

func purgeFile(tx Tx, file Item) (free []blob.Key, err error) {
	versions := []Version{file.Current}
	for {
		past, err := tx.PastVersions(file.ID, int64(len(versions)-1), batch)
		if err != nil {
			return nil, err
		}
		versions = append(versions, past...)
		if len(past) < batch {
			break
		}
	}
	if err := tx.DeleteItem(file.ID); err != nil {
		return nil, err
	}
	var bytes int64
	for _, v := range versions {
		gone, err := dropVersion(tx, v)
		if err != nil {
			return nil, err
		}
		free = append(free, gone...)
		bytes += v.Size
	}
	return free, tx.AddUsage(file.Owner, -bytes, 0)
}

// PurgeVersion removes a past version for good, and settles its owner's quota.
// It returns the blobs that nothing refers to any more, as Release does.
func PurgeVersion(tx Tx, file Item, v Version) (free []blob.Key, err error) {
	if free, err = dropVersion(tx, v); err != nil {
		return nil, err
	}
	return free, tx.AddUsage(file.Owner, -v.Size, 0)
}

// dropVersion removes a version, and its parts if no other version has them.
func dropVersion(tx Tx, v Version) (free []blob.Key, err error) {
	if err := tx.DeleteVersion(v.ID); err != nil {
		return nil, err
	}
	shared, err := tx.HasVersion(v.Manifest)
	if err != nil || shared {
		return nil, err
	}
	return DeleteManifest(tx, v.Manifest)
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
