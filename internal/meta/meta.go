// Package meta is the contract for keeping boxcar's rows: who there is, what
// they have, and which blobs hold its bytes.
package meta

import (
	"context"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
)

// Store keeps rows in transactions. Its methods may be called concurrently.
type Store interface {
	// View runs fn over one consistent state of the rows. Calls that would change
	// them fail.
	View(ctx context.Context, fn func(Tx) error) error

	// Update runs fn in a transaction that happens at one moment between all
	// others. It returns nil only once the changes would survive a power cut.
	// If fn fails, panics or ctx ends before it returns, nothing has changed; its error
	// is returned. fn may run more than once, so it has no effect outside its
	// transaction, another Update least of all: that would wait for this one.
	// When Update itself fails after fn did not, the changes may have been made, wholly,
	// or not at all.
	Update(ctx context.Context, fn func(Tx) error) error

	// Ping says whether the store can take an Update now, by making an empty one.
	Ping(ctx context.Context) error

	// Close waits for what is at work; later calls fail. Closing again is not an error.
	Close() error
}

// Tx is a transaction. It is good only inside the function it was given to,
// and not for concurrent use.
//
// A row that is asked for, or changed, and not there is a content.NotFound
// error; deleting it is none, and lists and counts of it are empty. A list has
// at most limit entries, and none if that is 0 or less. After an error of a kind that
// the method does not name, the transaction is over: all calls fail, and so
// does its Update, even if fn does not.
//
// A row that names another comes after it: a user its enterprise, an item its
// parent, owner and current version, a session its owner, a token its user and
// application. Only a version comes before its file. Otherwise the call or the
// Update fails.
//
// Times are kept to the microsecond, in UTC; the zero time stays zero.
type Tx interface {
	Accounts
	Items
	Sessions
	Parts
	Blobs
	Events
	SharedLinks
	Favourites
	Searches
	Recents
	Rot
	Holds
	// Tally looks at every user, so it is for now and then.
	Tally() (Tally, error)
}

// ItemKind tells items apart; its order is the order of listings.
type ItemKind int

const (
	Folder ItemKind = iota
	File
	WebLink
)

// Limbo is where a tree is that nobody can see: none of its items exist for
// anybody.
type Limbo int

const (
	NoLimbo Limbo = iota
	Growing       // the top of a copy that is still being made
	Going         // the top of what is being deleted for good; see Doom
)

// Item is a folder, a file or a web link.
type Item struct {
	ID   content.ID
	Kind ItemKind
	// Parent is 0 for a user's root, for the top of a tree in Limbo, and for what
	// is in the trash while the folder that it was in is gone for good.
	Parent      content.ID
	Name        string
	Key         string // content.NameKey of Name
	Sequence    int64
	Description string

	CreatedAt, ModifiedAt               time.Time
	ContentCreatedAt, ContentModifiedAt time.Time
	TrashedAt                           time.Time // zero unless this very item was trashed

	CreatedBy, ModifiedBy, Owner content.ID

	Limbo Limbo // of the top of a tree only
	Extra

	// Totals are the store's own: InsertItem and UpdateItem do not look at them.
	Totals

	// Current is a file's current version. InsertItem and UpdateItem look at
	// its ID only; the rest is read with the item.
	Current Version
}

// Extra is what few items have.
type Extra struct {
	Tags   []string
	Linked bool   // it has a shared link
	URL    string // of a web link
	Lock   *Lock  // of a file; it may be over
	content.FolderOptions
}

// Lock is a lock on a file.
type Lock struct {
	ID         content.ID
	By         content.ID
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero: never
	NoDownload bool
	AppType    string
}

// Totals are sums over an item. What was itself put in the trash is left out of
// the totals of all folders above it; a folder in the trash has its own.
type Totals struct {
	Size int64 // bytes: of a file's current version; of all files below a folder
	// Folders, Files and Links are how many of each are in a folder.
	Folders, Files, Links int64
}

// Holds is how many items are in a folder.
func (t Totals) Holds() int64 { return t.Folders + t.Files + t.Links }

// Version is one content of a file.
type Version struct {
	ID     content.ID
	File   content.ID
	Number int64 // from 1
	Name   string
	Size   int64 // bytes
	SHA1   content.SHA1
	// Manifest may be that of other versions too: of what this one was copied from.
	Manifest  Manifest
	CreatedAt time.Time
	CreatedBy content.ID

	TrashedAt    time.Time // zero unless the version was deleted by itself
	TrashedBy    content.ID
	RestoredAt   time.Time
	RestoredBy   content.ID
	PromotedFrom content.ID // the version that this one repeats, 0 for none
}

