package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"boxcar/boxapi"
)

// CreateFolder makes a folder. If the answer to an attempt was lost and the name is
// in use after it, the folder that has it is taken for the one that was made.
func (c *Client) CreateFolder(ctx context.Context, parentID, name string) (*boxapi.Folder, error) {
	n := boxapi.Name(name)
	var made boxapi.Folder
	_, wasLost, err := c.call(ctx, &request{
		method: http.MethodPost, path: "/folders", into: &made,
		json: boxapi.CreateFolder{Name: &n, Parent: &boxapi.Ref{ID: boxapi.ID(parentID)}},
	})
	if err == nil {
		return &made, nil
	}
	if wasLost && errors.Is(err, ErrNameInUse) {
		if folder, _ := c.occupyingFolder(ctx, parentID, name, err); folder != nil {
			return c.GetFolder(ctx, string(folder.ID))
		}
	}
	return nil, err
}

// occupyingFolder is the folder that a conflict of names is with, or nil if it is
// with something else.
func (c *Client) occupyingFolder(ctx context.Context, parentID, name string, conflict error) (*boxapi.Folder, error) {
	var e *Error
	var item boxapi.Item
	if errors.As(conflict, &e) {
		item = e.Conflict()
	}
	if item == nil {
		var err error
		if item, err = c.child(ctx, parentID, name); err != nil {
			return nil, err
		}
	}
	folder, _ := item.(*boxapi.Folder)
	return folder, nil
}

// child is the item of that name in a folder, or nil. Names are compared as the
// server compares them, without regard to case; one in the same case wins.
func (c *Client) child(ctx context.Context, folderID, name string) (boxapi.Item, error) {
	var alike boxapi.Item
	for item, err := range c.Items(ctx, folderID) {
		if err != nil {
			return nil, err
		}
		switch is := NameOf(item); {
		case is == name:
			return item, nil
		case alike == nil && strings.EqualFold(is, name):
			alike = item
		}
	}
	return alike, nil
}

// NameOf is the name of an item.
func NameOf(item boxapi.Item) string {
	switch i := item.(type) {
	case *boxapi.File:
		return i.Name
	case *boxapi.Folder:
		return i.Name
	case *boxapi.WebLink:
		return i.Name
	case *boxapi.OtherItem:
		return i.Name
	default:
		return ""
	}
}

// IDOf is the id of an item.
func IDOf(item boxapi.Item) string {
	switch i := item.(type) {
	case *boxapi.File:
		return string(i.ID)
	case *boxapi.Folder:
		return string(i.ID)
	case *boxapi.WebLink:
		return string(i.ID)
	case *boxapi.OtherItem:
		return string(i.ID)
	default:
		return ""
	}
}

// steps are the names of a path below the root: "/a//b/" is a and b.
func steps(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

// Lookup is the item at a path below the root, such as "/lidar/survey.laz". The
// path "/" is the root folder. The error is fs.ErrNotExist if there is none.
func (c *Client) Lookup(ctx context.Context, path string) (boxapi.Item, error) {
	var item boxapi.Item
	at := boxapi.RootID
	for _, name := range steps(path) {
		if item != nil {
			if _, ok := item.(*boxapi.Folder); !ok {
				return nil, fmt.Errorf("%s: %q is no folder: %w", path, NameOf(item), fs.ErrNotExist)
			}
		}
		next, err := c.child(ctx, at, name)
		if err != nil {
			return nil, err
		}
		if next == nil {
			return nil, fmt.Errorf("%s: there is no %q: %w", path, name, fs.ErrNotExist)
		}
		item, at = next, IDOf(next)
	}
	if item == nil {
		return c.GetFolder(ctx, boxapi.RootID)
	}
	return item, nil
}

// EnsureFolder is the folder at a path below the root, made with all above it as
// far as it is not there. Several callers may ensure the same at once.
func (c *Client) EnsureFolder(ctx context.Context, path string) (*boxapi.Folder, error) {
	return c.EnsureFolderIn(ctx, boxapi.RootID, path)
}

// EnsureFolderIn is EnsureFolder for a path below a folder.
func (c *Client) EnsureFolderIn(ctx context.Context, folderID, path string) (*boxapi.Folder, error) {
	var folder *boxapi.Folder
	for _, name := range steps(path) {
		// Asking for it is cheaper than a listing, and sure.
		made, err := c.CreateFolder(ctx, folderID, name)
		if errors.Is(err, ErrNameInUse) {
			there, lookErr := c.occupyingFolder(ctx, folderID, name, err)
			if lookErr != nil {
				return nil, errors.Join(err, lookErr)
			}
			if there == nil {
				return nil, fmt.Errorf("%q is no folder: %w", name, err)
			}
			made, err = there, nil
		}
		if err != nil {
			return nil, err
		}
		folder, folderID = made, string(made.ID)
	}
	if folder == nil {
		return c.GetFolder(ctx, folderID)
	}
	return folder, nil
}
