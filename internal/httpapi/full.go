package httpapi

import (
	"path"
	"slices"
	"strings"

	"boxcar/boxapi"
	"boxcar/internal/content"
)

// packages are the extensions of documents that are folders to a Mac, and
// files, zipped, to everybody else.
var packages = []string{
	"app", "bundle", "band", "dvdproj", "graffle", "imovieproj", "key", "keynote", "logic", "numbers", "oo3", "pages",
	"playground", "pkg", "rtfd", "scriptd", "sparsebundle", "theater", "webarchive", "xcodeproj", "xcworkspace",
}

// extension is that of a name, without the dot.
func extension(name string) string { return strings.TrimPrefix(path.Ext(name), ".") }

// mayNow is what the caller may do to an item, as it is: little to what is in
// the trash, and only some things to a root.
func mayNow(who content.Principal, i content.Item) func(content.Action) bool {
	n := content.NodeOf(i)
	f, ok := i.(*content.Folder)
	return func(do content.Action) bool {
		switch do {
		case content.Delete:
			if ok && f.Root {
				return false
			}
		case content.Rename, content.Share:
			if ok && f.Root || n.Status != content.Active {
				return false
			}
		default:
			if n.Status != content.Active {
				return false
			}
		}
		return content.May(who, do, i)
	}
}

// Nobody can comment, annotate, collaborate or mark with water yet: those
// permissions are false for everybody.

func filePermissions(who content.Principal, f *content.File) *boxapi.FilePermissions {
	may := mayNow(who, f)
	return &boxapi.FilePermissions{
		CanDownload: may(content.Download), CanPreview: may(content.Preview), CanUpload: may(content.Upload),
		CanRename: may(content.Rename), CanDelete: may(content.Delete),
		CanShare: may(content.Share), CanSetShareAccess: may(content.Share),
	}
}

func folderPermissions(who content.Principal, f *content.Folder) *boxapi.FolderPermissions {
	may := mayNow(who, f)
	return &boxapi.FolderPermissions{
		CanDownload: may(content.Download), CanUpload: may(content.Upload),
		CanRename: may(content.Rename), CanDelete: may(content.Delete),
		CanShare: may(content.Share), CanSetShareAccess: may(content.Share),
	}
}

func webLinkPermissions(who content.Principal, w *content.WebLink) *boxapi.WebLinkPermissions {
	may := mayNow(who, w)
	return &boxapi.WebLinkPermissions{
		CanRename: may(content.Rename), CanDelete: may(content.Delete),
		CanShare: may(content.Share), CanSetShareAccess: may(content.Share),
	}
}

func lockReply(l *content.FileLock) *boxapi.Lock {
	if l == nil {
		return nil
	}
	return &boxapi.Lock{
		ID: wireID(l.ID), Type: boxapi.TypeLock, CreatedBy: userMini(l.By),
		CreatedAt: boxapi.Time{Time: l.CreatedAt}, ExpiredAt: boxapi.Time{Time: l.ExpiresAt},
		IsDownloadPrevented: l.NoDownload, AppType: boxapi.NullString(l.AppType),
	}
}

// downloadURL is where the bytes of a version are, 0 being the current one, to
// whoever comes with a token.
func (s *Server) downloadURL(c *call, f *content.File, version content.ID) *string {
	url := s.origins(c.Request).api() + "/files/" + f.ID.String() + "/content"
	if version != 0 {
		url += "?version=" + version.String()
	}
	return &url
}

// fullFile adds the keys of a file that only fields shows.
func (s *Server) fullFile(c *call, f *content.File, out *boxapi.File, view boxapi.View) {
	var no bool
	none := 0 // nobody can comment yet
	ext := extension(f.Name)
	pack := slices.Contains(packages, strings.ToLower(ext))
	external := f.Enterprise != c.who.Enterprise
	out.Extension, out.IsPackage, out.CommentCount = &ext, &pack, &none
	out.Tags, out.Lock = f.Tags, lockReply(f.Lock)
	out.WatermarkInfo = &boxapi.WatermarkInfo{}
	out.AllowedInviteeRoles = boxapi.List[string]{} // nobody can be invited yet
	out.IsExternallyOwned, out.HasCollaborations, out.IsAssociatedWithAppItem = &external, &no, &no
	out.UploaderDisplayName = &f.Version.CreatedBy.Name
	out.RestoredFrom, out.PromotedBy = promotion(f.Version)
	// The rest is not for nothing, in a long list.
	if view.Fields.Has("permissions") || view.Fields.Has("is_download_available") {
		out.Permissions = filePermissions(c.who, f)
		out.IsDownloadAvailable = &out.Permissions.CanDownload
	}
	if view.Fields.Has("authenticated_download_url") {
		out.AuthenticatedDownloadURL = s.downloadURL(c, f, 0)
	}
	if view.Fields.Has("collections") {
		out.Collections = s.collections(c, f.ID)
	}
}

// fullFolder adds the keys of a folder that only fields shows.
func (s *Server) fullFolder(c *call, f *content.Folder, out *boxapi.Folder, view boxapi.View) {
	var no bool
	external := f.Enterprise != c.who.Enterprise
	invite, others, only := f.NonOwnersMayInvite == nil || *f.NonOwnersMayInvite, f.NonOwnersSeeOthers == nil || *f.NonOwnersSeeOthers,
		f.EnterpriseOnly != nil && *f.EnterpriseOnly
	out.SyncState = f.SyncState
	if out.SyncState == "" {
		out.SyncState = "not_synced"
	}
	out.CanNonOwnersInvite, out.CanNonOwnersViewCollaborators, out.IsCollaborationRestrictedToEnterprise = &invite, &others, &only
	out.Tags = f.Tags
	out.WatermarkInfo = &boxapi.WatermarkInfo{}
	out.AllowedInviteeRoles = boxapi.List[string]{} // nobody can be invited yet
	out.IsExternallyOwned, out.HasCollaborations, out.IsAssociatedWithAppItem = &external, &no, &no
	if view.Fields.Has("permissions") {
		out.Permissions = folderPermissions(c.who, f)
	}
	if view.Fields.Has("collections") {
		out.Collections = s.collections(c, f.ID)
	}
}

// fullWebLink adds the keys of a web link that only fields shows.
func (s *Server) fullWebLink(c *call, w *content.WebLink, out *boxapi.WebLink, view boxapi.View) {
	out.Tags, out.Permissions = w.Tags, webLinkPermissions(c.who, w)
	if view.Fields.Has("collections") {
		out.Collections = s.collections(c, w.ID)
	}
}
