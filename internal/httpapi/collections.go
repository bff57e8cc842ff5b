package httpapi

import (
	"net/http"

	"boxcar/boxapi"
	"boxcar/internal/content"
)

// collectionID is the id of a user's favourites, the one collection there is:
// that of the user.
func collectionID(who content.Principal) boxapi.ID { return wireID(who.User) }

// listCollections handles GET /collections.
func (s *Server) listCollections(c *call) error {
	if err := content.AllowRight(c.who, content.AccountItems); err != nil {
		return err
	}
	offset, limit, err := c.page(defaultLimit, maxLimit, maxOffset)
	if err != nil {
		return err
	}
	list := boxapi.Collections{TotalCount: 1, Offset: int(offset), Limit: int(limit)}
	if offset == 0 {
		list.Entries = append(list.Entries, boxapi.Favourites(collectionID(c.who)))
	}
	view := boxapi.View{Level: boxapi.LevelMini, Fields: c.fields()}
	return s.write(c, http.StatusOK, view.Show(list))
}

// getCollection handles GET /collections/:collection.
func (s *Server) getCollection(c *call) error {
	if err := c.collection(); err != nil {
		return err
	}
	view := boxapi.View{Level: boxapi.LevelMini, Fields: c.fields()}
	return s.write(c, http.StatusOK, view.Show(boxapi.Favourites(collectionID(c.who))))
}

// listCollection handles GET /collections/:collection/items.
func (s *Server) listCollection(c *call) error {
	if err := c.collection(); err != nil {
		return err
	}
	offset, limit, err := c.page(defaultLimit, maxLimit, maxOffset)
	if err != nil {
		return err
	}
	l, err := s.Tree.Favourites(c.Context(), c.who, offset, int(limit))
	if err != nil {
		return err
	}
	view := boxapi.View{Level: boxapi.LevelMini, Fields: c.fields()}
	return s.write(c, http.StatusOK, view.Show(boxapi.CollectionItems{
		TotalCount: int(l.Total), Entries: s.items(c, l.Items, view), Limit: int(limit), Offset: int(offset),
	}))
}

// collection checks the collection in the path.
func (c *call) collection() error {
	if err := content.AllowRight(c.who, content.AccountItems); err != nil {
		return err
	}
	if id := c.param("collection"); id != string(collectionID(c.who)) {
		return content.Errorf(content.NotFound, "you have no collection %.40q", id)
	}
	return nil
}

// collections are those that an item is in.
func (s *Server) collections(c *call, id content.ID) boxapi.List[boxapi.Collection] {
	is, err := s.Tree.IsFavourite(c.Context(), c.who, id)
	if err != nil {
		c.broken = err
	}
	if !is {
		return nil
	}
	return boxapi.List[boxapi.Collection]{boxapi.Favourites(collectionID(c.who))}
}
