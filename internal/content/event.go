package content

import "time"

// EventType says what happened, in Box's words.
type EventType string

// What happens to items. The first block is what changes the tree, and so what
// clients that mirror it follow.
const (
	ItemCreate             EventType = "ITEM_CREATE" // a folder or web link
	ItemUpload             EventType = "ITEM_UPLOAD" // a file, or a new version of one
	ItemRename             EventType = "ITEM_RENAME"
	ItemMove               EventType = "ITEM_MOVE"
	ItemCopy               EventType = "ITEM_COPY"
	ItemTrash              EventType = "ITEM_TRASH"
	ItemUndeleteViaTrash   EventType = "ITEM_UNDELETE_VIA_TRASH"
	ItemModify             EventType = "ITEM_MODIFY" // description, tags and the like
	ItemMakeCurrentVersion EventType = "ITEM_MAKE_CURRENT_VERSION"
	LockCreate             EventType = "LOCK_CREATE"
	LockDestroy            EventType = "LOCK_DESTROY"

	ItemSharedCreate   EventType = "ITEM_SHARED_CREATE"
	ItemShared         EventType = "ITEM_SHARED"
	ItemSharedUnshare  EventType = "ITEM_SHARED_UNSHARE"
	ItemDownload       EventType = "ITEM_DOWNLOAD"
	ItemPreview        EventType = "ITEM_PREVIEW"
	FileVersionDelete  EventType = "ITEM_VERSION_DELETE"
	FileVersionRestore EventType = "ITEM_VERSION_RESTORE"
	ItemPurge          EventType = "ITEM_PURGE" // gone for good

	// Those of users are in the streams of administrators only.
	NewUser    EventType = "NEW_USER"
	EditUser   EventType = "EDIT_USER"
	DeleteUser EventType = "DELETE_USER"
)

// EventLife is how long an event is kept.
const EventLife = 60 * 24 * time.Hour

// ChangesTree says whether an event is one of those that change the tree.
func (t EventType) ChangesTree() bool {
	switch t {
	case ItemCreate, ItemUpload, ItemRename, ItemMove, ItemCopy, ItemTrash, ItemUndeleteViaTrash, ItemModify, ItemMakeCurrentVersion, LockCreate, LockDestroy:
		return true
	}
	return false
}

// Event is something that happened to an item, or to a user, as they were then.
type Event struct {
	// Position is the event's place among all events, from 1. It follows from a
	// counter in the transaction that made the change, so that a reader who has
	// seen all up to one position misses nothing that comes to be at a lower one.
	Position int64
	ID       string // 32 hexadecimal digits
	Type     EventType
	At       time.Time
	By       Person
	Source   Item    // as it was then; its Path is that of its folder now, if the caller may know it
	About    *Person // where it is about a user: there is no Source then
	Details  map[string]string
}

// RecentLife is how long one had to do with an item recently, and KeepRecents
// how many such items are kept of a user.
const (
	RecentLife  = 90 * 24 * time.Hour
	KeepRecents = 1000
)

// Recent is an item that a user had to do with.
type Recent struct {
	Item Item
	Kind EventType // the last thing done to it
	At   time.Time
	Link bool // through a shared link
}
