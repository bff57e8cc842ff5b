package content

import "time"

// Person is a user as other objects name one.
type Person struct {
	ID    ID
	Name  string
	Login string
}

// User is an account.
type User struct {
	Person
	Enterprise Enterprise
	Admin      bool
	Root       ID // the folder that this user calls "0"
	CreatedAt  time.Time
	ModifiedAt time.Time
	Quota      int64 // bytes; 0 is no limit, and less is nothing at all
	Used       int64 // bytes of every version of every file owned, trash included
	Reserved   int64 // bytes promised to open upload sessions

	Status     UserStatus
	AppUser    bool   // one that an application made, and that does not log in
	ExternalID string // what that application calls it
	Profile    Profile
	DeletedAt  time.Time // zero: is there. Others' items still name who was deleted.
}

// Room is the size of the largest file, in bytes, that the user may still add,
// reserved of it being counted already.
func (u User) Room(reserved int64) int64 {
	if u.Quota == 0 {
		return MaxFileSize
	}
	return max(0, u.Quota-u.Used-u.Reserved+reserved)
}

// Enterprise is the organisation that users belong to.
type Enterprise struct {
	ID   ID
	Name string
}

// Principal is who is asking, and what the token they come with is good for.
type Principal struct {
	User       ID
	Root       ID // the user's root folder
	Login      string
	Enterprise ID
	Admin      bool   // may act as others
	Actor      ID     // the user whose token it is, when that is another (As-User)
	App        string // the client id of the application that the token was made for; "" for none
	Status     UserStatus

	// Scoped says that the token may do no more than Restrictions name.
	Scoped       bool
	Restrictions []Restriction

	// Links are shared links that came with the request and are good.
	Links []LinkGrant
}

// TrashLife is how long the trash keeps an item.
const TrashLife = 30 * 24 * time.Hour

// Status of an item. An item inside a trashed folder is trashed too.
type Status string

const (
	Active  Status = "active"
	InTrash Status = "trashed"
)

// Item is a File, a Folder or a WebLink.
type Item interface{ node() *Node }

// Node is what all items have in common.
type Node struct {
	ID   ID
	Name string
	// Sequence counts the changes of the item's own state; it is etag and
	// sequence_id both.
	Sequence    int64
	Description string

	Path   []Folder // from the root down to the parent; empty for a root
	Parent *Folder  // nil for a root

	CreatedAt         time.Time
	ModifiedAt        time.Time
	ContentCreatedAt  time.Time
	ContentModifiedAt time.Time
	TrashedAt         time.Time // zero unless the item itself was put in the trash

	CreatedBy  Person
	ModifiedBy Person
	OwnedBy    Person
	Enterprise ID // the owner's
	Status     Status

	Tags []string
	// Linked says whether the item has a shared link.
	Linked bool
	// Link is that link, of an item that was asked for or listed; nil for one
	// that is over, and in the trash.
	Link *SharedLink
}

func (n *Node) node() *Node { return n }

// NodeOf is what item has in common with other items.
func NodeOf(item Item) *Node { return item.node() }

// Folder holds other items.
type Folder struct {
	Node
	Root bool  // on the wire its id is "0"
	Size int64 // bytes of the current versions of all files below, the trash left out
	// Holds is how many items are in it, the trash left out.
	Holds int64

	FolderOptions
}

// FolderOptions are what the owner of a folder may choose. Nothing of it is
// about more than one person yet, but clients set them and read them back.
type FolderOptions struct {
	SyncState          string // "synced", "not_synced" or "partially_synced"; "" is the second
	UploadEmail        *UploadEmail
	NonOwnersMayInvite *bool // nil: yes
	NonOwnersSeeOthers *bool // nil: yes
	EnterpriseOnly     *bool // nil: no
}

// UploadEmail is an address whose mail is to become files in a folder.
type UploadEmail struct {
	Access string // "open" or "collaborators"
	Email  string
}

// WebLink is an address on the web that stands among a folder's items.
type WebLink struct {
	Node
	URL string
}

// File has a current version.
type File struct {
	Node
	Version Version
	// VersionNumber counts the versions the file has had, from 1.
	VersionNumber int64
	Lock          *FileLock // nil if nobody holds one now
}

// FileLock keeps others than its holder from changing a file.
type FileLock struct {
	ID         ID
	By         Person
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero: when it is taken off
	NoDownload bool      // nobody else may download it either
	AppType    string    // what the application calls itself
}

// Version is one content of a file. Versions are immutable.
type Version struct {
	ID        ID
	File      ID
	Number    int64 // 1 for the first
	Name      string
	Size      int64 // bytes
	SHA1      SHA1
	CreatedAt time.Time
	CreatedBy Person

	TrashedAt  time.Time // zero unless it was deleted by itself
	TrashedBy  *Person
	RestoredAt time.Time
	RestoredBy *Person

	// PromotedFrom is the past version that this one repeats; 0 for none.
	PromotedFrom ID
}

// The values that two of a folder's options can have.
var (
	SyncStates        = []string{"synced", "not_synced", "partially_synced"}
	UploadEmailAccess = []string{"open", "collaborators"}
)
