package httpapi

import (
	"strconv"
	"time"

	"boxcar/boxapi"
	"boxcar/internal/content"
	"boxcar/internal/tree"
)

// wireID is an item's id as clients see it: every root is "0".
func wireID(id content.ID) boxapi.ID { return boxapi.ID(id.String()) }

func sequence(n *content.Node) boxapi.NullString { return boxapi.NullString(tree.Etag(n)) }

func userMini(p content.Person) boxapi.UserMini {
	return boxapi.UserMini{Type: boxapi.TypeUser, ID: wireID(p.ID), Name: p.Name, Login: p.Login}
}

func userMaybe(p *content.Person) *boxapi.UserMini {
	if p == nil {
		return nil
	}
	u := userMini(*p)
	return &u
}

func folderMini(f *content.Folder) boxapi.FolderMini {
	if f.Root {
		return boxapi.Root()
	}
	return boxapi.FolderMini{
		Type: boxapi.TypeFolder, ID: wireID(f.ID), Name: f.Name,
		SequenceID: sequence(&f.Node), Etag: sequence(&f.Node),
	}
}

func fileMini(f *content.File) boxapi.FileMini {
	sha1 := f.Version.SHA1.String()
	return boxapi.FileMini{
		Type: boxapi.TypeFile, ID: wireID(f.ID), Name: f.Name, SHA1: sha1,
		SequenceID: sequence(&f.Node), Etag: sequence(&f.Node),
		FileVersion: &boxapi.FileVersionMini{Type: boxapi.TypeFileVersion, ID: wireID(f.Version.ID), SHA1: sha1},
	}
}

// item is an item in its Mini form.
func item(i content.Item) boxapi.Item {
	switch i := i.(type) {
	case *content.Folder:
		return &boxapi.Folder{FolderMini: folderMini(i)}
	case *content.WebLink:
		return &boxapi.WebLink{WebLinkMini: webLinkMini(i)}
	default:
		return &boxapi.File{FileMini: fileMini(i.(*content.File))}
	}
}

func webLinkMini(w *content.WebLink) boxapi.WebLinkMini {
	return boxapi.WebLinkMini{
		Type: boxapi.TypeWebLink, ID: wireID(w.ID), Name: w.Name, URL: w.URL,
		SequenceID: sequence(&w.Node), Etag: sequence(&w.Node),
	}
}

// shown is one item with what the view shows of it.
func (s *Server) shown(c *call, i content.Item, view boxapi.View) boxapi.Item {
	switch i := i.(type) {
	case *content.Folder:
		f := s.folder(c, i, view)
		return &f
	case *content.WebLink:
		w := s.webLink(c, i, view)
		return &w
	default:
		f := s.file(c, i.(*content.File), view)
		return &f
	}
}

// items are the entries of a list.
func (s *Server) items(c *call, list []content.Item, view boxapi.View) boxapi.Items {
	out := make(boxapi.Items, 0, len(list))
	for _, i := range list {
		out = append(out, s.shown(c, i, view))
	}
	return out
}

// way is the path to an item, and its parent, where the view shows either, as
// far as the caller may know of them. An item in the trash is in the trash only.
func way(c *call, item content.Item, view boxapi.View) (path boxapi.PathCollection, parent *boxapi.FolderMini) {
	if !view.Wants("path_collection", boxapi.LevelStandard) && !view.Wants("parent", boxapi.LevelStandard) {
		return path, nil
	}
	above := content.PathFor(c.who, item)
	if len(above) > 0 {
		p := folderMini(&above[len(above)-1])
		parent = &p
	}
	if content.NodeOf(item).Status == content.InTrash {
		return boxapi.PathOf(boxapi.Trash()), parent
	}
	folders := make([]boxapi.FolderMini, len(above))
	for i := range above {
		folders[i] = folderMini(&above[i])
	}
	return boxapi.PathOf(folders...), parent
}

// purged is when the trash lets go of an item.
func purged(n *content.Node) boxapi.Time { return purgedAt(n.TrashedAt) }

func purgedAt(trashed time.Time) (t boxapi.Time) {
	if !trashed.IsZero() {
		t.Time = trashed.Add(content.TrashLife)
	}
	return t
}

