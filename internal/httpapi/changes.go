package httpapi

import (
	"net/http"

	"boxcar/boxapi"
	"boxcar/internal/content"
	"boxcar/internal/tree"
)

// updateFile handles PUT /files/:file.
func (s *Server) updateFile(c *call) error {
	var body boxapi.UpdateFile
	if err := c.decode(s.Limits.JSONBody, &body); err != nil {
		return err
	}
	change, err := s.change(c, &body.UpdateItem)
	if err != nil {
		return err
	}
	if body.Lock.Given {
		change.Lock = &tree.LockChange{Off: body.Lock.Value == nil}
		if l := body.Lock.Value; l != nil {
			change.Lock = &tree.LockChange{ExpiresAt: l.ExpiresAt.Time, NoDownload: l.IsDownloadPrevented, AppType: l.AppType}
		}
	}
	return s.update(c, "file", tree.File, change)
}

// updateFolder handles PUT /folders/:folder.
func (s *Server) updateFolder(c *call) error {
	var body boxapi.UpdateFolder
	if err := c.decode(s.Limits.JSONBody, &body); err != nil {
		return err
	}
	change, err := s.change(c, &body.UpdateItem)
	if err != nil {
		return err
	}
	change.Options = folderOptions(body.FolderOptions)
	c.conflictsInArray = true
	return s.update(c, "folder", tree.Folder, change)
}

// updateWebLink handles PUT /web_links/:web_link.
func (s *Server) updateWebLink(c *call) error {
	var body boxapi.UpdateWebLink
	if err := c.decode(s.Limits.JSONBody, &body); err != nil {
		return err
	}
	change, err := s.change(c, &body.UpdateItem)
	if err != nil {
		return err
	}
	change.URL = body.URL
	return s.update(c, "web_link", tree.WebLink, change)
}

func (s *Server) update(c *call, param string, kind tree.Kind, change tree.Change) error {
	id, err := c.id(param)
	if err != nil {
		return err
	}
	item, err := s.Tree.Update(c.Context(), c.who, kind, id, change, c.preconditions())
	if err != nil {
		return err
	}
	if f, ok := item.(*content.Folder); ok {
		return s.folderReply(c, http.StatusOK, f)
	}
	return s.itemReply(c, http.StatusOK, item)
}

// change is what a body asks for that any item can be asked.
func (s *Server) change(c *call, body *boxapi.UpdateItem) (change tree.Change, err error) {
	change = tree.Change{Name: (*string)(body.Name), Description: body.Description}
	if t := body.ContentCreatedAt.Time; !t.IsZero() {
		change.ContentCreatedAt = &t
	}
	if t := body.ContentModifiedAt.Time; !t.IsZero() {
		change.ContentModifiedAt = &t
	}
	if body.Parent != nil && body.Parent.ID != "" {
		parent, err := folderID(body.Parent.ID)
		if err != nil {
			return change, err
		}
		change.Parent = &parent
	}
	if body.Tags.Given {
		change.Tags = &[]string{}
		if body.Tags.Value != nil {
			change.Tags = body.Tags.Value
		}
	}
	if body.Collections.Given {
		is := false
		if body.Collections.Value != nil {
			for _, ref := range *body.Collections.Value {
				if ref.ID != collectionID(c.who) {
					return change, content.Errorf(content.BadRequest, "you have no collection %.40q", ref.ID)
				}
				is = true
			}
		}
		change.Favourite = &is
	}
	if body.SharedLink.Given {
		if change.Link, err = s.linkChange(c, body.SharedLink.Value); err != nil {
			return change, err
		}
	}
	return change, nil
}

func folderOptions(o boxapi.FolderOptions) tree.FolderChange {
	change := tree.FolderChange{
		SyncState: o.SyncState, NonOwnersMayInvite: o.CanNonOwnersInvite,
		NonOwnersSeeOthers: o.CanNonOwnersViewCollaborators, EnterpriseOnly: o.IsCollaborationRestrictedToEnterprise,
	}
	if o.FolderUploadEmail.Given {
		access := ""
		if v := o.FolderUploadEmail.Value; v != nil {
			if access = v.Access; access == "" {
				access = "open"
			}
		}
		change.UploadEmail = &access
	}
	return change
}