// ItemOrder is what a listing goes by, after the kind.
type ItemOrder int

const (
	ByName ItemOrder = iota
	ByID
	ByDate // modified
	BySize
)

// ItemPage is a part of a listing.
type ItemPage struct {
	Order  ItemOrder
	Desc   bool // turns Order round, not the kinds
	Offset int64
	Limit  int
	// After, if its Key is not empty, goes on behind that item (its Kind, Key
	// and ID) of the listing by name; Order, Desc and Offset are then zero.
	After Item
}

// Items are folders, files and their versions.
type Items interface {
	// InsertItem adds an item. A content.NameTaken error, without details, says that another
	// item of the parent has the key and neither of the two is itself in the trash. Roots
	// share no parent.
	InsertItem(Item) error
	// UpdateItem replaces everything but ID, Kind and CreatedAt. Errors as InsertItem.
	// The totals of the folders that the item leaves and comes to follow.
	UpdateItem(Item) error
	// Touch sets the ContentModifiedAt of a folder.
	Touch(folder content.ID, at time.Time) error
	Item(id content.ID) (Item, error)
	// ItemNamed finds what has the key in a folder, the trash left out.
	ItemNamed(parent content.ID, key string) (Item, error)
	// Ancestors are the folders above an item, the root first.
	Ancestors(id content.ID) ([]Item, error)
	// Lineage is Ancestors with the item itself behind them.
	Lineage(id content.ID) ([]Item, error)
	// ItemsIn lists a folder, what was trashed left out. Ties are in order of id.
	// How long it takes does not go by how many items there are.
	ItemsIn(parent content.ID, page ItemPage) ([]Item, error)
	// InLimbo are the tops of trees in one limbo, in order of id, those after the id given.
	InLimbo(where Limbo, after content.ID, limit int) ([]Item, error)
	// ItemsByID are the items with those ids, each once and in no order. Those that
	// are not there are left out.
	ItemsByID(ids []content.ID) ([]Item, error)
	// AllItems are in order of id, those after the id given.
	AllItems(after content.ID, limit int) ([]Item, error)

	// Trashed are the items of an owner that were themselves put in the trash,
	// in the order of listings.
	Trashed(owner content.ID, page ItemPage) ([]Item, error)
	CountTrashed(owner content.ID) (int64, error)
	// OldTrash are the items that were themselves put in the trash at or before
	// the time given, those longest in it first.
	OldTrash(before time.Time, limit int) ([]Item, error)
	// Children are some of the items in a folder, those in the trash too.
	Children(parent content.ID, limit int) ([]Item, error)
	// DeleteItem removes an item that no other is in, and it is nobody's favourite
	// any more. Its versions are removed behind it in the same transaction.
	DeleteItem(id content.ID) error

	// InsertVersion adds a version, before its file's InsertItem in the same
	// transaction if the file is new.
	InsertVersion(Version) error
	// UpdateVersion replaces what is known of its being deleted and restored.
	UpdateVersion(Version) error
	Version(id content.ID) (Version, error)
	// PastVersions are those that are not current, newest first.
	PastVersions(file content.ID, offset int64, limit int) ([]Version, error)
	CountPastVersions(file content.ID) (int64, error)
	// OldVersions are those that were themselves deleted at or before the time
	// given and are not current, those longest deleted first.
	OldVersions(before time.Time, limit int) ([]Version, error)
	// DeleteVersion removes a version, not its parts.
	DeleteVersion(id content.ID) error
	// HasVersion says whether any version is made of a manifest, but for one of
	// them, which may be 0.
	HasVersion(m Manifest, but content.ID) (bool, error)
	// AllVersions are in order of id, those after the id given.
	AllVersions(after content.ID, limit int) ([]Version, error)
}

// Session is an upload session.
type Session struct {
	content.Session
	Manifest Manifest
	Reserved int64 // bytes of the owner's quota
	Front    content.Front
	Lease    time.Time // Committing: until when

	// Once Committed:
	SHA1      content.SHA1 // of the whole file
	Version   content.ID
	Committed content.ID // the file
	Sequence  int64      // which the file then had
}

