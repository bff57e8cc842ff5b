package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"boxcar/boxapi"
	"boxcar/client"
)

// How a thing on the server is named on the command line: "id:123", or nothing but
// digits, is an id; anything else is a path from the root folder, with or without
// the first slash. "/2024" is a path.

// remoteHelp is part of the help of commands that take such a name.
const remoteHelp = `PATH is /a/b from the root folder, or an id: 123 or id:123. A name that has nothing but digits is /123.`

// remoteID is the id that a name is, if it is one.
func remoteID(name string) (string, bool) {
	id, marked := strings.CutPrefix(name, "id:")
	if !marked && !boxapi.ID(name).Numeric() {
		return "", false
	}
	return id, true
}

// cleanPath is a path as it was meant: no item can be called "." or "..". An id
// stays what it is.
func cleanPath(name string) string {
	if _, isID := remoteID(name); isID {
		return name
	}
	return path.Join("/", name)
}

// itemFields are what commands show of an item.
var itemFields = []string{"type", "id", "name", "size", "sha1", "modified_at", "content_modified_at", "path_collection", "file_version", "etag"}

// find is an item by its name on the command line. An item that is not there is
// fs.ErrNotExist.
func find(ctx context.Context, c server, name string) (boxapi.Item, error) {
	id, ok := remoteID(name)
	if !ok {
		item, err := lookup(ctx, c, cleanPath(name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, missing(name, err)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return whole(ctx, c, item)
	}
	if !boxapi.ID(id).Numeric() {
		return nil, misuse{fmt.Errorf("%q: an id has nothing but digits", name)}
	}
	if id != boxapi.RootID {
		file, err := c.GetFile(ctx, id, itemFields...)
		if err == nil {
			return file, nil
		}
		if !client.IsNotFound(err) {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	folder, err := c.GetFolder(ctx, id, itemFields...)
	if client.IsNotFound(err) {
		return nil, missing(name, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return folder, nil
}

// lookup is the item at a path. The server is asked whether each name is free, which
// is one request however large the folder is; where it will not say, such as to who
// may not put anything there, the folder is listed.
func lookup(ctx context.Context, c server, name string) (boxapi.Item, error) {
	var item boxapi.Item = &boxapi.Folder{FolderMini: boxapi.Root()}
	for step := range strings.SplitSeq(name, "/") {
		folder, ok := item.(*boxapi.Folder)
		switch {
		case step == "":
			continue
		case !ok:
			return nil, fs.ErrNotExist // below a file
		}
		err := c.Preflight(ctx, string(folder.ID), step, 0)
		var taken *client.Error
		switch {
		case err == nil:
			return nil, fs.ErrNotExist
		case errors.As(err, &taken) && errors.Is(err, client.ErrNameInUse) && taken.Conflict() != nil:
			item = taken.Conflict()
		case ctx.Err() != nil || hopeless(err):
			return nil, err
		default:
			return c.Lookup(ctx, name)
		}
	}
	return item, nil
}

// missing is the error for something that is not on the server.
func missing(name string, err error) error {
	return hinted{fmt.Errorf("%s: there is no such file or folder on the server", name), "boxcar ls " + quoteShell(path.Dir("/"+strings.TrimPrefix(name, "/"))) + " shows what is there"}.as(err)
}

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// as makes an error be another one, too.
func (h hinted) as(err error) error { return hinted{also{h.error, err}, h.hint} }

// also is an error with the text of the first and the kind of the second.
type also struct{ text, kind error }

func (a also) Error() string { return a.text.Error() }

func (a also) Unwrap() []error { return []error{a.text, a.kind} }

// whole is an item with all that commands show of it.
func whole(ctx context.Context, c server, item boxapi.Item) (boxapi.Item, error) {
	switch i := item.(type) {
	case *boxapi.File:
		return c.GetFile(ctx, string(i.ID), itemFields...)
	case *boxapi.Folder:
		return c.GetFolder(ctx, string(i.ID), itemFields...)
	}
	return item, nil
}

// findFolder is find for what has to be a folder.
func findFolder(ctx context.Context, c server, name string) (*boxapi.Folder, error) {
	item, err := find(ctx, c, name)
	if err != nil {
		return nil, err
	}
	folder, ok := item.(*boxapi.Folder)
	if !ok {
		return nil, fmt.Errorf("%s: it is a %s, and not a folder", name, item.ItemType())
	}
	return folder, nil
}

// findFile is find for what has to be a file.
func findFile(ctx context.Context, c server, name string) (*boxapi.File, error) {
	item, err := find(ctx, c, name)
	if err != nil {
		return nil, err
	}
	file, ok := item.(*boxapi.File)
	if !ok {
		return nil, fmt.Errorf("%s: it is a %s, and not a file", name, item.ItemType())
	}
	return file, nil
}

// pathOf is the path of an item that find has found.
func pathOf(item boxapi.Item) string {
	var above boxapi.PathCollection
	switch i := item.(type) {
	case *boxapi.File:
		above = i.PathCollection
	case *boxapi.Folder:
		if i.ID == boxapi.RootID {
			return "/"
		}
		above = i.PathCollection
	case *boxapi.WebLink:
		above = i.PathCollection
	}
	p := "/"
	for _, f := range above.Entries {
		if f.ID != boxapi.RootID {
			p = path.Join(p, f.Name)
		}
	}
	return path.Join(p, client.NameOf(item))
}

// destination is where mv and cp put something: into a folder that is there, under
// the name that it has, or under a new name into the folder above. Both may be said
// by name only.
func destination(ctx context.Context, c server, name string, several bool) (folderID, newName string, err error) {
	item, err := find(ctx, c, name)
	if folder, ok := item.(*boxapi.Folder); ok {
		return string(folder.ID), "", nil
	}
	_, isID := remoteID(name)
	switch {
	case err != nil && (isID || !errors.Is(err, fs.ErrNotExist)):
		return "", "", err
	case err == nil:
		return "", "", hinted{fmt.Errorf("%s: there is a file of that name", name), "boxcar rm it first, or give another name"}
	case several || strings.HasSuffix(name, "/"):
		return "", "", hinted{fmt.Errorf("%s: there is no such folder", name), "boxcar mkdir -p " + quoteShell(name) + " makes it"}
	}
	above, err := findFolder(ctx, c, path.Dir(path.Join("/", name)))
	if err != nil {
		return "", "", err
	}
	return string(above.ID), path.Base(name), nil
}

// sizeOf is the size of an item in bytes, -1 for what has none.
func sizeOf(item boxapi.Item) int64 {
	switch i := item.(type) {
	case *boxapi.File:
		return i.Size
	case *boxapi.Folder:
		return i.Size
	}
	return -1
}

// changedAt is when an item's contents were last changed, as far as is known.
func changedAt(item boxapi.Item) time.Time {
	switch i := item.(type) {
	case *boxapi.File:
		if !i.ContentModifiedAt.IsZero() {
			return i.ContentModifiedAt.Time
		}
		return i.ModifiedAt.Time
	case *boxapi.Folder:
		return i.ModifiedAt.Time
	case *boxapi.WebLink:
		return i.ModifiedAt.Time
	}
	return time.Time{}
}
