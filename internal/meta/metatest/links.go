package metatest

import (
	"fmt"
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

func sharedLink(item content.ID, vanity string) meta.SharedLink {
	return meta.SharedLink{
		Item: item, Token: fmt.Sprintf("token%d", item), Access: content.LinkCompany, PasswordHash: "$hash", UnsharedAt: start.Add(time.Hour),
		Download: true, Edit: true, Vanity: vanity, VanityKey: content.VanityKey(vanity), CreatedAt: start, CreatedBy: alice,
	}
}

var links = []test{
	{"ASharedLinkIsFoundByItemTokenAndVanity", func(t *testing.T, s meta.Store) {
		put(t, s, folder(200, aliceRoot, "a", alice), file(201, aliceRoot, "b", alice, 5), link(202, aliceRoot, "c", alice))
		a, b, c := sharedLink(200, "The-Vanity-Name"), sharedLink(201, ""), sharedLink(202, "")
		b.Access, b.PasswordHash, b.UnsharedAt, b.Download, b.Edit = content.LinkOpen, "", time.Time{}, false, false
		update(t, s, func(tx meta.Tx) error {
			return first(tx.InsertSharedLink(a), tx.InsertSharedLink(b), tx.InsertSharedLink(c))
		})
		for _, l := range []meta.SharedLink{a, b, c} {
			equal(t, "by item", get(t, s, func(tx meta.Tx) (meta.SharedLink, error) { return tx.SharedLink(l.Item) }), l)
			equal(t, "by token", get(t, s, func(tx meta.Tx) (meta.SharedLink, error) { return tx.SharedLinkByToken(l.Token) }), l)
		}
		equal(t, "by vanity", get(t, s, func(tx meta.Tx) (meta.SharedLink, error) { return tx.SharedLinkByVanity("the-vanity-name") }), a)
		missing(t, s, "no vanity name", func(tx meta.Tx) (meta.SharedLink, error) { return tx.SharedLinkByVanity("") })
		missing(t, s, "no token", func(tx meta.Tx) (meta.SharedLink, error) { return tx.SharedLinkByToken("TOKEN200") })
		missing(t, s, "no link", func(tx meta.Tx) (meta.SharedLink, error) { return tx.SharedLink(aliceRoot) })
		all := func(after content.ID, limit int) []meta.SharedLink {
			return get(t, s, func(tx meta.Tx) ([]meta.SharedLink, error) { return tx.AllSharedLinks(after, limit) })
		}
		equal(t, "all", all(0, 9), []meta.SharedLink{a, b, c})
		equal(t, "all behind the first, one", all(200, 1), []meta.SharedLink{b})
		equal(t, "none", len(all(0, 0)), 0)
	}},
	{"AnItemHasOneSharedLinkAndATokenOneItem", func(t *testing.T, s meta.Store) {
		put(t, s, folder(200, aliceRoot, "a", alice), folder(201, aliceRoot, "b", alice))
		update(t, s, func(tx meta.Tx) error { return tx.InsertSharedLink(sharedLink(200, "")) })
		again := sharedLink(200, "")
		again.Token = "other"
		same := sharedLink(201, "")
		same.Token = "token200"
		nobody := sharedLink(299, "")
		for what, l := range map[string]meta.SharedLink{"a second link": again, "a token that is taken": same, "an item that is not there": nobody} {
			if err := s.Update(t.Context(), func(tx meta.Tx) error { return tx.InsertSharedLink(l) }); err == nil {
				t.Errorf("%s was inserted", what)
			}
		}
	}},
	{"AVanityNameIsOneLinksWhateverItsCase", func(t *testing.T, s meta.Store) {
		put(t, s, folder(200, aliceRoot, "a", alice), folder(201, aliceRoot, "b", alice))
		update(t, s, func(tx meta.Tx) error { return tx.InsertSharedLink(sharedLink(200, "Vanity-Vanity")) })
		refused(t, s, content.VanityTaken, func(tx meta.Tx) error { return tx.InsertSharedLink(sharedLink(201, "vanity-vanity")) })
		update(t, s, func(tx meta.Tx) error { return tx.InsertSharedLink(sharedLink(201, "")) })
		refused(t, s, content.VanityTaken, func(tx meta.Tx) error { return tx.UpdateSharedLink(sharedLink(201, "vanity-vanity")) })
		// After the refusal the transaction goes on.
		update(t, s, func(tx meta.Tx) error {
			if err := tx.UpdateSharedLink(sharedLink(201, "vanity-vanity")); !content.Is(err, content.VanityTaken) {
				t.Errorf("a vanity name that is taken gave %v", err)
			}
			return tx.UpdateSharedLink(sharedLink(201, "vanity-vanity-2"))
		})
		update(t, s, func(tx meta.Tx) error {
			return first(tx.UpdateSharedLink(sharedLink(200, "VANITY-VANITY")), tx.DeleteSharedLink(200), tx.UpdateSharedLink(sharedLink(201, "vanity-vanity")))
		})
	}},
	{"UpdateSharedLinkLeavesTokenCountsAndMaker", func(t *testing.T, s meta.Store) {
		put(t, s, folder(200, aliceRoot, "a", alice))
		want := sharedLink(200, "")
		update(t, s, func(tx meta.Tx) error {
			return first(tx.InsertSharedLink(want), tx.CountLinkUse(200, 2, 3), tx.CountLinkUse(200, 1, 0), tx.CountLinkUse(299, 1, 1))
		})
		l := want
		l.Token, l.Downloads, l.Previews, l.CreatedAt, l.CreatedBy = "x", 0, 0, time.Time{}, bob
		l.Access, l.PasswordHash, l.UnsharedAt, l.Download, l.Edit = content.LinkOpen, "", time.Time{}, false, false
		l.Vanity, l.VanityKey = "N", "n"
		update(t, s, func(tx meta.Tx) error { return tx.UpdateSharedLink(l) })
		l.Token, l.Downloads, l.Previews, l.CreatedAt, l.CreatedBy = want.Token, 3, 3, want.CreatedAt, want.CreatedBy
		equal(t, "the link", get(t, s, func(tx meta.Tx) (meta.SharedLink, error) { return tx.SharedLink(200) }), l)
		refused(t, s, content.NotFound, func(tx meta.Tx) error { return tx.UpdateSharedLink(sharedLink(299, "")) })
	}},
	{"SharedLinksGoWithTheirItems", func(t *testing.T, s meta.Store) {
		put(t, s, folder(200, aliceRoot, "a", alice), file(201, 200, "b", alice, 5))
		update(t, s, func(tx meta.Tx) error {
			return first(tx.InsertSharedLink(sharedLink(200, "")), tx.InsertSharedLink(sharedLink(201, "")))
		})
		update(t, s, func(tx meta.Tx) error { return meta.Doom(tx, folder(200, aliceRoot, "a", alice)) })
		update(t, s, func(tx meta.Tx) error {
			_, err := meta.PurgeSome(tx, 200, 0, func(int) bool { return true })
			return err
		})
		equal(t, "links", len(get(t, s, func(tx meta.Tx) ([]meta.SharedLink, error) { return tx.AllSharedLinks(0, 9) })), 0)
		update(t, s, func(tx meta.Tx) error { return first(tx.DeleteSharedLink(200), tx.DeleteSharedLink(200)) })
	}},
	{"EndedLinksAreThoseWhoseTimeHasCome", func(t *testing.T, s meta.Store) {
		put(t, s, folder(200, aliceRoot, "a", alice), folder(201, aliceRoot, "b", alice), folder(202, aliceRoot, "c", alice), folder(203, aliceRoot, "d", alice))
		update(t, s, func(tx meta.Tx) error {
			for i, at := range []time.Time{start.Add(2), start.Add(time.Microsecond), {}, start.Add(time.Hour)} {
				l := sharedLink(200+content.ID(i), "")
				l.UnsharedAt = at.Truncate(time.Microsecond)
				if err := tx.InsertSharedLink(l); err != nil {
					return err
				}
			}
			return nil
		})
		ended := func(now time.Time, limit int) (ids []content.ID) {
			for _, l := range get(t, s, func(tx meta.Tx) ([]meta.SharedLink, error) { return tx.EndedLinks(now, limit) }) {
				ids = append(ids, l.Item)
			}
			return ids
		}
		equal(t, "none yet", len(ended(start.Add(-time.Microsecond), 9)), 0)
		equal(t, "two", ended(start.Add(time.Microsecond), 9), []content.ID{200, 201})
		equal(t, "one", ended(start.Add(time.Microsecond), 1), []content.ID{200})
	}},
}
