package httpapi

import (
	"log/slog"
	"net/http"

	"boxcar/boxapi"
	"boxcar/internal/content"
)

// createWebLink handles POST /web_links.
func (s *Server) createWebLink(c *call) error {
	var body boxapi.CreateWebLink
	if err := c.decode(s.Limits.JSONBody, &body); err != nil {
		return err
	}
	if body.URL == "" {
		return content.Errorf(content.BadRequest, "url is missing")
	}
	if body.Parent == nil || body.Parent.ID == "" {
		return content.Errorf(content.BadRequest, "parent.id is missing")
	}
	parent, err := folderID(body.Parent.ID)
	if err != nil {
		return err
	}
	item, err := s.Tree.CreateWebLink(c.Context(), c.who, parent, body.URL, (*string)(body.Name), body.Description)
	if err != nil {
		return err
	}
	c.note(slog.String("created", content.NodeOf(item).ID.String()))
	return s.itemReply(c, http.StatusCreated, item)
}
