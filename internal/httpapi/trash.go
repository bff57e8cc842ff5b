package httpapi

import (
	"net/http"
	"strings"

	"boxcar/boxapi"
	"boxcar/internal/content"
	"boxcar/internal/tree"
)

// deleteFolder handles DELETE /folders/:folder.
func (s *Server) deleteFolder(c *call) error {
	id, err := c.id("folder")
	if err != nil {
		return err
	}
	recursive := strings.EqualFold(c.query("recursive"), "true")
	if err := s.Tree.TrashFolder(c.Context(), c.who, id, recursive, c.preconditions()); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// trashOf makes the handlers for what the trash holds: GET and DELETE of
// /files/:file/trash and /folders/:folder/trash, and POST of /files/:file and
// /folders/:folder, which restores. param is "file" or "folder".
func (s *Server) trashOf(param string, kind tree.Kind) (get, purge, restore handler) {
	get = func(c *call) error {
		id, err := c.id(param)
		if err != nil {
			return err
		}
		item, err := s.Tree.Trashed(c.Context(), c.who, kind, id)
		if err != nil {
			return err
		}
		return s.itemReply(c, http.StatusOK, item)
	}
	purge = func(c *call) error {
		id, err := c.id(param)
		if err != nil {
			return err
		}
		if err := s.Tree.Purge(c.Context(), c.who, kind, id); err != nil {
			return err
		}
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	restore = func(c *call) error {
		id, err := c.id(param)
		if err != nil {
			return err
		}
		var body boxapi.CreateFolder // the same two keys, both optional here
		if err := c.decode(s.Limits.JSONBody, &body); err != nil {
			return err
		}
		var folder *content.ID
		if body.Parent != nil && body.Parent.ID != "" {
			to, err := folderID(body.Parent.ID)
			if err != nil {
				return err
			}
			folder = &to
		}
		item, err := s.Tree.Restore(c.Context(), c.who, kind, id, (*string)(body.Name), folder)
		if err != nil {
			return err
		}
		// Its link is good again, and not in this reply: to SDKs it is null here.
		content.NodeOf(item).Link = nil
		return s.itemReply(c, http.StatusCreated, item)
	}
	return get, purge, restore
}

// itemReply writes one item, without what is in it.
func (s *Server) itemReply(c *call, status int, item content.Item) error {
	view := boxapi.View{Level: boxapi.LevelStandard, Fields: c.fields()}
	out := s.shown(c, item, view)
	if f, ok := item.(*content.File); ok && view.Fields.Has("expiring_embed_link") {
		link, err := s.embedLink(c, f)
		if err != nil {
			return err
		}
		out.(*boxapi.File).ExpiringEmbedLink = link
	}
	return s.write(c, status, view.Show(out))
}

// listTrash handles GET /folders/trash/items.
func (s *Server) listTrash(c *call) error {
	page, list, err := c.listPage()
	if err != nil {
		return err
	}
	l, err := s.Tree.ListTrash(c.Context(), c.who, page)
	if err != nil {
		return err
	}
	return list(s, l)
}
