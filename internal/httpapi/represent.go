package httpapi

import (
	"path"
	"strconv"
	"strings"

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
	if f, ok := i.(*content.Folder); ok {
		return &boxapi.Folder{FolderMini: folderMini(f)}
	}
	return &boxapi.File{FileMini: fileMini(i.(*content.File))}
}

// items are the entries of a list.
func (s *Server) items(c *call, list []content.Item, view boxapi.View) boxapi.Items {
	out := make(boxapi.Items, 0, len(list))
	for _, i := range list {
		switch i := i.(type) {
		case *content.Folder:
			f := s.folder(c, i, view)
			out = append(out, &f)
		case *content.File:
			f := s.file(c, i, view)
			out = append(out, &f)
		}
	}
	return out
}

// way is the path to an item, and its parent, where the view shows either. An
// item in the trash is in the trash only.
func way(n *content.Node, view boxapi.View) (path boxapi.PathCollection, parent *boxapi.FolderMini) {
	if !view.Wants("path_collection", boxapi.LevelStandard) && !view.Wants("parent", boxapi.LevelStandard) {
		return path, nil
	}
	if n.Parent != nil {
		p := folderMini(n.Parent)
		parent = &p
	}
	if n.Status == content.InTrash {
		return boxapi.PathOf(boxapi.Trash()), parent
	}
	folders := make([]boxapi.FolderMini, len(n.Path))
	for i := range n.Path {
		folders[i] = folderMini(&n.Path[i])
	}
	return boxapi.PathOf(folders...), parent
}

// purged is when the trash lets go of an item.
func purged(n *content.Node) (t boxapi.Time) {
	if !n.TrashedAt.IsZero() {
		t.Time = n.TrashedAt.Add(content.TrashLife)
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
	out.PathCollection, out.Parent = way(&f.Node, view)
	if view.Fields.Has("extension") {
		ext := strings.TrimPrefix(path.Ext(f.Name), ".")
		out.Extension = &ext
	}
	if view.Fields.Has("comment_count") {
		none := 0 // nobody can comment yet
		out.CommentCount = &none
	}
	if view.Fields.Has("permissions") {
		may := func(do content.Action) bool { return content.May(c.who, do, f) }
		out.Permissions = &boxapi.FilePermissions{
			CanDownload: may(content.Download), CanPreview: may(content.Download), CanUpload: may(content.Upload),
			CanRename: may(content.Rename), CanDelete: may(content.Delete),
			CanShare: may(content.Share), CanSetShareAccess: may(content.Share),
		}
	}
	// What only browser components ask for.
	if view.Fields.Has("is_download_available") {
		may := content.May(c.who, content.Download, f)
		out.IsDownloadAvailable = &may
	}
	if view.Fields.Has("authenticated_download_url") {
		url := s.origins(c.Request).api() + "/files/" + f.ID.String() + "/content"
		out.AuthenticatedDownloadURL = &url
	}
	if view.Fields.Has("allowed_shared_link_access_levels") {
		out.AllowedSharedLinkAccessLevels = boxapi.List[string]{} // no file can have a link yet
	}
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
	if view.Fields.Has("has_collaborations") {
		none := false // nobody can collaborate yet
		out.HasCollaborations = &none
	}
	if view.Fields.Has("permissions") {
		may := func(do content.Action) bool { return content.May(c.who, do, f) }
		out.Permissions = &boxapi.FolderPermissions{
			CanDownload: may(content.Download), CanUpload: may(content.Upload),
			CanRename: may(content.Rename) && !f.Root, CanDelete: may(content.Delete) && !f.Root,
			CanShare: may(content.Share) && !f.Root, CanSetShareAccess: may(content.Share) && !f.Root,
		}
	}
	out.PathCollection, out.Parent = way(&f.Node, view)
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

// version is a past version.
func version(v content.Version) boxapi.FileVersion {
	return boxapi.FileVersion{
		FileVersionMini:     boxapi.FileVersionMini{Type: boxapi.TypeFileVersion, ID: wireID(v.ID), SHA1: v.SHA1.String()},
		Name:                v.Name,
		Size:                v.Size,
		CreatedAt:           boxapi.Time{Time: v.CreatedAt},
		ModifiedAt:          boxapi.Time{Time: v.CreatedAt}, // versions don't change
		ModifiedBy:          userMini(v.CreatedBy),
		TrashedAt:           boxapi.Time{Time: v.TrashedAt},
		UploaderDisplayName: v.CreatedBy.Name,
		VersionNumber:       strconv.FormatInt(v.Number, 10),
	}
}

// unlimited is what Box says for accounts without a quota.
const unlimited = 999_999_999_999_999 // bytes

func (s *Server) user(u content.User) boxapi.User {
	role := "user"
	if u.Admin {
		role = "admin"
	}
	out := boxapi.User{
		UserMini:      userMini(u.Person),
		CreatedAt:     boxapi.Time{Time: u.CreatedAt},
		ModifiedAt:    boxapi.Time{Time: u.ModifiedAt},
		Language:      "en",
		Timezone:      "UTC",
		SpaceAmount:   u.Quota,
		SpaceUsed:     u.Used,
		MaxUploadSize: s.Tree.MaxFileSize,
		Status:        "active",
		Role:          role,
		Enterprise:    &boxapi.Enterprise{Type: boxapi.TypeEnterprise, ID: wireID(u.Enterprise.ID), Name: u.Enterprise.Name},
	}
	if u.Quota == 0 {
		out.SpaceAmount = unlimited
	}
	return out
}
