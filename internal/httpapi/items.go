package httpapi

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"unicode/utf8"

	"boxcar/boxapi"
	"boxcar/internal/content"
	"boxcar/internal/tree"
)

// itemOf makes the handler of GET /files/:file and /web_links/:web_link, in the
// trash or not. param is "file" or "web_link".
func (s *Server) itemOf(param string, kind tree.Kind) handler {
	return func(c *call) error {
		id, err := c.id(param)
		if err != nil {
			return err
		}
		item, err := s.Tree.Item(c.Context(), c.who, kind, id)
		if err != nil {
			return err
		}
		if c.notModified(content.NodeOf(item)) {
			return nil
		}
		return s.itemReply(c, http.StatusOK, item)
	}
}

// notModified answers 304 if the caller has the item as it is.
func (c *call) notModified(n *content.Node) bool {
	tags, ok := boxapi.ParseEtags(c.Header.Get("If-None-Match"))
	if !ok || !tags.Match(tree.Etag(n)) {
		return false
	}
	c.w.WriteHeader(http.StatusNotModified)
	return true
}

// deleteOf makes the handler for DELETE /files/:file and /web_links/:web_link.
func (s *Server) deleteOf(param string, kind tree.Kind) handler {
	return func(c *call) error {
		id, err := c.id(param)
		if err != nil {
			return err
		}
		if err := s.Tree.TrashItem(c.Context(), c.who, kind, id, c.preconditions()); err != nil {
			return err
		}
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	}
}

// Paging of lists (client-expectations, section 10).
const (
	defaultLimit = 100
	maxLimit     = 1000
	maxOffset    = 9999
)

// createFolder handles POST /folders.
func (s *Server) createFolder(c *call) error {
	var body boxapi.CreateFolder
	if err := c.decode(s.Limits.JSONBody, &body); err != nil {
		return err
	}
	if body.Name == nil {
		return content.Errorf(content.BadRequest, "name is missing")
	}
	if body.Parent == nil || body.Parent.ID == "" {
		return content.Errorf(content.BadRequest, "parent.id is missing")
	}
	parent, err := folderID(body.Parent.ID)
	if err != nil {
		return err
	}
	c.conflictsInArray = true
	f, err := s.Tree.CreateFolder(c.Context(), c.who, parent, string(*body.Name), folderOptions(body.FolderOptions))
	if err != nil {
		return err
	}
	c.note(slog.String("created", f.ID.String()))
	return s.folderReply(c, http.StatusCreated, f)
}

// getFolder handles GET /folders/:folder.
func (s *Server) getFolder(c *call) error {
	id, err := c.id("folder")
	if err != nil {
		return err
	}
	f, err := s.Tree.Folder(c.Context(), c.who, id)
	if err != nil {
		return err
	}
	if !f.Root && c.notModified(&f.Node) {
		return nil
	}
	return s.folderReply(c, http.StatusOK, f)
}

// folderReply writes one folder, with the page of its items that the query
// asks for.
func (s *Server) folderReply(c *call, status int, f *content.Folder) error {
	view := boxapi.View{Level: boxapi.LevelStandard, Fields: c.fields()}
	out := s.folder(c, f, view)
	if view.Wants("item_collection", boxapi.LevelStandard) {
		page, order, err := c.listing()
		if err != nil {
			return err
		}
		l, err := s.Tree.List(c.Context(), c.who, f.ID, page)
		if err != nil {
			return err
		}
		nested := boxapi.View{Level: boxapi.LevelMini, Fields: view.Fields}
		out.ItemCollection = &boxapi.ItemCollection{
			TotalCount: int(l.Total), Offset: int(page.Offset), Limit: page.Limit, Order: order,
			Entries: s.items(c, l.Items, nested),
		}
	}
	return s.write(c, status, view.Show(out))
}

