package httpapi

import (
	"log/slog"
	"net/http"

	"boxcar/boxapi"
	"boxcar/internal/content"
)

// copyBody is what a copy is to be.
func (s *Server) copyBody(c *call) (body boxapi.CopyItem, to content.ID, err error) {
	if err := c.decode(s.Limits.JSONBody, &body); err != nil {
		return body, 0, err
	}
	if body.Parent == nil || body.Parent.ID == "" {
		return body, 0, content.Errorf(content.BadRequest, "parent.id is missing")
	}
	to, err = folderID(body.Parent.ID)
	return body, to, err
}

// copyFile handles POST /files/:file/copy.
func (s *Server) copyFile(c *call) error {
	id, err := c.id("file")
	if err != nil {
		return err
	}
	body, to, err := s.copyBody(c)
	if err != nil {
		return err
	}
	var version content.ID
	if body.Version != "" {
		if version, err = content.ParseID(string(body.Version)); err != nil {
			return content.Errorf(content.NotFound, "file %s has no version %.40q", id, body.Version)
		}
	}
	f, err := s.Tree.CopyFile(c.Context(), c.who, id, version, to, (*string)(body.Name))
	if err != nil {
		return err
	}
	c.note(slog.String("created", f.ID.String()))
	return s.itemReply(c, http.StatusCreated, f)
}

// copyFolder handles POST /folders/:folder/copy.
func (s *Server) copyFolder(c *call) error {
	id, err := c.id("folder")
	if err != nil {
		return err
	}
	body, to, err := s.copyBody(c)
	if err != nil {
		return err
	}
	c.conflictsInArray = true
	f, err := s.Tree.CopyFolder(c.Context(), c.who, id, to, (*string)(body.Name))
	if err != nil {
		return err
	}
	c.note(slog.String("created", f.ID.String()))
	return s.folderReply(c, http.StatusCreated, f)
}
