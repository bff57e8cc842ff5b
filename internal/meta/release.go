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

// DeleteManifest removes all parts of a manifest and returns the blobs that
// nothing refers to any more.
func DeleteManifest(tx Tx, m Manifest) ([]blob.Key, error) {
	const batch = 1000
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
