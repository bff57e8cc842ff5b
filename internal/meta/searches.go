package meta

import (
	"time"

	"boxcar/internal/content"
)

// Lookup says what to look up in the index of words.
type Lookup struct {
	Owner content.ID
	// Terms are what an item has to have, all of them. The store may leave out
	// of account those that are prefixes: what is found may not have them.
	Terms []content.Term
	Kind  *ItemKind // nil: all
	// Under, if it is not 0, is a folder that the caller wants items from. If there
	// are not many items below it, only they are found; if there are, others are, too.
	Under content.ID
	// Before, if it is not 0, goes on with items of lower ids.
	Before content.ID
	Limit  int // items
	Scan   int // how many items with the rarest of the terms are looked at to find them
}

// Hit is an item found, with what it takes to choose among many.
type Hit struct {
	ID          content.ID
	Kind        ItemKind
	Parent      content.ID
	Owner       content.ID
	ModifiedBy  content.ID
	Name        string
	Description string
	Tags        []string
	Size        int64 // bytes
	CreatedAt   time.Time
	ModifiedAt  time.Time
	TrashedAt   time.Time // zero unless this very item was trashed
	Limbo       Limbo
}

// Place is what holds an item, as far as it says who can see it.
type Place struct {
	ID      content.ID
	Parent  content.ID
	Name    string
	Owner   content.ID
	Trashed bool // this very folder
	Limbo   Limbo
}

// Searches find items by the words of their names, descriptions and tags. The
// index is the store's own: it follows InsertItem, UpdateItem and DeleteItem in
// their transactions. Roots are not in it; what is in the trash or in limbo is.
type Searches interface {
	// Find gives the items, the newest (that of the highest id) first, and the id that
	// goes into Before to go on, 0 at the end. Where a prefix alone stands for very many
	// words, only items of the first of them are found; below a small folder, all are found at
	// once. How long it takes goes by Limit and Scan, not by how many items there are.
	Find(l Lookup) (hits []Hit, next content.ID, err error)
	// Places are the folders given, and all above them, in no order, each once.
	Places(folders []content.ID) ([]Place, error)
}

// Recent says that a user had to do with an item.
type Recent struct {
	User content.ID
	Item content.ID
	Kind content.EventType
	At   time.Time
	Link bool // through a shared link
}

// Recents are what users last had to do with: of each item the last.
type Recents interface {
	// PutRecent notes one, in place of what is known of the user and the item. It goes with the item.
	PutRecent(r Recent) error
	// Recents are a user's, the last first, from after a time on; those behind the one
	// given, by At and Item, if its Item is not 0.
	Recents(user content.ID, after time.Time, behind Recent, limit int) ([]Recent, error)
	// DropRecents leaves a user the newest keep, and says how many went, at most limit.
	DropRecents(user content.ID, keep, limit int) (int, error)
}
