package tree

import (
	"context"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// IsFavourite says whether an item is one of the caller's favourites.
func (s *Service) IsFavourite(ctx context.Context, who content.Principal, id content.ID) (is bool, err error) {
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		is, err = tx.IsFavourite(who.User, id)
		return err
	})
	return is, err
}

// favouritesAtOnce is how many rows are fetched in one go.
const favouritesAtOnce = 1000

// Favourites lists the caller's favourites, the latest first. What is in the
// trash, or what the caller may not see any more, is left out, and comes back
// when that is over.
func (s *Service) Favourites(ctx context.Context, who content.Principal, offset int64, limit int) (l Listing, err error) {
	if err := content.AllowRight(who, content.AccountItems); err != nil {
		return l, err
	}
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		l = Listing{}
		a := s.assembler(tx)
		for at := int64(0); ; at += favouritesAtOnce {
			rows, err := tx.Favourites(who.User, at, favouritesAtOnce)
			if err != nil {
				return err
			}
			for _, row := range rows {
				item, err := a.placed(row)
				if err != nil {
					return err
				}
				if content.NodeOf(item).Status != content.Active || !content.May(who, content.See, item) {
					continue
				}
				if l.Total >= offset && len(l.Items) < limit {
					l.Items = append(l.Items, item)
				}
				l.Total++
			}
			if len(rows) < favouritesAtOnce {
				return nil
			}
		}
	})
	return l, err
}