// listItems handles GET /folders/:folder/items.
func (s *Server) listItems(c *call) error {
	id, err := c.id("folder")
	if err != nil {
		return err
	}
	page, list, err := c.listPage()
	if err != nil {
		return err
	}
	l, err := s.Tree.List(c.Context(), c.who, id, page)
	if err != nil {
		return err
	}
	return list(s, l)
}

// listPage is the page of a list that a query asks for, by offset or by
// marker, and what writes it in that form.
func (c *call) listPage() (page tree.Page, write func(*Server, tree.Listing) error, err error) {
	page, order, err := c.listing()
	if err != nil {
		return page, nil, err
	}
	view := boxapi.View{Level: boxapi.LevelMini, Fields: c.fields()}
	if !strings.EqualFold(c.query("usemarker")+c.query("useMarker"), "true") {
		return page, func(s *Server, l tree.Listing) error {
			return s.write(c, http.StatusOK, view.Show(boxapi.ItemCollection{
				TotalCount: int(l.Total), Entries: s.items(c, l.Items, view), Offset: int(page.Offset), Limit: page.Limit, Order: order,
			}))
		}, nil
	}
	page.Order, page.Desc, page.Offset = tree.ByName, false, 0
	page.After, err = parseMark(c.query("marker"))
	return page, func(s *Server, l tree.Listing) error {
		return s.write(c, http.StatusOK, view.Show(boxapi.ItemsByMarker{
			Entries: s.items(c, l.Items, view), Limit: page.Limit, NextMarker: formatMark(l.Next),
		}))
	}, err
}

// listing is the page that a query asks for, and how it is sorted in Box's words.
func (c *call) listing() (page tree.Page, order []boxapi.Order, err error) {
	offset, limit, err := c.page(defaultLimit, maxLimit, maxOffset)
	if err != nil {
		return page, nil, err
	}
	page.Offset, page.Limit = offset, int(limit)
	by := strings.ToLower(c.query("sort"))
	switch by {
	case "", "name":
		by, page.Order = "name", tree.ByName
	case "id":
		page.Order = tree.ByID
	case "date":
		page.Order = tree.ByDate
	case "size":
		page.Order = tree.BySize
	default:
		return page, nil, content.Errorf(content.BadRequest, "sort can be name, id, date or size, not %q", by)
	}
	direction := strings.ToUpper(c.query("direction"))
	switch direction {
	case "", "ASC":
		direction = "ASC"
	case "DESC":
		page.Desc = true
	default:
		return page, nil, content.Errorf(content.BadRequest, "direction can be ASC or DESC, not %q", direction)
	}
	return page, []boxapi.Order{{By: "type", Direction: "ASC"}, {By: by, Direction: direction}}, nil
}

// kindTypes are the kinds of item in Box's words.
var kindTypes = map[tree.Kind]string{
	tree.Folder:  boxapi.TypeFolder,
	tree.File:    boxapi.TypeFile,
	tree.WebLink: boxapi.TypeWebLink,
}

// kindOfType is the kind of item that a type in Box's words names.
func kindOfType(name string) (tree.Kind, bool) {
	for kind, t := range kindTypes {
		if t == name {
			return kind, true
		}
	}
	return 0, false
}

// A marker is a place in a listing by name, as text that clients hand back.
func formatMark(m *tree.Mark) boxapi.NullString {
	if m == nil {
		return ""
	}
	return boxapi.NullString(base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s %d %s", kindTypes[m.Kind], m.ID, m.Key)))
}

func parseMark(text string) (*tree.Mark, error) {
	if text == "" || text == "0" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	head, rest, ok := strings.Cut(string(b), " ")
	id, key, ok2 := strings.Cut(rest, " ")
	kind, known := kindOfType(head)
	n, idErr := content.ParseID(id)
	if err != nil || !ok || !ok2 || key == "" || !utf8.ValidString(key) || !known || idErr != nil {
		return nil, content.Errorf(content.BadRequest, "marker %q is not one that this server gave out", text)
	}
	return &tree.Mark{Kind: kind, Key: key, ID: n}, nil
}