// Sessions are upload sessions and their logs.
type Sessions interface {
	// InsertSession adds a session, whose manifest no other session has.
	InsertSession(Session) error
	// Session leaves Stored at 0: CountParts tells it.
	Session(id content.SessionID) (Session, error)
	// UpdateSession replaces State, Reserved, Front, Lease and what is known once committed.
	UpdateSession(Session) error
	// SetFront replaces only the front, and only by one that is further on; others
	// it leaves out without an error.
	SetFront(id content.SessionID, front content.Front) error
	// CountOpen is how many sessions of a user are open or committing, with an expiry after now.
	CountOpen(user content.ID, now time.Time) (int64, error)
	// Overdue are sessions that are open or committing with an expiry at or before now,
	// the oldest first.
	Overdue(now time.Time, limit int) ([]Session, error)
	// Forgettable are sessions that are done with (committed, aborted or expired)
	// and whose expiry was at or before the time given.
	Forgettable(before time.Time, limit int) ([]Session, error)
	// InState are sessions in one state, in order of id, those after the id given.
	InState(state content.SessionState, after content.SessionID, limit int) ([]Session, error)
	// DeleteSession removes a session and its log, not its parts.
	DeleteSession(id content.SessionID) error

	AppendLog(id content.SessionID, e content.LogEvent) error
	// CountLog is how many events a session's log has.
	CountLog(id content.SessionID) (int64, error)
	// Log is in order; each entry's N is above after.
	Log(id content.SessionID, after int64, limit int) ([]LogEntry, error)
}

// LogEntry is an event and its place in the session's log, from 1.
type LogEntry struct {
	N int64
	content.LogEvent
}

// Manifest names an ordered list of parts that make up one content. The
// upload session that collects the parts and the version that they become
// share one manifest, so a commit moves no rows. It belongs to the session
// until the commit, and then to the version.
type Manifest content.ID

// Part is a part with where its bytes are. Several parts may share a blob.
type Part struct {
	content.Part
	Blob      blob.Key
	SHA512    content.SHA512 // zero until computed
	CreatedAt time.Time
	// After is the state of the whole content's SHA-1 behind this part; not
	// known where the parts before it had not been hashed, or at an end off a block boundary.
	After content.SHA1State
}

// Match is a stored part that might serve in another manifest too.
type Match struct {
	Part
	Before  content.SHA1State // the state before it in its own manifest, if known; zero for the first part
	File    content.ID
	Version content.ID
}

// Parts are the lists of blobs that make up contents.
type Parts interface {
	// InsertPart adds a part. A content.PartConflict error, without details,
	// says that the manifest has a part at the same start, or one with the same ID.
	InsertPart(Manifest, Part) error
	// Part is the one that starts at the byte given.
	Part(m Manifest, start int64) (Part, error)
	// Parts are in order of start, from the first at or behind the byte given.
	Parts(m Manifest, from int64, limit int) ([]Part, error)
	CountParts(m Manifest) (int64, error)
	// SetAfter records the state behind the part that starts there.
	SetAfter(m Manifest, start int64, after content.SHA1State) error
	// DeleteParts removes up to limit parts of a manifest, the first ones, and returns
	// the blobs that no part refers to any more, each once. It is done when it removes
	// fewer than limit.
	DeleteParts(m Manifest, limit int) (removed int, free []blob.Key, err error)
	// Refers says whether any part refers to a blob.
	Refers(key blob.Key) (bool, error)
	// OrphanManifests are manifests with parts, but with neither a session nor a version.
	OrphanManifests(limit int) ([]Manifest, error)

	// SetSHA512 records the digest of a blob in all parts that refer to it.
	SetSHA512(key blob.Key, sum content.SHA512) error
	// MatchSHA512 finds parts with that content, of versions of files with that owner
	// that are not themselves in the trash, on blobs that are not marked as rotten; those of
	// the file near come first.
	MatchSHA512(owner, near content.ID, sum content.SHA512, size int64, limit int) ([]Match, error)
	// Unhashed are blobs without a SHA-512 that the current versions of a user's files
	// refer to and that are not in the trash, neither themselves nor with a folder above
	// them, in order of key, those after the key given, each once.
	Unhashed(owner content.ID, after blob.Key, limit int) ([]Part, error)
	// UnhashedIn are the parts of one manifest without a SHA-512, in order.
	UnhashedIn(m Manifest, limit int) ([]Part, error)
}

// Favourites are which items users keep for themselves.
type Favourites interface {
	// SetFavourite makes an item that is there a favourite of a user's, since the
	// time given unless it is one already, or makes any item none.
	SetFavourite(user, item content.ID, is bool, at time.Time) error
	// IsFavourite says whether an item is a favourite of a user's.
	IsFavourite(user, item content.ID) (bool, error)
	// Favourites are the favourites of a user, the latest first, those in the trash too.
	Favourites(user content.ID, offset int64, limit int) ([]Item, error)
}