// file is a file with what the view shows of it.
func (s *Server) file(c *call, f *content.File, view boxapi.View) boxapi.File {
	out := boxapi.File{
		FileMini:          fileMini(f),
		Description:       f.Description,
		Size:              f.Version.Size,
		CreatedAt:         boxapi.Time{Time: f.CreatedAt},
		ModifiedAt:        boxapi.Time{Time: f.ModifiedAt},
		TrashedAt:         boxapi.Time{Time: f.TrashedAt},
		PurgedAt:          purged(&f.Node),
		ContentCreatedAt:  boxapi.Time{Time: f.ContentCreatedAt},
		ContentModifiedAt: boxapi.Time{Time: f.ContentModifiedAt},
		CreatedBy:         userMini(f.CreatedBy),
		ModifiedBy:        userMini(f.ModifiedBy),
		OwnedBy:           userMini(f.OwnedBy),
		ItemStatus:        string(f.Status),
		VersionNumber:     strconv.FormatInt(f.VersionNumber, 10),
	}
	out.PathCollection, out.Parent = way(c, f, view)
	if view.Fields.Has("representations") {
		out.Representations = s.representations(c, f)
	}
	if !view.Fields.None() {
		s.fullFile(c, f, &out, view)
	}
	l := s.linkFields(c, f, view)
	out.SharedLink, out.IsAccessibleViaSharedLink = l.link, l.accessible
	out.AllowedSharedLinkAccessLevels, out.SharedLinkPermissionOptions = l.levels, l.options
	return out
}

// folder is a folder with what the view shows of it, but for its items.
func (s *Server) folder(c *call, f *content.Folder, view boxapi.View) boxapi.Folder {
	out := boxapi.Folder{
		FolderMini:  folderMini(f),
		Description: f.Description,
		Size:        f.Size,
		TrashedAt:   boxapi.Time{Time: f.TrashedAt},
		PurgedAt:    purged(&f.Node),
		OwnedBy:     userMini(f.OwnedBy),
		ModifiedBy:  userMini(f.ModifiedBy),
		ItemStatus:  string(f.Status),
	}
	if e := f.UploadEmail; e != nil && f.Status == content.Active {
		out.FolderUploadEmail = &boxapi.FolderUploadEmail{Access: e.Access, Email: e.Email}
	}
	if !view.Fields.None() {
		s.fullFolder(c, f, &out, view)
	}
	out.PathCollection, out.Parent = way(c, f, view)
	l := s.linkFields(c, f, view)
	out.SharedLink, out.IsAccessibleViaSharedLink, out.AllowedSharedLinkAccessLevels = l.link, l.accessible, l.levels
	if f.Root {
		// Nobody made the root, at no time.
		out.CreatedBy = boxapi.UserMini{Type: boxapi.TypeUser}
		return out
	}
	out.CreatedBy = userMini(f.CreatedBy)
	out.CreatedAt, out.ModifiedAt = boxapi.Time{Time: f.CreatedAt}, boxapi.Time{Time: f.ModifiedAt}
	out.ContentCreatedAt, out.ContentModifiedAt = boxapi.Time{Time: f.ContentCreatedAt}, boxapi.Time{Time: f.ContentModifiedAt}
	return out
}

// webLink is a web link with what the view shows of it.
func (s *Server) webLink(c *call, w *content.WebLink, view boxapi.View) boxapi.WebLink {
	out := boxapi.WebLink{
		WebLinkMini: webLinkMini(w),
		Description: w.Description,
		CreatedAt:   boxapi.Time{Time: w.CreatedAt},
		ModifiedAt:  boxapi.Time{Time: w.ModifiedAt},
		TrashedAt:   boxapi.Time{Time: w.TrashedAt},
		PurgedAt:    purged(&w.Node),
		CreatedBy:   userMini(w.CreatedBy),
		ModifiedBy:  userMini(w.ModifiedBy),
		OwnedBy:     userMini(w.OwnedBy),
		ItemStatus:  string(w.Status),
	}
	out.PathCollection, out.Parent = way(c, w, view)
	if !view.Fields.None() {
		s.fullWebLink(c, w, &out, view)
	}
	l := s.linkFields(c, w, view)
	out.SharedLink, out.IsAccessibleViaSharedLink = l.link, l.accessible
	out.AllowedSharedLinkAccessLevels, out.SharedLinkPermissionOptions = l.levels, l.options
	return out
}
