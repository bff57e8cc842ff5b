package meta

import (
	"time"

	"boxcar/internal/content"
)

// SharedLink is an address under which an item can be found. An item has at
// most one, and while it does, its Linked is set: who inserts or deletes the
// one updates the other in the same transaction.
type SharedLink struct {
	Item         content.ID
	Token        string // of its URL: 128 random bits or more
	Access       content.LinkAccess
	PasswordHash string    // "" for none
	UnsharedAt   time.Time // zero: never
	Download     bool
	Edit         bool
	Vanity       string // "" for none
	VanityKey    string // content.VanityKey of it
	Downloads    int64
	Previews     int64
	CreatedAt    time.Time
	CreatedBy    content.ID
}

// SharedLinks are the links of items. They go with their items.
type SharedLinks interface {
	// InsertSharedLink adds a link. A content.VanityTaken error says that
	// another has the vanity key.
	InsertSharedLink(SharedLink) error
	// UpdateSharedLink replaces everything but Item, Token, the counts and what is known of
	// its making. Errors as InsertSharedLink.
	UpdateSharedLink(SharedLink) error
	SharedLink(item content.ID) (SharedLink, error)
	SharedLinkByToken(token string) (SharedLink, error)
	SharedLinkByVanity(key string) (SharedLink, error)
	DeleteSharedLink(item content.ID) error
	// CountLinkUse adds to the counts of a link, if it is still there.
	CountLinkUse(item content.ID, downloads, previews int64) error
	// EndedLinks are links whose UnsharedAt is at or before the time given,
	// the earliest first.
	EndedLinks(now time.Time, limit int) ([]SharedLink, error)
	// AllSharedLinks are in order of item, those after the id given.
	AllSharedLinks(after content.ID, limit int) ([]SharedLink, error)
}
