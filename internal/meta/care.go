package meta

import (
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
)

// StoredBlob is a blob that parts refer to.
type StoredBlob struct {
	Key  blob.Key
	Size int64        // bytes
	SHA1 content.SHA1 // that its bytes should have
}

// Damage is what is wrong with a blob.
type Damage string

const (
	Missing Damage = "missing" // it is not there
	Altered Damage = "altered" // its bytes are not those that were stored
	// Unreadable says that the disk does not give them.
	Unreadable Damage = "unreadable"
)

// RottenBlob is a blob that was found to be damaged.
type RottenBlob struct {
	Key     blob.Key
	Damage  Damage
	FoundAt time.Time
}

// Rot is what is known of blobs whose bytes are lost.
type Rot interface {
	// StoredBlobs are the blobs that parts refer to, in order of key, those after
	// the key given, each once.
	StoredBlobs(after blob.Key, limit int) ([]StoredBlob, error)
	// MarkRotten records that a blob is damaged. One that is marked stays as it is.
	MarkRotten(RottenBlob) error
	// ClearRotten takes that back.
	ClearRotten(key blob.Key) error
	IsRotten(key blob.Key) (bool, error)
	// RottenBlobs are in order of key, those after the key given.
	RottenBlobs(after blob.Key, limit int) ([]RottenBlob, error)
	CountRotten() (int64, error)
	// RottenPart is the first part of a manifest whose blob is marked.
	RottenPart(m Manifest) (Part, error)
	// VersionsOn are the versions with a part on a blob, in order of id, those
	// after the id given.
	VersionsOn(key blob.Key, after content.ID, limit int) ([]Version, error)
}

// Holds keep blobs from being deleted: while there is one that has not run out,
// no blob goes, whatever refers to it.
type Holds interface {
	// PutHold makes a hold until a time, or moves one to it.
	PutHold(id string, until time.Time) error
	// Hold is until when a hold is.
	Hold(id string) (time.Time, error)
	DropHold(id string) error
	// Held says whether there is a hold for after a time.
	Held(now time.Time) (bool, error)
	// DropHolds removes those for up to a time.
	DropHolds(until time.Time) error
}

// Tally is what a server has, in sums.
type Tally struct {
	Users     int64 // who were not deleted
	Unlimited int64 // of these, those without a quota
	Used      int64 // bytes, by all users
	Reserved  int64 // bytes, by all upload sessions
	Quota     int64 // bytes, of all users who have one; at most the largest int64
	Sessions  int64 // that are open or committing
}

// Rotted records that a blob was found damaged, unless nothing refers to it any
// more: it may have been deleted since its row was read.
func Rotted(tx Tx, r RottenBlob) (recorded bool, err error) {
	refers, err := tx.Refers(r.Key)
	if err != nil || !refers {
		return false, err
	}
	return true, tx.MarkRotten(r)
}

// StoredAs is one blob that parts refer to; a content.NotFound error says that
// none does.
func StoredAs(tx Tx, key blob.Key) (StoredBlob, error) {
	refers, err := tx.Refers(key)
	if err == nil && !refers {
		err = content.Errorf(content.NotFound, "nothing refers to blob %s", key)
	}
	if err != nil {
		return StoredBlob{}, err
	}
	list, err := tx.StoredBlobs(before(key), 1)
	if err != nil {
		return StoredBlob{}, err
	}
	return list[0], nil // key itself: nothing is between the two
}

// before is the key next below, "" for the lowest.
func before(key blob.Key) blob.Key {
	b := []byte(key)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != '0' {
			b[i]--
			if b[i] == 'a'-1 {
				b[i] = '9'
			}
			return blob.Key(b)
		}
		b[i] = 'f'
	}
	return ""
}
