package metatest

import (
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

var favourites = []test{
	{"FavouritesAreEachUsersOwnTheLatestFirst", func(t *testing.T, s meta.Store) {
		a, b, c := file(200, aliceRoot, "a", alice, 5), folder(201, aliceRoot, "b", alice), link(202, aliceRoot, "c", alice)
		put(t, s, a, b, c)
		set := func(user, item content.ID, is bool, hours int) {
			update(t, s, func(tx meta.Tx) error {
				return tx.SetFavourite(user, item, is, start.Add(time.Duration(hours)*time.Hour))
			})
		}
		list := func(user content.ID, offset int64, limit int) []meta.Item {
			return get(t, s, func(tx meta.Tx) ([]meta.Item, error) { return tx.Favourites(user, offset, limit) })
		}
		is := func(user, item content.ID) bool {
			return get(t, s, func(tx meta.Tx) (bool, error) { return tx.IsFavourite(user, item) })
		}
		equal(t, "favourites before any", len(list(alice, 0, 9)), 0)
		set(alice, a.ID, true, 2)
		set(alice, b.ID, true, 3)
		set(alice, c.ID, true, 3)
		set(bob, a.ID, true, 1)
		set(alice, a.ID, true, 9) // it is one already: its place stays
		equal(t, "alice's", list(alice, 0, 9), []meta.Item{c, b, a})
		equal(t, "a page", list(alice, 1, 1), []meta.Item{b})
		equal(t, "bob's", list(bob, 0, 9), []meta.Item{a})
		equal(t, "none asked for", len(list(bob, 0, 0)), 0)
		equal(t, "bob's a", is(bob, a.ID), true)
		equal(t, "bob's b", is(bob, b.ID), false)
		set(alice, b.ID, false, 4)
		set(alice, b.ID, false, 4) // again: no error
		equal(t, "without b", list(alice, 0, 9), []meta.Item{c, a})
		equal(t, "alice's b", is(alice, b.ID), false)

		a.TrashedAt = start
		update(t, s, func(tx meta.Tx) error { return tx.UpdateItem(a) })
		equal(t, "the trash is not left out", list(alice, 0, 9), []meta.Item{c, a})
	}},
	{"WhatGoesIsNobodysFavourite", func(t *testing.T, s meta.Store) {
		a, b := folder(200, aliceRoot, "a", alice), folder(201, aliceRoot, "b", alice)
		put(t, s, a, b)
		update(t, s, func(tx meta.Tx) error {
			return first(tx.SetFavourite(alice, 200, true, start), tx.SetFavourite(bob, 200, true, start), tx.SetFavourite(bob, 201, true, start))
		})
		update(t, s, func(tx meta.Tx) error { return tx.DeleteItem(200) })
		put(t, s, a)
		for _, user := range []content.ID{alice, bob} {
			equal(t, "favourite", get(t, s, func(tx meta.Tx) (bool, error) { return tx.IsFavourite(user, 200) }), false)
		}
		update(t, s, func(tx meta.Tx) error { return tx.DeleteUser(bob, start) })
		equal(t, "favourites of a deleted user", len(get(t, s, func(tx meta.Tx) ([]meta.Item, error) { return tx.Favourites(bob, 0, 9) })), 0)
		refused(t, s, content.NotFound, func(tx meta.Tx) error { return tx.SetFavourite(alice, 999, true, start) })
	}},
}
