// Package tree is the service for folders, files and versions: their names,
// etags and places, what may be put where, and reading contents back.
package tree

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// Service answers for one server's folders and files. Its methods may be
// called concurrently.
type Service struct {
	Meta  meta.Store
	Blobs blob.Store
	Now   func() time.Time
	NewID func() content.ID
	// Random fills b with random bytes.
	Random func(b []byte)
	Log    *slog.Logger

	MaxFileSize int64 // bytes

	// HashPassword makes what is kept of a shared link's password, and
	// CheckPassword says whether a password is the one.
	HashPassword  func(password string) string
	CheckPassword func(hashed, password string) (bool, error)

	// Left, if not nil, is told that there is something in limbo for the sweep to
	// take away; if nobody tells it, it finds it at its next round.
	Left func()

	Copying   CopyLimits
	Bites     meta.Bites // of copying, and of deleting for good
	copies    copies
	links     linkState
	seen      seen
	followers followers
}

// Folder gets a folder. One in the trash is a content.Trashed error.
func (s *Service) Folder(ctx context.Context, who content.Principal, id content.ID) (folder *content.Folder, err error) {
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		folder, err = s.liveFolder(tx, who, id, content.See)
		return err
	})
	return folder, err
}

// Item gets a file or a web link, in the trash or not.
func (s *Service) Item(ctx context.Context, who content.Principal, kind Kind, id content.ID) (item content.Item, err error) {
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		item, err = s.load(tx, who, id, kind, content.See)
		return err
	})
	return item, err
}

// CreateFolder makes an empty folder.
func (s *Service) CreateFolder(ctx context.Context, who content.Principal, parent content.ID, name string, options FolderChange) (*content.Folder, error) {
	if err := content.CheckName(name); err != nil {
		return nil, err
	}
	row := meta.Item{ID: s.NewID(), Kind: meta.Folder, Name: name}
	if _, err := s.setOptions(&row, options); err != nil {
		return nil, err
	}
	item, err := s.create(ctx, who, parent, row)
	if err != nil {
		return nil, err
	}
	return item.(*content.Folder), nil
}

// CreateWebLink makes a web link, whose name is its URL if nobody gives
// another.
func (s *Service) CreateWebLink(ctx context.Context, who content.Principal, parent content.ID, url string, name *string, description string) (content.Item, error) {
	if err := content.CheckURL(url); err != nil {
		return nil, err
	}
	row := meta.Item{
		ID: s.NewID(), Kind: meta.WebLink, Name: content.WebLinkName(url),
		Description: content.CutDescription(description), Extra: meta.Extra{URL: url},
	}
	if name != nil {
		if err := content.CheckName(*name); err != nil {
			return nil, err
		}
		row.Name = *name
	}
	return s.create(ctx, who, parent, row)
}

// create makes an item without contents.
func (s *Service) create(ctx context.Context, who content.Principal, parent content.ID, row meta.Item) (item content.Item, err error) {
	now := s.Now()
	row.Key = content.NameKey(row.Name)
	row.CreatedAt, row.ModifiedAt, row.ContentCreatedAt, row.ContentModifiedAt = now, now, now, now
	row.CreatedBy, row.ModifiedBy = who.User, who.User
	err = s.Meta.Update(ctx, func(tx meta.Tx) error {
		in, err := s.liveFolder(tx, who, parent, content.Upload)
		if err != nil {
			return Missing(err, "folder", parent)
		}
		row.Parent, row.Owner = in.ID, in.OwnedBy.ID
		if err := s.nameFree(tx, who, in, row); err != nil {
			return err
		}
		if err := tx.InsertItem(row); err != nil {
			return err
		}
		if err := tx.Touch(in.ID, now); err != nil {
			return err
		}
		if err := s.record(tx, who, now, content.ItemCreate, row); err != nil {
			return err
		}
		item, err = s.live(tx, who, row.ID, row.Kind, content.See)
		return err
	})
	return item, err
}

// Missing turns the news that an item is not there into news about a
// parameter that names it: kind is "folder" or "file".
func Missing(err error, kind string, id content.ID) error {
	if !content.Is(err, content.NotFound) {
		return err
	}
	value := "f_" + id.String()
	if kind == "folder" {
		value = "d_" + id.String()
	}
	return &content.Error{
		Kind: content.NotFound, Field: "item", Value: value,
		Message: fmt.Sprintf("There is no %s %s", kind, id),
	}
}

// Etag is an item's etag, and its sequence_id.
func Etag(n *content.Node) string { return fmt.Sprint(n.Sequence) }

// Listing is a page of a folder.
type Listing struct {
	Items []content.Item
	Total int64
	// Next goes on with a listing by name; nil at the end.
	Next *Mark
}

// Mark is a place in a listing by name, behind one item.
type Mark struct {
	Kind Kind
	Key  string // content.NameKey of its name
	ID   content.ID
}

// Order is what a listing goes by, within folders, files and web links.
type Order = meta.ItemOrder

// Kind tells items apart.
type Kind = meta.ItemKind

// The kinds of item.
const (
	Folder  = meta.Folder
	File    = meta.File
	WebLink = meta.WebLink
)

// The orders of listings.
const (
	ByName = meta.ByName
	ByID   = meta.ByID
	ByDate = meta.ByDate
	BySize = meta.BySize
)

// Page says which part of a folder to list.
type Page struct {
	Order  Order
	Desc   bool
	Offset int64
	Limit  int
	After  *Mark // go on behind it; Order, Desc and Offset don't count then
}

// rows is the page in the store's terms, with one item more than was asked
// for, which tells whether there is a next page.
func (p Page) rows() meta.ItemPage {
	if p.After == nil {
		return meta.ItemPage{Order: p.Order, Desc: p.Desc, Offset: p.Offset, Limit: p.Limit + 1}
	}
	return meta.ItemPage{Limit: p.Limit + 1, After: meta.Item{Kind: p.After.Kind, Key: p.After.Key, ID: p.After.ID}}
}

// cut takes that item off again, and marks where the next page begins.
func (p Page) cut(rows []meta.Item) ([]meta.Item, *Mark) {
	if len(rows) <= p.Limit {
		return rows, nil
	}
	rows = rows[:p.Limit]
	last := rows[len(rows)-1]
	return rows, &Mark{Kind: last.Kind, Key: last.Key, ID: last.ID}
}

// List lists a folder: folders before files before web links, then in the page's order.
func (s *Service) List(ctx context.Context, who content.Principal, folder content.ID, page Page) (l Listing, err error) {
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		in, err := s.liveFolder(tx, who, folder, content.See)
		if err != nil {
			return err
		}
		l = Listing{Total: in.Holds}
		rows, err := tx.ItemsIn(in.ID, page.rows())
		if err != nil {
			return err
		}
		rows, l.Next = page.cut(rows)
		a := s.assembler(tx)
		above := append(in.Path[:len(in.Path):len(in.Path)], *in)
		for _, row := range rows {
			item, err := a.item(row, above, content.Active)
			if err != nil {
				return err
			}
			l.Items = append(l.Items, item)
		}
		return nil
	})
	return l, err
}
