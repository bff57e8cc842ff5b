package metatest

import (
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

var accounts = []test{
	{"ASettingIsReplaced", func(t *testing.T, s meta.Store) {
		missing(t, s, "setting", func(tx meta.Tx) ([]byte, error) { return tx.Setting("key") })
		for _, v := range []string{"\x00\xffbytes", "", "longer than before"} {
			update(t, s, func(tx meta.Tx) error { return tx.PutSetting("key", []byte(v)) })
			equal(t, "setting", setting(t, s, "key"), v)
		}
		update(t, s, func(tx meta.Tx) error { return tx.PutSetting("key", nil) })
		equal(t, "setting", setting(t, s, "key"), "")
	}},
	{"AUserIsKeptWhole", func(t *testing.T, s meta.Store) {
		want := user(12, "Carol@Example.net", 102)
		want.Admin, want.Quota, want.Used, want.Reserved = true, 1<<40, 5, 7
		update(t, s, func(tx meta.Tx) error { return tx.InsertUser(want) })
		equal(t, "user", get(t, s, func(tx meta.Tx) (content.User, error) { return tx.User(12) }), want)
		missing(t, s, "user 13", func(tx meta.Tx) (content.User, error) { return tx.User(13) })
	}},
	{"LoginsIgnoreCase", func(t *testing.T, s meta.Store) {
		refused(t, s, content.LoginTaken, func(tx meta.Tx) error { return tx.InsertUser(user(12, "Alice@EXAMPLE.net", 102)) })
		missing(t, s, "refused user", func(tx meta.Tx) (content.User, error) { return tx.User(12) })
		u := get(t, s, func(tx meta.Tx) (content.User, error) { return tx.UserByLogin("ALICE@example.NET") })
		equal(t, "user", u, user(alice, "alice@example.net", aliceRoot))
		missing(t, s, "unknown login", func(tx meta.Tx) (content.User, error) { return tx.UserByLogin("carol@example.net") })
	}},
	{"UsersAreListedInOrderOfID", func(t *testing.T, s meta.Store) {
		update(t, s, func(tx meta.Tx) error { return tx.InsertUser(user(5, "first@example.net", 102)) })
		var ids []content.ID
		for after := content.ID(0); ; {
			page := get(t, s, func(tx meta.Tx) ([]content.User, error) { return tx.Users(after, 2) })
			if len(page) == 0 {
				break
			}
			for _, u := range page {
				ids = append(ids, u.ID)
			}
			after = page[len(page)-1].ID
		}
		equal(t, "users", ids, []content.ID{5, alice, bob})
	}},
	{"UsageAddsUp", func(t *testing.T, s meta.Store) {
		update(t, s, func(tx meta.Tx) error {
			return first(tx.AddUsage(alice, 100, 30), tx.AddUsage(alice, 5, -10), tx.AddUsage(bob, 1, 0))
		})
		u := get(t, s, func(tx meta.Tx) (content.User, error) { return tx.User(alice) })
		equal(t, "used and reserved", []int64{u.Used, u.Reserved}, []int64{105, 20})
		refused(t, s, content.NotFound, func(tx meta.Tx) error { return tx.AddUsage(999, 1, 1) })
	}},
	{"AQuotaIsReplacedAlone", func(t *testing.T, s meta.Store) {
		want := user(alice, "alice@example.net", aliceRoot)
		for _, want.Quota = range []int64{1 << 40, 5, 0} {
			update(t, s, func(tx meta.Tx) error { return tx.SetQuota(alice, want.Quota) })
			equal(t, "user", get(t, s, func(tx meta.Tx) (content.User, error) { return tx.User(alice) }), want)
		}
		equal(t, "another user", get(t, s, func(tx meta.Tx) (content.User, error) { return tx.User(bob) }), user(bob, "bob@example.net", bobRoot))
		refused(t, s, content.NotFound, func(tx meta.Tx) error { return tx.SetQuota(999, 1) })
	}},
	{"TokensAreFoundByHash", func(t *testing.T, s meta.Store) {
		want := meta.Token{Hash: [32]byte{1, 2}, Kind: meta.DeveloperToken, User: alice, App: app, CreatedAt: start}
		ends := want
		ends.Hash, ends.App, ends.ExpiresAt = [32]byte{1, 3}, "", start.Add(time.Hour)
		update(t, s, func(tx meta.Tx) error { return first(tx.InsertToken(want), tx.InsertToken(ends)) })
		for _, want := range []meta.Token{want, ends} {
			equal(t, "token", get(t, s, func(tx meta.Tx) (meta.Token, error) { return tx.Token(want.Hash) }), want)
		}
		missing(t, s, "token", func(tx meta.Tx) (meta.Token, error) { return tx.Token([32]byte{9}) })
	}},
	{"TokensOfOneUserAndKindAreDeleted", func(t *testing.T, s meta.Store) {
		token := func(n byte, user content.ID, kind meta.TokenKind) meta.Token {
			return meta.Token{Hash: [32]byte{n}, Kind: kind, User: user, App: app, CreatedAt: start}
		}
		all := []meta.Token{token(1, alice, meta.DeveloperToken), token(2, alice, meta.DeveloperToken), token(3, alice, "other"), token(4, bob, meta.DeveloperToken)}
		update(t, s, func(tx meta.Tx) error {
			for _, one := range all {
				if err := tx.InsertToken(one); err != nil {
					return err
				}
			}
			return tx.DeleteTokens(alice, meta.DeveloperToken)
		})
		for _, one := range all[:2] {
			missing(t, s, "deleted token", func(tx meta.Tx) (meta.Token, error) { return tx.Token(one.Hash) })
		}
		for _, one := range all[2:] {
			equal(t, "token", get(t, s, func(tx meta.Tx) (meta.Token, error) { return tx.Token(one.Hash) }), one)
		}
		update(t, s, func(tx meta.Tx) error { return tx.DeleteTokens(999, meta.DeveloperToken) })
	}},
}
