package httpapi

import (
	"net/http"
	"strings"

	"boxcar/boxapi"
	"boxcar/internal/content"
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

// getTrashedFile handles GET /files/:file/trash.
func (s *Server) getTrashedFile(c *call) error {
	id, err := c.id("file")
	if err != nil {
		return err
	}
	f, err := s.Tree.TrashedFile(c.Context(), c.who, id)
	if err != nil {
		return err
	}
	view := boxapi.View{Level: boxapi.LevelStandard, Fields: c.fields()}
	return s.write(c, http.StatusOK, view.Show(s.file(c, f, view)))
}

// restoreFile handles POST /files/:file: out of the trash.
func (s *Server) restoreFile(c *call) error {
	id, err := c.id("file")
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
	f, err := s.Tree.RestoreFile(c.Context(), c.who, id, (*string)(body.Name), folder)
	if err != nil {
		return err
	}
	view := boxapi.View{Level: boxapi.LevelStandard, Fields: c.fields()}
	return s.write(c, http.StatusCreated, view.Show(s.file(c, f, view)))
}

// purgeFile handles DELETE /files/:file/trash: for good.
func (s *Server) purgeFile(c *call) error {
	id, err := c.id("file")
	if err != nil {
		return err
	}
	if err := s.Tree.PurgeFile(c.Context(), c.who, id); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
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
